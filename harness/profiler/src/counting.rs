//! Every instruction of some work of this process, counted by callgrind: a [`Profile`] without a
//! sampling error.
//!
//! The process runs under valgrind, asks it to begin, to write and to end, and reads what it wrote,
//! while it still knows whose code is where.

use crate::Watch;
use crate::assemble::{self, CountedPlace, CountedStacks, SideStacks};
use crate::callgrind::{CallLine, CallgrindDump, CodeAt};
use crate::sampler::SharedSpace;
use crate::space::Space;
use caxton_model::file;
use caxton_model::profile::code::CodeWatch;
use caxton_model::profile::{About, COUNTED_BY, Health, Profile, ProfileError};
use caxton_model::reading::{Missing, Reading};
use caxton_sys::callgrind;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ffi::{CString, OsString};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

const VALGRIND: &str = "valgrind";
/// Most functions above one that callgrind tells apart.
const CALLERS: u32 = 60;
/// Longest file of counts that is read, in bytes.
const DUMP_BYTES_MAX: u64 = 128 << 20;

/// Whether there is a valgrind to run.
///
/// # Errors
/// `Unsupported`, with how to get it.
pub fn availability() -> Result<(), Missing> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let is_program = |file: PathBuf| {
        let about = file.metadata();
        about.is_ok_and(|about| about.is_file() && about.permissions().mode() & 0o111 != 0)
    };
    if std::env::split_paths(&path).any(|folder| is_program(folder.join(VALGRIND))) {
        return Ok(());
    }
    let why = "there is no valgrind: on Debian, `apt-get install valgrind`";
    Err(Missing::Unsupported(why.to_owned()))
}

/// The command that runs a program under callgrind, ready for [`CallgrindCounts`] that read `out`.
/// Instructions are counted from a request on, and `with_callers` tells them apart by who called.
pub fn command(out: &Path, with_callers: bool) -> Vec<OsString> {
    let mut file = OsString::from("--callgrind-out-file=");
    file.push(out);
    let flags = [
        VALGRIND,
        "--tool=callgrind",
        "--quiet",
        // Its files outlive a worker that is killed.
        "--vgdb=no",
        "--instr-atstart=no",
        // Without it a guest that leaves its memory ends the process instead of trapping.
        "--vex-iropt-register-updates=allregs-at-mem-access",
        "--read-inline-info=no",
        "--demangle=no",
        "--dump-line=no",
        "--dump-instr=yes",
        "--combine-dumps=no",
    ];
    let callers = format!("--separate-callers={CALLERS}");
    let of_calls = [
        callers.as_str(),
        "--branch-sim=yes",
        "--cache-sim=yes",
        // The same on every machine.
        "--I1=32768,8,64",
        "--D1=32768,8,64",
        "--LL=8388608,16,64",
    ];
    let of_calls = of_calls.into_iter().filter(|_| with_callers);
    flags.into_iter().chain(of_calls).map(OsString::from).chain([file]).collect()
}

/// Counts of this process, which runs under callgrind.
pub struct CallgrindCounts {
    shared: Arc<SharedSpace>,
    out: PathBuf,
    dumps: u32,
    /// Native builds of agents.
    natives: Vec<PathBuf>,
}

/// What was counted, as callgrind wrote it.
pub struct DumpFile(PathBuf);

impl DumpFile {
    /// Reads it.
    ///
    /// # Errors
    /// Callgrind wrote nothing, or nothing that can be read.
    pub fn read(&self) -> Result<CallgrindDump, ProfileError> {
        let unreadable = |why: String| ProfileError::Unreadable { what: "callgrind's file", why };
        let text = file::read(&self.0, DUMP_BYTES_MAX);
        let text = text.map_err(|error| unreadable(error.to_string()))?;
        let text = String::from_utf8(text).map_err(|error| unreadable(error.to_string()))?;
        CallgrindDump::parse(&text)
    }
}

impl CallgrindCounts {
    /// Makes ready to read what callgrind writes to `out`.
    ///
    /// # Errors
    /// `Unsupported`: nobody counts.
    pub fn start(out: &Path) -> Result<Self, Missing> {
        if !callgrind::is_valgrind() {
            return Err(Missing::Unsupported("valgrind does not run this process".to_owned()));
        }
        // What is mapped is read at the end: it would change the heap, each time in another way.
        let shared = Arc::new(SharedSpace(Mutex::new(Space::default())));
        Ok(Self { shared, out: out.to_owned(), dumps: 0, natives: Vec::new() })
    }

    /// Whom to tell of code that comes and goes.
    pub fn watch(&self) -> Arc<dyn CodeWatch> {
        Arc::new(Watch(Arc::clone(&self.shared)))
    }

    /// Says that the shared library at `path` is a native build: its functions are the agent's.
    pub fn native(&mut self, path: &Path) {
        self.natives.push(path.to_owned());
    }

    /// Counts what `work` does, to be read later: to read it now would change the heap that what is
    /// counted next finds.
    pub fn count<T>(&mut self, label: &str, work: impl FnOnce() -> T) -> (T, DumpFile) {
        let label = CString::new(label).unwrap_or_default();
        self.dumps += 1;
        let mut path = self.out.clone().into_os_string();
        path.push(format!(".{}", self.dumps));
        callgrind::start();
        let done = work();
        callgrind::dump(&label);
        callgrind::stop();
        (done, DumpFile(path.into()))
    }

    /// The instructions of each of `dumps` by stack. Takes seconds where debug information is
    /// large. With `has_hot` the hottest functions come with their machine code.
    pub fn profiles(&self, dumps: Vec<(About, &CallgrindDump)>, has_hot: bool) -> Vec<Profile> {
        let mut space = self.shared.space();
        space.refresh();
        self.natives.iter().for_each(|path| space.add_twin(path));
        let mut counted = Vec::new();
        for (about, dump) in dumps {
            let (stacks, rootless) = stacks(dump, &mut space);
            counted.push(SideStacks { about, stacks, rootless });
        }
        let health = Health {
            engine: COUNTED_BY.to_owned(),
            asked_hz: None,
            real_hz: None,
            cpu_ns: 0,
            kernel_ns: Reading::Missing(Missing::Unsupported(
                "callgrind counts no instruction of the kernel".to_owned(),
            )),
            lost: 0,
            samples: 0,
            unresolved: 0,
            rootless: 0,
            mended: 0,
            notes: Vec::new(),
        };
        assemble::counted(&space, counted, &health, has_hot)
    }
}

/// Instructions by stack, the root first; and those whose stack was cut.
fn stacks(dump: &CallgrindDump, space: &mut Space) -> (CountedStacks, u64) {
    let mut places = |at: CodeAt| match dump.objects.get(at.object as usize) {
        Some(path) if path != UNKNOWN_OBJECT => {
            space.place_in(path, at.address).unwrap_or_else(|| space.place(at.address))
        }
        _ => space.place(at.address),
    };
    let called: BTreeSet<u32> = dump.calls.iter().map(|call| call.context).collect();
    let first_calls = first_calls(dump, &called);
    let mut chains: BTreeMap<u32, (Vec<CountedPlace>, bool)> = BTreeMap::new();
    let mut stacks = CountedStacks::new();
    let mut rootless = 0;
    for cost in &dump.costs {
        let (above, is_cut) = chains.entry(cost.context).or_insert_with(|| {
            let (mut chain, mut context) = (Vec::new(), cost.context);
            while let Some(call) = first_calls.get(&context) {
                let place = places(call.from);
                chain.push(match call.is_only_place {
                    true => CountedPlace::Instruction(place),
                    false => CountedPlace::SomewhereIn(place),
                });
                context = call.caller;
            }
            chain.reverse();
            (chain, called.contains(&context))
        });
        rootless += if *is_cut { cost.instructions } else { 0 };
        let mut stack = above.clone();
        stack.push(CountedPlace::Instruction(places(cost.at)));
        *stacks.entry(stack).or_default() += cost.instructions;
    }
    (stacks, rootless)
}

/// Who called a context.
struct FirstCall {
    caller: u32,
    from: CodeAt,
    /// Whether the caller calls it from nowhere else.
    is_only_place: bool,
}

/// Who called each context, of those that are `called`, on the shortest way from where counting
/// began. A function that calls itself, or is called back, has contexts that call each other: on
/// the shortest way each stands once.
fn first_calls(dump: &CallgrindDump, called: &BTreeSet<u32>) -> BTreeMap<u32, FirstCall> {
    let mut calls: BTreeMap<u32, Vec<&CallLine>> = BTreeMap::new();
    for call in &dump.calls {
        calls.entry(call.caller).or_default().push(call);
    }
    let mut next: VecDeque<u32> =
        calls.keys().copied().filter(|caller| !called.contains(caller)).collect();
    let mut first: BTreeMap<u32, FirstCall> = BTreeMap::new();
    while let Some(caller) = next.pop_front() {
        for call in calls.get(&caller).into_iter().flatten() {
            match first.entry(call.context) {
                Entry::Vacant(entry) => {
                    entry.insert(FirstCall { caller, from: call.from, is_only_place: true });
                    next.push_back(call.context);
                }
                Entry::Occupied(mut entry) => {
                    let known = entry.get_mut();
                    known.is_only_place &= known.caller != caller || known.from == call.from;
                }
            }
        }
    }
    first
}

/// What callgrind calls code of no file.
const UNKNOWN_OBJECT: &str = "???";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::callgrind::{CallLine, CostLine};

    fn at(address: u64) -> CodeAt {
        CodeAt { object: 0, address }
    }

    fn cost(context: u32, address: u64, instructions: u64) -> CostLine {
        CostLine { context, at: at(address), instructions }
    }

    #[test]
    fn a_stack_has_the_place_of_each_call_where_that_is_one_place() {
        // `main` calls `once` from one place and `twice` from two; `twice` calls itself and `leaf`.
        let names =
            ["main", "once'main", "twice'main", "twice'2'main", "leaf'twice'main", "a", "b"];
        let call = |caller, from, context| CallLine { caller, from: at(from), context };
        let dump = CallgrindDump {
            contexts: names.map(str::to_owned).to_vec(),
            objects: vec![UNKNOWN_OBJECT.to_owned()],
            costs: vec![
                cost(0, 0x10, 5),
                cost(1, 0x20, 7),
                cost(2, 0x30, 1),
                cost(3, 0x30, 2),
                cost(4, 0x40, 3),
                cost(5, 0x50, 4),
            ],
            calls: vec![
                call(0, 0x11, 1),
                call(0, 0x12, 2),
                call(0, 0x13, 2),
                call(3, 0x31, 3),
                call(2, 0x31, 3),
                call(2, 0x32, 4),
                // Two that call each other, and nobody else.
                call(6, 0x51, 5),
                call(5, 0x61, 6),
            ],
            ..CallgrindDump::default()
        };
        let mut space = Space::default();
        let (found, rootless) = stacks(&dump, &mut space);
        let mut of = |address| space.place(address);
        let [main, once, twice] = [0x10, 0x20, 0x30].map(&mut of);
        let [to_once, to_twice, to_itself, to_leaf, leaf] =
            [0x11, 0x12, 0x31, 0x32, 0x40].map(&mut of);
        let lost = of(0x50);
        use CountedPlace::{Instruction, SomewhereIn};
        let expected = CountedStacks::from([
            (vec![Instruction(main)], 5),
            (vec![Instruction(to_once), Instruction(once)], 7),
            (vec![SomewhereIn(to_twice), Instruction(twice)], 1),
            // However deep it called itself, it began in `main`.
            (vec![SomewhereIn(to_twice), Instruction(to_itself), Instruction(twice)], 2),
            (vec![SomewhereIn(to_twice), Instruction(to_leaf), Instruction(leaf)], 3),
            (vec![Instruction(lost)], 4),
        ]);
        assert_eq!(found, expected);
        assert_eq!((found.values().sum::<u64>(), rootless), (5 + 7 + 1 + 2 + 3 + 4, 4));
    }

    #[test]
    fn nobody_counts_without_valgrind() {
        let why = CallgrindCounts::start(Path::new("counts")).err().expect("no valgrind");
        assert!(why.to_string().contains("valgrind does not run this process"), "{why}");
    }
}
