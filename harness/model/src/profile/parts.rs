//! Parts of a profile: the samples of some windows of time alone, and how the weight splits between
//! agent, boundary, engine and host.

use super::{
    About, Frame, HOST, Health, Location, Origin, Profile, Shares, StackSample, Thread, WeightParts,
};
use std::collections::HashMap;
use std::ops::Range;

impl Profile {
    /// Who pays for a stack. What the host's own libraries do is paid by who called them: `memcpy`
    /// under an agent's function is the agent's.
    fn payer(&self, stack: u32) -> Origin {
        let mut frames = self.frames_of(stack).rev().map(|frame| frame.origin);
        let Some(leaf) = frames.next() else { return Origin::Unknown };
        if leaf != Origin::Host {
            return leaf;
        }
        frames.find(|origin| !matches!(origin, Origin::Host | Origin::Unknown)).unwrap_or(leaf)
    }

    /// How the weight splits.
    pub fn parts(&self) -> WeightParts {
        let mut parts = WeightParts::default();
        let payers: Vec<Origin> = (0..self.stacks.len() as u32).map(|s| self.payer(s)).collect();
        let is_own = |stack: u32| {
            let leaf = self.frames_of(stack).next_back().map(|frame| frame.origin);
            matches!(leaf, Some(Origin::Guest | Origin::GuestInlined))
        };
        for sample in &self.samples {
            let part = match payers[sample.stack as usize] {
                Origin::Guest | Origin::GuestInlined if is_own(sample.stack) => &mut parts.agent,
                Origin::Guest | Origin::GuestInlined => &mut parts.libraries,
                Origin::Boundary => &mut parts.boundary,
                Origin::Wasmtime => &mut parts.engine,
                Origin::Host => &mut parts.host,
                Origin::Unknown => &mut parts.unknown,
            };
            *part = part.saturating_add(sample.weight);
        }
        parts
    }

    /// The parts as shares; all 0 for a profile without samples.
    pub fn shares(&self) -> Shares {
        let parts = self.parts();
        let whole = self.total().max(1) as f64;
        let share = |part: u64| part as f64 / whole;
        Shares {
            guest: share(parts.agent + parts.libraries),
            boundary: share(parts.boundary),
            engine: share(parts.engine),
            host: share(parts.host),
            unknown: share(parts.unknown),
        }
    }

    /// The samples taken in `windows` (nanoseconds since the profile's start) alone, which stand
    /// for `cpu_ns` of CPU time. What was lost is not known by window: it stays as it is.
    pub fn during(&self, windows: &[Range<u64>], cpu_ns: u64, about: About) -> Self {
        let is_in = |time: u64| windows.iter().any(|window| window.contains(&time));
        let mut samples: Vec<StackSample> =
            self.samples.iter().filter(|sample| is_in(sample.time_ns)).copied().collect();
        let count = samples.len() as u64;
        for (i, sample) in (0u64..).zip(&mut samples) {
            // Whole nanoseconds whose sum is exactly `cpu_ns`.
            let upto = |i: u64| (u128::from(cpu_ns) * u128::from(i) / u128::from(count)) as u64;
            sample.weight = upto(i + 1) - upto(i);
        }
        let mut part = Self { samples, about, ..self.clone() };
        let has = |stack: u32, which: fn(&Self, u32) -> bool| which(self, stack);
        let count_of = |which: fn(&Self, u32) -> bool| {
            part.samples.iter().filter(|sample| has(sample.stack, which)).count() as u64
        };
        part.health = Health {
            samples: count,
            cpu_ns,
            real_hz: (cpu_ns > 0).then(|| count as f64 * 1e9 / cpu_ns as f64),
            unresolved: count_of(Self::is_unresolved),
            rootless: count_of(Self::is_rootless),
            ..part.health
        };
        part.compact();
        part
    }

    /// True for a stack whose innermost frame has no name, or only that of its library, which
    /// stands in square brackets.
    pub fn is_unresolved(&self, stack: u32) -> bool {
        let leaf = self.frames_of(stack).next_back();
        leaf.is_none_or(|frame| frame.origin == Origin::Unknown || frame.name.starts_with('['))
    }

    /// True for a stack that was cut: its outermost frame is a marker.
    pub fn is_rootless(&self, stack: u32) -> bool {
        self.frames_of(stack).next().is_none_or(|frame| frame.origin == Origin::Unknown)
    }

    /// The same with functions as the compiler made them: what is inlined into one is part of it.
    #[must_use]
    pub fn with_inlined_folded(&self) -> Self {
        let mut folded = self.clone();
        for location in &mut folded.locations {
            location.frames.drain(..location.frames.len() - 1);
        }
        folded.compact();
        folded
    }

    /// The same with all that calls the agent as one frame, [`HOST`], so that pictures show the
    /// agent and not the tool. A stack that never comes to the agent keeps what the engine does in
    /// it, and its last function. One whose beginning is not known stays as it is.
    #[must_use]
    pub fn with_host_folded(&self) -> Self {
        let mut folded = self.clone();
        let frames = vec![folded.frames.len() as u32];
        let host = folded.locations.len() as u32;
        let name = HOST.to_owned();
        folded.frames.push(Frame { name, origin: Origin::Host, file: None, line: None });
        folded.locations.push(Location { address: 0, mapping: None, frames });
        let has = |location: &u32, is_meant: fn(Origin) -> bool| {
            let frames = &self.locations[*location as usize].frames;
            frames.iter().any(|frame| is_meant(self.frames[*frame as usize].origin))
        };
        for (number, stack) in folded.stacks.iter_mut().enumerate() {
            let guest = stack.iter().position(|location| {
                has(location, |origin| matches!(origin, Origin::Guest | Origin::GuestInlined))
            });
            let other = || stack.iter().position(|at| has(at, |origin| origin != Origin::Host));
            let upto = guest.or_else(other).unwrap_or(stack.len().saturating_sub(1));
            if upto > 0 && !self.is_rootless(number as u32) {
                stack.splice(..upto, [host]);
            }
        }
        folded.compact();
        folded
    }

    /// Drops stacks, locations, frames, mappings and threads that no sample uses.
    pub fn compact(&mut self) {
        let mut stacks = Keep::default();
        let mut threads = Keep::default();
        for sample in &mut self.samples {
            sample.stack = stacks.index(sample.stack);
            sample.thread = threads.index(sample.thread);
        }
        let mut locations = Keep::default();
        let kept: Vec<Vec<u32>> = stacks.pick(&self.stacks);
        self.stacks =
            kept.into_iter().map(|s| s.into_iter().map(|l| locations.index(l)).collect()).collect();
        let (mut frames, mut mappings) = (Keep::default(), Keep::default());
        let kept: Vec<Location> = locations.pick(&self.locations);
        let moved = kept.into_iter().map(|location| Location {
            mapping: location.mapping.map(|mapping| mappings.index(mapping)),
            frames: location.frames.into_iter().map(|frame| frames.index(frame)).collect(),
            ..location
        });
        self.locations = moved.collect();
        self.frames = frames.pick(&self.frames);
        self.mappings = mappings.pick(&self.mappings);
        self.threads = threads.pick::<Thread>(&self.threads);
    }
}

/// Numbers anew what is used, in the order of first use.
#[derive(Default)]
struct Keep {
    new: HashMap<u32, u32>,
    old: Vec<u32>,
}

impl Keep {
    fn index(&mut self, old: u32) -> u32 {
        *self.new.entry(old).or_insert_with(|| {
            self.old.push(old);
            self.old.len() as u32 - 1
        })
    }

    fn pick<T: Clone>(&self, all: &[T]) -> Vec<T> {
        self.old.iter().map(|i| all[*i as usize].clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::SampleWeight;
    use crate::profiles as fixture;

    fn profile(script: &str) -> Profile {
        fixture::profile(SampleWeight::CpuNs, script)
    }

    #[test]
    fn instructions_are_the_agents_or_of_what_it_called_or_of_others() {
        let script = "1 h:main > g:f
            2 h:main > g:f > i:inlined
            3 h:main > g:f > h:memcpy
            4 h:main > b:trampoline > h:memcpy
            5 h:main > w:engine
            6 h:main
            7 h:main > ?:nobody";
        let profile = fixture::profile(SampleWeight::Instructions, script);
        let WeightParts { agent, libraries, boundary, engine, host, unknown } = profile.parts();
        let parts = [agent, libraries, boundary, engine, host, unknown];
        assert_eq!(parts.map(|part| part / fixture::PERIOD), [3, 3, 4, 5, 6, 7]);
        assert_eq!(parts.iter().sum::<u64>(), profile.total());
        let folded = profile.with_inlined_folded();
        let has = |name: &str| folded.frames.iter().any(|frame| frame.name == name);
        assert!(has("f") && !has("inlined"), "{:?}", folded.frames);
        assert_eq!((folded.total(), folded.parts()), (profile.total(), profile.parts()));
    }

    #[test]
    fn a_library_is_paid_by_who_called_it() {
        let stacks = ["h:a > g:b > h:c", "h:d > w:e > g:f > b:g > h:h", "h:i", "h:j > w:k > ?:l"];
        let profile = profile(&stacks.map(|stack| format!("1 {stack}\n")).concat());
        let Shares { guest, boundary, engine, host, unknown } = profile.shares();
        assert_eq!((guest, boundary, engine, host, unknown), (0.25, 0.25, 0.0, 0.25, 0.25));
    }

    #[test]
    fn a_window_takes_its_own_samples_and_all_of_its_time() {
        let whole = profile("1 h:a\n1 ?:b > g:c\n1 h:d > ?:e\n1 h:f > g:g");
        let about = || whole.about.clone();
        let window = |sample: u64| sample * fixture::PERIOD..(sample + 1) * fixture::PERIOD;
        let part = whole.during(&[window(2), window(4)], 101, about());
        let weights: Vec<u64> = part.samples.iter().map(|sample| sample.weight).collect();
        assert_eq!(weights, [50, 51]);
        assert_eq!((part.stacks.len(), part.frames.len(), part.locations.len()), (2, 4, 4));
        assert_eq!(part.frames_of(1).next_back().map(|f| f.name.as_str()), Some("g"));
        assert_eq!((part.health.rootless, part.health.unresolved), (1, 0));
        assert_eq!(whole.during(&[window(3)], 5, about()).health.unresolved, 1);
        assert_eq!(whole.during(&[], 5, about()).samples, []);
    }

    #[test]
    fn what_calls_the_agent_is_one_frame_and_the_agent_stays_whole() {
        let script = "3 h:main > h:serve > w:call > b:into > g:work > i:inner\n\
                      2 h:main > h:serve > w:call > b:into > g:work > h:memcpy\n\
                      1 h:main > h:serve > w:call > b:out\n\
                      1 h:main > h:serve > h:clock\n\
                      1 ?:cut > g:work";
        let profile = fixture::profile(SampleWeight::CpuNs, script);
        let folded = profile.with_host_folded();
        assert_eq!((folded.check(), folded.total()), (Ok(()), profile.total()));
        let stacks: Vec<String> = (0..folded.stacks.len() as u32)
            .map(|stack| {
                let names = folded.frames_of(stack).map(|frame| frame.name.as_str());
                names.collect::<Vec<_>>().join(" > ")
            })
            .collect();
        assert_eq!(
            stacks,
            [
                "[host] > work > inner",
                "[host] > work > memcpy",
                "[host] > call > out",
                "[host] > clock",
                "cut > work",
            ]
        );
        assert!(!folded.frames.iter().any(|frame| frame.name == "serve"));
    }
}
