//! Hostile input for every parser of what can come from elsewhere: files, and lines of processes.
//!
//! [`TARGETS`] is the one list. A target reads bytes as the suite would and then does with the
//! result what the suite does: sums, verdicts, reports, exports. `tests/mutations.rs` feeds it
//! mutations of `seeds/NAME/` on stable; `fuzz_targets/NAME.rs` hands it to libFuzzer:
//!
//! ```text
//! cargo +nightly fuzz run --fuzz-dir harness/fuzz --features libfuzzer NAME corpus seeds/NAME
//! ```
#![forbid(unsafe_code)]

mod folder;
mod guests;
mod loads;
mod mail;
pub mod mutate;
mod profiles;
mod records;
mod wire;
mod words;

use std::fs;
use std::io;
use std::path::PathBuf;

/// A parser, and what is done with what it read.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Its name, and that of its folder of seeds and of its libFuzzer target.
    pub name: &'static str,
    /// How many inputs it gets in a mutation test, relative to the others. Parsers that end in a
    /// page of charts take a thousand times longer than those of a word.
    pub share: u32,
    /// Reads the bytes and uses what they say; true if they say something.
    pub run: fn(&[u8]) -> bool,
}

impl Target {
    /// Its seeds by file name: real inputs, and every input that ever broke it.
    ///
    /// # Errors
    /// Their folder cannot be read.
    pub fn seeds(&self) -> io::Result<Vec<(String, Vec<u8>)>> {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("seeds").join(self.name);
        let mut seeds = Vec::new();
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            seeds.push((name, fs::read(&path)?));
        }
        seeds.sort();
        Ok(seeds)
    }
}

const fn target(name: &'static str, share: u32, run: fn(&[u8]) -> bool) -> Target {
    Target { name, share, run }
}

/// Every target.
pub const TARGETS: &[Target] = &[
    target("agents", 40, wire::agents),
    target("callgrind", 40, profiles::callgrind),
    target("comparison", 2, records::comparison),
    target("debug-information", 10, guests::debug_information),
    target("dhat", 8, profiles::dhat),
    target("event", 40, wire::event),
    target("exposed", 40, guests::exposed),
    target("growth", 8, profiles::growth),
    target("histogram", 20, loads::histogram),
    target("job", 40, wire::job),
    target("kit", 20, records::kit),
    target("limits", 20, words::limits),
    target("linked", 40, wire::linked),
    target("load-job", 10, loads::job),
    target("mail", 1, mail::mail),
    target("plan", 10, loads::plan),
    target("profile", 4, profiles::profile),
    target("record", 2, records::record),
    target("reply", 20, guests::reply),
    target("samples", 2, records::samples),
    target("scraped", 10, loads::scraped),
    target("seconds", 2, loads::seconds),
    target("stage", 80, words::stage),
    target("threshold", 80, loads::threshold),
    target("trace", 40, loads::trace),
    target("turns", 4, records::turns),
    target("turns-wire", 40, wire::turns),
    target("words", 40, words::words),
];

/// The target called `name`.
pub fn find(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}

/// For libFuzzer: runs the target called `name` on `bytes`.
///
/// # Panics
/// There is no such target; or the target found a fault.
pub fn run(name: &str, bytes: &[u8]) {
    let target = find(name).expect("each file of fuzz_targets is named after a target");
    (target.run)(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn each_target_has_a_file_for_libfuzzer_and_seeds_that_it_reads() {
        let home = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
        let manifest = fs::read_to_string(home.join("Cargo.toml")).unwrap();
        let names: BTreeSet<String> = TARGETS.iter().map(|target| target.name.to_owned()).collect();
        let stem = |entry: io::Result<fs::DirEntry>| {
            entry.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned()
        };
        for folder in ["fuzz_targets", "seeds"] {
            let found: BTreeSet<String> =
                fs::read_dir(home.join(folder)).unwrap().map(stem).collect();
            assert_eq!(found, names, "{folder}");
        }
        for target in TARGETS {
            let bin = format!("name = \"{0}\"\npath = \"fuzz_targets/{0}.rs\"\n", target.name);
            assert!(manifest.contains(&bin), "Cargo.toml lacks the binary {}", target.name);
            // Those that broke it may be refused now.
            let seeds = target.seeds().unwrap();
            let mut whole = seeds.iter().filter(|(name, _)| !name.starts_with("broke-")).peekable();
            assert!(whole.peek().is_some(), "{} has no seed", target.name);
            for (name, seed) in whole {
                assert!((target.run)(seed), "seeds/{}/{name} is refused", target.name);
            }
        }
    }
}
