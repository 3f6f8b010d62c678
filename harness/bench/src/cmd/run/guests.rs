//! The guests that are given as files, in folders and by manifests.

use super::super::error::CommandError;
use super::given::{GivenArgs, existing};
use super::manifest::{self, ManifestEntry};
use super::prepare::Guest;
use super::sides;
use crate::guest::given::{GivenFile, GivenProgram};
use crate::suite::scenarios::case_name;
use std::collections::BTreeMap;
use std::path::Path;

/// The guests that `args` name, by name. Sides that a manifest says are left out unless
/// `with_sides`: where versions are compared or kept.
pub(super) fn guests(
    args: &GivenArgs,
    with_sides: bool,
) -> Result<BTreeMap<String, Guest>, CommandError> {
    let mut guests = BTreeMap::new();
    for path in &args.guest {
        let wrong = |why: String| CommandError::Guest { path: path.clone(), why };
        for entry in entries(args, &existing(path)?).map_err(wrong)? {
            let (name, guest) = guest(&entry, with_sides)?;
            let path = guest.wasm.clone();
            if guests.insert(name.clone(), guest).is_some() {
                let why = format!("a second guest named {name}: rename one");
                return Err(CommandError::Guest { path, why });
            }
        }
    }
    let of_one = [("--native", &args.native), ("--expect", &args.expect)];
    let of_one = of_one.into_iter().find_map(|(flag, path)| Some((flag, path.as_ref()?)));
    if let (Some((flag, path)), 2..) = (of_one, guests.len()) {
        let (path, why) = (path.clone(), format!("{flag} is of one guest, and there are several"));
        return Err(CommandError::Guest { path, why });
    }
    Ok(guests)
}

/// What `path` stands for: the guests of a manifest or a folder, or one that is run as `args` say.
fn entries(args: &GivenArgs, path: &Path) -> Result<Vec<ManifestEntry>, String> {
    let one = GivenArgs { guest: vec![path.to_owned()], ..args.clone() };
    // A folder that is called like a module is a guest that is no file, and costs itself alone.
    let ending = path.extension().and_then(|ending| ending.to_str());
    if path.is_dir() && !matches!(ending, Some("wasm" | "wat")) {
        return manifest::modules(path, &one);
    }
    if ending == Some("toml") {
        if one != (GivenArgs { guest: one.guest.clone(), ..GivenArgs::default() }) {
            return Err("the manifest says how its guests are run: leave the flags out".into());
        }
        return manifest::read(path);
    }
    Ok(vec![ManifestEntry { given: one, ..ManifestEntry::default() }])
}

/// The one guest of `entry`, and its name.
fn guest(entry: &ManifestEntry, with_sides: bool) -> Result<(String, Guest), CommandError> {
    let ManifestEntry { name, given, sides, home } = entry;
    let (program, is_guessed) = given.program()?;
    let native = given.native.as_deref().map(existing).transpose()?;
    if let (Some(native), false) = (&native, is_guessed) {
        let why = "an executable is no match for one function: leave --invoke out";
        return Err(CommandError::Guest { path: native.clone(), why: why.to_owned() });
    }
    let wasm = existing(&given.guest[0])?;
    let input = given.stdin.as_deref().map(existing).transpose()?.map(GivenFile);
    let expect = given.expect.as_deref().map(existing).transpose()?;
    let beside = wasm.with_extension("stdout.expected");
    let expected = expect.or_else(|| beside.is_file().then_some(beside)).map(GivenFile);
    // Part of a case key and of paths. Of the root folder there is no name.
    let stem = || wasm.file_stem().map_or("_".into(), |stem| stem.to_string_lossy().into_owned());
    let name = case_name(&name.clone().unwrap_or_else(stem));
    let sides = if with_sides { &sides[..] } else { &[] };
    let sides = sides::sides(sides, home)?;
    let given = GivenProgram { program, is_guessed, input, expected };
    Ok((name, Guest { wasm, native, given, sides }))
}
