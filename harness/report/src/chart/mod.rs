//! Charts: numbers in, SVG out. What is drawn is data ([`plane::Plane`], [`rows::Rows`]); nothing
//! here knows a record. The same numbers give the same bytes.

mod frame;
pub(crate) mod paper;
pub(crate) mod plane;
pub(crate) mod rows;
pub(crate) mod scale;
pub(crate) mod series;

use plane::Plane;
use rows::Rows;

pub(crate) use paper::{ChartError, Sheet};

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Chart {
    Rows(Rows),
    Plane(Plane),
}

impl Chart {
    pub(crate) fn draw(&self) -> Result<Sheet, ChartError> {
        match self {
            Self::Rows(rows) => rows.draw(),
            Self::Plane(plane) => plane.draw(),
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
