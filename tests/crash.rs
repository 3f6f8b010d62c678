//! Agents that are killed under a load, from end to end: who comes back is seen to, and who does
//! not is felt by the requests that were for it.

use crate::executable::{Said, fresh_out, heard, suite, tool_says, word};
use caxton_model::case::Outcome;
use caxton_model::load::outcome::{LoadOutcome, LoadVerdict};
use caxton_model::record::store::RunFolder;
use std::fs;
use std::path::Path;

/// Agents of the load, and those that are killed.
const AGENTS: u64 = 8;
const KILLED: u64 = 2;

/// Two of eight agents die after the first of three seconds, with so many restarts allowed; none
/// where guests cannot be built.
fn killed(restarts: u32) -> Option<(Said, LoadOutcome, String)> {
    let (folder, out) = fresh_out();
    let plan = folder.path().join("plan.toml");
    let text = format!(
        r#"
        name = "deadly"
        agents = {AGENTS}
        message_bytes = 256
        arrivals = "poisson"
        timeout = "2s"
        slo = "2s"
        [[stage]]
        name = "base"
        role = "base"
        length = "1s"
        rate = 1000
        [[stage]]
        name = "crash"
        length = "2s"
        rate = 1000
        kill = {KILLED}
        [thresholds]
        "success{{stage:crash}}" = "rate>0.99"
        "#
    );
    fs::write(&plan, text).expect("a fresh folder");
    let restarts = restarts.to_string();
    let words = ["--bench", "--scale", "quick", "--out", &out, "--plan", &word(&plan)];
    let words = [&words[..], &["--restarts", &restarts]].concat();
    let said = heard(suite("scenarios"), &words).if_guests_can_be_built()?;
    let record = RunFolder::load_record(Path::new(&out)).expect("a record");
    let [case] = &record.cases[..] else { panic!("{} cases", record.cases.len()) };
    assert_eq!(case.outcome, Outcome::Ran, "{said:?}");
    let html = tool_says(&["report", "--html", &out]);
    assert_eq!(html.code, Some(0), "{html:?}");
    let told = tool_says(&["export", "--format", "markdown", &out]).stdout;
    Some((said, case.load.as_deref().expect("a load").clone(), told))
}

#[test]
fn agents_that_are_killed_come_back_and_no_request_is_lost() {
    let Some((said, load, told)) = killed(5) else { return };
    let crashes = load.crashes.as_ref().expect("agents were killed");
    assert_eq!((crashes.killed, crashes.died, crashes.back), (KILLED, KILLED, KILLED));
    assert_eq!(crashes.lost, 0, "{crashes:?}");
    for time in [&crashes.detect, &crashes.restart, &crashes.caught_up] {
        let time = time.known().expect("each death has its times");
        assert!(time.n == KILLED && time.p50 <= time.max, "{time:?}");
    }
    let counts = load.whole.counts;
    assert_eq!(counts.ok, counts.offered, "{counts:?}");
    assert!(!load.reasons.iter().any(|why| why.contains("came back")), "{:?}", load.reasons);
    assert!(said.stdout.contains("agents that were killed"), "{}", said.stdout);
    assert!(told.contains("2 of 8"), "{told}");
}

#[test]
fn agents_that_stay_dead_fail_the_load_by_their_share_of_its_requests() {
    let Some((said, load, _)) = killed(0) else { return };
    assert!(matches!(said.code, Some(99 | 4)), "{said:?}");
    let crashes = load.crashes.as_ref().expect("agents were killed");
    assert_eq!((crashes.killed, crashes.died, crashes.back), (KILLED, KILLED, 0));
    assert!(crashes.restart.known().is_none(), "{crashes:?}");
    let [base, crash] = &load.stages[..] else { panic!("{:?}", load.stages) };
    assert_eq!(base.counts.ok, base.counts.offered);
    assert_eq!(crash.counts.timed_out, crashes.lost, "what was lost is what was not answered");
    assert_eq!(crash.counts.ok + crash.counts.timed_out, crash.counts.offered);
    // 2,000 requests of the seed's, each for any agent: a standard deviation is 0.01.
    let lost = crash.counts.timed_out as f64 / crash.counts.offered as f64;
    let share = KILLED as f64 / AGENTS as f64;
    assert!((lost - share).abs() < 0.05, "{lost}");
    assert!(matches!(load.verdict, LoadVerdict::Fail | LoadVerdict::Invalid), "{load:?}");
    let told = load.reasons.iter().any(|why| why.contains("0 of 2 killed agents came back"));
    assert!(told || load.verdict == LoadVerdict::Invalid, "{:?}", load.reasons);
}
