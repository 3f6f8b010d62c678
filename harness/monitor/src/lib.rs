//! Watches a host of agents: what a load test asks of it becomes a service level objective.
//!
//! ```ignore
//! let objectives = objectives(&["response_time p(99)<10ms", "success rate>0.999"])?;
//! let metrics = Metrics::new(objectives, Labels::default())?;
//! let mut recorder = metrics.recorder();              // one for each thread that gets answers
//! let _endpoint = Endpoint::start(&metrics, EndpointOptions::default())?; // 127.0.0.1:9464
//! let _watch = SloWatch::start(&metrics, SloWatchOptions::default())?;
//! recorder.answered(response_ns, sequence);           // from when the message was due
//! recorder.failed(Failure::TimedOut);
//! ```
//!
//! From the bottom up: `metrics` counts, `host` is what a host says of itself, `exposition` writes
//! both for Prometheus, `endpoint` serves that; `burn` holds counts against objectives, `notice`
//! writes alerts, `watch` does both again and again.
#![forbid(unsafe_code)]

mod burn;
mod endpoint;
mod exposition;
mod host;
mod http;
mod metrics;
mod notice;
mod watch;

pub use burn::{AlertChange, BurnMonitor, SloCounts, SloView};
pub use endpoint::{Endpoint, EndpointOptions};
pub use exposition::{OPENMETRICS, TEXT, openmetrics, text};
pub use host::{AgentState, HostFigures, MemoryKind, PoolFigures, RestartReason};
pub use http::{get, is_url};
pub use metrics::{Failure, Labels, Metrics, Recorder, TooManyObjectives};
pub use notice::{BadSink, Notice, Sink, alertmanager, webhook};
pub use watch::{SloWatch, SloWatchOptions};

use caxton_model::load::threshold::Threshold;
use caxton_model::slo::Slo;

/// Objectives as a load test writes them: `response_time p(99)<10ms`, `success rate>0.999`.
///
/// # Errors
/// Which is no objective, and why.
pub fn objectives(conditions: &[&str]) -> Result<Vec<Slo>, String> {
    let read = |text: &&str| text.parse().map_err(|error| format!("{text:?}: {error}"));
    let thresholds = conditions.iter().map(read).collect::<Result<Vec<Threshold>, String>>()?;
    let (slos, others) = Slo::of_thresholds(&thresholds);
    match others.first() {
        Some(other) => Err(format!("{other}: it asks for no share of good messages")),
        None => Ok(slos),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_objective_is_refused_by_its_name() {
        assert_eq!(objectives(&["success rate>0.99"]).unwrap()[0].name, "success_rate_0.99");
        assert!(objectives(&["response_time avg<1ms"]).unwrap_err().contains("avg<1ms"));
        assert!(objectives(&["nonsense"]).unwrap_err().contains("nonsense"));
        assert!(objectives(&["nonsense p(9)<1s"]).unwrap_err().contains("nonsense p(9)<1s"));
    }
}
