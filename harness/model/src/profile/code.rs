//! Machine code that is made while the program runs: what a profiler must know of it.
//!
//! A subject tells a [`CodeWatch`] when code comes and goes, and knows nothing else of profilers.

use crate::profile::Frame;
use std::ops::Range;
use std::sync::Arc;

/// Machine code made at run time, and the names behind its addresses.
pub trait Code: Send + Sync {
    /// A name for it, without folders: `json.wasm`.
    fn name(&self) -> &str;

    /// The addresses it takes up.
    fn range(&self) -> Range<usize>;

    /// The frames at `address`, which lies in the range and inside an instruction (of a return
    /// address: one less), innermost first. Empty where nobody knows.
    fn frames(&self, address: usize) -> Vec<Frame>;

    /// The function at `address`; none where nobody knows.
    fn listing(&self, _address: usize) -> Option<Listing> {
        None
    }

    /// What is missing of its names and why, a line each.
    fn notes(&self) -> Vec<String> {
        Vec::new()
    }
}

/// The machine code of one function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// The address of its first byte.
    pub start: usize,
    pub bytes: Vec<u8>,
    /// Offsets from its start, and the bytes of the .wasm file that they were compiled from, in
    /// order.
    pub positions: Vec<(u32, u32)>,
}

/// Is told when code comes and goes.
pub trait CodeWatch: Send + Sync {
    /// Does `change`, which loads or unloads code, while nothing interrupts this process to look
    /// at its stacks.
    fn while_quiet(&self, change: &mut dyn FnMut());

    /// Code is there and will be called.
    fn loaded(&self, code: Arc<dyn Code>);

    /// Nobody calls `code` any more. The watch keeps it until the last sample that may name it is
    /// resolved, and lets go of it in a quiet moment.
    fn retired(&self, code: Arc<dyn Code>);
}
