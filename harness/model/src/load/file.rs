//! A user's load test, as TOML:
//!
//! ```toml
//! name = "mine"
//! agents = 100
//! message_bytes = 1024
//! arrivals = "poisson"            # or constant, uniform
//! slo = "100ms"
//!
//! [[stage]]
//! name = "ramp"
//! length = "30s"
//! rate = { from = 0, to = 10000 } # or 1000, { mean, amplitude, period }, { trace = "file" }
//!
//! [thresholds]
//! response_time = ["p(99)<100ms", { threshold = "p(99.9)<1s", abortOnFail = true }]
//! "success{stage:ramp}" = ["rate>0.99"]
//! ```
//!
//! Also: seed, cap, timeout, `closed` (messages in flight of a closed loop), `role` and `kill`
//! (agents that die at its start) in a stage, and `delayAbortEval` in a threshold. A trace has one
//! instant in seconds per line.

use crate::load::flags::{start_of, time};
use crate::load::plan::{Arrivals, BadPlan, LoadPlan, Pacing, Part, Rate, Role, Stage};
use crate::load::threshold::Threshold;
use crate::units::Nanos;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::io;
use std::ops::Range;
use toml::{Spanned, Table, Value};

/// Reads the file with a name as it is written in a plan.
pub type ReadFile<'a> = &'a dyn Fn(&str) -> io::Result<String>;

/// The seed of a plan that names none: the same plan is the same load.
pub const SEED: u64 = 42;
/// The response time objective of a plan that names none.
pub const SLO: Nanos = Nanos(100_000_000);
/// The most messages in flight of a plan that names none.
pub const CAP: u64 = 100_000;
/// How long an answer is waited for in a plan that does not say it.
pub const TIMEOUT: Nanos = Nanos(10_000_000_000);

type Wrong = (Option<Range<usize>>, String);

/// The file, as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PlanFile {
    name: Spanned<String>,
    agents: Spanned<u32>,
    message_bytes: Spanned<u32>,
    seed: Option<u64>,
    #[serde(default)]
    arrivals: Arrivals,
    slo: Option<Spanned<String>>,
    cap: Option<Spanned<u64>>,
    timeout: Option<Spanned<String>>,
    closed: Option<Spanned<u64>>,
    #[serde(default)]
    stage: Vec<Spanned<WrittenStage>>,
    #[serde(default)]
    thresholds: BTreeMap<Spanned<String>, Spanned<Value>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenStage {
    name: String,
    role: Option<Spanned<String>>,
    length: Spanned<String>,
    rate: Spanned<Value>,
    #[serde(default)]
    kill: u32,
}

impl LoadPlan {
    /// Reads `text`, the contents of the file called `name`; `read` gives the traces that it names.
    ///
    /// # Errors
    /// The first thing that is wrong, its line, and how to mend it.
    pub fn parse(name: &str, text: &str, read: ReadFile<'_>) -> Result<Self, BadPlan> {
        let bad = |(at, why): Wrong| {
            let before = text.get(..at.map_or(0, |span| span.start)).unwrap_or_default();
            let line = before.matches('\n').count() + 1;
            BadPlan { file: format!("{name}, line {line}: "), ..BadPlan::whole(why) }
        };
        let file: PlanFile = toml::from_str(text).map_err(|e| bad((e.span(), from_toml(&e))))?;
        let spans = Spans::of(&file);
        let plan = plan(file, read).map_err(bad)?;
        plan.check().map_err(|e| bad((spans.part(e.part), e.why)))?;
        Ok(plan)
    }
}

fn from_toml(error: &toml::de::Error) -> String {
    let keys = "a load test has name, agents, message_bytes and `[[stage]]` with name, length and \
                rate";
    // A message can quote a whole name of the file.
    let message: String = error.message().chars().take(300).collect();
    format!("{message}; {keys}")
}

/// Where the parts of a file are.
struct Spans {
    keys: BTreeMap<&'static str, Range<usize>>,
    stages: Vec<Range<usize>>,
    thresholds: Vec<Range<usize>>,
}

impl Spans {
    fn of(file: &PlanFile) -> Self {
        let keys = [
            ("name", Some(file.name.span())),
            ("agents", Some(file.agents.span())),
            ("message_bytes", Some(file.message_bytes.span())),
            ("slo", file.slo.as_ref().map(Spanned::span)),
            ("cap", file.cap.as_ref().map(Spanned::span)),
            ("timeout", file.timeout.as_ref().map(Spanned::span)),
            ("closed", file.closed.as_ref().map(Spanned::span)),
        ];
        // One for each condition, in the order in which `plan` reads them.
        let conditions = |(key, value): (&Spanned<String>, &Spanned<Value>)| {
            let count = value.as_ref().as_array().map_or(1, Vec::len);
            std::iter::repeat_n(key.span(), count)
        };
        Self {
            keys: keys.into_iter().filter_map(|(key, span)| Some((key, span?))).collect(),
            stages: file.stage.iter().map(Spanned::span).collect(),
            thresholds: file.thresholds.iter().flat_map(conditions).collect(),
        }
    }

    fn part(&self, part: Part) -> Option<Range<usize>> {
        match part {
            Part::Whole => None,
            Part::Key(key) => self.keys.get(key).cloned(),
            Part::Stage(index) => self.stages.get(index).cloned(),
            Part::Threshold(index) => self.thresholds.get(index).cloned(),
        }
    }
}

fn plan(file: PlanFile, read: ReadFile<'_>) -> Result<LoadPlan, Wrong> {
    let optional_time = |what, text: Option<Spanned<String>>, usual| match text {
        Some(text) => time(what, text.as_ref()).map_err(|why| (Some(text.span()), why)),
        None => Ok(usual),
    };
    let stages = file.stage.into_iter().map(|stage| read_stage(stage, read));
    let mut thresholds = Vec::new();
    for (selector, conditions) in file.thresholds {
        let all = match conditions.into_inner() {
            Value::Array(all) => all,
            one => vec![one],
        };
        for condition in all {
            let threshold = read_threshold(selector.as_ref(), condition);
            thresholds.push(threshold.map_err(|why| (Some(selector.span()), why))?);
        }
    }
    let in_flight = file.closed.map(Spanned::into_inner);
    Ok(LoadPlan {
        name: file.name.into_inner(),
        agents: file.agents.into_inner(),
        message_bytes: file.message_bytes.into_inner(),
        seed: file.seed.unwrap_or(SEED),
        arrivals: file.arrivals,
        stages: stages.collect::<Result<_, _>>()?,
        slo: optional_time("slo", file.slo, SLO)?,
        cap: file.cap.map_or(CAP, Spanned::into_inner),
        timeout: optional_time("timeout", file.timeout, TIMEOUT)?,
        thresholds,
        pacing: in_flight.map_or(Pacing::Open, |in_flight| Pacing::Closed { in_flight }),
    })
}

fn read_stage(written: Spanned<WrittenStage>, read: ReadFile<'_>) -> Result<Stage, Wrong> {
    let WrittenStage { name, role, length, rate, kill } = written.into_inner();
    let at = |span: Range<usize>| {
        let name = start_of(&name);
        move |why: String| (Some(span), format!("stage {name:?}: {why}"))
    };
    let wanted = time("length", length.as_ref()).map_err(at(length.span()))?;
    let span = rate.span();
    let rate = read_rate(rate.into_inner(), read).map_err(at(span))?;
    let role = match role {
        Some(role) => Role::parse(role.as_ref()).map_err(at(role.span()))?,
        None => rate.usual_role(),
    };
    Ok(Stage::new(&name, role, wanted, rate).killing(kill))
}

fn read_rate(written: Value, read: ReadFile<'_>) -> Result<Rate, String> {
    const FORMS: &str = "write a number of messages per second, { from, to }, { mean, amplitude, \
                         period } or { trace }";
    let Value::Table(table) = written else {
        let per_second = number(&written).ok_or_else(|| format!("this is no rate: {FORMS}"))?;
        return Ok(Rate::Constant { per_second });
    };
    let mut keys: Vec<&str> = table.keys().map(String::as_str).collect();
    keys.sort_unstable();
    let rate = |key: &str| {
        let value = table.get(key).and_then(number);
        value.ok_or_else(|| format!("{key} is no number: write messages per second"))
    };
    match keys[..] {
        ["from", "to"] => Ok(Rate::Linear { from: rate("from")?, to: rate("to")? }),
        ["amplitude", "mean", "period"] => {
            let period = time("period", text(&table, "period")?)?;
            Ok(Rate::Sine { mean: rate("mean")?, amplitude: rate("amplitude")?, period })
        }
        ["trace"] => read_trace(text(&table, "trace")?, read),
        _ => Err(format!("a rate of {{ {} }} is none: {FORMS}", start_of(&keys.join(", ")))),
    }
}

fn number(value: &Value) -> Option<f64> {
    value.as_float().or_else(|| value.as_integer().map(|whole| whole as f64))
}

fn text<'a>(table: &'a Table, key: &str) -> Result<&'a str, String> {
    let value = table.get(key).and_then(Value::as_str);
    value.ok_or_else(|| format!("{key} is missing or no text: write it in quotation marks"))
}

fn read_trace(name: &str, read: ReadFile<'_>) -> Result<Rate, String> {
    let shown = start_of(name);
    let contents =
        read(name).map_err(|e| format!("trace {shown:?}: {e}; its place is beside the plan"))?;
    let mut instants = Vec::new();
    for (index, line) in contents.lines().enumerate() {
        let seconds = line.trim();
        if seconds.is_empty() {
            continue;
        }
        // 100 days, as a plan; what is beyond its stage is told by `check`.
        let instant = seconds.parse::<f64>().ok().filter(|at| (0.0..=8_640_000.0).contains(at));
        let instant = instant.ok_or_else(|| {
            let (line, text) = (index + 1, start_of(seconds));
            format!("trace {shown:?}, line {line}: {text:?} is no instant: write seconds, as 1.25")
        })?;
        instants.push((instant * 1e9).round() as u64);
    }
    if instants.is_empty() {
        return Err(format!("trace {shown:?} is empty: write one instant in seconds per line"));
    }
    Ok(Rate::Trace(instants))
}

/// One condition: a text, or k6's long form.
fn read_threshold(selector: &str, written: Value) -> Result<Threshold, String> {
    let bad = |why: &str| format!("threshold {:?}: {why}", start_of(selector));
    let parse = |text: &str| Threshold::parse(selector, text).map_err(|e| e.to_string());
    let table = match written {
        Value::String(text) => return parse(&text),
        Value::Table(table) => table,
        _ => return Err(bad("write a text such as \"p(99)<100ms\", or { threshold = ... }")),
    };
    let known = ["threshold", "abortOnFail", "delayAbortEval"];
    if let Some(key) = table.keys().find(|key| !known.contains(&key.as_str())) {
        let key = start_of(key);
        return Err(bad(&format!("{key:?} is no key of it: write {}", known.join(", "))));
    }
    let mut threshold = parse(text(&table, "threshold").map_err(|why| bad(&why))?)?;
    if let Some(value) = table.get("abortOnFail") {
        let value = value.as_bool();
        threshold.abort_on_fail = value.ok_or_else(|| bad("abortOnFail: write true or false"))?;
    }
    if table.contains_key("delayAbortEval") {
        let delay = text(&table, "delayAbortEval").and_then(|text| time("delayAbortEval", text));
        threshold.delay_abort_eval = delay.map_err(|why| bad(&why))?;
    }
    Ok(threshold)
}

#[cfg(test)]
#[path = "file_tests.rs"]
mod tests;
