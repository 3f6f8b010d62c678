//! Each statistic by hand, and what must not change it.

use super::*;
use caxton_fixture::paired;
use caxton_model::metric::{Better, Metric};

const BOTH: [Version; 2] = Version::BOTH;

/// A reading of `wasm_call_ns` over one iteration.
fn turn(version: Version, launch: u32, block: u32, value: u64) -> Turn {
    Turn { block, ..paired::turn(version, launch, "wasm_call_ns", value) }
}

fn of_metric(mut turn: Turn, metric: &str) -> Turn {
    turn.metric = MetricName::parse(metric).unwrap();
    turn
}

fn ratios(turns: &[Turn], metric: &str) -> Vec<f64> {
    log_ratios(turns, Trial::Contest).remove(&MetricName::parse(metric).unwrap()).unwrap()
}

fn is_near(a: f64, b: f64) -> bool {
    (a - b).abs() < 1e-12
}

/// One launch whose blocks have these readings: of the base, and of the candidate.
fn launch(launch: u32, blocks: &[[&[u64]; 2]]) -> Vec<Turn> {
    let mut turns = Vec::new();
    for (block, readings) in (0..).zip(blocks) {
        for (version, readings) in BOTH.into_iter().zip(readings) {
            for (index, value) in (0..).zip(*readings) {
                turns.push(Turn { index, ..turn(version, launch, block, *value) });
            }
        }
    }
    turns
}

#[test]
fn the_least_of_blocks_are_compared_in_the_mode_that_most_of_them_have() {
    // The least: 100, 100, 150 and 110, 110, 400. Four of nine ratios are 1.1; neither the medians
    // of the blocks nor the least of all would give that.
    let turns = launch(
        0,
        &[[&[100, 200], &[400, 110]], [&[100, 100], &[110, 150]], [&[150, 900], &[400, 1000]]],
    );
    assert!(is_near(ratios(&turns, "wasm_call_ns")[0], 1.1_f64.ln()));
    // Of two ratios, the middle is half way between.
    let two = launch(0, &[[&[100], &[110]], [&[100], &[150]]]);
    let expected = 1.1_f64.ln().midpoint(1.5_f64.ln());
    assert!(is_near(ratios(&two, "wasm_call_ns")[0], expected));
}

#[test]
fn a_quantile_is_over_the_whole_launch() {
    // Medians of all: 30 and 45, whatever the blocks.
    let turns = launch(0, &[[&[10, 20, 30], &[45, 45]], [&[40, 50], &[1, 90, 99]]]);
    let turns: Vec<Turn> =
        turns.into_iter().map(|turn| of_metric(turn, "wasm_instantiate_ns")).collect();
    assert!(is_near(ratios(&turns, "wasm_instantiate_ns")[0], 1.5_f64.ln()));
}

#[test]
fn a_peak_is_the_greatest() {
    let turns = launch(0, &[[&[10, 80], &[20, 30]], [&[40, 50], &[60, 10]]]);
    let turns: Vec<Turn> =
        turns.into_iter().map(|turn| of_metric(turn, "anonymous_rss_bytes")).collect();
    assert!(is_near(ratios(&turns, "anonymous_rss_bytes")[0], 0.75_f64.ln()));
}

#[test]
fn all_turns_of_a_version_come_to_one_number() {
    let over = |iterations, value| Turn { iterations, ..turn(Version::Base, 0, 0, value) };
    // Per iteration: 10, 30, 2.
    let turns = [over(1, 10), over(2, 60), over(5, 10)];
    let one = |statistic| one_value(statistic, &turns.iter().collect::<Vec<_>>()).unwrap();
    assert_eq!(one(Statistic::BlockMin), 2.0);
    assert_eq!(one(Statistic::Peak), 30.0);
    assert_eq!(one(Statistic::Quantile(0.5)), 10.0);
    assert_eq!(one(Statistic::Quantile(0.75)), 20.0);
    for statistic in [Statistic::BlockMin, Statistic::Peak, Statistic::Quantile(0.5)] {
        assert_eq!(one_value(statistic, &[]), None);
    }
}

#[test]
fn the_order_of_the_rows_means_nothing() {
    let mut random = fastrand::Rng::with_seed(3);
    let mut turns = Vec::new();
    for metric in ["wasm_call_ns", "wasm_first_call_ns", "anonymous_rss_bytes"] {
        for at in 0..4 {
            let mut readings = || [random.u64(1..500), random.u64(1..500), random.u64(1..500)];
            let (base, candidate) = ([readings(), readings()], [readings(), readings()]);
            let blocks = [[&base[0][..], &candidate[0]], [&base[1], &candidate[1]]];
            turns.extend(launch(at, &blocks).into_iter().map(|turn| of_metric(turn, metric)));
        }
    }
    let expected = log_ratios(&turns, Trial::Contest);
    assert!(expected.values().flatten().all(|ratio| ratio.is_finite()));
    // Otherwise any order would do.
    assert!(expected.values().all(|ratios| ratios[0] != ratios[1]));
    for _ in 0..50 {
        random.shuffle(&mut turns);
        assert_eq!(log_ratios(&turns, Trial::Contest), expected);
    }
}

#[test]
fn launches_come_in_their_order() {
    let turns: Vec<Turn> = [7, 3, 5]
        .into_iter()
        .flat_map(|at| launch(at, &[[&[100], &[100 + u64::from(at)]]]))
        .collect();
    let told = ratios(&turns, "wasm_call_ns");
    assert!(told.iter().zip([1.03_f64, 1.05, 1.07]).all(|(a, b)| is_near(*a, b.ln())), "{told:?}");
}

#[test]
fn swapping_the_versions_turns_the_sign() {
    let turns = launch(0, &[[&[100, 120], &[130, 140]], [&[90], &[95]]]);
    let swapped: Vec<Turn> = turns
        .iter()
        .map(|turn| Turn { version: BOTH[usize::from(turn.version == BOTH[0])], ..turn.clone() })
        .collect();
    let [told, turned] = [&turns, &swapped].map(|turns| ratios(turns, "wasm_call_ns")[0]);
    assert!(told > 0.0 && is_near(told, -turned));
}

#[test]
fn more_is_worse_unless_more_is_better() {
    let metric = |name: &str| MetricName::parse(name).unwrap().metric();
    assert_eq!(worse_sign(metric("wasm_call_ns")), 1.0);
    let rate = caxton_model::metric::metrics().find(|m| m.better == Better::Higher).unwrap();
    assert_eq!(worse_sign(rate), -1.0);
    assert_eq!(worse_sign(&Metric { better: Better::Higher, ..*metric("wasm_call_ns") }), -1.0);
}

#[test]
fn what_is_missing_is_no_number() {
    let pairs: &[[&[u64]; 2]] = &[[&[100], &[110]], [&[100], &[110]]];
    let whole = || [launch(0, pairs), launch(2, pairs)].concat();
    let with = |turns: Vec<Turn>| ratios(&[whole(), turns].concat(), "wasm_call_ns");
    let is_lost = |turns: Vec<Turn>| {
        let told = with(turns);
        assert!(told.len() == 3 && told[1].is_nan(), "{told:?}");
        assert!(told[0].is_finite() && told[2].is_finite(), "{told:?}");
    };
    for version in BOTH {
        // A version has nothing, or half a pair of blocks, or a zero, which has no logarithm.
        is_lost(vec![turn(version, 1, 0, 100)]);
        let mut half = launch(1, pairs);
        half.retain(|turn| turn.version != version || turn.block == 0);
        is_lost(half);
        let mut zero = launch(1, &[[&[100], &[110]]]);
        zero.iter_mut().filter(|turn| turn.version == version).for_each(|turn| turn.value = 0);
        is_lost(zero);
    }
    // Neither version has this metric, but the launch was there.
    let other = BOTH.map(|version| of_metric(turn(version, 1, 0, 5), "anonymous_rss_bytes"));
    is_lost(other.to_vec());
}

#[test]
fn only_what_is_asked_for_is_compared() {
    let mut turns = launch(0, &[[&[100], &[110]]]);
    let sentinel = launch(0, &[[&[100], &[100]]]);
    turns.extend(sentinel.into_iter().map(|turn| Turn { trial: Trial::Sentinel, ..turn }));
    turns.push(Turn { trial: Trial::Counts, ..turn(Version::Base, 9, 0, 1) });
    // No contest: it is neither compared nor in the way.
    turns.push(of_metric(turn(Version::Base, 0, 0, 5), "yardstick_ns"));
    let told = log_ratios(&turns, Trial::Contest);
    assert_eq!(told.len(), 1);
    assert!(is_near(ratios(&turns, "wasm_call_ns")[0], 1.1_f64.ln()));
    let audit = log_ratios(&turns, Trial::Sentinel);
    assert!(audit.values().eq([&vec![0.0]]));
}
