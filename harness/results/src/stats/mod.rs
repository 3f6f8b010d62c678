//! Statistics on plain numbers. They know no metric, no unit and no file.

pub mod proportion;
pub mod signed_rank;
pub mod summary;
pub mod trend;
pub mod usl;
