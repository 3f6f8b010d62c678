//! Tables as text for a terminal of about 110 columns.

use crate::table::{Align, Table, Tone};
use comfy_table::{CellAlignment, ContentArrangement, presets};

/// How text is painted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Style {
    /// With colours, as ANSI escapes.
    pub colour: bool,
    /// Characters of a line on the terminal; none where there is none.
    pub width: Option<usize>,
}

/// The width that notes are broken at, on a terminal that has it.
const WIDTH: usize = 110;
/// No narrower terminal is written for.
const NARROW: usize = 40;
/// Before a row, and behind each cell.
const INDENT: usize = 2;
const GAP: usize = 2;
/// Characters that a column of texts keeps while there are figures to leave out, and those that it
/// keeps in any case.
const TEXT: usize = 32;
const TEXT_MIN: usize = 12;
const BOLD: &str = "\x1b[1m";
const DIM: &str = "\x1b[2m";
const RED: &str = "\x1b[31m";
const OFF: &str = "\x1b[0m";

/// `table` as lines, each ended.
pub fn paint(table: &Table, style: &Style) -> String {
    let mut out = String::new();
    if !table.title.is_empty() {
        let width = style.width.unwrap_or(usize::MAX).max(NARROW);
        for text in wrap(&table.title, width) {
            line(&mut out, &colour(&text, BOLD, style));
        }
    }
    let shown = fitting(table, style.width);
    for (text, tone) in body(table, &shown) {
        let escape = match tone {
            None => DIM,
            Some(Tone::Plain) => "",
            Some(Tone::Bad) => RED,
        };
        line(&mut out, &format!("  {}", colour(&text, escape, style)));
    }
    let columns = table.columns.iter().enumerate();
    let is_out = |at: &usize| shown.iter().all(|column| column.at != *at);
    let left_out = columns.filter(|(at, _)| is_out(at)).map(|(_, column)| &*column.name);
    let left_out: Vec<&str> = left_out.collect();
    let width = style.width.map_or(WIDTH, |width| width.clamp(NARROW, WIDTH));
    if !left_out.is_empty() {
        let text = format!("no room for: {}", left_out.join(", "));
        for text in wrap(&text, width - 4) {
            line(&mut out, &format!("  {}", colour(&text, DIM, style)));
        }
    }
    for note in &table.notes {
        let escape = if note.tone == Tone::Bad { RED } else { "" };
        for (i, text) in wrap(&note.text, width - 4).iter().enumerate() {
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

/// A column that is shown, and the characters that its cells may have.
#[derive(Debug, Clone, Copy)]
struct ShownColumn {
    at: usize,
    width: usize,
}

/// What of `table` fits a terminal of `width`: long texts are cut first, then figures are left out
/// from the right, then texts are cut as far as they have to be.
fn fitting(table: &Table, width: Option<usize>) -> Vec<ShownColumn> {
    let all = (0..table.columns.len()).map(|at| ShownColumn { at, width: width_of(table, at) });
    let mut shown: Vec<ShownColumn> = all.collect();
    let Some(width) = width else { return shown };
    let is_text = |column: &ShownColumn| table.columns[column.at].align == Align::Left;
    let too_wide = |shown: &[ShownColumn]| {
        let used: usize = shown.iter().map(|column| column.width + GAP).sum();
        (INDENT + used).saturating_sub(width + GAP)
    };
    let cut = |shown: &mut Vec<ShownColumn>, least: usize| {
        let texts = shown.iter_mut().filter(|column| is_text(column) && column.width > least);
        let Some(widest) = texts.max_by_key(|column| column.width) else { return false };
        widest.width -= 1;
        true
    };
    while too_wide(&shown) > 0 && cut(&mut shown, TEXT) {}
    while too_wide(&shown) > 0 {
        let Some(last) = shown.iter().rposition(|column| !is_text(column)) else { break };
        shown.remove(last);
    }
    while too_wide(&shown) > 0 && cut(&mut shown, TEXT_MIN) {}
    shown
}

/// Characters of the widest cell of a column.
fn width_of(table: &Table, column: usize) -> usize {
    let cells = table.rows.iter().map(|row| row.cells[column].chars().count());
    cells.max().unwrap_or(0).max(table.columns[column].name.chars().count())
}

/// `text` in at most `width` characters.
fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    format!("{}…", text.chars().take(width.saturating_sub(1)).collect::<String>())
}

/// The header and the rows, laid out in the columns that are `shown`; the header has no tone.
fn body(table: &Table, shown: &[ShownColumn]) -> Vec<(String, Option<Tone>)> {
    if table.rows.is_empty() {
        return Vec::new();
    }
    let mut grid = comfy_table::Table::new();
    grid.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    let has_header = table.columns.iter().any(|column| !column.name.is_empty());
    if has_header {
        grid.set_header(shown.iter().map(|of| cut(&table.columns[of.at].name, of.width)));
    }
    for row in &table.rows {
        grid.add_row(shown.iter().map(|of| cut(&row.cells[of.at], of.width)));
    }
    for (of, layout) in shown.iter().zip(grid.column_iter_mut()) {
        layout.set_padding((0, 2));
        layout.set_cell_alignment(match table.columns[of.at].align {
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
    fn what_does_not_fit_the_terminal_is_left_out_and_named() {
        let mut table = Table::new("Calls", &["<agent", "time", "interval", "n", "<outcome"]);
        table.row(Tone::Plain, ["json", "12.0 µs", "[11.9 µs, 12.1 µs]", "15", "ran, compared"]);
        table.note(Tone::Plain, &"word ".repeat(12));
        let at = |width| paint(&table, &Style { colour: false, width: Some(width) });
        expect![[r#"
            Calls
              agent     time  outcome
              json   12.0 µs  ran, compared
              no room for: interval, n
              word word word word word word word
                word word word word word
        "#]]
        .assert_eq(&at(40));
        // 2, and 5+2, 7+2, 18+2, 2+2, 13.
        assert!(!at(55).contains("no room") && at(54).contains("no room for: n"), "{}", at(54));
        // A long text gives way before a figure does.
        let mut long = Table::new("Changes", &["<verdict", "<case", "ratio"]);
        long.row(Tone::Plain, ["REGRESSED", &"case/".repeat(14), "1.034x"]);
        let text = paint(&long, &Style { colour: false, width: Some(60) });
        assert!(text.contains("REGRESSED  case/") && text.contains("1.034x"), "{text}");
        assert!(
            text.lines().all(|line| line.chars().count() <= 60) && text.contains('…'),
            "{text}"
        );
        let mut pairs = Table::pairs("Machine");
        pairs.pair("kernel", &"long ".repeat(12));
        let text = paint(&pairs, &Style { colour: false, width: Some(40) });
        assert!(
            text.lines().all(|line| line.chars().count() <= 40) && text.contains('…'),
            "{text}"
        );
    }

    #[test]
    fn colours_go_around_whole_lines_only() {
        let plain = paint(&table(), &Style::default());
        let coloured = paint(&table(), &Style { colour: true, width: None });
        assert!(coloured.contains("\x1b[31ma\\nb"));
        let mut stripped = coloured;
        for escape in [BOLD, DIM, RED, OFF] {
            stripped = stripped.replace(escape, "");
        }
        let trimmed: Vec<&str> = stripped.lines().map(str::trim_end).collect();
        assert_eq!(trimmed, plain.lines().collect::<Vec<_>>());
    }
}
