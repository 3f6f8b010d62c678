//! From raw stacks to a [`Profile`]: each place is named once.

use super::host::{self, HostNames};
use super::hot;
use super::space::{CodePlace, CodeUnit, Meaning, Space};
use super::stacks::RawStacks;
use caxton_model::profile::{
    About, Frame, Health, Location, Mapping, Origin, Profile, SampleWeight, StackSample, Thread,
};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Makes a profile. `health` comes with what the recording knows; the rest is filled in.
pub(super) fn profile(
    space: &Space,
    mut raw: RawStacks,
    start_ns: u64,
    about: About,
    mut health: Health,
) -> Profile {
    let stacks = raw.take_stacks();
    raw.samples.sort();
    let mut table = FrameTable::new(space);
    let stacks: Vec<Vec<u32>> = stacks
        .iter()
        .map(|stack| stack.iter().rev().map(|place| table.location(*place)).collect())
        .collect();
    health.samples = raw.samples.iter().map(|sample| sample.count).sum();
    let is_unresolved = |stack: u32| {
        let leaf = stacks[stack as usize].last();
        leaf.is_none_or(|leaf| table.unresolved.contains(leaf))
    };
    let unresolved = raw.samples.iter().filter(|sample| is_unresolved(sample.stack));
    health.unresolved = unresolved.map(|sample| sample.count).sum();
    (health.lost, health.rootless, health.mended) = (raw.lost, raw.rootless, raw.mended);
    let cpu_s = health.cpu_ns as f64 / 1e9;
    health.real_hz = (cpu_s > 0.0).then(|| health.samples as f64 / cpu_s);
    health.notes.append(&mut table.notes);
    if !host::has_frame_pointers() {
        health.notes.push(
            "the harness was built without `-C force-frame-pointers=yes`: stacks of host code \
             may be cut"
                .to_owned(),
        );
    }
    if raw.throttled > 0 {
        health.notes.push(format!("the kernel held the sampler back {} times", raw.throttled));
    }
    let threads: Vec<u32> = raw.threads.keys().copied().collect();
    let each_ns = health.cpu_ns / health.samples.max(1);
    let samples = raw.samples.iter().flat_map(|sample| {
        let one = StackSample {
            time_ns: sample.time_ns.saturating_sub(start_ns),
            thread: threads.binary_search(&sample.thread).unwrap_or(0) as u32,
            stack: sample.stack,
            weight: each_ns,
        };
        std::iter::repeat_n(one, usize::try_from(sample.count).unwrap_or(usize::MAX))
    });
    Profile {
        about,
        weight: SampleWeight::CpuNs,
        samples: samples.collect(),
        threads: raw.threads.into_iter().map(|(id, name)| Thread { id, name }).collect(),
        mappings: table.mappings,
        frames: table.frames,
        locations: table.locations,
        stacks,
        health,
        hot: Vec::new(),
    }
}

/// Instructions by stack, the root first.
pub(super) type CountedStacks = BTreeMap<Vec<CountedPlace>, u64>;

/// What was counted of one side.
pub(super) struct SideStacks {
    pub(super) about: About,
    pub(super) stacks: CountedStacks,
    /// Instructions whose stack does not reach where counting began.
    pub(super) rootless: u64,
}

/// So many of the hottest functions are taken apart, where any are.
const FUNCTIONS_MAX: usize = 10;

/// Makes a profile of each of `counted`, with machine code if it `has_hot`. Names are looked up
/// once for all of them.
pub(super) fn counted(
    space: &Space,
    counted: Vec<SideStacks>,
    health: &Health,
    has_hot: bool,
) -> Vec<Profile> {
    let mut table = FrameTable::new(space);
    let mut profiles = Vec::new();
    for SideStacks { about, stacks, rootless } in counted {
        let mut weights: BTreeMap<Vec<u32>, u64> = BTreeMap::new();
        let mut places_alone: BTreeMap<CodePlace, u64> = BTreeMap::new();
        for (places, weight) in &stacks {
            if let Some(CountedPlace::Instruction(place)) = places.last() {
                *places_alone.entry(*place).or_default() += weight;
            }
            let stack = places.iter().map(|place| match *place {
                CountedPlace::Instruction(place) => table.location(place),
                CountedPlace::SomewhereIn(place) => table.function(place),
            });
            *weights.entry(stack.collect()).or_default() += weight;
        }
        let samples = (0..).zip(weights.values()).map(|(stack, weight)| StackSample {
            time_ns: 0,
            thread: 0,
            stack,
            weight: *weight,
        });
        let is_unresolved = |(stack, _): &(&Vec<u32>, &u64)| {
            stack.last().is_none_or(|leaf| table.unresolved.contains(leaf))
        };
        profiles.push(Profile {
            about,
            weight: SampleWeight::Instructions,
            samples: samples.collect(),
            threads: vec![Thread { id: std::process::id(), name: "worker".to_owned() }],
            mappings: Vec::new(),
            frames: Vec::new(),
            locations: Vec::new(),
            health: Health {
                samples: weights.values().sum(),
                rootless,
                unresolved: weights.iter().filter(is_unresolved).map(|(_, weight)| weight).sum(),
                ..health.clone()
            },
            stacks: weights.into_keys().collect(),
            hot: hot::functions(
                space,
                &places_alone,
                if has_hot { FUNCTIONS_MAX } else { 0 },
                |place| match place.meaning() {
                    Meaning::Unit(unit, offset) => table.named(unit, offset).0,
                    _ => Vec::new(),
                },
            ),
        });
    }
    for profile in &mut profiles {
        profile.mappings.clone_from(&table.mappings);
        profile.frames.clone_from(&table.frames);
        profile.locations.clone_from(&table.locations);
        profile.health.notes.extend(table.notes.iter().cloned());
        profile.compact();
    }
    profiles
}

/// Where something was counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum CountedPlace {
    Instruction(CodePlace),
    /// In the function that this place belongs to: it is not known where.
    SomewhereIn(CodePlace),
}

/// The tables of a profile, as they grow.
struct FrameTable<'a> {
    space: &'a Space,
    names: BTreeMap<usize, HostNames<'a>>,
    mapping_of: BTreeMap<usize, u32>,
    location_of: HashMap<CodePlace, u32>,
    /// Locations of whole functions.
    function_of: HashMap<CodePlace, u32>,
    frame_of: HashMap<Frame, u32>,
    mappings: Vec<Mapping>,
    frames: Vec<Frame>,
    locations: Vec<Location>,
    /// Locations without a name.
    unresolved: BTreeSet<u32>,
    notes: Vec<String>,
}

impl<'a> FrameTable<'a> {
    fn new(space: &'a Space) -> Self {
        Self {
            space,
            names: BTreeMap::new(),
            mapping_of: BTreeMap::new(),
            location_of: HashMap::new(),
            function_of: HashMap::new(),
            frame_of: HashMap::new(),
            mappings: Vec::new(),
            frames: Vec::new(),
            locations: Vec::new(),
            unresolved: BTreeSet::new(),
            notes: Vec::new(),
        }
    }

    fn location(&mut self, place: CodePlace) -> u32 {
        if let Some(known) = self.location_of.get(&place) {
            return *known;
        }
        let (address, mapping, frames, is_resolved) = match place.meaning() {
            Meaning::Unit(unit, offset) => {
                let (frames, is_resolved) = self.named(unit, offset);
                (u64::from(offset), Some(self.mapping(unit)), frames, is_resolved)
            }
            Meaning::Bare(address) => (address, None, vec![marker("[unknown]".into())], false),
            Meaning::Fiber => (0, None, vec![marker("[fiber base]".into())], false),
            Meaning::CutIn(unit) => {
                let name = unit.map_or("unknown code", |unit| unit_name(&self.space.units[unit]));
                let name = format!("[stack cut in {}]", name.trim_matches(['[', ']']));
                (0, None, vec![marker(name)], false)
            }
        };
        let frames = frames.into_iter().map(|frame| self.frame(frame)).collect();
        let id = self.locations.len() as u32;
        self.locations.push(Location { address, mapping, frames });
        self.location_of.insert(place, id);
        if !is_resolved {
            self.unresolved.insert(id);
        }
        id
    }

    /// The function at `place` without those that are inlined there.
    fn function(&mut self, place: CodePlace) -> u32 {
        if let Some(known) = self.function_of.get(&place) {
            return *known;
        }
        let at = self.location(place);
        let mut location = self.locations[at as usize].clone();
        if location.frames.len() == 1 {
            self.function_of.insert(place, at);
            return at;
        }
        location.frames.drain(..location.frames.len() - 1);
        let id = self.locations.len() as u32;
        self.locations.push(location);
        self.function_of.insert(place, id);
        id
    }

    fn named(&mut self, unit: usize, offset: u32) -> (Vec<Frame>, bool) {
        match &self.space.units[unit] {
            CodeUnit::File(file) => {
                let notes = &mut self.notes;
                let names = self.names.entry(unit).or_insert_with(|| {
                    let (names, note) = HostNames::of(file);
                    notes.extend(note);
                    names
                });
                let named = names.at(u64::from(offset));
                (named.frames, named.is_resolved)
            }
            CodeUnit::Made(made) => {
                let frames = made.frames(offset);
                if frames.is_empty() {
                    (vec![marker(format!("[{}+{offset:#x}]", made.name))], false)
                } else {
                    (frames, true)
                }
            }
        }
    }

    fn frame(&mut self, frame: Frame) -> u32 {
        let next = self.frames.len() as u32;
        *self.frame_of.entry(frame).or_insert_with_key(|frame| {
            self.frames.push(frame.clone());
            next
        })
    }

    fn mapping(&mut self, unit: usize) -> u32 {
        let next = self.mappings.len() as u32;
        *self.mapping_of.entry(unit).or_insert_with(|| {
            let of = &self.space.units[unit];
            let range = match of {
                CodeUnit::File(file) => &file.range,
                CodeUnit::Made(made) => {
                    self.notes.extend(made.notes());
                    &made.range
                }
            };
            let name = unit_name(of).to_owned();
            self.mappings.push(Mapping { name, bytes: range.end - range.start });
            next
        })
    }
}

fn unit_name(unit: &CodeUnit) -> &str {
    match unit {
        CodeUnit::File(file) => &file.name,
        CodeUnit::Made(made) => &made.name,
    }
}

fn marker(name: String) -> Frame {
    Frame { name, origin: Origin::Unknown, file: None, line: None }
}
