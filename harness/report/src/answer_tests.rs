//! What a run is said to have found, held against the figures of its tables.

use super::*;
use crate::paint::{Style, paint};
use caxton_fixture as fixture;
use expect_test::expect;

fn summed_up(record: &Record) -> String {
    paint(&summary(record), &Style::default())
}

#[test]
fn a_summary_says_what_each_suite_found() {
    let (run, _) = fixture::run();
    expect![[r#"
        Suite wasm, quick: finished, 5 of 7 cases ran
          \u{202e}evil\u{1b}[2J\nagent with a name without end: refused: no valid module: \u{1b}]0;title\u{7}
            at\noffset 8
          WASM takes 1.351x [1.342, 1.360] (n = 12) of native's time: geomean of 2 agents; sha256 1.255x to json
            1.454x
          ballast under a memory limit: 1MiB holds 946 KiB, 10MiB holds 9.92 MiB, 64KiB refused
          doubt: differs from itself, so small differences are noise: sha256 wasmtime-vs-wasmtime
          doubt: fewer launches than planned: 12 of 15 in the worst of 5 cases
          doubt: the load average rose from 0.5 to 1.25
    "#]].assert_eq(&summed_up(&run));
    expect![[r#"
        Suite wasm, quick: finished, 34 of 35 cases ran
          zero-copy bytes=65536: wrong answer: a message came back changed
          message rate over the peer's: 0.742x [0.739, 0.744] (n = 12), route agents=1000 bytes=1024, to 2.916x
            [2.908, 2.924] (n = 12), batching agents=10
          messages per second: 1.10 M/s [1.10 M/s, 1.11 M/s] (n = 12), scale agents=100000, to 3.90 M/s [3.89 M/s,
            3.91 M/s] (n = 12), scale agents=100
          response from the intended start, p99: 27.2 µs [27.2 µs, 27.3 µs] (n = 12), response agents=100
            rate=10000, to 36.4 µs [36.3 µs, 36.4 µs] (n = 12), response agents=10 rate=100000
          one request alone, p50: 2.12 µs [2.11 µs, 2.12 µs] (n = 12), round-trip agents=1
          16 of 23 requirements of the reference runtime are met
          MISSED: msg/s over native tokio, 10 agents 1.063x (≥ 2.000x)
          and 2 more, in the tables
          doubt: fewer launches than planned: 12 of 15 in the worst of 1 case
          doubt: the load average rose from 0.5 to 1.25
    "#]].assert_eq(&summed_up(&fixture::mail::mail()));
    expect![[r#"
        Suite load, quick: finished, 7 of 8 cases ran
          mail plan=dead: died before work: no port
          loads: steady PASS, leaking FAIL, late INVALID, short UNCLEAR (5.00 % of the load), burst PASS, endless
            FAIL, closed UNCLEAR
          leaking FAIL: 6000 of 6014 messages answered, 50 /s, response p99 8.81 ms [8.80 ms, 8.81 ms] (n = 6000);
            threshold missed: response_time p(99)<6ms: 8.81 ms
          late INVALID: 500 of 500 messages answered, 50 /s; the generator was late by 40.0 ms (99 %), more than a
            tenth of the objective of 100 ms: it was measured, not the target; offer less, or use a quieter machine
          short UNCLEAR (5.00 % of the load): 150 of 150 messages answered, 50 /s; interrupted after 3 s
          doubt: fewer launches than planned: 12 of 15 in the worst of 7 cases
          doubt: only a part of the load ran, and what takes longer to show was not seen: short 5.00 %
          doubt: the load average rose from 0.5 to 1.25
    "#]].assert_eq(&summed_up(&fixture::load::loads()));
    expect![[r#"
        Suite wasm, quick: finished, 7 of 9 cases ran
          \u{202e}evil\u{1b}[2J\nagent with a name without end: refused: no valid module: \u{1b}]0;title\u{7}
            at\noffset 8
          WASM takes 1.351x [1.342, 1.360] (n = 12) of native's time: geomean of 2 agents; sha256 1.255x to json
            1.454x
          json: 99.16 % [99.13 %, 99.19 %] of a call of 14.5 µs [14.5 µs, 14.5 µs] (n = 12) is the agent's own code
          sort: 99.27 % [99.22 %, 99.32 %] of a call of 14.5 µs [14.5 µs, 14.5 µs] (n = 12) is the agent's own code
          ballast under a memory limit: 1MiB holds 946 KiB, 10MiB holds 9.92 MiB, 64KiB refused
          doubt: differs from itself, so small differences are noise: sha256 wasmtime-vs-wasmtime
          doubt: fewer launches than planned: 12 of 15 in the worst of 7 cases
          doubt: the load average rose from 0.5 to 1.25
    "#]].assert_eq(&summed_up(&fixture::parts()));
}

#[test]
fn the_summary_and_the_lines_say_unclear_and_what_was_found() {
    let record = fixture::watched();
    let told = answer(&record);
    let found = told.found.join("\n");
    assert!(found.contains("json: WASM takes 1.4"), "{found}");
    assert!(found.contains("sha256: UNCLEAR in quiet, 1.2"), "{found}");
    // Of more agents whose ratio is known the mean is told, and that it is not one of quiet.
    let mean = geomean(&record).expect("two agents have a ratio as found");
    let words = "of native's time as found, UNCLEAR in quiet: geomean of 2 agents";
    assert!(mean.starts_with("1.3") && mean.ends_with(words), "{mean}");
    assert!(told.doubts.iter().any(|doubt| doubt.contains("UNCLEAR")), "{told:?}");
    let line = |agent: &str| {
        let case = record.cases.iter().find(|case| case.key == fixture::calls(agent));
        case_line(case.expect("in the run")).expect("it ran")
    };
    let (unclear, quiet) = (line("sha256"), line("json"));
    let words = ["UNCLEAR of native, as found 1.2", "n = 12"];
    assert!(words.iter().all(|words| unclear.contains(words)), "{unclear}");
    assert!(quiet.contains(" of native, as found 1.4") && !quiet.contains("UNCLEAR"), "{quiet}");
}
