//! Folded stacks: one line per different stack, `frame;frame;frame WEIGHT`, the root first, sorted.
//! The text that flame graph programs exchange.
//!
//! The weight is the sum of the samples' weights in the profile's unit, nanoseconds of CPU time or
//! bytes, and not their number: a sample does not stand for the same time in every profile.
//!
//! Each frame ends with its origin. Two of the letters are Brendan Gregg's (`flamegraph.pl
//! --color=java` and `inferno-flamegraph --colors java` know them): `_[j]` code of the agent, as if
//! jitted, and `_[i]` inlined code of the agent. The others are ours: `_[h]` host, `_[w]` wasmtime,
//! `_[b]` boundary, `_[?]` unknown. Lines and files of frames are left out.

use super::{Frame, Origin, Profile};
use crate::sanitise::sanitise;
use std::collections::BTreeMap;

/// Longest name of a frame, in characters; a generic type can be named at any length.
const NAME_MAX: usize = 2000;
/// The frame of a sample without any.
pub const NO_STACK: &str = "[no stack]";

/// What a frame of `origin` ends with.
pub const fn suffix(origin: Origin) -> &'static str {
    match origin {
        Origin::Host => "_[h]",
        Origin::Wasmtime => "_[w]",
        Origin::Boundary => "_[b]",
        Origin::Guest => "_[j]",
        Origin::GuestInlined => "_[i]",
        Origin::Unknown => "_[?]",
    }
}

/// A name that keeps to its place in a line: `;` becomes `:`, as in `stackcollapse-perf.pl`, and
/// what is no printable character is spelt out.
pub fn escaped(name: &str) -> String {
    sanitise(name.trim(), NAME_MAX).replace(';', ":")
}

/// All stacks of `profile` that have a weight; each line is ended.
pub fn text(profile: &Profile) -> String {
    let mut sums: BTreeMap<String, u64> = BTreeMap::new();
    for (stack, sum) in profile.by_stack() {
        let total = sums.entry(line(profile.frames_of(stack))).or_default();
        *total = total.saturating_add(sum.weight);
    }
    let heavy = sums.into_iter().filter(|(_, weight)| *weight > 0);
    heavy.map(|(stack, weight)| format!("{stack} {weight}\n")).collect()
}

fn line<'a>(frames: impl Iterator<Item = &'a Frame>) -> String {
    let texts = frames.map(|frame| format!("{}{}", escaped(&frame.name), suffix(frame.origin)));
    let texts: Vec<String> = texts.collect();
    if texts.is_empty() {
        return format!("{NO_STACK}{}", suffix(Origin::Unknown));
    }
    texts.join(";")
}

#[cfg(test)]
mod tests {
    use super::super::SampleWeight;
    use super::*;
    use crate::profiles as fixture;
    use expect_test::{expect, expect_file};

    #[test]
    fn the_scripted_profile_folds_as_it_did() {
        expect_file!["goldens/wasm.folded"].assert_eq(&text(&fixture::wasm()));
    }

    #[test]
    fn names_keep_to_their_place() {
        let mut profile = fixture::profile(
            SampleWeight::Bytes,
            "2 h:main > w:engine > b:into > g:sum::<[u8; 32]> > i:evil > ?:0x12\n1 h:main",
        );
        let evil = profile.frames.iter_mut().find(|frame| frame.name == "evil").unwrap();
        evil.name = " a;b\nc 12\u{202e} ".to_owned();
        profile.stacks.push(Vec::new());
        profile.samples.push(super::super::StackSample {
            time_ns: 9,
            thread: 0,
            stack: 2,
            weight: 7,
        });
        expect![[r"
            [no stack]_[?] 7
            main_[h] 1003009
            main_[h];engine_[w];into_[b];sum::<[u8: 32]>_[j];a:b\nc 12\u{202e}_[i];0x12_[?] 2006018
        "]]
        .assert_eq(&text(&profile));
    }

    #[test]
    fn the_weights_add_up_to_the_profile() {
        let profile = fixture::wasm();
        let weights = text(&profile);
        let weights = weights.lines().map(|line| line.rsplit_once(' ').unwrap().1);
        assert_eq!(weights.map(|w| w.parse::<u64>().unwrap()).sum::<u64>(), profile.total());
    }
}
