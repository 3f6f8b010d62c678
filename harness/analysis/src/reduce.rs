//! From raw samples to numbers with an interval: the rules of the metric table, applied.
//!
//! The unit of evidence is the launch, a fresh process: samples within one share its memory layout
//! and its moment, so a launch gives one value, whatever its count of samples (T. Kalibera and
//! R. Jones, "Rigorous benchmarking in reasonable time", ISMM 2013). Launches are then summarised
//! by the Hodges–Lehmann estimate and its exact interval ([`caxton_stats::signed_rank`]).
//!
//! Times, sizes and ratios are taken on the logarithmic scale, where "twice" and "half" are equally
//! far from "the same" and swapping two sides only turns the sign. A metric that has a zero cannot
//! be, and stays on the linear scale.

use crate::launches::{LaunchScale, SampleLaunches};
use crate::quiet::{self, Best, LATENCY, Launches, Probes, Quiet, YARDSTICK};
use caxton_model::case::{CaseKey, Outcome};
use caxton_model::metric::{Metric, MetricName, Rule, metrics};
use caxton_model::reading::{Missing, Reading};
use caxton_model::record::{CaseRecord, Company, Record, Summary};
use caxton_model::samples::Sample;
use caxton_model::units::Unit;
use caxton_model::words;
use caxton_stats::summary;
use std::collections::BTreeMap;

/// The key of [`Record::totals`] for the geometric mean over agents.
pub const GEOMEAN: &str = "geomean_wasm_to_native_time";
/// The same of every launch, quiet or not.
pub const GEOMEAN_AS_FOUND: &str = "geomean_wasm_to_native_time_as_found";
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
    /// The quietest moment that is known, where the run has noise probes.
    pub best: Best,
}

impl Levels {
    /// The levels of a run with `same_against_same` cases that compare a thing with itself.
    ///
    /// "Every one of these intervals contains 1" is one statement about all of them. With m of
    /// them at 1 - 0.01/m each it is wrong in at most 1 % of runs (Bonferroni's inequality).
    pub fn for_run(same_against_same: usize) -> Self {
        let m = same_against_same.max(1) as f64;
        Self { single: SINGLE, same_against_same: 1.0 - 0.01 / m, best: Best::default() }
    }

    /// The levels of the run that `record` describes: all planned cases count, run or not.
    pub fn of_record(record: &Record) -> Self {
        let m = record.cases.iter().filter(|c| c.key.is_same_against_same()).count();
        let best = record.calibration.as_ref().map(Best::known).unwrap_or_default();
        Self { best, ..Self::for_run(m) }
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
    quiet::quiet_launches(Groups::of(samples).probes()?, levels.best)
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
    let counted = || cases.iter().filter(|case| counts_in_geomean(case));
    let logs = |case: &CaseRecord, name: &str| {
        let metric = MetricName::parse(name).expect("a row of the table").metric();
        by_case.get(&case.key)?.launch_logs(metric, levels)
    };
    let mean = |name: &str| -> Result<Summary, Missing> {
        let ratios: Vec<LaunchLogs> = counted().filter_map(|case| logs(case, name)).collect();
        geomean(&ratios, levels)
            .ok_or_else(|| Missing::NotRequested("no agent has a ratio of times".to_owned()))
    };
    // A mean without those agents would be another one.
    let unclear: Vec<String> = counted()
        .filter(|case| matches!(case.metric(HEADLINE), Err(Missing::Unclear(_))))
        .map(|case| case.key.agent.clone())
        .collect();
    let quiet = if unclear.is_empty() {
        mean(HEADLINE)
    } else {
        Err(Missing::Unclear(format!("so is the ratio of {}", words::some(&unclear))))
    };
    let found = mean(&format!("{HEADLINE}_as_found"));
    let found = found.ok().map(|found| (GEOMEAN_AS_FOUND.to_owned(), Reading::Known(found)));
    [(GEOMEAN.to_owned(), quiet.into())].into_iter().chain(found).collect()
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
        Rule::AsFound { of } => return inputs(parse(of).metric()),
        Rule::Rate { of } => vec![of],
        Rule::BlockMin | Rule::Median | Rule::Exact => vec![metric.name],
    };
    names.into_iter().map(parse).collect()
}

/// Why so few quiet launches have no ratio, and what would help.
fn unclear(quiet: u32, all: u32) -> String {
    let least = quiet::LAUNCHES_MIN;
    format!(
        "{quiet} of {all} launches were quiet, {least} are needed: --scale full, another hour, or \
         a quieter core (caxton-bench doctor)"
    )
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
        let is_told = inputs(metric).iter().all(|input| self.readings.contains_key(input));
        // Where nobody looked at the core there is one figure.
        let is_twofold = matches!(metric.rule, Rule::AsFound { .. });
        is_told && (!is_twofold || self.probes().is_some())
    }

    fn probes(&self) -> Option<Probes<'_>> {
        let of = |name| {
            let name = MetricName::parse(name).expect("the probes are rows of the table");
            self.readings.get(&name)
        };
        Some(Probes { yardsticks: of(YARDSTICK)?, latencies: of(LATENCY) })
    }

    /// What of the inputs of `metric` was measured in quiet.
    fn quiet(&self, metric: &'static Metric, levels: &Levels) -> Quiet {
        let of = |name: MetricName| Some((name, self.readings.get(&name)?.clone()));
        let readings = inputs(metric).into_iter().filter_map(of).collect();
        quiet::in_quiet(metric, &readings, self.probes(), levels.best)
    }

    fn reduce(&self, levels: &Levels) -> BTreeMap<MetricName, Reading<Summary>> {
        let told = metrics().filter(|metric| self.can_tell(metric));
        told.map(|metric| (metric.into(), self.summary(metric, levels).into())).collect()
    }

    /// `metric` in quiet, or where that does not matter.
    fn summary(&self, metric: &'static Metric, levels: &Levels) -> Result<Summary, Missing> {
        let level = levels.of(metric);
        let company = match self.quiet(metric, levels) {
            Quiet::Known(readings, left_out) => {
                let (quiet, disturbed) = self.parted(readings);
                let launches = quiet.launches(metric)?;
                let summary = launches.summary(level)?;
                let disturbed = if left_out == 0 { None } else { disturbed.launches(metric).ok() };
                let interval = summary.interval.or_else(|| launches.helped_by(disturbed, level));
                return Ok(Summary { interval, company: Company::LeftOut(left_out), ..summary });
            }
            Quiet::Unclear { quiet, all } if metric.unit == Unit::Ratio => {
                return Err(Missing::Unclear(unclear(quiet, all)));
            }
            Quiet::Unclear { quiet, all } => Company::Present(all - quiet),
            Quiet::Unwatched => Company::Unwatched,
        };
        Ok(Summary { company, ..self.launches(metric)?.summary(level)? })
    }

    /// The `readings` of quiet launches, and those of the other ones.
    fn parted(&self, readings: BTreeMap<MetricName, Launches>) -> (Self, Self) {
        let rest = readings.iter().map(|(name, quiet)| {
            let mut launches = self.readings[name].clone();
            launches.retain(|launch, _| !quiet.contains_key(launch));
            (*name, launches)
        });
        let disturbed = Self { readings: rest.collect(), hollow: self.hollow };
        (Self { readings, hollow: self.hollow }, disturbed)
    }

    /// The logarithms of [`every_launch_log`] of one metric.
    fn launch_logs(&self, metric: &'static Metric, levels: &Levels) -> Option<LaunchLogs> {
        if !self.can_tell(metric) {
            return None;
        }
        let launches = match self.quiet(metric, levels) {
            Quiet::Known(readings, _) => self.parted(readings).0.launches(metric),
            Quiet::Unclear { .. } if metric.unit == Unit::Ratio => return None,
            Quiet::Unclear { .. } | Quiet::Unwatched => self.launches(metric),
        };
        let SampleLaunches { scale, values, samples, .. } = launches.ok()?;
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
            Rule::AsFound { of } => {
                self.launches(MetricName::parse(of).expect("a rule refers to rows").metric())
            }
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
