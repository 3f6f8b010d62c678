//! A module that keeps no agent contract, driven as an agent is: a command that is run from its
//! start for each message, or a function of a reactor.

mod component;
mod entry;
pub(super) mod imports;
#[cfg(test)]
mod tests;

use self::component::ComponentSubject;
use self::entry::{Called, Callee};
use super::code::CompiledCode;
use super::engine::{WasmSubject, parsed};
use super::host::{HostState, System};
use super::image::{CompiledImage, FunctionCode, exports_of, is_component};
use super::instance::{Terms, died, fell, fuel_used, store, unplaced};
use super::marks::Marks;
use super::options::EngineOptions;
use super::watch::{Lease, quietly};
use crate::subject::crossings::{Crossing, Crossings};
use crate::subject::words::wrong_exit;
use crate::subject::{AgentInstance, Attempt, CallTimes, HostCounts};
use caxton_model::case::Outcome;
use caxton_model::profile::code::CodeWatch;
use caxton_model::program::{Entry, ProgramSpec};
use caxton_model::units::{Bytes, Nanos};
use caxton_sys::clock::{Clock, Monotonic};
use std::sync::Arc;
use wasmtime::{CallHook, Instance, Store, Val};
use wasmtime_wasi::I32Exit;

/// Memories that the modules of a component may have.
const COMPONENT_MEMORIES_MAX: usize = 16;

/// A compiled program, ready to be run.
#[derive(Clone)]
pub struct ProgramSubject {
    code: ProgramCode,
    program: Arc<ProgramSpec>,
    input: Arc<[u8]>,
    /// Last, so that it goes when nothing here holds the code any more.
    _lease: Option<Arc<Lease>>,
}

#[derive(Clone)]
enum ProgramCode {
    /// With the values of its function's parameters; none for other entries.
    Module(WasmSubject, Vec<Val>),
    Component(ComponentSubject),
}

impl ProgramSubject {
    /// Compiles `bytes`, a module or a component in the binary or the text format, under the eyes
    /// of `watch`, to be run as `program` says.
    ///
    /// # Errors
    /// `Refused`: not valid, imports that the host does not have, no such entry, or values that are
    /// not of its types.
    pub fn compile(
        name: &str,
        bytes: &[u8],
        options: EngineOptions,
        program: Arc<ProgramSpec>,
        watch: Option<Arc<dyn CodeWatch>>,
    ) -> Attempt<Self> {
        let compile = || ProgramCode::compile(bytes, options, &program);
        let Some(watch) = watch else {
            return Ok(Self { code: compile()?, program, input: [].into(), _lease: None });
        };
        let code = quietly(&*watch, compile)
            .ok_or_else(|| Outcome::Failed("the code's watch did not let it load".to_owned()))??;
        let compiled = CompiledCode::new(name, bytes, code.image());
        let lease = Some(Lease::of(Arc::new(compiled), watch));
        Ok(Self { code, program, input: [].into(), _lease: lease })
    }

    /// The same, which gets `input` with each call.
    #[must_use]
    pub fn with_input(self, input: &[u8]) -> Self {
        Self { input: input.into(), ..self }
    }

    /// Size of the machine code.
    pub fn code_bytes(&self) -> Bytes {
        self.code.image().code_bytes()
    }

    /// Its functions, and how much machine code each became.
    pub fn functions(&self) -> Vec<FunctionCode> {
        self.code.image().function_code()
    }

    /// A copy of the machine code.
    pub fn machine_code(&self) -> Vec<u8> {
        self.code.image().text().to_vec()
    }

    /// The names of its functions in the form of a perf map.
    pub fn perf_map(&self) -> String {
        self.code.image().perf_map()
    }

    /// A program under a memory limit, instantiated once to see that it can be.
    ///
    /// # Errors
    /// `Refused` below the module's minimum or without a folder that it was promised,
    /// `DiedBeforeWork` when its start or constructor traps.
    pub fn instantiate(&self, limit: Option<Bytes>) -> Attempt<ProgramAgent> {
        let live = Some(self.place(limit, &self.input)?);
        let fresh = self.program.fresh || self.program.entry == Entry::Command;
        let subject = self.clone();
        Ok(ProgramAgent {
            subject,
            limit,
            live,
            fresh,
            spent: CallTimes::default(),
            stderr_bytes: 0,
            fuel_used: 0,
            crossings: None,
        })
    }

    /// A fresh instance in a world of its own, its constructors run.
    fn place(&self, limit: Option<Bytes>, stdin: &[u8]) -> Attempt<Live> {
        let mut store = match &self.code {
            ProgramCode::Module(subject, _) => {
                store(subject.module().engine(), subject.terms(limit))?
            }
            ProgramCode::Component(subject) => {
                let mut store = store(subject.pre.engine(), Terms { limit, growths: false })?;
                // Its modules may have one each; the limit holds for all of them together.
                store.data_mut().limiter.memories_max = COMPONENT_MEMORIES_MAX;
                store
            }
        };
        store.data_mut().system = Some(System::of(&self.program, stdin)?);
        let callee = match &self.code {
            ProgramCode::Component(subject) => {
                let placed = subject.place(&mut store);
                Callee::Component(placed.map_err(|error| unplaced(&store, &error))?)
            }
            ProgramCode::Module(subject, _) => {
                store.data_mut().marks = Marks::of(subject.module()).map(Box::new);
                let instance = subject.pre.instantiate(&mut store);
                let instance = instance.map_err(|error| unplaced(&store, &error))?;
                store.data_mut().memory = instance.get_memory(&mut store, "memory");
                construct(&mut store, &instance, &self.program.entry)?;
                Callee::of(&mut store, &instance, &self.program.entry)?
            }
        };
        Ok(Live { store, callee, called: Called::default() })
    }
}

impl ProgramCode {
    fn compile(bytes: &[u8], options: EngineOptions, program: &ProgramSpec) -> Attempt<Self> {
        if bytes.is_empty() {
            return Err(Outcome::Refused("an empty file".to_owned()));
        }
        let binary = parsed(bytes)?;
        if is_component(&binary) {
            return ComponentSubject::compile(&binary, options, program).map(Self::Component);
        }
        let subject = WasmSubject::compile_program(&binary, options, program)?;
        let params = entry::params(subject.module(), &program.entry)?;
        Ok(Self::Module(subject, params))
    }

    fn image(&self) -> CompiledImage {
        match self {
            Self::Module(subject, _) => subject.image(),
            Self::Component(subject) => subject.image(),
        }
    }

    fn params(&self) -> &[Val] {
        match self {
            Self::Module(_, params) => params,
            Self::Component(_) => &[],
        }
    }
}

/// Notes all crossings of `store` from now on.
fn watch(store: &mut Store<HostState>) {
    if let Some(system) = &mut store.data_mut().system {
        system.crossings = Some(Crossings::default());
    }
    store.call_hook(|mut store, hook| {
        let to = match hook {
            CallHook::CallingWasm => Crossing::IntoGuest,
            CallHook::ReturningFromWasm => Crossing::OutOfGuest,
            CallHook::CallingHost => Crossing::IntoHost,
            CallHook::ReturningFromHost => Crossing::OutOfHost,
        };
        let system = store.data_mut().system.as_mut();
        if let Some(crossings) = system.and_then(|system| system.crossings.as_mut()) {
            crossings.cross(to, Monotonic.now());
        }
        Ok(())
    });
}

/// Runs the constructors of a reactor, where there are any.
fn construct(store: &mut Store<HostState>, instance: &Instance, entry: &Entry) -> Attempt<()> {
    if *entry == Entry::Command {
        return Ok(());
    }
    let Ok(constructors) = instance.get_typed_func::<(), ()>(&mut *store, "_initialize") else {
        return Ok(());
    };
    let called = constructors.call(&mut *store, ());
    called.map_err(|e| Outcome::DiedBeforeWork(died(store, "_initialize", &e)))
}

/// An instance and what its last call left.
struct Live {
    store: Store<HostState>,
    callee: Callee,
    called: Called,
}

/// A program that answers messages.
pub struct ProgramAgent {
    subject: ProgramSubject,
    limit: Option<Bytes>,
    /// None only while one instance follows another, and after a failure.
    live: Option<Live>,
    /// Whether each call gets an instance of its own.
    fresh: bool,
    spent: CallTimes,
    /// Of instances that are gone.
    stderr_bytes: u64,
    fuel_used: u64,
    /// Of instances that are gone; none where nobody watches them.
    crossings: Option<Crossings>,
}

impl ProgramAgent {
    fn renew(&mut self, message: &[u8]) -> Attempt<()> {
        if let Some(mut gone) = self.live.take() {
            self.stderr_bytes += gone.store.data().stderr_bytes();
            self.fuel_used += fuel_used(&gone.store);
            self.note_crossings(&mut gone);
            let start = Monotonic.now();
            drop(gone);
            self.spent.end.0 += Monotonic.now().0 - start.0;
        }
        let start = Monotonic.now();
        let mut live = self.subject.place(self.limit, message)?;
        live.callee.reserve(&mut live.store, message.len())?;
        if self.crossings.is_some() {
            watch(&mut live.store);
        }
        self.live = Some(live);
        self.spent.instantiate.0 += Monotonic.now().0 - start.0;
        Ok(())
    }

    /// Adds up the crossings of an instance, which counts from 0 again.
    fn note_crossings(&mut self, live: &mut Live) {
        let system = live.store.data_mut().system.as_mut();
        let noted = system.and_then(|system| system.crossings.as_mut()).map(Crossings::take);
        if let (Some(sum), Some(noted)) = (&mut self.crossings, noted) {
            *sum += noted;
        }
    }

    fn live(&mut self) -> Attempt<&mut Live> {
        self.live.as_mut().ok_or_else(|| Outcome::Failed("the program ended before".to_owned()))
    }
}

impl AgentInstance for ProgramAgent {
    fn reserve(&mut self, bytes: usize, _: usize) -> Attempt<()> {
        let live = self.live()?;
        live.callee.reserve(&mut live.store, bytes)
    }

    fn call(&mut self, message: &[u8]) -> Attempt<()> {
        if self.fresh {
            self.renew(message)?;
        }
        let exit = self.subject.program.exit;
        let Some(live) = &mut self.live else {
            return Err(Outcome::Failed("the program ended before".to_owned()));
        };
        // A kept instance is called as an agent is: nothing of ours but the call.
        let start = self.fresh.then(|| Monotonic.now());
        let (params, last) = (self.subject.code.params(), std::mem::take(&mut live.called));
        let ended = live.callee.call(&mut live.store, message, params, last);
        if let Some(start) = start {
            self.spent.run.0 += Monotonic.now().0 - start.0;
        }
        self.spent.calls += 1;
        live.called = exited(&live.store, ended, exit)?;
        if let Some(marks) = &mut live.store.data_mut().marks {
            let section = marks.take().map_err(Outcome::WrongAnswer)?;
            self.spent.section.get_or_insert(Nanos(0)).0 += section.0;
        }
        Ok(())
    }

    fn reply(&self) -> &[u8] {
        self.live.as_ref().map_or(&[], |live| live.called.reply(&live.store))
    }

    fn example(&mut self, _: u64) -> Attempt<Vec<u8>> {
        Ok(self.subject.input.to_vec())
    }

    fn host_counts(&self) -> HostCounts {
        HostCounts::default()
    }

    fn stderr_bytes(&self) -> Option<u64> {
        let now = self.live.as_ref().map_or(0, |live| live.store.data().stderr_bytes());
        Some(self.stderr_bytes + now)
    }

    fn fuel_used(&self) -> u64 {
        self.fuel_used + self.live.as_ref().map_or(0, |live| fuel_used(&live.store))
    }

    fn linear_memory(&self) -> Option<Bytes> {
        let live = self.live.as_ref()?;
        let memory = live.store.data().memory?;
        Some(Bytes(memory.data_size(&live.store) as u64))
    }

    fn take_spent(&mut self) -> Option<CallTimes> {
        let spent = std::mem::take(&mut self.spent);
        (self.fresh || spent.section.is_some()).then_some(spent)
    }

    fn watch_crossings(&mut self) -> Attempt<bool> {
        self.crossings = Some(Crossings::default());
        let input = self.subject.input.clone();
        self.renew(&input)?;
        Ok(true)
    }

    fn take_crossings(&mut self) -> Option<Crossings> {
        if let Some(mut live) = self.live.take() {
            self.note_crossings(&mut live);
            self.live = Some(live);
        }
        self.crossings.as_mut().map(std::mem::take)
    }
}

/// Whether `bytes` is a module that keeps the agent contract. What is no module is none.
pub fn is_agent(bytes: &[u8]) -> bool {
    let Ok(binary) = wat::parse_bytes(bytes) else { return false };
    if is_component(&binary) {
        return false;
    }
    exports_of(&binary).any(|export| export.name == CONTRACT)
}

/// The function by which an agent tells its contract.
const CONTRACT: &str = "agent_abi_version";

/// What a call left, if it ended as it should: an exit is an end like a return.
fn exited(
    store: &Store<HostState>,
    ended: wasmtime::Result<Called>,
    expected: i32,
) -> Attempt<Called> {
    let (code, called) = match ended {
        Ok(called) => (0, called),
        Err(error) => match error.downcast_ref::<I32Exit>() {
            Some(exit) => (exit.0, Called::of_command(store)),
            None => return Err(fell(store, "the program", &error)),
        },
    };
    if code == expected {
        return Ok(called);
    }
    let words = store.data().system.as_ref().map(|system| system.stderr.kept());
    Err(Outcome::WrongAnswer(wrong_exit(code, expected, &words.unwrap_or_default())))
}
