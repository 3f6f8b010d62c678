//! A launch in a process of its own: started, heard, and ended.

use crate::plan::{PeersEvent, PeersLaunch};
use crate::sides::{PeerSide, SUBJECT};
use crate::worker::LAUNCH_ARGUMENT;
use caxton_bench::measure::child::{Received, Worker, died, now, timed_out};
use caxton_model::case::Outcome;
use caxton_sys::process::THIS_EXECUTABLE;
use std::io;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

/// A launch that takes longer is killed.
const TIMEOUT: Duration = Duration::from_secs(900);

/// How a launch ended.
#[derive(Debug, PartialEq)]
pub struct LaunchEnd {
    /// What it told. Complete only if `outcome` is `Ran`.
    pub events: Vec<PeersEvent>,
    /// `Ran`, or what became of the side whose turn it was.
    pub outcome: Outcome,
}

impl LaunchEnd {
    /// Whose turn it was last: before the first one it is the subject's, without which nothing can
    /// be measured.
    pub fn last_turn(&self) -> PeerSide {
        let turns = self.events.iter().rev().find_map(|event| match event {
            PeersEvent::Turn(side) => Some(*side),
            _ => None,
        });
        turns.unwrap_or(SUBJECT)
    }
}

/// Runs `launch` in a fresh process of this executable.
///
/// # Errors
/// The process cannot be started.
pub fn launch(launch: &PeersLaunch) -> io::Result<LaunchEnd> {
    let mut worker: Worker<PeersEvent> =
        Worker::start(Path::new(THIS_EXECUTABLE), LAUNCH_ARGUMENT, None, None)?;
    worker.say(launch)?;
    worker.close();
    // Ctrl-C ends this process, and the worker with it.
    let (start, never) = (now(), AtomicBool::new(false));
    let mut events = Vec::new();
    loop {
        match worker.receive(start, TIMEOUT, &never) {
            // It has nothing more to do, and perhaps agents that do not end.
            Received::Value(PeersEvent::End(outcome)) => {
                worker.end(true)?;
                return Ok(LaunchEnd { events, outcome });
            }
            Received::Value(event) => events.push(event),
            Received::Ended => {
                let outcome = died(!events.is_empty(), &worker.end(false)?);
                return Ok(LaunchEnd { events, outcome });
            }
            Received::Silent | Received::Stopped => {
                worker.end(true)?;
                return Ok(LaunchEnd { events, outcome: timed_out(TIMEOUT) });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_wrong_is_the_side_whose_turn_it_was() {
        let of = |sides: &[PeerSide]| {
            let turns = sides.iter().map(|side| PeersEvent::Turn(*side));
            let events = turns.chain([PeersEvent::Tier("fast".to_owned())]).collect();
            LaunchEnd { events, outcome: Outcome::Failed("x".to_owned()) }.last_turn()
        };
        assert_eq!(of(&[SUBJECT, PeerSide::Kameo, PeerSide::Ractor]), PeerSide::Ractor);
        assert_eq!(of(&[]), SUBJECT);
    }
}
