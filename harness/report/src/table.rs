//! A table as data: what is shown, apart from how it is painted. Every text in it is sanitised on
//! its way in, so that no painter has to.

use caxton_model::sanitise::sanitise;
use serde::Serialize;
use std::collections::BTreeMap;

const CELL_MAX: usize = 76;
/// Longest text of a cell for readers with room.
const WIDE_MAX: usize = 300;
const NOTE_MAX: usize = 600;
const NAME_MAX: usize = 24;
const PAIR_MAX: usize = 28;

/// On which side a column's texts line up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Align {
    Left,
    Right,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Tone {
    Plain,
    /// To be looked at: a failure, a warning.
    Bad,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Column {
    pub name: String,
    pub align: Align,
}

/// One row; as many cells as there are columns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Row {
    pub cells: Vec<String>,
    pub tone: Tone,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Note {
    pub text: String,
    pub tone: Tone,
}

/// A heading, rows under columns, and lines below them. Any part may be empty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Table {
    pub title: String,
    /// The columns; a table of which none has a name is a list of pairs.
    pub columns: Vec<Column>,
    pub rows: Vec<Row>,
    pub notes: Vec<Note>,
}

/// A heading, and the cell below it for a row.
pub(crate) type ColumnOf<'a, T> = (&'a str, &'a dyn Fn(&T) -> String);

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

    /// A row for each of `rows`, with a cell by each of `columns`.
    pub(crate) fn of<T>(
        title: &str,
        rows: impl IntoIterator<Item = (Tone, T)>,
        columns: &[ColumnOf<'_, T>],
    ) -> Self {
        let mut table =
            Self::new(title, &columns.iter().map(|(name, _)| *name).collect::<Vec<_>>());
        for (tone, row) in rows {
            table.row(tone, columns.iter().map(|(_, cell)| cell(&row)));
        }
        table
    }

    /// A list of pairs: names on the left, and what they stand for.
    pub fn pairs(title: &str) -> Self {
        Self::new(title, &["<", "<"])
    }

    pub fn row<T: AsRef<str>>(&mut self, tone: Tone, cells: impl IntoIterator<Item = T>) {
        let cells = cells.into_iter().map(|cell| sanitise(cell.as_ref(), CELL_MAX)).collect();
        self.rows.push(Row { cells, tone });
    }

    /// Adds a row for readers with room: its names stay whole.
    pub fn wide<T: AsRef<str>>(&mut self, tone: Tone, cells: impl IntoIterator<Item = T>) {
        let cells = cells.into_iter().map(|cell| sanitise(cell.as_ref(), WIDE_MAX)).collect();
        self.rows.push(Row { cells, tone });
    }

    pub fn pair(&mut self, name: &str, value: &str) {
        self.row(Tone::Plain, [sanitise(name, PAIR_MAX).as_str(), value]);
    }

    /// Adds a line below the rows.
    pub fn note(&mut self, tone: Tone, text: &str) {
        self.notes.push(Note { text: sanitise(text, NOTE_MAX), tone });
    }

    /// A line for each text of `told`, behind all whom it is told of, as `join` names them.
    pub(crate) fn note_each(
        &mut self,
        tone: Tone,
        join: impl Fn(&[String]) -> String,
        told: impl IntoIterator<Item = (String, String)>,
    ) {
        let mut by_text: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (text, who) in told {
            by_text.entry(text).or_default().push(who);
        }
        for (text, who) in by_text {
            self.note(tone, &format!("{}: {text}", join(&who)));
        }
    }

    /// True when it would show a heading and nothing else.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.notes.is_empty()
    }
}

/// The name of an agent, short enough for a cell.
pub(crate) fn name(text: &str) -> String {
    sanitise(text, NAME_MAX)
}
