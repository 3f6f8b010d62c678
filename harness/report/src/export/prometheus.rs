//! A snapshot in Prometheus' text format, which OpenMetrics' parsers read too: for the textfile
//! collector or a push gateway. Base units; a family per metric and one per bound of its interval;
//! labels say the case and nothing that grows without end. What is missing has no line.

use crate::export::known::{ExportError, known};
use crate::export::label::plain;
use caxton_model::case::{CaseKey, Outcome};
use caxton_model::metric::{Metric, MetricName};
use caxton_model::record::{CaseRecord, Record, Status, Summary};
use caxton_model::samples::Sample;
use caxton_model::sanitise::short;
use caxton_model::units::Unit;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

const LABEL_MAX: usize = 200;

/// Families by name: what they are about, and their lines without the name.
#[derive(Default)]
struct Families(BTreeMap<String, (String, BTreeSet<String>, Vec<String>)>);

impl Families {
    /// One more line; of two with the same labels the first is kept.
    fn push(&mut self, name: &str, help: &str, labels: &str, value: f64) {
        let family = self.0.entry(name.to_owned()).or_default();
        help.clone_into(&mut family.0);
        if family.1.insert(labels.to_owned()) {
            family.2.push(format!("{labels} {value}"));
        }
    }
}

/// Every known figure of the cases that ran, and which cases ran.
pub(super) fn export(record: &Record, _: &[Sample]) -> Result<Vec<u8>, ExportError> {
    let mut families = Families::default();
    let whole = f64::from(u8::from(record.run.status == Status::Finished));
    let suite = format!("{{suite=\"{}\"}}", value(&record.run.suite));
    let help = "1 for a run that came to its end";
    families.push("caxton_bench_run_finished", help, &suite, whole);
    // What cannot be done is no failure, as 0 would say.
    let is_lacking = |case: &&CaseRecord| matches!(case.outcome, Outcome::Unsupported(_));
    for case in record.cases.iter().filter(|case| !is_lacking(case)) {
        let ran = f64::from(u8::from(case.outcome == Outcome::Ran));
        let help = "1 for a case that ran with right answers";
        families.push("caxton_bench_case_ran", help, &labels(&case.key), ran);
    }
    for (case, metric, summary) in known(record) {
        add(&mut families, case, metric, summary);
    }
    let mut out = String::new();
    for (name, (help, _, lines)) in &families.0 {
        let help = help.replace('\\', r"\\");
        writeln!(out, "# HELP {name} {help}\n# TYPE {name} gauge").expect("a String takes it");
        for line in lines {
            writeln!(out, "{name}{line}").expect("a String takes it");
        }
    }
    out.push_str("# EOF\n");
    Ok(out.into_bytes())
}

fn add(families: &mut Families, case: &CaseRecord, metric: MetricName, summary: &Summary) {
    let row = metric.metric();
    let labels = labels(&case.key);
    let base = |value: f64| if row.unit == Unit::Nanos { value / 1e9 } else { value };
    let name = |part: &str| family(row, part);
    families.push(&name(""), row.doc, &labels, base(summary.estimate));
    if let Some(interval) = summary.interval {
        for (part, bound) in [("_lower", interval.lower), ("_upper", interval.upper)] {
            let help = format!("{}; {} bound of its interval", row.doc, &part[1..]);
            families.push(&name(part), &help, &labels, base(bound));
        }
    }
}

/// The family of `metric`, with `part` before its unit.
fn family(metric: &Metric, part: &str) -> String {
    let (own, unit) = match metric.unit {
        Unit::Nanos => ("_ns", "_seconds"),
        Unit::Bytes => ("_bytes", "_bytes"),
        // Of a ratio of times the name has their unit, and the number has not.
        Unit::Ratio | Unit::Share => ("_ns", "_ratio"),
        Unit::PerSecond => ("_per_second", "_per_second"),
        Unit::Count => ("", ""),
    };
    let stem = metric.name.strip_suffix(own).unwrap_or(metric.name);
    format!("caxton_bench_{stem}{part}{unit}")
}

fn labels(key: &CaseKey) -> String {
    let mut pairs = vec![
        ("suite", key.suite.as_str()),
        ("workload", key.workload.as_str()),
        ("subject", key.subject.as_str()),
        ("agent", key.agent.as_str()),
    ];
    let params = key.params.iter().map(|(name, value)| format!("{name}={value}"));
    let params = params.collect::<Vec<_>>().join(",");
    if !params.is_empty() {
        pairs.push(("params", &params));
    }
    let pairs: Vec<String> =
        pairs.into_iter().map(|(name, text)| format!("{name}=\"{}\"", value(text))).collect();
    format!("{{{}}}", pairs.join(","))
}

fn value(text: &str) -> String {
    short(&plain(text), LABEL_MAX).replace('\\', r"\\").replace('"', "\\\"")
}
