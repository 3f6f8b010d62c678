//! A library with a function that is worth measuring.

use std::collections::BTreeMap;
use std::fmt::Write;

/// The words of `text` with how often each occurs, the most frequent first.
pub fn top_words(text: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(text);
    let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
    for word in text.split_whitespace() {
        *counts.entry(word).or_default() += 1;
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by_key(|&(word, count)| (std::cmp::Reverse(count), word));
    let mut lines = String::new();
    for (word, count) in counts {
        let _ = writeln!(lines, "{word} {count}");
    }
    lines.into_bytes()
}
