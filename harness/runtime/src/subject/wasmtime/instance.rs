//! An agent in its store, whoever drives it: `agent.rs` blocking, `async_agent.rs` as futures.
//! They call; here is what stands before each call and what is made of its result.
//!
//! Every address and length that comes from the guest is checked against its memory before it is
//! followed; one that points outside costs this case and nothing else.

use super::checkpoint::Savable;
use super::embedder;
use super::host::HostState;
use super::limits::{Growths, MemoryUse};
use super::watch::Lease;
use crate::subject::words::{last_words, one_line};
use crate::subject::{Attempt, HostCounts, REPLY_BYTES_MAX, status_outcome};
use agent_abi::{ABI_VERSION, CHANNEL_MAGIC, Channel, Status};
use caxton_model::case::Outcome;
use caxton_model::units::Bytes;
use std::ops::Range;
use std::sync::Arc;
use wasmtime::{
    Engine, Instance, Memory, Store, TypedFunc, WasmBacktrace, WasmParams, WasmResults,
};

/// What an agent is made under.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Terms {
    /// The most memory it may have.
    pub(super) limit: Option<Bytes>,
    /// Whether growths of its memory are noted.
    pub(super) growths: bool,
}

/// A fresh store for a guest of `engine`.
pub(super) fn store(engine: &Engine, terms: Terms) -> Attempt<Store<HostState>> {
    let mut store = Store::new(engine, HostState::new(terms.limit));
    store.data_mut().data = embedder::data();
    store.data_mut().limiter.growths = terms.growths.then(Growths::default);
    store.limiter(|state| &mut state.limiter);
    if engine.get_consume_fuel() {
        store.set_fuel(u64::MAX).map_err(|e| Outcome::Failed(e.to_string()))?;
    }
    if engine.get_epoch_interruption() {
        // Nobody counts epochs up: the check is paid, the deadline never reached.
        store.set_epoch_deadline(u64::MAX / 2);
    }
    Ok(store)
}

/// Fuel used so far; 0 without metering.
pub(super) fn fuel_used(store: &Store<HostState>) -> u64 {
    store.get_fuel().map_or(0, |left| u64::MAX - left)
}

/// What `error` makes of a guest that could not be instantiated in `store`.
pub(super) fn unplaced(store: &Store<HostState>, error: &wasmtime::Error) -> Outcome {
    // What ended in the guest's own code is its start function; anything else is the host that said
    // no. A data segment that does not fit traps before there is code to run.
    if error.is::<wasmtime::Trap>() || error.is::<WasmBacktrace>() {
        Outcome::DiedBeforeWork(died(store, "start", error))
    } else {
        Outcome::Refused(refusal(store, error))
    }
}

/// An agent that is being made.
pub(super) struct InstanceBuilder {
    pub(super) store: Store<HostState>,
    instance: Instance,
    memory: Memory,
}

impl InstanceBuilder {
    /// What became of instantiating it in `store`.
    pub(super) fn of(
        mut store: Store<HostState>,
        called: wasmtime::Result<Instance>,
    ) -> Attempt<Self> {
        let instance = called.map_err(|error| unplaced(&store, &error))?;
        let memory = instance
            .get_memory(&mut store, "memory")
            .ok_or_else(|| Outcome::Refused("it exports no memory".to_owned()))?;
        store.data_mut().memory = Some(memory);
        Ok(Self { store, instance, memory })
    }

    /// What runs its constructors, where there are any.
    pub(super) fn constructors(&mut self) -> Option<TypedFunc<(), ()>> {
        self.instance.get_typed_func(&mut self.store, "_initialize").ok()
    }

    /// A function of the agents' contract.
    pub(super) fn function<P: WasmParams, R: WasmResults>(
        &mut self,
        name: &str,
    ) -> Attempt<TypedFunc<P, R>> {
        export(&mut self.store, &self.instance, name)
    }

    /// What `call` returned, if it returned.
    pub(super) fn survived<T>(&self, call: &str, called: wasmtime::Result<T>) -> Attempt<T> {
        called.map_err(|e| Outcome::DiedBeforeWork(died(&self.store, call, &e)))
    }

    /// Refuses an agent of another contract than ours.
    pub(super) fn speaks(&self, called: wasmtime::Result<u32>) -> Attempt<()> {
        let version = self.survived("agent_abi_version", called)?;
        if version == ABI_VERSION {
            return Ok(());
        }
        let why = format!("agent contract {version}, this harness speaks {ABI_VERSION}");
        Err(Outcome::Refused(why))
    }

    /// The agent, whose channel is where `agent_new` says.
    pub(super) fn live(
        mut self,
        called: wasmtime::Result<u32>,
        lease: Option<Arc<Lease>>,
    ) -> Attempt<GuestInstance> {
        let channel = self.survived("agent_new", called)?;
        let handle = self.function("agent_handle")?;
        let reserve = self.function("agent_reserve")?;
        let example = self.function("agent_example")?;
        let Self { store, instance, memory } = self;
        let live = GuestInstance {
            store,
            instance,
            handle,
            reserve,
            example,
            memory,
            channel,
            inbox: 0..0,
            reply: 0..0,
            savable: None,
            _lease: lease,
        };
        let seen = live.channel().map_err(before_work)?;
        if seen.magic != CHANNEL_MAGIC || seen.version != ABI_VERSION {
            let why = format!("agent_new returned {channel:#x}, where no channel lies");
            return Err(Outcome::DiedBeforeWork(why));
        }
        Ok(live)
    }
}

/// A live agent. What each call needs comes first, side by side.
#[repr(C, align(64))]
pub(super) struct GuestInstance {
    pub(super) store: Store<HostState>,
    pub(super) memory: Memory,
    pub(super) channel: u32,
    inbox: Range<usize>,
    pub(super) instance: Instance,
    pub(super) handle: TypedFunc<(u32, u32), i32>,
    pub(super) reserve: TypedFunc<(u32, u32, u32), i32>,
    pub(super) example: TypedFunc<(u32, u64), i32>,
    reply: Range<usize>,
    /// None where its module was compiled without checkpoints.
    pub(super) savable: Option<Box<Savable>>,
    /// After the store, which holds the module too.
    _lease: Option<Arc<Lease>>,
}

impl GuestInstance {
    /// Writes `message` to the inbox; what `agent_handle` is called with then.
    // Inlined by force: the timed call must not depend on who else uses its steps.
    #[inline(always)]
    pub(super) fn put(&mut self, message: &[u8]) -> Attempt<(u32, u32)> {
        let inbox = self.inbox.clone();
        // The inbox was checked when it was reserved, and linear memory never shrinks.
        let Some(inbox) = self.memory.data_mut(&mut self.store)[inbox].get_mut(..message.len())
        else {
            return Err(status_outcome(Status::NoRoom as i32, &[]));
        };
        inbox.copy_from_slice(message);
        Ok(self.in_place(message.len()))
    }

    /// What `agent_handle` is called with for the first `bytes` that lie in the inbox.
    #[inline(always)]
    pub(super) fn in_place(&self, bytes: usize) -> (u32, u32) {
        (self.channel, bytes as u32)
    }

    /// What `call` answered; if all went well the reply is there.
    #[inline]
    pub(super) fn replied(&mut self, call: &str, called: wasmtime::Result<i32>) -> Attempt<()> {
        self.answered(call, called)?;
        self.read_reply()
    }

    #[inline]
    fn answered(&mut self, call: &str, called: wasmtime::Result<i32>) -> Attempt<()> {
        match called {
            Ok(raw) if raw == Status::Done as i32 => Ok(()),
            Ok(raw) => Err(self.status(raw)),
            Err(e) => Err(Outcome::DiedInTheMiddle(died(&self.store, call, &e))),
        }
    }

    /// Finds a mailbox of `bytes`, after `call` answered.
    pub(super) fn opened(
        &mut self,
        call: &str,
        bytes: usize,
        called: wasmtime::Result<i32>,
    ) -> Attempt<()> {
        self.answered(call, called)?;
        let channel = self.channel()?;
        self.inbox = self.range("mailbox", channel.inbox, channel.inbox_bytes)?;
        if self.inbox.len() == bytes {
            return Ok(());
        }
        let told = self.inbox.len();
        let why = format!("mailbox of {told} bytes after {bytes} were asked for");
        Err(Outcome::DiedInTheMiddle(why))
    }

    /// Where the inbox begins in linear memory.
    pub(super) fn inbox_start(&self) -> usize {
        self.inbox.start
    }

    /// Where the guest's channel lies.
    #[inline(always)]
    pub(super) fn channel_at(&self) -> u32 {
        self.channel
    }

    /// All linear memory.
    #[cfg(test)]
    pub(super) fn memory_bytes(&self) -> &[u8] {
        self.memory.data(&self.store)
    }

    /// All linear memory, to write to.
    #[inline(always)]
    pub(super) fn memory_bytes_mut(&mut self) -> &mut [u8] {
        self.memory.data_mut(&mut self.store)
    }

    /// What the channel says of its reply's length; none if the channel does not lie in memory.
    pub(super) fn reply_bytes(&self) -> Option<u64> {
        self.channel().ok().map(|channel| channel.reply_bytes)
    }

    /// What `error`, of a call that did not return, makes of the agent.
    pub(super) fn fell(&self, call: &str, error: &wasmtime::Error) -> Outcome {
        fell(&self.store, call, error)
    }

    /// Finds inbox and reply where the channel says they are, after memory became another. One that
    /// would lie outside memory is empty.
    pub(super) fn find_again(&mut self) {
        let inbox = self
            .channel()
            .and_then(|channel| self.range("inbox", channel.inbox, channel.inbox_bytes));
        self.inbox = inbox.unwrap_or(0..0);
        if self.read_reply().is_err() {
            self.reply = 0..0;
        }
    }

    /// What `agent_reserve` is called with.
    pub(super) fn wish(&self, bytes: usize, page_offset: usize) -> Attempt<(u32, u32, u32)> {
        let wanted = u32::try_from(bytes)
            .map_err(|_| Outcome::Refused(format!("a message of {bytes} bytes: over 4 GiB")))?;
        Ok((self.channel, wanted, page_offset as u32))
    }

    /// Finds the inbox, after `agent_reserve` answered.
    pub(super) fn reserved(&mut self, bytes: usize, called: wasmtime::Result<i32>) -> Attempt<()> {
        self.answered("agent_reserve", called)?;
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

    /// What `agent_example` is called with.
    pub(super) fn ask(&self, seed: u64) -> (u32, u64) {
        (self.channel, seed)
    }

    /// The last reply, where it lies.
    pub(super) fn reply(&self) -> &[u8] {
        &self.memory.data(&self.store)[self.reply.clone()]
    }

    /// What the agent did through its host interface so far.
    pub(super) fn host_counts(&self) -> HostCounts {
        self.store.data().counts
    }

    /// Size of linear memory.
    pub(super) fn linear_memory(&self) -> Bytes {
        Bytes(self.memory.data_size(&self.store) as u64)
    }

    /// What became of the guest's wishes for memory.
    pub(super) fn memory_use(&self) -> MemoryUse {
        self.store.data().limiter.seen
    }

    /// Bytes that it wrote to standard error so far.
    pub(super) fn stderr_bytes(&self) -> u64 {
        self.store.data().stderr_bytes()
    }

    /// WASI functions called so far.
    pub(super) fn wasi_calls(&self) -> u64 {
        self.store.data().wasi_calls
    }

    /// The inbox as the agent left it.
    pub(super) fn inbox(&self) -> &[u8] {
        &self.memory.data(&self.store)[self.inbox.clone()]
    }

    /// The growths of its memory since it was made or last asked; none where they are not noted.
    pub(super) fn take_growths(&mut self) -> Option<Growths> {
        let size = self.linear_memory();
        let mut growths = self.store.data_mut().limiter.growths.as_mut().map(std::mem::take)?;
        growths.forget_beyond(size);
        Some(growths)
    }

    /// The host's addresses of its linear memory.
    pub(super) fn memory_range(&self) -> Range<usize> {
        let start = self.memory.data_ptr(&self.store) as usize;
        start..start + self.memory.data_size(&self.store)
    }

    fn channel(&self) -> Attempt<Channel> {
        Ok(Channel::from_bytes(&self.copy("channel", u64::from(self.channel))?))
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

    #[cold]
    fn status(&mut self, raw: i32) -> Outcome {
        if self.read_reply().is_err() {
            self.reply = 0..0;
        }
        status_outcome(raw, self.reply())
    }
}

/// A function that the guest exports.
pub(super) fn export<P: WasmParams, R: WasmResults>(
    store: &mut Store<HostState>,
    instance: &Instance,
    name: &str,
) -> Attempt<TypedFunc<P, R>> {
    instance.get_typed_func(&mut *store, name).map_err(|error| {
        let why = one_line(&error.to_string());
        Outcome::Refused(format!("it keeps no agent contract: {name}: {why}"))
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
fn refusal(store: &Store<HostState>, error: &wasmtime::Error) -> String {
    let limiter = &store.data().limiter;
    match limiter.limit() {
        Some(limit) if limiter.seen.denied > 0 => {
            let minimum = limiter.seen.last_denied;
            format!("its minimum memory of {minimum} exceeds the limit of {limit}")
        }
        _ => one_line(&format!("{error:#}")),
    }
}

/// What `error`, of a call that did not return, makes of a guest.
pub(super) fn fell(store: &Store<HostState>, call: &str, error: &wasmtime::Error) -> Outcome {
    let why = died(store, call, error);
    match error.downcast_ref::<wasmtime::Trap>() {
        Some(wasmtime::Trap::Interrupt) => Outcome::TimedOut(why),
        _ => Outcome::DiedInTheMiddle(why),
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
    if let Some(denial) = store.data().limiter.denial() {
        text.push_str(&format!("; after {denial}"));
    }
    let words = store.data().system.as_ref().map(|system| system.stderr.kept());
    text + &last_words(&words.unwrap_or_default())
}
