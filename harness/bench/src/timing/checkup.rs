//! What a core is like just now: noise probes, and two equal pieces of work in turns.

use super::probe::{self, Probed, keep_busy};
use super::turns::round;
use caxton_analysis::doctor::CoreRound;
use caxton_model::units::Nanos;
use caxton_sys::clock::Clock;

/// Repetitions of a piece of work in a block, of which the shortest counts: as in a measurement.
const SAMPLES: u32 = 12;

/// Rounds on this core for so long.
pub fn rounds(clock: &dyn Clock, rng: &mut fastrand::Rng, time: Nanos) -> Vec<CoreRound> {
    let start = clock.now().0;
    let mut seen = Vec::new();
    while clock.now().0 - start < time.0 {
        let Probed { execution, latency } = probe::take(clock);
        let mut sides = [(false, f64::NAN), (true, f64::NAN)];
        let Ok(()) =
            round(rng, &mut sides, |(_, took_ns)| -> Result<(), std::convert::Infallible> {
                *took_ns = shortest_ns(clock);
                Ok(())
            });
        sides.sort_by_key(|(is_second, _)| *is_second);
        let [(_, first), (_, second)] = sides;
        seen.push(CoreRound {
            execution_ns: execution.0 as f64,
            latency_ns: latency.0 as f64,
            same_log: (second / first).ln(),
        });
    }
    seen
}

fn shortest_ns(clock: &dyn Clock) -> f64 {
    let taken = (0..SAMPLES).map(|_| {
        let start = clock.now();
        keep_busy();
        clock.now().0 - start.0
    });
    taken.min().unwrap_or(0) as f64
}
