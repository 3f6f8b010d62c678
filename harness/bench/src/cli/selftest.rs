//! What this machine can see: comparisons of the same, and of slow-downs of known size.
//!
//! Each trial is a comparison as `--baseline` makes it, of one agent with itself; a planted
//! slow-down is a message that makes the agent do more of the same work. Executable and guest are
//! the same on both sides, so that nothing but the work can differ.

use super::args::SelfTest;
use super::bench::{STOP, use_colour, watch_for_ctrl_c};
use super::compare::{begin, pack_here};
use super::files::{Prepared, prepare};
use super::messages::{Problem, note, result};
use super::place::as_the_user_means;
use super::progress::Silent;
use super::relink::hold;
use super::scratch::{scratch, sweep_leftovers};
use crate::guest::catalog::{EXAMPLE_SEED, Workspace};
use crate::job::scale::Scale;
use crate::job::task::Task;
use crate::job::{Job, Pair};
use crate::measure::turns::compare::{Compare, Contest, Settings, What, metrics_of};
use crate::measure::turns::kit::OpenKit;
use crate::measure::turns::wire::Want;
use crate::suite::Suite;
use caxton_analysis::exit;
use caxton_model::case::{CaseKey, OVERHEAD, Outcome};
use caxton_model::paired::comparison::Comparison;
use caxton_model::paired::{Design, Weight};
use caxton_model::record::store::RunFolder;
use caxton_report::paint::paint;
use caxton_report::sections::Style;
use caxton_report::sections::selftest::{Trial, report};
use caxton_sys::clock;
use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// The agent whose message says how much it has to do.
const AGENT: &str = "vm";
/// Instructions of its usual message; the upper half of the seed adds to them.
const INSTRUCTIONS: u64 = 20_000;
/// Planted slow-downs, in per mille of the instructions.
const PLANTED_PERMILLE: [u64; 4] = [0, 10, 20, 50];
/// Trials between two lines of progress.
const LINE_EVERY: usize = 20;

/// Runs it.
pub(super) fn run(
    suite: &Suite,
    words: &SelfTest,
    workspace: &Workspace,
) -> Result<ExitCode, Problem> {
    let subject = Pair::Overhead.subject();
    let case = CaseKey::new(suite.name, OVERHEAD, subject, AGENT);
    let tasks = [Task::new(case.clone(), Job::Overhead)];
    let _held = words.out.as_deref().map(|out| hold(&as_the_user_means(out))).transpose()?;
    sweep_leftovers(workspace);
    let Prepared { files, artifacts, .. } = prepare(workspace, &tasks, &BTreeMap::new())?;
    if let Some(Err(outcome)) = files.get(AGENT) {
        let why = outcome.reason().unwrap_or_default().to_owned();
        return Err(Problem::NoSelfTest { why });
    }
    let scratch = scratch(workspace)?;
    let packed = scratch.path().join("packed");
    pack_here((suite, workspace, &tasks), (&packed, "self-test"), (&files, &artifacts))?;
    let kit = OpenKit::open(&packed, &scratch.path().join("0"))?;
    let seed = words.seed.unwrap_or_else(clock::entropy);
    let agents = workspace.agents.values().filter(|agent| !agent.calibration).count() as u32;
    let design = Design {
        primary: agents * metrics_of(true, Weight::Primary),
        secondary: agents * metrics_of(true, Weight::Secondary),
        ..Design::with_margin(words.margin)
    };
    let bench = Bench { suite, words, workspace, kit: &kit, case: &case, design: &design };
    watch_for_ctrl_c();
    let trials = bench.trials(seed)?;
    let (table, is_sound) = report(&trials, &design, seed);
    result(&paint(&table, &Style { colour: use_colour() }));
    Ok(match is_sound {
        _ if STOP.load(Ordering::Relaxed) => ExitCode::from(exit::INTERRUPTED),
        true => ExitCode::SUCCESS,
        false => ExitCode::from(exit::NOT_COMPARABLE),
    })
}

struct Bench<'a> {
    suite: &'a Suite,
    words: &'a SelfTest,
    workspace: &'a Workspace,
    kit: &'a OpenKit,
    case: &'a CaseKey,
    design: &'a Design,
}

impl Bench<'_> {
    /// All trials, in random order: what the machine does meanwhile falls on all sizes alike.
    fn trials(&self, seed: u64) -> Result<Vec<Trial>, Problem> {
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut order = Vec::new();
        for permille in PLANTED_PERMILLE {
            let trials = if permille == 0 { self.words.trials } else { self.words.trials / 2 };
            order.extend((0..trials.max(1)).map(|_| permille));
        }
        rng.shuffle(&mut order);
        let mut trials = Vec::new();
        for (number, permille) in order.iter().enumerate() {
            if number % LINE_EVERY == 0 {
                note(&format!("trial {} of {}", number + 1, order.len()));
            }
            let comparison = self.trial((number, *permille), rng.u64(..))?;
            if STOP.load(Ordering::Relaxed) {
                break;
            }
            let [case] = &comparison.cases[..] else { unreachable!("one contest, one case") };
            if case.outcome != Outcome::Ran {
                let why = case.outcome.reason().unwrap_or_default().to_owned();
                return Err(Problem::NoSelfTest { why });
            }
            trials.push(Trial { permille: *permille, case: case.clone() });
        }
        Ok(trials)
    }

    fn trial(&self, (number, permille): (usize, u64), seed: u64) -> Result<Comparison, Problem> {
        let folder = self.words.out.as_ref().map(|out| {
            let name = format!("{number:04}-{permille}-permille");
            RunFolder::create(&as_the_user_means(out).join(name))
        });
        let effort = Scale::Quick.effort();
        let want = Want::Turns {
            block: effort.block,
            samples_max: effort.samples_per_block,
            instances: effort.instances,
        };
        let settings = Settings {
            timeout: Duration::from_secs(60),
            budget: Duration::from_secs(60),
            what: What::Times,
            audit: false,
            want,
            bless_answers: false,
        };
        let mut compare = Compare {
            comparison: begin(
                (self.suite, self.workspace, Scale::Quick),
                Design { seed, ..self.design.clone() },
                [self.kit; 2],
            ),
            folder: folder.transpose()?,
            settings,
            kits: [self.kit; 2],
            stop: &STOP,
            observer: &Silent,
            example_seeds: [EXAMPLE_SEED, EXAMPLE_SEED | (INSTRUCTIONS * permille / 1000) << 32],
        };
        let contest = Contest { case: self.case.clone(), is_paired: true };
        compare.all(&[contest], &|_| BTreeMap::new())?;
        Ok(compare.comparison)
    }
}
