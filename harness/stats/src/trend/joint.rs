//! What several series of one run say together.
//!
//! One series may grow for reasons of its own: a pool's first touch shows in the resident set, a
//! table that doubles in the bytes. A leak shows in two. A guest's leak shows in its linear memory
//! and the resident set and not in the host's allocator, a host's leak in bytes and count.

use crate::limit::LimitVerdict;
use crate::trend::leak::Trend;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SeriesClass {
    /// Bytes that the host's allocator has given out.
    LiveBytes,
    /// Blocks that the host's allocator has given out.
    LiveCount,
    LinearMemory,
    /// Things with a name: instances, tasks, threads, files, messages.
    Objects,
    /// Bytes the kernel keeps for the process. Second to all others: they grow when something is
    /// touched for the first time, and do not shrink when it is freed.
    Rss,
}

impl SeriesClass {
    /// False for what grows without a leak, too.
    fn is_first(self) -> bool {
        self != Self::Rss
    }
}

/// The verdict on a run by all its `series`. The first of these that holds:
///
/// 1. Invalid, if no series but the resident set could be judged.
/// 2. Leak, if series of two classes leak, one of them not the resident set.
/// 3. Suspect, if any leaks or is suspect.
/// 4. Invalid, if any but the resident set could not be judged, or series of two classes could not:
///    nothing could have been a leak then, so nothing is shown to be clean.
/// 5. Clean.
pub fn agree(series: &[(SeriesClass, &Trend)]) -> LimitVerdict {
    let invalid = |trend: &Trend| matches!(trend.verdict, LimitVerdict::Unknown(_));
    let valid = classes(series, |trend| !invalid(trend));
    if !valid.iter().any(|class| class.is_first()) {
        return LimitVerdict::Unknown(reasons(series));
    }
    let leaking = classes(series, |trend| trend.verdict == LimitVerdict::Missed);
    if leaking.len() >= 2 {
        return LimitVerdict::Missed;
    }
    if !leaking.is_empty() || series.iter().any(|(_, t)| t.verdict == LimitVerdict::Unclear) {
        return LimitVerdict::Unclear;
    }
    if series.iter().any(|(class, trend)| class.is_first() && invalid(trend)) {
        return LimitVerdict::Unknown(reasons(series));
    }
    if valid.len() < 2 {
        let why = "one kind of series alone: a second one must agree on a leak";
        return LimitVerdict::Unknown(why.to_owned());
    }
    LimitVerdict::Met
}

/// The classes with a series that `is_such`, each once.
fn classes(series: &[(SeriesClass, &Trend)], is_such: impl Fn(&Trend) -> bool) -> Vec<SeriesClass> {
    let such = series.iter().filter(|(_, trend)| is_such(trend));
    let mut classes: Vec<SeriesClass> = such.map(|(class, _)| *class).collect();
    classes.sort_unstable();
    classes.dedup();
    classes
}

/// Why which of `series` could not be judged.
fn reasons(series: &[(SeriesClass, &Trend)]) -> String {
    let reasons = series.iter().filter_map(|(_, trend)| match &trend.verdict {
        LimitVerdict::Unknown(why) => Some(format!("{}: {why}", trend.name)),
        _ => None,
    });
    let reasons: Vec<String> = reasons.collect();
    if reasons.is_empty() {
        return "nothing but the resident set was sampled".to_owned();
    }
    reasons.join("; ")
}

#[cfg(test)]
#[path = "joint_tests.rs"]
mod tests;
