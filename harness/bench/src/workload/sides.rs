//! The two sides of an agent, loaded; and the message and answer that both must agree on.

use super::asynchronous::Driven;
use crate::guest::catalog::EXAMPLE_SEED;
use crate::guest::digest::sha256_hex;
use crate::guest::files::AgentFiles;
use crate::guest::toolchain::Side;
use crate::job::Pair;
use crate::job::sides::{SideBuild, SideSpec};
use crate::timing::blocks::timed_batch;
use crate::timing::context::Context;
use crate::timing::participants::Participant;
use caxton_model::case::{CaseKey, Outcome};
use caxton_model::file;
use caxton_model::profile::code::CodeWatch;
use caxton_model::program::{self, Entry};
use caxton_model::units::{Bytes, Nanos};
use caxton_runtime::subject::command::NativeCommand;
use caxton_runtime::subject::native::NativeSubject;
use caxton_runtime::subject::wasmtime::{
    EngineFlags, EngineOptions, FunctionCode, ProgramSubject, WasmSubject, is_agent,
};
use caxton_runtime::subject::{AgentInstance, Attempt};
use caxton_sys::clock::Clock;
use caxton_sys::counters::{Counters, RawGroup};
use std::path::Path;
use std::sync::Arc;

const LINE_BYTES: usize = 64;
const PAGE_BYTES: usize = 4096;

pub enum Loaded {
    Wasm(WasmSubject),
    Native(NativeSubject),
    /// A guest that keeps no agent contract.
    Program(ProgramSubject),
    /// Its native build: an executable.
    Command(NativeCommand),
}

impl Loaded {
    pub fn side(&self) -> Side {
        match self {
            Self::Wasm(_) | Self::Program(_) => Side::Wasm,
            Self::Native(_) | Self::Command(_) => Side::Native,
        }
    }

    /// Loads one side of `agent`; how long compiling or loading took.
    ///
    /// # Errors
    /// `Refused`: no such file, no valid module, no native build.
    pub fn load(ctx: &Context<'_>, agent: &AgentFiles, side: Side) -> Attempt<(Self, Nanos)> {
        Self::load_watched(ctx, agent, side, EngineOptions::default(), None)
    }

    /// The same with other options of the engine, under the eyes of a watch.
    pub fn load_watched(
        ctx: &Context<'_>,
        agent: &AgentFiles,
        side: Side,
        options: EngineOptions,
        watch: Option<Arc<dyn CodeWatch>>,
    ) -> Attempt<(Self, Nanos)> {
        let start;
        let loaded = match (side, &agent.native) {
            (Side::Native, Some(path)) => {
                let program = GivenRun::of(agent)?;
                start = ctx.clock.now();
                match program {
                    Some(GivenRun { how, input }) => {
                        Self::Command(NativeCommand::new(path, how, &input))
                    }
                    None => Self::Native(NativeSubject::load(path)?),
                }
            }
            (Side::Native, None) => {
                let why = "it has no native build: name one with --native";
                return Err(Outcome::Refused(why.to_owned()));
            }
            (Side::Wasm, _) => {
                let name = format!("{}.wasm", agent.name);
                let program = GivenRun::of(agent)?;
                let bytes = module(&agent.wasm)?;
                start = ctx.clock.now();
                match program {
                    Some(GivenRun { how, input }) => {
                        let subject = ProgramSubject::compile(&name, &bytes, options, how, watch)?;
                        Self::Program(subject.with_input(&input))
                    }
                    None => {
                        Self::Wasm(WasmSubject::compile_watched(&name, &bytes, options, watch)?)
                    }
                }
            }
        };
        Ok((loaded, Nanos(ctx.clock.now().0 - start.0)))
    }

    /// A side of the user's choice of `agent`, under the eyes of a watch; how long compiling or
    /// loading took.
    pub fn load_spec(
        ctx: &Context<'_>,
        agent: &AgentFiles,
        spec: &SideSpec,
        watch: Option<Arc<dyn CodeWatch>>,
    ) -> Attempt<(Self, Nanos)> {
        let flags = EngineFlags::parse(&spec.flags).map_err(Outcome::Refused)?;
        let options = EngineOptions { flags, ..EngineOptions::default() };
        let mut agent = agent.clone();
        let side = match &spec.build {
            SideBuild::Native => Side::Native,
            SideBuild::Wasm => Side::Wasm,
            SideBuild::File(path) => {
                agent.wasm.clone_from(path);
                Side::Wasm
            }
        };
        Self::load_watched(ctx, &agent, side, options, watch)
    }

    /// The WASM side, the compiled code of an agent kept in the folder `cache` from one launch to
    /// the next.
    pub fn load_cached(ctx: &Context<'_>, cache: &Path) -> Attempt<Self> {
        if GivenRun::of(ctx.agent)?.is_some() {
            return Ok(Self::load(ctx, ctx.agent, Side::Wasm)?.0);
        }
        let options = EngineOptions::default();
        let subject = WasmSubject::compile_cached(&module(&ctx.agent.wasm)?, options, cache)?;
        Ok(Self::Wasm(subject))
    }

    /// The names of the guest's code as `perf` reads them; none for native code.
    pub fn perf_map(&self) -> Option<String> {
        match self {
            Self::Wasm(subject) => Some(subject.perf_map()),
            Self::Program(subject) => Some(subject.perf_map()),
            Self::Native(_) | Self::Command(_) => None,
        }
    }

    /// Size of the guest's machine code; none for native code.
    pub fn code_bytes(&self) -> Option<Bytes> {
        match self {
            Self::Wasm(subject) => Some(subject.code_bytes()),
            Self::Program(subject) => Some(subject.code_bytes()),
            Self::Native(_) | Self::Command(_) => None,
        }
    }

    /// The guest's functions and how much machine code each became; none of native code.
    pub fn functions(&self) -> Vec<FunctionCode> {
        match self {
            Self::Wasm(subject) => subject.functions(),
            Self::Program(subject) => subject.functions(),
            Self::Native(_) | Self::Command(_) => Vec::new(),
        }
    }

    /// Digest of the guest's machine code; none for native code.
    pub fn code_digest(&self) -> Option<String> {
        match self {
            Self::Wasm(subject) => Some(sha256_hex(&subject.machine_code())),
            Self::Program(subject) => Some(sha256_hex(&subject.machine_code())),
            Self::Native(_) | Self::Command(_) => None,
        }
    }

    /// A fresh agent without a memory limit.
    pub fn instantiate(&self) -> Attempt<Box<dyn AgentInstance>> {
        Ok(match self {
            Self::Wasm(subject) if subject.is_asynchronous() => Box::new(Driven::new(subject)?),
            Self::Wasm(subject) => Box::new(subject.instantiate(None)?),
            Self::Native(subject) => Box::new(subject.instantiate()?),
            Self::Program(subject) => Box::new(subject.instantiate(None)?),
            Self::Command(subject) => Box::new(subject.instantiate()?),
        })
    }
}

/// How a guest that keeps no agent contract is run.
struct GivenRun {
    how: Arc<program::ProgramSpec>,
    input: Vec<u8>,
}

impl GivenRun {
    /// None for an agent.
    fn of(agent: &AgentFiles) -> Attempt<Option<Self>> {
        let Some(given) = &agent.given else { return Ok(None) };
        if given.is_guessed && is_agent(&module(&agent.wasm)?) {
            return Ok(None);
        }
        let input = given.input.as_ref().map(|input| module(&input.0)).transpose()?;
        let (how, input) = (Arc::new(given.program.clone()), input.unwrap_or_default());
        Ok(Some(Self { how, input }))
    }
}

/// The sides that `cases` need of `agent`: a guest that was given as a file has one.
pub fn needed(agent: &AgentFiles, cases: &[CaseKey]) -> Vec<Side> {
    let wanted =
        |with: Pair| cases.iter().any(|case| [Pair::Overhead, with].contains(&Pair::of(case)));
    let mut sides = Vec::new();
    if wanted(Pair::WasmAgain) {
        sides.push(Side::Wasm);
    }
    if wanted(Pair::NativeAgain) && agent.native.is_some() {
        sides.push(Side::Native);
    }
    sides
}

/// The bytes of the module at `path`.
///
/// # Errors
/// `Refused`: no such file, or none that is read as a module.
pub fn module(path: &Path) -> Attempt<Vec<u8>> {
    let read = file::read(path, file::MODULE_MAX);
    read.map_err(|error| Outcome::Refused(format!("{}: {error}", path.display())))
}

/// Events that were counted, and over how many messages.
pub struct Counted {
    pub groups: Vec<RawGroup>,
    /// Messages that were handled meanwhile.
    pub iterations: u64,
}

/// Counts events while `participant` handles its message for about `time`. Its reply is checked
/// afterwards.
///
/// # Errors
/// What became of the agent; `Failed` if the kernel does not let counters be read.
pub fn counted(
    clock: &dyn Clock,
    counters: &mut Counters,
    participant: &mut Participant<'_>,
    time: Nanos,
) -> Attempt<Counted> {
    let Participant { name, instance, message, reply } = participant;
    timed_batch(clock, instance, message, instance.iterations)?;
    let iterations = (time.0 / instance.whole().0.max(1)).max(1) * instance.iterations;
    let counted = counters.count(|| timed_batch(clock, instance, message, iterations));
    let (ran, groups) = counted.map_err(|e| Outcome::Failed(format!("counters: {e}")))?;
    ran?;
    instance.check_reply(name, reply)?;
    Ok(Counted { groups, iterations })
}

/// Bytes that start at a chosen cache line of a page: alignment is chosen per launch, so that it
/// becomes noise that the statistics cover instead of a bias that nobody sees.
#[derive(Debug)]
pub struct Placed {
    storage: Vec<u8>,
    start: usize,
    bytes: usize,
}

impl Placed {
    /// A copy of `bytes` at a random cache line of a page.
    pub fn at_random(rng: &mut fastrand::Rng, bytes: &[u8]) -> Self {
        let mut storage = vec![0; bytes.len() + 2 * PAGE_BYTES];
        let misfit = storage.as_ptr() as usize % PAGE_BYTES;
        let start = PAGE_BYTES - misfit + page_offset(rng);
        storage[start..start + bytes.len()].copy_from_slice(bytes);
        Self { storage, start, bytes: bytes.len() }
    }

    pub fn get(&self) -> &[u8] {
        &self.storage[self.start..self.start + self.bytes]
    }
}

/// A random multiple of a cache line within a page.
pub fn page_offset(rng: &mut fastrand::Rng) -> usize {
    rng.usize(..PAGE_BYTES / LINE_BYTES) * LINE_BYTES
}

/// What is sent in every call, and what must come back.
pub struct Exchange {
    pub message: Placed,
    pub reply: Vec<u8>,
    /// Messages the agent sends to others while it handles one.
    pub sends: u64,
    /// Bytes that the guest writes to standard error meanwhile; none where no guest was asked.
    pub stderr_bytes: Option<u64>,
    /// Whether all sides mark the section of a call that is to be timed.
    pub has_section: bool,
}

impl Exchange {
    /// Asks one fresh agent of each side for the example and handles it: both must agree, and
    /// with the manifest's promise where there is one.
    ///
    /// # Errors
    /// `WrongAnswer`, or what the agent died of.
    pub fn agree(ctx: &mut Context<'_>, sides: &[Loaded]) -> Attempt<Self> {
        Self::agree_on(ctx, EXAMPLE_SEED, sides)
    }

    /// The same with the example of another `seed`, of which the manifest promises nothing.
    pub fn agree_on(ctx: &mut Context<'_>, seed: u64, sides: &[Loaded]) -> Attempt<Self> {
        let mut agreed: Option<Self> = None;
        for side in sides {
            let mut instance = side.instantiate()?;
            let example = instance.example(seed)?;
            instance.reserve(example.len(), page_offset(&mut ctx.rng))?;
            let sent_before = instance.host_counts().sent;
            let stderr_before = instance.stderr_bytes().unwrap_or(0);
            instance.call(&example)?;
            let sends = instance.host_counts().sent - sent_before;
            let stderr_bytes = instance.stderr_bytes().map(|bytes| bytes - stderr_before);
            let reply = instance.reply().to_vec();
            let has_section = instance.take_spent().is_some_and(|spent| spent.section.is_some());
            match &mut agreed {
                None => {
                    let message = Placed::at_random(&mut ctx.rng, &example);
                    agreed = Some(Self { message, reply, sends, stderr_bytes, has_section });
                }
                Some(first) if first.message.get() != example => {
                    return Err(wrong("the two sides make different example messages"));
                }
                Some(first) if first.reply != reply => {
                    return Err(wrong("the two sides reply differently to the same message"));
                }
                Some(first) if first.sends != sends => {
                    return Err(wrong("the two sides send different numbers of messages"));
                }
                Some(first) => {
                    first.stderr_bytes = first.stderr_bytes.or(stderr_bytes);
                    first.has_section &= has_section;
                }
            }
        }
        let agreed = agreed.ok_or_else(|| Outcome::Failed("no side was asked".to_owned()))?;
        if let Some(given) = &ctx.agent.given
            && let Some(expected) = &given.expected
        {
            as_expected(&agreed.reply, &expected.0, &given.program.entry)?;
        }
        if let Some(expected) = ctx.agent.expected.as_ref().filter(|_| seed == EXAMPLE_SEED) {
            let pairs = [
                ("example message", agreed.message.get(), &expected.message_sha256),
                ("reply", &agreed.reply[..], &expected.reply_sha256),
            ];
            for (what, bytes, promised) in pairs {
                let seen = sha256_hex(bytes);
                if seen != **promised {
                    let why = format!("the {what} has sha256 {seen}, its manifest says {promised}");
                    return Err(wrong(&why));
                }
            }
        }
        Ok(agreed)
    }
}

/// Fails unless `reply` is what the file at `path` says.
fn as_expected(reply: &[u8], path: &Path, entry: &Entry) -> Attempt<()> {
    let mut expected = module(path)?;
    // Values are lines of text, and an editor ends the last one too.
    if matches!(entry, Entry::Function { .. })
        && expected.ends_with(b"\n")
        && !reply.ends_with(b"\n")
    {
        expected.pop();
    }
    if reply == expected {
        return Ok(());
    }
    let at = reply.iter().zip(&expected).position(|(a, b)| a != b);
    let at = at.unwrap_or(reply.len().min(expected.len()));
    let path = path.display();
    Err(wrong(&format!(
        "it answered {} bytes where {path} has {}, first difference at byte {at}",
        reply.len(),
        expected.len()
    )))
}

fn wrong(why: &str) -> Outcome {
    Outcome::WrongAnswer(why.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_placed_at_cache_lines_all_over_the_page() {
        let mut rng = fastrand::Rng::with_seed(7);
        let mut offsets = std::collections::BTreeSet::new();
        for _ in 0..200 {
            let placed = Placed::at_random(&mut rng, b"message");
            assert_eq!(placed.get(), b"message");
            let offset = placed.get().as_ptr() as usize % PAGE_BYTES;
            assert_eq!(offset % LINE_BYTES, 0);
            offsets.insert(offset);
        }
        assert!(offsets.len() > 40, "{} of 64 lines", offsets.len());
    }
}
