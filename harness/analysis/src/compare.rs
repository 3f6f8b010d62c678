//! Two records side by side, where nothing can be run again. Counts are compared as facts if the
//! same compilers and engine made them. Times moved with the machine between the two runs, by more
//! than most changes of a program do: earlier sessions say how far it moves by itself
//! ([`predict`]), for information only; without them there is nothing to compare with.

use crate::limits::Limits;
use crate::paired::contest::CONTESTED;
use crate::paired::exact::{is_compared, judge_one};
use crate::paired::predict::{Prediction, predict};
use caxton_model::case::{CaseKey, Outcome};
use caxton_model::metric::{MetricName, metrics};
use caxton_model::paired::Design;
use caxton_model::paired::comparison::{Conclusion, ExactVerdict, Verdict};
use caxton_model::reading::Reading;
use caxton_model::record::{Artifact, CaseRecord, Record, Status, Summary};
use caxton_model::words::{NONE, differ};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;

#[derive(Debug, Clone)]
pub struct Records<'a> {
    pub base: &'a Record,
    pub candidate: &'a Record,
    /// Every count that both have.
    pub exact: Vec<(CaseKey, ExactVerdict)>,
    /// Every figure of time or memory that earlier sessions can judge, for information.
    pub predicted: Vec<Predicted>,
    /// What could not be compared, by reason.
    pub not_compared: BTreeMap<String, Vec<String>>,
    /// Cases that the candidate has and the base has not.
    pub only_candidate: Vec<CaseKey>,
    /// What of machine, engine and compilers differs: its name, the base's, the candidate's.
    pub conditions: Vec<[String; 3]>,
}

/// A figure that earlier sessions can judge.
#[derive(Debug, Clone, PartialEq)]
pub struct Predicted {
    pub case: CaseKey,
    pub metric: MetricName,
    /// The base's figure.
    pub base: Summary,
    pub candidate: Summary,
    /// What the sessions say.
    pub says: Prediction,
}

impl<'a> Records<'a> {
    /// Compares `candidate` with `base`. `sessions` are stored records; those that are like the
    /// base are used. `limits` give tolerances of counts.
    pub fn compare(
        base: &'a Record,
        candidate: &'a Record,
        sessions: &[Record],
        limits: &Limits,
    ) -> Self {
        let mut all = Self {
            base,
            candidate,
            exact: Vec::new(),
            predicted: Vec::new(),
            not_compared: BTreeMap::new(),
            only_candidate: Vec::new(),
            conditions: differing(base, candidate),
        };
        all.judge_whole();
        let likewise = like(base, candidate, sessions);
        let figures = base.cases.iter().filter(|case| case.outcome == Outcome::Ran);
        let figures = figures.flat_map(|case| contested(case).map(|_| ())).count();
        let alpha = Design::default().alpha / figures.max(1) as f64;
        for case in base.cases.iter().filter(|case| case.outcome == Outcome::Ran) {
            match find(candidate, &case.key) {
                None => all.fail("the candidate has no such case", case.key.to_string()),
                Some(other) if other.outcome != Outcome::Ran => {
                    let reason = other.outcome.reason().unwrap_or_default();
                    let why = format!("candidate: {}: {reason}", other.outcome.name());
                    all.fail(&why, case.key.to_string());
                }
                Some(other) => {
                    all.judge_counts(case, other, limits);
                    all.judge_times(case, other, &likewise, alpha);
                }
            }
        }
        let is_new = |case: &&CaseRecord| find(base, &case.key).is_none();
        let new = candidate.cases.iter().filter(is_new);
        all.only_candidate = new.map(|case| case.key.clone()).collect();
        all
    }

    /// What it comes to. What sessions predict is advice and changes nothing.
    pub fn conclusion(&self) -> Conclusion {
        let is_worse = |(_, exact): &(CaseKey, ExactVerdict)| exact.verdict == Verdict::Regressed;
        let is_empty = self.exact.is_empty() && self.predicted.is_empty();
        if self.exact.iter().any(is_worse) {
            Conclusion::Regressed
        } else if !self.not_compared.is_empty() || is_empty {
            Conclusion::NotComparable
        } else {
            Conclusion::Fine
        }
    }

    fn fail(&mut self, why: &str, what: String) {
        self.not_compared.entry(why.to_owned()).or_default().push(what);
    }

    /// What is wrong with a record as a whole.
    fn judge_whole(&mut self) {
        let sides = [("base", self.base), ("candidate", self.candidate)];
        for (side, record) in sides {
            if record.run.status != Status::Finished {
                self.fail("the run did not come to its end", format!("{side} {}", record.run.id));
            }
            if record.is_profile() {
                self.fail("a profiled run has no figures", format!("{side} {}", record.run.id));
            }
        }
        if self.base.run.suite != self.candidate.run.suite {
            let suites = format!("{} and {}", self.base.run.suite, self.candidate.run.suite);
            self.fail("the two are of different suites", suites);
        }
    }

    /// Counts, where the same compilers and engine made both.
    fn judge_counts(&mut self, base: &CaseRecord, candidate: &CaseRecord, limits: &Limits) {
        let agent = &base.key.agent;
        if toolchain(self.base, agent) != toolchain(self.candidate, agent) {
            let why = "counts need the same compilers and engine on both sides";
            self.fail(why, base.key.to_string());
            return;
        }
        for metric in metrics().filter(|metric| is_compared(metric)) {
            let Ok(before) = base.metric(metric.name) else { continue };
            let name = MetricName::from(metric);
            let what = || format!("{} {name}", base.key);
            let Ok(after) = candidate.metric(metric.name) else {
                self.fail("the candidate has no such count", what());
                continue;
            };
            let [was, is] = [before, after].map(told);
            match judge_one(name, &was, &is, limits.margin(&base.key, name)) {
                Some(verdict) if verdict.verdict != Verdict::NotComparable => {
                    self.exact.push((base.key.clone(), verdict));
                }
                _ => self.fail("a count needs two processes on each side", what()),
            }
        }
    }

    /// Times and memory, by what earlier sessions predict.
    fn judge_times(
        &mut self,
        base: &CaseRecord,
        candidate: &CaseRecord,
        sessions: &Result<Vec<&Record>, String>,
        alpha: f64,
    ) {
        for (metric, before) in contested(base) {
            let what = || format!("{} {metric}", base.key);
            let Ok(after) = candidate.metric(metric.as_str()) else {
                self.fail("the candidate has no such figure", what());
                continue;
            };
            let says = sessions.clone().and_then(|sessions| {
                let agent = &base.key.agent;
                let same = sessions.iter().filter(|s| files(s, agent) == files(self.base, agent));
                let figures = same.filter_map(|s| find(s, &base.key)?.metric(metric.as_str()).ok());
                let figures: Vec<f64> = figures.map(|summary| summary.estimate).collect();
                predict(&figures, after.estimate, metric.metric().better, alpha)
                    .map_err(|error| format!("nothing can be run again, and {error}"))
            });
            match says {
                Ok(says) => {
                    let (case, base, candidate) = (base.key.clone(), *before, *after);
                    self.predicted.push(Predicted { case, metric, base, candidate, says });
                }
                Err(why) => self.fail(&why, what()),
            }
        }
    }
}

/// What the processes behind an exact summary told: the same, or from the least to the greatest.
fn told(summary: &Summary) -> Vec<f64> {
    summary.interval.map_or(vec![summary.estimate], |i| vec![i.lower, i.upper])
}

/// The figures of `case` that launch pairs would compare.
fn contested(case: &CaseRecord) -> impl Iterator<Item = (MetricName, &Summary)> {
    CONTESTED.iter().filter_map(|contested| {
        let name = MetricName::parse(contested.metric).ok()?;
        Some((name, case.metric(contested.metric).ok()?))
    })
}

pub fn find<'a>(record: &'a Record, key: &CaseKey) -> Option<&'a CaseRecord> {
    record.cases.iter().find(|case| case.key == *key)
}

/// The sessions like `base`, each once and without `candidate`; or why `candidate` is not like it.
fn like<'a>(
    base: &'a Record,
    candidate: &Record,
    sessions: &'a [Record],
) -> Result<Vec<&'a Record>, String> {
    if !is_like(base, candidate) {
        return Err("nothing can be run again, and the runs are of different machines, scales or \
                    builds of the harness"
            .to_owned());
    }
    let mut seen = BTreeSet::from([candidate.run.id.as_str()]);
    let all = std::iter::once(base).chain(sessions);
    Ok(all.filter(|s| is_like(base, s) && seen.insert(s.run.id.as_str())).collect())
}

/// True where times of both may be set side by side.
fn is_like(base: &Record, other: &Record) -> bool {
    other.run.status == Status::Finished
        && (&base.run.suite, &base.run.scale) == (&other.run.suite, &other.run.scale)
        && base.run.build == other.run.build
        && base.engine == other.engine
        && base.engine_settings() == other.engine_settings()
        && base.host.fingerprint == other.host.fingerprint
        && base.host.memory_bytes == other.host.memory_bytes
}

/// The hashes of an agent's files.
fn files<'a>(record: &'a Record, agent: &str) -> BTreeMap<&'a str, &'a str> {
    let own = record.artifacts.iter().filter(|artifact| artifact.agent == agent);
    own.map(|artifact| (artifact.side.as_str(), artifact.sha256.as_str())).collect()
}

/// What decides an agent's counts beside its source.
fn toolchain(record: &Record, agent: &str) -> BTreeMap<String, String> {
    let own = record.artifacts.iter().filter(|artifact| artifact.agent == agent);
    let compilers = own.map(|artifact| (artifact.side.clone(), compiler(artifact)));
    compilers.chain(engine(record)).collect()
}

/// The engine, and each setting that it was used with.
fn engine(record: &Record) -> BTreeMap<String, String> {
    let shared = record.engine.iter().map(|(n, value)| (format!("engine {n}"), value.clone()));
    let used = record.engine_settings().into_iter().map(|([name, value], workloads)| {
        let workloads: Vec<&str> = workloads.into_iter().collect();
        (format!("engine {name}: {value}"), workloads.join(", "))
    });
    shared.chain(used).collect()
}

fn compiler(artifact: &Artifact) -> String {
    let flags = artifact.flags.join(" ");
    let how = [words(&artifact.rustc), artifact.target.clone(), flags].join(" ");
    how.trim_end().to_owned()
}

/// What of machine, engine and compilers is not the same.
fn differing(base: &Record, candidate: &Record) -> Vec<[String; 3]> {
    let [was, is] = [base, candidate].map(described);
    let names: BTreeSet<&String> = was.keys().chain(is.keys()).collect();
    let value = |side: &BTreeMap<String, String>, name: &String| {
        side.get(name).cloned().unwrap_or_else(|| NONE.to_owned())
    };
    let rows = names.into_iter().map(|name| [name.clone(), value(&was, name), value(&is, name)]);
    rows.filter(|[name, was, is]| differ(name, [was, is])).collect()
}

/// Everything that has to be equal for two times to be compared.
fn described(record: &Record) -> BTreeMap<String, String> {
    let fingerprint = record.host.fingerprint.iter();
    let mut pairs: BTreeMap<String, String> =
        fingerprint.map(|(name, value)| (name.clone(), words(value))).collect();
    pairs.insert("memory".to_owned(), words(&record.host.memory_bytes));
    pairs.insert("scale".to_owned(), record.run.scale.clone());
    pairs.extend(engine(record));
    let build = record.run.build.iter();
    pairs.extend(build.map(|(name, value)| (format!("harness {name}"), value.clone())));
    for artifact in &record.artifacts {
        let what = format!("{} {} compiler", artifact.agent, artifact.side);
        pairs.insert(what, compiler(artifact));
    }
    pairs
}

fn words(reading: &Reading<impl Display>) -> String {
    match reading {
        Reading::Known(value) => value.to_string(),
        Reading::Missing(why) => format!("unknown ({why})"),
    }
}
