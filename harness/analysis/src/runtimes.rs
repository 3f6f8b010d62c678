//! The targets, runtime beside runtime: ours, tokio tasks, and the crate caxton, which lacks most
//! of what a target is of. A cell is a figure, or the reason why there is none.

use crate::targets::{Cases, TARGETS, Target, TargetSource, Worst, of, of_sources, shared};
use caxton_model::case::{
    BUSY_CPU, CAXTON, DELIVERY, DEPLOYMENT, Outcome, RECOVERY, REDEPLOYMENT, RESPONSE, ROUTER_RATE,
};
use caxton_model::record::{CaseRecord, Record, Summary};

/// The columns.
pub const RUNTIMES: [&str; 3] = ["reference runtime", "tokio actors", "caxton"];

/// How a runtime stands to a target.
#[derive(Debug, Clone, PartialEq)]
pub enum RuntimeCell {
    Figure(Worst),
    /// It has no such feature: why. Meets no target.
    Unsupported(String),
    /// Why the records have nothing of it.
    NotMeasured(String),
}

/// One target, and how each of [`RUNTIMES`] stands to it.
#[derive(Debug, Clone, PartialEq)]
pub struct RuntimeRow {
    pub target: Target,
    pub cells: [RuntimeCell; 3],
}

/// A figure of caxton's that is near a target and not of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NearFigure {
    pub target: &'static str,
    pub workload: &'static str,
    pub metric: &'static str,
    /// What it is, in the report's words.
    pub words: &'static str,
}

/// What the report says beside the cells of caxton.
pub const NEAR: [NearFigure; 3] = [
    NearFigure {
        target: "message throughput",
        workload: ROUTER_RATE,
        metric: "accepted_rate",
        words: "caxton's router accepts (nothing is delivered)",
    },
    NearFigure {
        target: "message throughput",
        workload: ROUTER_RATE,
        metric: "route_decision_rate",
        words: "caxton's router looks up, and then drops",
    },
    NearFigure {
        target: "recovery time",
        workload: REDEPLOYMENT,
        metric: "redeploy_p50_ns",
        words: "caxton brings no agent back; its user's stop, remove, deploy and start take (p50)",
    },
];

const fn caxton(workload: &'static str) -> Cases {
    Cases::Mail { suite: CAXTON, workload, subject: CAXTON }
}

/// Where caxton's column is read from, by the target's name.
const OF_CAXTON: [(&str, TargetSource); TARGETS.len()] = [
    ("message throughput", of(caxton(DELIVERY), &["message_rate"])),
    ("message latency, p50", of(caxton(RESPONSE), &["subject_response_p50_ns"])),
    ("message latency, p99", of(caxton(RESPONSE), &["subject_response_p99_ns"])),
    ("agent spawn time", of(caxton(DEPLOYMENT), &["deploy_p50_ns", "start_p50_ns"])),
    ("memory per agent", shared(of(caxton(DEPLOYMENT), &["memory_per_agent_bytes"]))),
    ("CPU per agent", of(caxton(BUSY_CPU), &["agent_cpu_share"])),
    ("recovery time", of(caxton(RECOVERY), &["crash_steady_ns"])),
];

/// Every target by runtime; nothing where none of `records` is of the suite caxton.
pub fn by_runtime(records: &[&Record]) -> Vec<RuntimeRow> {
    let cases: Vec<&CaseRecord> = records.iter().flat_map(|record| &record.cases).collect();
    if !cases.iter().any(|case| case.key.suite == CAXTON) {
        return Vec::new();
    }
    let row = |target: &Target| {
        let caxton = OF_CAXTON.iter().find(|(name, _)| *name == target.name);
        let (_, caxton) = caxton.expect("each target has a source of caxton's");
        // What an agent of the suite `wasm` takes is of no runtime for messages.
        let ours =
            target.sources.iter().filter(|source| matches!(source.cases, Cases::Mail { .. }));
        let ours: Vec<TargetSource> = ours.copied().collect();
        let tokio: Vec<TargetSource> = ours.iter().map(of_tokio).collect();
        let cells = [ours, tokio, vec![*caxton]].map(|sources| cell(target, &sources, &cases));
        RuntimeRow { target: *target, cells }
    };
    TARGETS.iter().map(row).collect()
}

/// The first case's figure of `near`.
pub fn near<'a>(near: &NearFigure, records: &[&'a Record]) -> Option<(&'a CaseRecord, Summary)> {
    let source = of(caxton(near.workload), &[]);
    let mut cases = records.iter().flat_map(|record| &record.cases);
    cases.find_map(|case| {
        let figure = case.metric(near.metric).ok().filter(|_| source.has(&case.key))?;
        Some((case, *figure))
    })
}

/// The same of the runtime of tokio tasks.
fn of_tokio(source: &TargetSource) -> TargetSource {
    match source.cases {
        Cases::Mail { suite, workload, .. } => {
            TargetSource { cases: Cases::Mail { suite, workload, subject: "tokio" }, ..*source }
        }
        Cases::Overhead => *source,
    }
}

fn cell(target: &Target, sources: &[TargetSource], cases: &[&CaseRecord]) -> RuntimeCell {
    let why = match of_sources(target, sources, cases).worst {
        Ok(worst) => return RuntimeCell::Figure(worst),
        Err(why) => why,
    };
    let is_source = |case: &&&CaseRecord| sources.iter().any(|source| source.has(&case.key));
    let own: Vec<_> = cases.iter().filter(is_source).collect();
    for case in &own {
        match &case.outcome {
            Outcome::Unsupported(why) => return RuntimeCell::Unsupported(why.clone()),
            Outcome::Ran => {}
            _ => return RuntimeCell::NotMeasured(case.told()),
        }
    }
    let has_run =
        |source: &TargetSource| cases.iter().any(|case| case.key.suite == source.cases.suite());
    // To run the suite again would bring nothing.
    match sources.iter().find(|source| own.is_empty() && has_run(source)) {
        Some(source) => {
            let suite = source.cases.suite();
            RuntimeCell::NotMeasured(format!("the run of suite {suite} has no such case"))
        }
        None => RuntimeCell::NotMeasured(why),
    }
}

#[cfg(test)]
#[path = "runtimes_tests.rs"]
mod tests;
