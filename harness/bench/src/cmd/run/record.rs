//! The first page of a record: when, where, of what.

use crate::job::scale::Scale;
use caxton_model::reading::Reading;
use caxton_model::record::{Record, Run, SCHEMA, Status};
use caxton_runtime::subject::wasmtime;
use caxton_sys::{affinity, clock, host};
use std::collections::BTreeMap;
use std::path::Path;

/// Load above which the machine is busy with something else: half of a core.
const LOAD_MAX: f64 = 0.5;

/// The record of a run that begins now; packages of their own begin theirs by it too.
pub fn begin(root: &Path, suite: &str, scale: Scale, seed: u64) -> Record {
    let started = clock::utc();
    let host = host::fingerprint();
    let mut record = Record {
        schema: SCHEMA,
        run: Run {
            id: host::run_id(root, suite),
            suite: suite.to_owned(),
            scale: scale.name().to_owned(),
            command: Vec::new(),
            updated_utc: started.clone(),
            started_utc: started,
            status: Status::Running,
            seed,
            revision: host::revision(root),
            build: caxton_sys::build::entries(),
        },
        host,
        engine: wasmtime::shared_configuration(),
        calibration: None,
        artifacts: Vec::new(),
        cases: Vec::new(),
        totals: BTreeMap::new(),
        warnings: Vec::new(),
        samples_bytes: 0,
    };
    record.warnings = warnings(&record);
    record
}

/// What the reader should know before believing a number.
fn warnings(record: &Record) -> Vec<String> {
    let mut warnings = Vec::new();
    if let Reading::Known(load) = record.host.load_at_start
        && load > LOAD_MAX
    {
        warnings.push(format!(
            "load average {load:.2} at the start: believe ratios, not absolute times"
        ));
    }
    let build = &record.run.build;
    if build["opt_level"] != "3" {
        warnings.push(format!(
            "the harness was built with opt-level {}: use `cargo bench`",
            build["opt_level"]
        ));
    }
    if !build["flags"].contains("align-all-functions") {
        warnings.push(
            "the harness was built without 64-byte function alignment (RUSTFLAGS replaces \
             .cargo/config.toml): layout may move a function by 20 %"
                .to_owned(),
        );
    }
    if let Err(error) = affinity::cores_to_bind() {
        warnings.push(format!(
            "no process can be bound to a CPU here ({error}): the kernel moves them while they are \
             timed, so expect wider intervals"
        ));
    }
    match record.run.revision.dirty {
        Some(false) => {}
        Some(true) => warnings.push("the working tree differs from the commit".to_owned()),
        None => warnings
            .push("git does not say whether the working tree differs from the commit".to_owned()),
    }
    warnings
}
