//! A kit: everything that is needed to run a version again. An executable, its guests and twins,
//! each with its hash, in one folder beside `kit.json`.

use crate::program::ProgramSpec;
use crate::reading::Reading;
use crate::record::Revision;
use crate::units::Bytes;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The version of kits that this version writes; it reads no other.
pub const KIT: u32 = 1;
/// The kit's file in its folder.
pub const KIT_FILE: &str = "kit.json";

/// What is in a kit's folder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Kit {
    /// [`KIT`].
    pub kit: u32,
    /// Name of the baseline, or what it was made of.
    pub name: String,
    /// The suite that its executable runs.
    pub suite: String,
    /// The source it was built from.
    pub revision: Revision,
    /// When it was made, UTC, RFC 3339.
    pub made_utc: String,
    /// How the harness was built, as in a record.
    pub build: BTreeMap<String, String>,
    /// Version of the protocol by which its executable is asked for turns.
    pub protocol: u32,
    pub executable: KitFile,
    /// What it is told first to run its suite; nothing where it knows no other.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub arguments: Vec<String>,
    /// How many of its own functions start at a multiple of 64 bytes, of how many; or why nobody
    /// could tell.
    pub aligned: Reading<(u64, u64)>,
    pub agents: BTreeMap<String, KitAgent>,
}

impl Kit {
    /// Every file in it beside its manifest.
    pub fn files(&self) -> impl Iterator<Item = &KitFile> {
        let agents = self.agents.values().flat_map(|agent| {
            let measured = std::iter::once(&agent.wasm).chain(&agent.native);
            let given =
                agent.given.iter().flat_map(|given| given.input.iter().chain(&given.answer));
            measured.chain(agent.heap.iter().flatten()).chain(given)
        });
        std::iter::once(&self.executable).chain(agents)
    }
}

/// A file in a kit's folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KitFile {
    /// Its name in the folder.
    pub file: String,
    /// Its SHA-256, in hex.
    pub sha256: String,
    pub bytes: Bytes,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KitAgent {
    pub wasm: KitFile,
    /// The twin; none for a guest that was given as a file.
    pub native: Option<KitFile>,
    /// Module and twin of the build that counts allocations; only in kits of suite `heap`.
    #[serde(default)]
    pub heap: Option<[KitFile; 2]>,
    /// SHA-256 of its example message and of the reply to it, in hex.
    pub expected: Option<[String; 2]>,
    /// How it is run; none for an agent of the workspace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub given: Option<KitGiven>,
}

/// How a guest that was given as a file is run. The folders that it opens are not kept: they must
/// be where they were.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KitGiven {
    /// Its world.
    pub program: ProgramSpec,
    /// Whether the user named no entry.
    pub is_guessed: bool,
    /// What it gets on standard input or as its message.
    pub input: Option<KitFile>,
    /// What it must answer.
    pub answer: Option<KitFile>,
}
