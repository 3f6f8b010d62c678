//! How far a run is, and how much longer it takes: a pure function of what was told of it and when.
//!
//! Loads take the time that they are given. Launches of a kind take as long as those before them
//! took, and where none has ended as long as that kind is expected to take, times what launches of
//! other kinds took over what was expected of them. Tasks take as many launches more or fewer than
//! planned as those before them did.

use crate::job::task::Pass;
use caxton_model::units::Nanos;
use std::collections::BTreeMap;

/// Nothing is whole before it has ended.
const PERCENT_MAX: u64 = 99;
const SECOND_NS: u64 = 1_000_000_000;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Ahead {
    /// How many launches, by how long each is expected to take.
    pub launches: BTreeMap<Nanos, u64>,
    pub loads: Nanos,
}

impl Ahead {
    /// `count` launches of one kind, and nothing else.
    pub(super) fn of(each: Nanos, count: u64) -> Self {
        Self { launches: BTreeMap::from([(each, count)]), loads: Nanos(0) }
    }

    pub(super) fn add(&mut self, pass: Pass) {
        *self.launches.entry(pass.each).or_default() += u64::from(pass.launches);
    }
}

/// Launches of one kind that have ended.
#[derive(Debug, Clone, Copy, Default)]
struct EndedLaunches {
    count: u64,
    took: Nanos,
}

/// How far a run is.
#[derive(Debug)]
pub(super) struct Meter {
    started: Nanos,
    /// Of tasks that have not begun.
    ahead: Ahead,
    /// Launches of this task that have not ended.
    task: Vec<Pass>,
    /// Launches of tasks that have ended: how many were planned, and how many there were.
    planned: u64,
    used: u64,
    /// Those of this task.
    task_planned: u64,
    task_used: u64,
    ended: BTreeMap<Nanos, EndedLaunches>,
    /// When the last launch ended, or the task began.
    since: Nanos,
    /// The end of the load that is on.
    load_ends: Option<Nanos>,
}

/// How much of the run is over, and how long the rest takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Estimate {
    pub(super) percent: u64,
    pub(super) left: Nanos,
}

impl Meter {
    pub(super) const fn new(ahead: Ahead, now: Nanos) -> Self {
        Self {
            started: now,
            ahead,
            task: Vec::new(),
            planned: 0,
            used: 0,
            task_planned: 0,
            task_used: 0,
            ended: BTreeMap::new(),
            since: now,
            load_ends: None,
        }
    }

    /// A task of such launches begins; whatever is left of the one before will not come.
    pub(super) fn task(&mut self, passes: &[Pass], now: Nanos) {
        for Pass { launches, each } in passes {
            let ahead = self.ahead.launches.entry(*each).or_default();
            *ahead = ahead.saturating_sub(u64::from(*launches));
        }
        self.planned += self.task_planned;
        self.used += self.task_used;
        self.task_planned = passes.iter().map(|pass| u64::from(pass.launches)).sum();
        self.task_used = 0;
        self.task = passes.to_vec();
        (self.since, self.load_ends) = (now, None);
    }

    /// A load begins that was to take `planned`, of which `left` is left.
    pub(super) fn load(&mut self, planned: Nanos, left: Nanos, now: Nanos) {
        self.ahead.loads = Nanos(self.ahead.loads.0.saturating_sub(planned.0));
        self.task.clear();
        self.load_ends = Some(Nanos(now.0.saturating_add(left.0)));
    }

    /// The task takes these launches more than it was to take.
    pub(super) fn more_launches(&mut self, pass: Pass) {
        match self.task.iter_mut().find(|own| own.each == pass.each) {
            Some(own) => own.launches = own.launches.saturating_add(pass.launches),
            None => self.task.push(pass),
        }
    }

    /// A launch that was expected to take `each` has ended.
    pub(super) fn launch_done(&mut self, each: Nanos, now: Nanos) {
        if let Some(own) = self.task.iter_mut().find(|own| own.each == each) {
            own.launches = own.launches.saturating_sub(1);
        }
        self.task_used += 1;
        let ended = self.ended.entry(each).or_default();
        ended.count += 1;
        ended.took.0 = ended.took.0.saturating_add(now.0.saturating_sub(self.since.0));
        self.since = now;
    }

    /// How long a launch takes that was expected to take `each`, in nanoseconds.
    fn takes(&self, each: Nanos) -> f64 {
        match self.ended.get(&each) {
            Some(ended) => ended.took.0 as f64 / ended.count as f64,
            None => {
                let kinds = self.ended.iter();
                let expected: f64 = kinds.map(|(each, ended)| (each.0 * ended.count) as f64).sum();
                let took: f64 = self.ended.values().map(|ended| ended.took.0 as f64).sum();
                let slower = if expected > 0.0 { took / expected } else { 1.0 };
                each.0 as f64 * slower
            }
        }
    }

    /// None where nobody knows: when more was done than was to be done.
    pub(super) fn estimate(&self, now: Nanos) -> Option<Estimate> {
        let more = match self.planned {
            0 => 1.0,
            planned => self.used as f64 / planned as f64,
        };
        let ahead = self.ahead.launches.iter();
        let ahead: f64 = ahead.map(|(each, count)| *count as f64 * self.takes(*each)).sum();
        let own = |pass: &Pass| f64::from(pass.launches) * self.takes(pass.each);
        let own: f64 = self.task.iter().map(own).sum();
        // Of the launch that is on, some is over.
        let on = self.task.iter().find(|pass| pass.launches > 0);
        let over = on.map_or(0.0, |pass| {
            (now.0.saturating_sub(self.since.0) as f64).min(self.takes(pass.each))
        });
        let of_load = self.load_ends.map_or(0, |end| end.0.saturating_sub(now.0));
        let of_launches = (own - over + ahead * more) as u64;
        let left = of_launches.saturating_add(of_load).saturating_add(self.ahead.loads.0);
        let elapsed = now.0.saturating_sub(self.started.0);
        let all = u128::from(elapsed) + u128::from(left);
        let percent = u128::from(elapsed) * 100 / all.max(1);
        let percent = u64::try_from(percent).unwrap_or(PERCENT_MAX).min(PERCENT_MAX);
        (left > 0).then_some(Estimate { percent, left: Nanos(left) })
    }

    /// In words: the share that is over and the time that is left or, where nobody knows, the time
    /// that is over.
    pub(super) fn words(&self, now: Nanos) -> String {
        match self.estimate(now) {
            Some(Estimate { percent, left }) => format!("{percent:>3} %  {} left", length(left)),
            None => format!("{} so far", length(Nanos(now.0.saturating_sub(self.started.0)))),
        }
    }
}

/// A time as one says it, rounded up.
fn length(time: Nanos) -> String {
    const MINUTE_S: u64 = 60;
    let seconds = time.0.div_ceil(SECOND_NS);
    let minutes = seconds.div_ceil(MINUTE_S);
    match seconds {
        0..=120 => format!("{seconds} s"),
        121..=7200 => format!("{minutes} min"),
        _ => format!("{} h {} min", minutes / MINUTE_S, minutes % MINUTE_S),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn s(seconds: u64) -> Nanos {
        Nanos(seconds * SECOND_NS)
    }

    fn left(meter: &Meter, at: u64) -> Option<u64> {
        let estimate = meter.estimate(s(at))?;
        assert!(estimate.percent <= PERCENT_MAX, "it has not ended: {estimate:?}");
        Some(estimate.left.0.div_ceil(SECOND_NS))
    }

    const fn pass(launches: u32, seconds: u64) -> Pass {
        Pass { launches, each: s(seconds) }
    }

    fn ahead(passes: &[Pass], loads: Nanos) -> Ahead {
        let mut ahead = Ahead { loads, ..Ahead::default() };
        passes.iter().for_each(|pass| ahead.add(*pass));
        ahead
    }

    #[test]
    fn loads_take_the_time_they_are_given() {
        let mut meter = Meter::new(ahead(&[], s(120)), s(100));
        assert_eq!(left(&meter, 100), Some(120));
        for load in 0..6 {
            let from = 100 + load * 20;
            meter.task(&[], s(from));
            meter.load(s(20), s(20), s(from));
            for second in 0..20 {
                assert_eq!(left(&meter, from + second), Some(120 - load * 20 - second));
            }
        }
        assert_eq!(left(&meter, 220), None, "all is over, and the run has not said so");
        assert_eq!(meter.words(s(230)), "3 min so far");
    }

    #[test]
    fn launches_take_what_is_expected_until_one_has_ended_and_then_what_that_took() {
        let mut meter = Meter::new(ahead(&[pass(30, 10)], s(0)), s(0));
        assert_eq!(left(&meter, 0), Some(300));
        meter.task(&[pass(10, 10)], s(0));
        assert_eq!((left(&meter, 4), left(&meter, 50)), (Some(296), Some(290)));
        meter.launch_done(s(10), s(60));
        assert_eq!(left(&meter, 60), Some(29 * 60));
        assert_eq!(left(&meter, 70), Some(29 * 60 - 10), "ten seconds of the second one are over");
        assert_eq!(left(&meter, 200), Some(28 * 60), "it takes longer than the first");
        assert_eq!(meter.words(s(60)), "  3 %  29 min left");
    }

    #[test]
    fn kinds_differ_and_a_slow_machine_is_slow_for_all() {
        let (short, long) = (pass(10, 1), pass(4, 30));
        let mut meter = Meter::new(ahead(&[short, long], s(0)), s(0));
        assert_eq!(left(&meter, 0), Some(130));
        meter.task(&[short], s(0));
        (1..=10).for_each(|at| meter.launch_done(s(1), s(2 * at)));
        assert_eq!(left(&meter, 20), Some(240), "twice what was expected");
        meter.task(&[long], s(20));
        meter.launch_done(s(30), s(50));
        assert_eq!(left(&meter, 50), Some(90), "this kind is as fast as was expected");
    }

    #[test]
    fn what_is_done_again_lengthens_the_bar_and_is_expected_of_the_next_task() {
        let mut meter = Meter::new(ahead(&[pass(20, 1)], s(0)), s(0));
        meter.task(&[pass(10, 1)], s(0));
        (1..=10).for_each(|at| meter.launch_done(s(1), s(at)));
        assert_eq!(left(&meter, 10), Some(10));
        for at in 11..=20 {
            meter.more_launches(pass(1, 1));
            assert_eq!(left(&meter, at - 1), Some(11));
            meter.launch_done(s(1), s(at));
        }
        meter.task(&[pass(5, 1)], s(20));
        assert_eq!(left(&meter, 20), Some(5 + 2 * 5));
        (21..=25).for_each(|at| meter.launch_done(s(1), s(at)));
        meter.task(&[pass(5, 1)], s(25));
        (26..=30).for_each(|at| meter.launch_done(s(1), s(at)));
        assert_eq!(meter.words(s(30)), "30 s so far", "never whole, never 0 s left");
    }

    #[test]
    fn what_is_decided_early_shortens_it() {
        let mut meter = Meter::new(ahead(&[pass(90, 1)], s(0)), s(0));
        meter.task(&[pass(30, 1)], s(0));
        (1..=10).for_each(|at| meter.launch_done(s(1), s(at)));
        assert_eq!(left(&meter, 10), Some(80));
        meter.task(&[pass(30, 1)], s(10));
        assert_eq!(left(&meter, 10), Some(30 + 10), "a third of what was planned was used");
    }

    #[test]
    fn a_load_that_goes_on_has_less_left_than_planned() {
        let mut meter = Meter::new(ahead(&[pass(4, 2)], s(100)), s(0));
        meter.task(&[], s(0));
        meter.load(s(90), s(30), s(0));
        assert_eq!(left(&meter, 0), Some(30 + 10 + 8));
        meter.task(&[pass(4, 2)], s(35));
        meter.launch_done(s(2), s(38));
        assert_eq!(left(&meter, 38), Some(3 * 3 + 10));
    }

    #[test]
    fn times_are_said_as_one_says_them() {
        let cases = [(0, "0 s"), (1, "1 s"), (120, "120 s"), (121, "3 min"), (7200, "120 min")];
        for (seconds, words) in cases {
            assert_eq!(length(s(seconds)), words);
        }
        assert_eq!(length(s(7201)), "2 h 1 min");
        assert_eq!(length(Nanos(1)), "1 s");
        assert_eq!(length(Nanos(u64::MAX)).split(' ').count(), 4);
    }
}
