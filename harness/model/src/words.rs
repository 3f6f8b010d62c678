//! Numbers and names as words, the same in every table, sentence and file.

use crate::estimate::Interval;
use crate::sanitise::sanitise;
use crate::units::Unit;

/// What stands where there is no value.
pub const NONE: &str = "—";

/// Whether two runs differ in what `name` says of each. A file that one of the two did not build is
/// no other way of building it.
pub fn differ(name: &str, sides: [&str; 2]) -> bool {
    let is_built_by_one = name.ends_with(" compiler") && sides.contains(&NONE);
    sides[0] != sides[1] && !is_built_by_one
}
/// Longest name of a case in a line: subjects and parameters are ours, and tell cases apart.
const LABEL_MAX: usize = 60;

/// A name for the thing at `index`: A … Z, then AA and so on.
pub fn letter(index: usize) -> String {
    let own = char::from(b'A' + (index % 26) as u8);
    if index < 26 { own.to_string() } else { letter(index / 26 - 1) + &own.to_string() }
}

/// So many of `what`, which takes an s where it is not one.
pub fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// Two bounds in square brackets; a ratio's without its `x`.
pub fn bounds(interval: &Interval, unit: Unit) -> String {
    match unit {
        Unit::Ratio => format!("[{:.3}, {:.3}]", interval.lower, interval.upper),
        _ => format!("[{}, {}]", unit.show(interval.lower), unit.show(interval.upper)),
    }
}

/// How sure an interval is, in words: its level, or that its readings are equal, or are not.
pub fn level(interval: &Interval) -> String {
    match interval.level {
        Interval::EXACT => "exact".to_owned(),
        _ if interval.is_range() => "range".to_owned(),
        level => percent(level),
    }
}

/// A level in per cent, with as many digits as tell it from 100: `95 %`, `99.97 %`.
pub fn percent(level: f64) -> String {
    let digits = match 1.0 - level {
        miss if miss >= 0.01 - 1e-9 => 0,
        miss if miss >= 0.001 => 1,
        miss if miss >= 0.0001 => 2,
        _ => 4,
    };
    format!("{:.digits$} %", level * 100.0)
}

/// A whole number with its digits in groups of three; any other with two decimals.
pub fn grouped(value: f64) -> String {
    if value.fract() != 0.0 || value.abs() >= 1e15 {
        return format!("{value:.2}");
    }
    let digits = format!("{:.0}", value.abs());
    let mut text = if value < 0.0 { "-".to_owned() } else { String::new() };
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Names in a row; of many, the first ones and a count.
pub fn list(names: &[String]) -> String {
    const SHOWN: usize = 20;
    const CHARS: usize = 300;
    let mut text = String::new();
    for (i, label) in names.iter().enumerate() {
        if i == SHOWN || text.chars().count() > CHARS {
            return format!("{text} and {} more", names.len() - i);
        }
        let separator = if i == 0 { "" } else { ", " };
        text = text + separator + &sanitise(label, LABEL_MAX);
    }
    text
}

/// Case keys in a row, whole: a name that is cut cannot be looked for. Of many, the first ones and
/// a count.
pub fn some(keys: &[String]) -> String {
    const SHOWN: usize = 4;
    let (shown, more) = keys.split_at(keys.len().min(SHOWN));
    match more.len() {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_shows_what_it_misses() {
        let shown = [0.95, 0.99, 1.0 - 0.01 / 6.0, 1.0 - 0.01 / 32.0, 0.99999].map(percent);
        assert_eq!(shown, ["95 %", "99 %", "99.8 %", "99.97 %", "99.9990 %"]);
    }

    #[test]
    fn exact_numbers_keep_their_digits() {
        let shown = [0.0, 999.0, 1000.0, 10_485_632.0, -1234.0, 2.5].map(grouped);
        assert_eq!(shown, ["0", "999", "1,000", "10,485,632", "-1,234", "2.50"]);
    }
}
