//! A run that is stopped in the middle, by force or by Ctrl-C: what was finished is kept.

use crate::executable::{Place, Running, bench, fresh_out, tool_says};
use caxton_model::case::Outcome;
use caxton_model::record::store::RunFolder;
use caxton_model::record::{CaseRecord, Record, Status};
use caxton_model::samples::Sample;
use std::path::Path;

/// A run of three agents into `out` that has finished its first case and is busy with a later
/// one; none where guests cannot be built.
pub(crate) fn in_the_middle(out: &str) -> Option<Running> {
    let common = ["--bench", "--scale", "quick", "--out", out];
    let agents = ["--agent", "echo", "--agent", "noop", "--agent", "float"];
    let words = [&common[..], &agents].concat();
    let mut running = Running::start(bench(), &words, &Place::default());
    let folder = Path::new(out);
    let is_there = || RunFolder::load_record(folder).is_ok_and(|record| finished(&record) > 0);
    if running.lives_until(is_there) {
        return Some(running);
    }
    let said = running.wait().if_guests_can_be_built()?;
    panic!("it ended before it was stopped: {said:?}");
}

fn finished(record: &Record) -> usize {
    record.cases.iter().filter(|case| !matches!(case.outcome, Outcome::NotRun(_))).count()
}

/// How a report counts the cases: those of something against itself belong to its own case, and
/// one without all its launches is there in part.
fn counted(record: &Record) -> String {
    let own = record.cases.iter().filter(|case| !case.key.is_same_against_same());
    let all = own.clone().count();
    let begun = own.filter(|case| !matches!(case.outcome, Outcome::NotRun(_)));
    let is_cut = |case: &&CaseRecord| case.launches.granted < case.launches.wanted;
    let (cut, whole): (Vec<_>, Vec<_>) = begun.partition(is_cut);
    let in_part = if cut.is_empty() { String::new() } else { format!(", {} in part", cut.len()) };
    format!("{} of {all} cases whole{in_part}", whole.len())
}

/// Loads the run and asserts that each finished case has its numbers and each sample its case.
fn whole(out: &str) -> (Record, Vec<Sample>) {
    let (record, samples) = RunFolder::load(Path::new(out)).expect("it loads after any end");
    assert!(finished(&record) > 0);
    for case in &record.cases {
        if matches!(case.outcome, Outcome::NotRun(_)) {
            assert!(!samples.iter().any(|sample| sample.case == case.key), "{}", case.key);
            continue;
        }
        assert_eq!(case.outcome, Outcome::Ran, "{}", case.key);
        // As found: beside a neighbour the quiet ratio may be unclear.
        let metric =
            if case.key.is_overhead() { "wasm_to_native_time_as_found" } else { "aa_time" };
        assert!(case.metric(metric).is_ok(), "{}: {:?}", case.key, case.metric(metric));
    }
    (record, samples)
}

#[test]
fn a_killed_run_keeps_what_it_finished_and_leaves_no_worker() {
    let (_folder, out) = fresh_out();
    let Some(running) = in_the_middle(&out) else { return };
    let family = running.mark();
    assert!(family.bearers() > 0, "the run itself bears the mark");
    running.signal("KILL");
    let said = running.wait();
    assert_eq!(said.code, None, "killed");
    assert!(family.is_gone_soon(), "{} processes are left", family.bearers());
    let (record, _) = whole(&out);
    assert_eq!(record.run.status, Status::Running, "nobody could say otherwise");
    let said = tool_says(&["report", &out]);
    assert_eq!((said.code, said.stderr.as_str()), (Some(0), ""));
    let count = counted(&record);
    assert!(said.stdout.contains(&count), "{count}:\n{}", said.stdout);
}

/// Ends a run by `signal` and looks at what it left.
fn stops_in_order(signal: &str) {
    let (_folder, out) = fresh_out();
    let Some(running) = in_the_middle(&out) else { return };
    let family = running.mark();
    running.signal(signal);
    let said = running.wait().ended(130);
    assert!(family.is_gone_soon(), "{} processes are left", family.bearers());
    let (record, samples) = whole(&out);
    assert_eq!(record.run.status, Status::Interrupted);
    assert!(!samples.is_empty());
    let count = format!("interrupted: {}", counted(&record));
    assert!(said.stdout.contains(&count), "{count}:\n{}", said.stdout);
    assert_eq!(tool_says(&["report", &out]).stdout, said.stdout);
}

#[test]
fn ctrl_c_ends_a_run_in_order_with_its_report() {
    stops_in_order("INT");
}

#[test]
fn a_ci_that_cancels_ends_a_run_in_order_too() {
    stops_in_order("TERM");
}
