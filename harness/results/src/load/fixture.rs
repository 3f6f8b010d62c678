//! Plans for tests.

use crate::load::frame::Segment;
use crate::load::plan::{Arrivals, LoadPlan, Pacing, Rate, Role, Stage};
use crate::units::Nanos;

/// One second.
pub(crate) const SECOND: u64 = 1_000_000_000;

/// `seconds`, as a length of time.
pub(crate) const fn seconds(seconds: u64) -> Nanos {
    Nanos(seconds * SECOND)
}

/// A stage that always offers `per_second`.
pub(crate) fn steady(name: &str, length: Nanos, per_second: f64) -> Stage {
    Stage::new(name, Role::Hold, length, Rate::Constant { per_second })
}

/// A process that goes on with a load.
pub(crate) fn segment(number: u32, from_second: u64) -> Segment {
    Segment {
        number,
        started_utc: "2026-01-02T03:04:05Z".to_owned(),
        started_unix_ms: 1_767_323_045_000 + 60_000 * u64::from(number),
        from_second,
        target: "courier in wasmtime, 10 agents".to_owned(),
        shared_core: None,
    }
}

/// A plan of `stages` that makes sense.
pub(crate) fn plan(arrivals: Arrivals, stages: Vec<Stage>) -> LoadPlan {
    LoadPlan {
        name: "test".to_owned(),
        agents: 10,
        message_bytes: 64,
        seed: 7,
        arrivals,
        stages,
        slo: Nanos(100_000_000),
        cap: 1000,
        timeout: seconds(10),
        thresholds: Vec::new(),
        pacing: Pacing::Open,
    }
}
