//! Each rule of the metric table, on samples whose answer is known.

use super::*;
use caxton_fixture as fixture;
use caxton_model::record::Interval;

fn metric(name: &str) -> MetricName {
    MetricName::parse(name).unwrap()
}

/// Samples of one case: (metric, launch, block, iterations, value).
fn samples(rows: &[(&str, u32, u32, u64, u64)]) -> Vec<Sample> {
    let case = CaseKey::new("wasm", "overhead", "wasmtime-vs-native", "json");
    let sample = |(index, row): (usize, &(&str, u32, u32, u64, u64))| {
        let (name, launch, block, iterations, value) = *row;
        let (case, metric, index) = (case.clone(), metric(name), index as u32);
        Sample { case, launch, metric, block, index, iterations, value }
    };
    rows.iter().enumerate().map(sample).collect()
}

fn levels() -> Levels {
    Levels::for_run(1)
}

fn reduced(rows: &[(&str, u32, u32, u64, u64)]) -> BTreeMap<MetricName, Reading<Summary>> {
    reduce(&samples(rows), &levels())
}

fn known(readings: &BTreeMap<MetricName, Reading<Summary>>, name: &str) -> Summary {
    *readings[&metric(name)].known().unwrap()
}

fn near(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-12 * b.abs()
}

#[test]
fn a_launch_is_the_median_of_its_blocks_smallest_values() {
    let readings = reduced(&[
        ("wasm_call_ns", 0, 0, 10, 300),
        ("wasm_call_ns", 0, 0, 10, 9_999),
        ("wasm_call_ns", 0, 1, 10, 100),
        ("wasm_call_ns", 0, 2, 5, 100),
    ]);
    let summary = known(&readings, "wasm_call_ns");
    assert!(near(summary.estimate, 20.0), "{summary:?}");
    assert_eq!((summary.n, summary.samples, summary.interval), (1, 4, None));
    assert_eq!(readings.len(), 1, "the ratio has no native side: {readings:?}");
}

#[test]
fn a_ratio_is_taken_block_by_block_on_the_logarithmic_scale() {
    let mut rows = Vec::new();
    for launch in 0..6 {
        // Both sides slow down alike from block to block: the ratio does not see it.
        for (block, drift) in [(0, 1), (1, 3), (2, 7)] {
            rows.push(("native_call_ns", launch, block, 10, 1000 * drift));
            rows.push(("wasm_call_ns", launch, block, 10, 1500 * drift + u64::from(launch)));
        }
    }
    let summary = known(&reduced(&rows), HEADLINE);
    assert!((summary.estimate - 1.5).abs() < 0.001, "{summary:?}");
    let interval = summary.interval.unwrap();
    assert!(interval.lower >= 1.5 - 1e-12 && interval.upper < 1.503, "{interval:?}");
    assert_eq!((summary.n, summary.samples, interval.level), (6, 36, 0.95));
}

#[test]
fn a_launch_that_lacks_a_side_is_not_counted() {
    let readings = reduced(&[
        ("native_call_ns", 0, 0, 1, 10),
        ("wasm_call_ns", 0, 0, 1, 20),
        ("wasm_call_ns", 1, 0, 1, 90),
        ("native_call_ns", 1, 1, 1, 90),
        ("native_call_ns", 2, 0, 1, 90),
    ]);
    let summary = known(&readings, HEADLINE);
    assert!(near(summary.estimate, 2.0), "{summary:?}");
    assert_eq!(summary.n, 1);
    let readings = reduced(&[("native_call_ns", 0, 0, 1, 10), ("wasm_call_ns", 1, 0, 1, 20)]);
    assert!(matches!(readings[&metric(HEADLINE)], Reading::Missing(Missing::Failed(_))));
}

#[test]
fn a_zero_puts_a_metric_on_the_linear_scale_and_below_a_line_fails() {
    let mut rows = Vec::new();
    for launch in 0..7 {
        rows.push(("native_page_faults", launch, 0, 10, 0));
        rows.push(("wasm_page_faults", launch, 0, 10, u64::from(launch) * 10));
    }
    let readings = reduced(&rows);
    let summary = known(&readings, "wasm_page_faults");
    assert_eq!((summary.estimate, summary.n), (3.0, 7));
    // At n = 7 and 95 % two Walsh averages are cut at each end: 0 and 0.5 of 0, 0.5, 1, 1, ….
    let interval = Interval { lower: 1.0, upper: 5.0, level: 0.95 };
    assert_eq!(summary.interval, Some(interval));
    assert_eq!(known(&readings, "native_page_faults").estimate, 0.0);
    let ratio = &readings[&metric("wasm_to_native_page_faults")];
    let Reading::Missing(why) = ratio else { panic!("{ratio:?}") };
    assert_eq!(why.to_string(), "it would be a ratio to 0");
}

#[test]
fn a_zero_above_a_line_is_a_ratio_of_zero() {
    let rows = [("native_page_faults", 0, 0, 1, 4), ("wasm_page_faults", 0, 0, 1, 0)];
    assert_eq!(known(&reduced(&rows), "wasm_to_native_page_faults").estimate, 0.0);
}

#[test]
fn exact_readings_are_certain_or_a_range() {
    let equal = [("wasm_fuel", 0, 0, 1, 700), ("wasm_fuel", 1, 0, 2, 1400)];
    let summary = known(&reduced(&equal), "wasm_fuel");
    let certain = Interval { lower: 700.0, upper: 700.0, level: Interval::EXACT };
    assert_eq!((summary.estimate, summary.interval), (700.0, Some(certain)));
    assert_eq!((summary.n, summary.samples), (2, 2));

    let unequal =
        [("wasm_fuel", 0, 0, 1, 700), ("wasm_fuel", 1, 0, 1, 702), ("wasm_fuel", 1, 1, 1, 701)];
    let summary = known(&reduced(&unequal), "wasm_fuel");
    let range = Interval { lower: 700.0, upper: 702.0, level: Interval::RANGE };
    assert_eq!((summary.estimate, summary.interval), (701.0, Some(range)));
    assert!(range.is_range() && !certain.is_range());
}

#[test]
fn a_rate_is_one_second_over_the_time() {
    let rows = [("level_10_call_ns", 0, 0, 100, 25_000), ("level_10_call_ns", 0, 1, 100, 25_000)];
    assert!(near(known(&reduced(&rows), "level_10_rate").estimate, 4e6));
    let rows = [("level_10_call_ns", 0, 0, 100, 0)];
    let rate = &reduced(&rows)[&metric("level_10_rate")];
    assert!(matches!(rate, Reading::Missing(Missing::Undefined(_))), "{rate:?}");
}

#[test]
fn a_share_is_recorded_in_parts_per_billion() {
    let rows = [("apparatus_share", 0, 0, 1, 3_000_000)];
    assert!(near(known(&reduced(&rows), "apparatus_share").estimate, 0.003));
}

#[test]
fn nothing_and_no_iteration_do_not_panic() {
    assert_eq!(reduce(&[], &levels()), BTreeMap::new());
    let readings = reduced(&[("wasm_call_ns", 0, 0, 0, 5), ("native_call_ns", 0, 0, 1, 5)]);
    for name in ["wasm_call_ns", HEADLINE] {
        assert!(matches!(readings[&metric(name)], Reading::Missing(Missing::Failed(_))), "{name}");
    }
    assert_eq!(known(&readings, "native_call_ns").n, 1);
    let readings = reduced(&[("wasm_call_ns", 0, 0, 0, 0)]);
    assert!(readings[&metric("wasm_call_ns")].known().is_none());
}

#[test]
fn the_same_against_itself_has_the_simultaneous_level() {
    let levels = Levels::for_run(32);
    let of = |name| levels.of(metric(name).metric());
    assert_eq!((of("wasm_call_ns"), of("aa_time")), (0.95, 1.0 - 0.01 / 32.0));
    assert_eq!(Levels::for_run(0), Levels::for_run(1));
    let mut rows = Vec::new();
    for launch in 0..13 {
        rows.extend([("once_call_ns", launch, 0, 1, 100), ("again_call_ns", launch, 0, 1, 100)]);
    }
    // 2^-12 is below 0.01/32 and 2^-11 is not: 13 launches are the least.
    let all = known(&reduce(&samples(&rows), &levels), "aa_time");
    assert_eq!(all.interval.map(|i| (i.lower, i.upper)), Some((1.0, 1.0)));
    assert_eq!(known(&reduce(&samples(&rows[2..]), &levels), "aa_time").interval, None);
}

#[test]
fn a_missing_input_is_the_reason_for_a_missing_ratio() {
    let why = Missing::NotPermitted("perf_event_paranoid is 3".to_owned());
    let missing = |name| (metric(name), Reading::Missing(why.clone()));
    let mut readings = BTreeMap::from([missing("native_cycles"), missing("wasm_instructions")]);
    inherit_missing(&mut readings);
    for name in ["wasm_to_native_cycles", "wasm_to_native_instructions", "native_ipc", "wasm_ipc"] {
        assert_eq!(readings.get(&metric(name)), Some(&Reading::Missing(why.clone())), "{name}");
    }
    assert_eq!(readings.len(), 6);
}

#[test]
fn a_geometric_mean_averages_logarithms_launch_by_launch() {
    let case = |values: &[f64]| LaunchLogs {
        values: values.iter().map(|v| f64::ln(*v)).collect(),
        samples: 10,
    };
    let cases = [case(&[1.0; 9]), case(&[4.0; 7])];
    let summary = geomean(&cases, &levels()).unwrap();
    assert!(near(summary.estimate, 2.0), "{summary:?}");
    assert_eq!((summary.n, summary.samples), (7, 20));
    assert!(summary.interval.is_some_and(|i| near(i.lower, 2.0) && near(i.upper, 2.0)));
    assert_eq!(geomean(&[], &levels()), None);
    assert_eq!(geomean(&[case(&[])], &levels()), None);
    // Five launches have an estimate and no interval at 95 %.
    assert_eq!(geomean(&[case(&[2.0; 5])], &levels()).map(|s| (s.n, s.interval)), Some((5, None)));
}

#[test]
fn the_total_leaves_out_the_noop_and_what_did_not_run() {
    let (mut record, samples) = fixture::run();
    let total = record.totals[GEOMEAN].known().copied().unwrap();
    let ratio = |agent: &str| {
        let case = record.cases.iter().find(|c| c.key.is_overhead() && c.key.agent == agent);
        case.unwrap().metric(HEADLINE).unwrap().estimate
    };
    let expected = (ratio("json") * ratio("sha256")).sqrt();
    assert!((total.estimate / expected - 1.0).abs() < 0.005, "{total:?} is not {expected}");
    for case in &mut record.cases {
        case.outcome = Outcome::NotRun("stopped".to_owned());
    }
    resummarise(&mut record, &samples);
    assert!(matches!(record.totals[GEOMEAN], Reading::Missing(_)));
}

#[test]
fn replaying_the_samples_gives_the_stored_summaries_and_keeps_reasons() {
    let (record, samples) = fixture::run();
    let mut replayed = record.clone();
    resummarise(&mut replayed, &samples);
    assert_eq!(replayed, record);
    for case in &mut replayed.cases {
        case.metrics.retain(|_, reading| reading.known().is_none());
    }
    resummarise(&mut replayed, &samples);
    assert_eq!(replayed, record);
}

#[test]
fn launches_beside_a_busy_neighbour_are_left_out_of_steady_state_figures() {
    let mut rows = Vec::new();
    for launch in 0..10 {
        let (yardstick, wasm) = if launch < 7 { (100, 1200) } else { (150, 1500) };
        for block in 0..3 {
            rows.push(("yardstick_ns", launch, block, 1, yardstick));
            rows.push(("native_call_ns", launch, block, 10, 1000));
            rows.push(("wasm_call_ns", launch, block, 10, wasm));
        }
    }
    let best = Best { yardstick_ns: Some(100.0), to_latency: None };
    let watched = Levels { best, ..levels() };
    let readings = reduce(&samples(&rows), &watched);
    let summary = known(&readings, HEADLINE);
    assert!(near(summary.estimate, 1.2), "{summary:?}");
    assert_eq!((summary.n, summary.company), (7, Company::LeftOut(3)));
    let found = known(&readings, "wasm_to_native_time_as_found");
    assert_eq!((found.n, found.company), (10, Company::Unwatched), "beside it, of every launch");
    let summary = known(&reduce(&samples(&rows), &levels()), HEADLINE);
    assert_eq!((summary.n, summary.company), (10, Company::Unwatched));
    // Few quiet launches have an interval with the others' help, though not their ratio.
    rows.retain(|(_, launch, ..)| *launch >= 4);
    let summary = known(&reduce(&samples(&rows), &watched), HEADLINE);
    assert_eq!((summary.n, summary.company), (3, Company::LeftOut(3)));
    let interval = summary.interval.expect("with help");
    assert!(near(summary.estimate, 1.2) && interval.contains(1.2) && !interval.contains(1.5));
    // Fewer tell no ratio; times are told of all, and say so.
    rows.retain(|(_, launch, ..)| *launch >= 5);
    let readings = reduce(&samples(&rows), &watched);
    let unclear = &readings[&metric(HEADLINE)];
    assert!(matches!(unclear, Reading::Missing(Missing::Unclear(_))), "{unclear:?}");
    let found = known(&readings, "wasm_to_native_time_as_found");
    let middle = (1.2_f64 * 1.5).sqrt();
    assert!((found.estimate - middle).abs() < 1e-9 && found.n == 5, "{found:?}");
    assert_eq!(known(&readings, "wasm_call_ns").company, Company::Present(3));
}

#[test]
fn the_mean_over_agents_is_unclear_where_one_of_them_is_and_told_as_found() {
    let quiet_of = |agent: &str, quiet: u32| {
        let case = CaseKey::new("wasm", "overhead", "wasmtime-vs-native", agent);
        let mut rows = Vec::new();
        for launch in 0..6 {
            let yardstick = if launch < quiet { 100 } else { 150 };
            rows.push(("yardstick_ns", launch, 0, 1, yardstick));
            rows.push(("native_call_ns", launch, 0, 10, 1000));
            rows.push(("wasm_call_ns", launch, 0, 10, 2000));
        }
        let samples = samples(&rows).into_iter();
        samples.map(|sample| Sample { case: case.clone(), ..sample }).collect::<Vec<_>>()
    };
    let best = Best { yardstick_ns: Some(100.0), to_latency: None };
    let levels = Levels { best, ..levels() };
    let totals_of = |quiet: [u32; 2]| {
        let samples = [quiet_of("json", quiet[0]), quiet_of("sort", quiet[1])];
        let mut cases = Vec::new();
        for samples in &samples {
            let (record, _) = fixture::run();
            let like = record.cases.into_iter().find(counts_in_geomean).expect("an agent's ratio");
            let (key, metrics) = (samples[0].case.clone(), reduce(samples, &levels));
            cases.push(CaseRecord { key, metrics, ..like });
        }
        totals(&cases, &samples.concat(), &levels)
    };
    let both = totals_of([6, 6]);
    assert!(near(both[GEOMEAN].known().expect("both are quiet").estimate, 2.0));
    let one = totals_of([6, 1]);
    let Reading::Missing(Missing::Unclear(why)) = &one[GEOMEAN] else { panic!("{one:?}") };
    assert!(why.contains("sort") && !why.contains("json"), "{why}");
    assert!(near(one[GEOMEAN_AS_FOUND].known().expect("of every launch").estimate, 2.0));
}

/// Six launches of a call whose parts are known; `native` is the native call's time.
fn parts(native: u64) -> Vec<(&'static str, u32, u32, u64, u64)> {
    let mut rows = Vec::new();
    for launch in 0..6 {
        // The core is slower in later blocks: a difference grows with it, its median does not.
        for (block, drift) in [(0, 10), (1, 10), (2, 30)] {
            let mut told = |metric, ns: u64| rows.push((metric, launch, block, 10, ns * drift));
            told("part_call_ns", 1000 + u64::from(launch));
            told("part_in_place_ns", 900);
            told("part_copy_in_ns", 80);
            told("part_boundary_ns", 60);
            told("part_echo_ns", 150);
            told("part_native_call_ns", native);
            told("part_native_echo_ns", 25);
        }
    }
    rows
}

#[test]
fn a_difference_is_taken_block_by_block_and_stays_linear() {
    let readings = reduced(&parts(450));
    let of = |name: &str| known(&readings, name);
    let guest = of("part_guest_ns");
    assert_eq!((guest.estimate, guest.n), (840.0, 6), "the boundary is off it");
    assert_eq!(guest.interval.map(|i| (i.lower, i.upper)), Some((840.0, 840.0)));
    let left = of("part_unexplained_ns");
    assert_eq!(left.estimate, 22.5, "20 to 25 ns are left of 1000 to 1005: {left:?}");
    assert_eq!(left.interval.map(|i| (i.lower, i.upper)), Some((20.0, 25.0)));
    assert_eq!(of("part_unexplained_by_echo_ns").estimate, 10.0);
    assert_eq!(of("part_native_guest_ns").estimate, 425.0);
    assert_eq!(left.samples, 54, "three metrics of 18 samples");
}

#[test]
fn a_difference_below_zero_is_a_finding() {
    let mut rows = parts(450);
    rows.retain(|(metric, ..)| *metric != "part_in_place_ns");
    for launch in 0..6 {
        // Zero in half of the launches, ten below in the others.
        for block in 0..3 {
            rows.push(("part_in_place_ns", launch, block, 1, 60 - 10 * u64::from(launch % 2)));
            rows.push(("part_boundary_ns", launch, 7, 1, 5000));
        }
    }
    rows.retain(|(metric, _, block, ..)| *metric != "part_boundary_ns" || *block != 2);
    let guest = known(&reduced(&rows), "part_guest_ns");
    assert_eq!(guest.estimate, -5.0, "{guest:?}");
    assert_eq!(guest.interval.map(|i| (i.lower, i.upper)), Some((-10.0, 0.0)));
}

#[test]
fn a_ratio_of_differences_needs_both_above_zero() {
    let ratio = |native| reduced(&parts(native))[&metric("part_guest_to_native_time")].clone();
    let Reading::Known(summary) = ratio(450) else { panic!("a ratio") };
    assert!((summary.estimate - 852.5 / 425.0).abs() < 0.001, "{summary:?}");
    assert_eq!(summary.n, 6);
    let Reading::Missing(why) = ratio(20) else { panic!("the native agent takes no time") };
    let why = why.to_string();
    assert_eq!(why, "a difference is not above 0 in a launch: 850.0 over -5.0 ns");
}

#[test]
fn a_difference_without_a_common_launch_is_missing() {
    let rows = [("part_in_place_ns", 0, 0, 1, 9), ("part_boundary_ns", 1, 0, 1, 5)];
    let Reading::Missing(why) = reduced(&rows)[&metric("part_guest_ns")].clone() else {
        panic!("no launch has both")
    };
    let why = why.to_string();
    assert_eq!(why, "failed: no launch has all of part_in_place_ns, part_boundary_ns");
}

#[test]
fn differences_use_quiet_launches() {
    let mut rows = parts(450);
    for launch in 6..9 {
        for block in 0..3 {
            rows.push(("part_in_place_ns", launch, block, 1, 5000));
            rows.push(("part_boundary_ns", launch, block, 1, 60));
        }
    }
    for launch in 0..9 {
        let yardstick = if launch < 6 { 100 } else { 150 };
        rows.extend((0..3).map(|block| ("yardstick_ns", launch, block, 1, yardstick)));
    }
    let best = Best { yardstick_ns: Some(100.0), to_latency: None };
    let levels = Levels { best, ..levels() };
    let guest = known(&reduce(&samples(&rows), &levels), "part_guest_ns");
    assert_eq!((guest.estimate, guest.company), (840.0, Company::LeftOut(3)));
}
