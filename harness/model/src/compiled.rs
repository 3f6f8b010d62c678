//! Where the compiler's time goes, and what code it makes: by pass and by function.

use serde::{Deserialize, Serialize};

/// Functions that are named of each kind.
pub const NAMED_MAX: usize = 10;

/// What compiling a module came to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Compiled {
    /// Compilations that were looked at: each figure is the median of them.
    pub compilations: u32,
    /// Functions of the module, and those that the compiler adds.
    pub functions: u64,
    /// Time of all functions together, in nanoseconds: on several cores more than went by.
    pub compile_ns: u64,
    /// Machine code of all functions.
    pub code_bytes: u64,
    /// By the name that the compiler has for it, the longest first.
    pub passes: Vec<CompilerPass>,
    /// The functions that took longest, the longest first.
    pub slowest: Vec<CompiledFunction>,
    /// The functions with most code, the largest first.
    pub largest: Vec<CompiledFunction>,
}

/// A pass of the compiler, without the passes within it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CompilerPass {
    pub name: String,
    /// Over all functions, in nanoseconds: the median of the compilations.
    pub ns: u64,
    pub least_ns: u64,
    pub most_ns: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CompiledFunction {
    pub name: String,
    /// Of all its passes, in nanoseconds.
    pub compile_ns: u64,
    /// Its machine code; 0 of what the compiler adds.
    pub code_bytes: u64,
}
