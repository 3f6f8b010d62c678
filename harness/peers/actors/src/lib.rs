//! How many messages per second do the actors of other frameworks pass on, where our suite's
//! agents pass on the same ones?
//!
//! An actor's state is a `Courier`, the agent of the suite `throughput`, called in process; a
//! message is one vector that goes from actor to actor, is handled where it lies, and is sent to
//! whom its header then names. `frameworks/` has one file per framework, each as its manual has
//! it; what they share is `office.rs`. `contest.rs` lets them take turns with our orchestrator,
//! `table.rs` says what came of it. Nothing but throughput is measured: no latency, no recovery.

pub mod contest;
pub mod frameworks;
pub mod office;
pub mod peer;
pub mod table;
