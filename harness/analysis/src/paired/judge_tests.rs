//! What a comparison says of its cases, and what it comes to.

use super::*;
use caxton_fixture::paired::{case, page, turn};
use caxton_fixture::{calls as key, metric as name};
use caxton_model::case::{CaseKey, Outcome};
use caxton_model::paired::Weight;
use caxton_model::paired::comparison::Conclusion;
use caxton_model::record::Budget;

/// `launches` launch pairs of `metric`: the base at 1000, the candidate at `candidate`, and both a
/// little more from launch to launch.
fn turns(key: &CaseKey, trial: Trial, metric: &str, figures: (u32, u64)) -> Vec<Turn> {
    let (launches, candidate) = figures;
    let one = |launch: u32, version: Version, value: u64| {
        let (case, value) = (key.clone(), value + u64::from(launch % 3));
        Turn { case, trial, ..turn(version, launch, metric, value) }
    };
    let pair =
        |launch| [one(launch, Version::Base, 1_000), one(launch, Version::Candidate, candidate)];
    (0..launches).flat_map(pair).collect()
}

/// What is said of `turns` with the design's margin.
fn judged(turns: &[Turn], is_over: bool) -> Vec<MetricVerdict> {
    let turns: Vec<&Turn> = turns.iter().collect();
    judge_pairs(&turns, Trial::Contest, &Design::default(), &|_| None, is_over)
}

#[test]
fn each_metric_of_a_case_has_its_verdict_and_its_figures() {
    let key = key("json");
    let mut all = turns(&key, Trial::Contest, "wasm_call_ns", (16, 1_100));
    all.extend(turns(&key, Trial::Contest, "anonymous_rss_bytes", (16, 900)));
    all.extend(turns(&key, Trial::Contest, "native_call_ns", (16, 1_000)));
    all.extend(turns(&key, Trial::Contest, "yardstick_ns", (16, 1_000)));
    all.extend(turns(&key, Trial::Sentinel, "wasm_first_call_ns", (16, 1_000)));
    let told = judged(&all, false);
    let of = |metric: &str| told.iter().find(|m| m.metric == name(metric)).unwrap();
    assert_eq!(told.len(), 3);
    let wasm = of("wasm_call_ns");
    assert_eq!((wasm.verdict, wasm.weight), (Some(Verdict::Regressed), Weight::Primary));
    assert_eq!((wasm.base, wasm.candidate), (Some(1_001.0), Some(1_101.0)));
    let decision = wasm.decision.as_ref().unwrap();
    assert!((decision.worse - 1.1).abs() < 1e-3 && decision.n == 16, "{decision:?}");
    assert_eq!(of("native_call_ns").verdict, Some(Verdict::Ok));
    let peak = of("anonymous_rss_bytes");
    assert_eq!((peak.verdict, peak.weight), (Some(Verdict::Improved), Weight::Secondary));
}

#[test]
fn a_margin_of_its_own_takes_the_place_of_the_design_s() {
    let all = turns(&key("json"), Trial::Contest, "wasm_call_ns", (16, 1_100));
    let all: Vec<&Turn> = all.iter().collect();
    let design = Design::default();
    let with = |margin: Option<f64>| {
        let margin = |metric| margin.filter(|_| metric == name("wasm_call_ns"));
        judge_pairs(&all, Trial::Contest, &design, &margin, false).remove(0)
    };
    assert_eq!((with(None).margin, with(None).verdict), (0.01, Some(Verdict::Regressed)));
    assert_eq!((with(Some(0.15)).margin, with(Some(0.15)).verdict), (0.15, Some(Verdict::Ok)));
}

#[test]
fn a_launch_without_a_reading_makes_a_metric_not_comparable() {
    let mut all = turns(&key("json"), Trial::Contest, "wasm_call_ns", (16, 1_100));
    all.pop();
    let told = judged(&all, false).remove(0);
    assert_eq!(told.verdict, Some(Verdict::NotComparable));
    assert_eq!(told.decision, Err("a launch has no reading of wasm_call_ns".to_owned()));
    assert_eq!(told.base, Some(1_001.0));
}

#[test]
fn a_verdict_is_open_until_a_look_or_the_end() {
    let all = turns(&key("json"), Trial::Contest, "wasm_call_ns", (9, 1_100));
    assert_eq!(judged(&all, false)[0].verdict, None);
    assert_eq!(judged(&all, true)[0].verdict, Some(Verdict::Inconclusive));
}

/// Two cases without a verdict, finished.
fn comparison() -> Comparison {
    let cases = ["json", "sha256"].map(|agent| case(key(agent), Outcome::Ran));
    let design = Design::default();
    Comparison { sentinel: None, design, ..page(cases.to_vec(), sentinel()) }
}

fn sentinel() -> Sentinel {
    let launches = Budget { wanted: 16, granted: 16 };
    let (key, outcome, metrics) = (key("json"), Outcome::Ran, Vec::new());
    Sentinel { key, primary: 1, secondary: 0, outcome, launches, metrics }
}

/// The turns of a comparison in which nothing changed.
fn quiet() -> Vec<Turn> {
    let mut all = Vec::new();
    for agent in ["json", "sha256"] {
        all.extend(turns(&key(agent), Trial::Contest, "wasm_call_ns", (16, 1_000)));
        all.extend(turns(&key(agent), Trial::Counts, "wasm_fuel", (1, 1_000)));
        let again = turns(&key(agent), Trial::Counts, "wasm_fuel", (1, 1_000));
        all.extend(again.into_iter().map(|turn| Turn { launch: 1, ..turn }));
    }
    all.extend(turns(&key("json"), Trial::Sentinel, "wasm_call_ns", (16, 1_000)));
    all
}

/// What `comparison` comes to with `turns`.
fn concluded(mut comparison: Comparison, turns: &[Turn]) -> Conclusion {
    rejudge(&mut comparison, turns);
    comparison.conclusion()
}

#[test]
fn rejudging_keeps_cases_and_trials_apart() {
    let mut comparison = Comparison { sentinel: Some(sentinel()), ..comparison() };
    let mut all = quiet();
    for turn in &mut all {
        let is_slow = turn.trial == Trial::Contest && turn.case == key("sha256");
        if is_slow && turn.version == Version::Candidate {
            turn.value += 100;
        }
        let is_fuel = turn.trial == Trial::Counts && turn.case == key("json");
        if is_fuel && turn.version == Version::Candidate {
            turn.value += 1;
        }
    }
    rejudge(&mut comparison, &all);
    let verdicts = |comparison: &Comparison| -> Vec<_> {
        let of = |case: &CaseComparison| (case.metrics[0].verdict, case.exact[0].verdict);
        comparison.cases.iter().map(of).collect()
    };
    let [json, sha256] =
        [(Some(Verdict::Ok), Verdict::Regressed), (Some(Verdict::Regressed), Verdict::Ok)];
    assert_eq!(verdicts(&comparison), [json, sha256]);
    let audit = &comparison.sentinel.as_ref().unwrap().metrics[0];
    assert_eq!((audit.verdict, audit.margin), (Some(Verdict::Ok), 0.0));
    // Again gives the same; another order of rows too.
    let first = comparison.clone();
    all.reverse();
    rejudge(&mut comparison, &all);
    assert_eq!(comparison, first);
    // What is allowed is allowed to one case, and a margin is one case's own.
    comparison.cases[1].margins.insert(name("wasm_call_ns"), 0.2);
    comparison.cases[0].margins.insert(name("wasm_fuel"), 0.1);
    rejudge(&mut comparison, &all);
    assert_eq!(verdicts(&comparison), [(Some(Verdict::Ok), Verdict::Ok); 2]);
}

#[test]
fn a_comparison_that_goes_on_leaves_open_what_is_open() {
    let all = turns(&key("json"), Trial::Contest, "wasm_call_ns", (9, 1_000));
    let verdict = |status| {
        let mut comparison = comparison();
        comparison.run.status = status;
        rejudge(&mut comparison, &all);
        comparison.cases[0].metrics[0].verdict
    };
    assert_eq!(verdict(Status::Running), None);
    assert_eq!(verdict(Status::Finished), Some(Verdict::Inconclusive));
}

/// [`quiet`] with the candidate's readings of `trial` and `metric` in the case of json changed.
fn changed(trial: Trial, metric: &str, by: i64) -> Vec<Turn> {
    let mut all = quiet();
    for turn in &mut all {
        let is_it = turn.trial == trial && turn.metric == name(metric);
        if is_it && turn.case == key("json") && turn.version == Version::Candidate {
            turn.value = turn.value.checked_add_signed(by).unwrap();
        }
    }
    all
}

#[test]
fn what_it_comes_to_follows_from_the_verdicts() {
    let json = |metric, values| turns(&key("json"), Trial::Contest, metric, values);
    let peak = [quiet(), json("anonymous_rss_bytes", (16, 1_100))].concat();
    let mut open = quiet();
    open.retain(|turn| turn.trial == Trial::Counts || turn.launch < 7);
    let counts: Vec<Turn> =
        open.iter().filter(|turn| turn.trial == Trial::Counts).cloned().collect();
    let few = |metric| [counts.clone(), json(metric, (7, 1_000))].concat();
    for (what, turns, expected) in [
        ("nothing", quiet(), Conclusion::Fine),
        ("slow", changed(Trial::Contest, "wasm_call_ns", 100), Conclusion::Regressed),
        ("fast", changed(Trial::Contest, "wasm_call_ns", -100), Conclusion::Fine),
        ("fuel", changed(Trial::Counts, "wasm_fuel", 1), Conclusion::Regressed),
        ("a secondary metric is worse", peak, Conclusion::Regressed),
        ("open", open, Conclusion::Inconclusive),
        ("a primary metric is open", few("wasm_call_ns"), Conclusion::Inconclusive),
        ("a secondary metric is open", few("anonymous_rss_bytes"), Conclusion::Fine),
    ] {
        assert_eq!(concluded(comparison(), &turns), expected, "{what}");
    }
}

#[test]
fn what_cannot_be_compared_is_never_fine() {
    let without = |lost: &dyn Fn(&Turn) -> bool| {
        quiet().into_iter().filter(|turn| !lost(turn)).collect::<Vec<Turn>>()
    };
    let is_new = |turn: &Turn| turn.version == Version::Candidate;
    for turns in [
        without(&|turn| is_new(turn) && turn.metric == name("wasm_fuel")),
        without(&|turn| is_new(turn) && turn.launch == 3),
        without(&|turn| turn.case != key("json")),
    ] {
        assert_eq!(concluded(comparison(), &turns), Conclusion::NotComparable);
    }
    let none = Comparison { cases: Vec::new(), ..comparison() };
    assert_eq!(concluded(none, &quiet()), Conclusion::NotComparable);
    for status in [Status::Running, Status::Failed] {
        let mut other = comparison();
        other.run.status = status;
        assert_eq!(concluded(other, &quiet()), Conclusion::NotComparable);
    }
}

#[test]
fn who_failed_and_who_stopped_it_matters() {
    let with = |failed, status| {
        let mut comparison = comparison();
        comparison.cases[1].failed = failed;
        comparison.run.status = status;
        comparison
    };
    let (base, candidate) = (Some(Version::Base), Some(Version::Candidate));
    let finished = |failed| with(failed, Status::Finished);
    assert_eq!(concluded(finished(candidate), &quiet()), Conclusion::Failed);
    assert_eq!(concluded(finished(base), &quiet()), Conclusion::NotComparable);
    let stopped = || with(candidate, Status::Interrupted);
    assert_eq!(concluded(stopped(), &quiet()), Conclusion::Interrupted);
    // What was found before it was stopped, or failed, was found.
    let slow = changed(Trial::Contest, "wasm_call_ns", 100);
    assert_eq!(concluded(stopped(), &slow), Conclusion::Regressed);
    assert_eq!(concluded(finished(candidate), &slow), Conclusion::Regressed);
}

#[test]
fn a_base_that_differs_from_itself_is_believed_in_counts_alone() {
    let audited = || Comparison { sentinel: Some(sentinel()), ..comparison() };
    assert_eq!(concluded(audited(), &quiet()), Conclusion::Fine);
    for by in [100, -100] {
        let untrusted = changed(Trial::Sentinel, "wasm_call_ns", by);
        let mut judged = audited();
        rejudge(&mut judged, &untrusted);
        assert!(judged.is_untrusted());
        assert_eq!(judged.conclusion(), Conclusion::NotComparable);
        let slow = |metric: &str, trial| {
            let contest = changed(trial, metric, 100).into_iter();
            let rest = untrusted.iter().filter(|turn| turn.trial == Trial::Sentinel).cloned();
            contest.filter(|turn| turn.trial != Trial::Sentinel).chain(rest).collect::<Vec<_>>()
        };
        let time = slow("wasm_call_ns", Trial::Contest);
        assert_eq!(concluded(audited(), &time), Conclusion::NotComparable);
        let fuel = slow("wasm_fuel", Trial::Counts);
        assert_eq!(concluded(audited(), &fuel), Conclusion::Regressed);
    }
    let died = Outcome::DiedInTheMiddle("launch 3".to_owned());
    let mut fell = audited();
    fell.sentinel = Some(Sentinel { outcome: died, ..sentinel() });
    assert_eq!(concluded(fell, &quiet()), Conclusion::NotComparable);
}

#[test]
fn a_comparison_comes_back_from_its_file() {
    let mut comparison = Comparison { sentinel: Some(sentinel()), ..comparison() };
    let mut lost = quiet();
    lost.retain(|turn| (turn.version, turn.metric) != (Version::Candidate, name("wasm_fuel")));
    lost.retain(|turn| {
        (turn.case == key("json")) || turn.launch != 3 || turn.version == Version::Base
    });
    rejudge(&mut comparison, &lost);
    let text = serde_json::to_string(&comparison).unwrap();
    assert_eq!(serde_json::from_str::<Comparison>(&text).unwrap(), comparison);
}
