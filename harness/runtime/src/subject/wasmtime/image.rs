//! Compiled code, of a module or of a component, as those see it who look into it.

use super::checkpoint::WASM_PAGE_BYTES;
use super::dwarf::demangled;
use caxton_model::units::Bytes;
use wasmparser::{Export, Parser, Payload};
use wasmtime::component::Component;
use wasmtime::{Module, ModuleFunction};

/// A function of a module, and how much machine code it became.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionCode {
    /// What the compiler calls it by, without its name: `wasm[0]::function[7]`.
    pub symbol: String,
    pub name: String,
    pub bytes: u64,
}

/// Compiled code; a clone keeps it loaded.
#[derive(Clone)]
pub(super) enum CompiledImage {
    Module(Module),
    Component(Component),
}

/// Whether `bytes` is a component in the binary format.
pub(super) fn is_component(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\0asm") && bytes.get(4..8) == Some(&[0x0d, 0, 1, 0])
}

/// The exports of the module `binary`, up to where it cannot be read.
pub(super) fn exports_of(binary: &[u8]) -> impl Iterator<Item = Export<'_>> {
    let sections = Parser::new(0).parse_all(binary).map_while(Result::ok);
    let exports = sections.filter_map(|section| match section {
        Payload::ExportSection(exports) => Some(exports),
        _ => None,
    });
    exports.flatten().map_while(Result::ok)
}

/// The memory that an instance of the module `binary` has at first, as far as it can be read.
pub fn first_memory(binary: &[u8]) -> Bytes {
    let sections = Parser::new(0).parse_all(binary).map_while(Result::ok);
    let memories = sections.filter_map(|section| match section {
        Payload::MemorySection(memories) => Some(memories),
        _ => None,
    });
    let pages = memories.flatten().map_while(Result::ok).map(|memory| memory.initial);
    Bytes(pages.fold(0, u64::saturating_add).saturating_mul(WASM_PAGE_BYTES))
}

impl CompiledImage {
    /// The machine code.
    pub(super) fn text(&self) -> &[u8] {
        match self {
            Self::Module(module) => module.text(),
            Self::Component(component) => component.text(),
        }
    }

    /// The guest's functions and where in the text they lie.
    pub(super) fn functions(&self) -> Box<dyn Iterator<Item = ModuleFunction> + '_> {
        match self {
            Self::Module(module) => Box::new(module.functions()),
            Self::Component(component) => Box::new(component.functions()),
        }
    }

    /// The guest's functions, and how much machine code each became.
    pub(super) fn function_code(&self) -> Vec<FunctionCode> {
        let code = |function: ModuleFunction| {
            let (module, number) = (function.module.as_u32(), function.index.as_u32());
            FunctionCode {
                symbol: format!("wasm[{module}]::function[{number}]"),
                name: function.name.map_or_else(|| format!("wasm-function[{number}]"), demangled),
                bytes: function.len as u64,
            }
        };
        self.functions().map(code).collect()
    }

    /// Offsets in the text and the offsets in the file that they were compiled from, in order.
    pub(super) fn positions(&self) -> Vec<(usize, u32)> {
        let known = |(at, wasm): (usize, Option<u32>)| Some((at, wasm?));
        let mut positions: Vec<_> = match self {
            Self::Module(module) => {
                module.address_map().into_iter().flatten().filter_map(known).collect()
            }
            Self::Component(component) => {
                component.address_map().into_iter().flatten().filter_map(known).collect()
            }
        };
        positions.sort_unstable();
        positions
    }

    /// The object file that holds the text.
    pub(super) fn object(&self) -> wasmtime::Result<Vec<u8>> {
        match self {
            Self::Module(module) => module.serialize(),
            Self::Component(component) => component.serialize(),
        }
    }

    /// Size of the machine code.
    pub(super) fn code_bytes(&self) -> Bytes {
        Bytes(self.text().len() as u64)
    }

    /// The names of its functions in the form of a perf map: a line each, of start and length in
    /// hexadecimal and a name (Linux, tools/perf/Documentation/jit-interface.txt).
    pub(super) fn perf_map(&self) -> String {
        let start = self.text().as_ptr() as usize;
        let line = |function: ModuleFunction| {
            let name = match &function.name {
                Some(name) => demangled(name),
                None => format!("wasm-function[{}]", function.index.as_u32()),
            };
            format!("{:x} {:x} {name}\n", start + function.offset, function.len)
        };
        self.functions().map(line).collect()
    }
}
