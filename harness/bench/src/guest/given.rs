//! A guest that was given as a file: how it is run, and what it must answer.

use super::path;
use caxton_model::program::ProgramSpec;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// How a guest that was given as a file is run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GivenProgram {
    pub program: ProgramSpec,
    /// Whether the user named no entry: then a module that keeps the agent contract is an agent.
    pub is_guessed: bool,
    /// What it finds on its standard input, or is handed as a message.
    pub input: Option<GivenFile>,
    /// What it must answer.
    pub expected: Option<GivenFile>,
}

/// A file beside a guest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct GivenFile(#[serde(with = "path")] pub PathBuf);
