//! A page as data: what it tells, in its order, apart from how it is painted.

use super::flames::Flame;
use super::told::Attachment;
use super::verdict::{Tone, Verdict};
use crate::chart::Chart;
use crate::chart::plane::Plane;
use crate::table::Table;
use serde::Serialize;

#[derive(Debug, Serialize)]
pub(super) struct Document {
    pub(super) title: String,
    pub(super) verdict: Verdict,
    pub(super) sections: Vec<Section>,
}

#[derive(Debug, Serialize)]
pub(super) struct Section {
    pub(super) id: &'static str,
    pub(super) title: &'static str,
    pub(super) figures: Vec<Figure>,
}

#[derive(Debug, Default, Serialize)]
pub(super) struct Figure {
    /// What this and the figures after it are of.
    pub(super) heading: Option<Heading>,
    /// Whether it may stand beside its neighbour where there is room.
    pub(super) is_beside: bool,
    /// Sentences above it; clean text.
    pub(super) words: Vec<String>,
    /// The run that it and those after it are of, where there are several.
    pub(super) of: String,
    #[serde(skip)]
    pub(super) chart: Option<Chart>,
    /// The chart's file, without its ending; unique once it is drawn.
    pub(super) file: String,
    /// The chart, once it is drawn.
    pub(super) svg: String,
    /// Its numbers, or tables by themselves.
    pub(super) tables: Vec<Table>,
    /// What the tables are together, where they are shown on demand.
    pub(super) folded: &'static str,
    pub(super) flame: Option<Flame>,
}

#[derive(Debug, Serialize)]
pub(super) struct Heading {
    /// Its anchor, once the page is whole.
    pub(super) id: String,
    pub(super) name: String,
    pub(super) word: String,
    pub(super) tone: Tone,
}

impl Figure {
    pub(super) fn chart(file: &str, chart: impl Into<Chart>, tables: Vec<Table>) -> Self {
        let (chart, file) = (Some(chart.into()), file.to_owned());
        Self { chart, file, tables: filled(tables), folded: "Numbers", ..Self::default() }
    }

    /// A chart above the table of what it draws.
    pub(super) fn plane(file: &str, plane: Plane) -> Self {
        let numbers = plane.table();
        Self::chart(file, plane, vec![numbers])
    }

    pub(super) fn flame(attachment: &Attachment) -> Self {
        Self { flame: Some(Flame::of(attachment)), ..Self::default() }
    }

    /// Tables that are seen at once; nothing where none has something to say.
    pub(super) fn open(tables: Vec<Table>) -> Option<Self> {
        Self::folded("", tables)
    }

    pub(super) fn folded(name: &'static str, tables: Vec<Table>) -> Option<Self> {
        let tables = filled(tables);
        (!tables.is_empty()).then(|| Self { tables, folded: name, ..Self::default() })
    }
}

fn filled(tables: Vec<Table>) -> Vec<Table> {
    tables.into_iter().filter(|table| !table.is_empty()).collect()
}
