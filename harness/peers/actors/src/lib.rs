//! How many messages per second do the actors of other frameworks pass on, where our suite's
//! agents pass on the same ones?
//!
//! An actor's state is a `Courier`, the agent of the suite `throughput`, called in process; a
//! message is one vector that goes from actor to actor, is handled where it lies, and is sent to
//! whom its header then names. `frameworks/` has one file per framework, each as its manual has
//! it; what they share is `office.rs`. `sides.rs` names all sides, `plan.rs` the cases; `worker.rs`
//! is one launch, in which they take turns with our orchestrator; `run.rs` launches it, by
//! `launch.rs`, and keeps a run as all suites do. Nothing but throughput is measured: no latency,
//! no recovery.

/// The agent's own source. As a package it would overwrite the library of the suite's build, which
/// has the same path in the target folder of both.
#[path = "../../../../agents-wasm/courier/src/lib.rs"]
#[allow(unsafe_code, unreachable_pub, reason = "a package's public items, exported to a host")]
mod agent;
pub mod courier;
pub mod frameworks;
pub mod launch;
pub mod office;
pub mod peer;
pub mod plan;
pub mod run;
pub mod sides;
pub mod worker;
