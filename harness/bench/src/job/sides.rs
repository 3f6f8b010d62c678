//! Sides of the user's choice, as data.

use crate::guest::path;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// What the sides of the user's choice are called in metrics, in their order.
pub const ROLES: [&str; 2] = ["reference", "side"];

/// What one side runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SideSpec {
    /// Its name in case keys and tables.
    pub name: String,
    /// What is run.
    pub build: SideBuild,
    /// Options of the engine in wasmtime's words; empty for its defaults.
    pub flags: String,
}

/// What a side runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SideBuild {
    /// The agent's or guest's native build.
    Native,
    /// Its module.
    Wasm,
    /// Another module of the same thing.
    File(#[serde(with = "path")] PathBuf),
}

impl SideSpec {
    /// The subject of a case that compares this side with `other`.
    pub fn against(&self, other: &Self) -> String {
        format!("{}-vs-{}", self.name, other.name)
    }
}
