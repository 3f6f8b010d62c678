//! How fast error budgets burn, from counts that are read again and again: the same rates, windows
//! and alerts as Prometheus' rules have, in memory that does not grow. Pure: it is told the time.

use caxton_model::slo::{AlertOptions, BurnAlert, SEVERITIES, Severity, Slo};
use std::collections::{BTreeMap, VecDeque};

/// Good and bad messages of an objective since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SloCounts {
    pub good: u64,
    pub bad: u64,
}

/// Counts as they were at a moment.
#[derive(Debug, Clone, Copy)]
struct CountSample {
    at_ms: u64,
    counts: SloCounts,
}

/// The samples of an objective in a window.
#[derive(Debug, Clone, Copy)]
struct BurnWindow<'a> {
    samples: &'a VecDeque<CountSample>,
    first: usize,
    length_ms: u64,
    end_ms: u64,
}

impl<'a> BurnWindow<'a> {
    /// The last `length_s` seconds before `end_ms`, both ends included.
    fn last(samples: &'a VecDeque<CountSample>, length_s: u64, end_ms: u64) -> Self {
        let length_ms = length_s * 1000;
        let first = samples.partition_point(|sample| sample.at_ms + length_ms < end_ms);
        Self { samples, first, length_ms, end_ms }
    }

    /// By how much what `of` says grew, as Prometheus has it (`extrapolatedRate` in
    /// promql/functions.go, v2.42): what the samples in the window show, carried on to its ends
    /// where these are near, and to no time at which the counter would have been below 0. None
    /// where there are fewer than two samples.
    fn increase(&self, of: fn(&SloCounts) -> u64) -> Option<f64> {
        let count = self.samples.len() - self.first;
        if count < 2 {
            return None;
        }
        let (first, last) = (self.samples[self.first], self.samples[self.samples.len() - 1]);
        let grown = (of(&last.counts) - of(&first.counts)) as f64;
        let sampled_s = (last.at_ms - first.at_ms) as f64 / 1e3;
        let each_s = sampled_s / (count - 1) as f64;
        let since_start_s = (first.at_ms + self.length_ms - self.end_ms) as f64 / 1e3;
        let before_s = match grown > 0.0 {
            true => since_start_s.min(sampled_s * of(&first.counts) as f64 / grown),
            false => since_start_s,
        };
        let after_s = (self.end_ms - last.at_ms) as f64 / 1e3;
        let reached = |gap_s: f64| if gap_s < each_s * 1.1 { gap_s } else { each_s / 2.0 };
        Some(grown * ((sampled_s + reached(before_s) + reached(after_s)) / sampled_s))
    }
}

/// An objective in one window.
#[derive(Debug, Clone, Copy, PartialEq)]
struct BurnRate {
    /// Times as fast as the budget allows; not a number where there was no message.
    burn: f64,
    events: f64,
}

/// An alert that fires.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Firing {
    since_ms: u64,
    /// Since when its condition does not hold any more.
    calm_since_ms: Option<u64>,
}

/// What became of an alert.
#[derive(Debug, Clone, PartialEq)]
pub struct AlertChange {
    /// Which objective, by its place among them.
    pub slo: usize,
    pub severity: Severity,
    pub is_firing: bool,
    /// Whether it began or ended at this look.
    pub is_new: bool,
    /// When it began to fire, in milliseconds of the clock that the monitor is told.
    pub since_ms: u64,
    /// How fast the budget burns in the long window; none where the condition does not hold.
    pub burn: Option<f64>,
}

/// How an objective stands.
#[derive(Debug, Clone, PartialEq)]
pub struct SloView {
    pub counts: SloCounts,
    /// Burn rates by window in seconds; none where there was no message.
    pub burns: BTreeMap<u64, Option<f64>>,
    /// The most urgent alert that fires.
    pub firing: Option<Severity>,
}

/// Holds counts against objectives.
#[derive(Debug)]
pub struct BurnMonitor {
    slos: Vec<Slo>,
    options: AlertOptions,
    /// Of each objective, as far back as the longest window goes.
    samples: Vec<VecDeque<CountSample>>,
    samples_max: usize,
    firing: BTreeMap<(usize, Severity), Firing>,
}

impl BurnMonitor {
    /// Watches `slos`, told their counts every `every_ms`.
    pub fn new(slos: Vec<Slo>, options: AlertOptions, every_ms: u64) -> Self {
        let longest_s = options.windows_s().last().copied().unwrap_or(0);
        // Both ends of the window, and one more for a sample that comes early.
        let samples_max = (longest_s * 1000 / every_ms.max(1)) as usize + 2;
        let samples = slos.iter().map(|_| VecDeque::with_capacity(samples_max)).collect();
        Self { slos, options, samples, samples_max, firing: BTreeMap::new() }
    }

    /// The objectives.
    pub fn slos(&self) -> &[Slo] {
        &self.slos
    }

    /// Takes the counts of all objectives, in their order, at `at_ms` of a clock that only goes on;
    /// the alerts that began or ended by that, and those that still fire.
    pub fn take(&mut self, at_ms: u64, counts: &[SloCounts]) -> Vec<AlertChange> {
        for (samples, counts) in self.samples.iter_mut().zip(counts) {
            if samples.len() == self.samples_max {
                samples.pop_front();
            }
            samples.push_back(CountSample { at_ms, counts: *counts });
        }
        let mut changes = Vec::new();
        for slo in 0..self.slos.len() {
            for severity in SEVERITIES {
                let burn = self.burning(slo, severity, at_ms);
                changes.extend(self.settle(slo, severity, at_ms, burn));
            }
        }
        changes
    }

    /// How each objective stands at the last sample.
    pub fn view(&self) -> Vec<SloView> {
        let of = |(slo, samples): (usize, &VecDeque<CountSample>)| {
            let last = samples.back().copied();
            let at_ms = last.map_or(0, |sample| sample.at_ms);
            let burns = self.options.windows_s().into_iter().map(|window_s| {
                let rate = self.rate(slo, window_s, at_ms);
                (window_s, rate.map(|rate| rate.burn).filter(|burn| burn.is_finite()))
            });
            let is_firing = |severity: &Severity| self.firing.contains_key(&(slo, *severity));
            SloView {
                counts: last.map(|sample| sample.counts).unwrap_or_default(),
                burns: burns.collect(),
                firing: SEVERITIES.into_iter().find(is_firing),
            }
        };
        self.samples.iter().enumerate().map(of).collect()
    }

    fn rate(&self, slo: usize, window_s: u64, at_ms: u64) -> Option<BurnRate> {
        let window = BurnWindow::last(&self.samples[slo], window_s, at_ms);
        let bad = window.increase(|counts| counts.bad)?;
        let events = window.increase(|counts| counts.good)? + bad;
        Some(BurnRate { burn: bad / events / self.slos[slo].budget(), events })
    }

    /// How fast the budget burns in the long window of the first alert of `severity` that has its
    /// condition; none where none has.
    fn burning(&self, slo: usize, severity: Severity, at_ms: u64) -> Option<f64> {
        self.options.alerts(severity).find_map(|alert| {
            let BurnAlert { factor, long_s, short_s, .. } = alert;
            let least = self.options.events_min as f64;
            let burns = |rate: &BurnRate| rate.burn > factor && rate.events >= least;
            let long = self.rate(slo, long_s, at_ms).filter(burns)?;
            self.rate(slo, short_s, at_ms).filter(burns)?;
            self.has_begun(slo, &alert, at_ms).then_some(long.burn)
        })
    }

    /// Whether there was a rate within the first part of the long window, where that is asked.
    fn has_begun(&self, slo: usize, alert: &BurnAlert, at_ms: u64) -> bool {
        let Some(first_s) = alert.begun_within_s() else { return true };
        // Two samples make a rate.
        let second = self.samples[slo].get(1);
        second.is_some_and(|sample| sample.at_ms + (alert.long_s - first_s) * 1000 <= at_ms)
    }

    fn settle(
        &mut self,
        slo: usize,
        severity: Severity,
        at_ms: u64,
        burn: Option<f64>,
    ) -> Option<AlertChange> {
        let keep_ms = self.options.keep_firing_s(severity) * 1000;
        let key = (slo, severity);
        let has_fired = self.firing.contains_key(&key);
        let mut is_firing = true;
        let since_ms = match (burn, self.firing.get_mut(&key)) {
            (None, None) => return None,
            (Some(_), firing) => {
                let since_ms = firing.map_or(at_ms, |firing| firing.since_ms);
                self.firing.insert(key, Firing { since_ms, calm_since_ms: None });
                since_ms
            }
            (None, Some(firing)) => {
                let calm_ms = at_ms - *firing.calm_since_ms.get_or_insert(at_ms);
                is_firing = calm_ms < keep_ms;
                firing.since_ms
            }
        };
        if !is_firing {
            self.firing.remove(&key);
        }
        let is_new = has_fired != is_firing;
        Some(AlertChange { slo, severity, is_firing, is_new, since_ms, burn })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::objectives;

    const MINUTE_MS: u64 = 60_000;

    fn monitor() -> BurnMonitor {
        let slos = objectives(&["success rate>0.99"]).unwrap();
        BurnMonitor::new(slos, AlertOptions::default(), MINUTE_MS)
    }

    /// What fires after each minute of so many good and bad messages each.
    fn fires(monitor: &mut BurnMonitor, course: &[(u64, SloCounts)]) -> Vec<Option<Severity>> {
        let (mut counts, mut at_ms, mut fired) = (SloCounts::default(), 0, Vec::new());
        monitor.take(0, &[counts]);
        for (minutes, each) in course {
            for _ in 0..*minutes {
                at_ms += MINUTE_MS;
                counts.good += each.good;
                counts.bad += each.bad;
                monitor.take(at_ms, &[counts]);
                fired.push(monitor.view()[0].firing);
            }
        }
        fired
    }

    const GOOD: SloCounts = SloCounts { good: 100, bad: 0 };
    const BAD: SloCounts = SloCounts { good: 0, bad: 100 };
    const QUIET: SloCounts = SloCounts { good: 0, bad: 0 };

    #[test]
    fn a_burn_pages_when_the_closed_form_says_and_ends_soon_after_its_cause() {
        // All bad: 14.4 * 1 % of an hour is 8.64 minutes.
        let fired = fires(&mut monitor(), &[(420, GOOD), (20, BAD), (60, GOOD)]);
        let page = Some(Severity::Page);
        assert_eq!((fired[427], fired[428]), (None, page), "silent at 8 minutes, fires at 9");
        let ended = 440 + fired[440..].iter().position(Option::is_none).unwrap();
        // The short window forgets in 5 minutes, and it goes on for 5 more.
        assert_eq!(ended, 449);
        assert!(fired[ended..].iter().all(Option::is_none), "one incident");
    }

    #[test]
    fn slow_burns_few_messages_and_silence_fire_nothing() {
        let half = SloCounts { good: 199, bad: 1 };
        let few = SloCounts { good: 0, bad: 1 };
        for course in
            [[(600, half), (0, QUIET)], [(15, few), (600, QUIET)], [(600, QUIET), (0, QUIET)]]
        {
            let fired = fires(&mut monitor(), &course);
            assert!(fired.iter().all(Option::is_none), "{course:?}");
        }
    }

    #[test]
    fn a_young_service_gets_its_page_and_no_ticket() {
        let fired = fires(&mut monitor(), &[(60, BAD)]);
        assert_eq!(fired[59], Some(Severity::Page));
        let mut monitor = monitor();
        let fired = fires(&mut monitor, &[(4 * 1440, SloCounts { good: 98, bad: 2 })]);
        let first = fired.iter().position(Option::is_some).unwrap();
        // 3 days less their first tenth, and a minute for the second sample.
        assert_eq!((first as u64 + 1, fired[first]), (64 * 60 + 48 + 1, Some(Severity::Ticket)));
        let view = &monitor.view()[0];
        assert!((view.burns[&(72 * 3600)].unwrap() - 2.0).abs() < 1e-9, "{view:?}");
    }

    #[test]
    fn a_swinging_rate_is_one_incident() {
        let mut monitor = monitor();
        let swings: Vec<_> = (0..10).flat_map(|_| [(12, BAD), (8, GOOD)]).collect();
        let course = [&[(420, GOOD)][..], &swings].concat();
        let fired = fires(&mut monitor, &course);
        let first = fired.iter().position(Option::is_some).unwrap();
        assert!(fired[first..].iter().all(Option::is_some));
    }

    #[test]
    fn memory_does_not_grow() {
        let slos = objectives(&["success rate>0.99"]).unwrap();
        let options = AlertOptions { speed: 3600, ..AlertOptions::default() };
        let mut monitor = BurnMonitor::new(slos, options, 1000);
        let room = monitor.samples[0].capacity();
        (0..1000).for_each(|s| drop(monitor.take(s * 1000, &[GOOD])));
        assert_eq!((monitor.samples[0].len(), monitor.samples[0].capacity()), (74, room));
    }
}
