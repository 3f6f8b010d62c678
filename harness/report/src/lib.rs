//! What a record or a comparison says, for people and for programs: tables as data, painted as
//! text, Markdown or a page; charts, flame graphs and exports. Nothing here computes a verdict.
#![forbid(unsafe_code)]

pub mod answer;
pub mod beside;
mod chart;
mod checks;
pub mod ci;
pub mod colour;
pub mod export;
pub mod history;
#[cfg(test)]
mod hostile;
pub mod html;
mod markdown;
pub mod paint;
pub mod profile;
pub mod sections;
pub mod slo;
pub mod table;
