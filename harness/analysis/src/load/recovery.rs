//! When a system is back to what it was before a burst, or before some of its agents were killed.
//!
//! Recovery takes from the instant at which the offered rate is back at its base, or at which the
//! agents are killed, to the start of the first [`CALM`] whole seconds in a row in which all of
//! this holds: the 99 % response is at most 1.1 times that before the burst, or no more than it
//! ever was then; no more fail than may; no more are in flight than were, or than the base rate and
//! that response account for (Little's law). Beside it stands how long the backlog takes at the
//! rate that was reached: no system of that capacity recovers sooner.

use super::tally::SecondRow;
use caxton_model::load::outcome::Recovery;
use caxton_model::load::plan::{LoadPlan, Rate, Role, Stage, total};
use caxton_model::load::threshold::LoadMetric;
use caxton_model::units::Nanos;

/// Share of messages that may fail in a calm second.
const FAILING: f64 = 0.01;
/// Calm seconds in a row that are a recovery.
pub const CALM: usize = 5;
/// How much longer a calm response may be than before.
const BAND: f64 = 1.10;

/// The stages of a burst; one that kills agents is a burst without length.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Burst {
    /// When the burst began and ended, in seconds from the plan's start.
    pub from_s: f64,
    pub to_s: f64,
    /// Rate before and after it, per second.
    pub base_per_second: f64,
    /// Rate in it, per second.
    pub burst_per_second: f64,
}

/// Recovery from `burst` in `seconds`, which are in order.
pub(super) fn recovery(burst: &Burst, seconds: &[SecondRow]) -> Result<Recovery, String> {
    // The first second is the cold one: code and memory are touched for the first time.
    let before = seconds.iter().skip(1).take_while(|second| second.at_s() + 1.0 <= burst.from_s);
    let before: Vec<&SecondRow> = before.filter(|second| second.p99_ns().is_some()).collect();
    let answered = before.len();
    if answered < CALM {
        return Err(format!(
            "{answered} whole seconds before the burst were answered, {CALM} are needed to \
             compare with"
        ));
    }
    let mut times: Vec<u64> = before.iter().filter_map(|second| second.p99_ns()).collect();
    times.sort_unstable();
    let (median, longest) = (times[times.len() / 2], times[times.len() - 1]);
    let calm_p99 = Nanos((median as f64 * BAND).max(longest as f64) as u64);
    let in_flight = before.iter().map(|second| second.in_flight).max().unwrap_or_default();
    let by_little = (burst.base_per_second * calm_p99.0 as f64 / 1e9).ceil() as u64;
    let calm_in_flight = in_flight.max(by_little);
    let after: Vec<&SecondRow> =
        seconds.iter().filter(|second| second.at_s() >= burst.to_s).collect();
    let is_calm = |second: &&SecondRow| {
        let counts = &second.counts;
        let failing = counts.failed() as f64 > FAILING * counts.settled() as f64;
        let is_quick = second.p99_ns().is_some_and(|ns| ns <= calm_p99.0);
        is_quick && !failing && second.in_flight <= calm_in_flight
    };
    let calm = after.windows(CALM).position(|seconds| seconds.iter().all(is_calm));
    let mut within = seconds.iter().filter(|second| second.at_s() < burst.to_s);
    let backlog = within.next_back().map_or(0, |second| second.in_flight);
    let capacity_per_second = capacity(burst, seconds, calm_in_flight);
    let drain_s = capacity_per_second.and_then(|capacity| {
        let spare = capacity - burst.base_per_second;
        (spare > 0.0).then(|| backlog as f64 / spare)
    });
    Ok(Recovery {
        took_s: calm.map(|first| after[first].at_s() - burst.to_s),
        looked_s: after.last().map_or(0.0, |second| second.at_s() + 1.0 - burst.to_s),
        calm_p99,
        calm_in_flight,
        backlog,
        capacity_per_second,
        drain_s,
    })
}

/// The most that settled in a second whose beginning and end both saw a backlog.
fn capacity(burst: &Burst, seconds: &[SecondRow], calm_in_flight: u64) -> Option<f64> {
    // What is in flight at the burst's rate without waiting is no backlog.
    let least = calm_in_flight.max((burst.burst_per_second / 1000.0) as u64);
    let pairs = seconds.windows(2).filter(|pair| pair.iter().all(|s| s.in_flight > least));
    pairs.map(|pair| pair[1].counts.settled() as f64).reduce(f64::max)
}

/// The least capacity that gets over `burst_per_second` for `burst_s` within `within_s` beside
/// `base_per_second`: what came in the burst and comes afterwards must be served by then.
pub(super) fn least_capacity(
    base_per_second: f64,
    burst_per_second: f64,
    burst_s: f64,
    within_s: f64,
) -> f64 {
    (burst_per_second * burst_s + base_per_second * within_s) / (burst_s + within_s)
}

/// The first burst or death of `plan`, if the load before it is constant.
pub(super) fn burst_of(plan: &LoadPlan) -> Option<Burst> {
    let number = plan.disruption()?;
    let before_ns = total(plan.stages[..number].iter().map(|stage| stage.granted)).0;
    let constant = |stage: &Stage| match stage.rate {
        Rate::Constant { per_second } => Some(per_second),
        _ => None,
    };
    let burst = &plan.stages[number];
    let length_ns = if burst.role == Role::Burst { burst.granted.0 } else { 0 };
    Some(Burst {
        from_s: before_ns as f64 / 1e9,
        to_s: before_ns.saturating_add(length_ns) as f64 / 1e9,
        base_per_second: constant(plan.stages[..number].last()?)?,
        burst_per_second: constant(burst)?,
    })
}

/// The least capacity that recovers from the burst, at its wanted length, within the time that
/// a threshold allows.
pub(super) fn least_capacity_of(plan: &LoadPlan) -> Option<f64> {
    let burst = burst_of(plan)?;
    let stage = plan.stages.get(plan.disruption()?)?;
    let wanted = (stage.role == Role::Burst).then_some(stage.wanted)?;
    let within = plan.thresholds.iter().find(|t| t.metric == LoadMetric::RecoveryTime)?;
    let [burst_s, within_s] = [wanted.0 as f64, within.bound.limit].map(|ns| ns / 1e9);
    Some(least_capacity(burst.base_per_second, burst.burst_per_second, burst_s, within_s))
}

#[cfg(test)]
mod tests {
    use super::*;
    use caxton_model::load::frame::MessageCounts;
    use caxton_model::load::plan::Arrivals;
    use std::ops::Range;

    const BURST: Burst =
        Burst { from_s: 10.0, to_s: 12.0, base_per_second: 1000.0, burst_per_second: 50_000.0 };

    /// A second with so many answers, errors and messages in flight, and such a 99 % response.
    fn second(second: u64, [ok, errors, in_flight, p99_ns]: [u64; 4]) -> SecondRow {
        let counts = MessageCounts { ok, errors, ..MessageCounts::default() };
        let response_ns = (p99_ns > 0).then_some([0, p99_ns]);
        SecondRow { second, counts, in_flight, response_ns, ..SecondRow::default() }
    }

    fn run(rough: Range<u64>, until: u64) -> Vec<SecondRow> {
        let second = |at| match rough.contains(&at) {
            true => second(at, [20_000, 0, 60_000, 900_000_000]),
            false => second(at, [1000, 0, 3, 1_000_000]),
        };
        (0..until).map(second).collect()
    }

    #[test]
    fn the_guides_burst_needs_13_250_a_second() {
        assert_eq!(least_capacity(1000.0, 50_000.0, 10.0, 30.0), 13_250.0);
    }

    #[test]
    fn five_calm_seconds_in_a_row_are_a_recovery() {
        let told = recovery(&BURST, &run(10..15, 20)).unwrap();
        assert_eq!(told.took_s, Some(3.0));
        assert_eq!((told.backlog, told.capacity_per_second), (60_000, Some(20_000.0)));
        assert!((told.drain_s.unwrap() - 60_000.0 / 19_000.0).abs() < 1e-9);
        let told = recovery(&BURST, &run(10..15, 19)).unwrap();
        assert_eq!((told.took_s, told.looked_s), (None, 7.0), "four are not five");
    }

    #[test]
    fn errors_and_a_backlog_are_not_calm() {
        let mut seconds = run(10..12, 20);
        assert_eq!(recovery(&BURST, &seconds).unwrap().took_s, Some(0.0));
        (seconds[12].counts.ok, seconds[12].counts.errors) = (989, 11);
        assert_eq!(recovery(&BURST, &seconds).unwrap().took_s, Some(1.0));
        seconds[13].in_flight = 4;
        assert_eq!(recovery(&BURST, &seconds).unwrap().took_s, Some(2.0));
        seconds[14].response_ns = None;
        assert_eq!(recovery(&BURST, &seconds).unwrap().took_s, Some(3.0));
    }

    #[test]
    fn a_death_is_got_over_from_its_instant_on() {
        let rate = Rate::Constant { per_second: 1000.0 };
        let stage = |name: &str, role, rate: &Rate| {
            Stage::new(name, role, Nanos(10_000_000_000), rate.clone())
        };
        let stages = vec![
            stage("base", Role::Base, &rate),
            stage("crash", Role::Hold, &rate).killing(3),
            stage("burst", Role::Burst, &rate),
        ];
        let plan = caxton_fixture::plans::plan(Arrivals::Constant, stages);
        let burst = burst_of(&plan).unwrap();
        assert_eq!((burst.from_s, burst.to_s, burst.base_per_second), (10.0, 10.0, 1000.0));
        let told = recovery(&burst, &run(10..12, 20)).unwrap();
        assert_eq!((told.took_s, told.backlog), (Some(2.0), 3));
        let told = recovery(&burst, &run(0..0, 20)).unwrap();
        assert_eq!(told.took_s, Some(0.0), "nothing was seen of it");
        assert_eq!(least_capacity_of(&plan), None, "no threshold asks for one");
    }

    #[test]
    fn without_a_base_nothing_is_said() {
        let short = Burst { from_s: 4.0, ..BURST };
        let why = recovery(&short, &run(10..12, 20)).unwrap_err();
        assert!(why.starts_with("3 whole seconds before the burst"), "{why}");
    }

    #[test]
    fn without_a_backlog_there_is_no_capacity() {
        let told = recovery(&BURST, &run(0..0, 20)).unwrap();
        assert_eq!((told.took_s, told.capacity_per_second), (Some(0.0), None));
    }
}
