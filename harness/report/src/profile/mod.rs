//! Pictures and exports of a profile: flame graphs, the differential of two sides, pprof, Firefox.

mod boxes;
pub mod differential;
pub mod firefox;
pub mod flame;
pub mod growth;
pub mod listing;
pub mod pb;
mod picture;
