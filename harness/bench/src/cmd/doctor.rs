//! `doctor`: a minute that tells what this machine can resolve, and what would make it better.

use super::error::CommandError;
use super::output::{note, print, style};
use crate::timing::{calibrate, checkup};
use caxton_analysis::doctor::{CoreRound, Facts, MachineCheck, MachineState, examine};
use caxton_analysis::exit;
use caxton_model::reading::{Missing, Reading};
use caxton_model::units::Nanos;
use caxton_profiler::{EngineName, Recording};
use caxton_report::paint::paint;
use caxton_report::table::{Table, Tone};
use caxton_sys::clock::Monotonic;
use caxton_sys::counters::Counters;
use caxton_sys::host::CoreTime;
use caxton_sys::process::output;
use caxton_sys::{affinity, clock, host, memory, process};
use std::collections::BTreeMap;
use std::path::Path;

/// How long a core is looked at before the next one's turn, at most.
const TURN: Nanos = Nanos(500_000_000);
/// Cores that are looked at, at most: of more the first.
const CORES_MAX: usize = 16;
const SAMPLING_HZ: u32 = 1_000;

/// Looks at this machine for `time`, and prints what was found.
pub(super) fn run(time: Nanos) -> Result<u8, CommandError> {
    note(&format!("looking at this machine for {time}"));
    let checks = examine(&facts(time));
    print(paint(&table(&checks), &style()));
    Ok(exit::FINE)
}

/// What is found in a look of `time`, as a record keeps it: of each check its state and why.
pub(super) fn summary(time: Nanos) -> BTreeMap<String, String> {
    let told = |check: MachineCheck| {
        (check.name.to_owned(), format!("{}: {}", check.state.name(), check.found))
    };
    examine(&facts(time)).into_iter().map(told).collect()
}

fn facts(time: Nanos) -> Facts {
    let load = memory::load_average().into();
    let before = CoreTime::now();
    let rounds = rounds(time);
    let steal = before.and_then(|before| {
        let none = || Missing::Undefined("too little time passed".to_owned());
        CoreTime::now()?.stolen_since(before).ok_or_else(none)
    });
    let cost = calibrate::measure(&Monotonic);
    let counters = Counters::open();
    let cycles = counters.missing().iter().find(|(name, _)| *name == "cycles");
    let sampling = Recording::start(Some(EngineName::PerfClock), SAMPLING_HZ).map(drop);
    let valgrind = output(process::command("valgrind", Path::new("/")).arg("--version"));
    Facts {
        fingerprint: host::fingerprint().fingerprint,
        siblings: rounds.keys().map(|core| (*core, host::siblings(*core).into())).collect(),
        rounds,
        clock_read_ns: cost.map_or(f64::NAN, |cost| cost.clock_read_ns),
        clock_source: host::clock_source().into(),
        steal: steal.into(),
        load,
        hardware_events: cycles
            .map_or(Reading::Known(()), |(_, why)| Reading::Missing(why.clone())),
        sampling: sampling.into(),
        valgrind: valgrind.map_err(Missing::Unsupported).into(),
        memory: memory::available().into(),
    }
}

/// What was seen on each core that this process may choose; one core that it cannot choose is the
/// first.
fn rounds(time: Nanos) -> BTreeMap<usize, Vec<CoreRound>> {
    let mut cores = affinity::cores_to_bind().unwrap_or_default();
    cores.truncate(CORES_MAX);
    let seen_on = |core: Option<usize>, time| {
        // In a thread of its own, which takes the binding along.
        let seen = std::thread::spawn(move || {
            if let Some(core) = core {
                let _ = affinity::pin_to(core);
            }
            let mut rng = fastrand::Rng::with_seed(clock::entropy());
            checkup::rounds(&Monotonic, &mut rng, time)
        });
        seen.join().unwrap_or_default()
    };
    if cores.is_empty() {
        return BTreeMap::from([(0, seen_on(None, time))]);
    }
    let mut seen: BTreeMap<usize, Vec<CoreRound>> = BTreeMap::new();
    // Each core has the same number of turns, one at least.
    let turn = Nanos(TURN.0.min(time.0 / cores.len() as u64));
    let turns = (time.0 / turn.0.max(1)) as usize / cores.len() * cores.len();
    for core in cores.iter().cycle().take(turns) {
        seen.entry(*core).or_default().extend(seen_on(Some(*core), turn));
    }
    seen
}

fn table(checks: &[MachineCheck]) -> Table {
    let title = "This machine: what it can resolve, and what would make it better";
    let mut table = Table::new(title, &["<check", "<", "<found"]);
    for check in checks {
        let tone = if check.state == MachineState::Poor { Tone::Bad } else { Tone::Plain };
        table.row(tone, [check.name, check.state.name(), &check.found]);
    }
    for check in checks {
        if let Some(advice) = &check.advice {
            table.note(Tone::Bad, &format!("{}: {advice}", check.name));
        }
    }
    table.note(
        Tone::Plain,
        "noise floor: how far a 95 % interval reaches to either side, of two equal pieces of work \
         in turns; memory layout, which differs from launch to launch, comes on top",
    );
    table
}
