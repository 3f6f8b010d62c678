//! How far a run is, and how much longer it takes: a pure function of what was told of it and when.
//!
//! Loads take the time that they are given; launches take as long as those before them took. Where
//! nothing of the kind has ended yet, nobody knows, and nothing is said.

use caxton_model::units::Nanos;

/// Nothing is whole before it has ended.
const PERCENT_MAX: u64 = 99;
const SECOND_NS: u64 = 1_000_000_000;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Ahead {
    pub launches: u64,
    pub loads: Nanos,
}

/// How far a run is.
#[derive(Debug)]
pub(super) struct Meter {
    started: Nanos,
    /// Of tasks that have not begun.
    ahead: Ahead,
    /// Launches of this task that have not ended.
    launches: u64,
    /// Launches that have ended, and how long they took.
    ended: u64,
    took: Nanos,
    /// When the last of them ended, or the task began.
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
        let (launches, ended, took, load_ends) = (0, 0, Nanos(0), None);
        Self { started: now, ahead, launches, ended, took, since: now, load_ends }
    }

    /// A task of so many launches begins; whatever is left of the one before will not come.
    pub(super) fn task(&mut self, launches: u64, now: Nanos) {
        self.ahead.launches = self.ahead.launches.saturating_sub(launches);
        (self.launches, self.since, self.load_ends) = (launches, now, None);
    }

    /// A load begins that was to take `planned`, of which `left` is left.
    pub(super) fn load(&mut self, planned: Nanos, left: Nanos, now: Nanos) {
        self.ahead.loads = Nanos(self.ahead.loads.0.saturating_sub(planned.0));
        (self.launches, self.load_ends) = (0, Some(Nanos(now.0.saturating_add(left.0))));
    }

    /// The task takes so many launches more than it was to take.
    pub(super) const fn more_launches(&mut self, count: u64) {
        self.launches = self.launches.saturating_add(count);
    }

    pub(super) fn launch_done(&mut self, now: Nanos) {
        self.launches = self.launches.saturating_sub(1);
        self.ended += 1;
        self.took = Nanos(self.took.0.saturating_add(now.0.saturating_sub(self.since.0)));
        self.since = now;
    }

    /// None where nobody knows: before the first launch has ended, and when more was done than
    /// was to be done.
    pub(super) fn estimate(&self, now: Nanos) -> Option<Estimate> {
        let launches = self.ahead.launches.saturating_add(self.launches);
        let each = self.took.0.checked_div(self.ended);
        let of_launches = if launches == 0 { 0 } else { launches.saturating_mul(each?) };
        // Of the launch that is on, some is over.
        let over = if self.launches == 0 { 0 } else { now.0.saturating_sub(self.since.0) };
        let of_launches = of_launches.saturating_sub(over.min(each.unwrap_or(0)));
        let of_load = self.load_ends.map_or(0, |end| end.0.saturating_sub(now.0));
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

    #[test]
    fn loads_take_the_time_they_are_given() {
        let mut meter = Meter::new(Ahead { launches: 0, loads: s(120) }, s(100));
        assert_eq!(left(&meter, 100), Some(120));
        for load in 0..6 {
            let from = 100 + load * 20;
            meter.task(0, s(from));
            meter.load(s(20), s(20), s(from));
            for second in 0..20 {
                assert_eq!(left(&meter, from + second), Some(120 - load * 20 - second));
            }
        }
        assert_eq!(left(&meter, 220), None, "all is over, and the run has not said so");
        assert_eq!(meter.words(s(230)), "3 min so far");
    }

    #[test]
    fn nothing_is_said_before_anything_has_ended() {
        let mut meter = Meter::new(Ahead { launches: 30, loads: s(0) }, s(0));
        meter.task(10, s(0));
        assert_eq!((left(&meter, 0), left(&meter, 50)), (None, None));
        assert_eq!(meter.words(s(50)), "50 s so far");
        meter.launch_done(s(60));
        assert_eq!(left(&meter, 60), Some(29 * 60));
        assert_eq!(left(&meter, 70), Some(29 * 60 - 10), "ten seconds of the second one are over");
        assert_eq!(left(&meter, 200), Some(28 * 60), "it takes longer than the first");
        assert_eq!(meter.words(s(60)), "  3 %  29 min left");
    }

    #[test]
    fn what_is_done_again_lengthens_the_bar() {
        let mut meter = Meter::new(Ahead { launches: 10, loads: s(0) }, s(0));
        meter.task(10, s(0));
        (1..=10).for_each(|at| meter.launch_done(s(at)));
        assert_eq!(left(&meter, 10), None);
        for at in 11..=20 {
            meter.more_launches(1);
            assert_eq!(left(&meter, at - 1), Some(1));
            meter.launch_done(s(at));
        }
        assert_eq!(meter.words(s(20)), "20 s so far", "never whole, never 0 s left");
    }

    #[test]
    fn what_is_decided_early_shortens_it() {
        let mut meter = Meter::new(Ahead { launches: 60, loads: s(0) }, s(0));
        meter.task(30, s(0));
        (1..=10).for_each(|at| meter.launch_done(s(at)));
        assert_eq!(left(&meter, 10), Some(50));
        meter.task(30, s(10));
        assert_eq!(left(&meter, 10), Some(30));
    }

    #[test]
    fn a_load_that_goes_on_has_less_left_than_planned() {
        let mut meter = Meter::new(Ahead { launches: 4, loads: s(100) }, s(0));
        meter.task(0, s(0));
        meter.load(s(90), s(30), s(0));
        assert_eq!(left(&meter, 0), None, "how long four launches take is not known");
        meter.task(4, s(35));
        meter.launch_done(s(37));
        assert_eq!(left(&meter, 37), Some(3 * 2 + 10));
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
