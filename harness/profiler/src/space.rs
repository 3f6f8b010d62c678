//! Whose code an address is, now and later: files that are mapped, and code that was made at run
//! time. An address is turned into a [`CodePlace`] when it is seen, because something else may be
//! there a moment later.

use super::elf::{self, ElfLayout, ElfSource};
use caxton_model::profile::Frame;
use caxton_model::profile::code::{Code, Listing};
use caxton_sys::callgrind;
use procfs::process::{MMPermissions, MMapPath, MemoryMap, Process};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::os::unix::process::parent_id;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A place in some code, which stays what it is when addresses are used again: a unit and an
/// offset, an address of no unit, or where a stack was cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct CodePlace(u64);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    /// In a unit, at an offset: the file's own address, or counted from the code's start.
    Unit(usize, u32),
    Bare(u64),
    /// The rest of the stack is missing, because of this unit.
    CutIn(Option<usize>),
    /// The rest of the stack is beyond the base of a fiber.
    Fiber,
}

const IN_UNIT: u64 = 1 << 63;
const CUT: u64 = 1 << 62;
const FIBER: u64 = 1 << 61;

impl CodePlace {
    pub(super) const FIBER: Self = Self(FIBER);

    pub(super) fn in_unit(unit: usize, offset: u32) -> Self {
        Self(IN_UNIT | (unit as u64) << 32 | u64::from(offset))
    }

    pub(super) fn cut_in(unit: Option<usize>) -> Self {
        Self(CUT | unit.map_or(0, |unit| unit as u64 + 1))
    }

    pub(super) fn meaning(self) -> Meaning {
        let Self(bits) = self;
        if bits & IN_UNIT != 0 {
            Meaning::Unit(((bits & !IN_UNIT) >> 32) as usize, bits as u32)
        } else if bits & CUT != 0 {
            Meaning::CutIn(((bits & !CUT) as usize).checked_sub(1))
        } else if bits == FIBER {
            Meaning::Fiber
        } else {
            Meaning::Bare(bits)
        }
    }
}

/// What a file is to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MapRole {
    Own,
    Twin,
    /// A library of the system, built without frame pointers for all we know.
    Library,
}

pub(super) struct Mapped {
    pub(super) name: String,
    /// Its path as the system maps it; empty of what has none.
    mapped: String,
    pub(super) source: ElfSource,
    pub(super) role: MapRole,
    /// Where its code is.
    pub(super) range: Range<u64>,
    /// What is added to the file's addresses.
    pub(super) bias: u64,
    pub(super) layout: ElfLayout,
}

/// Code that was made at run time.
pub(super) struct Made {
    pub(super) name: String,
    pub(super) range: Range<u64>,
    code: Option<Arc<dyn Code>>,
    seen: BTreeSet<u32>,
    frames: BTreeMap<u32, Vec<Frame>>,
    /// What the code lacks, once it is gone.
    notes: Vec<String>,
}

impl Made {
    /// What its names lack: a sentence each.
    pub(super) fn notes(&self) -> Vec<String> {
        self.code.as_ref().map_or_else(|| self.notes.clone(), |code| code.notes())
    }

    /// The function at an offset, while its code is there.
    pub(super) fn listing(&self, offset: u32) -> Option<Listing> {
        let address = usize::try_from(self.range.start + u64::from(offset)).ok()?;
        self.code.as_ref()?.listing(address)
    }

    /// The frames at an offset that was seen.
    pub(super) fn frames(&self, offset: u32) -> Vec<Frame> {
        let address = self.range.start + u64::from(offset);
        let live = || Some(self.code.as_ref()?.frames(usize::try_from(address).ok()?));
        self.frames.get(&offset).cloned().or_else(live).unwrap_or_default()
    }
}

pub(super) enum CodeUnit {
    File(Box<Mapped>),
    Made(Made),
}

/// Retired code, on its way out.
pub(super) struct Leaving {
    unit: usize,
    code: Arc<dyn Code>,
    start: u64,
    seen: BTreeSet<u32>,
}

impl Leaving {
    /// Looks up everything that was sampled in it. May take long: not to be done under a lock.
    pub(super) fn resolve(self) -> Resolved {
        let address = |offset: &u32| usize::try_from(self.start + u64::from(*offset)).unwrap_or(0);
        let frames = self.seen.iter().map(|at| (*at, self.code.frames(address(at)))).collect();
        // Asking costs reading the names: not for code that no sample met.
        let notes = if self.seen.is_empty() { Vec::new() } else { self.code.notes() };
        Resolved { unit: self.unit, frames, notes, code: self.code }
    }
}

/// Retired code with its names, to be let go of.
pub(super) struct Resolved {
    unit: usize,
    frames: BTreeMap<u32, Vec<Frame>>,
    notes: Vec<String>,
    code: Arc<dyn Code>,
}

/// All code of this process, live and gone.
#[derive(Default)]
pub(super) struct Space {
    pub(super) units: Vec<CodeUnit>,
    /// By start: end and unit. Ranges do not overlap.
    live: BTreeMap<u64, (u64, usize)>,
    twins: BTreeSet<PathBuf>,
    retired: Vec<usize>,
    is_over: bool,
}

impl Space {
    /// What this process has mapped.
    pub(super) fn new() -> Self {
        let mut space = Self::default();
        space.refresh();
        space
    }

    /// From now on the library at `path` is a twin.
    pub(super) fn add_twin(&mut self, path: &Path) {
        self.twins.insert(path.canonicalize().unwrap_or_else(|_| path.to_owned()));
        for unit in &mut self.units {
            if let CodeUnit::File(file) = unit
                && matches!(&file.source, ElfSource::Path(path) if self.twins.contains(path))
            {
                file.role = MapRole::Twin;
            }
        }
        self.refresh();
    }

    /// Takes in what was mapped since.
    pub(super) fn refresh(&mut self) {
        let maps = Process::myself().and_then(|process| process.maps());
        let maps = maps.map(|maps| maps.0).unwrap_or_default();
        let code = maps.into_iter().filter(|map| map.perms.contains(MMPermissions::EXECUTE));
        for map in code {
            self.map(&map);
        }
    }

    fn map(&mut self, map: &MemoryMap) {
        let (start, end) = map.address;
        let known = self.live.range(..end).next_back();
        if let Some((_, (known_end, unit))) = known
            && *known_end > start
        {
            let is_same = match (&self.units[*unit], &map.pathname) {
                // Code made at run time may lie in a file: its maker knows it better.
                (CodeUnit::Made(_), _) => true,
                (CodeUnit::File(file), MMapPath::Path(path)) => {
                    file.range == (start..end) && file.is_at(path)
                }
                (CodeUnit::File(_), _) => true,
            };
            if is_same {
                return;
            }
        }
        let Some(file) = self.open(map) else { return };
        self.live.retain(|from, (to, _)| *to <= start || end <= *from);
        self.live.insert(start, (end, self.units.len()));
        self.units.push(CodeUnit::File(Box::new(file)));
    }

    fn open(&self, map: &MemoryMap) -> Option<Mapped> {
        let own = std::env::current_exe().ok();
        let range = map.address.0..map.address.1;
        let (source, role, name) = match &map.pathname {
            MMapPath::Path(path) if Some(path) == own.as_ref() => {
                // Under valgrind that link leads to valgrind; the file may have been replaced, and
                // is the parent's then.
                let file = match callgrind::is_valgrind() {
                    true if path.exists() => path.clone(),
                    true => format!("/proc/{}/exe", parent_id()).into(),
                    false => "/proc/self/exe".into(),
                };
                (ElfSource::Path(file), MapRole::Own, file_name(path))
            }
            MMapPath::Path(path) => {
                let is_twin = self.twins.contains(path);
                let role = if is_twin { MapRole::Twin } else { MapRole::Library };
                (ElfSource::Path(path.clone()), role, file_name(path))
            }
            MMapPath::Vdso => {
                (ElfSource::Image(image(&range)?), MapRole::Library, "[vdso]".to_owned())
            }
            _ => return None,
        };
        let is_wanted = if role == MapRole::Own { is_end_of_stacks } else { |_: &str| false };
        let layout = elf::layout(&source, is_wanted).unwrap_or_default();
        let bias = layout.address_of(map.offset).map_or(0, |meant| range.start.wrapping_sub(meant));
        let mapped = match &map.pathname {
            MMapPath::Path(path) => path.to_string_lossy().into_owned(),
            _ => String::new(),
        };
        Some(Mapped { name, mapped, source, role, range, bias, layout })
    }

    fn unit_at(&self, address: u64) -> Option<(usize, u64)> {
        let (start, (end, unit)) = self.live.range(..=address).next_back()?;
        (address < *end).then_some((*unit, *start))
    }

    pub(super) fn file_at(&self, address: u64) -> Option<(usize, &Mapped)> {
        let (unit, _) = self.unit_at(address)?;
        match &self.units[unit] {
            CodeUnit::File(file) => Some((unit, file)),
            CodeUnit::Made(_) => None,
        }
    }

    /// True if somebody is known to be at `address`.
    pub(super) fn knows(&self, address: u64) -> bool {
        self.unit_at(address).is_some()
    }

    /// The place of `address`, which lies inside an instruction.
    pub(super) fn place(&mut self, address: u64) -> CodePlace {
        let Some((unit, _)) = self.unit_at(address) else {
            return CodePlace(address & (FIBER - 1));
        };
        let start = match &self.units[unit] {
            CodeUnit::File(file) => file.bias,
            CodeUnit::Made(made) => made.range.start,
        };
        let Ok(offset) = u32::try_from(address.wrapping_sub(start)) else {
            return CodePlace(address);
        };
        if let CodeUnit::Made(made) = &mut self.units[unit] {
            made.seen.insert(offset);
        }
        CodePlace::in_unit(unit, offset)
    }

    /// The place of `address` as the file at `path` counts; none where no such file is mapped.
    pub(super) fn place_in(&self, path: &str, address: u64) -> Option<CodePlace> {
        let is_it = |unit: &CodeUnit| match unit {
            CodeUnit::File(file) => without_end(&file.mapped) == without_end(path),
            CodeUnit::Made(_) => false,
        };
        let unit = self.units.iter().rposition(is_it)?;
        Some(CodePlace::in_unit(unit, u32::try_from(address).ok()?))
    }

    /// Code is there and will be called.
    pub(super) fn loaded(&mut self, code: Arc<dyn Code>) {
        if self.is_over {
            return;
        }
        let range = code.range().start as u64..code.range().end as u64;
        self.live.retain(|from, (to, _)| *to <= range.start || range.end <= *from);
        self.live.insert(range.start, (range.end, self.units.len()));
        let (seen, frames) = (BTreeSet::new(), BTreeMap::new());
        let name = code.name().to_owned();
        self.units.push(CodeUnit::Made(Made {
            name,
            range,
            code: Some(code),
            seen,
            frames,
            notes: Vec::new(),
        }));
    }

    /// Nobody calls the code any more.
    pub(super) fn retired(&mut self, code: &Arc<dyn Code>) {
        let start = code.range().start as u64;
        let unit = self.unit_at(start).map(|(unit, _)| unit);
        let is_it = |unit: &usize| match &self.units[*unit] {
            CodeUnit::Made(made) => made.code.as_ref().is_some_and(|held| Arc::ptr_eq(held, code)),
            CodeUnit::File(_) => false,
        };
        let unit = unit.filter(is_it);
        self.retired.extend(unit);
    }

    /// Nothing is sampled or named any more: hands back all code that is still kept.
    pub(super) fn end(&mut self) -> Vec<Arc<dyn Code>> {
        self.is_over = true;
        let made = self.units.iter_mut().filter_map(|unit| match unit {
            CodeUnit::Made(made) => made.code.take(),
            CodeUnit::File(_) => None,
        });
        made.collect()
    }

    /// What is retired by now. Once all samples up to now have their places, it can leave.
    pub(super) fn take_retired(&mut self) -> Vec<usize> {
        std::mem::take(&mut self.retired)
    }

    /// How much retired code is kept.
    pub(super) fn retired_count(&self) -> usize {
        self.retired.len()
    }

    /// What must be looked up before `units` may leave.
    pub(super) fn leaving(&self, units: &[usize]) -> Vec<Leaving> {
        let leaving = |unit: &usize| match &self.units[*unit] {
            CodeUnit::Made(Made { code: Some(code), seen, range, .. }) => Some(Leaving {
                unit: *unit,
                code: Arc::clone(code),
                start: range.start,
                seen: seen.clone(),
            }),
            _ => None,
        };
        units.iter().filter_map(leaving).collect()
    }

    /// Forgets where retired code was and keeps its names. Hands back the code: the caller drops
    /// it when nothing looks at stacks.
    pub(super) fn leave(&mut self, resolved: Vec<Resolved>) -> Vec<Arc<dyn Code>> {
        let mut gone = Vec::new();
        for Resolved { unit, frames, notes, code } in resolved {
            if let CodeUnit::Made(made) = &mut self.units[unit] {
                self.live.remove(&made.range.start);
                made.frames = frames;
                made.notes = notes;
                made.seen = BTreeSet::new();
                gone.extend(made.code.take());
            }
            gone.push(code);
        }
        gone
    }
}

impl Mapped {
    fn is_at(&self, path: &Path) -> bool {
        match &self.source {
            ElfSource::Path(own) => own == path || self.role == MapRole::Own,
            ElfSource::Image(_) => false,
        }
    }

    /// True if `address` is in one of the functions whose names `is_wanted`.
    pub(super) fn is_in(&self, address: u64, is_wanted: fn(&str) -> bool) -> bool {
        let symbol = elf::symbol_at(&self.layout.symbols, address.wrapping_sub(self.bias));
        symbol.is_some_and(|symbol| is_wanted(&symbol.name))
    }
}

/// The path of a file, whether it is still there or not.
fn without_end(path: &str) -> &str {
    path.strip_suffix(" (deleted)").unwrap_or(path)
}

fn is_end_of_stacks(name: &str) -> bool {
    is_root(name) || is_fiber_base(name)
}

/// True for a thread's first function of ours, by its mangled name. The standard library's is
/// `thread_start`; what is further out is the C library's and the same for every thread.
pub(super) fn is_root(name: &str) -> bool {
    ["main", "_start"].contains(&name) || name.contains("12thread_start")
}

/// True for the function at the base of a fiber's stack.
pub(super) fn is_fiber_base(name: &str) -> bool {
    name.contains("fiber_start")
}

pub(super) fn file_name(path: &Path) -> String {
    path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}

/// A copy of this process's memory.
fn image(range: &Range<u64>) -> Option<Arc<[u8]>> {
    let mut bytes = vec![0; usize::try_from(range.end - range.start).ok()?];
    File::open("/proc/self/mem").ok()?.read_exact_at(&mut bytes, range.start).ok()?;
    Some(bytes.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_means_what_it_was_made_of() {
        let unit = CodePlace::in_unit(70_000, u32::MAX);
        assert_eq!(unit.meaning(), Meaning::Unit(70_000, u32::MAX));
        assert_eq!(CodePlace(0x7fff_0000).meaning(), Meaning::Bare(0x7fff_0000));
        assert_eq!(CodePlace::cut_in(None).meaning(), Meaning::CutIn(None));
        assert_eq!(CodePlace::cut_in(Some(0)).meaning(), Meaning::CutIn(Some(0)));
        assert_eq!(CodePlace::FIBER.meaning(), Meaning::Fiber);
    }

    #[test]
    fn the_own_code_is_found_and_has_a_thread_s_first_function() {
        let space = Space::new();
        let here = the_own_code_is_found_and_has_a_thread_s_first_function as fn() as usize as u64;
        let (_, file) = space.file_at(here).expect("mapped");
        assert_eq!(file.role, MapRole::Own);
        assert!(file.layout.symbols.iter().any(|symbol| is_root(&symbol.name)));
        let name = "the_own_code_is_found_and_has_a_thread_s_first_function";
        let symbols = elf::symbols(&file.source).expect("ELF");
        let found = elf::symbol_at(&symbols, here - file.bias).expect("a function");
        assert!(found.name.contains(name), "{} at {:#x}", found.name, file.bias);
        assert!(space.units.iter().any(|u| matches!(u, CodeUnit::File(f) if f.name == "[vdso]")));
    }

    struct Fake(Range<usize>, &'static str);

    impl Code for Fake {
        fn name(&self) -> &str {
            self.1
        }

        fn range(&self) -> Range<usize> {
            self.0.clone()
        }

        fn frames(&self, address: usize) -> Vec<Frame> {
            let name = format!("{}+{}", self.1, address - self.0.start);
            let origin = caxton_model::profile::Origin::Guest;
            vec![Frame { name, origin, file: None, line: None }]
        }
    }

    #[test]
    fn an_address_used_again_keeps_its_old_name_and_old_code_is_let_go() {
        let mut space = Space::default();
        let name = |space: &Space, place: CodePlace| match (place.meaning(), &space.units[..]) {
            (Meaning::Unit(unit, offset), units) => match &units[unit] {
                CodeUnit::Made(made) => made.frames(offset)[0].name.clone(),
                CodeUnit::File(_) => panic!("made code"),
            },
            _ => panic!("in a unit"),
        };
        let old: Arc<dyn Code> = Arc::new(Fake(0x1000..0x2000, "old"));
        let weak = Arc::downgrade(&old);
        space.loaded(Arc::clone(&old));
        let first = space.place(0x1010);
        space.retired(&old);
        drop(old);
        assert_eq!(name(&space, first), "old+16");
        let leaving = space.take_retired();
        let resolved = space.leaving(&leaving).into_iter().map(Leaving::resolve).collect();
        drop(space.leave(resolved));
        assert!(weak.upgrade().is_none(), "nobody keeps it");
        assert!(!space.knows(0x1010));
        space.loaded(Arc::new(Fake(0x1000..0x1800, "new")));
        let second = space.place(0x1010);
        assert_eq!((name(&space, first), name(&space, second)), ("old+16".into(), "new+16".into()));
    }
}
