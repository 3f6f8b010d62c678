//! Memory of this process and this machine, from /proc.

use caxton_model::reading::Missing;
use caxton_model::units::Bytes;
use procfs::Current;
use procfs::process::PageInfo;
use std::ops::Range;
use std::path::{Path, PathBuf};

fn failed(error: &procfs::ProcError) -> Missing {
    Missing::Unsupported(format!("/proc: {error}"))
}

/// Bytes of one of the machine's pages.
pub fn page_bytes() -> usize {
    procfs::page_size() as usize
}

/// Resident memory of this process now, counted page by page (`smaps_rollup`).
pub fn resident() -> Result<Bytes, Missing> {
    let process = procfs::process::Process::myself().map_err(|e| failed(&e))?;
    let rollup = process.smaps_rollup().map_err(|e| failed(&e))?;
    let total = rollup.memory_map_rollup.iter().filter_map(|m| m.extension.map.get("Rss")).sum();
    Ok(Bytes(total))
}

/// Resident memory of this process now, from the kernel's own counters (`statm`): they lag by a few
/// pages for each thread, and cost next to nothing to read.
pub fn resident_counted() -> Result<Bytes, Missing> {
    let process = procfs::process::Process::myself().map_err(|e| failed(&e))?;
    let pages = process.statm().map_err(|e| failed(&e))?.resident;
    Ok(Bytes(pages * procfs::page_size()))
}

/// Threads of this process that have not ended.
pub fn threads() -> Result<u64, Missing> {
    Ok(living_threads()?.len() as u64)
}

/// The numbers of those threads. One that was joined is not among them: the kernel wakes who waits
/// for a thread before it takes the thread off its lists, so that the lists alone would be a race.
///
/// A list that is read while a thread ends may leave out another one: the kernel goes on by number
/// of place. So it is read until two readings agree.
fn living_threads() -> Result<Vec<i32>, Missing> {
    const READINGS_MAX: u32 = 100;
    let mut last = listed_threads()?;
    for _ in 1..READINGS_MAX {
        let now = listed_threads()?;
        if now == last {
            break;
        }
        last = now;
    }
    Ok(last)
}

fn listed_threads() -> Result<Vec<i32>, Missing> {
    /// The kernel's mark of what is ending, set before anybody who waits for it is woken.
    const ENDING: u32 = 0x4;
    let process = procfs::process::Process::myself().map_err(|e| failed(&e))?;
    let tasks = process.tasks().map_err(|e| failed(&e))?;
    // One whose entry is gone by now has ended.
    let states = tasks.flatten().filter_map(|task| Some((task.tid, task.stat().ok()?.flags)));
    Ok(states.filter(|(_, flags)| flags & ENDING == 0).map(|(tid, _)| tid).collect())
}

/// Has the allocator give back what it holds and nobody uses.
pub fn trim() {
    // SAFETY: takes no pointer, and is safe beside other threads' allocations (malloc_trim(3)).
    unsafe { libc::malloc_trim(0) };
}

/// What this process takes of the machine's memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Footprint {
    pub rss: Bytes,
    /// Resident pages, each shared one by its share.
    pub pss: Bytes,
    /// Page tables: in neither of the others.
    pub page_tables: Bytes,
    pub maps: u64,
}

/// What this process takes now (`smaps_rollup`, `VmPTE`, a count of `maps`).
pub fn footprint() -> Result<Footprint, Missing> {
    let process = procfs::process::Process::myself().map_err(|e| failed(&e))?;
    let rollup = process.smaps_rollup().map_err(|e| failed(&e))?;
    let sum = |name: &str| {
        let maps = rollup.memory_map_rollup.iter();
        Bytes(maps.filter_map(|map| map.extension.map.get(name)).sum())
    };
    let status = process.status().map_err(|e| failed(&e))?;
    let kib = status.vmpte.ok_or_else(|| Missing::Unsupported("no VmPTE".to_owned()))?;
    Ok(Footprint {
        rss: sum("Rss"),
        pss: sum("Pss"),
        page_tables: Bytes(kib * 1024),
        maps: maps()?,
    })
}

/// Memory maps of this process.
pub fn maps() -> Result<u64, Missing> {
    let text = std::fs::read("/proc/self/maps")
        .map_err(|error| Missing::Unsupported(format!("/proc/self/maps: {error}")))?;
    Ok(text.iter().filter(|byte| **byte == b'\n').count() as u64)
}

/// Open files of this process.
pub fn open_files() -> Result<u64, Missing> {
    let process = procfs::process::Process::myself().map_err(|e| failed(&e))?;
    process.fd_count().map(|count| count as u64).map_err(|e| failed(&e))
}

/// Page faults of this thread since it began that needed no disk.
pub fn thread_faults() -> u64 {
    // SAFETY: plain numbers, for which all-zero is a value; the kernel fills them in.
    let usage = unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        libc::getrusage(libc::RUSAGE_THREAD, &raw mut usage);
        usage
    };
    usage.ru_minflt.cast_unsigned()
}

/// How much of `addresses` has a page of memory in this process (`pagemap`): a page that was never
/// touched has none, and neither has one that was swapped out.
pub fn resident_within(addresses: Range<usize>) -> Result<Bytes, Missing> {
    let page = procfs::page_size() as usize;
    let process = procfs::process::Process::myself().map_err(|e| failed(&e))?;
    let mut map = process.pagemap().map_err(|e| failed(&e))?;
    let pages = addresses.start / page..addresses.end.div_ceil(page);
    let pages = map.get_range_info(pages).map_err(|e| failed(&e))?;
    let is_present = |page: &&PageInfo| match page {
        PageInfo::MemoryPage(flags) => flags.contains(procfs::process::MemoryPageFlags::PRESENT),
        PageInfo::SwapPage(_) => false,
    };
    Ok(Bytes((pages.iter().filter(is_present).count() * page) as u64))
}

/// Peak resident memory of this process (`VmHWM`).
pub fn peak_resident() -> Result<Bytes, Missing> {
    let process = procfs::process::Process::myself().map_err(|e| failed(&e))?;
    let status = process.status().map_err(|e| failed(&e))?;
    let kib = status.vmhwm.ok_or_else(|| Missing::Unsupported("no VmHWM".to_owned()))?;
    Ok(Bytes(kib * 1024))
}

/// Anonymous memory of this process that is resident (`RssAnon`): heap, stacks and guests'
/// memories, without the pages of files, which come and go with where the linker put the code.
pub fn resident_anonymous() -> Result<Bytes, Missing> {
    let process = procfs::process::Process::myself().map_err(|e| failed(&e))?;
    let status = process.status().map_err(|e| failed(&e))?;
    let kib = status.rssanon.ok_or_else(|| Missing::Unsupported("no RssAnon".to_owned()))?;
    Ok(Bytes(kib * 1024))
}

/// Memory that can be taken without swapping (`MemAvailable`).
pub fn available() -> Result<Bytes, Missing> {
    let memory = procfs::Meminfo::current().map_err(|e| failed(&e))?;
    let bytes = memory.mem_available;
    bytes.map(Bytes).ok_or_else(|| Missing::Unsupported("no MemAvailable".to_owned()))
}

/// All physical memory.
pub fn physical() -> Result<Bytes, Missing> {
    procfs::Meminfo::current().map(|m| Bytes(m.mem_total)).map_err(|e| failed(&e))
}

/// The memory that this process may have at most: the machine's, or what its control groups allow.
pub fn usable() -> Result<Bytes, Missing> {
    let groups = std::fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let limits = group_limit_files(&groups).into_iter().filter_map(|file| {
        // A number of bytes, or `max`.
        std::fs::read_to_string(file).ok()?.trim().parse().ok().map(Bytes)
    });
    Ok(limits.fold(physical()?, Bytes::min))
}

/// The files that bound the memory of a process in these `groups` (cgroups(7)): its own group's,
/// and those of all above it.
fn group_limit_files(groups: &str) -> Vec<PathBuf> {
    let files = groups.lines().flat_map(|line| {
        let mut fields = line.splitn(3, ':').skip(1);
        let (controllers, path) = (fields.next().unwrap_or(""), fields.next().unwrap_or("/"));
        let (root, file) = match controllers {
            "" => ("/sys/fs/cgroup", "memory.max"),
            "memory" => ("/sys/fs/cgroup/memory", "memory.limit_in_bytes"),
            _ => return Vec::new(),
        };
        let group = Path::new(path.trim_start_matches('/'));
        group.ancestors().map(|part| Path::new(root).join(part).join(file)).collect()
    });
    files.collect()
}

/// One-minute load average.
pub fn load_average() -> Result<f64, Missing> {
    procfs::LoadAverage::current().map(|load| f64::from(load.one)).map_err(|e| failed(&e))
}

/// The first processor's entry of /proc/cpuinfo under `field`.
pub fn cpu_field(field: &str) -> Result<String, Missing> {
    let info = procfs::CpuInfo::current().map_err(|e| failed(&e))?;
    let value = info.get_field(0, field).map(str::to_owned);
    value.ok_or_else(|| Missing::Unsupported(format!("/proc/cpuinfo has no {field:?}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_that_was_joined_is_counted_no_more() {
        for _ in 0..500 {
            // SAFETY: `gettid` is a plain system call.
            let own = || unsafe { libc::gettid() };
            let thread = std::thread::spawn(move || {
                let tid = own();
                // Other tests' threads come and go meanwhile.
                let is_listed = |_| living_threads().expect("Linux").contains(&tid);
                (tid, (0..100).any(is_listed))
            });
            let (tid, was_counted) = thread.join().expect("no panic");
            assert!(was_counted);
            assert!(!living_threads().expect("Linux").contains(&tid));
        }
    }

    #[test]
    fn only_pages_that_were_touched_are_resident_within_a_range() {
        const PAGES: usize = 64;
        let page = procfs::page_size() as usize;
        // Fresh from the system at this size, and so untouched: zeroed memory needs no writing.
        let mut block = vec![0u8; 64 << 20];
        let start = (block.as_ptr() as usize).next_multiple_of(page);
        let range = start..start + PAGES * page;
        let before = resident_within(range.clone()).expect("Linux");
        let first = start - block.as_ptr() as usize;
        for touched in 0..10 {
            block[first + touched * 3 * page] = 1;
        }
        let after = resident_within(range).expect("Linux");
        std::hint::black_box(&mut block);
        // Large pages may bring neighbours along, never fewer.
        assert!(before.0 == 0 || before.0 == (PAGES * page) as u64, "{before}");
        assert!(after.0 >= (10 * page) as u64 && after.0 <= (PAGES * page) as u64, "{after}");
    }

    #[test]
    fn the_limit_of_each_group_above_counts() {
        let files = group_limit_files("0::/a.slice/b\n4:memory:/c\n3:cpu:/d\n");
        let expected = [
            "/sys/fs/cgroup/a.slice/b/memory.max",
            "/sys/fs/cgroup/a.slice/memory.max",
            "/sys/fs/cgroup/memory.max",
            "/sys/fs/cgroup/memory/c/memory.limit_in_bytes",
            "/sys/fs/cgroup/memory/memory.limit_in_bytes",
        ];
        assert_eq!(files, expected.map(PathBuf::from));
        assert!(usable().expect("Linux") <= physical().expect("Linux"));
    }

    #[test]
    fn memory_that_is_touched_becomes_resident() {
        let block = std::hint::black_box(vec![1u8; 64 << 20]);
        let start = block.as_ptr() as usize;
        let held = resident_within(start..start + block.len()).expect("Linux");
        assert!(held.0 >= 64 << 20, "{held}");
        // A process has at least what one of its blocks has; the kernel counts in batches. Not by a
        // difference: other tests of this process take and let go of memory meanwhile.
        let whole = resident().expect("Linux");
        assert!(whole.0 >= held.0 - (1 << 20), "{whole} of {held}");
        drop(block);
        assert!(peak_resident().expect("Linux") >= Bytes(64 << 20));
        assert!(physical().expect("Linux") >= available().expect("Linux"));
    }
}
