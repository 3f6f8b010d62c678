//! From values to places on an axis, and which round values get a line there.

use caxton_model::units::Unit;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scale {
    /// Evenly, over what there is.
    Linear,
    /// Evenly, and 0 is on it.
    FromZero,
    /// By factors.
    Log,
    /// Quantiles between 0 and 1, by log 1/(1−q): each nine is as wide as the one before.
    Nines,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Axis {
    pub(crate) title: String,
    pub(crate) scale: Scale,
    pub(crate) unit: Unit,
}

impl Axis {
    pub(crate) fn new(title: &str, scale: Scale, unit: Unit) -> Self {
        Self { title: title.to_owned(), scale, unit }
    }
}

const S: f64 = 1e9;
/// From here on a time is told in minutes.
const MINUTES_FROM: f64 = 600.0 * S;
/// Where an axis without room ends, by its last value: a mark is as wide as this.
const TIGHT: f64 = 1.01;
/// The last quantile that an axis shows: one in a billion.
const NINES_MAX: f64 = 9.0;
/// Beyond so many nines their words do not stand side by side.
const NINES_WIDE: f64 = 7.5;

/// An axis with its ends.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fitted {
    scale: Scale,
    unit: Unit,
    /// In what is linear on paper.
    lower: f64,
    upper: f64,
    span: (i32, i32),
}

/// What is linear on paper; none for a value that `scale` has no place for.
fn paper(scale: Scale, value: f64) -> Option<f64> {
    let place = match scale {
        Scale::Linear | Scale::FromZero => value,
        Scale::Log if value > 0.0 => value.log10(),
        Scale::Nines if (0.0..=1.0).contains(&value) => (-(1.0 - value).log10()).min(NINES_MAX),
        Scale::Log | Scale::Nines => return None,
    };
    place.is_finite().then_some(place)
}

impl Fitted {
    /// An axis that has all of `values` that it can have, from pixel `span.0` to `span.1`; none
    /// where there is no such value, or where they lie too far apart for numbers.
    pub(crate) fn over(
        axis: &Axis,
        values: impl Iterator<Item = f64>,
        span: (i32, i32),
    ) -> Option<Self> {
        let Axis { scale, unit, .. } = *axis;
        let places = values.filter_map(|value| paper(scale, value));
        let ends = places.fold(None, |ends: Option<(f64, f64)>, place| {
            Some(ends.map_or((place, place), |(a, b)| (a.min(place), b.max(place))))
        });
        let (mut lower, mut upper) = ends?;
        match scale {
            Scale::Linear | Scale::FromZero => {
                if scale == Scale::FromZero {
                    (lower, upper) = (lower.min(0.0), upper.max(0.0));
                }
                let least = lower.abs().max(upper.abs()).max(1e-9) * 1e-3;
                let pad = ((upper - lower) * 0.06).max(least);
                lower -= if scale == Scale::FromZero && lower == 0.0 { 0.0 } else { pad };
                upper += if scale == Scale::FromZero && upper == 0.0 { 0.0 } else { pad };
            }
            Scale::Log => {
                // At least a factor of 3, so that noise looks like noise.
                let short = (3.0_f64.log10() - (upper - lower)).max(0.0) / 2.0;
                let pad = ((upper - lower) * 0.05).max(short);
                (lower, upper) = (lower - pad, upper + pad);
            }
            Scale::Nines => (lower, upper) = (0.0, upper.max(1.0) * 1.03),
        }
        (upper - lower).is_finite().then_some(Self { scale, unit, lower, upper, span })
    }

    /// The same axis without the room beyond its last value: for one that goes across.
    pub(crate) fn tight(self, last: f64) -> Self {
        match self.scale {
            Scale::FromZero if last > 0.0 => Self { upper: last * TIGHT, ..self },
            _ => self,
        }
    }

    /// The place of `value`; none where it has none.
    pub(crate) fn at(&self, value: f64) -> Option<i32> {
        let share = (paper(self.scale, value)? - self.lower) / (self.upper - self.lower);
        let length = f64::from(self.span.1 - self.span.0);
        Some(self.span.0 + (share.clamp(-0.01, 1.01) * length).round() as i32)
    }

    /// Round values with their words, at least `gap` pixels apart.
    pub(crate) fn ticks(&self, gap: f64) -> Vec<(f64, String)> {
        let length = f64::from((self.span.1 - self.span.0).abs());
        let least = gap * (self.upper - self.lower) / length;
        match self.scale {
            Scale::Linear | Scale::FromZero => self.even(least),
            Scale::Log => self.decades(least),
            Scale::Nines => (0..=NINES_MAX as i32)
                .step_by(if self.upper > NINES_WIDE { 2 } else { 1 })
                .filter(|nines| f64::from(*nines) <= self.upper)
                .map(|nines| (1.0 - 10_f64.powi(-nines), nines_words(nines)))
                .collect(),
        }
    }

    fn even(&self, least: f64) -> Vec<(f64, String)> {
        let most = self.upper.abs().max(self.lower.abs());
        let step = step(self.unit, least, most);
        let first = (self.lower / step - 1e-9).ceil() as i64;
        let last = (self.upper / step + 1e-9).floor() as i64;
        let ticks = (first..=last.min(first + 100)).map(|i| i as f64 * step);
        match self.unit {
            Unit::Bytes => ticks.map(|value| (value, bytes_words(value, step, most))).collect(),
            _ => ticks.map(|value| (value, words(self.unit, value))).collect(),
        }
    }

    fn decades(&self, least: f64) -> Vec<(f64, String)> {
        const TENS: [&[f64]; 4] = [
            &[1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0],
            &[1.0, 1.5, 2.0, 3.0, 5.0, 7.0],
            &[1.0, 2.0, 5.0],
            &[1.0],
        ];
        const TWOS: [&[f64]; 4] = [
            &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0],
            &[1.0, 4.0, 16.0, 64.0, 256.0],
            &[1.0, 32.0],
            &[1.0],
        ];
        let (base, steps): (f64, _) =
            if self.unit == Unit::Bytes { (1024.0, TWOS) } else { (10.0, TENS) };
        let ranks = [self.lower, self.upper].map(|end| (end / base.log10()).floor() as i32);
        let over = |steps: &[f64], every: usize| -> Vec<f64> {
            let ranks = (ranks[0]..=ranks[1]).filter(|rank| *rank % every as i32 == 0);
            let ticks = ranks.flat_map(|rank| steps.iter().map(move |s| s * base.powi(rank)));
            ticks.filter(|tick| (self.lower..=self.upper).contains(&tick.log10())).collect()
        };
        let has_room =
            |ticks: &[f64]| ticks.windows(2).all(|two| (two[1] / two[0]).log10() >= least);
        let fine = steps.iter().map(|steps| over(steps, 1));
        let coarse = [2, 3, 5, 10].into_iter().map(|every| over(&[1.0], every));
        let found = fine.chain(coarse).find(|ticks| has_room(ticks)).unwrap_or_default();
        found.into_iter().map(|tick| (tick, words(self.unit, tick))).collect()
    }
}

/// The least round step of `unit` that is no less than `least`, on an axis that goes to `most`.
fn step(unit: Unit, least: f64, most: f64) -> f64 {
    let round = |least: f64| {
        let power = 10_f64.powf(least.log10().floor());
        let steps = [1.0, 2.0, 5.0, 10.0].into_iter().map(|step| step * power);
        steps.into_iter().find(|step| *step >= least * (1.0 - 1e-9)).unwrap_or(10.0 * power)
    };
    match unit {
        Unit::Nanos if most >= MINUTES_FROM => {
            let steps = [60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200];
            let steps = steps.into_iter().map(|s| f64::from(s) * S);
            steps.into_iter().find(|s| *s >= least).unwrap_or_else(|| round(least / S) * S)
        }
        Unit::Bytes => {
            // Round in what `most` is told in; of bytes there are no parts.
            let unit = bytes_unit(most).0;
            (round(least / unit) * unit).max(1.0)
        }
        Unit::Count => round(least).max(1.0),
        _ => round(least),
    }
}

/// The unit in which so many bytes are told.
fn bytes_unit(most: f64) -> (f64, &'static str) {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let rank = (most.max(1.0).log2() / 10.0).floor().min(4.0);
    (1024_f64.powf(rank), UNITS[rank as usize])
}

/// Bytes with as many digits as steps of `step` take, in the unit of an axis that goes to `most`.
fn bytes_words(value: f64, step: f64, most: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    let (unit, name) = bytes_unit(most);
    let digits = (-(step / unit).log10() - 1e-9).ceil().clamp(0.0, 6.0) as usize;
    format!("{:.digits$} {name}", value / unit)
}

/// `value` without digits that say nothing: `1 ms`, `1.2x`.
pub(crate) fn words(unit: Unit, value: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    if unit == Unit::Nanos && value.abs() >= MINUTES_FROM {
        let minutes = value / (60.0 * S);
        return if minutes % 60.0 == 0.0 {
            format!("{} h", minutes / 60.0)
        } else {
            format!("{minutes:.0} min")
        };
    }
    let shown = match unit {
        // On an axis of factors there are small ones.
        Unit::Ratio => format!("{value:.7}x"),
        _ => unit.show(value),
    };
    let end = shown.find(|c: char| !(c.is_ascii_digit() || ".-".contains(c)));
    let (number, suffix) = shown.split_at(end.unwrap_or(shown.len()));
    let number = match number.contains('.') {
        true => number.trim_end_matches('0').trim_end_matches('.'),
        false => number,
    };
    format!("{number}{suffix}").trim_end().to_owned()
}

/// `99.9 %` for three nines.
fn nines_words(nines: i32) -> String {
    match nines {
        0 => "0 %".to_owned(),
        1 => "90 %".to_owned(),
        2 => "99 %".to_owned(),
        more => format!("99.{} %", "9".repeat((more - 2) as usize)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticks(unit: Unit, scale: Scale, ends: [f64; 2]) -> Vec<String> {
        let axis = Axis { title: String::new(), scale, unit };
        let fitted = Fitted::over(&axis, ends.into_iter(), (0, 400)).unwrap();
        fitted.ticks(60.0).into_iter().map(|(_, words)| words).collect()
    }

    #[test]
    fn ticks_are_round_in_their_unit() {
        let time = ticks(Unit::Nanos, Scale::FromZero, [0.0, 7e9]);
        assert_eq!(time, ["0", "2 s", "4 s", "6 s"]);
        let day = ticks(Unit::Nanos, Scale::FromZero, [0.0, 86_400e9]);
        assert_eq!(day, ["0", "6 h", "12 h", "18 h", "24 h"]);
        let size = ticks(Unit::Bytes, Scale::Linear, [100.0 * 1048576.0, 130.0 * 1048576.0]);
        assert_eq!(size, ["100 MiB", "110 MiB", "120 MiB", "130 MiB"]);
        let rates = ticks(Unit::PerSecond, Scale::Log, [1e3, 1e7]);
        assert_eq!(rates, ["1 k/s", "10 k/s", "100 k/s", "1 M/s", "10 M/s"]);
        let shares = ticks(Unit::Share, Scale::Linear, [-0.1, 0.9]);
        assert_eq!(shares, ["0", "20 %", "40 %", "60 %", "80 %"]);
        let nines = ticks(Unit::Share, Scale::Nines, [0.5, 0.9995]);
        assert_eq!(nines, ["0 %", "90 %", "99 %", "99.9 %"]);
        assert_eq!(ticks(Unit::Ratio, Scale::Log, [1.0, 1.2]), ["0.8x", "1x", "1.2x", "1.5x"]);
        assert_eq!(ticks(Unit::Ratio, Scale::Log, [1e-4, 1.0])[0], "0.0001x");
        let memory = ticks(Unit::Bytes, Scale::Log, [30.0 * 1024.0, 8.0 * 1048576.0]);
        assert_eq!(memory, ["64 KiB", "256 KiB", "1 MiB", "4 MiB"]);
    }

    #[test]
    fn what_has_no_place_gets_none() {
        let axis = Axis { title: String::new(), scale: Scale::Log, unit: Unit::Count };
        let bad = [0.0, -1.0, f64::NAN, f64::INFINITY];
        assert!(Fitted::over(&axis, bad.into_iter(), (0, 100)).is_none());
        let fitted = Fitted::over(&axis, [1.0, 10.0].into_iter(), (0, 100)).unwrap();
        assert_eq!(bad.map(|value| fitted.at(value)), [None; 4]);
        let axis = Axis { scale: Scale::Linear, ..axis };
        let flat = Fitted::over(&axis, [5.0, 5.0].into_iter(), (0, 100)).unwrap();
        assert_eq!(flat.at(5.0), Some(50));
        let zero = Fitted::over(&axis, [0.0].into_iter(), (0, 100)).unwrap();
        assert_eq!(zero.at(0.0), Some(50));
    }
}
