//! Text from outside in Markdown, made harmless; and tables.
//!
//! What is from outside stands in code spans and fences and nowhere else: there nothing is a
//! mention, a link, a heading or a tag.

use crate::report::sanitise::sanitise;
use crate::report::table::{Table, Tone};
use std::fmt::Write;

/// Longest text in a code span.
const SPAN_MAX: usize = 300;
/// Longest line in a fence.
const LINE_MAX: usize = 400;

/// `text` in a code span that also a table's cell can hold. The two marks that would end either are
/// replaced by their likes.
pub(super) fn span(text: &str) -> String {
    let text = sanitise(text, SPAN_MAX).replace('`', "'").replace('|', "¦");
    // A span of nothing would show its own marks.
    match text.trim() {
        "" => "—".to_owned(),
        text => format!("`{text}`"),
    }
}

/// The lines of `text` in a fence that none of them can end; at most about `max` bytes of them.
pub(super) fn fence(text: &str, max: usize) -> String {
    let mut body = String::new();
    for (index, line) in text.lines().enumerate() {
        let line = sanitise(&line.replace('\t', "    "), LINE_MAX);
        if body.len() + line.len() > max {
            let left = text.lines().count() - index;
            writeln!(body, "… {left} more lines").expect("a String takes every character");
            break;
        }
        body.push_str(&line);
        body.push('\n');
    }
    let marks = "`".repeat(longest_run(&body, '`').max(2) + 1);
    format!("{marks}text\n{body}{marks}\n")
}

fn longest_run(text: &str, mark: char) -> usize {
    let runs = text.split(|c| c != mark).map(str::len);
    runs.max().unwrap_or(0)
}

/// A table of the report, as Markdown: its words stand in spans.
pub(super) fn table(table: &Table) -> String {
    let mut text = String::new();
    if !table.title.is_empty() {
        text = format!("**{}**\n\n", span(&table.title).trim_matches('`'));
    }
    if !table.rows.is_empty() {
        text += &row(table.columns.iter().map(|column| column.name.clone()));
        text += &row(table.columns.iter().map(|_| "---".to_owned()));
        for line in &table.rows {
            text += &row(line.cells.iter().map(|cell| span(cell)));
        }
        text.push('\n');
    }
    for note in &table.notes {
        let mark = if note.tone == Tone::Bad { "⚠ " } else { "" };
        text += &format!("- {mark}{}\n", long_span(&note.text));
    }
    text.push('\n');
    text
}

/// A note: its own limit is longer than that of a span.
fn long_span(text: &str) -> String {
    format!("`{}`", text.replace('`', "'").trim())
}

/// A line of a table whose cells are clean.
pub(super) fn row(cells: impl IntoIterator<Item = String>) -> String {
    let cells: Vec<String> = cells.into_iter().collect();
    format!("| {} |\n", cells.join(" | "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_from_outside_leaves_its_span() {
        assert_eq!(span("a|b`c`\n@all <script>"), r"`a¦b'c'\n@all <script>`");
        assert_eq!(span("\u{202e}x"), r"`\u{202e}x`");
        assert_eq!(span("  "), "—");
    }

    #[test]
    fn a_fence_is_longer_than_what_is_in_it() {
        assert_eq!(fence("a\n```\n@x", 100), "````text\na\n```\n@x\n````\n");
        assert_eq!(fence("", 100), "```text\n```\n");
        assert_eq!(fence("aaaa\nbbbb\ncccc\n", 8), "```text\naaaa\n… 2 more lines\n```\n");
    }
}
