//! The machine code of a profile's hottest functions, instruction by instruction.

use serde::{Deserialize, Serialize};

/// A function of the agent, as it was compiled, with the weight on each of its instructions. What
/// is inlined into it is part of it; what it calls is not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HotFunction {
    /// Demangled name.
    pub name: String,
    /// On all its instructions, in the profile's unit.
    pub weight: u64,
    /// In the order of their addresses: those with a weight.
    pub instructions: Vec<HotInstruction>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HotInstruction {
    /// From the function's first byte.
    pub offset: u32,
    /// What the disassembler makes of it.
    pub text: String,
    pub weight: u64,
    pub kinds: InstructionKinds,
    /// The byte of the .wasm file that it was compiled from; none for native code, and where the
    /// compiler did not say.
    pub wasm_offset: Option<u32>,
    /// Source file, as the debug information names it.
    pub file: Option<String>,
    /// Line in it, from 1.
    pub line: Option<u32>,
}

/// What an instruction does. One that adds a number to memory reads and writes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstructionKinds {
    pub reads: bool,
    pub writes: bool,
    /// Goes on elsewhere if a condition holds.
    pub branches: bool,
    /// Jumps, calls and returns.
    pub jumps: bool,
    /// Works on several numbers at once.
    pub is_packed: bool,
}

impl HotFunction {
    /// The weight on instructions of a kind.
    pub fn weight_of(&self, is_it: impl Fn(&InstructionKinds) -> bool) -> u64 {
        let own = self.instructions.iter().filter(|instruction| is_it(&instruction.kinds));
        own.map(|instruction| instruction.weight).sum()
    }
}
