//! Charts: numbers in, SVG out. What is drawn is data ([`plane::Plane`], [`rows::Rows`]); nothing
//! here knows a record. The same numbers give the same bytes.

mod frame;
pub mod load;
pub(crate) mod paper;
pub mod plane;
pub mod rows;
pub(crate) mod scale;
pub mod series;

pub(crate) use paper::Drawn;
pub use paper::{ChartError, Sheet};
