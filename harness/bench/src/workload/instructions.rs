//! Every instruction of an agent's calls, of both sides, in a process that callgrind runs. Times
//! mean nothing there, and nothing is timed.
//!
//! What a call costs is the difference between 2N calls and N: what is done once for each of the
//! two counts falls out of it.

use super::overhead::pads;
use super::sides::{Exchange, Loaded, Placed, needed};
use crate::guest::catalog::EXAMPLE_SEED;
use crate::guest::toolchain::Side;
use crate::job::launch::Event;
use crate::job::sides::{ROLES, SideBuild, SideSpec};
use crate::job::{CountedPhase, Instructions};
use crate::timing::context::{Context, Total};
use caxton_model::case::Outcome;
use caxton_model::profile::{About, Profile, ProfileError};
use caxton_model::reading::Missing;
use caxton_profiler::callgrind::{CallgrindDump, EventCounts, INSTRUCTIONS};
use caxton_profiler::counting::{CallgrindCounts, DumpFile};
use caxton_runtime::subject::wasmtime::keep_code_in;
use caxton_runtime::subject::{AgentInstance, Attempt};
use std::collections::BTreeMap;
use std::path::Path;
use std::slice::from_ref;

/// N, where a call takes less than [`LONG`]: an allocator may alternate between states from call to
/// call.
const CALLS: u64 = 16;
/// Calls before that, which cost little because nobody counts them: buffers have grown, lazy state
/// is there, and a heap has come to the state in which it stays.
const WARM_UP: u64 = 256;
/// Instructions of a call that is counted alone: at 50 times its usual time it takes seconds.
const LONG: u64 = 50_000_000;
/// Where in a page messages lie, always: a copy takes another path for each alignment.
const PAGE_OFFSET: usize = 256;

/// How many times longer a launch may take that callgrind runs.
pub const SLOWER: u32 = 6;

/// The file that callgrind writes to, in a folder of the launch.
pub const OUT: &str = "counts";

/// What calls of one side came to.
struct CountedSide<T> {
    role: &'static str,
    name: String,
    calls: u64,
    instantiate: T,
    first: T,
    /// `calls` calls, and twice as many.
    steady: [T; 2],
}

impl CountedSide<DumpFile> {
    fn read(self) -> Attempt<CountedSide<CallgrindDump>> {
        let read = |file: DumpFile| file.read().map_err(|why| failed(&why));
        let [once, twice] = self.steady;
        Ok(CountedSide {
            role: self.role,
            name: self.name,
            calls: self.calls,
            instantiate: read(self.instantiate)?,
            first: read(self.first)?,
            steady: [read(once)?, read(twice)?],
        })
    }
}

/// Counts as `job` says; callgrind, which runs this worker, writes to `out`, and compiled code is
/// kept in the folder `code`.
pub fn run(ctx: &mut Context<'_>, job: &Instructions, out: &Path, code: &Path) -> Attempt<()> {
    // What the C library's heap does depends on how it is laid out: in another way in each launch,
    // and in the same ways in each run, so that what differs by it is seen.
    ctx.rng = fastrand::Rng::with_seed(u64::from(ctx.launch));
    let pads = pads(ctx);
    // All else is the same in every launch, or a copy takes another path.
    ctx.rng = fastrand::Rng::with_seed(0);
    let specs = specs(ctx, job);
    if job.phase == CountedPhase::Code {
        keep_code_in(code);
        for (role, spec) in &specs {
            let (loaded, _) = Loaded::load_spec(ctx, ctx.agent, spec, None)?;
            tell_code(ctx, role, &loaded);
        }
        return Ok(());
    }
    let mut counting = CallgrindCounts::start(out)
        .map_err(|why| Outcome::Failed(format!("instructions: {why}")))?;
    if job.phase == CountedPhase::Compile {
        return compile(ctx, &mut counting, &specs, code);
    }
    ctx.working();
    let (mut sides, mut counted, mut replies) = (Vec::new(), Vec::new(), Vec::new());
    for (role, spec) in &specs {
        if spec.build == SideBuild::Native {
            if let Some(path) = &ctx.agent.native {
                counting.native(path);
            }
        } else {
            // Not before: it starts a thread, and the C library's heap takes locks from then on.
            keep_code_in(code);
        }
        let (side, _) = Loaded::load_spec(ctx, ctx.agent, spec, Some(counting.watch()))?;
        tell_code(ctx, role, &side);
        if matches!(side, Loaded::Command(_)) {
            let why = "its native build is a process of its own".to_owned();
            ctx.missing(&format!("{role}_exact_instructions"), Missing::NotRequested(why));
        } else {
            // Before the next side is loaded, so that each finds the heap of a fresh process.
            let (count, reply) = calls(&mut counting, role, spec, &side)?;
            counted.push(count);
            replies.push(reply);
        }
        sides.push(side);
    }
    let exchange = Exchange::agree(ctx, &sides)?;
    if replies.iter().any(|reply| *reply != exchange.reply) {
        return Err(Outcome::WrongAnswer("its reply changed from call to call".to_owned()));
    }
    // Not before: it would change the heap.
    let counted = counted.into_iter().map(CountedSide::read).collect::<Attempt<Vec<_>>>()?;
    drop(pads);
    tell(ctx, &counting, &counted, job.is_profile)
}

/// The sides to count, by their role in metrics: those of the job, or native and WASM.
fn specs(ctx: &Context<'_>, job: &Instructions) -> Vec<(&'static str, SideSpec)> {
    if let Some(pair) = &job.pair {
        return ROLES.into_iter().zip(pair.iter().cloned()).collect();
    }
    let mut sides = needed(ctx.agent, from_ref(ctx.case));
    // Native first, as the reference.
    sides.reverse();
    let spec = |side: Side| {
        let build = if side == Side::Native { SideBuild::Native } else { SideBuild::Wasm };
        (side.name(), SideSpec { name: side.name().to_owned(), build, flags: String::new() })
    };
    sides.into_iter().map(spec).collect()
}

fn tell_code(ctx: &mut Context<'_>, role: &str, loaded: &Loaded) {
    if let Some(sha256) = loaded.code_digest() {
        (ctx.tell)(Event::Code { role: role.to_owned(), sha256 });
    }
}

fn compile(
    ctx: &mut Context<'_>,
    counting: &mut CallgrindCounts,
    specs: &[(&'static str, SideSpec)],
    code: &Path,
) -> Attempt<()> {
    ctx.working();
    for (role, spec) in specs.iter().filter(|(_, spec)| spec.build != SideBuild::Native) {
        let (loaded, file) =
            counting.count("compile", || Loaded::load_spec(ctx, ctx.agent, spec, None));
        drop(loaded?);
        let dump = file.read().map_err(|why| failed(&why))?;
        ctx.once(&format!("{role}_compile_instructions"), dump.total[INSTRUCTIONS]);
    }
    // Once more, for the launches that count calls.
    keep_code_in(code);
    for (_, spec) in specs {
        drop(Loaded::load_spec(ctx, ctx.agent, spec, None)?);
    }
    Ok(())
}

/// Counts one side's instance from its making on; the counts, and the last reply.
fn calls(
    counting: &mut CallgrindCounts,
    role: &'static str,
    spec: &SideSpec,
    side: &Loaded,
) -> Attempt<(CountedSide<DumpFile>, Vec<u8>)> {
    // What is done once in a process is done for this one.
    let example = side.instantiate()?.example(EXAMPLE_SEED)?;
    let message = Placed::at_random(&mut fastrand::Rng::with_seed(0), &example);
    let message = message.get();
    let (instance, instantiate) = counting.count("instantiate", || side.instantiate());
    let mut instance = instance?;
    instance.reserve(message.len(), PAGE_OFFSET)?;
    let (done, first) = counting.count("first call", || instance.call(message));
    done?;
    let is_long = first.read().map_err(|why| failed(&why))?.total[INSTRUCTIONS] >= LONG;
    let (warm_up, calls) = if is_long { (1, 1) } else { (WARM_UP, CALLS) };
    instance.batch(message, warm_up)?;
    let once = batch(counting, &mut *instance, message, calls)?;
    let twice = batch(counting, &mut *instance, message, calls * 2)?;
    let steady = [once, twice];
    let side = CountedSide { role, name: spec.name.clone(), calls, instantiate, first, steady };
    Ok((side, instance.reply().to_vec()))
}

/// Counts `calls` calls. Not inlined: the code around them is the same each time, so that it falls
/// out of a difference to the last instruction.
#[inline(never)]
fn batch(
    counting: &mut CallgrindCounts,
    instance: &mut dyn AgentInstance,
    message: &[u8],
    calls: u64,
) -> Attempt<DumpFile> {
    let (done, file) = counting.count("calls", || instance.batch(message, calls));
    done.map(|()| file)
}

fn tell(
    ctx: &mut Context<'_>,
    counting: &CallgrindCounts,
    counted: &[CountedSide<CallgrindDump>],
    is_profile: bool,
) -> Attempt<()> {
    let about = |side: &CountedSide<CallgrindDump>, messages: u64| About {
        case: ctx.case.to_string(),
        side: side.name.clone(),
        messages,
        counters: BTreeMap::new(),
    };
    let dumps = counted.iter().flat_map(|side| {
        let [once, twice] = &side.steady;
        [(about(side, side.calls), once), (about(side, side.calls * 2), twice)]
    });
    let profiles = counting.profiles(dumps.collect(), is_profile);
    for (side, profiles) in counted.iter().zip(profiles.chunks(2)) {
        let [once, twice] = profiles else { continue };
        for (dump, profile) in side.steady.iter().zip([once, twice]) {
            adds_up(dump, profile)?;
        }
        tell_side(ctx, side, [once, twice])?;
        if is_profile {
            let profile = Box::new(twice.clone());
            (ctx.tell)(Event::Profile { case: ctx.case.clone(), profile });
        }
    }
    Ok(())
}

/// Fails unless stacks and instructions add up to what callgrind says.
fn adds_up(dump: &CallgrindDump, profile: &Profile) -> Attempt<()> {
    let total = dump.total[INSTRUCTIONS];
    if dump.sum[INSTRUCTIONS] == total && profile.total() == total {
        return Ok(());
    }
    Err(Outcome::Failed(format!(
        "callgrind counted {total} instructions, its lines have {} and the stacks {}",
        dump.sum[INSTRUCTIONS],
        profile.total()
    )))
}

fn tell_side(
    ctx: &mut Context<'_>,
    side: &CountedSide<CallgrindDump>,
    profiles: [&Profile; 2],
) -> Attempt<()> {
    let role = side.role;
    let per_call =
        |[once, twice]: [u64; 2]| twice.checked_sub(once).map(|more| Total::over(more, side.calls));
    let parts = profiles.map(Profile::parts);
    let by_part = [
        ("agent", parts.map(|parts| parts.agent)),
        ("library", parts.map(|parts| parts.libraries)),
        ("crossing", parts.map(|parts| parts.boundary)),
        ("engine", parts.map(|parts| parts.engine)),
        ("harness", parts.map(|parts| parts.host)),
        ("unnamed", parts.map(|parts| parts.unknown)),
    ];
    for (part, counts) in by_part {
        let count = per_call(counts).ok_or_else(|| {
            let why = format!("{role}: {part} instructions: fewer in twice as many calls");
            Outcome::Failed(why)
        })?;
        ctx.once(&format!("{role}_{part}_instructions"), count);
    }
    let [once, twice] = &side.steady;
    let totals = |events: &[&str]| [once, twice].map(|dump| sum_of(&dump.total, events));
    for (name, events) in [
        ("exact_instructions", &["Ir"][..]),
        ("simulated_loads", &["Dr"]),
        ("simulated_stores", &["Dw"]),
        ("simulated_branches", &["Bc"]),
        ("simulated_mispredicts", &["Bcm", "Bim"]),
        ("simulated_l1_misses", &["I1mr", "D1mr", "D1mw"]),
        ("simulated_llc_misses", &["ILmr", "DLmr", "DLmw"]),
    ] {
        let metric = format!("{role}_{name}");
        match per_call(totals(events)) {
            Some(count) => ctx.once(&metric, count),
            None => {
                let why = "twice as many calls had fewer: too few to tell";
                ctx.missing(&metric, Missing::Undefined(why.to_owned()));
            }
        }
    }
    let phases = [("instantiate", &side.instantiate), ("first_call", &side.first)];
    for (phase, dump) in phases {
        ctx.once(&format!("{role}_{phase}_instructions"), dump.total[INSTRUCTIONS]);
    }
    Ok(())
}

fn sum_of(counts: &EventCounts, events: &[&str]) -> u64 {
    let named = caxton_profiler::callgrind::EVENTS.iter().zip(counts);
    named.filter(|(event, _)| events.contains(*event)).map(|(_, count)| count).sum()
}

fn failed(why: &ProfileError) -> Outcome {
    Outcome::Failed(format!("instructions: {why}"))
}
