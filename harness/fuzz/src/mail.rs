//! Mail from guests: what an agent leaves in its slots is sent on by the address that it wrote.

use agent_abi::mail::{HOST, Header, Kind};
use caxton_model::case::Outcome;
use caxton_runtime::orchestrator::reference::Reference;
use caxton_runtime::orchestrator::supervision::{Delivery, Intensity, Supervision};
use caxton_runtime::orchestrator::{Orchestrator, Setup};
use caxton_runtime::subject::Attempt;
use caxton_runtime::subject::mail::{MailInstance, MailSubject, Shape};
use std::hint::black_box;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

const SHAPE: Shape = Shape { slots: 4, slot_bytes: SLOT as u32 };
const SLOT: usize = 128;
const AGENTS: u32 = 3;
const MESSAGES: u64 = 6;
/// Begins a slot's worth of script in which the agent dies; the next byte is how many messages it
/// claims to have handled.
const DIES: u8 = b'D';

/// Makes agents that leave in their slots what a script says; when it is over, they answer.
#[derive(Clone)]
struct Scripted {
    script: Arc<Mutex<Vec<u8>>>,
}

struct Agent {
    script: Arc<Mutex<Vec<u8>>>,
    mailbox: Vec<u8>,
    claims: u32,
}

impl MailInstance for Agent {
    fn slot(&self, slot: u32) -> &[u8] {
        &self.mailbox[slot as usize * SLOT..][..SLOT]
    }

    fn slot_mut(&mut self, slot: u32) -> &mut [u8] {
        &mut self.mailbox[slot as usize * SLOT..][..SLOT]
    }

    fn drain(&mut self, first: u32, count: u32) -> Attempt<()> {
        self.claims = 0;
        for slot in first..first + count {
            let mut script = self.script.lock().unwrap_or_else(PoisonError::into_inner);
            let rest = script.len().saturating_sub(SLOT);
            let said = script.split_off(rest);
            drop(script);
            match said.first() {
                None => answer(self.slot_mut(slot)),
                Some(&DIES) => {
                    self.claims = said.get(1).map_or(0, |byte| u32::from(*byte));
                    return Err(Outcome::DiedInTheMiddle("as the script says".to_owned()));
                }
                Some(_) => self.slot_mut(slot)[..said.len()].copy_from_slice(&said),
            }
            self.claims += 1;
        }
        Ok(())
    }

    fn handled(&mut self, of: u32) -> u32 {
        self.claims.min(of)
    }
}

/// Makes a message one that is finished.
fn answer(slot: &mut [u8]) {
    if let Some(header) = Header::read(slot) {
        Header { to: HOST, hops: 0, kind: Kind::Pass as u8, ..header }.write(slot);
    }
}

impl MailSubject for Scripted {
    type Instance = Agent;
    type Checkpoint = ();

    fn spawn(&self, shape: Shape) -> Attempt<Agent> {
        let script = Arc::clone(&self.script);
        Ok(Agent { script, mailbox: vec![0; shape.bytes()], claims: 0 })
    }

    fn checkpoint(&self, _: &mut Agent, _: Option<&()>) -> Result<(), String> {
        Ok(())
    }

    fn restore(&self, shape: Shape, (): &()) -> Attempt<Agent> {
        self.spawn(shape)
    }
}

/// A script, the last slot's worth first.
pub(crate) fn mail(bytes: &[u8]) -> bool {
    let subject = Scripted { script: Arc::new(Mutex::new(bytes.to_vec())) };
    let setup = Setup { agents: AGENTS, shards: 2, shape: SHAPE, batch: 3 };
    let supervision = Supervision {
        delivery: Delivery::AtLeastOnce,
        intensity: Intensity { restarts: 3, period_ns: u64::MAX },
        checkpoint_every: Some(2),
    };
    let mut reference =
        Reference::start(&subject, setup, supervision).expect("agents of ours start");
    for number in 0..MESSAGES as u32 {
        let mut message = [0; Header::BYTES];
        let header = Header {
            bytes: Header::BYTES as u32,
            hash: 0,
            from: HOST,
            to: number % AGENTS,
            sequence: 0,
            hops: 3,
            to_link: 0,
            from_link: 0,
            kind: Kind::Pass as u8,
            is_fresh: true,
            id: number,
        };
        header.write(&mut message);
        reference.post(&message).expect("there is room for a few messages");
    }
    let settled = reference.wait_for(MESSAGES, Duration::from_millis(20));
    let mut replies = 0;
    reference.replies(&mut |reply| replies += reply.len());
    black_box((replies, reference.stats(), reference.incidents().len()));
    settled >= MESSAGES
}
