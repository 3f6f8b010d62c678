//! Actors of `kameo`, with bounded mailboxes as is its default.

use super::runtime;
use crate::office::{Desk, Office};
use crate::peer::Framework;
use ::kameo::Actor;
use ::kameo::actor::{ActorRef, Spawn};
use ::kameo::error::{Infallible, SendError};
use ::kameo::mailbox;
use ::kameo::message::{Context, Message};
use caxton_runtime::orchestrator::{PostError, Setup};
use std::sync::Arc;
use tokio::runtime::Runtime;

/// Its actors, and where they run.
#[derive(Debug)]
pub struct Kameo {
    _runtime: Runtime,
}

type Address = ActorRef<Clerk>;

/// An actor.
pub struct Clerk(Desk<Address>);

impl Actor for Clerk {
    type Args = Self;
    type Error = Infallible;

    async fn on_start(clerk: Self, _: Address) -> Result<Self, Infallible> {
        Ok(clerk)
    }
}

impl Message<Vec<u8>> for Clerk {
    type Reply = ();

    async fn handle(&mut self, message: Vec<u8>, _: &mut Context<Self, ()>) {
        let Self(desk) = self;
        if let Some((next, message)) = desk.handle(message)
            && next.tell(message).send().await.is_err()
        {
            desk.is_undeliverable();
        }
    }
}

impl Framework for Kameo {
    const NAME: &'static str = "kameo";
    type Address = Address;

    fn start(setup: &Setup, office: &Arc<Office<Address>>) -> Result<(Self, Vec<Address>), String> {
        let runtime = runtime(setup, Self::NAME)?;
        let guard = runtime.enter();
        let spawn = |agent| {
            let mailbox = mailbox::bounded(setup.shape.slots as usize);
            Clerk::spawn_with_mailbox(Clerk(Desk::new(agent, office)), mailbox)
        };
        let addresses = (0..setup.agents).map(spawn).collect();
        drop(guard);
        Ok((Self { _runtime: runtime }, addresses))
    }

    fn post(to: &Address, message: Vec<u8>) -> Result<(), PostError> {
        to.tell(message).try_send().map_err(|error| match error {
            SendError::MailboxFull(_) => PostError::Full,
            _ => PostError::Stopped,
        })
    }
}
