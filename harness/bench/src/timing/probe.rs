//! Fixed work between the rounds of blocks. How much longer than at its best it takes tells what
//! this core is short of just now.
//!
//! A neighbour on the same physical core takes execution units, and native code and WASM lose
//! differently by it; a lower clock slows everything alike, and hardly changes a ratio. Hence two
//! pieces of work, each bound by one of these: the first over the second is a property of the
//! processor, until somebody shares it.

use caxton_model::units::Nanos;
use caxton_sys::clock::Clock;
use std::hint::black_box;

/// Turns of the work that is bound by execution units: about 20 µs.
const EXECUTION_TURNS: u64 = 8_000;
/// Turns of the work that is bound by the clock: about 10 µs.
const LATENCY_TURNS: u64 = 8_000;

/// What the two pieces of work took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Probed {
    /// Eight chains of simple arithmetic: all execution units are busy.
    pub execution: Nanos,
    /// One chain of multiplications: each waits for the one before, and nothing else.
    pub latency: Nanos,
}

/// Does the two pieces of work one after the other.
pub fn take(clock: &dyn Clock) -> Probed {
    let start = clock.now().0;
    keep_busy();
    let between = clock.now().0;
    multiply();
    Probed { execution: Nanos(between - start), latency: Nanos(clock.now().0 - between) }
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

    #[test]
    fn each_piece_of_work_is_timed_alone() {
        let tick = Nanos(25);
        assert_eq!(take(&Ticking::default()), Probed { execution: tick, latency: tick });
    }
}
