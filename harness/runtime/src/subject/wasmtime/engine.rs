//! Compiling a module and linking it to its host.

use super::agent::WasmAgent;
use super::allocation::{Allocation, PoolUse};
use super::async_agent::AsyncWasmAgent;
use super::checkpoint::Savable;
use super::code::CompiledCode;
use super::embedder;
use super::expose::{Exposed, Places};
use super::heap_calls;
use super::host::HostState;
use super::image::{CompiledImage, FunctionCode, is_component};
use super::instance::Terms;
use super::options::EngineOptions;
use super::program::imports;
use super::watch::{Lease, quietly};
use crate::subject::Attempt;
use crate::subject::words::one_line;
use caxton_model::case::Outcome;
use caxton_model::profile::code::CodeWatch;
use caxton_model::program::ProgramSpec;
use caxton_model::units::Bytes;
use caxton_sys::slab::{Creator, Slab};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use wasmtime::{
    Cache, CacheConfig, Caller, Engine, InstancePre, Linker, Module, OptLevel, Strategy,
};
use wasmtime_wasi::p1;

/// The configuration of `engine` as the record states it, asked of the engine itself; `options` for
/// what an engine does not know of its guests.
fn describe(engine: &Engine, options: EngineOptions) -> BTreeMap<String, String> {
    let (reserved, guard) = (engine.get_memory_reservation(), engine.get_memory_guard_size());
    let bounds = if !engine.get_signals_based_traps() || (reserved, guard) == (0, 0) {
        "explicit: each address is compared with memory's size".to_owned()
    } else {
        format!("guard pages: {} reserved, {} guard", Bytes(reserved), Bytes(guard))
    };
    let interruption = match (engine.get_consume_fuel(), engine.get_epoch_interruption()) {
        (false, false) => "none",
        (true, false) => "fuel",
        (false, true) => "epochs",
        (true, true) => "fuel and epochs",
    };
    let images = if engine.get_memory_init_cow() { "copy-on-write images" } else { "no images" };
    let level = match engine.get_cranelift_opt_level() {
        Some(OptLevel::None) => "none",
        Some(OptLevel::SpeedAndSize) => "speed_and_size",
        // wasmtime's default.
        _ => "speed",
    };
    let compiler = match engine.get_strategy() {
        Some(Strategy::Winch) => "winch".to_owned(),
        _ => format!("cranelift, opt_level={level}"),
    };
    let target = if engine.is_pulley() { ", for the interpreter pulley" } else { "" };
    let allocation = match options.allocation {
        Allocation::OnDemand if !options.flags.is_default() => "as the flags say".to_owned(),
        allocation => allocation.to_string(),
    };
    let entries = [
        ("allocation", format!("{allocation}, {images}")),
        ("bounds checks", bounds),
        ("calls", if options.asynchronous { "futures" } else { "functions" }.to_owned()),
        ("compiler", format!("{compiler}{target}")),
        ("interruption", interruption.to_owned()),
        (
            "guest state",
            if options.checkpoints { "exported to be saved" } else { "private" }.to_owned(),
        ),
    ];
    let flags = (!options.flags.is_default()).then(|| ("flags", options.flags.to_string()));
    let host = embedder::is_provided().then(|| ("host functions", "the bench's own".to_owned()));
    entries
        .into_iter()
        .chain(flags)
        .chain(host)
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

/// The engine as the record states it: what is the same in all cases.
pub fn shared_configuration() -> BTreeMap<String, String> {
    let entries = [
        ("engine", "wasmtime"),
        ("version", caxton_sys::build::wasmtime()),
        ("wasi", "preview 1, no directories, no environment, no network"),
    ];
    entries.into_iter().map(|(k, v)| (k.to_owned(), v.to_owned())).collect()
}

/// The configurations that engines of this process were made with.
static USED: Mutex<BTreeSet<BTreeMap<String, String>>> = Mutex::new(BTreeSet::new());

/// Where this process keeps compiled code.
static KEPT: OnceLock<PathBuf> = OnceLock::new();

/// Has this process keep compiled code in `folder`, and take it from there, wherever no other
/// folder is named.
pub fn keep_code_in(folder: &Path) {
    KEPT.get_or_init(|| folder.to_owned());
}

/// Each configuration that an engine of this process was made with. They are noted where engines
/// are made, so that no workload can forget to tell.
pub fn used_configurations() -> BTreeSet<BTreeMap<String, String>> {
    USED.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// A compiled agent, linked to its host and ready to be instantiated.
#[derive(Clone)]
pub struct WasmSubject {
    pub(super) pre: InstancePre<HostState>,
    options: EngineOptions,
    /// Where its instances' memories are, if they are in one.
    slab: Option<Arc<Slab>>,
    /// Where their state is found, if they can be saved.
    places: Option<Arc<Places>>,
    /// Last, so that it goes when nothing here holds the module any more.
    lease: Option<Arc<Lease>>,
}

impl WasmSubject {
    /// Compiles `bytes`: the binary format, or the text format.
    ///
    /// # Errors
    /// `Refused`: a component, no valid module, imports that no agent may have.
    pub fn compile(bytes: &[u8], options: EngineOptions) -> Attempt<Self> {
        Self::of(&Source::of(bytes, options)?, options, None)
    }

    /// The same, its machine code kept in the folder `cache` and taken from there by a later
    /// process that compiles the same with the same engine.
    ///
    /// # Errors
    /// As [`Self::compile`]; a cache that cannot be used is no error, and no help.
    pub fn compile_cached(bytes: &[u8], options: EngineOptions, cache: &Path) -> Attempt<Self> {
        Self::of(&Source::of(bytes, options)?, options, Some(cache))
    }

    /// The same under the eyes of `watch`: it chooses the moment in which the module is compiled
    /// and loaded, is told of its code under `name`, and once more when this subject, its clones
    /// and all their agents are gone. Without a watch it is [`Self::compile`].
    ///
    /// # Errors
    /// As [`Self::compile`]; `Failed` if the watch does not let it load.
    pub fn compile_watched(
        name: &str,
        bytes: &[u8],
        options: EngineOptions,
        watch: Option<Arc<dyn CodeWatch>>,
    ) -> Attempt<Self> {
        let Some(watch) = watch else { return Self::compile(bytes, options) };
        let source = Source::of(bytes, options)?;
        // Whatever is loaded for a module that is then refused is unloaded in the same moment.
        let subject = quietly(&*watch, || Self::of(&source, options, None))
            .ok_or_else(|| Outcome::Failed("the code's watch did not let it load".to_owned()))??;
        let code = CompiledCode::new(name, source.bytes(), subject.image());
        let lease = Some(Lease::of(Arc::new(code), watch));
        Ok(Self { lease, ..subject })
    }

    /// Compiles a module that is run as `program` says.
    pub(super) fn compile_program(
        bytes: &[u8],
        options: EngineOptions,
        program: &ProgramSpec,
    ) -> Attempt<Self> {
        let (pre, slab) = link(bytes, options, None, Some(program))?;
        Ok(Self { pre, options, slab, places: None, lease: None })
    }

    fn of(source: &Source<'_>, options: EngineOptions, cache: Option<&Path>) -> Attempt<Self> {
        let (pre, slab) = link(source.bytes(), options, cache, None)?;
        let places = source.exposed().map(|exposed| Arc::new(exposed.places(pre.module())));
        Ok(Self { pre, options, slab, places, lease: None })
    }

    /// A fresh agent under a memory limit, its constructors run.
    ///
    /// # Errors
    /// `Refused` below the module's minimum, `DiedBeforeWork` when its start or constructor traps,
    /// `Failed` if it was compiled for asynchronous calls.
    pub fn instantiate(&self, limit: Option<Bytes>) -> Attempt<WasmAgent> {
        self.is_for(false)?;
        let mut agent = WasmAgent::new(&self.pre, self.terms(limit), self.lease.clone())?;
        agent.live.savable = self.savable();
        Ok(agent)
    }

    fn savable(&self) -> Option<Box<Savable>> {
        let places = self.places.as_ref()?;
        Some(Savable::new(Arc::clone(places), self.slab.clone()))
    }

    /// The machine code, to see that two options do not make the same.
    #[cfg(test)]
    pub(super) fn code(&self) -> &[u8] {
        self.pre.module().text()
    }

    /// The same without a limit, the growths of its memory noted from its creation on.
    ///
    /// # Errors
    /// As [`Self::instantiate`].
    pub fn instantiate_watched(&self) -> Attempt<WasmAgent> {
        self.is_for(false)?;
        let terms = Terms { growths: true, ..self.terms(None) };
        WasmAgent::new(&self.pre, terms, self.lease.clone())
    }

    /// The names of its functions in the form of a perf map.
    pub fn perf_map(&self) -> String {
        self.image().perf_map()
    }

    pub(super) fn image(&self) -> CompiledImage {
        CompiledImage::Module(self.pre.module().clone())
    }

    /// The same for calls as futures.
    ///
    /// # Errors
    /// As [`Self::instantiate`]; `Failed` unless it was compiled for asynchronous calls.
    pub async fn instantiate_async(&self, limit: Option<Bytes>) -> Attempt<AsyncWasmAgent> {
        self.is_for(true)?;
        AsyncWasmAgent::new(&self.pre, self.terms(limit), self.lease.clone()).await
    }

    pub(super) fn module(&self) -> &Module {
        self.pre.module()
    }

    pub(super) fn terms(&self, limit: Option<Bytes>) -> Terms {
        Terms { limit, growths: false }
    }

    /// Whether its agents are called as futures.
    pub fn is_asynchronous(&self) -> bool {
        self.options.asynchronous
    }

    /// A blocking host function must not be called within a runtime, nor a future without one.
    fn is_for(&self, asynchronous: bool) -> Attempt<()> {
        if self.options.asynchronous == asynchronous {
            return Ok(());
        }
        let why = "compiled for one way of calling, instantiated for the other";
        Err(Outcome::Failed(why.to_owned()))
    }

    /// Counts the engine's epoch up by one.
    pub fn tick(&self) {
        self.pre.module().engine().increment_epoch();
    }

    /// How the engine's pool is used; none where it has none.
    pub fn pool_use(&self) -> Option<PoolUse> {
        let told = self.pre.module().engine().pooling_allocator_metrics()?;
        Some(PoolUse {
            live_memories: told.memories() as u64,
            warm_memories: told.unused_warm_memories().into(),
            warm_bytes: told.unused_memory_bytes_resident() as u64,
        })
    }

    /// Size of the machine code.
    pub fn code_bytes(&self) -> Bytes {
        self.image().code_bytes()
    }

    /// Its functions, and how much machine code each became.
    pub fn functions(&self) -> Vec<FunctionCode> {
        self.image().function_code()
    }

    /// A copy of the machine code.
    pub fn machine_code(&self) -> Vec<u8> {
        self.image().text().to_vec()
    }
}

/// A module as it is compiled.
enum Source<'a> {
    Given(&'a [u8]),
    Exposed(Exposed),
}

impl<'a> Source<'a> {
    fn of(bytes: &'a [u8], options: EngineOptions) -> Attempt<Self> {
        if !options.checkpoints || is_component(bytes) || bytes.is_empty() {
            return Ok(Self::Given(bytes));
        }
        let exposed = Exposed::of(bytes);
        exposed.map(Self::Exposed).map_err(|e| Outcome::Refused(one_line(&e.to_string())))
    }

    fn bytes(&self) -> &[u8] {
        match self {
            Self::Given(bytes) => bytes,
            Self::Exposed(exposed) => &exposed.bytes,
        }
    }

    fn exposed(&self) -> Option<&Exposed> {
        match self {
            Self::Given(_) => None,
            Self::Exposed(exposed) => Some(exposed),
        }
    }
}

/// An engine, told of in the record, and where its memories are if they are in one place.
fn made(options: EngineOptions, cache: Option<&Path>) -> Attempt<(Engine, Option<Arc<Slab>>)> {
    let mut config = options.config()?;
    let slab = options.allocation.configure(&mut config).map_err(Outcome::Failed)?;
    if let Some(folder) = cache.or(KEPT.get().map(PathBuf::as_path)) {
        let mut at = CacheConfig::new();
        at.with_directory(folder);
        config.cache(Some(Cache::new(at).map_err(|e| refused("cache of compiled code", &e))?));
    }
    let engine = Engine::new(&config).map_err(|e| refused("engine", &e))?;
    if slab.is_some() {
        Creator::refuse_signals(&engine).map_err(Outcome::Failed)?;
    }
    USED.lock().unwrap_or_else(PoisonError::into_inner).insert(describe(&engine, options));
    Ok((engine, slab))
}

/// An engine without a cache, told of in the record.
pub(super) fn engine(options: EngineOptions) -> Attempt<Engine> {
    made(options, None).map(|(engine, _)| engine)
}

pub(super) fn refused(what: &str, error: &wasmtime::Error) -> Outcome {
    Outcome::Refused(format!("{what}: {}", one_line(&format!("{error:#}"))))
}

/// Compiles a module and finds its imports.
fn link(
    bytes: &[u8],
    options: EngineOptions,
    cache: Option<&Path>,
    program: Option<&ProgramSpec>,
) -> Attempt<(InstancePre<HostState>, Option<Arc<Slab>>)> {
    if is_component(bytes) {
        let why = "a component, not a core module: build the agent for wasm32-wasip1";
        return Err(Outcome::Refused(why.to_owned()));
    }
    if bytes.is_empty() {
        return Err(Outcome::Refused("an empty file".to_owned()));
    }
    let (engine, slab) = made(options, cache)?;
    let binary = parsed(bytes)?;
    let module =
        Module::new(&engine, &binary).map_err(|error| refused("no valid module", &error))?;
    let mut linker =
        host_functions(&engine, options.asynchronous).map_err(|e| refused("linker", &e))?;
    embedder::define(&mut linker)?;
    if let Some(program) = program {
        imports::define(&mut linker, &engine, &module, program)?;
    }
    let pre = linker.instantiate_pre(&module);
    Ok((pre.map_err(|e| refused("imports that no agent has", &e))?, slab))
}

/// The module in `bytes`, which may be text: its parser's picture of what is wrong is left out.
pub(super) fn parsed(bytes: &[u8]) -> Attempt<Cow<'_, [u8]>> {
    wat::parse_bytes(bytes).map_err(|error| {
        let text = error.to_string();
        let mut lines = text.lines();
        let what = lines.next().unwrap_or_default();
        let at = lines.find_map(|line| line.trim().strip_prefix("--> <anon>:"));
        let at = at.map_or(String::new(), |at| format!(" at {at}"));
        let why = format!("no valid module, neither binary nor text: {what}{at}");
        Outcome::Refused(one_line(&why))
    })
}

fn host_functions(engine: &Engine, asynchronous: bool) -> wasmtime::Result<Linker<HostState>> {
    let mut linker: Linker<HostState> = Linker::new(engine);
    if asynchronous {
        p1::add_to_linker_async(&mut linker, HostState::wasi)?;
    } else {
        p1::add_to_linker_sync(&mut linker, HostState::wasi)?;
    }
    let module = agent_abi::IMPORT_MODULE;
    linker.func_wrap(
        module,
        "send",
        |mut caller: Caller<'_, HostState>,
         _to: u64,
         at: u32,
         bytes: u32|
         -> wasmtime::Result<i32> {
            caller.data().check(&caller, "send", at, bytes)?;
            let counts = caller.data_mut().counts_mut();
            counts.sent += 1;
            counts.sent_bytes += u64::from(bytes);
            Ok(0)
        },
    )?;
    linker.func_wrap(
        module,
        "log",
        |mut caller: Caller<'_, HostState>,
         _level: u32,
         at: u32,
         bytes: u32|
         -> wasmtime::Result<()> {
            caller.data().check(&caller, "log", at, bytes)?;
            caller.data_mut().counts_mut().logged += 1;
            Ok(())
        },
    )?;
    heap_calls::host_functions(&mut linker)?;
    linker.func_wrap(module, "clock_ns", |_: Caller<'_, HostState>| -> u64 {
        use caxton_sys::clock::{Clock, Monotonic};
        Monotonic.now().0
    })?;
    Ok(linker)
}
