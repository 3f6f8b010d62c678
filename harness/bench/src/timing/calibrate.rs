//! The instrument measures itself first: a clock read, an empty sample, a turn of the batch loop.

use super::blocks::{BenchInstance, timed_batch};
use crate::job::cost::Cost;
use caxton_analysis::quiet::Best;
use caxton_model::record::Calibration;
use caxton_model::units::{Bytes, Nanos};
use caxton_runtime::subject::{AgentInstance, Attempt, HostCounts};
use caxton_sys::clock::Clock;

const READS: u32 = 2_000;
const SAMPLES: usize = 501;
const TURNS: u64 = 10_000;

/// An agent that does nothing: what is left of a batch is the loop.
struct Nothing;

impl AgentInstance for Nothing {
    fn reserve(&mut self, _: usize, _: usize) -> Attempt<()> {
        Ok(())
    }

    fn call(&mut self, message: &[u8]) -> Attempt<()> {
        std::hint::black_box(message);
        Ok(())
    }

    fn reply(&self) -> &[u8] {
        &[]
    }

    fn example(&mut self, _: u64) -> Attempt<Vec<u8>> {
        Ok(Vec::new())
    }

    fn host_counts(&self) -> HostCounts {
        HostCounts::default()
    }

    fn linear_memory(&self) -> Option<Bytes> {
        None
    }
}

/// Measures the instrument with `clock`.
pub fn measure(clock: &dyn Clock) -> Attempt<Cost> {
    let start = clock.now();
    for _ in 0..READS {
        std::hint::black_box(clock.now());
    }
    let clock_read_ns = (clock.now().0 - start.0) as f64 / f64::from(READS);
    let mut instance = BenchInstance::new(Box::new(Nothing));
    let mut empty = Vec::with_capacity(SAMPLES);
    let mut ends = Vec::with_capacity(SAMPLES + 1);
    for _ in 0..SAMPLES {
        ends.push(clock.now().0);
        empty.push(timed_batch(clock, &mut instance, &[], 0)?.0);
    }
    ends.push(clock.now().0);
    // From one sample's start to the next one's: both clock reads, the call, the push, and one
    // more read that is the price of looking.
    let mut strides: Vec<u64> = ends.windows(2).map(|pair| pair[1] - pair[0]).collect();
    strides.sort_unstable();
    let sample_ns = (strides[strides.len() / 2] as f64 - clock_read_ns).max(clock_read_ns);
    std::hint::black_box(empty);
    let mut turns: Vec<f64> = Vec::with_capacity(15);
    for _ in 0..15 {
        let batch = timed_batch(clock, &mut instance, &[], TURNS)?;
        turns.push(batch.0 as f64 / TURNS as f64);
    }
    turns.sort_by(f64::total_cmp);
    Ok(Cost { clock_read_ns, sample_ns, loop_turn_ns: turns[turns.len() / 2] })
}

/// Medians over the launches, and the quietest moment.
pub fn medians(costs: &[Cost], best: Best) -> Option<Calibration> {
    let median = |of: fn(&Cost) -> f64| {
        let mut values: Vec<f64> = costs.iter().map(of).collect();
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied()
    };
    Some(Calibration {
        clock_read_ns: median(|cost| cost.clock_read_ns)?,
        sample_ns: median(|cost| cost.sample_ns)?,
        loop_turn_ns: median(|cost| cost.loop_turn_ns)?,
        yardstick_ns: best.yardstick_ns,
        yardstick_to_latency: best.to_latency,
        batch_min: Nanos(median(|cost| cost.batch_min().0 as f64)? as u64),
        launches: costs.len() as u32,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::timing::scripted::Ticking;

    #[test]
    fn a_known_clock_is_measured_as_it_is() {
        let cost = measure(&Ticking::default()).expect("nothing fails");
        assert!((cost.clock_read_ns - 25.0).abs() < 0.1, "{cost:?}");
        assert!((cost.sample_ns - 50.0).abs() < 0.1, "two reads: {cost:?}");
        assert!(cost.loop_turn_ns < 0.01, "{cost:?}");
        assert_eq!(cost.batch_min(), Nanos(20_000));
        let share = cost.share_ppb(Nanos(20_000));
        assert!(share.abs_diff(2_500_000) < 10_000, "50 of 20,000 ns: {share}");
    }

    #[test]
    fn a_slow_clock_makes_batches_longer() {
        let cost = Cost { clock_read_ns: 900.0, sample_ns: 2_000.0, loop_turn_ns: 1.0 };
        assert_eq!(cost.batch_min(), Nanos(400_000));
        assert!(cost.share_ppb(cost.batch_min()) < 10_000_000, "below 1 %");
    }
}
