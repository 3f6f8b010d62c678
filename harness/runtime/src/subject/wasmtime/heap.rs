//! Who allocates in a guest that lets its host look: each look is a stack, the block it is about,
//! and the bytes it stands for.
//!
//! Stacks are kept as offsets and get their names when everything is over. All that a guest tells
//! is bounded and believed only as far as it can do harm to nothing but its own profile.

use super::dwarf::{Place as Source, Places};
use caxton_model::profile::{
    About, Frame, Health, Location, Mapping, Origin, Profile, SampleWeight, StackSample, Thread,
};
use caxton_model::reading::{Missing, Reading};
use std::collections::{BTreeMap, HashMap};

/// Frames of a guest's stack that are looked at; also those told of a trap.
pub(super) const FRAMES_MAX: usize = 64;

/// Different stacks, and blocks held at once, that are kept track of.
const STACKS_MAX: usize = 1 << 14;
const BLOCKS_MAX: usize = 1 << 18;

/// A place in a guest's code: its function's index and the offset in the module's file.
pub(super) type Place = (u32, u32);

/// What one stack allocated.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Site {
    /// Innermost first.
    stack: Vec<Place>,
    /// Looks.
    pub looks: u64,
    /// Bytes allocated, estimated.
    pub bytes: u64,
    /// Bytes held now, estimated.
    pub live: u64,
    /// Bytes held when the guest held most.
    pub peak: u64,
}

/// What was seen of a guest's allocations.
#[derive(Debug, Default)]
pub struct HeapLog {
    by_stack: HashMap<Vec<Place>, usize>,
    /// What allocated, in the order of its first look.
    pub sites: Vec<Site>,
    /// Index of the site and bytes, by the block's address.
    blocks: HashMap<u32, (usize, u64)>,
    /// Names of functions from the name section, for code without debug information.
    pub(super) names: BTreeMap<u32, String>,
    live: u64,
    peak: u64,
    is_peak_taken: bool,
    /// Looks that found no room here.
    pub lost: u64,
}

impl HeapLog {
    pub(super) fn allocated(&mut self, stack: Vec<Place>, address: u32, weight: u64) -> bool {
        let site = match self.by_stack.get(&stack) {
            Some(site) => *site,
            None if self.sites.len() == STACKS_MAX => {
                self.lost += 1;
                return false;
            }
            None => {
                self.sites.push(Site { stack: stack.clone(), ..Site::default() });
                self.by_stack.insert(stack, self.sites.len() - 1);
                self.sites.len() - 1
            }
        };
        self.sites[site].looks += 1;
        self.sites[site].bytes = self.sites[site].bytes.saturating_add(weight);
        if self.blocks.len() == BLOCKS_MAX || self.blocks.contains_key(&address) {
            self.lost += 1;
            return false;
        }
        self.blocks.insert(address, (site, weight));
        self.sites[site].live = self.sites[site].live.saturating_add(weight);
        self.live = self.live.saturating_add(weight);
        if self.live > self.peak {
            self.peak = self.live;
            self.is_peak_taken = false;
        }
        true
    }

    pub(super) fn freed(&mut self, address: u32) -> bool {
        // Taken when it is over and not on its way up: there are many steps up to each peak.
        self.take_peak();
        let Some((site, weight)) = self.blocks.remove(&address) else { return false };
        self.sites[site].live = self.sites[site].live.saturating_sub(weight);
        self.live = self.live.saturating_sub(weight);
        true
    }

    fn take_peak(&mut self) {
        if !self.is_peak_taken && self.live == self.peak {
            self.sites.iter_mut().for_each(|site| site.peak = site.live);
            self.is_peak_taken = true;
        }
    }

    /// What was seen as a profile of bytes allocated, or of bytes held when most were held. Names
    /// come from `wasm`, the module that ran.
    pub fn profile(&mut self, wasm: &[u8], about: About, weight: SampleWeight) -> Profile {
        self.take_peak();
        let mut builder = Builder::new(wasm, &about.case, self);
        let mut health = Health {
            engine: "guest allocator, sampled by bytes".to_owned(),
            asked_hz: None,
            real_hz: None,
            cpu_ns: 0,
            kernel_ns: Reading::Missing(Missing::NotRequested("bytes, not time".to_owned())),
            lost: self.lost,
            samples: self.sites.iter().map(|site| site.looks).sum(),
            unresolved: 0,
            rootless: 0,
            mended: 0,
            notes: Vec::new(),
        };
        let mut samples = Vec::new();
        for site in &self.sites {
            let bytes = if weight == SampleWeight::PeakBytes { site.peak } else { site.bytes };
            health.rootless += if site.stack.len() >= FRAMES_MAX { site.looks } else { 0 };
            let (stack, is_named) = builder.stack(&site.stack);
            health.unresolved += if is_named { 0 } else { site.looks };
            if bytes > 0 {
                samples.push(StackSample { time_ns: 0, thread: 0, stack, weight: bytes });
            }
        }
        builder.finish(about, health, weight, samples)
    }
}

/// A profile's tables while they fill.
struct Builder<'a> {
    places: Option<Places>,
    pub(super) names: &'a BTreeMap<u32, String>,
    mapping: Mapping,
    frames: Vec<Frame>,
    frame_of: BTreeMap<Frame, u32>,
    locations: Vec<Location>,
    location_of: BTreeMap<(Place, bool), Option<u32>>,
    stacks: Vec<Vec<u32>>,
}

impl<'a> Builder<'a> {
    fn new(wasm: &[u8], case: &str, log: &'a HeapLog) -> Self {
        let seen = log.sites.iter().flat_map(|site| &site.stack).map(|(_, offset)| *offset);
        // Broken debug information is as good as none: the name section is left.
        let places = Places::read(wasm, seen).ok().flatten();
        let names = &log.names;
        let agent = case.split('/').nth(3).unwrap_or(case);
        let mapping = Mapping { name: format!("{agent}.wasm"), bytes: wasm.len() as u64 };
        let (frames, frame_of, stacks) = (Vec::new(), BTreeMap::new(), Vec::new());
        let (locations, location_of) = (Vec::new(), BTreeMap::new());
        Self { places, names, mapping, frames, frame_of, locations, location_of, stacks }
    }

    /// The index of a stack, and whether its innermost frame has a name. The allocator that looks
    /// is inside every stack and says nothing: a stack begins with what called it.
    fn stack(&mut self, places: &[Place]) -> (u32, bool) {
        let mut stack = Vec::with_capacity(places.len());
        for place in places {
            let is_inner = stack.is_empty();
            stack.extend(self.location(*place, is_inner));
        }
        let innermost = stack.first().map(|first| self.locations[*first as usize].frames[0]);
        let is_named =
            innermost.is_some_and(|frame| self.frames[frame as usize].origin != Origin::Unknown);
        stack.reverse();
        self.stacks.push(stack);
        (self.stacks.len() as u32 - 1, is_named)
    }

    /// The index of a location; without the allocator's own frames where it `is_inner`most, and
    /// none if nothing else is there.
    fn location(&mut self, place: Place, is_inner: bool) -> Option<u32> {
        if let Some(index) = self.location_of.get(&(place, is_inner)) {
            return *index;
        }
        let (function, offset) = place;
        let frame = |source: &Source| {
            let Source { name, file, line } = source.clone();
            Some(Frame { name: name?, origin: Origin::GuestInlined, file, line })
        };
        let mut frames: Vec<Frame> =
            self.places.iter().flat_map(|places| places.at(offset)).filter_map(frame).collect();
        let name = self.names.get(&function);
        if let Some(outer) = frames.last_mut() {
            outer.origin = Origin::Guest;
            // Line tables name a function without its path; the name section has all of it.
            outer.name = name.unwrap_or(&outer.name).clone();
        } else {
            let origin = if name.is_some() { Origin::Guest } else { Origin::Unknown };
            let name = name.cloned().unwrap_or_else(|| format!("wasm-function[{function}]"));
            frames.push(Frame { name, origin, file: None, line: None });
        }
        if is_inner {
            let own = frames.iter().take_while(|frame| is_apparatus(frame)).count();
            frames.drain(..own);
        }
        let address = u64::from(offset);
        let frames: Vec<u32> = frames.into_iter().map(|frame| self.frame(frame)).collect();
        let index = (!frames.is_empty()).then_some(self.locations.len() as u32);
        if index.is_some() {
            self.locations.push(Location { address, mapping: Some(0), frames });
        }
        self.location_of.insert((place, is_inner), index);
        index
    }

    fn frame(&mut self, frame: Frame) -> u32 {
        if let Some(index) = self.frame_of.get(&frame) {
            return *index;
        }
        let index = self.frames.len() as u32;
        self.frames.push(frame.clone());
        self.frame_of.insert(frame, index);
        index
    }

    fn finish(
        self,
        about: About,
        health: Health,
        weight: SampleWeight,
        samples: Vec<StackSample>,
    ) -> Profile {
        Profile {
            about,
            health,
            weight,
            mappings: vec![self.mapping],
            frames: self.frames,
            locations: self.locations,
            stacks: self.stacks,
            threads: vec![Thread { id: 0, name: "agent".to_owned() }],
            samples,
            hot: Vec::new(),
        }
    }
}

/// True for what stands between an allocating function and the host's look: the allocator of
/// `agent_abi::heap`, and the names under which Rust calls it.
fn is_apparatus(frame: &Frame) -> bool {
    let in_allocator = frame.file.as_ref().is_some_and(|file| {
        file.ends_with("abi/src/heap.rs") || file.ends_with("abi/src/heap/sampler.rs")
    });
    in_allocator || frame.name.contains("__rust_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_at_the_peak_is_told_by_site() {
        let mut log = HeapLog::default();
        let (one, two) = (vec![(1, 10)], vec![(2, 20)]);
        assert!(log.allocated(one.clone(), 100, 512));
        assert!(log.allocated(two.clone(), 200, 1024));
        assert!(log.freed(100) && !log.freed(100), "once");
        assert!(log.allocated(one, 100, 512));
        assert!(log.freed(200));
        assert!(log.allocated(two, 300, 512));
        log.take_peak();
        let seen: Vec<_> = log.sites.iter().map(|s| (s.looks, s.bytes, s.live, s.peak)).collect();
        assert_eq!(seen, [(2, 1024, 512, 512), (2, 1536, 512, 1024)]);
    }

    #[test]
    fn a_guest_cannot_fill_its_host() {
        let mut log = HeapLog::default();
        for index in 0..STACKS_MAX as u32 + 3 {
            log.allocated(vec![(index, 0)], index, u64::MAX / 2);
        }
        assert_eq!((log.sites.len(), log.lost), (STACKS_MAX, 3));
        assert!(!log.allocated(vec![(0, 0)], 0, 1), "an address that is held already");
        log.freed(0);
    }
}
