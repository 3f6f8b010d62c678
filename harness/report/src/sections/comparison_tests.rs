//! What a comparison says.

use super::*;
use caxton_analysis::paired::judge::rejudge;
use caxton_fixture::paired::comparison as fixture;
use caxton_model::profile::SampleWeight;
use caxton_model::profile::changes::{Changes, Matched, ShareOfProfile};
use caxton_model::record::store::RunFolder;
use expect_test::expect;
use std::path::Path;

#[test]
fn a_comparison_that_found_nothing_says_so() {
    let (mut comparison, turns) = fixture();
    comparison.cases.truncate(1);
    comparison.cases[0].exact.clear();
    comparison.cases[0].metrics.retain(|m| m.verdict == Some(Verdict::Ok));
    comparison.candidate = comparison.base.clone();
    comparison.sentinel = None;
    comparison.warnings.clear();
    assert!(!turns.is_empty());
    expect![[r#"
        Comparison 20260102T040506Z-def5678-wasm-against-main: suite wasm
          base main (commit abc1234); candidate main (commit abc1234)

        Answers
          The same in 1 of 1 cases, compared before anything was timed.

        Changes
          none

          1 of 1 OK; alpha 1 % for the run over 6 metrics, 8 looks, margin 1 %, seed 42
          A/A check: not run.
          Result: nothing worse was found; OK: native_call_ns of json
    "#]]
    .assert_eq(&comparison_text(&comparison, false, &Style::default()));
}

#[test]
fn an_untrusted_environment_is_said_aloud() {
    let (mut comparison, mut turns) = fixture();
    for turn in turns.iter_mut().filter(|turn| turn.trial == caxton_model::paired::Trial::Sentinel)
    {
        turn.value += u64::from(turn.version == Version::Candidate) * 10_000;
    }
    rejudge(&mut comparison, &turns);
    assert!(comparison.is_untrusted());
    let text = comparison_text(&comparison, false, &Style::default());
    let line = text.lines().find(|line| line.contains("A/A check")).unwrap();
    assert!(line.contains("the base differs from itself on wasm/overhead/"), "{line}");
    comparison.run.status = Status::Interrupted;
    let text = comparison_text(&comparison, false, &Style::default());
    assert!(text.contains("It was interrupted: what is said holds for what finished."), "{text}");
}

#[test]
fn guests_that_were_given_as_files_are_named_by_what_is_in_them() {
    let (mut comparison, _) = fixture();
    comparison.cases.truncate(1);
    for (kit, sha256) in [(&mut comparison.base, "ab"), (&mut comparison.candidate, "cd")] {
        let json = kit.agents.get_mut("json").unwrap();
        (json.native, json.wasm.sha256) = (None, sha256.repeat(32));
    }
    let line = comparison_line(&comparison);
    let guests = "this checkout (SHA-256 cdcdcdcdcdcdcdcd of guest json) against main (SHA-256 \
                  abababababababab of guest json)";
    assert!(line.contains(guests) && !line.contains("commit"), "{line}");
    // Beside an agent of ours the commit counts too.
    comparison.cases.push(comparison.cases[0].clone());
    comparison.cases[1].key.agent = "sort".to_owned();
    let line = comparison_line(&comparison);
    assert!(line.contains("main (commit abc1234; SHA-256 abab"), "{line}");
}

#[test]
fn a_comparison_fits_a_line() {
    let (comparison, _) = fixture();
    assert_eq!(
        comparison_line(&comparison),
        "2026-01-02T03:04:05Z  this checkout (commit abc1234 with changes) against main \
         (commit abc1234)  wasm 5 cases  REGRESSED"
    );
}

#[test]
fn few_launches_have_no_interval_and_no_number() {
    let (mut comparison, mut turns) = fixture();
    turns.retain(|turn| turn.launch < 5);
    rejudge(&mut comparison, &turns);
    let text = comparison_text(&comparison, false, &Style::default());
    let lines = text.lines().map(str::trim).filter(|line| line.starts_with("INCONCLUSIVE"));
    let lines: Vec<&str> = lines.collect();
    expect![[r#"
          INCONCLUSIVE  wasm/overhead/wasmtime-vs-native/json  native_call_ns       n = 5 has no interval at 99 %: that takes 8 launches
          INCONCLUSIVE  wasm/overhead/wasmtime-vs-native/json  wasm_call_ns         n = 5 has no interval at 99 %: that takes 8 launches
          INCONCLUSIVE  wasm/overhead/wasmtime-vs-native/noop  native_call_ns       n = 5 has no interval at 99 %: that takes 8 launches
          INCONCLUSIVE  wasm/overhead/wasmtime-vs-native/noop  wasm_call_ns         n = 5 has no interval at 99 %: that takes 8 launches
          INCONCLUSIVE  wasm/overhead/wasmtime-vs-native/sort  wasm_call_ns         n = 5 has no interval at 99 %: that takes 8 launches"#]].assert_eq(&lines.join("\n"));
}

/// Old comparisons must load for ever: a change that breaks this needs a new schema.
#[test]
fn a_comparison_of_schema_1_loads_and_its_samples_say_what_it_says() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/comparison-v1");
    let (comparison, turns) = RunFolder::load_comparison(&folder).unwrap();
    let mut again = comparison.clone();
    rejudge(&mut again, &turns);
    let said = |c: &Comparison| verdicts(c).collect::<Vec<_>>();
    assert_eq!(said(&again), said(&comparison));
    assert!(said(&again).len() > 8);
}

#[test]
fn functions_that_execute_more_are_named_with_their_picture() {
    let (mut comparison, _) = fixture();
    let share = |own: f64| ShareOfProfile { own, inclusive: own, own_error: None, samples: 1 };
    let matched =
        Matched { native: 1.0, wasm: 1.0, native_calls: Some(1.0), wasm_calls: Some(1.0) };
    let changes = Changes {
        sides: Some(["base", "candidate"].map(str::to_owned)),
        weight: SampleWeight::Instructions,
        grown: vec![FunctionRow {
            name: "shop::price".to_owned(),
            native: share(100.0),
            wasm: share(116.0),
        }],
        others: 0,
        others_growth: 0.0,
        shrunk: Vec::new(),
        matched,
        warnings: Vec::new(),
    };
    let picture = Ok("instructions/json/native.differential.svg".to_owned());
    let outer = vec![FunctionRow {
        name: "shop::order".to_owned(),
        native: share(200.0),
        wasm: share(216.0),
    }];
    let side = GrownSide { side: "native".to_owned(), changes, outer, picture };
    let agent = comparison.cases[0].key.agent.clone();
    assert!(grown(&comparison).is_empty(), "nothing differs");
    comparison.cases[0].grown.push(side);
    let text = comparison_text(&comparison, false, &Style::default());
    assert!(text.contains(&format!("{agent}, native: instructions per message")), "{text}");
    let row = text.lines().find(|line| line.contains("shop::price")).expect("it is named");
    let row: Vec<&str> = row.split_whitespace().collect();
    assert_eq!(row[1..5], ["100", "116", "16", "1.16x"], "exact: no ±");
    assert!(text.contains("with what is inlined into them: shop::order 16"), "{text}");
    assert!(text.contains("instructions/json/native.differential.svg"), "{text}");
}
