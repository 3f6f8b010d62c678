//! How an agent's linear memory grew, message by message.

use crate::units::Bytes;
use serde::{Deserialize, Serialize};

/// Linear memory from a message on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrowthPoint {
    /// The message during which it came to this size, from 1; 0 is before the first.
    pub message: u64,
    pub bytes: Bytes,
}

/// What a chart shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeapGrowth {
    /// Sizes in the order in which they came about. The first is that of the fresh agent.
    pub points: Vec<GrowthPoint>,
    pub messages: u64,
    /// Growths that were not noted any more.
    pub lost: u64,
}
