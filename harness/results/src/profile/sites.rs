//! The call sites of a profile: which function asked, whatever machinery it asked through.
//!
//! A stack's site is its innermost frame that is not of Rust's own libraries: who pushes to a
//! vector wants to read of himself, not of `RawVec::grow_one`.

use super::Profile;
use std::collections::BTreeMap;

/// Crates whose functions allocate for others.
const LIBRARIES: [&str; 4] = ["alloc::", "core::", "std::", "hashbrown::"];

/// One call site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallSite {
    /// The function's name, as demangled.
    pub name: String,
    /// Weight of the samples it stands behind, in the profile's unit.
    pub weight: u64,
}

/// The call sites of `profile`, the heaviest first, those of equal weight by name.
pub fn call_sites(profile: &Profile) -> Vec<CallSite> {
    let mut weights: BTreeMap<&str, u64> = BTreeMap::new();
    for sample in &profile.samples {
        *weights.entry(site(profile, sample.stack)).or_default() += sample.weight;
    }
    let site = |(name, weight): (&str, u64)| CallSite { name: name.to_owned(), weight };
    let mut sites: Vec<CallSite> = weights.into_iter().map(site).collect();
    // Stable: the map was in the order of names.
    sites.sort_by_key(|site| std::cmp::Reverse(site.weight));
    sites
}

fn site(profile: &Profile, stack: u32) -> &str {
    let locations = profile.stacks[stack as usize].iter().rev();
    let frames = locations.flat_map(|location| &profile.locations[*location as usize].frames);
    let mut names = frames.map(|frame| profile.frames[*frame as usize].name.as_str());
    let first = names.clone().next().unwrap_or("no stack");
    names.find(|name| !is_of_library(name)).unwrap_or(first)
}

/// True for `alloc::vec::f` and for `<alloc::vec::Vec<T> as Trait>::f`.
fn is_of_library(name: &str) -> bool {
    let bare = name.trim_start_matches(['<', '&']);
    LIBRARIES.iter().any(|library| bare.starts_with(library))
}

/// A function's name without its hash, the types it was made for, and the numbers of its crates:
/// what fits on a line.
pub fn short_name(name: &str) -> String {
    let mut short = String::new();
    let mut depth = 0u32;
    let mut chars = name.chars().peekable();
    // A `<` at the start of a path segment opens a type with methods, which is kept.
    while let Some(c) = chars.next() {
        match c {
            '[' if short.ends_with(|c: char| c.is_alphanumeric() || c == '_') => {
                while chars.next_if(|c| *c != ']').is_some() {}
                chars.next();
            }
            '<' if short.ends_with(':') || depth > 0 => depth += 1,
            '<' if short.ends_with(|c: char| c.is_alphanumeric()) => depth += 1,
            '>' if depth > 0 => depth -= 1,
            _ if depth == 0 => short.push(c),
            _ => {}
        }
    }
    short.trim_end_matches("::").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::{About, Frame, Health, Location, Origin, StackSample, Weight};
    use crate::reading::{Missing, Reading};

    /// A profile of stacks, each the names of one location's frames, innermost first.
    fn profile(stacks: &[(&[&str], u64)]) -> Profile {
        let none = || Reading::Missing(Missing::NotRequested("a test".to_owned()));
        let mut profile = Profile {
            about: About {
                case: "a/b/c/d".to_owned(),
                side: "wasm".to_owned(),
                messages: 1,
                counters: BTreeMap::new(),
            },
            health: Health {
                engine: "test".to_owned(),
                asked_hz: None,
                real_hz: None,
                cpu_ns: 0,
                kernel_ns: none(),
                lost: 0,
                samples: 0,
                unresolved: 0,
                rootless: 0,
                mended: 0,
                notes: Vec::new(),
            },
            weight: Weight::Bytes,
            mappings: Vec::new(),
            frames: Vec::new(),
            locations: Vec::new(),
            stacks: Vec::new(),
            threads: Vec::new(),
            samples: Vec::new(),
        };
        for (names, weight) in stacks {
            let first = profile.frames.len() as u32;
            profile.frames.extend(names.iter().map(|name| Frame {
                name: (*name).to_owned(),
                origin: Origin::Guest,
                file: None,
                line: None,
            }));
            let frames = (first..profile.frames.len() as u32).collect();
            profile.locations.push(Location { address: 0, mapping: None, frames });
            let stack = profile.stacks.len() as u32;
            profile.stacks.push(vec![profile.locations.len() as u32 - 1]);
            profile.samples.push(StackSample { time_ns: 0, thread: 0, stack, weight: *weight });
        }
        profile
    }

    #[test]
    fn the_site_is_whoever_asked_the_libraries() {
        let profile = profile(&[
            (&["alloc::raw_vec::grow", "<alloc::vec::Vec<u8>>::push", "agent::write", "main"], 5),
            (&["agent::write"], 3),
            (&["core::fmt::f", "agent::print"], 7),
            (&["std::only"], 1),
        ]);
        let sites = call_sites(&profile);
        let seen: Vec<_> = sites.iter().map(|site| (site.name.as_str(), site.weight)).collect();
        assert_eq!(seen, [("agent::write", 8), ("agent::print", 7), ("std::only", 1)]);
    }

    #[test]
    fn a_short_name_has_no_types_it_was_made_for() {
        for (long, short) in [
            ("agent_json[0123]::price", "agent_json::price"),
            ("agent::parse::<&str, Vec<u8>>", "agent::parse"),
            ("<agent_json::Order as Agent>::handle", "<agent_json::Order as Agent>::handle"),
            (
                "<serde_json::de::Deserializer<SliceRead>>::parse",
                "<serde_json::de::Deserializer>::parse",
            ),
            ("wasm-function[12]", "wasm-function"),
        ] {
            assert_eq!(short_name(long), short, "{long}");
        }
    }
}
