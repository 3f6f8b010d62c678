//! How many memory maps this process may still make.
//!
//! The kernel has a limit for each process (`vm.max_map_count`). A process that runs into it does
//! not only lose the next guest: its own allocator may be the one that is refused.

use super::memory;
use caxton_model::reading::Missing;

/// Maps that are left to everybody else in the process: threads, heaps, libraries.
const RESERVE: u64 = 2_000;

/// The limit, and what is used of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MapBudget {
    /// Most maps that a process may have.
    pub limit: u64,
    pub used: u64,
}

impl MapBudget {
    /// As it is now.
    pub fn now() -> Result<Self, Missing> {
        let path = "/proc/sys/vm/max_map_count";
        let text = std::fs::read_to_string(path)
            .map_err(|error| Missing::Unsupported(format!("{path}: {error}")))?;
        let limit = text.trim().parse();
        let limit = limit.map_err(|_| Missing::Unsupported(format!("{path}: {text:?}")))?;
        Ok(Self { limit, used: memory::maps()? })
    }

    /// True if `maps` more leave enough for everybody else.
    pub fn allows(self, maps: u64) -> bool {
        self.used + maps + RESERVE <= self.limit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_maps_are_left_to_others() {
        let budget = MapBudget { limit: 10_000, used: 1_000 };
        assert!(budget.allows(7_000));
        assert!(!budget.allows(7_001));
        assert!(!budget.allows(u64::from(u32::MAX)));
        let now = MapBudget::now().expect("Linux");
        assert!(now.used > 10 && now.limit > now.used, "{now:?}");
    }
}
