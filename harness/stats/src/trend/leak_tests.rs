//! The leak verdict: its errors and its power on made-up traces, and what it must refuse.
//!
//! The rates are over 600 seeded traces of 720 s each: 100 MiB, with noise that depends on the
//! second before (ρ = 0.9) and has a standard deviation of 0.3 MiB.

use super::*;
use caxton_fixture::normal;

const SAMPLES: usize = 720;
const TRACES: u64 = 600;
const LEVEL_MIB: f64 = 100.0;

/// Noise of which each value keeps the share `rho` of the one before, with standard deviation `sd`.
fn noise(random: &mut fastrand::Rng, rho: f64, sd: f64) -> Vec<f64> {
    let mut value = sd * normal(random);
    let mut next = || {
        value = rho * value + (1.0 - rho * rho).sqrt() * sd * normal(random);
        value
    };
    (0..SAMPLES).map(|_| next()).collect()
}

/// What a trace adds to level and noise, in MiB, at a share of the run.
type Shape = Box<dyn Fn(f64) -> f64>;

/// A warm-up of `size` MiB: what is left of it falls by e each `tau` of the run.
fn warm_up(size: f64, tau: f64) -> Shape {
    Box::new(move |at| -size * (-at / tau).exp())
}

/// 16 arenas of 1 MiB, each taken once at a time of its own, on average after 12 % of the run.
fn steps(random: &mut fastrand::Rng) -> Shape {
    let taken: Vec<f64> = (0..16).map(|_| -0.12 * (1.0 - random.f64()).ln()).collect();
    Box::new(move |at| taken.iter().filter(|taken| **taken <= at).count() as f64)
}

/// Filled with 30 MiB and emptied, every 10 to 20 s by a period and a phase of its own.
fn sawtooth(random: &mut fastrand::Rng) -> Shape {
    let (cycles, phase) = (SAMPLES as f64 / (10.0 + 10.0 * random.f64()), random.f64());
    Box::new(move |at| 30.0 * (cycles * at + phase).fract())
}

/// A leak of so many MiB per run.
fn drip(size: f64) -> Shape {
    Box::new(move |at| size * at)
}

/// Level, noise and `shapes`.
fn trace(random: &mut fastrand::Rng, shapes: &[Shape]) -> SampledSeries {
    let noise = noise(random, 0.9, 0.3);
    let value = |(second, noise): (usize, &f64)| {
        let at = second as f64 / SAMPLES as f64;
        Some(LEVEL_MIB + noise + shapes.iter().map(|shape| shape(at)).sum::<f64>())
    };
    let values = noise.iter().enumerate().map(value).collect();
    series(values)
}

/// `values`, one each second.
fn series(values: Vec<Option<f64>>) -> SampledSeries {
    let at_s = (0..values.len()).map(|second| second as f64).collect();
    SampledSeries { name: "live".to_owned(), unit_floor: 0.0, at_s, values }
}

/// Percent of traces that are called a leak, and at least suspect.
fn rates(shapes: impl Fn(&mut fastrand::Rng) -> Vec<Shape>) -> (f64, f64) {
    let verdicts = (0..TRACES).map(|seed| {
        let mut random = fastrand::Rng::with_seed(seed);
        let shapes = shapes(&mut random);
        leak(&trace(&mut random, &shapes), &LeakOptions::default()).verdict
    });
    let verdicts: Vec<LimitVerdict> = verdicts.collect();
    let percent = |is_such: &dyn Fn(&LimitVerdict) -> bool| {
        100.0 * verdicts.iter().filter(|v| is_such(v)).count() as f64 / TRACES as f64
    };
    let is_leak = |v: &LimitVerdict| *v == LimitVerdict::Missed;
    (percent(&is_leak), percent(&|v| is_leak(v) || *v == LimitVerdict::Unclear))
}

/// What is made of a trace's own randomness.
type Shapes = fn(&mut fastrand::Rng) -> Vec<Shape>;

#[test]
fn what_does_not_leak_is_seldom_called_a_leak() {
    let rows: [(&str, Shapes, f64); 8] = [
        ("flat", |_| vec![], 0.0),
        ("warm-up that plateaus", |_| vec![warm_up(20.0, 0.08)], 5.0),
        ("slow warm-up of 10 MiB", |_| vec![warm_up(10.0, 0.25)], 51.0),
        ("slow warm-up of 20 MiB", |_| vec![warm_up(20.0, 0.25)], 51.0),
        ("slow warm-up of 50 MiB", |_| vec![warm_up(50.0, 0.25)], 51.0),
        ("allocator steps, bounded", |random| vec![steps(random)], 3.0),
        // One trace of 60.
        ("sawtooth", |random| vec![sawtooth(random)], 1.7),
        ("shrinking", |_| vec![drip(-10.0)], 0.0),
    ];
    for (name, shapes, most) in rows {
        let (leaks, _) = rates(shapes);
        assert!(leaks <= most, "{name}: {leaks:.1} %, at most {most} %");
    }
}

#[test]
fn what_leaks_is_called_a_leak() {
    let rows: [(&str, Shapes, f64); 5] = [
        ("2 %", |_| vec![drip(2.0)], 20.0),
        ("5 %", |_| vec![drip(5.0)], 86.0),
        ("10 %", |_| vec![drip(10.0)], 98.0),
        ("10 % and a sawtooth", |random| vec![drip(10.0), sawtooth(random)], 68.0),
        ("10 % and a warm-up", |_| vec![drip(10.0), warm_up(20.0, 0.08)], 98.0),
    ];
    for (name, shapes, least) in rows {
        let (leaks, suspects) = rates(shapes);
        assert!(leaks >= least, "{name}: {leaks:.1} %, at least {least} %");
        if least > 50.0 {
            assert!(suspects >= 95.0, "{name}: {suspects:.1} % at least suspect");
        }
    }
}

#[test]
fn a_slow_warm_up_is_at_least_suspect() {
    // Nothing tells it from a leak in time; so it is never passed as clean.
    let (_, suspects) = rates(|_| vec![warm_up(20.0, 0.25)]);
    assert!(suspects >= 98.0, "{suspects}");
}

/// The judgement of `series` by the usual options.
fn judged(series: &SampledSeries) -> (LimitVerdict, SeriesGrowth) {
    let told = leak(series, &LeakOptions::default());
    (told.verdict, told.judged.expect("a whole series is judged"))
}

#[test]
fn a_leak_that_was_missed_was_too_small_to_be_seen() {
    // A sawtooth longer than a window hides the bottom: the run has to say so.
    let (mut missed, mut told) = (0, 0);
    for seed in 0..TRACES {
        let mut random = fastrand::Rng::with_seed(seed);
        let phase = random.f64();
        let long: Shape = Box::new(move |at| 30.0 * (16.0 * at + phase).fract());
        let (verdict, judged) = judged(&trace(&mut random, &[drip(10.0), long]));
        if verdict == LimitVerdict::Met {
            missed += 1;
            told += u32::from(judged.smallest_seen_per_s > 10.0 / 720.0);
        }
    }
    assert!(missed > 300, "the sawtooth hides nothing");
    assert!(f64::from(told) > 0.95 * f64::from(missed), "{told} of {missed}");
}

#[test]
fn a_leak_of_the_smallest_size_is_seen_as_often_as_said() {
    let mut random = fastrand::Rng::with_seed(0);
    let sizes = (0..TRACES).map(|_| 720.0 * judged(&trace(&mut random, &[])).1.smallest_seen_per_s);
    let size = median(&sizes.collect::<Vec<f64>>()).unwrap();
    let (_, seen) = rates(|_| vec![drip(size)]);
    assert!((65.0..=85.0).contains(&seen), "{size:.2} MiB: {seen:.1} %");
}

#[test]
fn a_line_is_judged_to_the_digit() {
    // 1,000 bytes and 3 more each second; 24 windows of 15 s from 360 s on.
    let values = (0..=720).map(|second| Some(1000.0 + 3.0 * f64::from(second)));
    let (verdict, judged) = judged(&series(values.collect()));
    assert_eq!(verdict, LimitVerdict::Missed);
    assert_eq!((judged.slope_per_s, judged.interval_per_s), (3.0, (3.0, 3.0)));
    assert_eq!((judged.from_s, judged.to_s, judged.windows), (360.0, 720.0, 24));
    assert_eq!((judged.samples, judged.tau), (361, 1.0));
    assert_eq!((judged.growth, judged.growth_last_third), (1080.0, 360.0));
    // The windows' minima are at their begins, the median between the 12th and the 13th.
    assert_eq!(judged.level, 1000.0 + 3.0 * (360.0 + 11.5 * 15.0));
    assert!(judged.p < 1e-6 && judged.p > 0.0, "{}", judged.p);
    assert_eq!(judged.smallest_seen_per_s, 0.01 * judged.level / 360.0);
}

#[test]
fn what_never_changes_is_clean() {
    for value in [0.0, 1e9] {
        let (verdict, judged) = judged(&series(vec![Some(value); 720]));
        assert_eq!(verdict, LimitVerdict::Met);
        assert_eq!((judged.p, judged.tau, judged.growth), (1.0, 0.0, 0.0));
    }
}

#[test]
fn growth_below_the_floor_does_not_matter() {
    let values = (0..=720).map(|second| Some(10.0 + f64::from(second / 60)));
    let mut count = series(values.collect());
    assert_eq!(judged(&count).0, LimitVerdict::Missed);
    count.unit_floor = 10.0;
    let (verdict, judged) = judged(&count);
    assert_eq!(verdict, LimitVerdict::Met);
    assert!(judged.smallest_seen_per_s >= 10.0 / 360.0, "{judged:?}");
}

/// The reason why `series` is not judged; panics if it is.
fn refusal(series: &SampledSeries, options: &LeakOptions) -> String {
    let told = leak(series, options);
    assert_eq!(told.judged, None);
    match told.verdict {
        LimitVerdict::Unknown(why) => why,
        verdict => panic!("{verdict:?}"),
    }
}

#[test]
fn gaps_make_a_run_invalid() {
    let usual = LeakOptions::default();
    let whole = series(vec![Some(5.0); 721]);
    // 18 of 360 are 5 %; one more sample than intervals are in the period.
    let without = |from: usize, count: usize| {
        let mut holed = whole.clone();
        holed.values[from..from + count].fill(None);
        holed
    };
    let spread = |step: usize| {
        let mut holed = whole.clone();
        holed.values.iter_mut().step_by(step).for_each(|value| *value = None);
        holed
    };
    assert_eq!(leak(&spread(25), &usual).verdict, LimitVerdict::Met);
    assert!(refusal(&spread(15), &usual).contains("missing"));
    assert!(refusal(&without(380, 20), &usual).contains("from 360 to 720 s are missing"));
    assert!(refusal(&without(10, 40), &usual).contains("from 0 to 720 s are missing"));
    // A hole of one window is within 5 %, and yet that window has no bottom.
    assert!(refusal(&without(375, 15), &usual).contains("a window of 15.0 s has 0 samples"));
    let mut unread = whole.clone();
    unread.values[400..440].fill(Some(f64::NAN));
    assert!(refusal(&unread, &usual).contains("missing"));
    // The sampler slept, and has no times for what it missed.
    let mut asleep = whole;
    asleep.at_s.drain(400..440);
    asleep.values.drain(400..440);
    assert!(refusal(&asleep, &usual).contains("missing"));
}

#[test]
fn what_cannot_be_judged_is_invalid() {
    let usual = LeakOptions::default();
    assert_eq!(refusal(&series(vec![]), &usual), "not sampled");
    assert_eq!(refusal(&series(vec![None; 720]), &usual), "not sampled");
    assert!(refusal(&series(vec![Some(1.0)]), &usual).contains("fewer than two samples"));
    assert!(refusal(&series(vec![Some(1.0); 100]), &usual).contains("run longer"));
    let whole = series(vec![Some(1.0); 720]);
    let few = LeakOptions { windows: 23, ..usual };
    assert!(refusal(&whole, &few).contains("at least 24"));
    let all_warm_up = LeakOptions { warm_up_share: 1.0, ..usual };
    assert!(refusal(&whole, &all_warm_up).contains("out of range"));
    let slow = LeakOptions { cycle_s: 60.0, ..usual };
    assert!(refusal(&whole, &slow).contains("fewer than 24 cycles of 60 s"));
    let endless = LeakOptions { cycle_s: 1e6, ..usual };
    refusal(&whole, &endless);
    let mut backwards = whole.clone();
    backwards.at_s[5] = 2.0;
    assert!(refusal(&backwards, &usual).contains("do not ascend"));
    let mut short = whole;
    short.values.pop();
    assert!(refusal(&short, &usual).contains("720 times, but 719 values"));
}

#[test]
fn a_trend_comes_back_from_a_file_as_it_was() {
    let mut random = fastrand::Rng::with_seed(1);
    let judged = leak(&trace(&mut random, &[drip(5.0)]), &LeakOptions::default());
    let invalid = leak(&series(vec![]), &LeakOptions::default());
    for trend in [judged, invalid] {
        let text = serde_json::to_string(&trend).unwrap();
        assert_eq!(serde_json::from_str::<Trend>(&text).unwrap(), trend, "{text}");
    }
}
