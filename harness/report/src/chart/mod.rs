//! Charts: numbers in, SVG out. What is drawn is data ([`plane::Plane`], [`rows::Rows`]); nothing
//! here knows a record. The same numbers give the same bytes.

mod frame;
pub mod load;
pub(crate) mod paper;
pub mod plane;
pub mod rows;
pub(crate) mod scale;
mod series;

pub use paper::Sheet;

use plotters::drawing::DrawingAreaErrorKind;
use std::io;

/// Why a chart could not be drawn.
pub type ChartError = DrawingAreaErrorKind<io::Error>;

/// What drawing gives.
pub(crate) type Drawn<T = ()> = Result<T, ChartError>;
