//! The ways through a profile that all pictures and exports take: the frames of a stack, the weight
//! on each stack, and whether the profile holds together at all.

use super::{Frame, Profile, ProfileError, SampleWeight};
use crate::units::Unit;
use std::collections::BTreeMap;

/// What the samples of one stack add up to.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct StackWeight {
    /// Sum of the weights, in the profile's unit.
    pub weight: u64,
    pub samples: u64,
    /// Sum of the squares of the weights.
    pub squares: f64,
}

impl SampleWeight {
    pub const fn unit(self) -> Unit {
        match self {
            Self::CpuNs => Unit::Nanos,
            Self::Bytes | Self::PeakBytes => Unit::Bytes,
            Self::Instructions => Unit::Count,
        }
    }

    /// An amount of it: `1.00 s of CPU time`, `9.27 M instructions`.
    pub fn amount(self, weight: f64) -> String {
        let (amount, words) = (self.unit().show(weight), self.words());
        match self {
            Self::Instructions => format!("{amount} {words}"),
            _ => format!("{amount} of {words}"),
        }
    }

    /// What a profile's weights are, in words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::CpuNs => "CPU time",
            Self::Bytes => "bytes allocated",
            Self::PeakBytes => "bytes held when most were held",
            Self::Instructions => "instructions",
        }
    }
}

impl Profile {
    /// That every index leads somewhere and the weights have a sum: to be asked once of a profile
    /// that came from a file. Whatever else is made of a profile takes that for granted.
    pub fn check(&self) -> Result<(), ProfileError> {
        let damaged = |part: &str, at: usize, to: &str| {
            Err(ProfileError::Damaged(format!("{part} {at} names {to} that is not there")))
        };
        for (at, location) in self.locations.iter().enumerate() {
            let is_there = |frame: &u32| (*frame as usize) < self.frames.len();
            if location.frames.is_empty() || !location.frames.iter().all(is_there) {
                return damaged("location", at, "a frame");
            }
            if location.mapping.is_some_and(|mapping| mapping as usize >= self.mappings.len()) {
                return damaged("location", at, "a mapping");
            }
        }
        for (at, stack) in self.stacks.iter().enumerate() {
            if stack.iter().any(|location| *location as usize >= self.locations.len()) {
                return damaged("stack", at, "a location");
            }
        }
        let mut total = 0_u64;
        for (at, sample) in self.samples.iter().enumerate() {
            if sample.stack as usize >= self.stacks.len() {
                return damaged("sample", at, "a stack");
            }
            if sample.thread as usize >= self.threads.len() {
                return damaged("sample", at, "a thread");
            }
            let Some(sum) = total.checked_add(sample.weight) else {
                let why = "its weights add up to more than 64 bits hold";
                return Err(ProfileError::Damaged(why.to_owned()));
            };
            total = sum;
        }
        Ok(())
    }

    /// The sum of all weights, in the profile's unit.
    pub fn total(&self) -> u64 {
        self.samples.iter().fold(0, |sum, sample| sum.saturating_add(sample.weight))
    }

    /// The frames of stack number `stack`, the root first, inlined ones in their place.
    ///
    /// # Panics
    /// When an index leads nowhere, which [`Profile::check`] would have told.
    pub fn frames_of(&self, stack: u32) -> impl DoubleEndedIterator<Item = &Frame> {
        self.frame_numbers_of(stack).map(|frame| &self.frames[frame as usize])
    }

    /// Like [`Profile::frames_of`], as indices into [`Profile::frames`].
    pub fn frame_numbers_of(&self, stack: u32) -> impl DoubleEndedIterator<Item = u32> {
        let locations = self.stacks[stack as usize].iter();
        locations
            .flat_map(|location| self.locations[*location as usize].frames.iter().rev().copied())
    }

    /// What weighs on each stack that has a sample.
    pub fn by_stack(&self) -> BTreeMap<u32, StackWeight> {
        let mut sums: BTreeMap<u32, StackWeight> = BTreeMap::new();
        for sample in &self.samples {
            let sum = sums.entry(sample.stack).or_default();
            sum.weight = sum.weight.saturating_add(sample.weight);
            sum.samples += 1;
            sum.squares += (sample.weight as f64).powi(2);
        }
        sums
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::Profile;
    use crate::profiles as fixture;

    #[test]
    fn a_profile_that_leads_nowhere_is_told() {
        type Break = fn(&mut Profile);
        let whole = fixture::wasm();
        assert_eq!(whole.check(), Ok(()));
        let broken: [(&str, Break); 7] = [
            ("location 0 names a frame", |p| p.locations[0].frames = vec![u32::MAX]),
            ("location 1 names a frame", |p| p.locations[1].frames.clear()),
            ("location 0 names a mapping", |p| p.locations[0].mapping = Some(99)),
            ("stack 2 names a location", |p| p.stacks[2].push(u32::MAX)),
            ("sample 3 names a stack", |p| p.samples[3].stack = u32::MAX),
            ("sample 4 names a thread", |p| p.samples[4].thread = u32::MAX),
            ("more than 64 bits", |p| p.samples[5].weight = u64::MAX),
        ];
        for (words, break_it) in broken {
            let mut profile = whole.clone();
            break_it(&mut profile);
            let error = profile.check().unwrap_err().to_string();
            assert!(error.contains(words) && error.contains("profile again"), "{error}");
        }
    }

    #[test]
    fn inlined_frames_stand_above_what_they_were_inlined_into() {
        let profile = fixture::profile(
            SampleWeight::CpuNs,
            "1 h:main > g:outer > i:inner > i:innermost > g:leaf",
        );
        let names: Vec<_> = profile.frames_of(0).map(|frame| frame.name.as_str()).collect();
        assert_eq!(names, ["main", "outer", "inner", "innermost", "leaf"]);
        assert_eq!(profile.stacks[0].len(), 3);
    }
}
