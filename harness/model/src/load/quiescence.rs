//! What is left when a load has ended, its last message is answered and its agents are gone: each
//! thing is counted before the first agent and after the last. Exact where things are counted, and
//! found in seconds: what is still there after a thousand messages is there a thousand times.

use crate::reading::Reading;
use serde::{Deserialize, Serialize};

/// Blocks left per message above which each message leaves one: below it they are one-time.
const BLOCKS_PER_MESSAGE: f64 = 0.01;
/// Blocks that the apparatus itself may keep, such as a runtime's tables that only grow.
const BLOCKS_OF_OUR_OWN: u64 = 256;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Thing {
    InFlight,
    Threads,
    Files,
    Maps,
    /// Blocks of the host's heap.
    LiveBlocks,
    /// Bytes of the host's heap.
    LiveBytes,
}

impl Thing {
    pub const fn name(self) -> &'static str {
        match self {
            Self::InFlight => "messages in flight",
            Self::Threads => "threads",
            Self::Files => "open files",
            Self::Maps => "memory maps",
            Self::LiveBlocks => "blocks of the heap",
            Self::LiveBytes => "bytes of the heap",
        }
    }

    /// Whether not one more may be left: maps and blocks are also an allocator's own affair.
    const fn is_exact(self) -> bool {
        matches!(self, Self::InFlight | Self::Threads | Self::Files)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerRow {
    pub thing: Thing,
    /// Before the first agent was there.
    pub before: Reading<u64>,
    /// After the last one was gone.
    pub after: Reading<u64>,
}

impl LedgerRow {
    /// How many more there are; none where one of the two counts is missing.
    pub fn left(&self) -> Option<u64> {
        Some(self.after.known()?.saturating_sub(*self.before.known()?))
    }
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ledger {
    pub rows: Vec<LedgerRow>,
    /// Messages that the target handled since the count before.
    pub messages: u64,
}

impl Ledger {
    /// What is left, in words; nothing where all that counts is gone.
    pub fn left(&self) -> Option<String> {
        let left: Vec<String> = self.rows.iter().filter_map(|row| self.complaint(row)).collect();
        (!left.is_empty()).then(|| left.join(", "))
    }

    /// What was not counted, in words. Fails closed: that is not clean.
    pub fn uncounted(&self) -> Option<String> {
        if self.rows.is_empty() {
            return Some("nothing was counted".to_owned());
        }
        let missing = self.rows.iter().filter(|row| row.left().is_none());
        let missing: Vec<&str> = missing.map(|row| row.thing.name()).collect();
        (!missing.is_empty()).then(|| format!("not counted: {}", missing.join(", ")))
    }

    fn complaint(&self, row: &LedgerRow) -> Option<String> {
        let left = row.left()?;
        if row.thing.is_exact() {
            return (left > 0).then(|| format!("{left} {}", row.thing.name()));
        }
        if row.thing != Thing::LiveBlocks || self.messages == 0 {
            return None;
        }
        let each = left as f64 / self.messages as f64;
        let is_much = left > BLOCKS_OF_OUR_OWN && each >= BLOCKS_PER_MESSAGE;
        is_much.then(|| format!("{left} {}, {each:.2} for each message", row.thing.name()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reading::Missing;

    fn row(thing: Thing, before: u64, after: u64) -> LedgerRow {
        LedgerRow { thing, before: Reading::Known(before), after: Reading::Known(after) }
    }

    #[test]
    fn a_file_too_many_is_left_and_a_few_blocks_are_not() {
        let rows = vec![row(Thing::Files, 9, 9), row(Thing::LiveBlocks, 100, 300)];
        let mut ledger = Ledger { rows, messages: 1_000_000 };
        assert_eq!((ledger.left(), ledger.uncounted()), (None, None));
        ledger.rows.push(row(Thing::Threads, 4, 3));
        assert_eq!(ledger.left(), None, "one fewer is none left");
        ledger.rows[0] = row(Thing::Files, 9, 10);
        assert_eq!(ledger.left().as_deref(), Some("1 open files"));
    }

    #[test]
    fn a_block_for_each_message_is_a_leak() {
        let rows = vec![row(Thing::LiveBlocks, 100, 10_100)];
        let ledger = Ledger { rows, messages: 10_000 };
        let what = "10000 blocks of the heap, 1.00 for each message";
        assert_eq!(ledger.left().as_deref(), Some(what));
    }

    #[test]
    fn what_was_not_counted_is_not_clean() {
        assert!(Ledger::default().uncounted().is_some());
        let why = Missing::Unsupported("nobody tells".to_owned());
        let rows = vec![LedgerRow {
            thing: Thing::Files,
            before: Reading::Known(1),
            after: Reading::Missing(why),
        }];
        let ledger = Ledger { rows, messages: 1 };
        assert_eq!(ledger.uncounted().as_deref(), Some("not counted: open files"));
    }
}
