//! How a module that keeps no agent contract is run: its entry, its system, its imports.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// A module and the world that it is run in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct ProgramSpec {
    /// What is called.
    pub entry: Entry,
    /// Whether each call gets an instance of its own. A command always does.
    pub fresh: bool,
    /// Arguments after the program's name.
    pub args: Vec<String>,
    /// The whole environment: nothing of the host's is inherited.
    pub env: BTreeMap<String, String>,
    /// Folders that it may open; none beside them.
    pub dirs: Vec<Preopen>,
    /// The exit code that means success.
    pub exit: i32,
    /// What is done about imports that the host does not have.
    pub unknown_imports: UnknownImports,
}

/// What of a module is called.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Entry {
    /// `_start`, or `wasi:cli/run` of a component, with the message on standard input; the reply is
    /// its standard output.
    #[default]
    Command,
    /// An export with values of its own types.
    Function {
        /// The export's name; in a component `interface.function`.
        name: String,
        /// The values of its parameters as WAVE writes them, with commas between: `1, "text"`.
        args: String,
    },
    /// An export that takes the message's address and length, and returns the reply's: as two
    /// values, or as one of 64 bits with the address in its upper half.
    Bytes {
        /// The export's name.
        name: String,
        /// The export that makes room for a message of so many bytes and returns its address.
        allocator: String,
    },
}

/// A folder of the host that a program may open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preopen {
    /// Where it lies.
    pub host: PathBuf,
    /// What the program calls it.
    pub guest: String,
    /// Whether the program may change what is in it.
    #[serde(default)]
    pub writable: bool,
}

/// What is done about imported functions that the host does not have.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UnknownImports {
    /// The module is refused, with their names.
    #[default]
    Refuse,
    /// A call of one ends the program.
    Trap,
    /// A call of one returns zeros.
    Default,
}
