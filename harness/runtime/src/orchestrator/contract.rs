//! What each orchestrator must keep, whatever it is made of: one function per clause, each run on
//! all of them. What is supervision's is tested beside it.

mod guest;
mod load;
mod loss;

use super::reference::Reference;
use super::supervision::{Delivery, Intensity, Supervision};
use super::tasks::Tasks;
use super::{AgentId, Orchestrator, PostError, Setup};
use crate::subject::mail::Shape;
use crate::subject::scripted_mail::ScriptedMail;
use agent_abi::mail::{HOST, Header, Kind, Ledger, body_hash, seal};
use caxton_model::case::Outcome;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

/// Longer than anything takes that ends at all.
pub(super) const LONG: Duration = Duration::from_secs(100);
/// How long a test waits for what must not come.
pub(super) const SHORT: Duration = Duration::from_millis(5);
pub(super) const MESSAGE_BYTES: usize = 128;

/// A kind of orchestrator with agents of this subject.
type Start = fn(&ScriptedMail, Setup) -> Result<Box<dyn Orchestrator>, Outcome>;

/// Restarts as often as it takes.
pub(super) const PATIENT: Supervision = Supervision {
    delivery: Delivery::AtLeastOnce,
    intensity: Intensity { restarts: 1000, period_ns: u64::MAX },
    checkpoint_every: Some(7),
};

const ALL: [(&str, Start); 3] = [
    ("reference", |subject, setup| {
        Ok(Box::new(Reference::start(subject, setup, Supervision::NONE)?))
    }),
    ("supervised", |subject, setup| Ok(Box::new(Reference::start(subject, setup, PATIENT)?))),
    ("tasks", |subject, setup| Ok(Box::new(Tasks::start(subject, setup)?))),
];

pub(super) const SETUP: Setup = Setup {
    agents: 3,
    shards: 2,
    shape: Shape { slots: 16, slot_bytes: MESSAGE_BYTES as u32 },
    batch: 8,
};

/// Fails where `test` does, or where it does not end.
pub(super) fn in_time(what: &str, test: impl FnOnce() + Send + 'static) {
    let (tell, told) = mpsc::channel();
    let thread = thread::spawn(move || {
        test();
        tell.send(()).expect("somebody waits");
    });
    match told.recv_timeout(LONG * 2) {
        Err(RecvTimeoutError::Timeout) => panic!("{what} does not end"),
        Ok(()) | Err(RecvTimeoutError::Disconnected) => {
            assert!(thread.join().is_ok(), "{what} failed");
        }
    }
}

/// The same clause for each kind of orchestrator, of those that `setup` makes.
fn each(
    setup: Setup,
    clause: impl Fn(&mut dyn Orchestrator, &ScriptedMail) + Copy + Send + 'static,
) {
    for (name, start) in ALL {
        in_time(&format!("{name} with {setup:?}"), move || {
            let subject = ScriptedMail::default();
            let mut started = start(&subject, setup).expect("all agents are there");
            clause(&mut *started, &subject);
            drop(started);
            assert_eq!(subject.desk.lives.load(Ordering::SeqCst), 0, "agents outlive it");
        });
    }
}

/// A message that the host makes.
pub(super) fn message(to: AgentId, kind: Kind, id: u32) -> Vec<u8> {
    passed(to, HOST, kind, 0, id)
}

/// The same, which goes back to `from` until its hops are used up.
pub(super) fn passed(to: AgentId, from: AgentId, kind: Kind, hops: u32, id: u32) -> Vec<u8> {
    let mut message = vec![id as u8; MESSAGE_BYTES - id as usize % 8];
    let header = Header {
        bytes: message.len() as u32,
        hash: seal(body_hash(&message[Header::BYTES..]), hops),
        from,
        to,
        sequence: 0,
        hops,
        to_link: 0,
        from_link: 1,
        kind: kind as u8,
        is_fresh: true,
        id,
    };
    header.write(&mut message);
    message
}

/// Posts a message for which there will be room.
pub(super) fn post(to: &mut dyn Orchestrator, message: &[u8]) {
    while let Err(why) = to.post(message) {
        assert_eq!(why, PostError::Full);
        thread::yield_now();
    }
}

/// Sends a request and takes replies until its own is there.
fn asked(orchestrator: &mut dyn Orchestrator, message: &[u8]) -> Vec<u8> {
    let id = |message: &[u8]| Header::read(message).expect("a message").id;
    post(orchestrator, message);
    let mut answer = None;
    while answer.is_none() {
        orchestrator.replies(&mut |reply| {
            if id(reply) == id(message) {
                answer = Some(reply.to_vec());
            }
        });
        thread::yield_now();
    }
    answer.expect("it is there")
}

pub(super) fn answers(orchestrator: &mut dyn Orchestrator, agent: AgentId) -> bool {
    let message = message(agent, Kind::Ask, 1_000_000 + agent);
    asked(orchestrator, &message)[Header::BYTES..] == message[Header::BYTES..]
}

pub(super) fn ledger(orchestrator: &mut dyn Orchestrator, agent: AgentId) -> Ledger {
    let answer = asked(orchestrator, &message(agent, Kind::Report, 2_000_000 + agent));
    Ledger::read(&answer[Header::BYTES..]).expect("a ledger")
}

/// Holds the agent inside a call.
pub(super) fn hold(orchestrator: &mut dyn Orchestrator, agent: AgentId, subject: &ScriptedMail) {
    post(orchestrator, &message(agent, Kind::Loop, 3_000_000));
    subject.desk.until_held(1);
}

/// Takes replies until there were so many; their ids.
pub(super) fn take_replies(orchestrator: &mut dyn Orchestrator, count: usize) -> Vec<u32> {
    let mut ids = Vec::new();
    while ids.len() < count {
        orchestrator.replies(&mut |reply| ids.push(Header::read(reply).expect("a message").id));
        thread::yield_now();
    }
    ids
}

#[test]
fn replies_come_back_each_once() {
    each(SETUP, |it, _| {
        for id in 0..12 {
            post(it, &message(id % 3, Kind::Ask, id));
        }
        let mut ids = take_replies(it, 12);
        ids.sort_unstable();
        assert_eq!(ids, (0..12).collect::<Vec<_>>());
        assert_eq!(it.replies(&mut |_| ()), 0);
        assert_eq!(it.stats().delivered, 12);
    });
}

#[test]
fn what_is_no_message_is_not_taken() {
    each(SETUP, |it, _| {
        let fine = message(1, Kind::Ask, 1);
        let stranger = message(3, Kind::Ask, 1);
        let mut long = vec![0; MESSAGE_BYTES + 1];
        let header = Header { bytes: long.len() as u32, ..Header::read(&fine).unwrap() };
        header.write(&mut long);
        let too_long = PostError::TooLong { bytes: header.bytes, slot_bytes: header.bytes - 1 };
        for (bad, why) in [
            (&stranger[..], PostError::NoSuchAgent(3)),
            (&message(HOST, Kind::Ask, 1), PostError::NoSuchAgent(HOST)),
            (&fine[..fine.len() - 1], PostError::NoMessage),
            (&[fine.clone(), vec![0]].concat(), PostError::NoMessage),
            (&[], PostError::NoMessage),
            (&[0; 64], PostError::NoMessage),
            (&long, too_long),
        ] {
            assert_eq!(it.post(bad), Err(why));
        }
        assert_eq!(it.stats(), Default::default());
        assert!((0..3).all(|agent| answers(it, agent)));
    });
}

#[test]
fn who_waits_is_told_at_the_last_message_or_in_time() {
    each(SETUP, |it, subject| {
        assert_eq!(it.wait_for(0, LONG), 0);
        assert_eq!(it.wait_for(1, SHORT), 0);
        hold(it, 1, subject);
        post(it, &message(1, Kind::Pass, 1));
        post(it, &message(1, Kind::Pass, 2));
        assert_eq!(it.wait_for(2, SHORT), 0);
        let desk = Arc::clone(&subject.desk);
        let opens = thread::spawn(move || desk.open());
        assert_eq!(it.wait_for(2, LONG), 2);
        assert_eq!(it.wait_for(3, SHORT), 2);
        opens.join().unwrap();
    });
}

#[test]
fn none_begins_that_cannot_deliver() {
    for (name, start) in ALL {
        let why = |setup| match start(&ScriptedMail::default(), setup) {
            Ok(_) => panic!("{name} begins"),
            Err(outcome) => outcome.reason().unwrap_or_default().to_owned(),
        };
        assert!(why(Setup { shards: 0, ..SETUP }).contains("0 shards"));
        assert!(why(Setup { shards: 65, ..SETUP }).contains("65 shards"));
        assert!(why(Setup { batch: 0, ..SETUP }).contains("batches of no"));
        let shape = Shape { slots: 0, ..SETUP.shape };
        assert!(why(Setup { shape, ..SETUP }).contains("without room"));
    }
}

#[test]
fn none_begins_without_all_its_agents() {
    for (name, start) in ALL {
        in_time(name, move || {
            let subject = ScriptedMail::default();
            subject.desk.is_bare.store(true, Ordering::SeqCst);
            assert!(start(&subject, SETUP).is_err());
        });
    }
}
