//! A host that is watched: it answers a message each millisecond, every hundredth too late.
//!
//! ```sh
//! cargo run -p caxton-monitor --example host     # then: curl http://127.0.0.1:9464/metrics
//! ```

use caxton_monitor::{
    AgentState, Endpoint, EndpointOptions, Failure, HostFigures, Labels, Metrics, RestartReason,
    SloWatch, SloWatchOptions, objectives,
};
use std::collections::BTreeMap;
use std::error::Error;
use std::thread;
use std::time::Duration;

fn main() -> Result<(), Box<dyn Error>> {
    let asked = objectives(&["response_time p(99)<10ms", "success rate>0.999"])?;
    let build = vec![("version".to_owned(), "1.2.3".to_owned())];
    let metrics = Metrics::new(asked, Labels { run: "release-7".to_owned(), build })?;
    let _endpoint = Endpoint::start(&metrics, EndpointOptions::default())?;
    let _watch = SloWatch::start(&metrics, SloWatchOptions::default())?;

    // One for each thread that gets answers.
    let mut recorder = metrics.recorder();
    for sequence in 0.. {
        thread::sleep(Duration::from_millis(1));
        // From when the message was due.
        let response_ns = if sequence % 100 == 0 { 20_000_000 } else { 300_000 };
        recorder.answered(response_ns, sequence);
        if sequence % 10_000 == 9_999 {
            recorder.failed(Failure::Lost);
            metrics.restarted(RestartReason::Trap, Some(250_000));
        }
        if sequence % 1_000 == 0 {
            let agents = BTreeMap::from([(AgentState::Running, 1)]);
            metrics.set_host(HostFigures { agents, ..HostFigures::default() });
        }
    }
    Ok(())
}
