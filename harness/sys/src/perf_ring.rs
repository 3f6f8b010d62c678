//! Samples of this process's stacks from the kernel: the software event `cpu-clock`, one ring of
//! records per CPU. What the records mean is read elsewhere (`measure/profile/record.rs`).
//!
//! Formats and rules: perf_event_open(2).

use perf_event_open_sys as sys;
use perf_event_open_sys::bindings::{self, perf_event_attr, perf_event_mmap_page};
use std::collections::{BTreeMap, BTreeSet};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::{fs, io, ptr, slice};

/// What each sample holds, in the order in which the kernel writes it.
const SAMPLE: u64 = (bindings::PERF_SAMPLE_IP
    | bindings::PERF_SAMPLE_TID
    | bindings::PERF_SAMPLE_TIME
    | bindings::PERF_SAMPLE_ID
    | bindings::PERF_SAMPLE_CALLCHAIN) as u64;

/// Registers and stack, only where `measure/profile/chain.rs` can unwind from them.
const DUMP: u64 = (bindings::PERF_SAMPLE_REGS_USER | bindings::PERF_SAMPLE_STACK_USER) as u64;

/// Bits of rbp, rsp and rip in the kernel's numbering of x86 registers; the kernel writes them in
/// this order.
const REGISTERS: u64 = 1 << 6 | 1 << 7 | 1 << 8;

/// True where samples hold registers and the top of the stack.
pub const HAS_DUMP: bool = cfg!(target_arch = "x86_64");

/// Bytes of a ring and of the stack in each sample. What an unprivileged user may lock is 512 KiB
/// and a page per CPU (`perf_event_mlock_kb`), unless somebody else of the same user has some.
const SIZES: [(usize, u32); 3] = [(4 << 20, 16 << 10), (512 << 10, 8 << 10), (128 << 10, 4 << 10)];

/// Why the kernel gave no samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    /// The system's error number.
    pub errno: i32,
    /// Which call: `perf_event_open` or `mmap`.
    pub call: &'static str,
}

impl Refusal {
    fn last(call: &'static str) -> Self {
        Self { errno: io::Error::last_os_error().raw_os_error().unwrap_or(0), call }
    }
}

struct PerfEvent {
    fd: OwnedFd,
    thread: u32,
    id: u64,
}

/// The half that starts and stops.
pub struct Events {
    events: Vec<Arc<PerfEvent>>,
    first: BTreeSet<u32>,
}

/// The half that reads. Its rings live as long as it does.
pub struct Rings {
    rings: Vec<Ring>,
    scratch: Vec<u8>,
}

/// Opens disabled events at `hz` samples per CPU second for every thread of this process but those
/// in `spared`, and for all that they start later. Needs no privilege up to
/// `perf_event_paranoid` 2, because it leaves the kernel out.
pub fn open(hz: u32, spared: &[u32]) -> Result<(Events, Rings), Refusal> {
    let mut refusal = Refusal { errno: 0, call: "mmap" };
    for (ring_bytes, stack_bytes) in SIZES {
        match open_sized(hz, spared, ring_bytes, stack_bytes) {
            Err(why) if why.call == "mmap" && [libc::EPERM, libc::ENOMEM].contains(&why.errno) => {
                refusal = why;
            }
            other => return other,
        }
    }
    Err(refusal)
}

fn open_sized(
    hz: u32,
    spared: &[u32],
    ring_bytes: usize,
    stack_bytes: u32,
) -> Result<(Events, Rings), Refusal> {
    // Listed before anything is open: none of these can have inherited an event.
    let first: BTreeSet<u32> = threads().into_iter().collect();
    let mut attributes = attributes(hz, stack_bytes);
    attributes.__bindgen_anon_2.wakeup_watermark = (ring_bytes / 4) as u32;
    let main = std::process::id();
    let mut rings = Vec::new();
    let mut leaders = Vec::new();
    for cpu in online() {
        let fd = match open_event(&mut attributes, main, cpu) {
            Err(Refusal { errno: libc::ENODEV, .. }) => continue,
            other => other?,
        };
        let leader = Arc::new(event(fd, main)?);
        rings.push(Ring::map(&leader, ring_bytes)?);
        leaders.push((cpu, leader));
    }
    let mut events: Vec<Arc<PerfEvent>> =
        leaders.iter().map(|(_, leader)| leader.clone()).collect();
    let mut known: BTreeSet<u32> = spared.iter().copied().chain([main]).collect();
    // Threads may start threads meanwhile. Once a listing holds nobody new all are covered, for
    // their children inherit; a listing may skip somebody while others end, hence two.
    let mut quiet = 0;
    while quiet < 2 {
        let new: Vec<u32> = threads().into_iter().filter(|thread| known.insert(*thread)).collect();
        quiet = if new.is_empty() { quiet + 1 } else { 0 };
        for thread in new {
            for (cpu, leader) in &leaders {
                match open_event(&mut attributes, thread, *cpu) {
                    // It is gone already.
                    Err(Refusal { errno: libc::ESRCH, .. }) => break,
                    fd => events.push(Arc::new(sharing(event(fd?, thread)?, leader)?)),
                }
            }
        }
    }
    Ok((Events { events, first }, Rings { rings, scratch: Vec::new() }))
}

fn attributes(hz: u32, stack_bytes: u32) -> perf_event_attr {
    let mut attributes = perf_event_attr {
        type_: bindings::PERF_TYPE_SOFTWARE,
        // Old kernels refuse a size that they do not know.
        size: bindings::PERF_ATTR_SIZE_VER5,
        config: u64::from(bindings::PERF_COUNT_SW_CPU_CLOCK),
        sample_type: SAMPLE,
        clockid: libc::CLOCK_MONOTONIC,
        ..Default::default()
    };
    attributes.__bindgen_anon_1.sample_freq = u64::from(hz);
    attributes.set_freq(1);
    attributes.set_disabled(1);
    attributes.set_inherit(1);
    attributes.set_inherit_thread(1);
    attributes.set_exclude_kernel(1);
    attributes.set_exclude_hv(1);
    attributes.set_exclude_callchain_kernel(1);
    attributes.set_use_clockid(1);
    attributes.set_watermark(1);
    if HAS_DUMP {
        attributes.sample_type |= DUMP;
        attributes.sample_regs_user = REGISTERS;
        attributes.sample_stack_user = stack_bytes;
    }
    attributes
}

fn open_event(attributes: &mut perf_event_attr, thread: u32, cpu: i32) -> Result<OwnedFd, Refusal> {
    let flags = u64::from(bindings::PERF_FLAG_FD_CLOEXEC);
    loop {
        // SAFETY: a whole attribute structure; the kernel writes at most its `size` field.
        let fd = unsafe {
            sys::perf_event_open(&raw mut *attributes, thread.cast_signed(), cpu, -1, flags)
        };
        if fd >= 0 {
            // SAFETY: a descriptor that was just made and that nobody else has.
            return Ok(unsafe { OwnedFd::from_raw_fd(fd) });
        }
        let refusal = Refusal::last("perf_event_open");
        // Kernels before 5.13 do not know `inherit_thread`: child processes are then sampled too
        // and left out by their number.
        if refusal.errno != libc::EINVAL || attributes.inherit_thread() == 0 {
            return Err(refusal);
        }
        attributes.set_inherit_thread(0);
    }
}

fn event(fd: OwnedFd, thread: u32) -> Result<PerfEvent, Refusal> {
    let mut id = 0u64;
    // SAFETY: an event's descriptor, and a place for its number.
    if unsafe { sys::ioctls::ID(fd.as_raw_fd(), &raw mut id) } != 0 {
        return Err(Refusal::last("perf_event_open"));
    }
    Ok(PerfEvent { fd, thread, id })
}

/// Has `event` write to the ring of `leader`, an event of the same CPU.
fn sharing(event: PerfEvent, leader: &PerfEvent) -> Result<PerfEvent, Refusal> {
    // SAFETY: both are descriptors of live events.
    if unsafe { sys::ioctls::SET_OUTPUT(event.fd.as_raw_fd(), leader.fd.as_raw_fd()) } != 0 {
        return Err(Refusal::last("perf_event_open"));
    }
    Ok(event)
}

fn threads() -> Vec<u32> {
    let entries = fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

/// The number of the calling thread.
pub fn this_thread() -> u32 {
    // SAFETY: a plain system call.
    unsafe { libc::gettid() }.cast_unsigned()
}

fn online() -> Vec<i32> {
    let text = fs::read_to_string("/sys/devices/system/cpu/online").unwrap_or_default();
    let listed = listed(&text);
    if listed.is_empty() { vec![0] } else { listed }
}

/// The numbers in a list such as `0-3,6`.
fn listed(text: &str) -> Vec<i32> {
    let range = |part: &str| -> Option<Vec<i32>> {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        Some((first.parse().ok()?..=last.parse().ok()?).collect())
    };
    text.trim().split(',').filter_map(range).flatten().collect()
}

impl Events {
    pub fn resume(&self) {
        for event in &self.events {
            // SAFETY: an event's descriptor. It fails only for one whose thread is gone.
            unsafe { sys::ioctls::ENABLE(event.fd.as_raw_fd(), 0) };
        }
    }

    /// Stops until [`Events::resume`].
    pub fn pause(&self) {
        for event in self.events.iter().rev() {
            // SAFETY: as in `resume`.
            unsafe { sys::ioctls::DISABLE(event.fd.as_raw_fd(), 0) };
        }
    }

    /// By thread that was born while the events were opened, the numbers of its own events. It may
    /// have inherited others too, whose samples would count it twice.
    pub fn born_late(&self) -> BTreeMap<u32, BTreeSet<u64>> {
        let mut late: BTreeMap<u32, BTreeSet<u64>> = BTreeMap::new();
        for event in self.events.iter().filter(|event| !self.first.contains(&event.thread)) {
            late.entry(event.thread).or_default().insert(event.id);
        }
        late
    }
}

impl Rings {
    /// Waits until a ring is a quarter full, at most `timeout_ms`.
    pub fn wait(&self, timeout_ms: i32) {
        let poll = |ring: &Ring| libc::pollfd {
            fd: ring.leader.fd.as_raw_fd(),
            events: libc::POLLIN,
            revents: 0,
        };
        let mut polled: Vec<libc::pollfd> = self.rings.iter().map(poll).collect();
        // SAFETY: the array and its own length. A failure is as good as a time-out.
        unsafe { libc::poll(polled.as_mut_ptr(), polled.len() as libc::nfds_t, timeout_ms) };
    }

    /// Gives all records that are in the rings to `each`, ring by ring.
    pub fn read(&mut self, mut each: impl FnMut(&[u8])) {
        for ring in &self.rings {
            self.scratch.clear();
            ring.take(&mut self.scratch);
            let mut rest = self.scratch.as_slice();
            while let Some((record, behind)) = split_record(rest) {
                each(record);
                rest = behind;
            }
        }
    }
}

/// The first record of `bytes`, with its header, and what is behind it.
fn split_record(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let size = usize::from(u16::from_le_bytes([*bytes.get(6)?, *bytes.get(7)?]));
    if size < 8 { None } else { bytes.split_at_checked(size) }
}

struct Ring {
    leader: Arc<PerfEvent>,
    base: *mut u8,
    bytes: usize,
}

// SAFETY: the mapping is shared with the kernel alone; one thread at a time has the `Ring`.
unsafe impl Send for Ring {}

impl Ring {
    fn map(leader: &Arc<PerfEvent>, data_bytes: usize) -> Result<Self, Refusal> {
        let bytes = data_bytes + page_bytes();
        let (access, fd) = (libc::PROT_READ | libc::PROT_WRITE, leader.fd.as_raw_fd());
        // SAFETY: a fresh mapping wherever the kernel likes.
        let base = unsafe { libc::mmap(ptr::null_mut(), bytes, access, libc::MAP_SHARED, fd, 0) };
        if base == libc::MAP_FAILED {
            return Err(Refusal::last("mmap"));
        }
        Ok(Self { leader: Arc::clone(leader), base: base.cast(), bytes })
    }

    /// Moves what the kernel has written to the end of `into`.
    fn take(&self, into: &mut Vec<u8>) {
        let page = self.base.cast::<perf_event_mmap_page>();
        // SAFETY: the first page of the mapping; both are aligned words that the kernel and this
        // thread access as atomics.
        let (head, tail) = unsafe {
            (
                AtomicU64::from_ptr(&raw mut (*page).data_head),
                AtomicU64::from_ptr(&raw mut (*page).data_tail),
            )
        };
        // Pairs with the kernel's barrier: what is before `head` is written.
        let end = head.load(Ordering::Acquire);
        let start = tail.load(Ordering::Relaxed);
        let data_bytes = self.bytes - page_bytes();
        // SAFETY: the pages behind the first one are the data; the kernel writes only outside of
        // `start..end` until `tail` moves.
        let data = unsafe { slice::from_raw_parts(self.base.add(page_bytes()), data_bytes) };
        unroll(data, start, end, into);
        tail.store(end, Ordering::Release);
    }
}

impl Drop for Ring {
    fn drop(&mut self) {
        // SAFETY: mapped by `map` with this length; nothing of it is lent out.
        unsafe { libc::munmap(self.base.cast(), self.bytes) };
    }
}

/// Appends `ring[start..end]`, positions that count on past the ring's end.
fn unroll(ring: &[u8], start: u64, end: u64, into: &mut Vec<u8>) {
    let wanted = end.saturating_sub(start).min(ring.len() as u64) as usize;
    let from = (start % ring.len() as u64) as usize;
    let first = wanted.min(ring.len() - from);
    into.extend_from_slice(&ring[from..from + first]);
    into.extend_from_slice(&ring[..wanted - first]);
}

fn page_bytes() -> usize {
    // SAFETY: a plain question.
    usize::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).unwrap_or(4096)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_that_run_over_the_end_of_the_ring_come_out_whole() {
        // Two records of 12 bytes in a ring of 16: the second begins at 12 and goes on at 0.
        let record = |mark: u8| {
            let mut bytes = vec![9, 0, 0, 0, 0, 0, 12, 0];
            bytes.extend([mark; 4]);
            bytes
        };
        let both = [record(1), record(2)].concat();
        let mut ring = vec![0; 16];
        let mut out = Vec::new();
        for (at, half) in [(0, &both[..12]), (12, &both[12..])] {
            for (place, byte) in half.iter().enumerate() {
                ring[(at + place) % 16] = *byte;
            }
            unroll(&ring, at as u64, at as u64 + 12, &mut out);
        }
        assert_eq!(out, both);
        let (first, rest) = split_record(&out).expect("whole");
        assert_eq!((first, split_record(rest)), (&both[..12], Some((&both[12..], &[][..]))));
    }

    #[test]
    fn half_a_record_and_a_length_of_nothing_end_the_reading() {
        assert_eq!(split_record(&[9, 0, 0, 0, 0, 0, 12, 0, 1]), None);
        assert_eq!(split_record(&[9, 0, 0, 0, 0, 0, 0, 0]), None);
        assert_eq!(split_record(&[9, 0]), None);
    }

    #[test]
    fn lists_of_cpus_are_read() {
        assert_eq!(listed("0-2,5\n"), [0, 1, 2, 5]);
        assert_eq!(listed("0"), [0]);
        assert!(listed("").is_empty());
    }
}
