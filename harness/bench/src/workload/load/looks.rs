//! What is read beside the messages of a load: memory, files, threads; and the count of what is
//! left at its end.

use crate::timing::held;
use caxton_model::load::frame::{MachineFigure, MachineLook};
use caxton_model::load::quiescence::{LedgerRow, Thing};
use caxton_model::reading::{Missing, Reading};
use caxton_sys::clock::CpuTime;
use caxton_sys::memory;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

/// Linear memory of all agents, as their shards said last.
#[derive(Debug, Default)]
pub struct Linear(AtomicU64);

impl Linear {
    pub fn set(&self, bytes: u64) {
        self.0.store(bytes, Ordering::Relaxed);
    }

    fn read(&self) -> Result<u64, Missing> {
        // Agents have memory: nothing means that nobody has said it.
        let none = || Missing::Unsupported("this target tells no linear memory".to_owned());
        Some(self.0.load(Ordering::Relaxed)).filter(|bytes| *bytes > 0).ok_or_else(none)
    }
}

/// Reads everything. What is shared with other processes takes the kernel long to tell: it is read
/// only where `is_whole`.
pub fn look(at_ns: u64, linear: &Linear, is_whole: bool) -> MachineLook {
    let held = held::held();
    let bytes = |read: Result<caxton_model::units::Bytes, Missing>| read.map(|bytes| bytes.0);
    let mut read = vec![
        (MachineFigure::LiveBytes, held.clone().map(|held| held.bytes)),
        (MachineFigure::LiveBlocks, held.map(|held| held.blocks)),
        (MachineFigure::LinearBytes, linear.read()),
        (MachineFigure::RssBytes, bytes(memory::resident_counted())),
        (MachineFigure::CpuNs, Ok(CpuTime::of_process().total_ns())),
    ];
    if is_whole {
        let footprint = memory::footprint();
        read.extend([
            (MachineFigure::PssBytes, footprint.clone().map(|footprint| footprint.pss.0)),
            (MachineFigure::Maps, footprint.map(|footprint| footprint.maps)),
            (MachineFigure::Files, memory::open_files()),
            (MachineFigure::Threads, memory::threads()),
        ]);
    }
    let figures = read.into_iter().map(|(figure, reading)| (figure, Reading::from(reading)));
    MachineLook { at_ns, figures: figures.collect() }
}

/// Counts what must be gone at the end.
pub fn count() -> BTreeMap<Thing, Reading<u64>> {
    memory::trim();
    let held = held::held();
    let counted = [
        (Thing::Threads, memory::threads()),
        (Thing::Files, memory::open_files()),
        (Thing::Maps, memory::maps()),
        (Thing::LiveBlocks, held.clone().map(|held| held.blocks)),
        (Thing::LiveBytes, held.map(|held| held.bytes)),
    ];
    counted.into_iter().map(|(thing, reading)| (thing, reading.into())).collect()
}

/// Both counts as rows, with those in flight.
pub fn rows(
    before: &BTreeMap<Thing, Reading<u64>>,
    after: &BTreeMap<Thing, Reading<u64>>,
    in_flight: u64,
) -> Vec<LedgerRow> {
    let known = |count| Reading::Known(count);
    let first = LedgerRow { thing: Thing::InFlight, before: known(0), after: known(in_flight) };
    let others = before.iter().filter_map(|(thing, before)| {
        let after = after.get(thing)?.clone();
        Some(LedgerRow { thing: *thing, before: before.clone(), after })
    });
    std::iter::once(first).chain(others).collect()
}
