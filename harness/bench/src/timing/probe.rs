//! Fixed work before each round of blocks. How much longer than at its best it takes tells what
//! this core is short of just now.
//!
//! What a neighbour takes differs, and so does what each side of a comparison loses by it. A
//! neighbour on the same physical core takes execution units; a lower clock slows everything
//! alike, and a ratio hardly at all; one that streams through memory takes cache and bandwidth.
//! Hence three pieces of work, each bound by one of these.

use caxton_model::units::Nanos;
use caxton_sys::clock::Clock;
use std::hint::black_box;

/// Turns of the work that is bound by execution units: about 20 µs.
const EXECUTION_TURNS: u64 = 8_000;
/// Turns of the work that is bound by the clock: about 10 µs.
const LATENCY_TURNS: u64 = 8_000;
/// Steps of each walker of the work that is bound by memory: 5 to 50 µs.
const MEMORY_STEPS: u32 = 64;
/// Independent walkers, as many as a core has requests on their way at the same time.
const WALKERS: usize = 8;
/// What they walk through, beyond the caches of one core.
const RING_BYTES: usize = 4 << 20;

/// What the three pieces of work took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Probed {
    /// Eight chains of simple arithmetic: all execution units are busy.
    pub execution: Nanos,
    /// One chain of multiplications: each waits for the one before, and nothing else.
    pub latency: Nanos,
    /// Loads that no cache of this core has.
    pub memory: Nanos,
}

/// A cache line that says which one comes next.
#[derive(Clone, Copy)]
#[repr(align(64))]
struct Line(u32);

/// The three pieces of work.
pub struct NoiseProbe {
    ring: Vec<Line>,
    walkers: [u32; WALKERS],
}

impl NoiseProbe {
    /// All ready: the memory is filled.
    pub fn new() -> Self {
        let lines = RING_BYTES / size_of::<Line>();
        let mut order: Vec<u32> = (0..lines as u32).collect();
        fastrand::Rng::with_seed(1).shuffle(&mut order);
        let mut ring = vec![Line(0); lines];
        for (place, &line) in order.iter().enumerate() {
            ring[line as usize] = Line(order[(place + 1) % lines]);
        }
        let walkers = std::array::from_fn(|walker| order[walker * lines / WALKERS]);
        Self { ring, walkers }
    }

    /// Does the three pieces of work one after another.
    pub fn take(&mut self, clock: &dyn Clock) -> Probed {
        let timed = |work: &mut dyn FnMut()| {
            let start = clock.now();
            work();
            Nanos(clock.now().0 - start.0)
        };
        Probed {
            execution: timed(&mut keep_busy),
            latency: timed(&mut multiply),
            memory: timed(&mut || self.walk()),
        }
    }

    fn walk(&mut self) {
        for _ in 0..MEMORY_STEPS {
            for walker in &mut self.walkers {
                *walker = self.ring[*walker as usize].0;
            }
        }
        black_box(self.walkers);
    }
}

impl Default for NoiseProbe {
    fn default() -> Self {
        Self::new()
    }
}

/// Eight chains of simple arithmetic.
pub(super) fn keep_busy() {
    let mut chains: [u64; 8] = black_box([1, 2, 3, 4, 5, 6, 7, 8]);
    for turn in 0..EXECUTION_TURNS {
        for chain in &mut chains {
            *chain = (chain.rotate_left(7) ^ turn).wrapping_add(*chain >> 3);
        }
    }
    black_box(chains);
}

fn multiply() {
    let mut chain: u64 = black_box(0x9e37_79b9_7f4a_7c15);
    for turn in 0..LATENCY_TURNS {
        chain = chain.wrapping_mul(0x2545_f491_4f6c_dd1d) ^ turn;
    }
    black_box(chain);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::timing::scripted::Ticking;
    use std::collections::BTreeSet;

    #[test]
    fn walkers_go_through_all_of_the_memory_and_start_apart() {
        let probe = NoiseProbe::new();
        let mut seen = BTreeSet::new();
        let mut at = probe.walkers[0];
        while seen.insert(at) {
            at = probe.ring[at as usize].0;
        }
        assert_eq!(seen.len(), probe.ring.len(), "one ring");
        assert_eq!(BTreeSet::from(probe.walkers).len(), WALKERS);
    }

    #[test]
    fn each_piece_of_work_is_timed_alone() {
        let probed = NoiseProbe::new().take(&Ticking::default());
        let tick = Nanos(25);
        assert_eq!(probed, Probed { execution: tick, latency: tick, memory: tick });
    }
}
