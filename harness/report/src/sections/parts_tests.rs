//! The tables of parts, word for word.

use super::*;
use crate::paint::paint;
use crate::sections::Style;
use caxton_fixture as fixture;
use caxton_model::metric::MetricName;
use caxton_model::reading::{Missing, Reading};
use expect_test::expect;

fn painted(record: &Record) -> String {
    let tables = tables(record).into_iter().filter(|table| !table.is_empty());
    tables.map(|table| paint(&table, &Style::default())).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_call_is_shown_part_by_part() {
    let record = fixture::parts();
    let text = painted(&record);
    let widest = text.lines().map(|line| line.chars().count()).max();
    assert!(widest <= Some(112), "{widest:?} columns");
    expect![[r#"
        Where a steady-state WASM call goes
          agent  part                       per call       95 % interval     share   n
          json   the call                    14.5 µs  [14.5 µs, 14.5 µs]  100.00 %  12
                 boundary                    60.7 ns  [60.4 ns, 60.9 ns]    0.42 %  12
                 copy in                     42.7 ns  [42.5 ns, 43.0 ns]    0.29 %  12
                 agent's code                14.4 µs  [14.4 µs, 14.4 µs]   99.16 %  12
                 unexplained                 19.2 ns  [15.6 ns, 21.7 ns]    0.13 %  12
                 copy out, not in the call   31.4 ns  [31.3 ns, 31.5 ns]    0.22 %  12
          sort   the call                    14.5 µs  [14.5 µs, 14.5 µs]  100.00 %  12
                 boundary                    60.6 ns  [60.4 ns, 60.8 ns]    0.42 %  12
                 copy in                     42.6 ns  [42.4 ns, 42.9 ns]    0.29 %  12
                 agent's code                14.4 µs  [14.4 µs, 14.4 µs]   99.27 %  12
                 unexplained                 3.00 ns  [2.54 ns, 3.53 ns]    0.02 %  12
                 copy out, not in the call   31.3 ns  [31.2 ns, 31.4 ns]    0.22 %  12
          json, sort: 12 of 15 launches done
          Boundary is the call of an agent that does nothing; copy in is the same copy without a call; agent's code,
            host calls included, is the agent called on the message that lies in its inbox already, less the boundary.
            None of these contains the whole call, so that unexplained can be more or less than nothing: steps overlap
            or hinder each other. Each line is estimated on its own.
          sort: changes the message in place and cannot be called on it again. Its code is the call less an echo of
            the same length; unexplained is that echo less boundary and copy in, and says nothing of the agent.
          not profiled: json, sort; run --profile cpu

        The agent's own code: without boundary and copy; share of the call; counts per call
          agent     wasm   native  wasm/native   95 % interval   n  by parts  by samples  grows  WASI  host calls
          json   14.4 µs  9.97 µs       1.445x  [1.444, 1.445]  12   99.16 %           —      0     0           3
          sort   14.4 µs  9.96 µs       1.446x  [1.445, 1.447]  12   99.27 %           —      0     0           3
          wasm and native are each a call less an echo of the same length. By samples: a short profile in a process
            of its own; it leaves out what the agent's code has the engine do, such as memory.copy, which the parts
            leave in.

        Options that change the guest's code: time over the default's, 95 % intervals
          agent      bounds checked                fuel              epochs       not optimised          SIMD build   n
          json   1.17x [1.17, 1.17]  1.30x [1.30, 1.30]  1.14x [1.14, 1.14]  4.22x [4.21, 4.22]  1.00x [1.00, 1.00]  12
          sort   1.17x [1.17, 1.17]  1.30x [1.30, 1.30]  1.14x [1.14, 1.14]  4.21x [4.21, 4.22]  1.00x [1.00, 1.00]  12
          bounds checked: each access compared with the memory's size, which may move; nothing reserved or guarded.
            fuel: counted, never spent. epochs: a deadline out of reach. SIMD build: the agent's crates with simd128,
            the standard library as it came. Each is other code: a few per cent either way can be where it came to
            lie.
    "#]].assert_eq(&text);
}

#[test]
fn a_profile_is_set_beside_the_parts() {
    let mut record = fixture::parts();
    let name = MetricName::parse(BY_SAMPLES).unwrap();
    let profiled = record.cases.iter_mut().find(|case| case.key.is_overhead());
    let profiled = profiled.expect("the fixture has one");
    profiled.key.agent = "json".to_owned();
    let share = Summary { estimate: 0.815, ..*profiled.metric("wasm_call_ns").unwrap() };
    profiled.metrics.insert(name, Reading::Known(share));
    let text = painted(&record);
    assert!(text.contains("81.50 %"), "{text}");
    assert!(text.contains("not profiled: sort; run --profile cpu"), "{text}");
}

#[test]
fn one_launch_has_numbers_and_no_interval() {
    let mut record = fixture::parts();
    for reading in record.cases.iter_mut().flat_map(|case| case.metrics.values_mut()) {
        if let Reading::Known(summary) = reading {
            (summary.interval, summary.n) = (None, 1);
        }
    }
    let text = painted(&record);
    assert!(text.contains("n = 1 has no interval at 95 %"), "{text}");
    assert!(text.contains("1.30x "), "{text}");
}

#[test]
fn an_agent_without_a_simd_build_says_why() {
    let mut record = fixture::parts();
    for case in record.cases.iter_mut().filter(|case| case.key.is_parts()) {
        let [call, time] =
            ["option_simd_call_ns", "option_simd_time"].map(|n| MetricName::parse(n).unwrap());
        let why = Reading::Missing(Missing::Failed("wasm build failed: error".to_owned()));
        case.metrics.insert(call, why.clone());
        case.metrics.insert(time, why);
    }
    let text = painted(&record);
    let line = "json, sort: no option_simd_call_ns: failed: wasm build failed: error";
    assert!(text.contains(line), "{text}");
}

#[test]
fn a_record_without_parts_has_no_such_table() {
    assert!(tables(&fixture::run().0).is_empty());
}
