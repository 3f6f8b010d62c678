//! One agent's files, as a plan names them, a kit keeps them and a worker is sent them.

use super::catalog::Expected;
use super::path;
use super::toolchain::Variant;
use caxton_model::case::Outcome;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// The files of each agent, or why there are none.
pub type BuiltFiles = BTreeMap<String, Result<AgentFiles, Outcome>>;

/// One agent's files.
///
/// Comparisons send it to executables of other versions: the fields before `simd` are part of
/// version 1 of their protocol.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentFiles {
    pub name: String,
    #[serde(with = "path")]
    pub wasm: PathBuf,
    /// None for a guest that was given as a file.
    pub native: Option<PathBuf>,
    /// The build that counts its allocations, if a suite asks for it.
    #[serde(default)]
    pub heap: Option<VariantFiles>,
    /// None for a guest that was given as a file.
    pub expected: Option<Expected>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub simd: Option<VariantFiles>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frame_pointers: Option<VariantFiles>,
}

/// Another build of an agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum VariantFiles {
    /// Module and native build.
    Built([PathBuf; 2]),
    /// Why there is none.
    Failed(String),
}

impl AgentFiles {
    /// Adds another build than the measured one.
    pub fn add(&mut self, variant: Variant, files: VariantFiles) {
        let place = match variant {
            Variant::Measured => return,
            Variant::Simd => &mut self.simd,
            Variant::FramePointers => &mut self.frame_pointers,
            Variant::Heap => &mut self.heap,
        };
        *place = Some(files);
    }
}
