//! What the host of `monitor` counts, and who it says it is.

use super::super::error::CommandError;
use caxton_model::slo::Slo;
use caxton_monitor::{Labels, Metrics};
use caxton_sys::clock;
use std::sync::Arc;

/// Counts for `slos` of a run that begins now.
pub(super) fn metrics(slos: Vec<Slo>) -> Result<Arc<Metrics>, CommandError> {
    let build = vec![("version".to_owned(), env!("CARGO_PKG_VERSION").to_owned())];
    let run = format!("monitor-{}", clock::utc());
    Ok(Metrics::new(slos, Labels { run, build })?)
}
