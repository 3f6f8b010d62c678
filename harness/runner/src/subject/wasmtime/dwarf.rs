//! Names for places in a guest's code, from the debug information in its .wasm file.
//!
//! A place is an offset into the code section, which is what DWARF calls an address there ("DWARF
//! for WebAssembly", yurydelendik.github.io/webassembly-dwarf). A module without debug information
//! has no names here.

use addr2line::gimli::{Dwarf, EndianSlice, LittleEndian, SectionId};
use caxton_results::profile::{Frame, Origin};
use std::collections::BTreeMap;

type Slice<'a> = EndianSlice<'a, LittleEndian>;

const CUSTOM_SECTION: u8 = 0;
const CODE_SECTION: u8 = 10;

/// The debug information of one module.
pub(super) struct WasmDwarf<'a> {
    context: Option<addr2line::Context<Slice<'a>>>,
    code_start: u64,
    code_bytes: u64,
}

impl<'a> WasmDwarf<'a> {
    /// Of the module `wasm` in its binary format; of anything else there is none.
    pub(super) fn new(wasm: &'a [u8]) -> Self {
        let sections = Sections::of(wasm);
        let load = |id: SectionId| -> Result<Slice<'a>, addr2line::gimli::Error> {
            let bytes = sections.custom.get(id.name()).copied().unwrap_or_default();
            Ok(EndianSlice::new(bytes, LittleEndian))
        };
        let dwarf = Dwarf::load(load).ok();
        let context = dwarf.and_then(|dwarf| addr2line::Context::from_dwarf(dwarf).ok());
        let (code_start, code_bytes) = sections.code;
        Self { context, code_start, code_bytes }
    }

    /// Size of the code section.
    pub(super) fn code_bytes(&self) -> u64 {
        self.code_bytes
    }

    /// Where the instruction at `module_offset` of the file lies in the code section.
    pub(super) fn code_offset(&self, module_offset: u64) -> u64 {
        module_offset.saturating_sub(self.code_start)
    }

    /// The frames at `offset` of the code section, innermost first; empty where nobody knows.
    pub(super) fn frames(&self, offset: u64) -> Vec<Frame> {
        let Some(context) = &self.context else { return Vec::new() };
        let Ok(mut found) = context.find_frames(offset).skip_all_loads() else { return Vec::new() };
        let mut frames = Vec::new();
        while let Ok(Some(frame)) = found.next() {
            let Some(function) = &frame.function else { break };
            let Ok(name) = function.demangle() else { break };
            let location = frame.location.as_ref();
            frames.push(Frame {
                name: name.into_owned(),
                origin: Origin::GuestInlined,
                file: location.and_then(|place| place.file).map(str::to_owned),
                line: location.and_then(|place| place.line),
            });
        }
        if let Some(outer) = frames.last_mut() {
            outer.origin = Origin::Guest;
        }
        frames
    }
}

/// What of a module matters here.
#[derive(Default)]
struct Sections<'a> {
    custom: BTreeMap<&'a str, &'a [u8]>,
    /// Where the code section's contents begin in the file, and their length.
    code: (u64, u64),
}

impl<'a> Sections<'a> {
    /// WebAssembly Core Specification 2.0, 5.5: magic and version, then sections of an id, a
    /// length and contents; those of a custom one begin with its name. Ends at what is none.
    fn of(wasm: &'a [u8]) -> Self {
        let mut sections = Self::default();
        let Some(mut rest) = wasm.strip_prefix(b"\0asm\x01\0\0\0") else { return sections };
        while let Some((&id, after)) = rest.split_first() {
            let Some((bytes, after)) = leb128(after) else { break };
            let Some((contents, after)) = after.split_at_checked(bytes) else { break };
            if id == CODE_SECTION {
                let start = contents.as_ptr() as usize - wasm.as_ptr() as usize;
                sections.code = (start as u64, bytes as u64);
            } else if id == CUSTOM_SECTION
                && let Some((name_bytes, named)) = leb128(contents)
                && let Some((name, body)) = named.split_at_checked(name_bytes)
                && let Ok(name) = std::str::from_utf8(name)
            {
                sections.custom.insert(name, body);
            }
            rest = after;
        }
        sections
    }
}

/// An unsigned 32-bit number in LEB128, and what follows it.
fn leb128(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let mut value = 0u64;
    for (index, byte) in bytes.iter().take(5).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Some((u32::try_from(value).ok()? as usize, &bytes[index + 1..]));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_to_their_last_byte() {
        assert_eq!(leb128(&[0x05, 9]), Some((5, &[9][..])));
        assert_eq!(leb128(&[0xE5, 0x8E, 0x26]), Some((624_485, &[][..])));
        assert_eq!(leb128(&[0x80]), None);
        assert_eq!(leb128(&[0xff; 6]), None);
    }

    #[test]
    fn sections_are_found_and_a_cut_file_ends_where_it_is_cut() {
        let module =
            [&b"\0asm\x01\0\0\0"[..], &[0, 5, 2, b'a', b'b', 7, 8], &[10, 3, 1, 2, 3]].concat();
        let sections = Sections::of(&module);
        assert_eq!(sections.custom["ab"], [7, 8]);
        assert_eq!(sections.code, (17, 3));
        assert_eq!(Sections::of(&module[..module.len() - 1]).code, (0, 0));
        assert!(Sections::of(b"(module)").custom.is_empty());
        assert_eq!(WasmDwarf::new(&module).frames(1), []);
        assert_eq!(WasmDwarf::new(&module).code_offset(18), 1);
    }
}
