//! The call sites of a profile: which function asked, whatever machinery it asked through.
//!
//! A stack's site is its innermost frame that is not of Rust's own libraries: who pushes to a
//! vector wants to read of himself, not of `RawVec::grow_one`.

use caxton_model::profile::{Frame, Profile};
use std::collections::BTreeMap;
use std::fmt;

/// Crates whose functions allocate for others: by the paths of their functions.
const LIBRARIES: [&str; 4] = ["alloc::", "core::", "std::", "hashbrown::"];

/// The same by where their sources lie: line tables name functions without their paths.
const SOURCES: [&str; 4] = ["/library/alloc/", "/library/core/", "/library/std/", "/hashbrown-"];

/// Longest name of a function in words, in characters.
const NAME_MAX: usize = 60;

/// Parts of a source's path in words.
const PATH_PARTS: usize = 3;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallSite<'a> {
    pub frame: Option<&'a Frame>,
    /// Weight of the samples it stands behind, in the profile's unit.
    pub weight: u64,
}

/// The call sites of `profile`, the heaviest first, those of equal weight in the order of frames.
/// Stacks without any frame come together, as none.
pub fn call_sites(profile: &Profile) -> Vec<CallSite<'_>> {
    let mut weights: BTreeMap<Option<&Frame>, u64> = BTreeMap::new();
    for sample in &profile.samples {
        let weight = weights.entry(site(profile, sample.stack)).or_default();
        *weight = weight.saturating_add(sample.weight);
    }
    let site = |(frame, weight)| CallSite { frame, weight };
    let mut sites: Vec<CallSite<'_>> = weights.into_iter().map(site).collect();
    // Stable: the map was in the order of frames.
    sites.sort_by_key(|site| std::cmp::Reverse(site.weight));
    sites
}

fn site(profile: &Profile, stack: u32) -> Option<&Frame> {
    let mut frames = profile.frames_of(stack).rev();
    let innermost = profile.frames_of(stack).next_back();
    frames.find(|frame| !is_of_library(frame)).or(innermost)
}

/// True for `alloc::vec::f`, for `<alloc::vec::Vec<T> as Trait>::f`, and for what is written in
/// the sources of such a crate.
fn is_of_library(frame: &Frame) -> bool {
    let bare = frame.name.trim_start_matches(['<', '&']);
    let lies_there = |file: &String| SOURCES.iter().any(|source| file.contains(source));
    LIBRARIES.iter().any(|library| bare.starts_with(library))
        || frame.file.as_ref().is_some_and(lies_there)
}

impl fmt::Display for CallSite<'_> {
    /// The function cut to a readable length, and the end of its source's path.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(frame) = self.frame else { return f.write_str("no stack") };
        let name: String = frame.name.chars().take(NAME_MAX).collect();
        f.write_str(&name)?;
        if name.len() < frame.name.len() {
            f.write_str("…")?;
        }
        let Some(file) = &frame.file else { return Ok(()) };
        let parts: Vec<&str> = file.split('/').collect();
        let end = parts[parts.len().saturating_sub(PATH_PARTS)..].join("/");
        match frame.line {
            Some(line) => write!(f, " ({end}:{line})"),
            None => write!(f, " ({end})"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use caxton_fixture::profiles as fixture;
    use caxton_model::profile::SampleWeight;

    #[test]
    fn the_site_is_whoever_asked_the_libraries() {
        let script =
            "5 g:main > i:agent::write > i:<alloc::vec::Vec<u8>>::push > i:alloc::raw_vec::grow
                      3 g:main > i:agent::write
                      7 g:agent::print > i:core::fmt::f
                      1 g:std::only";
        let profile = fixture::profile(SampleWeight::Bytes, script);
        let sites = call_sites(&profile);
        let name = |site: &CallSite<'_>| site.frame.expect("a stack").name.clone();
        let seen: Vec<_> =
            sites.iter().map(|site| (name(site), site.weight / fixture::PERIOD)).collect();
        let expected = [("agent::write", 8), ("agent::print", 7), ("std::only", 1)];
        assert_eq!(seen, expected.map(|(name, weight)| (name.to_owned(), weight)));
    }

    #[test]
    fn a_function_without_its_path_is_known_by_its_source() {
        let script = "5 g:write@agents-wasm/json/src/lib.rs:63 > \
                      i:push<u8>@/x/registry/src/y/hashbrown-0.17.1/src/alloc.rs:63 > \
                      i:grow_one<u8>@/rustc/0123/library/alloc/src/raw_vec/mod.rs:63";
        let mut profile = fixture::profile(SampleWeight::Bytes, script);
        let sites = call_sites(&profile);
        assert_eq!(sites[0].to_string(), "write (json/src/lib.rs:63)");
        let write = profile.frames.iter_mut().find(|frame| frame.name == "write").unwrap();
        write.name = "long".repeat(20);
        let words = call_sites(&profile)[0].to_string();
        assert_eq!(words, format!("{}… (json/src/lib.rs:63)", "long".repeat(15)));
    }
}
