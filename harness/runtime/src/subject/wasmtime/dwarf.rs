//! The debug information in a .wasm file: which functions and lines its instructions stand for.
//!
//! Read once, for all instructions that machine code came from: what is kept borrows nothing and
//! needs no lock. It says nothing of machine code; `code.rs` knows which instruction an address
//! came from.

use addr2line::gimli::{self, EndianSlice, LittleEndian, Reader as _};
use addr2line::{Context, demangle_auto};
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

type Reader<'a> = EndianSlice<'a, LittleEndian>;

/// Magic number and version, which come before the sections.
const HEAD_BYTES: usize = 8;

/// Numbers of sections: WebAssembly core specification, "Binary Format: Modules".
const CUSTOM: u8 = 0;
const CODE: u8 = 10;

/// A function at a place, as the debug information has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Demangled name.
    pub name: Option<String>,
    /// Source file.
    pub file: Option<String>,
    /// Line in it, from 1.
    pub line: Option<u32>,
}

/// The places of a module's instructions.
#[derive(Debug, Default)]
pub struct Places {
    /// Each once: thousands of instructions share a few hundred places.
    table: Vec<Place>,
    /// Indices into the table, instruction after instruction.
    stacks: Vec<u32>,
    /// By the instruction's offset in the file: its part of `stacks`.
    by_offset: BTreeMap<u32, Range<usize>>,
}

impl Places {
    /// Reads the places at `offsets` of `wasm`, a valid module; none if it has no debug
    /// information.
    ///
    /// # Errors
    /// Debug information that is broken.
    pub fn read(
        wasm: &[u8],
        offsets: impl Iterator<Item = u32>,
    ) -> Result<Option<Self>, gimli::Error> {
        let Some(sections) = Sections::of(wasm)? else { return Ok(None) };
        let is_there = |name: &str| sections.custom.get(name).is_some_and(|s| !s.is_empty());
        if !is_there(".debug_info") || !is_there(".debug_line") {
            return Ok(None);
        }
        let nothing = Reader::new(&[], LittleEndian);
        let dwarf = gimli::Dwarf::load(|id| -> Result<_, gimli::Error> {
            Ok(*sections.custom.get(id.name()).unwrap_or(&nothing))
        })?;
        let context = Context::from_dwarf(dwarf)?;
        let (mut places, mut known) = (Self::default(), HashMap::new());
        for offset in offsets {
            // Addresses count from the code section's contents: "DWARF for WebAssembly".
            if let Some(address) = offset.checked_sub(sections.code_start) {
                let start = places.stacks.len();
                places.add(&context, &mut known, u64::from(address));
                places.by_offset.insert(offset, start..places.stacks.len());
            }
        }
        Ok(Some(places))
    }

    /// Adds the stack at `address`: all of it or, where it cannot be read, nothing.
    fn add<'a>(
        &mut self,
        context: &'a Context<Reader<'a>>,
        known: &mut HashMap<Key<'a>, u32>,
        address: u64,
    ) {
        let Ok(mut frames) = context.find_frames(address).skip_all_loads() else { return };
        let start = self.stacks.len();
        loop {
            let frame = match frames.next() {
                Ok(Some(frame)) => frame,
                Ok(None) => return,
                Err(_) => return self.stacks.truncate(start),
            };
            let location = frame.location.as_ref();
            let key = Key {
                name: frame.function.as_ref().map(|function| function.name.slice()),
                file: location.and_then(|location| location.file),
                line: location.and_then(|location| location.line).filter(|line| *line > 0),
            };
            let table = &mut self.table;
            let index = *known.entry(key).or_insert_with(|| {
                table.push(Place {
                    name: key.name.map(|name| demangled(String::from_utf8_lossy(name))),
                    file: key.file.map(str::to_owned),
                    line: key.line,
                });
                (table.len() - 1) as u32
            });
            self.stacks.push(index);
        }
    }

    /// What stands at `offset` of the file, one of those that were read: the innermost first, each
    /// but the last inlined into the next. Empty where the debug information says nothing.
    pub fn at(&self, offset: u32) -> impl DoubleEndedIterator<Item = &Place> {
        let stack = self.by_offset.get(&offset).cloned().unwrap_or_default();
        self.stacks[stack].iter().map(|index| &self.table[*index as usize])
    }
}

/// A place before it is made readable.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Key<'a> {
    name: Option<&'a [u8]>,
    file: Option<&'a str>,
    line: Option<u32>,
}

/// A name for people: of Rust without hashes, any other as it is.
pub(super) fn demangled<'a>(name: impl Into<Cow<'a, str>>) -> String {
    demangle_auto(name.into(), None).into_owned()
}

/// The sections that matter here.
struct Sections<'a> {
    /// Where the code section's contents begin in the file.
    code_start: u32,
    custom: BTreeMap<Cow<'a, str>, Reader<'a>>,
}

impl<'a> Sections<'a> {
    /// None for the text format.
    fn of(wasm: &'a [u8]) -> Result<Option<Self>, gimli::Error> {
        if !wasm.starts_with(b"\0asm") {
            return Ok(None);
        }
        let whole = Reader::new(wasm, LittleEndian);
        let (mut code_start, mut custom) = (0, BTreeMap::new());
        let mut rest = whole;
        rest.skip(HEAD_BYTES)?;
        while !rest.is_empty() {
            let id = rest.read_u8()?;
            let bytes = rest.read_uleb128_u32()?;
            let mut content = rest.split(bytes as usize)?;
            match id {
                CODE => code_start = content.offset_from(whole) as u32,
                CUSTOM => {
                    let bytes = content.read_uleb128_u32()?;
                    custom.insert(content.split(bytes as usize)?.to_string_lossy(), content);
                }
                _ => {}
            }
        }
        Ok(Some(Self { code_start, custom }))
    }
}
