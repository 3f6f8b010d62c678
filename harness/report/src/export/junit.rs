//! A run as JUnit: a test per question ([`checks`](super::checks)). What is not as it should be is
//! a failure, with what was seen and what was asked; what broke is an error; what nobody knows is
//! skipped.

use crate::ci::xml::{End, Suite, Test, document};
use crate::export::checks::{Check, Kind, State, of_run};
use crate::export::known::ExportError;
use caxton_model::record::Record;
use caxton_model::samples::Sample;

/// Cases, loads, targets and requirements of a run.
pub(super) fn export(record: &Record, _: &[Sample]) -> Result<Vec<u8>, ExportError> {
    let checks = of_run(record);
    let suite = |kind: Kind| {
        let tests: Vec<Test> = checks.iter().filter(|c| c.kind == kind).map(test).collect();
        let [name, _] = kind.words();
        (!tests.is_empty()).then(|| Suite { name: name.to_owned(), tests })
    };
    let suites: Vec<Suite> = Kind::ALL.into_iter().filter_map(suite).collect();
    let run = &record.run;
    let name = format!("caxton-bench {}", run.id);
    Ok(document(&name, Some(&run.started_utc), &suites).into_bytes())
}

fn test(check: &Check) -> Test {
    let end = match check.state {
        State::Good | State::Better | State::Weak => End::Passed,
        State::Bad => End::Failed("bad"),
        State::Broken => End::Broken("broken"),
        State::Open => End::Skipped,
    };
    let test = Test::new(&check.group, &check.name, end, &check.says);
    // It passed, and not without more ado.
    let body = if check.state == State::Weak { vec![check.says.clone()] } else { Vec::new() };
    Test { taken_ns: check.taken_ns, body, ..test }
}
