//! Tables as Markdown, as GitHub reads it. Words from outside stay words: what is not plainly a
//! word or a number stands in a code span, where nothing is a link, a mention or markup.

use crate::table::{Align, Table, Tone};
use caxton_model::sanitise::sanitise;
use std::fmt::Write;

/// What stands before a line that is to be looked at.
pub(crate) const LOOK: &str = "⚠️";
const LINE_MAX: usize = 400;
/// What a plain word may have beside letters and digits.
const CALM: &str = ".,;:!?+-−±%/()[]=≤≥<>×—–→≈…°'\"_*";

/// `table` under a heading of `level`.
pub(crate) fn markdown(table: &Table, level: usize) -> String {
    let mut out = String::new();
    if !table.title.is_empty() {
        push(&mut out, &format!("{} {}\n", "#".repeat(level), words(&table.title)));
    }
    if !table.rows.is_empty() {
        let names = table.columns.iter().map(|column| words(&column.name));
        push(&mut out, &row(names));
        let rules = table.columns.iter().map(|column| match column.align {
            Align::Left => ":--".to_owned(),
            Align::Right => "--:".to_owned(),
        });
        push(&mut out, &row(rules));
        for line in &table.rows {
            let mut cells: Vec<String> = line.cells.iter().map(|cell| words(cell)).collect();
            if let (Tone::Bad, Some(first)) = (line.tone, cells.first_mut()) {
                *first = format!("{LOOK} {first}").trim_end().to_owned();
            }
            push(&mut out, &row(cells));
        }
        out.push('\n');
    }
    for note in &table.notes {
        let mark = if note.tone == Tone::Bad { format!("{LOOK} ") } else { String::new() };
        push(&mut out, &format!("- {mark}{}", words(&note.text)));
    }
    if !table.notes.is_empty() {
        out.push('\n');
    }
    out
}

pub(crate) fn all(tables: &[Table], level: usize) -> String {
    tables.iter().map(|table| markdown(table, level)).collect()
}

fn push(out: &mut String, line: &str) {
    out.push_str(line);
    out.push('\n');
}

fn row(cells: impl IntoIterator<Item = String>) -> String {
    let mut line = "|".to_owned();
    for cell in cells {
        write!(line, " {cell} |").expect("a String takes every character");
    }
    line
}

/// Clean `text` as Markdown that shows just that. It has no `|`, so that it fits a cell.
pub(crate) fn words(text: &str) -> String {
    let text = text.replace('|', r"\u{7c}");
    let mut out: Vec<String> = Vec::new();
    let mut code: Vec<&str> = Vec::new();
    for word in text.split(' ') {
        if is_calm(word) {
            flush(&mut out, &mut code);
            out.push(escaped(word));
        } else {
            code.push(word);
        }
    }
    flush(&mut out, &mut code);
    out.join(" ")
}

fn flush(out: &mut Vec<String>, code: &mut Vec<&str>) {
    if !code.is_empty() {
        out.push(span(&code.join(" ")));
        code.clear();
    }
}

/// True for a word that nothing can come of but itself.
fn is_calm(word: &str) -> bool {
    let is_plain = |c: char| c.is_alphanumeric() || CALM.contains(c);
    // An address becomes a link, `:word:` a picture.
    let has_colon = word.trim_end_matches(':').contains(':') && !is_time(word);
    let is_link = word.to_lowercase().contains("www.");
    word.chars().all(is_plain) && !has_colon && !is_link || word == "@"
}

/// True for a time as records have it.
fn is_time(word: &str) -> bool {
    let is_of_time = |c: char| c.is_ascii_digit() || "-:TZ.".contains(c);
    let mut middle = word.split(':').skip(1);
    word.chars().all(is_of_time) && middle.all(|part| part.len() == 2 || part.ends_with('Z'))
}

fn escaped(word: &str) -> String {
    let mut out = String::new();
    for c in word.chars() {
        if matches!(c, '[' | ']' | '<' | '>' | '_' | '*') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// The lines of `text` in a fence that none of them can end; at most about `max` bytes of them.
pub(crate) fn fence(text: &str, max: usize) -> String {
    let mut body = String::new();
    for (index, line) in text.lines().enumerate() {
        let line = sanitise(&line.replace('\t', "    "), LINE_MAX);
        if body.len() + line.len() > max {
            let left = text.lines().count() - index;
            push(&mut body, &format!("… {left} more lines"));
            break;
        }
        push(&mut body, &line);
    }
    let marks = "`".repeat(longest_run(&body).max(2) + 1);
    format!("{marks}text\n{body}{marks}\n")
}

fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

/// A code span, in more backticks than stand side by side in `code`.
pub(crate) fn span(code: &str) -> String {
    let fence = "`".repeat(longest_run(code) + 1);
    let pad = if code.starts_with('`') || code.ends_with('`') { " " } else { "" };
    format!("{fence}{pad}{code}{pad}{fence}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    #[test]
    fn a_table_has_its_alignment_and_its_notes_a_list() {
        let mut table = Table::new("Calls: all of them", &["<agent", "time"]);
        table.row(Tone::Plain, ["json", "12.0 µs"]);
        table.row(Tone::Bad, ["a\nb|c", "[1.50, 1.58]"]);
        table.note(Tone::Plain, "wasm_call_ns is 1 < 2");
        table.note(Tone::Bad, "echo: refused: no valid module");
        expect![[r#"
            ### Calls: all of them

            | agent | time |
            | :-- | --: |
            | json | 12.0 µs |
            | ⚠️ `a\nb\u{7c}c` | \[1.50, 1.58\] |

            - wasm\_call\_ns is 1 \< 2
            - ⚠️ echo: refused: no valid module

        "#]]
        .assert_eq(&markdown(&table, 3));
    }

    #[test]
    fn what_would_be_more_than_words_is_code() {
        for (text, shown) in [
            ("@all see #1 now", "`@all` see `#1` now"),
            ("<img src=x>&amp;", r"\<img `src=x>&amp;`"),
            ("http://x.y www.x.y :tada: a::b", "`http://x.y www.x.y :tada: a::b`"),
            ("a`b ``", "``` a`b `` ```"),
            ("$x$ ~~y~~ \\*", r"`$x$ ~~y~~ \*`"),
            ("2026-01-02T03:14:05Z CPU @ 2 GHz", "2026-01-02T03:14:05Z CPU @ 2 GHz"),
            ("1:100:2", "`1:100:2`"),
            ("", ""),
        ] {
            assert_eq!(words(text), shown);
        }
    }

    #[test]
    fn a_fence_is_longer_than_what_is_in_it() {
        assert_eq!(fence("a\n```\n@x", 100), "````text\na\n```\n@x\n````\n");
        assert_eq!(fence("", 100), "```text\n```\n");
        assert_eq!(fence("aaaa\nbbbb\ncccc\n", 8), "```text\naaaa\n… 2 more lines\n```\n");
    }
}
