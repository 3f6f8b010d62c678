//! The worker's side of the protocol: whatever it is given, it answers with an end.

use crate::executable::{Place, Running, Said, bench};
use caxton_bench::guest::files::AgentFiles;
use caxton_bench::job::Job;
use caxton_bench::job::launch::{Event, Launch, PROTOCOL, Sampling, WORKER_ARGUMENT};
use caxton_bench::job::scale::Effort;
use caxton_model::case::{CaseKey, Outcome};
use caxton_model::units::Nanos;
use std::path::PathBuf;

const OTHER_PROTOCOL: u32 = 999;

fn job() -> Launch {
    let agent = AgentFiles {
        name: "none".to_owned(),
        wasm: PathBuf::from("no-such-file.wasm"),
        ..AgentFiles::default()
    };
    let effort = Effort {
        blocks: 1,
        samples_per_block: 1,
        block: Nanos(1),
        instances: 1,
        counting: Nanos(1),
        windows: 2,
        window: Nanos(5_000_000),
    };
    let case = CaseKey::new("wasm", "overhead", "wasmtime-vs-native", "none");
    Launch {
        protocol: PROTOCOL,
        launch: 0,
        seed: 1,
        core: None,
        effort,
        sampling: Sampling::default(),
        files: vec![agent],
        folder: PathBuf::new(),
        code: PathBuf::new(),
        cases: vec![case],
        job: Job::Fuel,
    }
}

/// What a worker says to `input`.
fn answer(input: &[u8]) -> Said {
    let place = Place { input: input.to_vec(), ..Place::default() };
    Running::start(bench(), &[WORKER_ARGUMENT], &place).wait()
}

/// The end of a worker that was given `input`; its only event.
fn end(input: &[u8]) -> Outcome {
    let said = answer(input).ended(0);
    let events: Vec<Event> = said
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{line}: {e}")))
        .collect();
    match &events[..] {
        [Event::End(outcome)] => outcome.clone(),
        other => panic!("not one end: {other:?}"),
    }
}

#[test]
fn a_job_of_another_protocol_is_refused_by_both_numbers() {
    let other = Launch { protocol: OTHER_PROTOCOL, ..job() };
    let outcome = end(&serde_json::to_vec(&other).expect("plain data"));
    let Outcome::Failed(why) = &outcome else { panic!("{outcome:?}") };
    let words: Vec<&str> = why.split_whitespace().collect();
    let both = [PROTOCOL.to_string(), OTHER_PROTOCOL.to_string()];
    assert!(both.iter().all(|number| words.contains(&number.as_str())), "{why}");
}

#[test]
fn garbage_is_no_job() {
    let job = serde_json::to_vec(&job()).expect("plain data");
    let cut = &job[..job.len() / 2];
    let twice = [&job[..], &job[..]].concat();
    for input in [b"".as_slice(), b"garbage\n", b"\xff\xfe\0", b"{}", b"[[[[", cut, &twice] {
        let outcome = end(input);
        let Outcome::Failed(why) = &outcome else { panic!("{outcome:?}") };
        assert!(why.starts_with("no job on standard input"), "{why}");
        assert_eq!(why.lines().count(), 1, "{why}");
    }
}

#[test]
fn a_file_that_went_away_is_a_refusal() {
    let outcome = end(&serde_json::to_vec(&job()).expect("plain data"));
    let Outcome::Refused(why) = &outcome else { panic!("{outcome:?}") };
    assert!(why.contains("no-such-file.wasm"), "{why}");
}

#[test]
fn a_cpu_that_is_not_there_is_a_failure_of_the_apparatus() {
    let job = Launch { core: Some(100_000), ..job() };
    let outcome = end(&serde_json::to_vec(&job).expect("plain data"));
    let Outcome::Failed(why) = &outcome else { panic!("{outcome:?}") };
    assert!(why.starts_with("CPU 100000"), "{why}");
}
