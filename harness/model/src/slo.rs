//! Service level objectives: which share of messages must be good. One is what a load test asks of
//! a percentile or a share, so that a test and production speak of the same thing.

use crate::load::threshold::{Aggregate, LoadMetric, Threshold};
use crate::units::Nanos;
use caxton_stats::limit::Operator;
use std::collections::BTreeSet;

/// The least share that may stay bad: an objective of 100 % has no budget to burn.
const BUDGET_MIN: f64 = 1e-9;

/// What the guide asks of its peak load: the objectives where nobody names others.
pub const OBJECTIVES_OF_THE_GUIDE: [&str; 2] = ["response_time p(99)<100ms", "success rate>0.99"];

/// What a good message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GoodMessage {
    /// It got a good answer in time.
    Answered,
    /// It got a good answer within this time from when it was due.
    AnsweredWithin(Nanos),
}

/// A service level objective.
#[derive(Debug, Clone, PartialEq)]
pub struct Slo {
    /// The value of the label `slo`, such as `response_time_p99_10ms`.
    pub name: String,
    pub good: GoodMessage,
    /// The share of messages that must be good, above 0 and below 1.
    pub objective: f64,
    /// The condition that it was read from, as it is written.
    pub text: String,
}

impl Slo {
    /// The objectives in `thresholds`, each once, and the conditions that are none. The stage of a
    /// load has no meaning in production, and is left out.
    pub fn of_thresholds(thresholds: &[Threshold]) -> (Vec<Self>, Vec<String>) {
        let mut slos: Vec<Self> = Vec::new();
        let mut others = Vec::new();
        for threshold in thresholds {
            match Self::of(threshold) {
                Some(slo) if slos.iter().any(|other| other.name == slo.name) => {}
                Some(slo) => slos.push(slo),
                None => others.push(threshold.to_string()),
            }
        }
        (slos, others)
    }

    /// The share of messages that may be bad.
    pub fn budget(&self) -> f64 {
        1.0 - self.objective
    }

    fn of(threshold: &Threshold) -> Option<Self> {
        let (limit, operator) = (threshold.bound.limit, threshold.bound.operator);
        let is_most = matches!(operator, Operator::Below | Operator::AtMost);
        let is_least = matches!(operator, Operator::Above | Operator::AtLeast);
        let (good, objective) = match (threshold.metric, threshold.aggregate) {
            // Shorter than a limit at 99 % is: of 99 % the answer comes within it.
            (LoadMetric::ResponseTime, Aggregate::P(percent)) if is_most => {
                (GoodMessage::AnsweredWithin(Nanos(limit as u64)), percent / 100.0)
            }
            (LoadMetric::Success, Aggregate::Rate) if is_least => (GoodMessage::Answered, limit),
            (LoadMetric::Errors, Aggregate::Rate) if is_most => {
                (GoodMessage::Answered, 1.0 - limit)
            }
            _ => return None,
        };
        // 99.9 / 100 is not quite 0.999.
        let objective = (objective * 1e9).round() / 1e9;
        let is_one = objective > 0.0 && objective <= 1.0 - BUDGET_MIN;
        is_one.then(|| Self {
            name: name(threshold),
            good,
            objective,
            text: format!("{} {}", threshold.metric.name(), threshold.text),
        })
    }
}

/// A name that Prometheus takes for a label's value and people for a word.
fn name(threshold: &Threshold) -> String {
    let text = format!("{} {}", threshold.metric.name(), threshold.text);
    let mut name = String::new();
    for c in text.chars() {
        match c {
            c if c.is_ascii_alphanumeric() || c == '.' => name.push(c),
            '(' | ')' => {}
            _ if name.ends_with('_') => {}
            _ => name.push('_'),
        }
    }
    name.trim_matches('_').to_owned()
}

/// How urgent an alert is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Somebody has to look now.
    Page,
    /// Somebody has to look in the next days.
    Ticket,
}

impl Severity {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Page => "page",
            Self::Ticket => "ticket",
        }
    }

    /// The name of the alert on a burn rate.
    pub const fn alert(self) -> &'static str {
        match self {
            Self::Page => "CaxtonSloBurnsFast",
            Self::Ticket => "CaxtonSloBurns",
        }
    }
}

/// An alert on how fast an error budget burns: by the same factor in two windows, so that it says
/// what counts and ends soon after its cause.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BurnAlert {
    pub severity: Severity,
    /// How many times as fast as the budget of 30 days allows.
    pub factor: f64,
    /// In seconds.
    pub long_s: u64,
    /// A twelfth of the long one, in seconds.
    pub short_s: u64,
}

const MINUTE_S: u64 = 60;
const HOUR_S: u64 = 60 * MINUTE_S;

/// Multi-window, multi-burn-rate alerts by Google's Site Reliability Workbook, chapter 5
/// (<https://sre.google/workbook/alerting-on-slos/>): 2 % of the budget in an hour, 5 % in six,
/// 10 % in three days.
pub const BURN_ALERTS: [BurnAlert; 3] = [
    BurnAlert { severity: Severity::Page, factor: 14.4, long_s: HOUR_S, short_s: 5 * MINUTE_S },
    BurnAlert { severity: Severity::Page, factor: 6.0, long_s: 6 * HOUR_S, short_s: 30 * MINUTE_S },
    BurnAlert { severity: Severity::Ticket, factor: 1.0, long_s: 72 * HOUR_S, short_s: 6 * HOUR_S },
];

/// Both severities, the more urgent one first.
pub const SEVERITIES: [Severity; 2] = [Severity::Page, Severity::Ticket];

/// How often alerts are evaluated, in seconds.
const EVERY_S: u64 = 30;
/// In which part of its window data must have begun, as a divisor.
const BEGUN: u64 = 10;

/// How alerts on burn rates are to be: the same for Prometheus' rules and for a host that watches
/// itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AlertOptions {
    /// Windows are shorter by this factor: 1 in production, more to see an alert fire soon.
    pub speed: u64,
    /// Messages in a window below which no alert fires: few messages say little.
    pub events_min: u64,
}

impl Default for AlertOptions {
    fn default() -> Self {
        Self { speed: 1, events_min: 20 }
    }
}

impl AlertOptions {
    /// `seconds` of production.
    pub const fn scaled_s(self, seconds: u64) -> u64 {
        let scaled = match self.speed {
            0 => seconds,
            speed => seconds / speed,
        };
        if scaled == 0 { 1 } else { scaled }
    }

    /// How often alerts are evaluated, in seconds.
    pub const fn every_s(self) -> u64 {
        self.scaled_s(EVERY_S)
    }

    /// The alerts of `severity`, their windows as these options have them.
    pub fn alerts(self, severity: Severity) -> impl Iterator<Item = BurnAlert> {
        let own = BURN_ALERTS.into_iter().filter(move |alert| alert.severity == severity);
        own.map(move |alert| BurnAlert {
            long_s: self.scaled_s(alert.long_s),
            short_s: self.scaled_s(alert.short_s),
            ..alert
        })
    }

    /// Every window of an alert, in seconds.
    pub fn windows_s(self) -> BTreeSet<u64> {
        let all = SEVERITIES.into_iter().flat_map(|severity| self.alerts(severity));
        all.flat_map(|alert| [alert.long_s, alert.short_s]).collect()
    }

    /// How long an alert of `severity` goes on after its condition, in seconds: a rate that swings
    /// around the limit is one incident.
    pub fn keep_firing_s(self, severity: Severity) -> u64 {
        self.alerts(severity).map(|alert| alert.short_s).min().unwrap_or(1)
    }
}

/// A window in the largest unit that it is whole in, as Prometheus writes it.
pub fn window_name(seconds: u64) -> String {
    match seconds {
        s if s % 86_400 == 0 => format!("{}d", s / 86_400),
        s if s % 3_600 == 0 => format!("{}h", s / 3_600),
        s if s % 60 == 0 => format!("{}m", s / 60),
        s => format!("{s}s"),
    }
}

impl BurnAlert {
    /// In which first part of its long window there must have been data, in seconds; none where a
    /// window without its whole history counts too. A young service would get its ticket before
    /// its page.
    pub const fn begun_within_s(self) -> Option<u64> {
        match self.severity {
            Severity::Page => None,
            Severity::Ticket if self.long_s < BEGUN => Some(1),
            Severity::Ticket => Some(self.long_s / BEGUN),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(lines: &[(&str, &str)]) -> (Vec<Slo>, Vec<String>) {
        let parsed = lines.iter().map(|(selector, text)| Threshold::parse(selector, text).unwrap());
        Slo::of_thresholds(&parsed.collect::<Vec<_>>())
    }

    #[test]
    fn a_percentile_below_a_limit_is_a_share_within_it() {
        let (slos, others) = read(&[
            ("response_time{stage:hold}", "p(99)<10ms"),
            ("response_time", "p(99.9) <= 1s"),
            ("success", "rate>0.999"),
            ("errors", "rate<0.25"),
        ]);
        assert_eq!(others, Vec::<String>::new());
        let told: Vec<_> =
            slos.iter().map(|slo| (slo.name.as_str(), slo.good, slo.objective)).collect();
        let within = |ms: u64| GoodMessage::AnsweredWithin(Nanos(ms * 1_000_000));
        assert_eq!(
            told,
            [
                ("response_time_p99_10ms", within(10), 0.99),
                ("response_time_p99.9_1s", within(1000), 0.999),
                ("success_rate_0.999", GoodMessage::Answered, 0.999),
                ("errors_rate_0.25", GoodMessage::Answered, 0.75),
            ]
        );
    }

    #[test]
    fn what_is_no_share_of_good_messages_is_no_objective() {
        let (slos, others) = read(&[
            ("response_time", "avg<10ms"),
            ("response_time", "p(99)>10ms"),
            ("response_time", "p(100)<10ms"),
            ("service_time", "p(99)<10ms"),
            ("success", "rate>=1"),
            ("leak", "value==0"),
            ("success{stage:a}", "rate>0.9"),
            ("success{stage:b}", "rate>0.9"),
        ]);
        let names: Vec<&str> = slos.iter().map(|slo| slo.name.as_str()).collect();
        assert_eq!(names, ["success_rate_0.9"], "of two stages one");
        assert_eq!(others.len(), 6, "{others:?}");
    }

    #[test]
    fn a_short_window_is_a_twelfth_of_its_long_one() {
        for alert in BURN_ALERTS {
            assert_eq!(alert.short_s * 12, alert.long_s, "{alert:?}");
        }
    }
}
