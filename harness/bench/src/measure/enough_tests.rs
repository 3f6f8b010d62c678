//! Planted launches, and what is to be done after them.

use super::*;
use caxton_model::metric::MetricName;

const QUIET: Best = Best { yardstick_ns: None, to_latency: Some(2.0) };

/// Launches of four rounds; of each its ratio of WASM over native, in per mille, and whether it was
/// quiet.
fn events(launches: &[(u64, bool)]) -> Vec<Event> {
    let mut events = Vec::new();
    for (launch, (permille, is_quiet)) in (0..).zip(launches) {
        for block in 0..5 {
            let probe = if *is_quiet { 2_000 } else { 2_800 };
            let mut told = vec![("yardstick_ns", probe), ("probe_latency_ns", 1_000)];
            if block < 4 {
                told.extend([("native_call_ns", 100_000), ("wasm_call_ns", permille * 100)]);
            }
            events.extend(told.into_iter().map(|(metric, value)| {
                Event::Sample(Sample {
                    case: CaseKey::new("wasm", "overhead", "wasmtime-vs-native", "json"),
                    launch,
                    metric: MetricName::parse(metric).expect("in the table"),
                    block,
                    index: 0,
                    iterations: 1,
                    value,
                })
            }));
        }
    }
    events
}

const NO_WISH: Wish = Wish { precision: None, budget: None };

fn reached(wish: Wish, done: u32, of_task_s: u64) -> Reached {
    let of_task = Duration::from_secs(of_task_s);
    Reached { scale: Scale::Quick, wish, done, planned: 15, of_task, of_run: of_task }
}

fn wish(precision: f64, budget_s: u64) -> Wish {
    Wish { precision: Some(precision), budget: Some(Duration::from_secs(budget_s)) }
}

/// What is to be done after so many seconds with `launches`.
fn next(wish: Wish, launches: &[(u64, bool)], of_task_s: u64) -> AfterLaunch {
    reached(wish, launches.len() as u32, of_task_s).next(&events(launches), QUIET)
}

#[test]
fn planned_launches_are_made_and_disturbed_ones_made_up_for() {
    let steady = |count: usize, is_quiet: bool| vec![(1300, is_quiet); count];
    assert_eq!(next(NO_WISH, &steady(14, true), 5), AfterLaunch::Launch);
    assert_eq!(next(NO_WISH, &steady(15, true), 5), AfterLaunch::Enough);
    let few = [steady(9, true), steady(6, false)].concat();
    let waiting = Waiting::Quiet { quiet: 9, wanted: 10 };
    assert_eq!(next(NO_WISH, &few, 5), AfterLaunch::More(waiting));
    assert_eq!(waiting.to_string(), "waiting for quiet: 9 of 10");
    assert_eq!(
        next(NO_WISH, &few, 181),
        AfterLaunch::Spent(waiting),
        "three minutes of a quick run"
    );
    let twice = [steady(9, true), steady(21, false)].concat();
    assert_eq!(next(NO_WISH, &twice, 5), AfterLaunch::Spent(waiting), "at most as many again");
}

#[test]
fn a_budget_alone_waits_for_quiet_as_long_as_it_lasts() {
    let wish = Wish { precision: None, budget: Some(Duration::from_secs(600)) };
    let disturbed = vec![(1300, false); 40];
    let waiting = Waiting::Quiet { quiet: 0, wanted: 10 };
    assert_eq!(next(wish, &disturbed[..14], 5), AfterLaunch::Launch);
    assert_eq!(next(wish, &disturbed, 599), AfterLaunch::More(waiting));
    assert_eq!(next(wish, &disturbed, 600), AfterLaunch::Spent(waiting));
    assert_eq!(next(wish, &[(1300, true); 15], 5), AfterLaunch::Enough);
}

#[test]
fn a_precision_ends_early_or_goes_on_and_says_why() {
    let steady = [(1300, true); 20];
    assert_eq!(next(wish(0.02, 60), &steady[..7], 3), AfterLaunch::Launch);
    assert_eq!(next(wish(0.02, 60), &steady[..8], 3), AfterLaunch::Enough, "before the planned 15");
    let apart: Vec<(u64, bool)> = (0..30).map(|i| (1200 + 20 * (i % 11), true)).collect();
    let AfterLaunch::More(Waiting::Narrow { reach, wanted }) =
        next(wish(0.02, 60), &apart[..24], 9)
    else {
        panic!("{:?}", next(wish(0.02, 60), &apart[..24], 9));
    };
    assert!(wanted == 0.02 && (0.02..0.06).contains(&reach), "{reach}");
    let told = Waiting::Narrow { reach: 0.0312, wanted: 0.02 }.to_string();
    assert_eq!(told, "known within 3.12 %, 2.00 % is wanted");
    let none = Waiting::Narrow { reach: f64::INFINITY, wanted: 0.02 }.to_string();
    assert_eq!(none, "no interval yet, 2.00 % is wanted");
    assert_eq!(next(wish(0.02, 60), &apart[..23], 9), AfterLaunch::Launch, "no look at 23");
    assert!(matches!(
        next(wish(0.02, 60), &apart[..23], 60),
        AfterLaunch::Spent(Waiting::Narrow { .. })
    ));
    assert_eq!(next(wish(0.2, 60), &apart[..24], 9), AfterLaunch::Enough);
}

#[test]
fn a_precision_waits_for_quiet_where_the_ratio_is_unclear() {
    let disturbed = [(1300, false); 15];
    let waiting = Waiting::Quiet { quiet: 0, wanted: 8 };
    assert_eq!(next(wish(0.02, 60), &disturbed, 9), AfterLaunch::More(waiting));
    assert_eq!(next(wish(0.02, 60), &disturbed, 61), AfterLaunch::Spent(waiting));
}

#[test]
fn what_has_no_ratio_or_is_a_smoke_run_takes_its_planned_launches() {
    let mut told = events(&[(1300, true); 15]);
    told.retain(|event| match event {
        Event::Sample(sample) => sample.metric.as_str() != "native_call_ns",
        _ => true,
    });
    assert_eq!(reached(wish(0.02, 60), 12, 3).next(&told, QUIET), AfterLaunch::Launch);
    assert_eq!(reached(wish(0.02, 60), 15, 3).next(&told, QUIET), AfterLaunch::Enough);
    let smoke =
        |done| Reached { scale: Scale::Smoke, planned: 1, ..reached(wish(0.02, 60), done, 0) };
    assert_eq!(smoke(0).next(&[], QUIET), AfterLaunch::Launch);
    assert_eq!(smoke(1).next(&events(&[(1300, false)]), QUIET), AfterLaunch::Enough);
}
