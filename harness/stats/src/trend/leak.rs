//! Whether something grew over a long run in a way that does not end, and how small a leak the run
//! could have seen.
//!
//! Of the second half of a run the minimum of each of 24 windows is taken: the bottom of what is
//! allocated and freed again. A leak is a rise of these minima that is no accident (Mann–Kendall
//! with Hamed and Rao's variance), large enough to matter (Theil–Sen's slope), and still going on
//! in the last third. Within one run nobody can tell a slow warm-up from a leak with certainty, so
//! between clean and leak there is suspect, [`LimitVerdict::Unclear`]: run it longer. What cannot
//! be judged is [`LimitVerdict::Unknown`], never clean.
//!
//! Sampling is another's part, and so is what a series is of. Whether anything became slower is
//! [`super::degradation()`]'s answer.

use crate::limit::{LeakInFile, LimitVerdict};
use crate::summary::{median, min};
use crate::trend::kendall::{Ascent, INTERVAL_LEVEL, ascent, normal_quantile, theil_sen};
use serde::{Deserialize, Serialize};

/// Fewest windows that a trend is judged by.
pub const WINDOWS_MIN: usize = 24;
/// Fewest samples of a window: the minimum of fewer is no lower envelope.
pub const WINDOW_SAMPLES_MIN: usize = 3;
/// The largest share of samples that may be missing.
pub const GAPS_MAX: f64 = 0.05;
/// The last windows that tell whether growth goes on, as a share.
const LATE_SHARE: f64 = 0.6;
/// How often the smallest leak that could have been seen would be, by the formula.
const POWER: f64 = 0.8;

/// Something that was sampled over a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SampledSeries {
    pub name: String,
    /// The smallest growth that matters, in the series' unit.
    pub unit_floor: f64,
    /// When each sample was due, ascending, to the end of the run.
    pub at_s: Vec<f64>,
    /// What was read at each of these; none where nothing was.
    pub values: Vec<Option<f64>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct LeakOptions {
    /// The share of the run that is cut off as warm-up.
    pub warm_up_share: f64,
    /// The longest cycle of the load or of a pool: cut off at the least, and no window is shorter,
    /// or its minimum would not be the bottom. 0 where nothing is known to come in cycles.
    pub cycle_s: f64,
    /// Windows that the rest is split into, [`WINDOWS_MIN`] at the least.
    pub windows: usize,
    /// How sure a rise must be.
    pub level: f64,
    /// The smallest growth that matters, as a share of the level.
    pub min_effect_share: f64,
    /// The least share of the growth that falls into the last third; a third, if it is steady.
    pub last_third_share: f64,
}

impl Default for LeakOptions {
    fn default() -> Self {
        Self {
            warm_up_share: 0.5,
            cycle_s: 0.0,
            windows: WINDOWS_MIN,
            level: 0.99,
            min_effect_share: 0.01,
            last_third_share: 0.25,
        }
    }
}

/// What a run says of one series.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trend {
    pub name: String,
    /// Whether it leaks. Clean is no growth that is sure and matters, beyond
    /// [`SeriesGrowth::smallest_seen_per_s`]; suspect, one that may have stopped: a longer run can
    /// tell.
    #[serde(with = "LeakInFile")]
    pub verdict: LimitVerdict,
    /// What the verdict is from; none for an invalid one.
    pub judged: Option<SeriesGrowth>,
}

/// The growth of a series after warm-up.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SeriesGrowth {
    /// Growth per second: Theil–Sen's slope of the windows' minima.
    pub slope_per_s: f64,
    /// Its interval at 95 %: Sen's, by ranks, with Hamed and Rao's variance.
    pub interval_per_s: (f64, f64),
    /// One-sided: the chance of so sure a rise where there is none.
    pub p: f64,
    /// Kendall's tau-b of the minima with time: 1 where each is above all before.
    pub tau: f64,
    /// The median of the minima.
    pub level: f64,
    /// Growth over the judged period, by the slope.
    pub growth: f64,
    /// Growth over its last third, by the slope of the last 60 % of the minima: those of a third
    /// are too few, a steady leak of 10 % would seem to end in one run of five.
    pub growth_last_third: f64,
    /// The smallest leak that this run could have seen, in about seven of ten like it. Never below
    /// half the width of the slope's interval, nor below the smallest growth that matters.
    pub smallest_seen_per_s: f64,
    pub windows: usize,
    pub samples: usize,
    /// Begin of the judged period.
    pub from_s: f64,
    pub to_s: f64,
}

pub fn leak(series: &SampledSeries, options: &LeakOptions) -> Trend {
    let name = series.name.clone();
    match judge(series, options) {
        Ok((verdict, judged)) => Trend { name, verdict, judged: Some(judged) },
        Err(why) => Trend { name, verdict: LimitVerdict::Unknown(why), judged: None },
    }
}

/// The verdict and what it is from, or why there is none.
fn judge(
    series: &SampledSeries,
    options: &LeakOptions,
) -> Result<(LimitVerdict, SeriesGrowth), String> {
    check(series, options)?;
    let (first_s, to_s) = (series.at_s[0], series.at_s[series.at_s.len() - 1]);
    let from_s = first_s + (options.warm_up_share * (to_s - first_s)).max(options.cycle_s);
    let samples: Vec<(f64, f64)> = known(series).collect();
    let step_s = step_s(&series.at_s).ok_or("fewer than two samples")?;
    check_gaps(&samples, (first_s, to_s), step_s)?;
    check_gaps(&samples, (from_s, to_s), step_s)?;
    let period_s = to_s - from_s;
    if period_s < options.windows as f64 * options.cycle_s {
        return Err(format!(
            "{period_s:.0} s after warm-up are fewer than {} cycles of {} s: run longer",
            options.windows, options.cycle_s
        ));
    }
    let envelope = Envelope::of(&samples, (from_s, to_s), options.windows)?;
    let late = ((1.0 - LATE_SHARE) * envelope.minima.len() as f64).ceil() as usize;
    let too_few = "too few windows";
    let ascent = ascent(&envelope.at_s, &envelope.minima).ok_or(too_few)?;
    let late_slope = theil_sen(&envelope.at_s[late..], &envelope.minima[late..]).ok_or(too_few)?;
    let level = median(&envelope.minima).ok_or(too_few)?;
    let effect = (options.min_effect_share * level.abs()).max(series.unit_floor);
    let judged = SeriesGrowth {
        slope_per_s: ascent.slope,
        interval_per_s: ascent.interval,
        p: ascent.p,
        tau: ascent.tau,
        level,
        growth: ascent.slope * period_s,
        growth_last_third: late_slope * period_s / 3.0,
        smallest_seen_per_s: smallest_seen(&ascent, effect / period_s, options.level),
        windows: envelope.minima.len(),
        samples: envelope.samples,
        from_s,
        to_s,
    };
    Ok((verdict(&ascent, &judged, effect, options), judged))
}

/// The smallest slope that is both sure at `level` and above `effect` with a chance of [`POWER`],
/// where slopes scatter as the interval says: at the half of its width itself, a leak would be
/// missed in more than every second run. They scatter a little more, as dependence that is not
/// significant is not corrected for: measured, the chance is 0.7.
fn smallest_seen(ascent: &Ascent, effect: f64, level: f64) -> f64 {
    let half_width = (ascent.interval.1 - ascent.interval.0) / 2.0;
    let deviation = half_width / normal_quantile(f64::midpoint(1.0, INTERVAL_LEVEL));
    let spare = normal_quantile(POWER) * deviation;
    (normal_quantile(level) * deviation + spare).max(effect + spare).max(half_width)
}

/// The verdict on what was `judged`, where growth below `effect` does not matter.
fn verdict(
    ascent: &Ascent,
    judged: &SeriesGrowth,
    effect: f64,
    options: &LeakOptions,
) -> LimitVerdict {
    let is_sure = ascent.p < 1.0 - options.level;
    let matters = judged.growth > 0.0 && judged.growth >= effect;
    let goes_on = judged.growth_last_third >= options.last_third_share * judged.growth;
    match (is_sure && matters, goes_on) {
        (true, true) => LimitVerdict::Missed,
        (true, false) => LimitVerdict::Unclear,
        (false, _) => LimitVerdict::Met,
    }
}

/// Fails for what no run and no options may be.
fn check(series: &SampledSeries, options: &LeakOptions) -> Result<(), String> {
    let is_share = |share: f64| (0.0..1.0).contains(&share);
    let are_shares = is_share(options.warm_up_share)
        && is_share(options.level)
        && options.level >= 0.5
        && is_share(options.min_effect_share)
        && is_share(options.last_third_share);
    let is_size = |size: f64| size >= 0.0 && size.is_finite();
    if !are_shares || !is_size(options.cycle_s) || !is_size(series.unit_floor) {
        return Err("options or floor out of range".to_owned());
    }
    if options.windows < WINDOWS_MIN {
        return Err(format!("{} windows: at least {WINDOWS_MIN} are needed", options.windows));
    }
    if series.at_s.len() != series.values.len() {
        let (times, values) = (series.at_s.len(), series.values.len());
        return Err(format!("{times} times, but {values} values"));
    }
    let ascends = series.at_s.windows(2).all(|pair| pair[0] < pair[1]);
    if !ascends || series.at_s.iter().any(|at| !at.is_finite()) {
        return Err("times of samples do not ascend".to_owned());
    }
    if series.values.iter().all(Option::is_none) {
        return Err("not sampled".to_owned());
    }
    Ok(())
}

/// Time and value of what was sampled; what is no number was not.
fn known(series: &SampledSeries) -> impl Iterator<Item = (f64, f64)> {
    let pairs = series.at_s.iter().zip(&series.values);
    pairs.filter_map(|(at, value)| Some((*at, (*value)?))).filter(|(_, value)| value.is_finite())
}

/// The usual time between two samples.
fn step_s(at_s: &[f64]) -> Option<f64> {
    median(&at_s.windows(2).map(|pair| pair[1] - pair[0]).collect::<Vec<f64>>())
}

/// Fails if more than [`GAPS_MAX`] of the samples that a period should have are missing: those
/// without a value and those without a time alike.
fn check_gaps(samples: &[(f64, f64)], period: (f64, f64), step_s: f64) -> Result<(), String> {
    let is_within = |(at, _): &&(f64, f64)| (period.0..=period.1).contains(at);
    let known = samples.iter().filter(is_within).count() as f64;
    let expected = ((period.1 - period.0) / step_s).floor().max(1.0);
    let missing = 1.0 - known / expected;
    if missing > GAPS_MAX {
        let (missing, from, to) = (100.0 * missing, period.0, period.1);
        return Err(format!("{missing:.1} % of samples from {from:.0} to {to:.0} s are missing"));
    }
    Ok(())
}

/// The bottom of a series: the minimum of each window, at the window's middle.
struct Envelope {
    at_s: Vec<f64>,
    minima: Vec<f64>,
    samples: usize,
}

impl Envelope {
    /// That of `samples` in so many windows of equal length; fails where one is too empty.
    fn of(samples: &[(f64, f64)], period: (f64, f64), windows: usize) -> Result<Self, String> {
        let width_s = (period.1 - period.0) / windows as f64;
        let mut held = vec![Vec::new(); windows];
        for (at, value) in samples.iter().filter(|(at, _)| *at >= period.0) {
            let window = ((at - period.0) / width_s) as usize;
            // The very last sample lies on the end of the last window.
            held[window.min(windows - 1)].push(*value);
        }
        if let Some(few) = held.iter().map(Vec::len).min().filter(|n| *n < WINDOW_SAMPLES_MIN) {
            return Err(format!(
                "a window of {width_s:.1} s has {few} samples, at least {WINDOW_SAMPLES_MIN} are \
                 needed: run longer or sample more often"
            ));
        }
        let middle = |window: usize| period.0 + (window as f64 + 0.5) * width_s;
        Ok(Self {
            at_s: (0..windows).map(middle).collect(),
            minima: held.iter().filter_map(|values| min(values)).collect(),
            samples: held.iter().map(Vec::len).sum(),
        })
    }
}

#[cfg(test)]
#[path = "leak_tests.rs"]
mod tests;
