//! What this machine can see: comparisons of the same, and of slow-downs of known size.
//!
//! Each trial is a comparison as `--baseline` makes it, of one agent with itself; a planted
//! slow-down is a message that makes the agent do more of the same work. Executable and guest are
//! the same on both sides, so that nothing but the work can differ.

use super::super::error::CommandError;
use super::super::output::{note, print, style};
use super::super::place::as_the_user_means;
use super::args::SelfTest;
use super::contest::{begin, pack_here, want};
use super::enough::Enough;
use super::prepare::prepare;
use super::progress::Silent;
use super::session::{STOP, Session, hold, is_stopped, watch_for_ctrl_c};
use crate::guest::catalog::EXAMPLE_SEED;
use crate::job::scale::Scale;
use crate::job::task::Task;
use crate::job::{Job, Pair};
use crate::measure::turns::compare::{Compare, Contest, CountedCases, Settings, What, metrics_of};
use crate::measure::turns::kit::OpenKit;
use caxton_analysis::exit;
use caxton_model::case::{CaseKey, OVERHEAD, Outcome};
use caxton_model::paired::comparison::Comparison;
use caxton_model::paired::{Design, Weight};
use caxton_model::record::store::RunFolder;
use caxton_report::paint::paint;
use caxton_report::sections::selftest::{Trial, report};
use caxton_sys::clock;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

/// The agent whose message says how much it has to do.
const AGENT: &str = "vm";
/// Instructions of its usual message; the upper half of the seed adds to them.
const INSTRUCTIONS: u64 = 20_000;
/// Planted slow-downs, in per mille of the instructions.
const PLANTED_PERMILLE: [u64; 5] = [0, 5, 10, 20, 50];
/// Longest time for a launch pair.
const TRIAL: Duration = Duration::from_secs(60);
/// Trials between two lines of progress.
const LINE_EVERY: usize = 20;

pub(super) fn run(session: &Session<'_>, config: &SelfTest) -> Result<u8, CommandError> {
    let subject = Pair::Overhead.subject();
    let case = CaseKey::new(session.suite.name, OVERHEAD, subject, AGENT);
    let tasks = [Task::new(case.clone(), Job::Overhead)];
    let out = config.out.as_deref().map(as_the_user_means);
    let _held = out.as_deref().map(hold).transpose()?;
    session.sweep_leftovers();
    let prepared = prepare(&session.workspace, &tasks, &BTreeMap::new())?;
    if let Some(Err(outcome)) = prepared.files.get(AGENT) {
        return Err(failed(outcome));
    }
    let scratch = session.scratch()?;
    let packed = scratch.path().join("packed");
    pack_here(session, &tasks, &prepared, &packed, "self-test")?;
    let kit = OpenKit::open(&packed, &scratch.path().join("0"))?;
    let seed = config.seed.unwrap_or_else(clock::entropy);
    let agents = session.workspace.agents.values().filter(|agent| !agent.calibration);
    let agents = agents.count() as u32;
    let enough = Enough { precision: None, budget: None, until_decided: config.until_decided };
    let design = Design {
        primary: agents * metrics_of(true, Weight::Primary),
        secondary: agents * metrics_of(true, Weight::Secondary),
        ..enough.design(config.find, config.margin)
    };
    let budget = enough.of_comparison();
    let bench =
        Bench { session, out: out.as_deref(), kit: &kit, case: &case, design: &design, budget };
    watch_for_ctrl_c();
    let trials = bench.trials(config.trials, seed)?;
    let (table, is_sound) = report(&trials, &design, &session.begin(Scale::Quick, seed));
    print(paint(&table, &style()));
    Ok(match is_sound {
        _ if is_stopped() => exit::INTERRUPTED,
        true => exit::FINE,
        false => exit::NOT_COMPARABLE,
    })
}

fn failed(outcome: &Outcome) -> CommandError {
    CommandError::NoSelfTest { why: outcome.reason().unwrap_or_default().to_owned() }
}

struct Bench<'a> {
    session: &'a Session<'a>,
    /// Where samples are kept.
    out: Option<&'a Path>,
    kit: &'a OpenKit,
    case: &'a CaseKey,
    design: &'a Design,
    /// Longest time for a trial's launch pairs, as in a comparison.
    budget: Duration,
}

impl Bench<'_> {
    /// All trials, in random order: what the machine does meanwhile falls on all sizes alike.
    fn trials(&self, count: u32, seed: u64) -> Result<Vec<Trial>, CommandError> {
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut order = Vec::new();
        for permille in PLANTED_PERMILLE {
            order.extend((0..count.max(1)).map(|_| permille));
        }
        rng.shuffle(&mut order);
        let mut trials = Vec::new();
        for (number, permille) in order.iter().enumerate() {
            if number % LINE_EVERY == 0 {
                note(&format!("trial {} of {}", number + 1, order.len()));
            }
            let comparison = self.trial(number, *permille, rng.u64(..))?;
            if is_stopped() {
                break;
            }
            let [case] = &comparison.cases[..] else { unreachable!("one contest, one case") };
            if case.outcome != Outcome::Ran {
                return Err(failed(&case.outcome));
            }
            trials.push(Trial { permille: *permille, case: case.clone() });
        }
        Ok(trials)
    }

    fn trial(&self, number: usize, permille: u64, seed: u64) -> Result<Comparison, CommandError> {
        let name = format!("{number:04}-{permille}-permille");
        let folder = self.out.map(|out| RunFolder::create(&out.join(name))).transpose()?;
        let settings = Settings {
            instructions: CountedCases::Nothing,
            timeout: TRIAL,
            budget: self.budget,
            what: What::Times,
            audit: false,
            want: want(Scale::Quick),
            bless_answers: false,
        };
        let design = Design { seed, ..self.design.clone() };
        let mut compare = Compare {
            comparison: begin(self.session, Scale::Quick, design, [self.kit; 2]),
            folder,
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
