//! A live WASM agent.
//!
//! Every address and length that comes from the guest is checked against its memory before it is
//! followed; one that points outside costs this case and nothing else.

use super::engine::{EngineOptions, one_line};
use super::heap::HeapLog;
use super::limits::{Growths, Limiter, MemoryUse};
use super::watch::Lease;
use crate::subject::{AgentInstance, Attempt, HostCounts, REPLY_BYTES_MAX, Step, status_outcome};
use agent_abi::{ABI_VERSION, CHANNEL_MAGIC, Channel, Status};
use caxton_results::case::Outcome;
use caxton_results::units::Bytes;
use std::hint::black_box;
use std::ops::Range;
use std::sync::Arc;
use wasmtime::{
    AsContext, Instance, InstancePre, Memory, Store, TypedFunc, WasmParams, WasmResults,
};
use wasmtime_wasi::p2::pipe::MemoryOutputPipe;
use wasmtime_wasi::{WasiCtxBuilder, p1::WasiP1Ctx};

/// What a guest may print in its life; a further print fails.
const STDERR_BYTES_MAX: usize = 1 << 20;

/// What is told of it: enough for a panic message.
const LAST_WORDS_BYTES: usize = 4096;

/// What a store carries for its guest.
pub(super) struct HostState {
    wasi: WasiP1Ctx,
    limiter: Limiter,
    counts: HostCounts,
    wasi_calls: u64,
    memory: Option<Memory>,
    stderr: MemoryOutputPipe,
    /// None where nobody watches the guest's heap.
    pub(super) heap: Option<Box<HeapLog>>,
}

impl HostState {
    fn new(limit: Option<Bytes>) -> Self {
        let stderr = MemoryOutputPipe::new(STDERR_BYTES_MAX);
        let wasi = WasiCtxBuilder::new().stderr(stderr.clone()).build_p1();
        let (limiter, counts) = (Limiter::new(limit), HostCounts::default());
        Self { wasi, limiter, counts, wasi_calls: 0, memory: None, stderr, heap: None }
    }

    /// Asked for once by each WASI function, and by nobody else.
    pub(super) fn wasi(&mut self) -> &mut WasiP1Ctx {
        self.wasi_calls += 1;
        &mut self.wasi
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

/// A live WASM agent.
pub struct WasmAgent {
    pub(super) store: Store<HostState>,
    pub(super) instance: Instance,
    memory: Memory,
    handle: TypedFunc<(u32, u32), i32>,
    reserve: TypedFunc<(u32, u32, u32), i32>,
    example: TypedFunc<(u32, u64), i32>,
    channel: u32,
    inbox: Range<usize>,
    reply: Range<usize>,
    /// Where replies are copied to, in [`Step::CopyOut`] alone.
    out: Vec<u8>,
    /// After the store, which holds the module too.
    _lease: Option<Arc<Lease>>,
}

impl WasmAgent {
    pub(super) fn new(
        pre: &InstancePre<HostState>,
        limit: Option<Bytes>,
        (options, growths): (EngineOptions, bool),
        lease: Option<Arc<Lease>>,
    ) -> Attempt<Self> {
        let mut store = Store::new(pre.module().engine(), HostState::new(limit));
        store.data_mut().limiter.growths = growths.then(Growths::default);
        store.limiter(|state| &mut state.limiter);
        if options.fuel {
            store.set_fuel(u64::MAX).map_err(|e| Outcome::Failed(e.to_string()))?;
        }
        if options.epochs {
            // Nobody counts epochs up: the check is paid, the deadline never reached.
            store.set_epoch_deadline(u64::MAX / 2);
        }
        let instance = match pre.instantiate(&mut store) {
            Ok(instance) => instance,
            // A trap is the guest's start function; anything else is the host that said no.
            Err(error) if error.is::<wasmtime::Trap>() => {
                return Err(Outcome::DiedBeforeWork(died(&store, "start", &error)));
            }
            Err(error) => return Err(Outcome::Refused(refusal(&store, limit, &error))),
        };
        let memory = instance
            .get_memory(&mut store, "memory")
            .ok_or_else(|| Outcome::Refused("it exports no memory".to_owned()))?;
        store.data_mut().memory = Some(memory);
        let channel = Self::start(&mut store, &instance)?;
        let handle = export(&mut store, &instance, "agent_handle")?;
        let reserve = export(&mut store, &instance, "agent_reserve")?;
        let example = export(&mut store, &instance, "agent_example")?;
        let (inbox, reply, out) = (0..0, 0..0, Vec::new());
        let agent = Self {
            store,
            instance,
            memory,
            handle,
            reserve,
            example,
            channel,
            inbox,
            reply,
            out,
            _lease: lease,
        };
        let seen = agent.channel().map_err(before_work)?;
        if seen.magic != CHANNEL_MAGIC || seen.version != ABI_VERSION {
            let why = format!("agent_new returned {channel:#x}, where no channel lies");
            return Err(Outcome::DiedBeforeWork(why));
        }
        Ok(agent)
    }

    /// Runs the constructors and makes the agent; the address of its channel.
    fn start(store: &mut Store<HostState>, instance: &Instance) -> Attempt<u32> {
        if let Ok(initialize) = instance.get_typed_func::<(), ()>(&mut *store, "_initialize") {
            let run = initialize.call(&mut *store, ());
            run.map_err(|e| Outcome::DiedBeforeWork(died(store, "_initialize", &e)))?;
        }
        let version: TypedFunc<(), u32> = export(store, instance, "agent_abi_version")?;
        let version = version
            .call(&mut *store, ())
            .map_err(|e| Outcome::DiedBeforeWork(died(store, "agent_abi_version", &e)))?;
        if version != ABI_VERSION {
            let why = format!("agent contract {version}, this harness speaks {ABI_VERSION}");
            return Err(Outcome::Refused(why));
        }
        let new: TypedFunc<u32, u32> = export(store, instance, "agent_new")?;
        new.call(&mut *store, 0).map_err(|e| Outcome::DiedBeforeWork(died(store, "agent_new", &e)))
    }

    /// Fuel used so far; 0 without metering.
    pub fn fuel_used(&self) -> u64 {
        self.store.get_fuel().map_or(0, |left| u64::MAX - left)
    }

    /// What became of the guest's wishes for memory.
    pub fn memory_use(&self) -> MemoryUse {
        self.store.data().limiter.seen
    }

    /// WASI functions called so far.
    pub fn wasi_calls(&self) -> u64 {
        self.store.data().wasi_calls
    }

    /// The inbox as the agent left it.
    pub fn inbox(&self) -> &[u8] {
        &self.memory.data(&self.store)[self.inbox.clone()]
    }

    /// The growths of its memory since it was made or last asked; none where they are not noted.
    pub fn take_growths(&mut self) -> Option<Growths> {
        let size = Bytes(self.memory.data_size(&self.store) as u64);
        let mut growths = self.store.data_mut().limiter.growths.as_mut().map(std::mem::take)?;
        growths.forget_beyond(size);
        Some(growths)
    }

    /// The host's addresses of its linear memory.
    pub fn memory_range(&self) -> Range<usize> {
        let start = self.memory.data_ptr(&self.store) as usize;
        start..start + self.memory.data_size(&self.store)
    }

    fn channel(&self) -> Attempt<Channel> {
        let bytes = self.copy("channel", u64::from(self.channel))?;
        Ok(Channel::from_bytes(&bytes))
    }

    /// A copy of `N` bytes of the guest's memory.
    pub(super) fn copy<const N: usize>(&self, what: &str, at: u64) -> Attempt<[u8; N]> {
        let range = self.range(what, at, N as u64)?;
        let bytes = self.memory.data(&self.store)[range].first_chunk();
        Ok(*bytes.expect("the range is as long"))
    }

    /// A range that lies in the guest's memory, or what the guest lied about.
    #[inline]
    fn range(&self, what: &str, at: u64, bytes: u64) -> Attempt<Range<usize>> {
        let size = self.memory.data_size(&self.store) as u64;
        match at.checked_add(bytes) {
            Some(end) if end <= size => Ok(at as usize..end as usize),
            _ => Err(Outcome::DiedInTheMiddle(format!(
                "wild pointer: {what} of {bytes} bytes at {at:#x}, outside its memory of {size}"
            ))),
        }
    }

    #[inline]
    fn read_reply(&mut self) -> Attempt<()> {
        let at = self.channel as usize + Channel::REPLY_OFFSET;
        let field = |at: usize| -> Option<u64> {
            let bytes = self.memory.data(&self.store).get(at..)?.first_chunk()?;
            Some(u64::from_le_bytes(*bytes))
        };
        let (Some(start), Some(bytes)) = (field(at), field(at + 8)) else {
            return Err(Outcome::DiedInTheMiddle("wild pointer: channel".to_owned()));
        };
        if bytes > REPLY_BYTES_MAX as u64 {
            let why = format!("reply of {bytes} bytes, over the limit of {REPLY_BYTES_MAX}");
            return Err(Outcome::DiedInTheMiddle(why));
        }
        self.reply = self.range("reply", start, bytes)?;
        Ok(())
    }

    // Inlined by force, here and below: the timed call must not depend on who else uses its steps.
    #[inline(always)]
    fn copy_in(&mut self, message: &[u8]) -> Attempt<()> {
        let inbox = self.inbox.clone();
        // The inbox was checked when it was reserved, and linear memory never shrinks.
        let Some(inbox) = self.memory.data_mut(&mut self.store)[inbox].get_mut(..message.len())
        else {
            return Err(status_outcome(Status::NoRoom as i32, &[]));
        };
        inbox.copy_from_slice(message);
        Ok(())
    }

    #[inline(always)]
    fn handle_inbox(&mut self, bytes: usize) -> Attempt<()> {
        let params = (self.channel, bytes as u32);
        match self.handle.call(&mut self.store, params) {
            Ok(raw) if raw == Status::Done as i32 => self.read_reply(),
            Ok(raw) => Err(self.status(raw)),
            Err(e) => Err(Outcome::DiedInTheMiddle(died(&self.store, "agent_handle", &e))),
        }
    }

    /// Copies the last reply to the start of a cache line of the host's, `iterations` times.
    fn copy_out(&mut self, iterations: u64) {
        const LINE_BYTES: usize = 64;
        let bytes = self.reply.len();
        if self.out.len() < bytes + LINE_BYTES {
            self.out.resize(bytes + LINE_BYTES, 0);
        }
        let start = self.out.as_ptr().align_offset(LINE_BYTES).min(LINE_BYTES);
        let to = &mut self.out[start..start + bytes];
        for _ in 0..iterations {
            to.copy_from_slice(&self.memory.data(black_box(&self.store))[self.reply.clone()]);
            black_box(&mut *to);
        }
    }

    fn call_for_status<P: WasmParams>(
        &mut self,
        name: &str,
        function: &TypedFunc<P, i32>,
        params: P,
    ) -> Attempt<i32> {
        let called = function.call(&mut self.store, params);
        called.map_err(|e| Outcome::DiedInTheMiddle(died(&self.store, name, &e)))
    }

    #[cold]
    fn status(&mut self, raw: i32) -> Outcome {
        if self.read_reply().is_err() {
            self.reply = 0..0;
        }
        status_outcome(raw, self.reply())
    }
}

impl AgentInstance for WasmAgent {
    fn reserve(&mut self, bytes: usize, page_offset: usize) -> Attempt<()> {
        let reserve = self.reserve.clone();
        let wanted = u32::try_from(bytes)
            .map_err(|_| Outcome::Refused(format!("a message of {bytes} bytes: over 4 GiB")))?;
        let params = (self.channel, wanted, page_offset as u32);
        let raw = self.call_for_status("agent_reserve", &reserve, params)?;
        if raw != Status::Done as i32 {
            return Err(self.status(raw));
        }
        let channel = self.channel()?;
        self.inbox = self.range("inbox", channel.inbox, channel.inbox_bytes)?;
        if self.inbox.len() < bytes {
            return Err(Outcome::DiedInTheMiddle(format!(
                "inbox of {} bytes after {bytes} were asked for",
                self.inbox.len()
            )));
        }
        Ok(())
    }

    #[inline]
    fn call(&mut self, message: &[u8]) -> Attempt<()> {
        self.copy_in(message)?;
        self.handle_inbox(message.len())
    }

    fn batch_of(&mut self, step: Step, message: &[u8], iterations: u64) -> Attempt<()> {
        match step {
            Step::Whole => return self.batch(message, iterations),
            Step::InPlace => {
                for _ in 0..iterations {
                    self.handle_inbox(message.len())?;
                }
            }
            Step::CopyIn => {
                for _ in 0..iterations {
                    // As if the agent had been called: what was copied counts as read.
                    black_box(&mut *self).copy_in(black_box(message))?;
                }
            }
            Step::CopyOut => self.copy_out(iterations),
        }
        Ok(())
    }

    fn reply(&self) -> &[u8] {
        &self.memory.data(&self.store)[self.reply.clone()]
    }

    fn example(&mut self, seed: u64) -> Attempt<Vec<u8>> {
        let example = self.example.clone();
        let raw = self.call_for_status("agent_example", &example, (self.channel, seed))?;
        if raw != Status::Done as i32 {
            return Err(self.status(raw));
        }
        self.read_reply()?;
        Ok(self.reply().to_vec())
    }

    fn host_counts(&self) -> HostCounts {
        self.store.data().counts
    }

    fn linear_memory(&self) -> Option<Bytes> {
        Some(Bytes(self.memory.data_size(&self.store) as u64))
    }
}

pub(super) fn export<P: WasmParams, R: WasmResults>(
    store: &mut Store<HostState>,
    instance: &Instance,
    name: &str,
) -> Attempt<TypedFunc<P, R>> {
    instance.get_typed_func(&mut *store, name).map_err(|error| {
        Outcome::Refused(format!(
            "it keeps no agent contract: {name}: {}",
            one_line(&error.to_string())
        ))
    })
}

/// A wild channel is found while the agent is being made.
fn before_work(outcome: Outcome) -> Outcome {
    match outcome {
        Outcome::DiedInTheMiddle(why) => Outcome::DiedBeforeWork(why),
        other => other,
    }
}

/// Why the host turned the module down.
fn refusal(store: &Store<HostState>, limit: Option<Bytes>, error: &wasmtime::Error) -> String {
    let seen = store.data().limiter.seen;
    match limit {
        Some(limit) if seen.denied > 0 => {
            format!("its minimum memory of {} exceeds the limit of {limit}", seen.last_denied)
        }
        _ => one_line(&format!("{error:#}")),
    }
}

/// How a guest died: the trap, the denied growth behind it, and its own last words.
pub(super) fn died(store: &Store<HostState>, call: &str, error: &wasmtime::Error) -> String {
    let trap = error.downcast_ref::<wasmtime::Trap>().map(ToString::to_string);
    let mut text = match trap {
        Some(trap) => {
            format!("trap in {call}: {}", trap.strip_prefix("wasm trap: ").unwrap_or(&trap))
        }
        None => format!("{call}: {}", one_line(&error.root_cause().to_string())),
    };
    let seen = store.data().limiter.seen;
    if seen.denied > 0 {
        text.push_str(&format!("; after growth to {} was denied", seen.last_denied));
    }
    let words = store.data().stderr.contents();
    let last = &words[words.len().saturating_sub(LAST_WORDS_BYTES)..];
    let words = one_line(&String::from_utf8_lossy(last));
    if !words.is_empty() {
        text.push_str(&format!("; it said: {words}"));
    }
    text
}
