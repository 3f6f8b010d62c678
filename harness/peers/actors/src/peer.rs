//! A framework's actors behind the suite's own [`Orchestrator`], so that the suite's traffic runs
//! on them and is checked as everywhere.

use crate::office::Office;
use agent_abi::mail::Header;
use caxton_model::case::Outcome;
use caxton_runtime::orchestrator::{Orchestrator, PostError, Setup, Stats};
use caxton_runtime::subject::Attempt;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::Duration;

/// A framework, running.
pub trait Framework: Sized {
    /// Its name in tables.
    const NAME: &'static str;
    /// What it reaches an actor by.
    type Address: Send + Sync + 'static;

    /// All actors, with their addresses in the agents' order. They get no mail before all are
    /// there.
    ///
    /// # Errors
    /// Why there are none.
    fn start(
        setup: &Setup,
        office: &Arc<Office<Self::Address>>,
    ) -> Result<(Self, Vec<Self::Address>), String>;

    /// Takes a message of the host's.
    ///
    /// # Errors
    /// [`PostError::Full`] or [`PostError::Stopped`].
    fn post(to: &Self::Address, message: Vec<u8>) -> Result<(), PostError>;
}

/// A framework's actors, driven from the thread that holds this.
pub struct Peer<F: Framework> {
    office: Arc<Office<F::Address>>,
    replies: Receiver<Vec<u8>>,
    slot_bytes: u32,
    /// Held until all actors are to end.
    _framework: F,
}

impl<F: Framework> Peer<F> {
    /// All agents of `setup`; its batch means nothing here.
    ///
    /// # Errors
    /// The framework does not start.
    pub fn start(setup: Setup) -> Attempt<Self> {
        let (office, replies) = Office::open(setup.agents);
        let started = F::start(&setup, &office);
        let (framework, addresses) =
            started.map_err(|why| Outcome::Failed(format!("{}: {why}", F::NAME)))?;
        office.publish(addresses);
        let slot_bytes = setup.shape.slot_bytes;
        Ok(Self { office, replies, slot_bytes, _framework: framework })
    }
}

impl<F: Framework> Orchestrator for Peer<F> {
    fn post(&mut self, message: &[u8]) -> Result<(), PostError> {
        let header = Header::read(message).filter(|header| header.bytes as usize == message.len());
        let Header { bytes, to, .. } = header.ok_or(PostError::NoMessage)?;
        let slot_bytes = self.slot_bytes;
        if bytes > slot_bytes {
            return Err(PostError::TooLong { bytes, slot_bytes });
        }
        let address = self.office.address(to).ok_or(PostError::NoSuchAgent(to))?;
        F::post(address, message.to_vec())
    }

    fn replies(&mut self, take: &mut dyn FnMut(&[u8])) -> usize {
        self.replies.try_iter().map(|reply| take(&reply)).count()
    }

    fn wait_for(&mut self, messages: u64, time: Duration) -> u64 {
        self.office.wait_for(messages, time)
    }

    fn stats(&mut self) -> Stats {
        self.office.stats()
    }
}

#[cfg(test)]
#[path = "peer_tests.rs"]
mod tests;
