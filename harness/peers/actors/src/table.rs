//! What the windows say: medians per side, and what the side takes per message in terms of the
//! reference, by log-ratios within blocks with the exact signed-rank interval. Above 1 the
//! reference delivers more messages per second (`by time`), or uses the cores less for each
//! (`by CPU`).

use crate::contest::{SUBJECT, Window};
use caxton_stats::signed_rank::{estimate, interval};
use caxton_stats::summary::median;
use std::collections::BTreeMap;
use std::fmt::Write;

const LEVEL: f64 = 0.95;

/// The line above the rows.
pub const HEAD: &str = "agents  side              M msg/s  CPU ns/msg  by time  95 % interval   \
                        by CPU  95 % interval    n\n";

/// One row per side of `windows`, which are of one population, in alphabetical order after the
/// reference.
pub fn rows(windows: &[Window]) -> String {
    let mut sides: BTreeMap<(bool, &str), Vec<&Window>> = BTreeMap::new();
    for window in windows {
        sides.entry((window.side != SUBJECT, window.side)).or_default().push(window);
    }
    let subject = sides.get(&(false, SUBJECT)).cloned().unwrap_or_default();
    let mut text = String::new();
    for ((is_peer, name), own) in &sides {
        let agents = own[0].agents;
        let per_second = middle(own, |window| 1e3 / wall_ns(window));
        let _ =
            write!(text, "{agents:>6}  {name:<16} {per_second:>8}  {:>10}", middle(own, cpu_ns));
        for per_message_ns in [wall_ns, cpu_ns] {
            let compared = if *is_peer { own.as_slice() } else { &[] };
            let (ratio, bounds) = words(&log_ratios(&subject, compared, per_message_ns));
            let _ = write!(text, "  {ratio:>7}  {bounds:>13}");
        }
        let _ = writeln!(text, "  {:>3}", own.len());
    }
    text
}

fn wall_ns(window: &Window) -> f64 {
    window.wall_ns as f64 / window.messages as f64
}

fn cpu_ns(window: &Window) -> f64 {
    window.cpu_ns as f64 / window.messages as f64
}

fn middle(windows: &[&Window], value: impl Fn(&Window) -> f64) -> String {
    let values: Vec<f64> = windows.iter().map(|window| value(window)).collect();
    let precise =
        |value: f64| if value < 100.0 { format!("{value:.3}") } else { format!("{value:.0}") };
    median(&values).map_or_else(|| "-".to_owned(), precise)
}

/// ln(what a message takes on the side / on the subject) of each block that both have.
fn log_ratios(subject: &[&Window], side: &[&Window], ns: fn(&Window) -> f64) -> Vec<f64> {
    let base: BTreeMap<u32, f64> =
        subject.iter().map(|window| (window.block, ns(window))).collect();
    let ratio = |window: &&Window| Some((ns(window) / base.get(&window.block)?).ln());
    // Without any CPU time between two ticks of the kernel's there is no ratio.
    side.iter().filter_map(ratio).filter(|log| log.is_finite()).collect()
}

/// The ratio, and its interval where there are windows enough for one.
fn words(ratios: &[f64]) -> (String, String) {
    let none = || "-".to_owned();
    let ratio = estimate(ratios).map_or_else(none, |log| format!("{:.2}", log.exp()));
    let bounds = interval(ratios, LEVEL);
    let in_words = |(lower, upper): (f64, f64)| format!("{:.2} … {:.2}", lower.exp(), upper.exp());
    (ratio, bounds.map_or_else(none, |bounds| in_words((bounds.lower, bounds.upper))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(block: u32, side: &'static str, wall_ns: u64) -> Window {
        let (agents, bytes, turn, cpu_ns) = (10, 1024, 0, 2 * wall_ns);
        Window { agents, bytes, block, turn, side, wall_ns, cpu_ns, messages: 1_000 }
    }

    #[test]
    fn a_peer_is_compared_within_its_block() {
        // The second half of the blocks is ten times as slow, for both.
        let slow = |block: u32| if block < 4 { 1 } else { 10 };
        let windows: Vec<Window> = (0..8)
            .flat_map(|block| {
                let ns = 200_000 * slow(block);
                [window(block, "ractor", 3 * ns), window(block, SUBJECT, ns)]
            })
            .collect();
        let text = rows(&windows);
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[0].starts_with("    10  reference "), "{text}");
        assert!(lines[1].ends_with("3.00    3.00 … 3.00     3.00    3.00 … 3.00    8"), "{text}");
    }

    #[test]
    fn few_windows_have_no_interval() {
        let text = rows(&[window(0, SUBJECT, 1_000), window(0, "actix", 2_000)]);
        let line = text.lines().last().unwrap();
        assert!(line.ends_with("2.00              -    1"), "{text}");
    }
}
