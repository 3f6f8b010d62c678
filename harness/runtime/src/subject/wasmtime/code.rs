//! The machine code of a compiled module, and the names behind its addresses.
//!
//! All from wasmtime's public interface: which function lies where, which instruction of the .wasm
//! an address came from, and the symbols of what is no function of the guest. The lines and the
//! inlined functions come from `dwarf.rs`. When code comes and goes is `watch.rs`'s.

use super::dwarf::{Place, Places, demangled};
use super::image::{CompiledImage, exports_of, is_component};
use addr2line::gimli;
use caxton_model::profile::code::{Code, Listing};
use caxton_model::profile::{Frame, Origin};
use object::{Object, ObjectSection, ObjectSymbol};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::OnceLock;
use wasmparser::ExternalKind;

/// A compiled module that a profiler may look into. It keeps the module's code from being
/// unloaded, so that its addresses mean the same as long as this lives.
pub(super) struct CompiledCode {
    name: String,
    /// As it was compiled: the debug information is in it.
    wasm: Vec<u8>,
    image: CompiledImage,
    /// Made when the first address is asked for: a module that no sample meets costs nothing.
    names: OnceLock<Names>,
}

impl CompiledCode {
    pub(super) fn new(name: &str, wasm: &[u8], image: CompiledImage) -> Self {
        Self { name: name.to_owned(), wasm: wasm.into(), image, names: OnceLock::new() }
    }

    fn names(&self) -> &Names {
        self.names.get_or_init(|| Names::of(&self.image, &self.wasm))
    }
}

impl Code for CompiledCode {
    fn name(&self) -> &str {
        &self.name
    }

    fn range(&self) -> Range<usize> {
        let text = self.image.text().as_ptr_range();
        text.start as usize..text.end as usize
    }

    fn frames(&self, address: usize) -> Vec<Frame> {
        let range = self.range();
        if !range.contains(&address) {
            return Vec::new();
        }
        self.names().frames(address - range.start)
    }

    fn listing(&self, address: usize) -> Option<Listing> {
        let offset = address.checked_sub(self.range().start)?;
        let names = self.names();
        let (&start, symbol) = names.symbols.range(..=offset).next_back()?;
        if offset >= symbol.end {
            return None;
        }
        let bytes = self.image.text().get(start..symbol.end)?.to_vec();
        let from = names.positions.partition_point(|(at, _)| *at < start);
        let own = names.positions[from..].iter().take_while(|(at, _)| *at < symbol.end);
        let positions = own.map(|(at, wasm)| ((at - start) as u32, *wasm)).collect();
        Some(Listing { start: self.range().start + start, bytes, positions })
    }

    fn notes(&self) -> Vec<String> {
        let names = self.names();
        let mut notes = Vec::new();
        let name = &self.name;
        match &names.places {
            Ok(Some(_)) => {}
            Ok(None) => {
                notes.push(format!("{name} has no debug information: no lines, no inlined frames"))
            }
            Err(why) => notes.push(format!(
                "debug information of {name} is broken ({why}): no lines, no inlined frames"
            )),
        }
        if !names.has_function_names && !matches!(names.places, Ok(Some(_))) {
            notes.push(format!("{name} is stripped of names: its functions are numbered"));
        }
        notes
    }
}

/// Machine code with one name.
struct Symbol {
    end: usize,
    name: String,
    origin: Origin,
}

/// What is known of a module's code. Offsets are from the start of its text.
struct Names {
    /// By where they start.
    symbols: BTreeMap<usize, Symbol>,
    /// Offset in the text, and in the .wasm file, in order. Instructions that came from no
    /// place in particular are left out, so that the nearest one before them answers.
    positions: Vec<(usize, u32)>,
    places: Result<Option<Places>, gimli::Error>,
    has_function_names: bool,
}

impl Names {
    fn of(image: &CompiledImage, wasm: &[u8]) -> Self {
        let positions = image.positions();
        let places = Places::read(wasm, positions.iter().map(|(_, wasm)| *wasm));
        let mut names = Self { symbols: glue(image), positions, places, has_function_names: false };
        let exports = exports(wasm);
        for function in image.functions() {
            let code = function.offset..function.offset + function.len;
            names.has_function_names |= function.name.is_some();
            // The linker's name first: debug information may have it without its path.
            let name = function.name.map(demangled);
            let name = name.or_else(|| names.outer(&code)?.name.clone());
            let number = function.index.as_u32();
            let name = name.unwrap_or_else(|| match exports.get(&number) {
                Some(export) => format!("wasm-function[{number}] ({export})"),
                None => format!("wasm-function[{number}]"),
            });
            let symbol = Symbol { end: code.end, name, origin: Origin::Guest };
            names.symbols.insert(code.start, symbol);
        }
        names
    }

    /// The function that `code` is, as the debug information has it.
    fn outer(&self, code: &Range<usize>) -> Option<&Place> {
        let first = self.positions.partition_point(|(at, _)| *at < code.start);
        let (_, wasm) = self.positions.get(first).filter(|(at, _)| *at < code.end)?;
        self.places.as_ref().ok()?.as_ref()?.at(*wasm).next_back()
    }

    fn frames(&self, offset: usize) -> Vec<Frame> {
        let Some((&start, symbol)) = self.symbols.range(..=offset).next_back() else {
            return Vec::new();
        };
        // Between two functions there is padding, which nobody executes.
        if offset >= symbol.end {
            return Vec::new();
        }
        // The nearest instruction at or before it, of this function.
        let after = self.positions.partition_point(|(at, _)| *at <= offset);
        let position = self.positions[..after].last().filter(|(at, _)| *at >= start);
        let mut places: Vec<&Place> = match (&self.places, position) {
            (Ok(Some(places)), Some((_, wasm))) => places.at(*wasm).collect(),
            _ => Vec::new(),
        };
        let (file, line) = places.pop().map_or((None, None), |o| (o.file.clone(), o.line));
        let outer = Frame { name: symbol.name.clone(), origin: symbol.origin, file, line };
        places.into_iter().map(inlined).chain([outer]).collect()
    }
}

/// The names under which a module exports functions, by their number; none of a component, whose
/// modules number theirs each anew.
fn exports(wasm: &[u8]) -> BTreeMap<u32, String> {
    let Ok(binary) = wat::parse_bytes(wasm) else { return BTreeMap::new() };
    if is_component(&binary) {
        return BTreeMap::new();
    }
    let functions = exports_of(&binary).filter(|export| export.kind == ExternalKind::Func);
    functions.map(|export| (export.index, export.name.to_owned())).collect()
}

fn inlined(place: &Place) -> Frame {
    let Place { name, file, line } = place.clone();
    let name = name.unwrap_or_else(|| "an inlined function without a name".to_owned());
    Frame { name, origin: Origin::GuestInlined, file, line }
}

/// What the compiler made around the guest's functions: only the symbols of the image name it.
fn glue(image: &CompiledImage) -> BTreeMap<usize, Symbol> {
    // A copy: to read it where it lies would need raw pointers.
    let Ok(object) = image.object() else { return BTreeMap::new() };
    let Ok(elf) = object::File::parse(&*object) else { return BTreeMap::new() };
    let Some(text) = elf.section_by_name(".text") else { return BTreeMap::new() };
    let symbols = elf.symbols().filter(|symbol| symbol.section_index() == Some(text.index()));
    let symbols = symbols.filter_map(|symbol| {
        // wasmtime gives them as offsets in the text.
        let start = symbol.address() as usize;
        let name = symbol.name().ok()?.to_owned();
        let origin = origin_of_glue(&name);
        let end = start + symbol.size() as usize;
        Some((start, Symbol { end, name, origin }))
    });
    symbols.collect()
}

/// Calls of the engine's own functions carry its name; the rest leads into the guest or out of it.
fn origin_of_glue(name: &str) -> Origin {
    if name.starts_with("wasmtime_") { Origin::Wasmtime } else { Origin::Boundary }
}
