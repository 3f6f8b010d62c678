//! What the windows say: medians per side, and how many times as many messages per second the
//! reference delivers, by log-ratios within blocks with the exact signed-rank interval.

use crate::contest::{SUBJECT, Window};
use caxton_results::stats::signed_rank::{estimate, interval};
use caxton_results::stats::summary::median;
use std::collections::BTreeMap;
use std::fmt::Write;

const LEVEL: f64 = 0.95;

/// The line above the rows.
pub const HEAD: &str =
    "agents  side                M msg/s  CPU ns/msg  reference/side  95 % interval   n\n";

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
        let per_second = middle(own, |window| 1e3 / per_message(window.wall_ns, window));
        let cpu_ns = middle(own, |window| per_message(window.cpu_ns, window));
        let _ = write!(text, "{agents:>6}  {name:<18} {per_second:>8} {cpu_ns:>11}");
        let ratios = if *is_peer { log_ratios(&subject, own) } else { Vec::new() };
        let (ratio, bounds) = words(&ratios);
        let n = own.len();
        let _ = writeln!(text, "  {ratio:>14}  {bounds:>13}  {n:>2}");
    }
    text
}

fn per_message(ns: u64, window: &Window) -> f64 {
    ns as f64 / window.messages as f64
}

fn middle(windows: &[&Window], value: impl Fn(&Window) -> f64) -> String {
    let values: Vec<f64> = windows.iter().map(|window| value(window)).collect();
    let precise = |value: f64| if value < 100.0 { format!("{value:.3}") } else { format!("{value:.0}") };
    median(&values).map_or_else(|| "-".to_owned(), precise)
}

/// ln(time per message of the side / that of the subject) of each block that both have.
fn log_ratios(subject: &[&Window], side: &[&Window]) -> Vec<f64> {
    let times: BTreeMap<u32, f64> =
        subject.iter().map(|window| (window.block, per_message(window.wall_ns, window))).collect();
    let ratio = |window: &&Window| {
        let subject_ns = times.get(&window.block)?;
        Some((per_message(window.wall_ns, window) / subject_ns).ln())
    };
    side.iter().filter_map(ratio).collect()
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
        assert!(lines[1].ends_with("3.00    3.00 … 3.00   8"), "{text}");
    }

    #[test]
    fn few_windows_have_no_interval() {
        let text = rows(&[window(0, SUBJECT, 1_000), window(0, "actix", 2_000)]);
        let line = text.lines().last().unwrap();
        assert!(line.ends_with("2.00              -   1"), "{text}");
    }
}
