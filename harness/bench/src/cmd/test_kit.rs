//! Kits, baselines and checkouts for tests: their executables are shell scripts.

use super::args::{Command, parse};
use crate::guest::digest::sha256_hex;
use caxton_model::reading::{Missing, Reading};
use caxton_model::record::Revision;
use caxton_model::record::kit::{KIT, KIT_FILE, Kit, KitAgent, KitFile};
use caxton_model::record::store::BASELINES;
use caxton_model::units::Bytes;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// The folder `name` of the stored runs and comparisons.
pub(crate) fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures").join(name)
}

/// What the words of a command line ask for.
pub(crate) fn command(words: &[&str]) -> Command {
    let words: Vec<&str> = ["caxton-bench"].iter().chain(words).copied().collect();
    parse(words).unwrap_or_else(|error| panic!("{error}")).command
}

/// Copies the files of one folder to another, which is made.
pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

/// Adds to `folder` a kit whose executable is `script`.
pub(crate) fn kit(folder: &Path, name: &str, script: &str) {
    fs::create_dir_all(folder).unwrap();
    let file = |file: &str, contents: &str| {
        fs::write(folder.join(file), contents).unwrap();
        let sha256 = sha256_hex(contents.as_bytes());
        KitFile { file: file.to_owned(), sha256, bytes: Bytes(contents.len() as u64) }
    };
    let executable = file("bench", &format!("#!/bin/sh\n{script}\n"));
    fs::set_permissions(folder.join("bench"), fs::Permissions::from_mode(0o755)).unwrap();
    let json = KitAgent {
        wasm: file("json.wasm", "json"),
        native: Some(file("json.so", "native json")),
        heap: None,
        expected: None,
        given: None,
    };
    let unknown = Missing::NotRequested("a test".to_owned());
    let kit = Kit {
        kit: KIT,
        name: name.to_owned(),
        suite: "wasm".to_owned(),
        revision: Revision { commit: Reading::Known("abc1234".to_owned()), dirty: Some(false) },
        made_utc: "2026-01-02T03:04:05Z".to_owned(),
        build: BTreeMap::new(),
        protocol: 1,
        executable,
        arguments: Vec::new(),
        aligned: Reading::Missing(unknown),
        agents: BTreeMap::from([("json".to_owned(), json)]),
    };
    fs::write(folder.join(KIT_FILE), serde_json::to_vec_pretty(&kit).unwrap()).unwrap();
}

/// Adds to `profiles` a baseline of suite `wasm` with a kit.
pub(crate) fn baseline(profiles: &Path, name: &str, script: &str) -> PathBuf {
    let folder = profiles.join(BASELINES).join(name).join("wasm");
    copy(&fixture("record-v1"), &folder);
    kit(&folder, name, script);
    folder
}

/// A folder that looks like a checkout, with `profiles` in it.
pub(crate) fn checkout() -> (tempfile::TempDir, PathBuf) {
    let temporary = tempfile::tempdir().unwrap();
    // As processes see it.
    let root = fs::canonicalize(temporary.path()).unwrap();
    for folder in ["agents-wasm", "harness", "profiles"] {
        fs::create_dir(root.join(folder)).unwrap();
    }
    (temporary, root)
}
