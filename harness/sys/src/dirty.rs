//! Which pages of a private mapping of a file were written to since it was mapped: those that are
//! there and are no longer the file's. One call where the kernel scans (Linux 6.7), else a number
//! read for each page.

use super::memory::page_bytes;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;
use std::sync::OnceLock;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// The ioctl `PAGEMAP_SCAN`.
    Scan,
    /// The entries of `/proc/self/pagemap`.
    Entries,
}

/// What linux/fs.h calls `struct page_region`.
#[repr(C)]
#[derive(Clone, Copy, Default)]
struct Region {
    start: u64,
    end: u64,
    categories: u64,
}

/// What linux/fs.h calls `struct pm_scan_arg`.
#[repr(C)]
#[derive(Default)]
struct ScanArguments {
    size: u64,
    flags: u64,
    start: u64,
    end: u64,
    walk_end: u64,
    vec: u64,
    vec_len: u64,
    max_pages: u64,
    category_inverted: u64,
    category_mask: u64,
    category_anyof_mask: u64,
    return_mask: u64,
}

/// `_IOWR('f', 16, struct pm_scan_arg)`.
const PAGEMAP_SCAN: u64 = 0xC060_6610;
const _: () = assert!(size_of::<ScanArguments>() == 0x60);
const PAGE_IS_FILE: u64 = 1 << 2;
const PAGE_IS_PRESENT: u64 = 1 << 3;
const PAGE_IS_SWAPPED: u64 = 1 << 4;
/// Regions that one scan tells; more take another.
const REGIONS: usize = 256;

/// In an entry of pagemap: a page of a file, or shared.
const ENTRY_IS_FILE: u64 = 1 << 61;
const ENTRY_IS_SWAPPED: u64 = 1 << 62;
const ENTRY_IS_PRESENT: u64 = 1 << 63;
/// Entries that are read at once.
const ENTRIES: usize = 4096;

/// The parts of `memory`, in bytes from its start, that no longer show a file: in order, apart, and
/// whole pages. None if the kernel does not tell.
pub fn written(memory: &[u8]) -> Option<Vec<Range<usize>>> {
    let ways = [Way::Scan, Way::Entries];
    ways.into_iter().find_map(|way| written_by(way, memory).ok())
}

/// The same, asked in one way.
///
/// # Errors
/// The kernel's refusal; memory that does not begin with a page.
pub fn written_by(way: Way, memory: &[u8]) -> io::Result<Vec<Range<usize>>> {
    if !(memory.as_ptr() as usize).is_multiple_of(page_bytes()) {
        return Err(io::Error::from(io::ErrorKind::InvalidInput));
    }
    if memory.is_empty() {
        return Ok(Vec::new());
    }
    match way {
        Way::Scan => scan(memory),
        Way::Entries => entries(memory),
    }
}

/// Opened once: each look at a guest would pay for it. It shows the memory of this process only.
fn pagemap() -> io::Result<&'static File> {
    static PAGEMAP: OnceLock<Option<File>> = OnceLock::new();
    let file = PAGEMAP.get_or_init(|| File::open("/proc/self/pagemap").ok());
    file.as_ref().ok_or_else(|| io::Error::from(io::ErrorKind::Unsupported))
}

fn scan(memory: &[u8]) -> io::Result<Vec<Range<usize>>> {
    let pagemap = pagemap()?;
    let start = memory.as_ptr() as u64;
    let end = start + memory.len().next_multiple_of(page_bytes()) as u64;
    let mut found = FoundPages::of(memory);
    let mut regions = [Region::default(); REGIONS];
    let mut arguments = ScanArguments {
        size: size_of::<ScanArguments>() as u64,
        start,
        end,
        vec: regions.as_mut_ptr() as u64,
        vec_len: REGIONS as u64,
        category_inverted: PAGE_IS_FILE,
        category_mask: PAGE_IS_FILE,
        category_anyof_mask: PAGE_IS_PRESENT | PAGE_IS_SWAPPED,
        return_mask: PAGE_IS_PRESENT | PAGE_IS_SWAPPED,
        ..ScanArguments::default()
    };
    while arguments.start < end {
        // SAFETY: the kernel reads the arguments, writes `walk_end` there and at most `vec_len`
        // regions to `regions`; it only looks at page tables.
        let told =
            unsafe { libc::ioctl(pagemap.as_raw_fd(), PAGEMAP_SCAN as _, &raw mut arguments) };
        let told = usize::try_from(told).map_err(|_| io::Error::last_os_error())?;
        for region in &regions[..told.min(REGIONS)] {
            found.add((region.start - start) as usize..(region.end - start) as usize);
        }
        if arguments.walk_end <= arguments.start {
            return Err(io::Error::other("a scan of pages that does not go on"));
        }
        arguments.start = arguments.walk_end;
    }
    Ok(found.ranges)
}

fn entries(memory: &[u8]) -> io::Result<Vec<Range<usize>>> {
    const BYTES: usize = size_of::<u64>();
    let pagemap = pagemap()?;
    let (page, first) = (page_bytes(), memory.as_ptr() as usize / page_bytes());
    let pages = memory.len().div_ceil(page);
    let mut found = FoundPages::of(memory);
    let mut buffer = vec![0; ENTRIES.min(pages) * BYTES];
    for at in (0..pages).step_by(ENTRIES) {
        let buffer = &mut buffer[..ENTRIES.min(pages - at) * BYTES];
        pagemap.read_exact_at(buffer, ((first + at) * BYTES) as u64)?;
        for (place, entry) in buffer.as_chunks().0.iter().enumerate() {
            let entry = u64::from_ne_bytes(*entry);
            let is_there = entry & (ENTRY_IS_PRESENT | ENTRY_IS_SWAPPED) != 0;
            if is_there && entry & ENTRY_IS_FILE == 0 {
                let start = (at + place) * page;
                found.add(start..start + page);
            }
        }
    }
    Ok(found.ranges)
}

/// Ranges in order, those that touch made one.
struct FoundPages {
    ranges: Vec<Range<usize>>,
    end: usize,
}

impl FoundPages {
    fn of(memory: &[u8]) -> Self {
        Self { ranges: Vec::new(), end: memory.len() }
    }

    fn add(&mut self, range: Range<usize>) {
        let range = range.start..range.end.min(self.end);
        match self.ranges.last_mut() {
            Some(last) if last.end == range.start => last.end = range.end,
            _ => self.ranges.push(range),
        }
    }
}
