//! Which allocations stand for all: points are strewn over the bytes an agent allocates, and a
//! block in which k of them fall stands for k intervals.
//!
//! Every `interval` bytes hold one point, at a place that chance decides anew: each byte is hit
//! with probability 1/interval, so that the expected weight of a block is its size, whatever its
//! size and whatever comes before it; large blocks need no case of their own. That is the estimate
//! of sampling heap profilers ("heapprofd: Sampling for Memory Profiles", perfetto.dev/docs, 2021),
//! with points from strata instead of a Poisson process: random places keep regular patterns from
//! hiding between the points as they do there, and one point per stratum leaves less to chance
//! (W. G. Cochran, "Sampling Techniques", 3rd ed., 1977, ch. 8): the sum of all weights is within
//! one interval of the sum of all bytes.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};

/// Where the next point lies. Not for several threads, see [`Sampled`](super::Sampled).
#[derive(Debug)]
pub struct Sampler {
    /// Bytes before the next point.
    until: AtomicU64,
    /// Where that point lies in its interval.
    place: AtomicU32,
    interval: AtomicU32,
    random: AtomicU64,
}

impl Sampler {
    /// A sampler whose next point is out of reach.
    pub const fn idle() -> Self {
        Self {
            until: AtomicU64::new(u64::MAX),
            place: AtomicU32::new(0),
            interval: AtomicU32::new(0),
            random: AtomicU64::new(0),
        }
    }

    /// One point in every `interval` bytes from now on; idle again when it is 0.
    pub fn start(&self, interval: u32, seed: u64) {
        self.interval.store(interval, Relaxed);
        self.random.store(seed, Relaxed);
        let place = self.draw(interval);
        self.place.store(place, Relaxed);
        self.until.store(if interval == 0 { u64::MAX } else { u64::from(place) }, Relaxed);
    }

    /// The bytes that an allocation of `bytes` stands for: mostly none.
    #[inline]
    pub fn weight(&self, bytes: u64) -> u64 {
        let until = self.until.load(Relaxed);
        if bytes <= until {
            self.until.store(until - bytes, Relaxed);
            return 0;
        }
        self.points(bytes, until) * u64::from(self.interval.load(Relaxed))
    }

    /// The points in the next `bytes`, of which there is one after `until` bytes.
    #[cold]
    fn points(&self, bytes: u64, until: u64) -> u64 {
        let interval = self.interval.load(Relaxed);
        let step = u64::from(interval);
        // An idle sampler comes here after 2^64 bytes.
        if interval == 0 {
            return 0;
        }
        let next_interval = until + step - u64::from(self.place.load(Relaxed));
        let whole = bytes.saturating_sub(next_interval) / step;
        let mut start = next_interval + whole * step;
        let mut points = 1 + whole;
        let mut place = self.draw(interval);
        if start + u64::from(place) < bytes {
            points += 1;
            start += step;
            place = self.draw(interval);
        }
        self.place.store(place, Relaxed);
        self.until.store(start + u64::from(place) - bytes, Relaxed);
        points
    }

    /// A random number below `below`: SplitMix64 (Steele, Lea and Flood, "Fast splittable
    /// pseudorandom number generators", OOPSLA 2014), its upper half scaled.
    fn draw(&self, below: u32) -> u32 {
        let state = self.random.load(Relaxed).wrapping_add(0x9E37_79B9_7F4A_7C15);
        self.random.store(state, Relaxed);
        let mut word = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        word ^= word >> 31;
        (((word >> 32) * u64::from(below)) >> 32) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTERVAL: u32 = 512;

    fn started(seed: u64) -> Sampler {
        let sampler = Sampler::idle();
        sampler.start(INTERVAL, seed);
        sampler
    }

    /// A pattern whose period is that of the points: systematic sampling would see the same site
    /// each time.
    const REGULAR: [u64; 4] = [8, 300, 200, 4];

    #[test]
    fn the_sum_of_weights_is_that_of_bytes_to_one_interval() {
        assert_eq!(REGULAR.iter().sum::<u64>(), u64::from(INTERVAL));
        for seed in 0..100 {
            let sampler = started(seed);
            let (mut bytes, mut weight) = (0u64, 0u64);
            for (turn, size) in REGULAR.iter().cycle().enumerate().take(5_000) {
                let size = size * (1 + turn as u64 % 7) + u64::from(turn % 500 == 0) * 100_000;
                bytes += size;
                weight += sampler.weight(size);
                assert!(bytes.abs_diff(weight) < u64::from(INTERVAL), "{bytes} and {weight}");
            }
        }
    }

    #[test]
    fn each_site_gets_its_own_bytes_in_the_mean() {
        const TURNS: u64 = 200_000;
        let sampler = started(1);
        let mut weights = [0; 4];
        for _ in 0..TURNS {
            for (site, size) in REGULAR.iter().enumerate() {
                weights[site] += sampler.weight(*size);
            }
        }
        for (size, weight) in REGULAR.iter().zip(weights) {
            // One draw per turn, a hit with probability p: five standard errors of its share.
            let p = *size as f64 / f64::from(INTERVAL);
            let seen = weight as f64 / f64::from(INTERVAL) / TURNS as f64;
            let error = (p * (1.0 - p) / TURNS as f64).sqrt();
            assert!((seen - p).abs() < 5.0 * error, "{size} bytes: {seen} of {p} ± {error}");
        }
    }

    #[test]
    fn the_first_allocation_is_as_likely_hit_as_any_other() {
        const SEEDS: u64 = 20_000;
        let hits = (0..SEEDS).filter(|seed| started(*seed).weight(64) > 0).count();
        let p = 64.0 / f64::from(INTERVAL);
        let error = (p * (1.0 - p) / SEEDS as f64).sqrt();
        let seen = hits as f64 / SEEDS as f64;
        assert!((seen - p).abs() < 5.0 * error, "{seen} of {p} ± {error}");
    }

    #[test]
    fn a_huge_block_stands_for_itself_and_an_idle_sampler_for_nothing() {
        let sampler = started(3);
        let huge = 40 << 30;
        assert!(sampler.weight(huge).abs_diff(huge) < 2 * u64::from(INTERVAL));
        assert_eq!(Sampler::idle().weight(huge), 0);
        sampler.start(0, 3);
        assert_eq!(sampler.weight(huge), 0);
    }

    #[test]
    fn the_same_seed_hits_the_same_allocations() {
        let hits = |seed| -> Vec<u64> {
            let sampler = started(seed);
            (0..500).map(|size| sampler.weight(size)).collect()
        };
        assert_eq!(hits(5), hits(5));
        assert_ne!(hits(5), hits(6));
    }
}
