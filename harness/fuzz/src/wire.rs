//! Lines of other processes: jobs and events of a run, orders and answers of a comparison, and what
//! cargo tells of agents and executables.

use caxton_bench::cmd::linked::Linked;
use caxton_bench::guest::catalog::Workspace;
use caxton_bench::job::launch::{Event, Kept};
use caxton_bench::measure::turns::wire::{Answer, Command, Order};
use caxton_bench::worker;
use caxton_report::profile::growth;
use std::hint::black_box;
use std::path::Path;

/// A job, as a worker reads it.
pub(crate) fn job(bytes: &[u8]) -> bool {
    let Ok(text) = str::from_utf8(bytes) else { return false };
    worker::parse(text).map(|launch| launch.cases[0].to_string()).is_ok()
}

/// A worker's line, as a run reads it.
pub(crate) fn event(bytes: &[u8]) -> bool {
    let Ok(event) = serde_json::from_slice::<Event>(bytes) else { return false };
    match &event {
        Event::Profile { profile, .. } => {
            let is_whole = profile.check().is_ok();
            black_box(is_whole.then(|| (profile.total(), profile.shares())));
        }
        Event::Keep { what: Kept::Growth(growth), .. } => {
            black_box(growth::svg(growth, "memory").ok());
        }
        Event::Load { line, .. } => {
            black_box(serde_json::to_string(line).expect("what was read can be kept"));
        }
        other => {
            black_box(format!("{other:?}"));
        }
    }
    true
}

/// A line of a comparison, either way.
pub(crate) fn turns(bytes: &[u8]) -> bool {
    let order = serde_json::from_slice::<Order>(bytes);
    let command = serde_json::from_slice::<Command>(bytes);
    let answer = serde_json::from_slice::<Answer>(bytes);
    black_box((format!("{order:?}"), format!("{command:?}"), format!("{answer:?}")));
    order.is_ok() || command.is_ok() || answer.is_ok()
}

/// What `cargo metadata` tells of the agents' manifests.
pub(crate) fn agents(bytes: &[u8]) -> bool {
    let Ok(text) = str::from_utf8(bytes) else { return false };
    Workspace::of(Path::new("/w"), text).is_ok()
}

/// What cargo tells of an executable that it linked.
pub(crate) fn linked(bytes: &[u8]) -> bool {
    let Ok(text) = str::from_utf8(bytes) else { return false };
    Linked::parse(text, "wasm", "bin").is_some()
}
