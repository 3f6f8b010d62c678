//! Tables as text for a terminal of about 110 columns.

use crate::table::{Align, Table, Tone};
use comfy_table::{CellAlignment, ContentArrangement, presets};

/// How text is painted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Style {
    /// With colours, as ANSI escapes.
    pub colour: bool,
}

/// The width that notes are broken at.
const WIDTH: usize = 110;
const BOLD: &str = "\x1b[1m";
const DIM: &str = "\x1b[2m";
const RED: &str = "\x1b[31m";
const OFF: &str = "\x1b[0m";

/// `table` as lines, each ended.
pub fn paint(table: &Table, style: &Style) -> String {
    let mut out = String::new();
    if !table.title.is_empty() {
        line(&mut out, &colour(&table.title, BOLD, style));
    }
    for (text, tone) in body(table) {
        let escape = match tone {
            None => DIM,
            Some(Tone::Plain) => "",
            Some(Tone::Bad) => RED,
        };
        line(&mut out, &format!("  {}", colour(&text, escape, style)));
    }
    for note in &table.notes {
        let escape = if note.tone == Tone::Bad { RED } else { "" };
        for (i, text) in wrap(&note.text, WIDTH - 4).iter().enumerate() {
            let indent = if i == 0 { "  " } else { "    " };
            line(&mut out, &format!("{indent}{}", colour(text, escape, style)));
        }
    }
    out
}

/// `tables`, one below the other.
pub(crate) fn all(tables: &[Table], style: &Style) -> String {
    tables.iter().map(|table| paint(table, style)).collect::<Vec<_>>().join("\n")
}

fn line(out: &mut String, text: &str) {
    out.push_str(text.trim_end());
    out.push('\n');
}

fn colour(text: &str, escape: &str, style: &Style) -> String {
    if style.colour && !escape.is_empty() {
        format!("{escape}{text}{OFF}")
    } else {
        text.to_owned()
    }
}

/// The header and the rows, laid out; the header has no tone.
fn body(table: &Table) -> Vec<(String, Option<Tone>)> {
    if table.rows.is_empty() {
        return Vec::new();
    }
    let mut grid = comfy_table::Table::new();
    grid.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    let has_header = table.columns.iter().any(|column| !column.name.is_empty());
    if has_header {
        grid.set_header(table.columns.iter().map(|column| column.name.as_str()));
    }
    for row in &table.rows {
        grid.add_row(row.cells.iter().map(String::as_str));
    }
    for (column, layout) in table.columns.iter().zip(grid.column_iter_mut()) {
        layout.set_padding((0, 2));
        layout.set_cell_alignment(match column.align {
            Align::Left => CellAlignment::Left,
            Align::Right => CellAlignment::Right,
        });
    }
    let tones = has_header.then_some(None).into_iter();
    let tones = tones.chain(table.rows.iter().map(|row| Some(row.tone)));
    // One line per row: the layout breaks nothing, and a clean text has no line end.
    grid.lines().zip(tones).collect()
}

/// `text` in lines of at most `width` characters, broken at spaces where it has some.
pub(crate) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut used = 0;
    let characters: Vec<char> = text.chars().collect();
    let words = characters.split(|c| *c == ' ');
    // A word that fits on no line is cut.
    for word in words.flat_map(|word| word.chunks(width)) {
        let length = word.len();
        match lines.last_mut() {
            Some(line) if used + 1 + length <= width => {
                line.push(' ');
                line.extend(word);
                used += 1 + length;
            }
            _ => {
                lines.push(word.iter().collect());
                used = length;
            }
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    fn table() -> Table {
        let mut table = Table::new("Calls", &["<agent", "time"]);
        table.row(Tone::Plain, ["json", "12.0 µs"]);
        table.row(Tone::Bad, ["a\nb", "—"]);
        table.note(Tone::Plain, &"word ".repeat(30));
        table.note(Tone::Plain, &"x".repeat(150));
        table
    }

    #[test]
    fn a_table_lines_up_and_its_notes_are_broken() {
        expect![[r#"
            Calls
              agent     time
              json   12.0 µs
              a\nb         —
              word word word word word word word word word word word word word word word word word word word word word
                word word word word word word word word word
              xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx
                xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx
        "#]].assert_eq(&paint(&table(), &Style::default()));
    }

    #[test]
    fn colours_go_around_whole_lines_only() {
        let plain = paint(&table(), &Style::default());
        let coloured = paint(&table(), &Style { colour: true });
        assert!(coloured.contains("\x1b[31ma\\nb"));
        let mut stripped = coloured;
        for escape in [BOLD, DIM, RED, OFF] {
            stripped = stripped.replace(escape, "");
        }
        let trimmed: Vec<&str> = stripped.lines().map(str::trim_end).collect();
        assert_eq!(trimmed, plain.lines().collect::<Vec<_>>());
    }
}
