//! Schedules: exact counts and instants, the law of the gaps, and workers that share one.

use super::*;
use crate::load::plan::Role;
use crate::plans::{SECOND, plan, seconds, steady};
use crate::units::Nanos;
use proptest::prelude::*;

fn of(arrivals: Arrivals, stages: Vec<Stage>) -> Schedule {
    Schedule::new(&plan(arrivals, stages))
}

fn stage(name: &str, length: Nanos, rate: Rate) -> Stage {
    Stage::new(name, Role::Hold, length, rate)
}

/// How many messages are due in each second.
fn by_second(schedule: Schedule) -> Vec<u64> {
    let mut counts = Vec::new();
    for arrival in schedule {
        let second = (arrival.intended_ns / SECOND) as usize;
        counts.resize(counts.len().max(second + 1), 0);
        counts[second] += 1;
    }
    counts
}

#[test]
fn a_constant_rate_has_its_exact_instants() {
    let all: Vec<Arrival> = of(Arrivals::Constant, vec![steady("a", seconds(2), 1000.0)]).collect();
    assert_eq!(all.len(), 2000);
    for (index, arrival) in all.iter().enumerate() {
        let index = index as u64;
        let exact = Arrival { sequence: index, intended_ns: index * 1_000_000, stage: 0 };
        assert_eq!(*arrival, exact);
    }
    // A third of a second is no whole number of ns: to the nearest, and never off by a message.
    let thirds: Vec<u64> =
        of(Arrivals::Constant, vec![steady("a", seconds(2), 3.0)]).map(|a| a.intended_ns).collect();
    let exact = [0, 333_333_333, 666_666_667, 1_000_000_000, 1_333_333_333, 1_666_666_667];
    assert_eq!(thirds, exact);
}

#[test]
fn a_ramp_has_its_exact_count_in_each_second() {
    let up = Rate::Linear { from: 0.0, to: 10_000.0 };
    let down = Rate::Linear { from: 10_000.0, to: 0.0 };
    let counts = by_second(of(Arrivals::Constant, vec![stage("up", seconds(10), up)]));
    assert_eq!(counts, (0..10).map(|s| 500 * (2 * s + 1)).collect::<Vec<u64>>());
    let counts = by_second(of(Arrivals::Constant, vec![stage("down", seconds(10), down)]));
    assert_eq!(counts, (0..10).rev().map(|s| 500 * (2 * s + 1)).collect::<Vec<u64>>());
    let level = Rate::Linear { from: 500.0, to: 500.0 };
    let flat = of(Arrivals::Constant, vec![stage("a", seconds(3), level)]);
    assert!(flat.eq(of(Arrivals::Constant, vec![steady("a", seconds(3), 500.0)])));
}

#[test]
fn a_sine_has_its_exact_count_in_whole_periods() {
    let sine = Rate::Sine { mean: 1000.0, amplitude: 700.0, period: seconds(10) };
    for arrivals in [Arrivals::Constant, Arrivals::Uniform] {
        let counts = by_second(of(arrivals, vec![stage("a", seconds(30), sine.clone())]));
        let waves: Vec<u64> = counts.chunks(10).map(|wave| wave.iter().sum()).collect();
        assert_eq!(waves, [10_000; 3], "{arrivals:?}");
    }
    // In the first half of a wave there is a surplus of amplitude * period / PI.
    let sine = of(Arrivals::Constant, vec![stage("a", seconds(10), sine)]);
    let first = sine.filter(|arrival| arrival.intended_ns < 5 * SECOND).count();
    assert_eq!(first, 5000 + (700.0 * 10.0 / std::f64::consts::PI) as usize + 1);
}

#[test]
fn a_step_is_at_its_exact_instant() {
    let stages = vec![
        steady("base", seconds(1), 1000.0),
        steady("burst", seconds(1), 50_000.0),
        steady("pause", seconds(1), 0.0),
        steady("after", seconds(1), 1000.0),
    ];
    let all: Vec<Arrival> = of(Arrivals::Constant, stages).collect();
    let count = |stage| all.iter().filter(|arrival| arrival.stage == stage).count();
    assert_eq!([0, 1, 2, 3].map(count), [1000, 50_000, 0, 1000]);
    let starts = [1000, 51_000].map(|index: usize| (all[index].intended_ns, all[index].stage));
    assert_eq!(starts, [(SECOND, 1), (3 * SECOND, 3)]);
    assert_eq!(all[1001].intended_ns, SECOND + 20_000);
}

#[test]
fn a_rest_goes_on_in_the_next_stage() {
    // Three thirds of a message are one, and then the next is due.
    let third = |name: &str| steady(name, Nanos(SECOND / 3), 1.0);
    let thirds = ["a", "b", "c", "d", "e", "f", "g"].map(third).to_vec();
    let due: Vec<u64> = of(Arrivals::Constant, thirds).map(|a| a.intended_ns).collect();
    assert_eq!(due.len(), 3);
    let off = |(index, due): (usize, &u64)| due.abs_diff(index as u64 * SECOND);
    assert!(due.iter().enumerate().map(off).max() < Some(10), "{due:?}");
    let halves = vec![steady("a", seconds(3), 0.5), steady("b", seconds(3), 0.5)];
    let due: Vec<u64> = of(Arrivals::Constant, halves).map(|a| a.intended_ns / SECOND).collect();
    assert_eq!(due, [0, 2, 4]);
}

#[test]
fn a_trace_is_replayed_as_it_is() {
    let trace = Rate::Trace(vec![0, 5, 5, SECOND - 1]);
    for arrivals in [Arrivals::Constant, Arrivals::Poisson, Arrivals::Uniform] {
        let stages = vec![
            steady("pause", seconds(1), 0.0),
            stage("a", seconds(1), trace.clone()),
            stage("b", seconds(1), trace.clone()),
        ];
        let mut plan = plan(arrivals, stages);
        plan.stages[2].granted = Nanos(5);
        let due: Vec<(u64, usize)> =
            Schedule::new(&plan).map(|a| (a.intended_ns, a.stage)).collect();
        let exact = [0, 5, 5, SECOND - 1].map(|ns| (SECOND + ns, 1));
        assert_eq!(due, [&exact[..], &[(2 * SECOND, 2)]].concat());
    }
}

#[test]
fn after_a_day_nothing_has_drifted() {
    let day = seconds(86_400);
    let messages = 864_000_000_u64;
    let mut schedule = of(Arrivals::Constant, vec![steady("a", day, 10_000.0)]);
    schedule.place = NextArrival::Constant { first: 0.0, index: messages - 1 };
    assert_eq!(schedule.next().map(|a| a.intended_ns), Some(day.0 - 100_000));
    assert_eq!(schedule.next(), None);
    // A rate whose interval is no whole number of ns.
    let mut schedule = of(Arrivals::Constant, vec![steady("a", day, 9999.0)]);
    let last = 9999_u64 * 86_400 - 1;
    schedule.place = NextArrival::Constant { first: 0.0, index: last };
    let exact = (u128::from(last) * u128::from(SECOND) + 4999) / 9999;
    assert_eq!(schedule.next().map(|a| u128::from(a.intended_ns)), Some(exact));
    assert_eq!(schedule.next(), None);
}

/// The distance of the gaps from the exponential law, as Kolmogorov and Smirnov have it.
fn distance(mut gaps: Vec<f64>, mean: f64) -> f64 {
    gaps.sort_by(f64::total_cmp);
    let count = gaps.len() as f64;
    let off = |(index, gap): (usize, &f64)| {
        let law = 1.0 - (-gap / mean).exp();
        let index = index as f64;
        (law - index / count).max((index + 1.0) / count - law)
    };
    gaps.iter().enumerate().map(off).fold(0.0, f64::max) * count.sqrt()
}

fn gaps(arrivals: Arrivals) -> Vec<f64> {
    let due: Vec<u64> =
        of(arrivals, vec![steady("a", seconds(50), 1000.0)]).map(|a| a.intended_ns).collect();
    due.windows(2).map(|pair| (pair[1] - pair[0]) as f64).collect()
}

#[test]
fn poisson_gaps_are_exponential() {
    let poisson = gaps(Arrivals::Poisson);
    // 50,000 expected, with a standard deviation of 224.
    assert!(poisson.len().abs_diff(50_000) < 700, "{}", poisson.len());
    // 1.63 is exceeded by chance in 1 of 100 schedules; this one is always the same.
    let far = distance(poisson, 1e6);
    assert!(far < 1.63, "{far}");
    assert!(distance(gaps(Arrivals::Uniform), 1e6) > 10.0);
}

#[test]
fn a_poisson_schedule_is_the_same_on_every_machine() {
    // From the generator's published algorithm (wyrand) and logarithms to 40 digits.
    let exact = [1_484_489, 1_736_142, 3_003_021, 3_659_117];
    let all: Vec<u64> = of(Arrivals::Poisson, vec![steady("a", seconds(2), 1000.0)])
        .map(|arrival| arrival.intended_ns)
        .collect();
    assert_eq!((&all[..4], all[999]), (&exact[..], 989_783_689));
}

#[test]
fn uniform_messages_are_each_in_their_own_interval() {
    let all: Vec<Arrival> = of(Arrivals::Uniform, vec![steady("a", seconds(1), 1000.0)]).collect();
    let slots: Vec<u64> = all.iter().map(|arrival| arrival.intended_ns / 1_000_000).collect();
    assert_eq!(slots, (0..1000).collect::<Vec<u64>>());
    let early = all.iter().filter(|a| a.intended_ns % 1_000_000 < 500_000).count();
    assert!(early.abs_diff(500) < 60, "{early}");
}

#[test]
fn a_seed_is_a_schedule() {
    let with = |seed| {
        let mut plan = plan(Arrivals::Poisson, vec![steady("a", seconds(1), 1000.0)]);
        plan.seed = seed;
        Schedule::new(&plan)
    };
    assert!(with(1).eq(with(1)));
    assert!(!with(1).eq(with(2)));
}

fn any_rate() -> impl Strategy<Value = Rate> {
    let rate = 0.0..5000.0_f64;
    prop_oneof![
        rate.clone().prop_map(|per_second| Rate::Constant { per_second }),
        (rate.clone(), rate.clone()).prop_map(|(from, to)| Rate::Linear { from, to }),
        (rate.clone(), rate, 1_000_000..SECOND).prop_map(|(mean, amplitude, period)| {
            Rate::Sine { mean, amplitude, period: Nanos(period) }
        }),
        prop::collection::vec(0..SECOND / 10, 0..20).prop_map(|mut instants| {
            instants.sort_unstable();
            Rate::Trace(instants)
        }),
    ]
}

fn any_plan() -> impl Strategy<Value = LoadPlan> {
    let arrivals =
        prop_oneof![Just(Arrivals::Constant), Just(Arrivals::Poisson), Just(Arrivals::Uniform)];
    let stages = prop::collection::vec((any_rate(), SECOND / 10..SECOND), 1..5);
    (arrivals, stages, any::<u64>()).prop_map(|(arrivals, stages, seed)| {
        let named = |(index, (rate, length))| stage(&format!("s{index}"), Nanos(length), rate);
        let mut plan = plan(arrivals, stages.into_iter().enumerate().map(named).collect());
        plan.seed = seed;
        plan
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn workers_share_one_schedule(plan in any_plan()) {
        let all: Vec<Arrival> = Schedule::new(&plan).collect();
        for of in [1, 2, 3, 8_u32] {
            let share = |worker| Schedule::new(&plan).share(worker, of);
            let mut merged: Vec<Arrival> = (0..of).flat_map(share).collect();
            merged.sort_by_key(|arrival| arrival.sequence);
            prop_assert_eq!(&merged, &all);
        }
    }

    #[test]
    fn a_schedule_is_in_order_and_each_message_in_its_stage(plan in any_plan()) {
        let mut starts = vec![0];
        for stage in &plan.stages {
            starts.push(starts[starts.len() - 1] + stage.granted.0);
        }
        let mut last = 0;
        for (index, arrival) in Schedule::new(&plan).enumerate() {
            prop_assert_eq!(arrival.sequence, index as u64);
            prop_assert!(arrival.intended_ns >= last);
            last = arrival.intended_ns;
            let range = starts[arrival.stage]..starts[arrival.stage + 1];
            prop_assert!(range.contains(&arrival.intended_ns), "{:?} {:?}", arrival, range);
        }
    }
}
