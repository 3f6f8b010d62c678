//! Orchestrators as the workloads start them: which, with which agents, in which memory.
//!
//! Guests live in one of two tiers. In the *fast* one each has a pool's slot with copy-on-write
//! memory and no bounds checks; it takes memory maps, of which the kernel has not many. In the
//! *dense* one all memories lie in one mapping, and each access is compared with a bound. The tier
//! is chosen before the first agent is there: running out of maps would take down more than a
//! spawn.

use crate::guest::files::AgentFiles;
use crate::job::{Crew, GuestHome, Runtime, System};
use caxton_runtime::orchestrator::reference::Reference;
use caxton_runtime::orchestrator::supervision::Supervision;

use crate::workload::sides::module;
use caxton_model::case::Outcome;
use caxton_model::profile::code::CodeWatch;
use caxton_model::units::Bytes;
use caxton_runtime::orchestrator::tasks::Tasks;
use caxton_runtime::orchestrator::{Orchestrator, Setup};
use caxton_runtime::subject::Attempt;
use caxton_runtime::subject::idle::IdleSubject;
use caxton_runtime::subject::mail::MailSubject;
use caxton_runtime::subject::native::NativeSubject;
use caxton_runtime::subject::wasmtime::{
    Allocation, EngineOptions, WasmMailSubject, WasmSubject, first_memory,
};
use caxton_sys::budget::MapBudget;
use std::sync::Arc;

/// Agents up to which the pool is better, by the cases `tiers`. Of more, page tables and the walks
/// through them cost more than bounds that are checked: the pool's slots are 4 GiB apart.
const FAST_AGENTS_MAX: u32 = 2_000;
/// What an agent may ask for beside its first memory and its mailbox. In a pool that is addresses
/// alone; side by side, slots are as close as they can be: each page of page tables counts.
const POOL_ROOM_BYTES: u64 = 1 << 20;
const SLAB_ROOM_BYTES: u64 = 64 << 10;
/// Of WASM.
const PAGE_BYTES: u64 = 64 << 10;

/// Where guests live.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tier {
    /// How their memory is had.
    pub allocation: Allocation,
    pub words: String,
}

/// The memory that a guest of `files` may have: its first one, its mailbox, and `room`, in bytes.
///
/// # Errors
/// `Refused` where the module cannot be read.
pub fn most_bytes(files: &AgentFiles, setup: Setup, room: u64) -> Attempt<u64> {
    let first = first_memory(&module(&files.wasm)?);
    Ok((first.0 + setup.hand().bytes() as u64 + room).next_multiple_of(PAGE_BYTES))
}

/// A pool for guests that may have `memory_bytes`, as far as the kernel has maps left.
///
/// # Errors
/// Why there is none.
fn pool(memory_bytes: u64, setup: Setup) -> Result<Tier, String> {
    let allocation = Allocation::Pool { agents: setup.agents, memory_bytes };
    let needed = allocation.maps(setup.agents);
    let budget = MapBudget::now();
    let budget = budget.map_err(|why| format!("it is not known how many maps are left: {why}"))?;
    if !budget.allows(needed) {
        return Err(format!("{needed} maps in a pool, the limit is {}", budget.limit));
    }
    let words = format!("fast (pool, copy-on-write): {needed} of {} maps", budget.limit);
    Ok(Tier { allocation, words })
}

/// Guests side by side that may have `slot_bytes`, for the reason `why`.
fn slab(slot_bytes: u64, setup: Setup, why: &str) -> Tier {
    let slots = Bytes(slot_bytes);
    Tier {
        allocation: Allocation::Slab { agents: setup.agents, slot_bytes },
        words: format!("dense (one mapping, slots of {slots}, bounds checked): {why}"),
    }
}

/// The tier for guests of `files`.
///
/// # Errors
/// `Refused` where the module cannot be read.
pub fn tier(files: &AgentFiles, setup: Setup) -> Attempt<Tier> {
    let dense_bytes = most_bytes(files, setup, SLAB_ROOM_BYTES)?;
    if setup.agents > FAST_AGENTS_MAX {
        return Ok(slab(dense_bytes, setup, &format!("more than {FAST_AGENTS_MAX} agents")));
    }
    let fast = pool(most_bytes(files, setup, POOL_ROOM_BYTES)?, setup);
    Ok(fast.unwrap_or_else(|why| slab(dense_bytes, setup, &why)))
}

fn tier_at(home: GuestHome, files: &AgentFiles, setup: Setup) -> Attempt<Tier> {
    match home {
        GuestHome::Pool => {
            let memory_bytes = most_bytes(files, setup, POOL_ROOM_BYTES)?;
            pool(memory_bytes, setup).map_err(Outcome::Refused)
        }
        GuestHome::Slab => Ok(slab(most_bytes(files, setup, SLAB_ROOM_BYTES)?, setup, "asked for")),
    }
}

/// The compiled guest of `files`.
pub fn guest(files: &AgentFiles, options: EngineOptions) -> Attempt<WasmSubject> {
    let bytes = module(&files.wasm)?;
    WasmSubject::compile(&bytes, options)
}

/// The loaded native build of `files`.
pub fn native(files: &AgentFiles) -> Attempt<NativeSubject> {
    let path = files.native.as_ref();
    let path = path.ok_or_else(|| Outcome::Refused("it has no native build".to_owned()))?;
    NativeSubject::load(path)
}

/// Guests of `files` that take mail.
pub fn subject(files: &AgentFiles, options: EngineOptions) -> Attempt<WasmMailSubject> {
    Ok(WasmMailSubject::trusted(guest(files, options)?))
}

/// The same in the tier for `setup`; and which that is, in words.
pub fn subject_in_tier(files: &AgentFiles, setup: Setup) -> Attempt<(WasmMailSubject, String)> {
    let Tier { allocation, words } = tier(files, setup)?;
    let options = EngineOptions { allocation, ..EngineOptions::default() };
    Ok((subject(files, options)?, words))
}

pub struct Started {
    pub orchestrator: Box<dyn Orchestrator>,
    /// Where its agents live, in words.
    pub tier: String,
}

/// Starts what `runtime` says, with all its agents.
pub fn start(runtime: Runtime, files: &AgentFiles, setup: Setup) -> Attempt<Started> {
    start_watched(runtime, files, setup, None)
}

/// The same, its guests' code told to `watch`.
pub fn start_watched(
    runtime: Runtime,
    files: &AgentFiles,
    setup: Setup,
    watch: Option<Arc<dyn CodeWatch>>,
) -> Attempt<Started> {
    let setup = Setup { batch: runtime.batch.unwrap_or(setup.batch), ..setup };
    match runtime.crew {
        Crew::Guests => {
            let Tier { allocation, words } = match runtime.home {
                None => tier(files, setup)?,
                Some(home) => tier_at(home, files, setup)?,
            };
            let options = EngineOptions { allocation, ..EngineOptions::default() };
            let (name, bytes) = (format!("{}.wasm", files.name), module(&files.wasm)?);
            let guest = WasmSubject::compile_watched(&name, &bytes, options, watch)?;
            let guests = WasmMailSubject::trusted(guest);
            let orchestrator = system(runtime.system, &guests, setup)?;
            Ok(Started { orchestrator, tier: words })
        }
        Crew::Natives => {
            let orchestrator = system(runtime.system, &native(files)?, setup)?;
            Ok(Started { orchestrator, tier: "the process' heap".to_owned() })
        }
        Crew::NullResponder => {
            let orchestrator = system(runtime.system, &IdleSubject, setup)?;
            Ok(Started { orchestrator, tier: "the process' heap".to_owned() })
        }
    }
}

fn system<S: MailSubject>(
    system: System,
    subject: &S,
    setup: Setup,
) -> Attempt<Box<dyn Orchestrator>> {
    Ok(match system {
        System::Reference => Box::new(Reference::start(subject, setup, Supervision::NONE)?),
        System::Tokio => Box::new(Tasks::start(subject, setup)?),
    })
}
