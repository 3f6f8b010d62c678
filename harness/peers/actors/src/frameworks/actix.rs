//! Actors of `actix`: each lives on one thread, and the agents are dealt out to as many arbiters as
//! there are threads. Messages are sent past its mailboxes' bound, as `do_send` does.

use crate::office::{Desk, Office};
use crate::peer::Framework;
use ::actix::{Actor, Addr, Arbiter, Context, Handler, Message, System, SystemRunner};
use caxton_runtime::orchestrator::{PostError, Setup};
use std::sync::Arc;

/// Its actors' threads.
pub struct Actix {
    arbiters: Vec<Arbiter>,
    /// Arbiters belong to a system; nothing runs on it.
    _system: SystemRunner,
}

type Address = Addr<Clerk>;

/// An actor.
pub struct Clerk(Desk<Address>);

impl Actor for Clerk {
    type Context = Context<Self>;
}

/// A message.
pub struct Mail(Vec<u8>);

impl Message for Mail {
    type Result = ();
}

impl Handler<Mail> for Clerk {
    type Result = ();

    fn handle(&mut self, Mail(message): Mail, _: &mut Context<Self>) {
        if let Some((next, message)) = self.0.handle(message) {
            next.do_send(Mail(message));
        }
    }
}

impl Framework for Actix {
    const NAME: &'static str = "actix";
    type Address = Address;

    fn start(setup: &Setup, office: &Arc<Office<Address>>) -> Result<(Self, Vec<Address>), String> {
        let system = System::new();
        let arbiters = (0..setup.shards).map(|_| Arbiter::try_new()).collect::<Result<Vec<_>, _>>();
        let arbiters = arbiters.map_err(|error| format!("no thread: {error}"))?;
        let homes = arbiters.iter().cycle().map(Arbiter::handle);
        let start = |(agent, home)| {
            let desk = Desk::new(agent, office);
            Clerk::start_in_arbiter(&home, |_| Clerk(desk))
        };
        let addresses = (0..setup.agents).zip(homes).map(start).collect();
        Ok((Self { arbiters, _system: system }, addresses))
    }

    fn post(to: &Address, message: Vec<u8>) -> Result<(), PostError> {
        to.do_send(Mail(message));
        Ok(())
    }
}

impl Drop for Actix {
    fn drop(&mut self) {
        for arbiter in self.arbiters.drain(..) {
            arbiter.stop();
            // One that panicked has said so.
            let _ = arbiter.join();
        }
    }
}
