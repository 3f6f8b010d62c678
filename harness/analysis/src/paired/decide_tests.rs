//! Verdicts: their level and power by simulation with fixed seeds, and what must hold of any data.

use super::*;
use caxton_fixture::normal;
use caxton_model::paired::LOOKS_UNTIL_DECIDED;
use caxton_stats::signed_rank;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

const PRIMARY: Weight = Weight::Primary;

/// A log-ratio of two versions that behave alike, in launch `i`: symmetric about zero.
type Noise = fn(&mut fastrand::Rng, usize) -> f64;

/// Every kind of noise that a machine could make, all symmetric.
const NOISES: [(&str, Noise); 5] = [
    ("normal", |random, _| 0.01 * normal(random)),
    // Cauchy: it has neither mean nor variance.
    ("heavy tails", |random, _| 0.002 * (std::f64::consts::PI * (random.f64() - 0.5)).tan()),
    // One launch in five beside a neighbour, fifty times as noisy.
    ("two kinds of launches", |random, _| {
        let scale = if random.u8(..5) == 0 { 0.1 } else { 0.002 };
        scale * normal(random)
    }),
    ("a scale that drifts", |random, i| 0.001 * 1.3_f64.powi(i as i32) * normal(random)),
    // A coarse clock: many ties, many zeros.
    ("few values", |random, _| f64::from(random.i32(-2..=2)) * 0.004),
];

/// `count` log-ratios about `shift`.
fn draw(random: &mut fastrand::Rng, noise: Noise, shift: f64, count: usize) -> Vec<f64> {
    (0..count).map(|i| shift + noise(random, i)).collect()
}

/// A design of few launches and much error, so that a simulation sees it; nothing is too small to
/// be looked for, so that every look counts.
fn loud(primary: u32) -> Design {
    let looks = vec![8, 10, 12];
    Design { alpha: 0.2, margin: 0.0, mde: 0.0, looks, primary, ..Design::default() }
}

fn verdict(values: &[f64], design: &Design, margin: f64) -> Option<Verdict> {
    decide(values, design, PRIMARY, margin, false).unwrap().verdict
}

/// The share of runs of `metrics` metrics in which any is called worse, and in which any is called
/// better.
fn alarms(noise: Noise, design: &Design, (metrics, shift): (u32, f64)) -> [f64; 2] {
    let mut random = fastrand::Rng::with_seed(5);
    let launches = *design.looks.last().unwrap() as usize;
    let mut alarms = [0_u32; 2];
    for _ in 0..RUNS {
        let mut run = || verdict(&draw(&mut random, noise, shift, launches), design, design.margin);
        let told: Vec<_> = (0..metrics).map(|_| run()).collect();
        alarms[0] += u32::from(told.contains(&Some(Verdict::Regressed)));
        alarms[1] += u32::from(told.contains(&Some(Verdict::Improved)));
    }

    alarms.map(|count| f64::from(count) / f64::from(RUNS))
}

const RUNS: u32 = 4_000;

/// Four standard errors of a share of [`RUNS`]; seeds are fixed, so nothing flickers.
fn slack(share: f64) -> f64 {
    4.0 * (share * (1.0 - share) / f64::from(RUNS)).sqrt()
}

#[test]
fn a_run_without_a_change_raises_an_alarm_no_more_often_than_alpha() {
    let design = loud(3);
    for (name, noise) in NOISES {
        for share in alarms(noise, &design, (3, 0.0)) {
            assert!(share <= design.alpha + slack(design.alpha), "{name}: {share}");
            // And not because it never does.
            assert!(share > 0.05, "{name}: {share}");
        }
    }
}

#[test]
fn launches_that_are_added_until_it_is_decided_raise_no_more_alarms() {
    // No look has an alpha of its own: the more of them, the sooner too many would be seen.
    let looks = (10..=40).step_by(3).collect();
    let design = Design { looks, until_decided: true, ..loud(1) };
    for (name, noise) in &NOISES[..2] {
        for share in alarms(*noise, &design, (1, 0.0)) {
            assert!(share <= design.alpha + slack(design.alpha), "{name}: {share}");
            assert!(share > 0.01, "{name}: {share}");
        }
    }
}

#[test]
fn what_takes_many_launches_is_decided_in_the_end() {
    let mut random = fastrand::Rng::with_seed(19);
    let looks = LOOKS_UNTIL_DECIDED.to_vec();
    let design = Design {
        looks,
        until_decided: true,
        margin: 0.0,
        mde: 0.004,
        primary: 30,
        ..Design::default()
    };
    let noise: Noise = |random, _| 0.01 * normal(random);
    for (shift, expected) in
        [(0.005, Verdict::Regressed), (-0.005, Verdict::Improved), (0.0, Verdict::Ok)]
    {
        let mut launches = Vec::new();
        for _ in 0..20 {
            let values = draw(&mut random, noise, shift, 500);
            let told = decide(&values, &design, PRIMARY, design.margin, false).unwrap();
            if told.verdict == Some(expected) {
                launches.push(told.look);
            }
        }
        assert!(launches.len() >= 18, "{shift}: {launches:?}");
        assert!(launches.iter().any(|look| *look < 200), "{shift}: {launches:?}");
    }
}

#[test]
fn an_alpha_that_is_not_split_would_be_seen() {
    let design = loud(4);
    let is_seen = |broken: &Design| {
        for share in alarms(NOISES[0].1, broken, (4, 0.0)) {
            assert!(share > design.alpha + slack(design.alpha), "{share}");
        }
    };
    // Not over the looks, and not over the metrics.
    is_seen(&Design { alpha: design.alpha * design.looks.len() as f64, ..loud(4) });
    is_seen(&loud(1));
}

#[test]
fn at_one_look_the_error_is_what_the_ranks_can_attain() {
    // Of the 2¹⁰ patterns of signs, count those whose sum of ranks is as small.
    let looks = vec![10];
    let design = Design { looks, ..loud(1) };
    let sums = (0_u32..1 << 10).map(|p| (0..10).map(|i| (p >> i & 1) * (i + 1)).sum::<u32>());
    let sums: Vec<u32> = sums.collect();
    let attained = (0..=55)
        .map(|most| sums.iter().filter(|sum| **sum <= most).count() as f64 / 1024.0)
        .rfind(|tail| *tail <= design.alpha)
        .unwrap();
    for (name, noise) in &NOISES[..4] {
        for share in alarms(*noise, &design, (1, 0.0)) {
            assert!((share - attained).abs() < slack(attained), "{name}: {share}, {attained}");
        }
    }
}

#[test]
fn the_level_holds_at_the_margin_and_within_it() {
    let design = Design { margin: 0.05, ..loud(2) };
    for (name, noise) in [NOISES[0], NOISES[1]] {
        let [worse, better] = alarms(noise, &design, (2, 0.05_f64.ln_1p()));
        assert!(worse <= design.alpha + slack(design.alpha) && worse > 0.05, "{name}: {worse}");
        assert!(better < 0.001, "{name}: {better}");
    }
    let noise = NOISES[0].1;
    let [within, _] = alarms(noise, &design, (2, 0.045_f64.ln_1p()));
    assert!(within < 0.05, "{within}");
    let [beyond, _] = alarms(noise, &design, (2, 0.06_f64.ln_1p()));
    assert!(beyond > 2.0 * design.alpha, "{beyond}");
    // Better by exactly the margin: the base over the candidate is 1.05.
    let [_, better] = alarms(noise, &design, (2, -0.05_f64.ln_1p()));
    assert!(better <= design.alpha + slack(design.alpha) && better > 0.05, "{better}");
}

/// Verdicts of 400 comparisons in a run of `metrics`, with noise of 0.8 % and changed by `shift`.
fn planted(metrics: u32, shift: f64) -> Vec<Decision> {
    let mut random = fastrand::Rng::with_seed(11);
    let design = Design { primary: metrics, ..Design::default() };
    let noise: Noise = |random, _| 0.008 * normal(random);
    let mut one = || draw(&mut random, noise, shift.ln_1p(), 60);
    let decide = |values: Vec<f64>| decide(&values, &design, PRIMARY, design.margin, true);
    (0..400).map(|_| decide(one()).unwrap()).collect()
}

fn share(decisions: &[Decision], verdict: Verdict) -> f64 {
    let count = decisions.iter().filter(|d| d.verdict == Some(verdict)).count();
    count as f64 / decisions.len() as f64
}

#[test]
fn what_is_planted_is_found() {
    for metrics in [1, 50, 500] {
        let found = planted(metrics, 0.05);
        assert!(share(&found, Verdict::Regressed) == 1.0, "{metrics}");
        let found = planted(metrics, 1.0 / 1.05 - 1.0);
        assert!(share(&found, Verdict::Improved) == 1.0, "{metrics}");
        let found = planted(metrics, 0.025);
        assert!(share(&found, Verdict::Regressed) > 0.95, "{metrics}");
        let found = planted(metrics, 0.0);
        assert!(share(&found, Verdict::Ok) > 0.99, "{metrics}");
        assert!(found.iter().all(|d| d.look <= 22), "{metrics}");
    }
    // Fifty metrics need 16 launches, five hundred one look more: 2⁻¹⁶ is too likely.
    assert!(planted(50, 0.05).iter().all(|d| d.look == 16));
    assert!(planted(500, 0.05).iter().all(|d| d.look == 22));
}

#[test]
fn what_is_to_be_found_is_rarely_called_ok() {
    // Looks are many and noise is large: every look is a chance to stop too early.
    let mut random = fastrand::Rng::with_seed(17);
    let design = Design { primary: 50, ..Design::default() };
    let (runs, shift) = (800, design.mde.ln_1p());
    let noise: Noise = |random, _| 0.03 * normal(random);
    let mut missed = 0;
    let mut unsplit = 0;
    for _ in 0..runs {
        let values = draw(&mut random, noise, shift, 130);
        let told = decide(&values, &design, PRIMARY, design.margin, true).unwrap();
        missed += u32::from(told.verdict == Some(Verdict::Ok));
        let is_below = |look: &u32| {
            let level = 2.0_f64.mul_add(Design::LEVEL, -1.0);
            signed_scores::interval(&values[..*look as usize], level).unwrap().upper < shift
        };
        unsplit += u32::from(design.looks.iter().any(is_below));
    }
    let most = 1.0 - Design::LEVEL;
    let [missed, unsplit] = [missed, unsplit].map(|count| f64::from(count) / f64::from(runs));
    let slack = 4.0 * (most * (1.0 - most) / f64::from(runs)).sqrt();
    assert!(missed <= most, "{missed}");
    assert!(missed > 0.0);
    assert!(unsplit > most + slack, "{unsplit}");
}

#[test]
fn what_is_known_to_the_last_digit_is_closed_when_it_can_be_called() {
    let many = Design { primary: 500, ..Design::default() };
    let about = |centre: f64, wobble: f64, count: i32| -> Vec<f64> {
        (0..count).map(|i| centre + f64::from(i % 7) * wobble).collect()
    };
    for (what, values, design, margin, expected) in [
        // Below what is to be found, above the margin. With 500 metrics the look at 16 cannot raise
        // an alarm; that at 22 can.
        ("worse at 16", about(0.015, 1e-4, 16), &many, 0.01, None),
        ("worse at 22", about(0.015, 1e-4, 22), &many, 0.01, Some(Verdict::Regressed)),
        ("better at 16", about(-0.015, -1e-4, 16), &many, 0.01, None),
        ("better at 22", about(-0.015, -1e-4, 22), &many, 0.01, Some(Verdict::Improved)),
        ("much better at 16", about(-0.05, 1e-3, 16), &many, 0.01, None),
        ("much better at 22", about(-0.05, 1e-3, 22), &many, 0.01, Some(Verdict::Improved)),
        // 3 %, where 2 % are to be found and 6 % are allowed.
        ("allowed", about(0.03, 1e-3, 16), &Design::default(), 0.06, Some(Verdict::Ok)),
        ("not allowed", about(0.03, 1e-3, 16), &Design::default(), 0.01, Some(Verdict::Regressed)),
    ] {
        assert_eq!(verdict(&values, design, margin), expected, "{what}");
    }
    // At the end it stays open where worse, and is fine where better.
    let end = |values: &[f64]| decide(values, &many, PRIMARY, 0.01, true).unwrap().verdict;
    assert_eq!(end(&about(0.015, 1e-4, 16)), Some(Verdict::Inconclusive));
    assert_eq!(end(&about(-0.015, -1e-4, 16)), Some(Verdict::Ok));
}

#[test]
fn zeros_and_ties_are_no_evidence() {
    let design = Design::default();
    assert_eq!(verdict(&[0.0; 16], &design, 0.01), Some(Verdict::Ok));
    // Without a margin, zeros have no sign.
    let told = decide(&[0.0; 16], &design, PRIMARY, 0.0, false).unwrap();
    assert_eq!((told.verdict, told.p_worse, told.p_better), (Some(Verdict::Ok), 1.0, 1.0));
    assert_eq!((told.worse, told.look, told.n), (1.0, 16, 16));
    // All exactly at the margin: the same.
    let told = decide(&[0.01_f64.ln_1p(); 16], &design, PRIMARY, 0.01, false).unwrap();
    assert_eq!((told.verdict, told.p_worse), (Some(Verdict::Ok), 1.0));
    // Ties that all point one way are as clear as it gets.
    let told = decide(&[0.03; 16], &design, PRIMARY, 0.01, false).unwrap();
    assert_eq!((told.verdict, told.p_worse), (Some(Verdict::Regressed), 2.0_f64.powi(-16)));
    assert_eq!(told.p_better, 1.0);
}

#[test]
fn what_is_no_number_is_not_decided() {
    let design = Design::default();
    for odd in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let mut values = vec![0.03; 20];
        values[18] = odd;
        assert_eq!(decide(&values, &design, PRIMARY, 0.01, true), None, "{odd}");
    }
    assert_eq!(decide(&[], &design, PRIMARY, 0.01, true), None);
    assert_eq!(decide(&vec![0.0; signed_rank::N_MAX + 1], &design, PRIMARY, 0.01, true), None);
}

#[test]
fn before_the_first_look_nothing_is_said_and_at_the_end_something_is() {
    let design = Design::default();
    let told = |count: usize, is_over| {
        let values = vec![0.03; count];
        decide(&values, &design, PRIMARY, 0.01, is_over).unwrap()
    };
    assert_eq!((told(15, false).verdict, told(15, false).look), (None, 0));
    assert_eq!((told(15, false).p_worse, told(15, false).p_better), (1.0, 1.0));
    assert_eq!(told(15, true).verdict, Some(Verdict::Inconclusive));
    assert!(told(7, true).interval.is_none() && told(8, true).interval.is_some());
    // Too few launches to bound anything: silence is not a pass.
    let few = decide(&[0.0; 7], &design, PRIMARY, 0.01, true).unwrap();
    assert_eq!(few.verdict, Some(Verdict::Inconclusive));
    let enough = decide(&[0.0; 15], &design, PRIMARY, 0.01, true).unwrap();
    assert_eq!(enough.verdict, Some(Verdict::Ok));
}

#[test]
fn the_interval_is_of_ratios_and_holds_the_estimate() {
    let values: Vec<f64> = (0..16).map(|i| (1.02 + f64::from(i) / 1e3_f64).ln()).collect();
    let told = decide(&values, &Design::default(), PRIMARY, 0.01, false).unwrap();
    let interval = told.interval.unwrap();
    assert!(1.02 < interval.lower && interval.lower < told.worse);
    assert!(told.worse < interval.upper && interval.upper < 1.035);
    assert_eq!(interval.level, Design::LEVEL);
}

#[test]
fn each_weight_spends_its_own_share() {
    let design = Design { primary: 4, secondary: 10, ..Design::default() };
    let spent = |weight| design.alpha_of(weight) * design.looks.len() as f64;
    let all = 4.0 * spent(Weight::Primary) + 10.0 * spent(Weight::Secondary);
    assert!((all - design.alpha).abs() < 1e-15, "{all}");
    assert!((spent(Weight::Primary) - 0.8 * 0.01 / 4.0).abs() < 1e-15);
    // Where there is only one kind, it has everything.
    let alone = Design { primary: 0, secondary: 10, ..Design::default() };
    assert!((80.0 * alone.alpha_of(Weight::Secondary) - alone.alpha).abs() < 1e-15);
    let alone = Design { primary: 4, secondary: 0, ..Design::default() };
    assert!((32.0 * alone.alpha_of(Weight::Primary) - alone.alpha).abs() < 1e-15);
}

/// Values of changes that make every verdict, in hundredths of a percent; a margin in percent.
fn changes() -> impl Strategy<Value = (Vec<f64>, f64, u32)> {
    let noise = prop::collection::vec(-300_i32..300, 1..64);
    let shape = (-400_i32..400, 0_i32..20, 0_u32..4, 1_u32..600);
    (noise, shape).prop_map(|(noise, (shift, scale, margin, primary))| {
        let of = |v: i32| f64::from(shift * 20 + v * scale) / 2e5;
        (noise.into_iter().map(of).collect(), f64::from(margin) / 100.0, primary)
    })
}

/// Runs `property` on the same changes every time, and checks that they make every verdict.
fn for_all_changes(
    cases: u32,
    property: impl Fn(&[f64], f64, &Design) -> Result<(), TestCaseError>,
) {
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let met = std::cell::RefCell::new(std::collections::BTreeSet::new());
    let one = |(values, margin, primary): (Vec<f64>, f64, u32)| {
        let design = Design { primary, ..Design::default() };
        met.borrow_mut().insert(verdict(&values, &design, margin).map(Verdict::name));
        property(&values, margin, &design)
    };
    TestRunner::new_with_rng(config, rng).run(&changes(), one).unwrap();
    let expected = [None, Some("IMPROVED"), Some("OK"), Some("REGRESSED")];
    assert!(met.into_inner().into_iter().eq(expected), "a verdict was never met");
}

#[test]
fn swapping_the_labels_swaps_the_verdict() {
    for_all_changes(2_000, |values, margin, design| {
        let turned: Vec<f64> = values.iter().map(|v| -v).collect();
        let told = decide(values, design, PRIMARY, margin, false).unwrap();
        let other = decide(&turned, design, PRIMARY, margin, false).unwrap();
        let expected = match told.verdict {
            Some(Verdict::Regressed) => Some(Verdict::Improved),
            Some(Verdict::Improved) => Some(Verdict::Regressed),
            same => same,
        };
        prop_assert_eq!(other.verdict, expected);
        prop_assert_eq!((other.look, other.n), (told.look, told.n));
        prop_assert!((other.p_worse - told.p_better).abs() < 1e-12);
        prop_assert!((other.p_better - told.p_worse).abs() < 1e-12);
        prop_assert!((other.worse * told.worse - 1.0).abs() < 1e-12);
        Ok(())
    });
}

#[test]
fn a_verdict_is_for_ever() {
    for_all_changes(400, |values, margin, design| {
        let mut last: Option<Decision> = None;
        for count in 1..=values.len() {
            let told = decide(&values[..count], design, PRIMARY, margin, false).unwrap();
            let of = |d: Decision| (d.verdict, d.look, d.p_worse, d.p_better);
            if let Some(last) = last.filter(|last| last.verdict.is_some()) {
                prop_assert_eq!(of(told), of(last));
                let over = decide(&values[..count], design, PRIMARY, margin, true).unwrap();
                prop_assert_eq!(over.verdict, told.verdict);
            }
            // Nothing is decided but at a look.
            let is_new = last.is_none_or(|last| last.verdict.is_none()) && told.verdict.is_some();
            prop_assert!(!is_new || design.looks.contains(&(count as u32)));
            last = Some(told);
        }
        let over = decide(values, design, PRIMARY, margin, true).unwrap();
        prop_assert!(over.verdict.is_some());
        Ok(())
    });
}
