//! Actors of `ractor`: the handler and its state are apart, mailboxes have no bound.

use super::runtime;
use crate::office::{Desk, Office};
use crate::peer::Framework;
use ::ractor::{Actor, ActorProcessingErr, ActorRef};
use caxton_runtime::orchestrator::{PostError, Setup};
use std::sync::Arc;
use tokio::runtime::Runtime;

/// Its actors, and where they run.
#[derive(Debug)]
pub struct Ractor {
    _runtime: Runtime,
}

type Address = ActorRef<Vec<u8>>;

struct Handler;

impl Actor for Handler {
    type Msg = Vec<u8>;
    type State = Desk<Address>;
    type Arguments = Desk<Address>;

    async fn pre_start(
        &self,
        _: Address,
        desk: Desk<Address>,
    ) -> Result<Desk<Address>, ActorProcessingErr> {
        Ok(desk)
    }

    async fn handle(
        &self,
        _: Address,
        message: Vec<u8>,
        desk: &mut Desk<Address>,
    ) -> Result<(), ActorProcessingErr> {
        if let Some((next, message)) = desk.handle(message)
            && next.send_message(message).is_err()
        {
            desk.is_undeliverable();
        }
        Ok(())
    }
}

impl Framework for Ractor {
    const NAME: &'static str = "ractor";
    type Address = Address;

    fn start(setup: &Setup, office: &Arc<Office<Address>>) -> Result<(Self, Vec<Address>), String> {
        let runtime = runtime(setup, Self::NAME)?;
        let addresses = runtime.block_on(async {
            let mut addresses = Vec::new();
            for agent in 0..setup.agents {
                let started = Actor::spawn(None, Handler, Desk::new(agent, office)).await;
                addresses.push(started.map_err(|error| error.to_string())?.0);
            }
            Ok::<_, String>(addresses)
        })?;
        Ok((Self { _runtime: runtime }, addresses))
    }

    fn post(to: &Address, message: Vec<u8>) -> Result<(), PostError> {
        to.send_message(message).map_err(|_| PostError::Stopped)
    }
}
