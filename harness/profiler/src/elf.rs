//! What an executable file says of its code: segments, symbols, unwind tables. Only what is asked
//! for is read: the harness's own file is far larger than all of that together.

use object::elf::PF_X;
use object::read::{ReadCache, ReadRef};
use object::{Object, ObjectSection, ObjectSegment, ObjectSymbol, SegmentFlags, SymbolKind};
use std::fs::File;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

/// Where a file's bytes are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ElfSource {
    /// In the file system.
    Path(PathBuf),
    /// In memory: the kernel's own library has no file.
    Image(Arc<[u8]>),
}

/// A function's addresses, as the file counts them, and its mangled name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ElfSymbol {
    pub(super) start: u64,
    /// The first address behind it.
    pub(super) end: u64,
    pub(super) name: String,
}

/// Unwind tables and their addresses, as the file counts them.
#[derive(Debug, Default)]
pub(super) struct Tables {
    pub(super) frames: Option<(Range<u64>, Vec<u8>)>,
    /// `.eh_frame_hdr`.
    pub(super) index: Option<(Range<u64>, Vec<u8>)>,
    /// `.text`, `.got`: what tables may count from.
    pub(super) text: Option<Range<u64>>,
    /// See `text`.
    pub(super) got: Option<Range<u64>>,
}

/// What is kept of a file that is mapped.
#[derive(Debug, Default)]
pub(super) struct ElfLayout {
    /// Offsets in the file of its segments with code, and the address each is meant for. A page
    /// of the file may be in a segment of data too, at another address.
    segments: Vec<(Range<u64>, u64)>,
    pub(super) tables: Tables,
    /// The functions that were asked for.
    pub(super) symbols: Vec<ElfSymbol>,
}

impl ElfLayout {
    /// The address that the file has for its byte at `offset`.
    pub(super) fn address_of(&self, offset: u64) -> Option<u64> {
        // A mapping begins on the page below its segment.
        let page = 0xfff;
        let holds = |range: &Range<u64>| range.start & !page <= offset && offset < range.end;
        let (range, address) = self.segments.iter().find(|(range, _)| holds(range))?;
        address.checked_sub(range.start)?.checked_add(offset)
    }
}

/// Reads segments, tables and the functions whose names `is_wanted`.
pub(super) fn layout(source: &ElfSource, is_wanted: fn(&str) -> bool) -> Result<ElfLayout, String> {
    with_file(source, &mut |file| {
        let segment = |s: FileSegment<'_, '_>| {
            let (offset, bytes) = s.file_range();
            let is_code = matches!(s.flags(), SegmentFlags::Elf { p_flags } if p_flags & PF_X != 0);
            is_code.then(|| (offset..offset + bytes, s.address()))
        };
        ElfLayout {
            segments: file.segments().filter_map(segment).collect(),
            tables: tables(file),
            symbols: symbols_of(file, is_wanted),
        }
    })
}

/// All functions, by address: those of the file, or of the file of debug symbols that belongs to it
/// where the system has one (Debian's `libc6-dbg` brings that of the C library).
pub(super) fn symbols(source: &ElfSource) -> Result<Vec<ElfSymbol>, String> {
    let own = with_file(source, &mut |file| (symbols_of(file, |_| true), debug_file(file)));
    let (own, elsewhere) = own?;
    let more = elsewhere.map(|path| {
        with_file(&ElfSource::Path(path), &mut |file| symbols_of(file, |_| true))
            .unwrap_or_default()
    });
    Ok(more.filter(|more| more.len() > own.len()).unwrap_or(own))
}

/// The bytes at `range`, as the file counts addresses; none where the file has no such code.
pub(super) fn code(source: &ElfSource, range: Range<u64>) -> Option<Vec<u8>> {
    let bytes = |file: &AnyFile<'_>| {
        let in_range =
            |section| ObjectSection::data_range(&section, range.start, range.end - range.start);
        file.sections().find_map(|section| in_range(section).ok().flatten().map(<[u8]>::to_vec))
    };
    with_file(source, &mut |file| bytes(file)).ok().flatten()
}

/// Where the system keeps the debug symbols of `file`, by its build's number ("Debugging with GDB",
/// section "Separate Debug Files").
fn debug_file(file: &AnyFile<'_>) -> Option<PathBuf> {
    let hex: String = file.build_id().ok()??.iter().map(|byte| format!("{byte:02x}")).collect();
    let (folder, rest) = hex.split_at_checked(2)?;
    let path = format!("/usr/lib/debug/.build-id/{folder}/{rest}.debug");
    Some(PathBuf::from(path)).filter(|path| path.is_file())
}

type AnyFile<'a> = object::File<'a, &'a ReadCache<ElfBytes>>;
type FileSegment<'a, 'f> = object::Segment<'a, 'f, &'a ReadCache<ElfBytes>>;

fn with_file<T>(source: &ElfSource, work: &mut dyn FnMut(&AnyFile<'_>) -> T) -> Result<T, String> {
    let bytes = match source {
        ElfSource::Path(path) => ElfBytes::File(File::open(path).map_err(|e| e.to_string())?),
        ElfSource::Image(image) => ElfBytes::Image(std::io::Cursor::new(Arc::clone(image))),
    };
    let cache = ReadCache::new(bytes);
    let file = object::File::parse(&cache).map_err(|error| error.to_string())?;
    Ok(work(&file))
}

/// A file or an image, to be read in parts.
enum ElfBytes {
    File(File),
    Image(std::io::Cursor<Arc<[u8]>>),
}

impl std::io::Read for ElfBytes {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        match self {
            Self::File(file) => file.read(into),
            Self::Image(image) => image.read(into),
        }
    }
}

impl std::io::Seek for ElfBytes {
    fn seek(&mut self, to: std::io::SeekFrom) -> std::io::Result<u64> {
        match self {
            Self::File(file) => file.seek(to),
            Self::Image(image) => image.seek(to),
        }
    }
}

fn tables<'a, R: ReadRef<'a>>(file: &object::File<'a, R>) -> Tables {
    let range = |name: &str| {
        let section = file.section_by_name(name)?;
        Some(section.address()..section.address() + section.size())
    };
    let bytes = |name: &str| {
        let data = file.section_by_name(name)?.data().ok()?;
        Some((range(name)?, data.to_vec()))
    };
    Tables {
        frames: bytes(".eh_frame"),
        index: bytes(".eh_frame_hdr"),
        text: range(".text"),
        got: range(".got"),
    }
}

fn symbols_of<'a, R: ReadRef<'a>>(
    file: &object::File<'a, R>,
    is_wanted: fn(&str) -> bool,
) -> Vec<ElfSymbol> {
    let all = file.symbols().chain(file.dynamic_symbols());
    let functions = all.filter(|s| s.kind() == SymbolKind::Text && s.is_definition());
    let mut found: Vec<ElfSymbol> = functions
        .filter_map(|symbol| {
            let name = symbol.name().ok().filter(|name| is_wanted(name))?;
            let (start, name) = (symbol.address(), name.to_owned());
            Some(ElfSymbol { start, end: start + symbol.size(), name })
        })
        .collect();
    found.sort();
    found.dedup_by_key(|symbol| (symbol.start, symbol.end));
    // A function of an assembler may have no size: it goes up to the next one.
    for at in 0..found.len() {
        if found[at].end == found[at].start {
            let next = found[at + 1..].iter().map(|s| s.start).find(|next| *next > found[at].start);
            found[at].end = next.unwrap_or(found[at].start + 1).min(found[at].start + 4096);
        }
    }
    found
}

/// The function at `address`; none in the gaps between functions.
pub(super) fn symbol_at(symbols: &[ElfSymbol], address: u64) -> Option<&ElfSymbol> {
    let behind = symbols.partition_point(|symbol| symbol.start <= address);
    symbols[..behind].iter().rev().take(4).find(|symbol| address < symbol.end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_in_a_gap_has_no_function() {
        let symbol = |start, end, name: &str| ElfSymbol { start, end, name: name.to_owned() };
        let symbols = [symbol(10, 20, "a"), symbol(30, 40, "b")];
        let name = |at| symbol_at(&symbols, at).map(|symbol| symbol.name.as_str());
        assert_eq!([name(9), name(10), name(19), name(20)], [None, Some("a"), Some("a"), None]);
        assert_eq!([name(30), name(40)], [Some("b"), None]);
    }

    #[test]
    fn a_byte_of_a_segment_has_an_address() {
        let segments = vec![(0x1234..0x3000, 0x5234)];
        let layout = ElfLayout { segments, ..ElfLayout::default() };
        assert_eq!(layout.address_of(0x1000), Some(0x5000), "the page it begins on");
        assert_eq!(layout.address_of(0x2000), Some(0x6000));
        assert_eq!(layout.address_of(0x3000), None);
    }

    #[test]
    fn the_own_file_has_tables_and_this_function() {
        let own = ElfSource::Path("/proc/self/exe".into());
        let layout = layout(&own, |name| name.contains("tables_and_this_function")).expect("ELF");
        assert!(!layout.symbols.is_empty());
        assert!(layout.tables.frames.is_some() && layout.tables.index.is_some());
        assert!(symbols(&own).expect("ELF").len() > 100);
    }
}
