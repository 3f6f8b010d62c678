//! Puts a profile together: each frame, location and stack once, numbered in the order of their
//! first appearance, so that the same samples always give the same bytes.

use super::{About, Frame, Health, Location, Mapping, Profile, SampleWeight, StackSample, Thread};
use std::collections::HashMap;
use std::hash::Hash;

/// Different values, numbered.
#[derive(Debug)]
struct Numbered<T> {
    values: Vec<T>,
    numbers: HashMap<T, u32>,
}

impl<T> Default for Numbered<T> {
    fn default() -> Self {
        Self { values: Vec::new(), numbers: HashMap::new() }
    }
}

impl<T: Clone + Eq + Hash> Numbered<T> {
    fn number(&mut self, value: T) -> u32 {
        if let Some(number) = self.numbers.get(&value) {
            return *number;
        }
        let number = u32::try_from(self.values.len()).expect("memory ends before 32 bits do");
        self.values.push(value.clone());
        self.numbers.insert(value, number);
        number
    }
}

#[derive(Debug, Default)]
pub struct ProfileBuilder {
    mappings: Numbered<Mapping>,
    frames: Numbered<Frame>,
    locations: Numbered<Location>,
    stacks: Numbered<Vec<u32>>,
    threads: Vec<Thread>,
    samples: Vec<StackSample>,
}

impl ProfileBuilder {
    /// The number of `mapping`.
    pub fn mapping(&mut self, mapping: Mapping) -> u32 {
        self.mappings.number(mapping)
    }

    /// The number of a place at `address`, relative to the start of mapping number `mapping`, where
    /// the code of all `frames` lies, innermost first.
    ///
    /// # Panics
    /// When there is no frame: a place without a name has one frame of an unknown origin.
    pub fn location(&mut self, address: u64, mapping: Option<u32>, frames: Vec<Frame>) -> u32 {
        assert!(!frames.is_empty(), "a location has a frame");
        let frames = frames.into_iter().map(|frame| self.frames.number(frame)).collect();
        self.locations.number(Location { address, mapping, frames })
    }

    /// The number of a stack of `locations`, the root first.
    pub fn stack(&mut self, locations: Vec<u32>) -> u32 {
        self.stacks.number(locations)
    }

    /// Adds a thread and tells its number; the same thread is to be added once.
    pub fn thread(&mut self, thread: Thread) -> u32 {
        self.threads.push(thread);
        u32::try_from(self.threads.len() - 1).expect("memory ends before 32 bits do")
    }

    pub fn sample(&mut self, sample: StackSample) {
        self.samples.push(sample);
    }

    /// The profile, its samples in the order of time.
    pub fn finish(mut self, weight: SampleWeight, about: About, health: Health) -> Profile {
        self.samples.sort_by_key(|sample| sample.time_ns);
        Profile {
            about,
            health,
            weight,
            mappings: self.mappings.values,
            frames: self.frames.values,
            locations: self.locations.values,
            stacks: self.stacks.values,
            threads: self.threads,
            samples: self.samples,
            hot: Vec::new(),
        }
    }
}
