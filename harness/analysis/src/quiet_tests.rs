//! Planted probes, and which launches must be called quiet.

use super::*;
use caxton_model::case::CaseKey;

/// Launches of ten rounds, with a probe before each and after the last. Of each launch so many
/// probes, from its first on, took 100 ns, and the others 150.
fn launches(quiet_probes: &[u32]) -> Launches {
    let probes = |quiet: u32| (0..11).map(move |at| (at, if at < quiet { 100.0 } else { 150.0 }));
    let blocks = |quiet: u32| probes(quiet).map(|(at, ns)| (at, vec![ns])).collect();
    (0..).zip(quiet_probes).map(|(launch, quiet)| (launch, blocks(*quiet))).collect()
}

const BEST: Best = Best { yardstick_ns: Some(100.0), to_latency: None };

fn metric(name: &str) -> MetricName {
    MetricName::parse(name).expect("in the table")
}

/// What is known of `name`, which has a reading in each of the ten rounds.
fn known(name: &str, quiet_probes: &[u32]) -> Quiet {
    let yardsticks = launches(quiet_probes);
    let mut readings = yardsticks.clone();
    for blocks in readings.values_mut() {
        blocks.remove(&10);
    }
    let readings = BTreeMap::from([(metric(name), readings)]);
    let probes = Probes { yardsticks: &yardsticks, latencies: None };
    in_quiet(metric(name).metric(), &readings, Some(probes), BEST)
}

/// How many launches were kept, with how many rounds each, and how many left out.
#[track_caller]
fn assert_known(quiet_probes: &[u32], launches: usize, rounds: usize, left_out: u32) {
    let Quiet::Known(readings, left) = known("wasm_call_ns", quiet_probes) else {
        panic!("{:?}", known("wasm_call_ns", quiet_probes));
    };
    let kept = &readings[&metric("wasm_call_ns")];
    assert_eq!((kept.len(), left), (launches, left_out));
    assert!(kept.values().all(|blocks| blocks.len() == rounds), "{kept:?}");
}

#[test]
fn quiet_launches_do_without_the_others_from_three_on() {
    assert_known(&[11; 15], 15, 10, 0);
    assert_known(&[[11; 3].as_slice(), &[0; 12]].concat(), 3, 10, 12);
    let few = known("wasm_call_ns", &[[11; 2].as_slice(), &[0; 13]].concat());
    assert_eq!(few, Quiet::Unclear { quiet: 2, all: 15 });
    assert_eq!(known("wasm_call_ns", &[11, 0]), Quiet::Unwatched, "two launches show no spread");
}

#[test]
fn a_round_is_quiet_between_two_quiet_probes_and_a_launch_with_two_thirds_of_them() {
    // Eight quiet probes have seven quiet rounds between them, and the eighth is not one.
    assert_known(&[8; 6], 6, 7, 0);
    assert_eq!(known("wasm_call_ns", &[7; 6]), Quiet::Unclear { quiet: 0, all: 6 });
}

#[test]
fn what_is_symmetric_no_steady_state_or_asked_as_found_uses_every_launch() {
    for name in ["aa_time", "wasm_compile_ns", "wasm_to_native_time_as_found"] {
        assert_eq!(
            known(name, &[[11; 6].as_slice(), &[0; 9]].concat()),
            Quiet::Unwatched,
            "{name}"
        );
    }
}

#[test]
fn a_slower_clock_is_no_neighbour_and_an_interrupted_reading_of_it_no_best() {
    let yardsticks = launches(&[11, 0, 11]);
    // The second launch ran at two thirds of the clock; once its reading was interrupted.
    let mut latencies = launches(&[11, 0, 11]);
    latencies.get_mut(&1).expect("a launch").insert(3, vec![9_000.0]);
    let probes = Probes { yardsticks: &yardsticks, latencies: Some(&latencies) };
    let best = Best { yardstick_ns: Some(100.0), to_latency: Some(1.0) };
    assert_eq!(quiet_launches(probes, best), Some(3));
    let alone = Probes { yardsticks: &yardsticks, latencies: None };
    assert_eq!(quiet_launches(alone, best), Some(2), "as in records without that probe");
    assert_eq!(quiet_launches(alone, Best::default()), None);
}

#[test]
fn the_best_moment_is_found_by_case_and_the_better_of_two_is_kept() {
    let sample = |launch, name, block, value| Sample {
        case: CaseKey::new("wasm", "overhead", "wasmtime-vs-native", "json"),
        launch,
        metric: metric(name),
        block,
        index: 0,
        iterations: 1,
        value,
    };
    let samples = [
        sample(0, YARDSTICK, 0, 220),
        sample(0, LATENCY, 0, 100),
        sample(0, YARDSTICK, 1, 260),
        // Interrupted: no clock is that slow.
        sample(0, LATENCY, 1, 5_000),
        // Half the clock.
        sample(1, YARDSTICK, 0, 440),
        sample(1, LATENCY, 0, 205),
        sample(2, YARDSTICK, 0, 221),
        sample(2, LATENCY, 0, 100),
        // Interrupted as well, and nothing beside it: nobody confirms what would be the best.
        sample(3, YARDSTICK, 0, 230),
        sample(3, LATENCY, 0, 150),
    ];
    let best = Best::of(&samples);
    assert_eq!(best, Best { yardstick_ns: Some(220.0), to_latency: Some(440.0 / 205.0) });
    let earlier = Best { yardstick_ns: Some(200.0), to_latency: Some(2.2) };
    let both = best.or_better(earlier);
    assert_eq!(both, Best { yardstick_ns: Some(200.0), to_latency: Some(440.0 / 205.0) });
    assert_eq!(Best::of(&[]), Best::default());
}

#[test]
fn parts_of_a_launch_are_each_quiet_or_the_launch_is_not() {
    let mut yardsticks = launches(&[11; 6]);
    for blocks in yardsticks.values_mut() {
        blocks.extend([(1000, vec![150.0]), (1001, vec![100.0])]);
    }
    let probes = Probes { yardsticks: &yardsticks, latencies: None };
    assert_eq!(quiet_launches(probes, BEST), Some(0));
}

#[test]
fn a_launch_counts_where_all_inputs_of_a_ratio_were_quiet_in_it() {
    // In the first three launches the lower level was disturbed, in the others the upper one.
    let mut yardsticks: Launches = launches(&[0, 0, 0, 11, 11, 11]);
    for (launch, blocks) in &mut yardsticks {
        let taken = if *launch < 3 { 100.0 } else { 150.0 };
        blocks.extend((1000..1011).map(|block| (block, vec![taken])));
    }
    let mut empty = yardsticks.clone();
    for blocks in empty.values_mut() {
        blocks.retain(|block, _| ![10, 1010].contains(block));
    }
    let mut level = empty.clone();
    for blocks in level.values_mut() {
        blocks.retain(|block, _| *block < 1000);
    }
    let ratio = metric("level_10_to_empty_time").metric();
    let readings =
        BTreeMap::from([(metric("empty_call_ns"), empty), (metric("level_10_call_ns"), level)]);
    let probes = Probes { yardsticks: &yardsticks, latencies: None };
    let Quiet::Known(kept, 3) = in_quiet(ratio, &readings, Some(probes), BEST) else {
        panic!("the last three launches were quiet where this level was measured")
    };
    for launches in kept.values() {
        assert_eq!(launches.keys().copied().collect::<Vec<_>>(), [3, 4, 5]);
        assert!(launches.values().all(|blocks| blocks.keys().all(|block| *block < 1000)));
    }
}

#[test]
fn further_launches_are_asked_for_by_the_rule_that_judges_them() {
    // Seven quiet probes of eleven have six quiet rounds of ten, and eight have seven.
    for (quiet_probes, is_enough) in [(7, false), (8, true)] {
        let yardsticks = launches(&[quiet_probes; 6]);
        let probes = Probes { yardsticks: &yardsticks, latencies: None };
        let counted = quiet_launches(probes, BEST).expect("a best is known");
        assert_eq!(counted == 6, is_enough, "{quiet_probes}");
        let judged = known("wasm_call_ns", &[quiet_probes; 6]);
        assert_eq!(matches!(judged, Quiet::Known(..)), is_enough, "{judged:?}");
    }
}
