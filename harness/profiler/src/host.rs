//! Names of host code: the harness itself, the twins, the system's libraries. From debug
//! information with inlined functions where there is some, else from symbols, else the file's name.

use super::elf::{self, ElfSource, ElfSymbol};
use super::space::{MapRole, Mapped};
use addr2line::Loader;
use caxton_model::profile::classify::{origin_of_host, with_crate};
use caxton_model::profile::{Frame, Origin};

pub(super) struct HostNames<'a> {
    file: &'a Mapped,
    loader: Option<Loader>,
    symbols: Vec<ElfSymbol>,
}

/// The frames at a place of a file.
pub(super) struct Named {
    /// Innermost first; never empty.
    pub(super) frames: Vec<Frame>,
    /// False if only the file is known.
    pub(super) is_resolved: bool,
}

impl<'a> HostNames<'a> {
    /// Reads what `file` has; the sentence says what it has not, of files that should have it.
    pub(super) fn of(file: &'a Mapped) -> (Self, Option<String>) {
        let loader = match &file.source {
            ElfSource::Path(path) => Loader::new(path).ok(),
            ElfSource::Image(_) => None,
        };
        let symbols = elf::symbols(&file.source).unwrap_or_default();
        let has_lines = loader.as_ref().is_some_and(|loader| {
            [b".debug_info".as_slice(), b".zdebug_info"]
                .iter()
                .any(|section| loader.get_section_range(section).is_some())
        });
        let wanted = file.role != MapRole::Library && !has_lines;
        let note = wanted.then(|| {
            let what = if symbols.is_empty() { "neither symbols nor" } else { "no" };
            format!(
                "{} has {what} debug information: no inlined functions, no lines (build it with \
                 `debug = \"line-tables-only\"` and without `strip`)",
                file.name
            )
        });
        (Self { file, loader: loader.filter(|_| has_lines), symbols }, note)
    }

    /// The frames at `address`, as the file counts.
    pub(super) fn at(&self, address: u64) -> Named {
        let mut frames = self.debugged(address).unwrap_or_default();
        if let Some(symbol) = elf::symbol_at(&self.symbols, address) {
            // Line tables alone name a function without its path; its symbol has that. One without
            // a path is an export's, and has none on either side of a comparison.
            let outermost = frames.pop();
            let (file, line) = outermost.map_or((None, None), |frame| (frame.file, frame.line));
            frames.push(self.frame(demangled(&symbol.name), file, line));
        }
        let is_resolved = !frames.is_empty();
        if frames.is_empty() {
            frames.push(self.unnamed(address));
        }
        let last = frames.len() - 1;
        for frame in frames.iter_mut().take(last) {
            if frame.origin == Origin::Guest {
                frame.origin = Origin::GuestInlined;
            }
        }
        Named { frames, is_resolved }
    }

    fn debugged(&self, address: u64) -> Option<Vec<Frame>> {
        let mut found = self.loader.as_ref()?.find_frames(address).ok()?;
        let mut frames = Vec::new();
        while let Ok(Some(frame)) = found.next() {
            let Some(function) = frame.function else { continue };
            let name = function.raw_name().ok()?.into_owned();
            let place = frame.location;
            let (file, line) =
                place.map_or((None, None), |at| (at.file.map(str::to_owned), at.line));
            let name = with_crate(demangled(&name), file.as_deref());
            frames.push(self.frame(name, file, line));
        }
        Some(frames)
    }

    fn frame(&self, name: String, file: Option<String>, line: Option<u32>) -> Frame {
        let origin = match self.file.role {
            MapRole::Twin => Origin::Guest,
            MapRole::Own | MapRole::Library => origin_of_host(&name),
        };
        Frame { name, origin, file, line: line.filter(|line| *line > 0) }
    }

    /// One name for all of a library, where a twin or the harness get one for each address.
    fn unnamed(&self, address: u64) -> Frame {
        let name = match self.file.role {
            MapRole::Library => format!("[{}]", self.file.name.trim_matches(['[', ']'])),
            MapRole::Own | MapRole::Twin => format!("[{}+{address:#x}]", self.file.name),
        };
        let origin = match self.file.role {
            MapRole::Twin => Origin::Guest,
            MapRole::Own | MapRole::Library => Origin::Host,
        };
        Frame { name, origin, file: None, line: None }
    }
}

/// The alternate form leaves out hashes, which differ from build to build.
fn demangled(name: &str) -> String {
    format!("{:#}", rustc_demangle::demangle(name))
}

/// True if this crate was built to keep frame pointers.
pub(super) fn has_frame_pointers() -> bool {
    caxton_sys::build::FLAGS.contains("force-frame-pointers")
}
