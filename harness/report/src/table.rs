//! A table as data: what is shown, apart from how it is painted. Every text in it is sanitised on
//! its way in, so that no painter has to.

use caxton_model::sanitise::sanitise;
use serde::Serialize;

/// Longest text of a cell.
const CELL_MAX: usize = 76;
/// Longest text of a cell for readers with room.
const WIDE_MAX: usize = 300;
/// Longest text of a note.
const NOTE_MAX: usize = 600;
/// Longest name of an agent or case in a cell.
const NAME_MAX: usize = 24;
/// Longest first half of a pair.
const PAIR_MAX: usize = 28;

/// On which side a column's texts line up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Align {
    /// Words.
    Left,
    /// Numbers.
    Right,
}

/// How a line is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Tone {
    /// As any other.
    Plain,
    /// To be looked at: a failure, a warning.
    Bad,
}

/// The heading of a column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Column {
    /// Its words.
    pub name: String,
    /// How its cells line up.
    pub align: Align,
}

/// One row; as many cells as there are columns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Row {
    /// Clean text.
    pub cells: Vec<String>,
    /// How it is meant.
    pub tone: Tone,
}

/// A line below a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Note {
    /// Clean text.
    pub text: String,
    /// How it is meant.
    pub tone: Tone,
}

/// A heading, rows under columns, and lines below them. Any part may be empty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Table {
    /// The heading.
    pub title: String,
    /// The columns; a table of which none has a name is a list of pairs.
    pub columns: Vec<Column>,
    /// The rows.
    pub rows: Vec<Row>,
    /// The lines below.
    pub notes: Vec<Note>,
}

impl Table {
    /// A table without rows. A column whose name starts with `<` lines up on the left.
    pub fn new(title: &str, columns: &[&str]) -> Self {
        let column = |name: &&str| match name.strip_prefix('<') {
            Some(name) => Column { name: sanitise(name, CELL_MAX), align: Align::Left },
            None => Column { name: sanitise(name, CELL_MAX), align: Align::Right },
        };
        Self {
            title: sanitise(title, NOTE_MAX),
            columns: columns.iter().map(column).collect(),
            rows: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// A list of pairs: names on the left, and what they stand for.
    pub fn pairs(title: &str) -> Self {
        Self::new(title, &["<", "<"])
    }

    /// Adds a row.
    pub fn row<T: AsRef<str>>(&mut self, tone: Tone, cells: impl IntoIterator<Item = T>) {
        let cells = cells.into_iter().map(|cell| sanitise(cell.as_ref(), CELL_MAX)).collect();
        self.rows.push(Row { cells, tone });
    }

    /// Adds a row for readers with room: its names stay whole.
    pub(crate) fn wide<T: AsRef<str>>(&mut self, tone: Tone, cells: impl IntoIterator<Item = T>) {
        let cells = cells.into_iter().map(|cell| sanitise(cell.as_ref(), WIDE_MAX)).collect();
        self.rows.push(Row { cells, tone });
    }

    /// Adds a pair.
    pub fn pair(&mut self, name: &str, value: &str) {
        self.row(Tone::Plain, [sanitise(name, PAIR_MAX).as_str(), value]);
    }

    /// Adds a line below the rows.
    pub fn note(&mut self, tone: Tone, text: &str) {
        self.notes.push(Note { text: sanitise(text, NOTE_MAX), tone });
    }

    /// True when it would show a heading and nothing else.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.notes.is_empty()
    }
}

/// The name of an agent, short enough for a cell.
pub fn name(text: &str) -> String {
    sanitise(text, NAME_MAX)
}
