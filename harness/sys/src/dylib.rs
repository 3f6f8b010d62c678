//! Native twins: shared libraries that keep the agent contract, called through its function
//! pointers and never inlined into the harness.
//!
//! A twin is our own build of trusted source in a worker process: its addresses are followed. A
//! twin that breaks the contract costs the worker, which is one launch of one case.

use agent_abi::heap::HeapCounts;
use agent_abi::{ABI_VERSION, CHANNEL_MAGIC, Channel, HostTable};
use libloading::{Library, Symbol};
use std::ffi::c_void;
use std::path::Path;
use std::slice;
use std::sync::Arc;

/// What a native agent told its host, as the WASM side counts it too.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct HostCounts {
    pub sent: u64,
    pub sent_bytes: u64,
    pub logged: u64,
}

/// The six functions of the contract.
#[derive(Debug, Clone, Copy)]
struct AgentFunctions {
    new: unsafe extern "C" fn(*const HostTable) -> *mut Channel,
    reserve: unsafe extern "C" fn(*mut Channel, usize, usize) -> i32,
    handle: unsafe extern "C" fn(*mut Channel, usize) -> i32,
    example: unsafe extern "C" fn(*mut Channel, u64) -> i32,
    drop: unsafe extern "C" fn(*mut Channel),
}

/// What a twin has beside the contract if it counts its allocations.
#[derive(Debug, Clone, Copy)]
struct HeapFunctions {
    start: unsafe extern "C" fn(u32, u64),
    counts: unsafe extern "C" fn() -> *const HeapCounts,
}

/// What a twin has beside the contract if it takes mail.
#[derive(Debug, Clone, Copy)]
struct MailFunctions {
    open: unsafe extern "C" fn(*mut Channel, usize, usize) -> i32,
    drain: unsafe extern "C" fn(*mut Channel, usize, usize) -> i32,
}

#[derive(Debug)]
pub struct NativeLibrary {
    functions: AgentFunctions,
    mail: Option<MailFunctions>,
    heap: Option<HeapFunctions>,
    /// Kept open as long as its functions are called.
    _library: Library,
}

impl NativeLibrary {
    /// Loads the shared library at `path`.
    ///
    /// # Errors
    /// What is wrong with it: not loadable, a function missing, another contract version.
    pub fn open(path: &Path) -> Result<Arc<Self>, String> {
        // SAFETY: a twin's constructors are those of the Rust runtime.
        let library = unsafe { Library::new(path) }.map_err(|e| reason(&e))?;
        // SAFETY: the contract fixes the types of these functions; the version is asked first.
        let functions = unsafe {
            let version: Symbol<'_, unsafe extern "C" fn() -> u32> =
                library.get("agent_abi_version").map_err(|e| reason(&e))?;
            let version = version();
            if version != ABI_VERSION {
                return Err(format!("agent contract {version}, this harness speaks {ABI_VERSION}"));
            }
            AgentFunctions {
                new: symbol(&library, "agent_new")?,
                reserve: symbol(&library, "agent_reserve")?,
                handle: symbol(&library, "agent_handle")?,
                example: symbol(&library, "agent_example")?,
                drop: symbol(&library, "agent_drop")?,
            }
        };
        // SAFETY: a twin that has these functions has them with these types.
        let heap = unsafe {
            symbol(&library, "agent_heap_start").and_then(|start| {
                let counts = symbol(&library, "agent_heap_counts")?;
                Ok(HeapFunctions { start, counts })
            })
        };
        // SAFETY: as before.
        let mail = unsafe {
            symbol(&library, "agent_mail_open").and_then(|open| {
                let drain = symbol(&library, "agent_mail_drain")?;
                Ok(MailFunctions { open, drain })
            })
        };
        let (heap, mail) = (heap.ok(), mail.ok());
        Ok(Arc::new(Self { functions, mail, heap, _library: library }))
    }

    /// Has the twin count its allocations, those of all its agents, from 0 on. False if it has no
    /// such allocator.
    pub fn start_heap(&self) -> bool {
        let Some(heap) = &self.heap else { return false };
        // SAFETY: a function of a library that is loaded; it takes any numbers.
        unsafe { (heap.start)(0, 0) };
        true
    }

    /// What the twin counted; none if it does not count.
    pub fn heap_counts(&self) -> Option<HeapCounts> {
        let heap = self.heap.as_ref()?;
        // SAFETY: the address of a static of the library, which only the twin's own calls change:
        // none of them runs now.
        Some(unsafe { (heap.counts)().read() })
    }
}

/// # Safety
/// `T` is the type of the function called `name`.
unsafe fn symbol<T: Copy>(library: &Library, name: &str) -> Result<T, String> {
    // SAFETY: passed on from the caller.
    let symbol = unsafe { library.get::<T>(name) };
    symbol.map(|s| *s).map_err(|error| reason(&error))
}

/// An error with its sources: the loader's own words are only there.
fn reason(error: &libloading::Error) -> String {
    let first: &dyn std::error::Error = error;
    let chain = std::iter::successors(Some(first), |error| error.source());
    chain.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

#[derive(Debug)]
pub struct NativeCell {
    library: Arc<NativeLibrary>,
    channel: *mut Channel,
    /// Boxed: the agent keeps their addresses.
    _table: Box<HostTable>,
    counts: *mut HostCounts,
}

impl NativeCell {
    /// A fresh agent of `library`.
    ///
    /// # Errors
    /// The agent could not be had, or its channel is not one.
    pub fn new(library: &Arc<NativeLibrary>) -> Result<Self, String> {
        let counts = Box::into_raw(Box::<HostCounts>::default());
        let table = Box::new(HostTable { context: counts.cast(), send, log, clock_ns });
        // SAFETY: the table outlives the agent: both end in `drop`, the agent first.
        let channel = unsafe { (library.functions.new)(&raw const *table) };
        let cell = Self { library: Arc::clone(library), channel, _table: table, counts };
        if channel.is_null() {
            return Err("agent_new returned no agent".to_owned());
        }
        let seen = cell.channel();
        if seen.magic != CHANNEL_MAGIC || seen.version != ABI_VERSION {
            return Err("agent_new returned something that is no channel".to_owned());
        }
        Ok(cell)
    }

    fn channel(&self) -> Channel {
        // SAFETY: not null, and the agent's own address for as long as it lives.
        unsafe { *self.channel }
    }

    /// The agent's answer to `agent_reserve`.
    pub fn reserve(&mut self, bytes: usize, page_offset: usize) -> i32 {
        // SAFETY: the channel of a live agent.
        unsafe { (self.library.functions.reserve)(self.channel, bytes, page_offset) }
    }

    pub fn inbox_bytes(&self) -> usize {
        self.channel().inbox_bytes as usize
    }

    /// Copies `message` to the inbox and has it handled; the agent's status.
    #[inline]
    pub fn handle(&mut self, message: &[u8]) -> i32 {
        // SAFETY: the channel of a live agent, whose inbox holds `inbox_bytes`; the message is cut
        // to it, so that nothing is written beyond.
        unsafe {
            let inbox = (*self.channel).inbox as *mut u8;
            let bytes = message.len().min((*self.channel).inbox_bytes as usize);
            inbox.copy_from_nonoverlapping(message.as_ptr(), bytes);
            (self.library.functions.handle)(self.channel, message.len())
        }
    }

    /// The agent's answer to `agent_example`.
    pub fn example(&mut self, seed: u64) -> i32 {
        // SAFETY: the channel of a live agent.
        unsafe { (self.library.functions.example)(self.channel, seed) }
    }

    /// The last reply, where it lies.
    pub fn reply(&self) -> &[u8] {
        let channel = self.channel();
        if channel.reply == 0 || channel.reply_bytes == 0 {
            return &[];
        }
        // SAFETY: the contract: the reply is valid until the next call, which needs `&mut self`.
        unsafe { slice::from_raw_parts(channel.reply as *const u8, channel.reply_bytes as usize) }
    }

    /// What the agent told its host so far.
    pub fn counts(&self) -> HostCounts {
        // SAFETY: boxed in `new`, freed in `drop`; only calls into the agent write to it.
        unsafe { *self.counts }
    }
}

/// A live native agent with a mailbox.
#[derive(Debug)]
pub struct NativeMailCell {
    cell: NativeCell,
    functions: MailFunctions,
    mailbox: *mut u8,
    bytes: usize,
}

// SAFETY: an agent has no tie to the thread that made it: its memory is the process' heap, and it
// is called through `&mut self` alone, by one thread at a time.
unsafe impl Send for NativeMailCell {}

impl NativeMailCell {
    /// A fresh agent of `library` with a mailbox.
    ///
    /// # Errors
    /// It takes no mail, or there is no room for a mailbox.
    pub fn new(
        library: &Arc<NativeLibrary>,
        slots: usize,
        slot_bytes: usize,
    ) -> Result<Self, String> {
        let functions = library.mail.ok_or("it takes no mail: no agent_mail_open")?;
        let cell = NativeCell::new(library)?;
        // SAFETY: the channel of a live agent.
        let status = unsafe { (functions.open)(cell.channel, slots, slot_bytes) };
        let bytes = cell.inbox_bytes();
        if status != 0 || bytes != slots * slot_bytes {
            return Err(format!("no room for a mailbox of {slots} x {slot_bytes} bytes"));
        }
        let mailbox = cell.channel().inbox as *mut u8;
        // SAFETY: as long as the agent says; zeroed here, so that reading a slot is reading
        // something.
        unsafe { mailbox.write_bytes(0, bytes) };
        Ok(Self { cell, functions, mailbox, bytes })
    }

    #[inline]
    pub fn mailbox(&self) -> &[u8] {
        // SAFETY: made by `agent_mail_open`, as long, zeroed, and the agent's until it is dropped.
        unsafe { slice::from_raw_parts(self.mailbox, self.bytes) }
    }

    /// All slots, to write to.
    #[inline]
    pub fn mailbox_mut(&mut self) -> &mut [u8] {
        // SAFETY: as in `mailbox`; the agent looks at it only during calls, which need `&mut self`.
        unsafe { slice::from_raw_parts_mut(self.mailbox, self.bytes) }
    }

    /// The agent's answer to `agent_mail_drain`.
    #[inline]
    pub fn drain(&mut self, first: usize, count: usize) -> i32 {
        // SAFETY: the channel of a live agent whose slots are all written to.
        unsafe { (self.functions.drain)(self.cell.channel, first, count) }
    }

    pub fn cell(&self) -> &NativeCell {
        &self.cell
    }
}

impl Drop for NativeCell {
    fn drop(&mut self) {
        // SAFETY: the channel, if there is one, was made by the same library and is dropped once;
        // `counts` was made by `Box::into_raw` and nothing uses it after the agent.
        unsafe {
            if !self.channel.is_null() {
                (self.library.functions.drop)(self.channel);
            }
            drop(Box::from_raw(self.counts));
        }
    }
}

unsafe extern "C" fn send(
    context: *mut c_void,
    _to: u64,
    _message: *const u8,
    bytes: usize,
) -> i32 {
    // SAFETY: the context is the table's, made in `NativeCell::new`.
    let counts = unsafe { &mut *context.cast::<HostCounts>() };
    counts.sent += 1;
    counts.sent_bytes += bytes as u64;
    0
}

unsafe extern "C" fn log(context: *mut c_void, _level: u32, _text: *const u8, _bytes: usize) {
    // SAFETY: as in `send`.
    unsafe { (*context.cast::<HostCounts>()).logged += 1 };
}

unsafe extern "C" fn clock_ns(_: *mut c_void) -> u64 {
    use super::clock::{Clock, Monotonic};
    Monotonic.now().0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_twin_that_does_not_load_is_told_in_the_loaders_own_words() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("twin.so");
        std::fs::write(&path, "no library").expect("writable");
        let why = NativeLibrary::open(&path).expect_err("text");
        let words = why.strip_prefix("dlopen failed: ").expect("what failed");
        assert!(words.contains("twin.so: "), "{words}");
    }
}
