//! What a suite is, and what it is planned for.

use crate::job::load::LoadTarget;
use crate::job::scale::Scale;
use crate::job::sides::SideSpec;
use crate::job::task::Task;
use caxton_model::load::plan::LoadPlan;
use caxton_model::units::{Bytes, Nanos};
use caxton_sys::allocator::AllocationDetail;
use std::collections::BTreeMap;

#[derive(Debug, Clone, Copy)]
pub struct Suite {
    /// Its name, the first part of its case keys.
    pub name: &'static str,
    pub plan: fn(&Subjects) -> Vec<Task>,
    pub counting: AllocationDetail,
    /// The one agent that it is of; none if it is of all of them.
    pub agent: Option<&'static str>,
}

/// What a suite is planned for.
#[derive(Debug, Clone, Default)]
pub struct Subjects {
    /// Agents with a native build, in order.
    pub agents: Vec<String>,
    /// Guests given as files, without a native build.
    pub guests: Vec<String>,
    /// By which sides an agent or guest is compared; nothing else of it is measured then.
    pub sides: BTreeMap<String, Vec<SideSpec>>,
    pub limits: Vec<Bytes>,
    /// Whether what takes long is wanted too.
    pub is_full: bool,
    pub loads: Loads,
}

#[derive(Debug, Clone, Default)]
pub struct Loads {
    /// Loads of the user's own; the guide's are left out then.
    pub own: Vec<LoadPlan>,
    /// The time for each load; none for the scale's.
    pub time: Option<Nanos>,
    /// What takes the messages of the user's own loads.
    pub target: Option<LoadTarget>,
    /// A leak to be found.
    pub planted_bytes: u32,
    /// Restarts that a killed agent is allowed within a second; none for as many as are usual.
    pub restarts: Option<u32>,
    /// Threads that generate the messages; none for as many as the rate takes.
    pub generators: Option<u32>,
    /// Where the target of the user's own loads says how it stands.
    pub scrape: Option<String>,
    /// How much is granted, if no time is given.
    pub scale: Option<Scale>,
    pub seed: u64,
}
