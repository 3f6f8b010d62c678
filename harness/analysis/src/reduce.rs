//! From raw samples to numbers with an interval: the rules of the metric table, applied.
//!
//! The unit of evidence is the launch, a fresh process: samples within one share its memory layout
//! and its moment, so a launch gives one value, whatever its count of samples (T. Kalibera and
//! R. Jones, "Rigorous benchmarking in reasonable time", ISMM 2013). Launches are then summarised
//! by the Hodges–Lehmann estimate and its exact interval ([`signed_rank`]).
//!
//! Times, sizes and ratios are taken on the logarithmic scale, where "twice" and "half" are equally
//! far from "the same" and swapping two sides only turns the sign. A metric that has a zero cannot
//! be, and stays on the linear scale.

use crate::quiet::{self, YARDSTICK, keep_quiet};
use caxton_model::case::{CaseKey, Outcome};
use caxton_model::metric::{Metric, MetricName, Rule, metrics};
use caxton_model::reading::{Missing, Reading};
use caxton_model::record::{CaseRecord, Company, Interval, Record, Summary};
use caxton_model::samples::Sample;
use caxton_model::units::Unit;
use caxton_stats::{signed_rank, summary};
use std::collections::BTreeMap;

/// The key of [`Record::totals`] for the geometric mean over agents.
pub const GEOMEAN: &str = "geomean_wasm_to_native_time";
/// The metric whose geometric mean is taken.
pub const HEADLINE: &str = "wasm_to_native_time";
/// The agent that does nothing: it shows the cost of the boundary, and is no workload to average.
pub const NOOP: &str = "noop";

/// Level of an interval that is read on its own.
pub const SINGLE: f64 = 0.95;

/// The confidence levels of a run, and what it calls quiet.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Levels {
    /// Of an interval that is read on its own.
    pub single: f64,
    /// Of each comparison of a thing with itself.
    pub same_against_same: f64,
    /// The longest yardstick of a quiet moment, where the run has a yardstick.
    pub quiet_below_ns: Option<f64>,
}

impl Levels {
    /// The levels of a run with `same_against_same` cases that compare a thing with itself.
    ///
    /// "Every one of these intervals contains 1" is one statement about all of them. With m of
    /// them at 1 - 0.01/m each it is wrong in at most 1 % of runs (Bonferroni's inequality).
    pub fn for_run(same_against_same: usize) -> Self {
        let m = same_against_same.max(1) as f64;
        Self { single: SINGLE, same_against_same: 1.0 - 0.01 / m, quiet_below_ns: None }
    }

    /// The levels of the run that `record` describes: all planned cases count, run or not.
    pub fn of_record(record: &Record) -> Self {
        let m = record.cases.iter().filter(|c| c.key.is_same_against_same()).count();
        let best = record.calibration.and_then(|calibration| calibration.yardstick_ns);
        let quiet_below_ns = best.map(|ns| ns * quiet::TOLERANCE);
        Self { quiet_below_ns, ..Self::for_run(m) }
    }

    pub fn of(&self, metric: &Metric) -> f64 {
        if metric.is_same_against_same() { self.same_against_same } else { self.single }
    }
}

/// Summaries of everything that `samples`, all of one case, say: each metric that was sampled, and
/// each derived one whose inputs were.
pub fn reduce(samples: &[Sample], levels: &Levels) -> BTreeMap<MetricName, Reading<Summary>> {
    Groups::of(samples).reduce(levels)
}

/// Gives a derived metric that is absent the reason why one of its inputs is missing.
pub fn inherit_missing(readings: &mut BTreeMap<MetricName, Reading<Summary>>) {
    for metric in metrics().filter(|metric| metric.is_derived()) {
        let reason = inputs(metric).iter().find_map(|input| match readings.get(input) {
            Some(Reading::Missing(why)) => Some(why.clone()),
            _ => None,
        });
        if let Some(why) = reason {
            readings.entry(metric.into()).or_insert(Reading::Missing(why));
        }
    }
}

/// Recomputes every summary of `record` that its samples can tell, and the totals. Readings that
/// are missing for a reason outside the samples stay as they are.
pub fn resummarise(record: &mut Record, samples: &[Sample]) {
    let levels = Levels::of_record(record);
    let by_case = by_case(samples);
    for case in &mut record.cases {
        // An agent that failed has no numbers, whatever it did before.
        let whole = by_case.get(&case.key).filter(|_| case.outcome == Outcome::Ran);
        if let Some(groups) = whole {
            case.metrics.extend(groups.reduce(&levels));
        }
    }
    record.totals = totals(&record.cases, samples, &levels);
}

/// How many launches of the one case of `samples` were quiet; none where it has no yardstick.
pub fn quiet_launches(samples: &[Sample], levels: &Levels) -> Option<u32> {
    let groups = Groups::of(samples);
    let yardstick = MetricName::parse(YARDSTICK).expect("the yardstick is a row of the table");
    Some(quiet::quiet_launches(groups.readings.get(&yardstick)?, levels.quiet_below_ns?))
}

fn by_case(samples: &[Sample]) -> BTreeMap<&CaseKey, Groups> {
    let mut of_case: BTreeMap<&CaseKey, Vec<&Sample>> = BTreeMap::new();
    for sample in samples {
        of_case.entry(&sample.case).or_default().push(sample);
    }
    of_case.into_iter().map(|(key, samples)| (key, Groups::of(samples))).collect()
}

/// True for a case whose ratio is part of the geometric mean.
pub fn counts_in_geomean(case: &CaseRecord) -> bool {
    case.key.is_overhead() && case.key.agent != NOOP && case.outcome == Outcome::Ran
}

/// What is said of the run as a whole: [`Record::totals`].
pub fn totals(
    cases: &[CaseRecord],
    samples: &[Sample],
    levels: &Levels,
) -> BTreeMap<String, Reading<Summary>> {
    let by_case = by_case(samples);
    let metric = MetricName::parse(HEADLINE).expect("the headline is a row of the table");
    let ratios: Vec<LaunchLogs> = (cases.iter())
        .filter(|case| counts_in_geomean(case))
        .filter_map(|case| by_case.get(&case.key)?.launch_logs(metric.metric(), levels))
        .collect();
    let none = || Missing::NotRequested("no agent has a ratio of times".to_owned());
    let counted = cases.iter().filter(|case| counts_in_geomean(case));
    let is_shared = |case: &CaseRecord| {
        case.metric(HEADLINE).is_ok_and(|s| matches!(s.company, Company::Present(1..)))
    };
    // One agent measured in company is enough: the mean is then not one of quiet moments.
    let shared = counted.filter(|case| is_shared(case)).count() as u32;
    let company = if shared > 0 { Company::Present(shared) } else { Company::Unwatched };
    let geomean = geomean(&ratios, levels).map(|summary| Summary { company, ..summary });
    let geomean = geomean.ok_or_else(none);
    BTreeMap::from([(GEOMEAN.to_owned(), geomean.into())])
}

/// The logarithm of a ratio, once per launch.
#[derive(Debug, Clone, PartialEq)]
pub struct LaunchLogs {
    /// In the order of the launches.
    pub values: Vec<f64>,
    pub samples: u64,
}

/// The per-launch logarithms of every metric in `unit`, of each case; none of a metric without
/// samples or with a value that has no logarithm.
pub fn every_launch_log(
    samples: &[Sample],
    unit: Unit,
    levels: &Levels,
) -> BTreeMap<(CaseKey, MetricName), LaunchLogs> {
    let of_unit = || metrics().filter(|metric| metric.unit == unit);
    let of_case = |(key, groups): (&CaseKey, Groups)| -> Vec<_> {
        let logs = |metric: &'static Metric| {
            Some(((key.clone(), metric.into()), groups.launch_logs(metric, levels)?))
        };
        of_unit().filter_map(logs).collect()
    };
    by_case(samples).into_iter().flat_map(of_case).collect()
}

/// The geometric mean of the cases' ratios, with its interval.
///
/// Launch i of every case gives one mean logarithm; n is the least count of launches. The interval
/// so holds for this set of agents: it says how much the machine moves the mean, not how much
/// another set of agents would.
pub fn geomean(cases: &[LaunchLogs], levels: &Levels) -> Option<Summary> {
    let n = cases.iter().map(|case| case.values.len()).min()?;
    let means: Option<Vec<f64>> = (0..n)
        .map(|i| summary::mean(&cases.iter().map(|case| case.values[i]).collect::<Vec<_>>()))
        .collect();
    let samples = cases.iter().map(|case| case.samples).sum();
    let launches = SampleLaunches { scale: LaunchScale::Log, values: means?, n: n as u32, samples };
    launches.summary(levels.single).ok()
}

/// On which scale the launches' values are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LaunchScale {
    Linear,
    Log,
    /// As they are, and they must be equal.
    Exact,
}

/// One value per launch; of an exact metric, all of them.
struct SampleLaunches {
    scale: LaunchScale,
    values: Vec<f64>,
    n: u32,
    samples: u64,
}

impl SampleLaunches {
    /// `values` on the logarithmic scale if every one of them has a logarithm.
    fn of(values: Vec<f64>, samples: u64) -> Self {
        let n = values.len() as u32;
        if values.iter().all(|v| *v > 0.0) {
            let values = values.into_iter().map(f64::ln).collect();
            return Self { scale: LaunchScale::Log, values, n, samples };
        }
        Self { scale: LaunchScale::Linear, values, n, samples }
    }

    fn summary(&self, level: f64) -> Result<Summary, Missing> {
        let (estimate, interval) = match self.scale {
            LaunchScale::Exact => (summary::median(&self.values), self.range()),
            LaunchScale::Linear | LaunchScale::Log => {
                let bounds = signed_rank::interval(&self.values, level);
                let interval = bounds.map(|b| Interval { lower: b.lower, upper: b.upper, level });
                (signed_rank::estimate(&self.values), interval)
            }
        };
        let back = |v: f64| if self.scale == LaunchScale::Log { v.exp() } else { v };
        let estimate = estimate.map(back).filter(|v| v.is_finite());
        let interval =
            interval.map(|i| Interval { lower: back(i.lower), upper: back(i.upper), ..i });
        // JSON has no infinity: a number that is none is a missing one with its reason.
        let none =
            || Missing::Failed(format!("no finite estimate of {} values", self.values.len()));
        Ok(Summary {
            estimate: estimate.ok_or_else(none)?,
            interval: interval.filter(|i| i.lower.is_finite() && i.upper.is_finite()),
            n: self.n,
            samples: self.samples,
            company: Company::Unwatched,
        })
    }

    /// The interval of values that must be equal: certain when they are, their range when not.
    fn range(&self) -> Option<Interval> {
        let (lower, upper) = (summary::min(&self.values)?, summary::max(&self.values)?);
        let level = if lower == upper { Interval::EXACT } else { Interval::RANGE };
        Some(Interval { lower, upper, level })
    }
}

/// The metrics that a metric is computed from: itself, unless it is derived.
fn inputs(metric: &'static Metric) -> Vec<MetricName> {
    let parse = |name| MetricName::parse(name).expect("a rule refers to rows of the table");
    let names = match metric.rule {
        Rule::BlockRatio { of, to } | Rule::WindowRatio { of, to } | Rule::Ratio { of, to } => {
            vec![of, to]
        }
        Rule::BlockDifference { of, less } => [&[of], less].concat(),
        Rule::DifferenceRatio { of, to } => {
            let [of, to] = [of, to].map(|name| inputs(parse(name).metric()));
            return [of, to].concat();
        }
        Rule::Rate { of } => vec![of],
        Rule::BlockMin | Rule::Median | Rule::Exact => vec![metric.name],
    };
    names.into_iter().map(parse).collect()
}

type SampleBlocks = BTreeMap<u32, Vec<f64>>;

/// One case's readings per iteration, by metric, launch and block.
struct Groups {
    readings: BTreeMap<MetricName, BTreeMap<u32, SampleBlocks>>,
    /// The first metric with a sample that was taken over no iteration.
    hollow: Option<MetricName>,
}

impl Groups {
    fn of<'a>(samples: impl IntoIterator<Item = &'a Sample>) -> Self {
        let mut groups = Self { readings: BTreeMap::new(), hollow: None };
        for sample in samples {
            if sample.iterations == 0 {
                groups.hollow = Some(sample.metric);
            }
            let launches = groups.readings.entry(sample.metric).or_default();
            let blocks = launches.entry(sample.launch).or_default();
            let scale = sample.metric.metric().unit.recorded();
            blocks.entry(sample.block).or_default().push(sample.per_iteration() * scale);
        }
        groups
    }

    fn can_tell(&self, metric: &'static Metric) -> bool {
        inputs(metric).iter().all(|input| self.readings.contains_key(input))
    }

    /// The inputs of `metric`, those measured in quiet where that is enough.
    fn in_quiet(&self, metric: &'static Metric, levels: &Levels) -> (Self, Company) {
        let of = |name: MetricName| Some((name, self.readings.get(&name)?.clone()));
        let mut readings = inputs(metric).into_iter().filter_map(of).collect();
        let yardstick = MetricName::parse(YARDSTICK).expect("the yardstick is a row of the table");
        let yardsticks = self.readings.get(&yardstick);
        let company = keep_quiet(metric, &mut readings, yardsticks, levels.quiet_below_ns);
        (Self { readings, hollow: self.hollow }, company)
    }

    fn reduce(&self, levels: &Levels) -> BTreeMap<MetricName, Reading<Summary>> {
        let mut readings = BTreeMap::new();
        for metric in metrics().filter(|metric| self.can_tell(metric)) {
            let (quiet, company) = self.in_quiet(metric, levels);
            let launches = quiet.launches(metric);
            let reading = launches.and_then(|launches| launches.summary(levels.of(metric)));
            let reading = reading.map(|summary| Summary { company, ..summary });
            readings.insert(metric.into(), reading.into());
        }
        readings
    }

    /// The logarithms of [`every_launch_log`] of one metric.
    fn launch_logs(&self, metric: &'static Metric, levels: &Levels) -> Option<LaunchLogs> {
        let launches =
            self.can_tell(metric).then(|| self.in_quiet(metric, levels).0.launches(metric));
        let launches = launches?.ok()?;
        let SampleLaunches { scale, values, samples, .. } = launches;
        (scale == LaunchScale::Log).then_some(LaunchLogs { values, samples })
    }

    /// One value per launch of `metric`, by its rule.
    fn launches(&self, metric: &'static Metric) -> Result<SampleLaunches, Missing> {
        let inputs = inputs(metric);
        if let Some(hollow) = self.hollow.filter(|hollow| inputs.contains(hollow)) {
            return Err(Missing::Failed(format!("a sample of {hollow} over 0 iterations")));
        }
        let samples = inputs.iter().map(|input| self.count(*input)).sum();
        match metric.rule {
            Rule::BlockMin => Ok(SampleLaunches::of(self.each(inputs[0], block_min), samples)),
            Rule::Median => Ok(SampleLaunches::of(self.each(inputs[0], pooled_median), samples)),
            Rule::Exact => {
                let launches = &self.readings[&inputs[0]];
                let values = launches.values().flat_map(BTreeMap::values).flatten().copied();
                let n = launches.len() as u32;
                Ok(SampleLaunches {
                    scale: LaunchScale::Exact,
                    values: values.collect(),
                    n,
                    samples,
                })
            }
            Rule::Rate { .. } => {
                let times = self.each(inputs[0], block_min);
                if times.contains(&0.0) {
                    return Err(Missing::Undefined(format!("{} was 0 in a launch", inputs[0])));
                }
                Ok(SampleLaunches::of(times.into_iter().map(|ns| 1e9 / ns).collect(), samples))
            }
            Rule::Ratio { .. } => {
                let pair = |of: &SampleBlocks, to: &SampleBlocks| {
                    vec![(pooled_median(of), pooled_median(to))]
                };
                self.ratio(inputs[0], inputs[1], samples, pair)
            }
            Rule::BlockRatio { .. } => self.ratio(inputs[0], inputs[1], samples, block_pairs),
            Rule::WindowRatio { .. } => self.windows(inputs[0], inputs[1], samples),
            Rule::BlockDifference { .. } => self.differences(&inputs, samples),
            Rule::DifferenceRatio { of, to } => self.ratio_of_differences(of, to, samples),
        }
    }

    /// One value per window that has both.
    fn windows(
        &self,
        of: MetricName,
        to: MetricName,
        samples: u64,
    ) -> Result<SampleLaunches, Missing> {
        let below = &self.readings[&to];
        let launches = self.readings[&of].iter();
        let pairs = launches.filter_map(|(launch, of)| Some(block_pairs(of, below.get(launch)?)));
        let pairs: Vec<(f64, f64)> = pairs.flatten().collect();
        if pairs.iter().any(|(of, to)| *of == 0.0 || *to == 0.0) {
            return Err(Missing::Undefined(format!("{of} or {to} was 0 in a window")));
        }
        Ok(SampleLaunches::of(pairs.into_iter().map(|(of, to)| of / to).collect(), samples))
    }

    /// Per launch that has all of `inputs`: the median over the blocks that all have of the first
    /// one's smallest value less that of each other.
    fn differences(&self, inputs: &[MetricName], samples: u64) -> Result<SampleLaunches, Missing> {
        let values: Vec<f64> = self.each_difference(inputs).into_values().collect();
        if values.is_empty() {
            let names: Vec<&str> = inputs.iter().map(|input| input.as_str()).collect();
            return Err(Missing::Failed(format!("no launch has all of {}", names.join(", "))));
        }
        let n = values.len() as u32;
        Ok(SampleLaunches { scale: LaunchScale::Linear, values, n, samples })
    }

    fn each_difference(&self, inputs: &[MetricName]) -> BTreeMap<u32, f64> {
        let launch = |launch: &u32| {
            let all: Option<Vec<&SampleBlocks>> =
                inputs.iter().map(|input| self.readings.get(input)?.get(launch)).collect();
            let (of, less) = all?.split_first().map(|(of, less)| (*of, less.to_vec()))?;
            let left = |(block, of): (&u32, &Vec<f64>)| {
                let less = less.iter().map(|blocks| summary::min(blocks.get(block)?));
                Some(summary::min(of)? - less.sum::<Option<f64>>()?)
            };
            summary::median(&of.iter().filter_map(left).collect::<Vec<_>>())
        };
        let launches = self.readings[&inputs[0]].keys();
        launches.filter_map(|number| Some((*number, launch(number)?))).collect()
    }

    /// Per launch that has both differences: the logarithm of their quotient.
    fn ratio_of_differences(
        &self,
        of: &'static str,
        to: &'static str,
        samples: u64,
    ) -> Result<SampleLaunches, Missing> {
        let row = |name| MetricName::parse(name).expect("a rule refers to rows of the table");
        let [above, below] = [of, to].map(|name| self.each_difference(&inputs(row(name).metric())));
        let both = above.iter().filter_map(|(launch, of)| Some((*of, *below.get(launch)?)));
        let both: Vec<(f64, f64)> = both.collect();
        if both.is_empty() {
            return Err(Missing::Failed(format!("no launch has both {of} and {to}")));
        }
        if let Some((of, to)) = both.iter().find(|(of, to)| *of <= 0.0 || *to <= 0.0) {
            let why = format!("a difference is not above 0 in a launch: {of:.1} over {to:.1} ns");
            return Err(Missing::Undefined(why));
        }
        let (values, n) = (both.iter().map(|(of, to)| (of / to).ln()).collect(), both.len());
        Ok(SampleLaunches { scale: LaunchScale::Log, values, n: n as u32, samples })
    }

    fn count(&self, metric: MetricName) -> u64 {
        let blocks = self.readings[&metric].values().flat_map(BTreeMap::values);
        blocks.map(|block| block.len() as u64).sum()
    }

    fn each(&self, metric: MetricName, of: fn(&SampleBlocks) -> f64) -> Vec<f64> {
        self.readings[&metric].values().map(of).collect()
    }

    /// Per launch that has both: the median over `pairs` of `of` over `to`, as a logarithm unless
    /// some `of` is zero.
    fn ratio(
        &self,
        of: MetricName,
        to: MetricName,
        samples: u64,
        pairs: impl Fn(&SampleBlocks, &SampleBlocks) -> Vec<(f64, f64)>,
    ) -> Result<SampleLaunches, Missing> {
        let below = &self.readings[&to];
        let launches = self.readings[&of].iter();
        let pairs: Vec<Vec<(f64, f64)>> = launches
            .filter_map(|(launch, of)| Some(pairs(of, below.get(launch)?)))
            .filter(|pairs| !pairs.is_empty())
            .collect();
        if pairs.is_empty() {
            return Err(Missing::Failed(format!("no launch has both {of} and {to}")));
        }
        if pairs.iter().flatten().any(|(_, to)| *to == 0.0) {
            return Err(Missing::Undefined("it would be a ratio to 0".to_owned()));
        }
        let is_log = pairs.iter().flatten().all(|(of, _)| *of > 0.0);
        let scale = if is_log { LaunchScale::Log } else { LaunchScale::Linear };
        let quotient = |(of, to): &(f64, f64)| if is_log { (of / to).ln() } else { of / to };
        let launch = |pairs: Vec<(f64, f64)>| {
            summary::median(&pairs.iter().map(quotient).collect::<Vec<_>>())
        };
        let n = pairs.len() as u32;
        Ok(SampleLaunches {
            scale,
            values: pairs.into_iter().filter_map(launch).collect(),
            n,
            samples,
        })
    }
}

/// The median over blocks of the block's smallest value: the least disturbed reading of each
/// moment, and the middle of the moments.
fn block_min(blocks: &SampleBlocks) -> f64 {
    let least: Vec<f64> = blocks.values().filter_map(|block| summary::min(block)).collect();
    summary::median(&least).unwrap_or(f64::NAN)
}

fn pooled_median(blocks: &SampleBlocks) -> f64 {
    let all: Vec<f64> = blocks.values().flatten().copied().collect();
    summary::median(&all).unwrap_or(f64::NAN)
}

/// The smallest values of the blocks that both sides have.
fn block_pairs(of: &SampleBlocks, to: &SampleBlocks) -> Vec<(f64, f64)> {
    let pair =
        |(block, of): (&u32, &Vec<f64>)| Some((summary::min(of)?, summary::min(to.get(block)?)?));
    of.iter().filter_map(pair).collect()
}

#[cfg(test)]
#[path = "reduce_tests.rs"]
mod tests;
