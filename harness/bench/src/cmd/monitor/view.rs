//! What `monitor` prints: a row for each objective, again and again.

use caxton_model::load::frame::LoadSecond;
use caxton_model::slo::{AlertOptions, Slo, window_name};
use caxton_model::units::Unit;
use caxton_model::words::NONE;
use caxton_monitor::SloView;
use caxton_sys::clock;
use std::fmt::Write;

/// The names of the columns, with windows as `options` have them.
pub(super) fn head(options: AlertOptions) -> String {
    let mut text = format!(
        "Burn rate: 1 uses the error budget up in 30 days; {NONE}: no message, or too few looks.\n\
         {:<9} {:>9} {:<28} {:>9} {:>9}",
        "time UTC", "msg/s", "objective", "good", "bad"
    );
    for window_s in options.windows_s() {
        let _ = write!(text, " {:>7}", window_name(window_s));
    }
    text += "  alert\n";
    text
}

/// How each of `slos` stands, at the end of `second`; nothing before the first look.
pub(super) fn rows(slos: &[Slo], views: &[SloView], second: &LoadSecond) -> String {
    let utc = clock::utc();
    let time = utc.get(11..19).unwrap_or(&utc);
    let seconds = second.length_ns as f64 / 1e9;
    let rate = Unit::PerSecond.show(second.counts().settled() as f64 / seconds);
    let mut text = String::new();
    for (slo, view) in slos.iter().zip(views) {
        let counts = view.counts;
        let _ = write!(
            text,
            "{time:<9} {rate:>9} {:<28} {:>9} {:>9}",
            slo.name, counts.good, counts.bad
        );
        for burn in view.burns.values() {
            let burn = burn.map_or(NONE.to_owned(), |burn| format!("{burn:.2}"));
            let _ = write!(text, " {burn:>7}");
        }
        let alert = view.firing.map_or("", |severity| severity.alert());
        let _ = writeln!(text, "  {alert}");
    }
    text
}
