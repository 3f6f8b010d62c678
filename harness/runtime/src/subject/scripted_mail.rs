//! The courier with its mailbox in the host's memory, and faults that cost the test nothing: makes
//! deaths exact, and lets a test hold an agent inside a call.

use super::Attempt;
use super::mail::{MailInstance, MailSubject, Shape};
use agent_abi::mail::{Header, Kind, MailAgent};
use agent_abi::{Agent, Host};
use agent_courier::Courier;
use caxton_model::case::Outcome;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};

/// What a test has in its hands.
#[derive(Debug, Default)]
pub struct Desk {
    /// Agents held, and whether they may go on.
    gate: Mutex<(u32, bool)>,
    moved: Condvar,
    /// How many more times [`Kind::Exhaust`] kills; then it is answered.
    pub deaths: AtomicU32,
    /// No more agents are to be had.
    pub is_bare: AtomicBool,
    /// Agents that live.
    pub lives: AtomicU32,
}

impl Desk {
    /// Waits until so many agents were held.
    pub fn until_held(&self, agents: u32) {
        let mut gate = self.gate.lock().unwrap_or_else(PoisonError::into_inner);
        while gate.0 < agents {
            gate = self.moved.wait(gate).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Lets all that are held go on, and those that would be.
    pub fn open(&self) {
        self.gate.lock().unwrap_or_else(PoisonError::into_inner).1 = true;
        self.moved.notify_all();
    }

    fn hold(&self) {
        let mut gate = self.gate.lock().unwrap_or_else(PoisonError::into_inner);
        gate.0 += 1;
        self.moved.notify_all();
        while !gate.1 {
            gate = self.moved.wait(gate).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// Makes couriers, in which some kinds of message do something else: [`Kind::Loop`] holds its agent
/// until the desk opens and is answered then, [`Kind::Trap`] kills it and spoils its own slot,
/// [`Kind::Exhaust`] kills it as often as the desk says, [`Kind::Wild`] leaves no message.
#[derive(Debug, Clone, Default)]
pub struct ScriptedMail {
    /// What a test has in its hands.
    pub desk: Arc<Desk>,
}

/// A courier.
#[derive(Debug)]
pub struct ScriptedCourier {
    desk: Arc<Desk>,
    courier: Courier,
    mailbox: Vec<u8>,
    slot_bytes: usize,
    handled: u32,
}

impl Drop for ScriptedCourier {
    fn drop(&mut self) {
        self.desk.lives.fetch_sub(1, Ordering::SeqCst);
    }
}

impl ScriptedCourier {
    fn handle(&mut self, slot: u32) -> Attempt<()> {
        let desk = Arc::clone(&self.desk);
        let died = |why: &str| Err(Outcome::DiedInTheMiddle(why.to_owned()));
        let header = Header::read(self.slot(slot));
        let asked = header.map(|header| Header { kind: Kind::Ask as u8, ..header });
        let kind = header.and_then(|header| Kind::from_raw(header.kind));
        match (kind, asked) {
            (Some(Kind::Trap), _) => {
                self.slot_mut(slot).fill(0xee);
                return died("trap");
            }
            (Some(Kind::Exhaust), Some(asked)) => {
                let left = &desk.deaths;
                let spent =
                    left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1));
                if spent.is_ok() {
                    return died("out of memory");
                }
                asked.write(self.slot_mut(slot));
            }
            (Some(Kind::Loop), Some(asked)) => {
                desk.hold();
                asked.write(self.slot_mut(slot));
            }
            (Some(Kind::Wild), _) => {
                self.slot_mut(slot).fill(0xee);
                return Ok(());
            }
            _ => {}
        }
        let place = slot as usize * self.slot_bytes..(slot as usize + 1) * self.slot_bytes;
        let received = self.courier.receive(&mut self.mailbox[place]);
        received.map_err(|why| Outcome::DiedInTheMiddle(why.to_string()))
    }
}

impl MailInstance for ScriptedCourier {
    fn slot(&self, slot: u32) -> &[u8] {
        let start = slot as usize * self.slot_bytes;
        &self.mailbox[start..start + self.slot_bytes]
    }

    fn slot_mut(&mut self, slot: u32) -> &mut [u8] {
        let start = slot as usize * self.slot_bytes;
        &mut self.mailbox[start..start + self.slot_bytes]
    }

    fn drain(&mut self, first: u32, count: u32) -> Attempt<()> {
        self.handled = 0;
        for slot in first..first + count {
            self.handle(slot)?;
            self.handled += 1;
        }
        Ok(())
    }

    fn handled(&mut self, of: u32) -> u32 {
        self.handled.min(of)
    }
}

impl ScriptedMail {
    fn agent(&self, shape: Shape, courier: Courier) -> Attempt<ScriptedCourier> {
        if self.desk.is_bare.load(Ordering::SeqCst) {
            return Err(Outcome::Refused("no more agents".to_owned()));
        }
        self.desk.lives.fetch_add(1, Ordering::SeqCst);
        let (desk, mailbox) = (Arc::clone(&self.desk), vec![0; shape.bytes()]);
        let slot_bytes = shape.slot_bytes as usize;
        Ok(ScriptedCourier { desk, courier, mailbox, slot_bytes, handled: 0 })
    }
}

impl MailSubject for ScriptedMail {
    type Instance = ScriptedCourier;
    type Checkpoint = Courier;

    fn spawn(&self, shape: Shape) -> Attempt<ScriptedCourier> {
        self.agent(shape, Courier::new(Host::detached()))
    }

    fn checkpoint(
        &self,
        agent: &mut ScriptedCourier,
        _: Option<&Courier>,
    ) -> Result<Courier, String> {
        Ok(agent.courier.clone())
    }

    fn restore(&self, shape: Shape, checkpoint: &Courier) -> Attempt<ScriptedCourier> {
        self.agent(shape, checkpoint.clone())
    }
}
