//! Where guests' memories come from, and what that asks of their code.

use caxton_model::units::Bytes;
use caxton_sys::slab::{Creator, Slab};
use std::fmt;
use std::sync::Arc;
use wasmtime::{Config, Enabled, InstanceAllocationStrategy, PoolingAllocationConfig};

/// Instances beyond the wanted number: one that dies and its successor may be there together.
const SPARE: u32 = 8;
/// What of a slot's memory may stay resident when its guest is gone, so that the next one does not
/// have to fault it in.
const KEEP_BYTES: usize = 64 << 10;

/// How instances are allocated.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Allocation {
    /// wasmtime's default: each memory a mapping of its own, 4 GiB of addresses and a guard, so
    /// that code checks no bounds.
    #[default]
    OnDemand,
    /// A pool of slots like that, with copy-on-write images: a spawn is a few microseconds.
    Pool {
        /// Instances at a time.
        agents: u32,
        /// The most memory of each.
        memory_bytes: u64,
    },
    /// Memories side by side in one mapping: no guard, and code that compares each address with
    /// its memory's size. A reservation alone would not do: wasmtime then compares with that.
    Slab {
        /// Instances at a time.
        agents: u32,
        /// The most memory of each.
        slot_bytes: u64,
    },
}

/// How an engine's pool is used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PoolUse {
    /// Slots of memories in use.
    pub live_memories: u64,
    /// Free slots that are mapped as their last guest left them.
    pub warm_memories: u64,
    /// Bytes that free slots keep resident.
    pub warm_bytes: u64,
}

impl fmt::Display for Allocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::OnDemand => f.write_str("on demand (wasmtime's default)"),
            Self::Pool { agents, memory_bytes } => {
                write!(f, "a pool for {agents} instances of at most {}", Bytes(memory_bytes))
            }
            Self::Slab { agents, slot_bytes } => {
                let most = Bytes(slot_bytes);
                write!(f, "one mapping for {agents} memories of at most {most}")
            }
        }
    }
}

impl Allocation {
    /// Memory maps that `agents` instances take: wasmtime 48 makes four of a memory with an image
    /// (the image, the rest that is accessible, what is not, the guard).
    pub fn maps(self, agents: u32) -> u64 {
        const WITH_IMAGE: u64 = 4;
        match self {
            Self::OnDemand | Self::Pool { .. } => u64::from(agents) * WITH_IMAGE,
            Self::Slab { .. } => 0,
        }
    }

    /// Tells `config`; the slab where there is one.
    pub(super) fn configure(self, config: &mut Config) -> Result<Option<Arc<Slab>>, String> {
        match self {
            Self::OnDemand => Ok(None),
            Self::Pool { agents, memory_bytes } => {
                let most = agents + SPARE;
                let mut pool = PoolingAllocationConfig::new();
                pool.total_core_instances(most)
                    .total_memories(most)
                    .total_tables(most)
                    // Each of the default's thousand has a guard, two maps that no budget counts;
                    // calls as functions need none.
                    .total_stacks(0)
                    .max_memory_size(usize::try_from(memory_bytes).unwrap_or(usize::MAX))
                    .linear_memory_keep_resident(KEEP_BYTES)
                    .pagemap_scan(Enabled::Auto);
                config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
                Ok(None)
            }
            Self::Slab { agents, slot_bytes } => {
                let bytes = usize::try_from(slot_bytes).unwrap_or(usize::MAX);
                let slab = Slab::new(agents + SPARE, bytes);
                let slab = slab.map_err(|error| {
                    format!("no slab of {agents} x {slot_bytes} bytes: {error}")
                })?;
                config
                    .signals_based_traps(false)
                    .memory_reservation(slot_bytes)
                    .memory_guard_size(0)
                    .memory_may_move(false)
                    .memory_init_cow(false)
                    .with_host_memory(Arc::new(Creator(Arc::clone(&slab))));
                Ok(Some(slab))
            }
        }
    }
}
