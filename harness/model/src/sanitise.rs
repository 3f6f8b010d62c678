//! Text from outside, made harmless: agent names, messages of guests, paths.

use std::fmt::Write;

/// `text` on one line, of at most `max` characters and without what a terminal would obey or hide:
/// control and format characters, bidirectional marks, line separators and combining marks are
/// spelt out as `\u{…}`. So is what the log of GitHub's workflows would obey: `::` at the start of
/// a word, and `##[`. What passed once passes unchanged.
pub fn sanitise(text: &str, max: usize) -> String {
    let mut clean = String::new();
    for c in text.chars() {
        match c {
            // `escape_debug` would escape these three too, and they are harmless here.
            '\\' | '\'' | '"' => clean.push(c),
            ':' if clean == ":" || clean.ends_with(" :") => clean.push_str("\\u{3a}"),
            '[' if clean.ends_with("##") => clean.push_str("\\u{5b}"),
            _ => write!(clean, "{}", c.escape_debug()).expect("a String takes every character"),
        }
        // One more than fits is enough to know that it is too long: the text may be huge.
        if clean.chars().count() > max {
            break;
        }
    }
    if clean.chars().count() > max {
        let end = clean.char_indices().nth(max.saturating_sub(1)).map_or(0, |(at, _)| at);
        clean.truncate(end);
        clean.push('…');
    }
    clean
}

/// Clean `text` of at most `max` characters; what had to be cut ends in a number of its own, so
/// that two long names stay two.
pub fn short(text: &str, max: usize) -> String {
    let whole = sanitise(text, max);
    if !whole.ends_with('…') || text.ends_with('…') {
        return whole;
    }
    let end = format!("…{:016x}", fingerprint(text));
    let start: String = whole.chars().take(max.saturating_sub(end.chars().count())).collect();
    start + &end
}

/// FNV-1a: the same on every machine and with every compiler.
fn fingerprint(text: &str) -> u64 {
    let turn = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    text.bytes().fold(0xcbf2_9ce4_8422_2325, turn)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_spelt_out() {
        assert_eq!(sanitise("a\u{1b}[31mb\r\n\0", 80), r"a\u{1b}[31mb\r\n\0");
        assert_eq!(sanitise("\u{202e}evil\u{2066}\u{200f}", 80), r"\u{202e}evil\u{2066}\u{200f}");
        assert_eq!(sanitise("\u{2028}\u{feff}\u{9b}", 80), r"\u{2028}\u{feff}\u{9b}");
        assert_eq!(sanitise("z\u{336}\u{336}", 80), r"z\u{336}\u{336}");
    }

    #[test]
    fn what_a_workflow_would_obey_is_spelt_out() {
        assert_eq!(sanitise("::error::a", 80), r":\u{3a}error::a");
        assert_eq!(sanitise("\n ::error::a ##[error]b", 80), r"\n :\u{3a}error::a ##\u{5b}error]b");
        let once = sanitise(":::a ###[b", 80);
        assert_eq!((once.as_str(), sanitise(&once, 80)), (r":\u{3a}:a ###\u{5b}b", once.clone()));
    }

    #[test]
    fn ordinary_text_passes_and_passes_again() {
        for text in ["json", "it's \"µs\" — [1.50, 1.58] C:\\x", "größe", "core::fmt a: [#]", ""]
        {
            assert_eq!(sanitise(text, 80), text);
        }
        let once = sanitise("\u{7}\u{202e}", 80);
        assert_eq!(sanitise(&once, 80), once);
    }

    #[test]
    fn a_long_text_is_cut() {
        let text = "é".repeat(1_000_000);
        assert_eq!(sanitise(&text, 5), "éééé…");
        assert_eq!(sanitise("ééééé", 5), "ééééé");
        assert_eq!(sanitise("ab", 0), "…");
    }

    #[test]
    fn long_names_stay_apart() {
        let [a, b] = ["a", "b"].map(|end| short(&("x".repeat(10_000) + end), 64));
        assert_ne!(a, b);
        assert_eq!([a, b].map(|name| name.chars().count()), [64; 2]);
        assert_eq!(short("json", 64), "json");
    }
}
