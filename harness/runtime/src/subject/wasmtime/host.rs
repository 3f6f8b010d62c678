//! What the host keeps for one guest, in its store.

use super::heap::HeapLog;
use super::limits::Limiter;
use super::marks::Marks;
use super::output::GuestStream;
use crate::subject::crossings::Crossings;
use crate::subject::{Attempt, HostCounts, REPLY_BYTES_MAX};
use caxton_model::case::Outcome;
use caxton_model::program::{Entry, Preopen, ProgramSpec};
use caxton_model::units::Bytes;
use std::any::Any;
use wasmtime::{AsContext, Memory};
use wasmtime_wasi::p1::WasiP1Ctx;
use wasmtime_wasi::p2::pipe::MemoryInputPipe;
use wasmtime_wasi::{FsPerms, WasiCtxBuilder};

/// What a program is called in its own arguments: the same whatever its file is called, so that two
/// files of the same program do the same.
const PROGRAM_NAME: &str = "main.wasm";

/// What the system is to a guest.
pub(super) struct System {
    wasi: WasiP1Ctx,
    pub(super) stderr: GuestStream,
    /// None where nobody reads it.
    pub(super) stdout: Option<GuestStream>,
    /// None where nobody watches them.
    pub(super) crossings: Option<Crossings>,
}

impl System {
    fn new() -> Box<Self> {
        let stderr = GuestStream::last_words();
        let wasi = WasiCtxBuilder::new().stderr(stderr.clone()).build_p1();
        Box::new(Self { wasi, stderr, stdout: None, crossings: None })
    }

    /// The system of a program that finds `stdin` on its standard input.
    pub(super) fn of(program: &ProgramSpec, stdin: &[u8]) -> Attempt<Box<Self>> {
        let stderr = GuestStream::last_words();
        // A function answers with values: what it prints is nobody's.
        let stdout = match program.entry {
            Entry::Command => GuestStream::whole(REPLY_BYTES_MAX),
            Entry::Function { .. } | Entry::Bytes { .. } => GuestStream::last_words(),
        };
        let mut builder = WasiCtxBuilder::new();
        builder
            .stdin(MemoryInputPipe::new(stdin.to_vec()))
            .stdout(stdout.clone())
            .stderr(stderr.clone())
            // There is nobody else on this thread: a file is read without a hop to another.
            .allow_blocking_current_thread(true)
            .arg(PROGRAM_NAME)
            .args(&program.args);
        for (name, value) in &program.env {
            builder.env(name, value);
        }
        for Preopen { host, guest, writable } in &program.dirs {
            let perms = if *writable { FsPerms::ReadWrite } else { FsPerms::ReadOnly };
            builder
                .preopened_dir(host, guest, perms)
                .map_err(|e| Outcome::Refused(format!("folder {}: {e:#}", host.display())))?;
        }
        let (wasi, stdout) = (builder.build_p1(), Some(stdout));
        Ok(Box::new(Self { wasi, stderr, stdout, crossings: None }))
    }
}

/// What a store carries for its guest.
pub struct HostState {
    /// Made when the guest first calls it: most never do, and there may be 100,000 of them.
    pub(super) system: Option<Box<System>>,
    pub(super) limiter: Limiter,
    pub(super) counts: HostCounts,
    pub(super) wasi_calls: u64,
    pub(super) memory: Option<Memory>,
    /// None where nobody watches the guest's heap.
    pub(super) heap: Option<Box<HeapLog>>,
    /// None for a module that marks no section.
    pub(super) marks: Option<Box<Marks>>,
    /// The embedder's.
    pub(super) data: Option<Box<dyn Any + Send>>,
}

impl HostState {
    pub(super) fn new(limit: Option<Bytes>) -> Self {
        let (limiter, counts) = (Limiter::new(limit), HostCounts::default());
        Self {
            system: None,
            limiter,
            counts,
            wasi_calls: 0,
            memory: None,
            heap: None,
            marks: None,
            data: None,
        }
    }

    /// What the embedder's functions keep for this guest.
    ///
    /// # Panics
    /// The bench gave no data, or data of another type.
    pub fn data_mut<T: 'static>(&mut self) -> &mut T {
        let data = self.data.as_mut().and_then(|data| data.downcast_mut());
        data.expect("the bench gives each guest data of the type that its functions ask for")
    }

    /// Asked for once by each WASI function, and by nobody else.
    pub(super) fn wasi(&mut self) -> &mut WasiP1Ctx {
        self.wasi_calls += 1;
        &mut self.system.get_or_insert_with(System::new).wasi
    }

    /// Bytes that the guest wrote to standard error so far.
    pub(super) fn stderr_bytes(&self) -> u64 {
        self.system.as_ref().map_or(0, |system| system.stderr.bytes())
    }

    pub(super) fn counts_mut(&mut self) -> &mut HostCounts {
        &mut self.counts
    }

    /// Refuses a buffer that does not lie in the guest's memory.
    pub(super) fn check(
        &self,
        store: &impl AsContext,
        call: &str,
        at: u32,
        bytes: u32,
    ) -> wasmtime::Result<()> {
        let size = self.memory.map_or(0, |memory| memory.data_size(store));
        let end = u64::from(at) + u64::from(bytes);
        if end <= size as u64 {
            return Ok(());
        }
        Err(wasmtime::Error::msg(format!(
            "{call} of {bytes} bytes at {at:#x}, outside its memory of {size} bytes"
        )))
    }
}
