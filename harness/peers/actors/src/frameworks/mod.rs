//! The frameworks, one file each. Their threads are as many as the suite's, their mailboxes as
//! large where they can be bounded.

pub mod actix;
pub mod channel;
pub mod kameo;
pub mod ractor;

use caxton_runtime::orchestrator::Setup;
use tokio::runtime::{Builder, Runtime};

/// A tokio runtime with a thread per shard.
fn runtime(setup: &Setup, name: &str) -> Result<Runtime, String> {
    let mut builder = Builder::new_multi_thread();
    let builder = builder.worker_threads(setup.shards as usize).thread_name(name).enable_all();
    builder.build().map_err(|error| format!("no runtime: {error}"))
}
