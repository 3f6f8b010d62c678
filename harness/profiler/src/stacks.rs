//! What the samplers gave, before anything has a name: stacks of places, each kept once.

use super::chain::{Ending, Walked};
use super::space::{CodePlace, Space};
use std::collections::{BTreeMap, HashMap};
use std::fs;

/// One sample, or several of one stack where the engine does not tell them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct RawSample {
    /// Nanoseconds of the monotonic clock; of an engine without times, when its window began.
    pub(super) time_ns: u64,
    pub(super) thread: u32,
    pub(super) stack: u32,
    pub(super) count: u64,
}

#[derive(Default)]
pub(super) struct RawStacks {
    ids: HashMap<Vec<CodePlace>, u32>,
    /// In no order.
    pub(super) samples: Vec<RawSample>,
    pub(super) threads: BTreeMap<u32, String>,
    /// Samples that the engine knows it lost.
    pub(super) lost: u64,
    /// How often the kernel held the sampler back.
    pub(super) throttled: u64,
    /// Samples whose stack does not reach its root.
    pub(super) rootless: u64,
    pub(super) mended: u64,
}

impl RawStacks {
    /// Keeps a sample; the stack of `sample` is filled in.
    pub(super) fn add(&mut self, walked: &Walked, space: &mut Space, mut sample: RawSample) {
        let mut stack: Vec<CodePlace> = walked.chain.iter().map(|at| space.place(*at)).collect();
        match walked.ending {
            Ending::Root => {}
            Ending::Fiber => stack.push(CodePlace::FIBER),
            Ending::Cut(culprit) => {
                stack.push(CodePlace::cut_in(space.file_at(culprit).map(|(unit, _)| unit)));
            }
        }
        let is_rooted = walked.ending == Ending::Root;
        self.rootless += if is_rooted { 0 } else { sample.count };
        self.mended += if walked.is_mended { sample.count } else { 0 };
        let next = u32::try_from(self.ids.len()).unwrap_or(u32::MAX);
        sample.stack = *self.ids.entry(stack).or_insert(next);
        self.samples.push(sample);
        self.threads.entry(sample.thread).or_insert_with(|| name_of(sample.thread));
    }

    /// The stacks by index, the innermost place first.
    pub(super) fn take_stacks(&mut self) -> Vec<Vec<CodePlace>> {
        let mut stacks: Vec<(Vec<CodePlace>, u32)> = self.ids.drain().collect();
        stacks.sort_by_key(|(_, id)| *id);
        stacks.into_iter().map(|(stack, _)| stack).collect()
    }
}

/// The name of a thread of this process that may be gone.
fn name_of(thread: u32) -> String {
    let name = fs::read_to_string(format!("/proc/self/task/{thread}/comm"));
    name.map_or_else(|_| format!("thread {thread}"), |name| name.trim().to_owned())
}
