//! The way from an agent back to its host: send, log, clock.
//!
//! In a guest these are imports; in a native twin they go through the [`HostTable`] that the host
//! handed over, so that both sides pay one indirect call.
#![allow(unsafe_code, reason = "foreign calls: the contract's edge")]

use std::ffi::c_void;
use std::fmt;
use std::marker::PhantomData;

/// The host functions of a native twin. `context` is passed back on each call.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct HostTable {
    /// Opaque to the agent.
    pub context: *mut c_void,
    /// Sends `bytes` at `message` to agent `to`; 0 when it was accepted.
    pub send: unsafe extern "C" fn(*mut c_void, u64, *const u8, usize) -> i32,
    /// Logs `bytes` of UTF-8 text at `level` (0 error … 3 debug).
    pub log: unsafe extern "C" fn(*mut c_void, u32, *const u8, usize),
    /// Nanoseconds of a monotonic clock.
    pub clock_ns: unsafe extern "C" fn(*mut c_void) -> u64,
}

/// The host refused a message: unknown receiver or full mailbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SendError;

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the host refused the message")
    }
}

impl std::error::Error for SendError {}

/// An agent's handle on its host.
#[derive(Debug, Clone, Copy)]
pub struct Host {
    /// Null in a guest and in a detached agent.
    #[cfg_attr(target_family = "wasm", allow(dead_code, reason = "a guest has imports"))]
    table: *const HostTable,
    /// Agents are single-threaded: a host handle does not cross threads.
    not_send: PhantomData<*mut ()>,
}

impl Host {
    /// A host that refuses every message, logs nothing and whose clock stands: for unit tests.
    pub const fn detached() -> Self {
        Self { table: std::ptr::null(), not_send: PhantomData }
    }

    /// # Safety
    /// `table` is null or valid for as long as the handle and its copies are used.
    pub(crate) const unsafe fn from_table(table: *const HostTable) -> Self {
        Self { table, not_send: PhantomData }
    }

    /// Sends a message to another agent.
    ///
    /// # Errors
    /// [`SendError`] when the host does not take it.
    #[inline]
    pub fn send(&self, to: u64, message: &[u8]) -> Result<(), SendError> {
        let taken = self.raw_send(to, message.as_ptr(), message.len());
        if taken == 0 { Ok(()) } else { Err(SendError) }
    }

    /// Logs a line; `level` 0 is an error, 3 is for debugging.
    #[inline]
    pub fn log(&self, level: u32, text: &str) {
        self.raw_log(level, text.as_ptr(), text.len());
    }

    /// The host's monotonic clock in nanoseconds.
    #[inline]
    pub fn clock_ns(&self) -> u64 {
        self.raw_clock_ns()
    }
}

#[cfg(target_family = "wasm")]
mod import {
    #[link(wasm_import_module = "caxton")]
    unsafe extern "C" {
        pub(super) safe fn send(to: u64, message: *const u8, bytes: usize) -> i32;
        pub(super) safe fn log(level: u32, text: *const u8, bytes: usize);
        pub(super) safe fn clock_ns() -> u64;
    }
}

#[cfg(target_family = "wasm")]
impl Host {
    fn raw_send(&self, to: u64, message: *const u8, bytes: usize) -> i32 {
        import::send(to, message, bytes)
    }

    fn raw_log(&self, level: u32, text: *const u8, bytes: usize) {
        import::log(level, text, bytes);
    }

    fn raw_clock_ns(&self) -> u64 {
        import::clock_ns()
    }
}

#[cfg(not(target_family = "wasm"))]
impl Host {
    fn table(&self) -> Option<&HostTable> {
        // SAFETY: `from_table`'s contract.
        unsafe { self.table.as_ref() }
    }

    fn raw_send(&self, to: u64, message: *const u8, bytes: usize) -> i32 {
        // SAFETY: the table's functions take the table's context; `message` is a live slice.
        self.table().map_or(1, |t| unsafe { (t.send)(t.context, to, message, bytes) })
    }

    fn raw_log(&self, level: u32, text: *const u8, bytes: usize) {
        if let Some(t) = self.table() {
            // SAFETY: as in `raw_send`.
            unsafe { (t.log)(t.context, level, text, bytes) }
        }
    }

    fn raw_clock_ns(&self) -> u64 {
        // SAFETY: as in `raw_send`.
        self.table().map_or(0, |t| unsafe { (t.clock_ns)(t.context) })
    }
}
