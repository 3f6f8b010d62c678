//! No framework: a tokio task and a bounded channel per agent, the yardstick that everybody knows.

use super::runtime;
use crate::office::{Desk, Office};
use crate::peer::Framework;
use caxton_runtime::orchestrator::{PostError, Setup};
use std::sync::Arc;
use tokio::runtime::Runtime;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::mpsc::{self, Receiver, Sender};

/// Tasks and channels.
#[derive(Debug)]
pub struct Channel {
    _runtime: Runtime,
}

type Address = Sender<Vec<u8>>;

async fn run(mut desk: Desk<Address>, mut mail: Receiver<Vec<u8>>) {
    while let Some(message) = mail.recv().await {
        let Some((next, message)) = desk.handle(message) else { continue };
        if next.send(message).await.is_err() {
            desk.is_undeliverable();
        }
    }
}

impl Framework for Channel {
    const NAME: &'static str = "channel";
    type Address = Address;

    fn start(setup: &Setup, office: &Arc<Office<Address>>) -> Result<(Self, Vec<Address>), String> {
        let runtime = runtime(setup, Self::NAME)?;
        let spawn = |agent| {
            let (sender, mail) = mpsc::channel(setup.shape.slots as usize);
            runtime.spawn(run(Desk::new(agent, office), mail));
            sender
        };
        let addresses = (0..setup.agents).map(spawn).collect();
        Ok((Self { _runtime: runtime }, addresses))
    }

    fn post(to: &Address, message: Vec<u8>) -> Result<(), PostError> {
        to.try_send(message).map_err(|error| match error {
            TrySendError::Full(_) => PostError::Full,
            TrySendError::Closed(_) => PostError::Stopped,
        })
    }
}
