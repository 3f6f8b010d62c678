//! Counts: exact ones, nearly exact ones, what the user allows, and what is missing.

use super::*;
use caxton_fixture::paired::turn;

/// What is said of `metric` with these counts.
fn told(
    metric: &str,
    base: &[u64],
    candidate: &[u64],
    allowed: Option<f64>,
) -> Option<ExactVerdict> {
    let trial = Trial::Counts;
    let mut turns = Vec::new();
    for (version, counts) in [(Version::Base, base), (Version::Candidate, candidate)] {
        let told = (0..).zip(counts);
        turns.extend(told.map(|(at, count)| Turn { trial, ..turn(version, at, metric, *count) }));
    }
    let mut all = judge(&turns, &|_| allowed);
    assert!(all.len() <= 1);
    all.pop()
}

fn fuel(base: &[u64], candidate: &[u64], allowed: Option<f64>) -> ExactVerdict {
    told("wasm_fuel", base, candidate, allowed).unwrap()
}

#[test]
fn one_in_a_million_is_a_fact() {
    let worse = fuel(&[1_000_000; 2], &[1_000_001; 2], None);
    assert_eq!(
        (worse.verdict, worse.kind, worse.tolerance),
        (Verdict::Regressed, CountAgreement::Exact, 0.0)
    );
    assert_eq!((worse.base, worse.candidate), (Some(1_000_000.0), Some(1_000_001.0)));
    assert_eq!(fuel(&[1_000_000; 2], &[1_000_000; 2], None).verdict, Verdict::Ok);
    assert_eq!(fuel(&[1_000_000; 2], &[999_999; 2], None).verdict, Verdict::Improved);
}

#[test]
fn one_instruction_of_the_agents_own_is_a_fact_and_of_all_a_thousandth() {
    let one = |metric: &str, candidate| {
        told(metric, &[10_000; 2], &[candidate; 2], None).map(|exact| exact.verdict)
    };
    let own = |candidate| one("native_agent_instructions", candidate);
    assert_eq!([9_999, 10_000, 10_001].map(own), {
        [Verdict::Improved, Verdict::Ok, Verdict::Regressed].map(Some)
    });
    let all = |candidate| one("wasm_exact_instructions", candidate);
    assert_eq!([10_010, 10_011].map(all), [Verdict::Ok, Verdict::Regressed].map(Some));
    // What the harness executes, and what callgrind's model makes of it, is no promise.
    for metric in ["wasm_harness_instructions", "wasm_simulated_l1_misses"] {
        assert_eq!(one(metric, 20_000), None, "{metric}");
    }
}

#[test]
fn where_more_is_better_less_is_worse() {
    let one = |candidate| told("total_bytes", &[100; 2], &[candidate; 2], None).unwrap().verdict;
    assert_eq!([99, 100, 101].map(one), [Verdict::Regressed, Verdict::Ok, Verdict::Improved]);
}

#[test]
fn the_user_may_allow_some() {
    let one = |candidate| fuel(&[1_000; 2], &[candidate; 2], Some(0.01)).verdict;
    assert_eq!([1_010, 1_011].map(one), [Verdict::Ok, Verdict::Regressed]);
    assert_eq!([990, 989].map(one), [Verdict::Ok, Verdict::Improved]);
    // Allowing less than nothing, or no number, allows nothing.
    for odd in [-0.5, f64::NAN] {
        assert_eq!(fuel(&[1_000; 2], &[1_001; 2], Some(odd)).verdict, Verdict::Regressed);
        assert_eq!(fuel(&[1_000; 2], &[1_000; 2], Some(odd)).verdict, Verdict::Ok);
    }
}

#[test]
fn nearly_exact_counts_may_differ_by_three_times_what_they_do_anyway() {
    // The candidate's processes differ by 20 in 10 020: about 0.2 %, three times that is 0.6 %.
    let near = |candidate: [u64; 2]| fuel(&[10_000; 2], &candidate, None);
    let ok = near([10_000, 10_020]);
    assert_eq!((ok.verdict, ok.candidate), (Verdict::Ok, Some(10_010.0)));
    assert_eq!(ok.kind, CountAgreement::Near { spread: 20.0 / 10_020.0 });
    assert!((ok.tolerance - 60.0 / 10_020.0).abs() < 1e-12);
    assert_eq!(near([10_040, 10_060]).verdict, Verdict::Ok);
    assert_eq!(near([10_055, 10_075]).verdict, Verdict::Regressed);
    assert_eq!(near([9_925, 9_945]).verdict, Verdict::Improved);
    // The same where it is the base that differs.
    assert_eq!(fuel(&[9_990, 10_010], &[10_050; 2], None).verdict, Verdict::Ok);
    assert_eq!(fuel(&[9_990, 10_010], &[10_065; 2], None).verdict, Verdict::Regressed);
}

#[test]
fn nearly_exact_counts_have_a_least_tolerance() {
    // They differ by one in a million: three times that is less than one in a thousand.
    let near = |candidate| fuel(&[1_000_000, 1_000_001], &[candidate; 2], None);
    assert_eq!(near(1_000_500).tolerance, NEAR_TOLERANCE);
    assert_eq!(near(1_001_000).verdict, Verdict::Ok);
    assert_eq!(near(1_001_002).verdict, Verdict::Regressed);
    // The user may allow more, and cannot forbid what the count does by itself.
    let near = |allowed| fuel(&[1_000_000, 1_000_001], &[1_000_500; 2], allowed);
    assert_eq!((near(Some(0.05)).tolerance, near(Some(0.0)).tolerance), (0.05, NEAR_TOLERANCE));
    assert_eq!(near(Some(0.0)).verdict, Verdict::Ok);
}

#[test]
fn nothing_may_become_something() {
    assert_eq!(fuel(&[0; 2], &[1; 2], Some(0.5)).verdict, Verdict::Regressed);
    assert_eq!(fuel(&[0; 2], &[0; 2], None).verdict, Verdict::Ok);
    assert_eq!(fuel(&[1; 2], &[0; 2], None).verdict, Verdict::Improved);
    // One process of two saw something: the spread is all there is.
    let all = fuel(&[0; 2], &[0, 8], None);
    assert_eq!((all.kind, all.verdict), (CountAgreement::Near { spread: 1.0 }, Verdict::Regressed));
}

#[test]
fn a_count_that_one_version_lost_is_not_passed_over() {
    for (base, candidate) in [(2, 0), (2, 1), (1, 2)] {
        let some = |count| vec![7; count];
        let lost = fuel(&some(base), &some(candidate), None);
        assert_eq!(lost.verdict, Verdict::NotComparable, "{base}, {candidate}");
        assert_eq!(lost.base.is_some(), base > 0);
        assert_eq!(lost.candidate.is_some(), candidate > 0);
    }
    // Nobody counted it twice, so nobody promised it; or it is new.
    for (base, candidate) in [(1, 1), (1, 0), (0, 1), (0, 2)] {
        assert_eq!(told("wasm_fuel", &[7, 7][..base], &[7, 7][..candidate], None), None);
    }
}

#[test]
fn what_is_listed_is_a_metric_and_is_compared() {
    for name in ALLOCATIONS {
        assert!(is_compared(MetricName::parse(name).unwrap().metric()), "{name}");
    }
    for name in OF_THE_PLACE {
        assert!(!is_compared(MetricName::parse(name).unwrap().metric()), "{name}");
    }
}

#[test]
fn only_counts_are_judged_and_only_those_that_are_exact() {
    assert_eq!(told("wasm_call_ns", &[7; 2], &[8; 2], None), None);
    let contest = |version| [0, 1].map(|launch| turn(version, launch, "wasm_fuel", 7));
    let turns: Vec<Turn> = Version::BOTH.into_iter().flat_map(contest).collect();
    assert!(judge(&turns, &|_| None).is_empty());
}

#[test]
fn counts_are_per_iteration() {
    let of = |version, iterations| Turn {
        trial: Trial::Counts,
        iterations,
        ..turn(version, 0, "wasm_fuel", 30 * iterations)
    };
    let turns: Vec<Turn> =
        Version::BOTH.into_iter().flat_map(|version| [1, 10].map(|n| of(version, n))).collect();
    let all = judge(&turns, &|_| None);
    assert_eq!(
        (all[0].base, all[0].kind, all[0].verdict),
        (Some(30.0), CountAgreement::Exact, Verdict::Ok)
    );
}
