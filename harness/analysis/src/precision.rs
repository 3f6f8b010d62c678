//! How well the ratios of a case are known so far, for a run that goes on until they are known well
//! enough.
//!
//! Who stops as soon as an interval is narrow stops where it is narrow by luck, and then it holds
//! the truth less often than it says: one of 95 % in 91 % of runs whose launches have one of two
//! layouts. So a run looks at few counts of launches, and at the interval of 99 %. The one of 95 %
//! that is printed then holds it in 93 % to 95 % (`planted_tests.rs`).

use crate::reduce::{Levels, reduce};
use caxton_model::metric::{MetricName, Rule, metrics};
use caxton_model::reading::Reading;
use caxton_model::record::Summary;
use caxton_model::samples::Sample;
use std::collections::BTreeMap;

/// Level of the intervals that a run stops at.
pub const STOP_LEVEL: f64 = 0.99;

/// Counts of launches at which is looked: each a quarter more than the last, from the first that
/// has an exact interval at that level.
pub const LOOKS: [u32; 18] =
    [8, 10, 12, 15, 19, 24, 30, 38, 47, 59, 74, 92, 115, 144, 180, 225, 281, 351];

/// How far an interval reaches from its ratio, as a share of that: the farthest of all ratios of
/// quiet launches in `samples`, all of one case. Infinite where one is UNCLEAR or has no interval;
/// none where there is no such ratio.
pub fn reach(samples: &[Sample], levels: &Levels) -> Option<f64> {
    let levels = Levels { single: STOP_LEVEL, ..*levels };
    let readings = reduce(samples, &levels);
    let reaches = metrics().filter_map(|metric| match metric.rule {
        // What has a figure as found has one in quiet, or is UNCLEAR.
        Rule::AsFound { of } => reach_of(&readings, of),
        _ => None,
    });
    reaches.max_by(f64::total_cmp)
}

fn reach_of(readings: &BTreeMap<MetricName, Reading<Summary>>, ratio: &str) -> Option<f64> {
    let name = MetricName::parse(ratio).expect("a rule refers to rows of the table");
    let summary = match readings.get(&name)? {
        Reading::Known(summary) => summary,
        Reading::Missing(_) => return Some(f64::INFINITY),
    };
    let reach = summary.interval.map(|interval| {
        let [below, above] = [summary.estimate - interval.lower, interval.upper - summary.estimate];
        below.max(above) / summary.estimate
    });
    Some(reach.unwrap_or(f64::INFINITY))
}
