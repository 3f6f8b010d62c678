//! Charts: numbers in, SVG out. What is drawn is data ([`plane::Plane`], [`rows::Rows`]); nothing
//! here knows a record. The same numbers give the same bytes.

mod frame;
pub(crate) mod paper;
pub(crate) mod plane;
pub(crate) mod rows;
pub(crate) mod scale;
pub(crate) mod series;

use frame::Format;
use plane::Plane;
use rows::Rows;

pub(crate) use paper::{ChartError, Sheet};

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Chart {
    Rows(Rows),
    Plane(Plane),
}

impl Chart {
    /// For a file, or a page.
    pub(crate) fn draw(&self) -> Result<Sheet, ChartError> {
        match self {
            Self::Rows(rows) => rows.draw(),
            Self::Plane(plane) => plane.draw(),
        }
    }

    /// For a page on a telephone, where no figure may lie beside the screen.
    pub(crate) fn draw_narrow(&self) -> Result<Sheet, ChartError> {
        match self {
            Self::Rows(rows) => rows.draw_on(Format::Narrow),
            Self::Plane(plane) => plane.draw_on(Format::Narrow),
        }
    }
}

impl From<Rows> for Chart {
    fn from(rows: Rows) -> Self {
        Self::Rows(rows)
    }
}

impl From<Plane> for Chart {
    fn from(plane: Plane) -> Self {
        Self::Plane(plane)
    }
}
