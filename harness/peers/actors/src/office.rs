//! What actors of any framework share: the agent behind each, everybody's address, and what is
//! told to the host. How a message travels is the framework's own business.

use crate::agent::Courier;
use agent_abi::mail::{HOST, Header, MailAgent};
use agent_abi::{Agent, Host};
use caxton_runtime::orchestrator::{AgentId, Stats};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, OnceLock};
use std::time::Duration;

/// What one agent has counted. Only its actor writes, and no other agent's lie beside it.
#[derive(Debug, Default)]
#[repr(align(64))]
struct Counts {
    delivered: AtomicU64,
    finished: AtomicU64,
    undeliverable: AtomicU64,
    failures: AtomicU64,
}

fn add_one(count: &AtomicU64) {
    // One writer: no locked instruction is needed.
    count.store(count.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
}

/// What all actors of one framework see.
#[derive(Debug)]
pub struct Office<A> {
    addresses: OnceLock<Box<[A]>>,
    counts: Box<[Counts]>,
    replies: Sender<Vec<u8>>,
    /// Messages finished or gone.
    settled: AtomicU64,
    /// The host waits for so many.
    awaited: AtomicU64,
    sleep: Mutex<()>,
    wake: Condvar,
}

impl<A> Office<A> {
    /// An office for so many agents, and where their replies arrive.
    pub fn open(agents: u32) -> (Arc<Self>, Receiver<Vec<u8>>) {
        let (replies, receiver) = channel();
        let office = Self {
            addresses: OnceLock::new(),
            counts: (0..agents).map(|_| Counts::default()).collect(),
            replies,
            settled: AtomicU64::new(0),
            awaited: AtomicU64::new(u64::MAX),
            sleep: Mutex::new(()),
            wake: Condvar::new(),
        };
        (Arc::new(office), receiver)
    }

    /// Says where everybody is.
    ///
    /// # Panics
    /// If it was said before.
    pub fn publish(&self, addresses: Vec<A>) {
        let is_first = self.addresses.set(addresses.into_boxed_slice()).is_ok();
        assert!(is_first, "addresses are published once");
    }

    /// Where `agent` is, if there is such an agent.
    #[inline]
    pub fn address(&self, agent: AgentId) -> Option<&A> {
        self.addresses.get()?.get(agent as usize)
    }

    /// One message more is finished or gone.
    #[inline]
    fn settle(&self) {
        let settled = self.settled.fetch_add(1, Ordering::SeqCst) + 1;
        if settled >= self.awaited.load(Ordering::SeqCst) {
            self.wake_host();
        }
    }

    #[cold]
    fn wake_host(&self) {
        drop(self.sleep.lock().expect("nothing panics that holds this"));
        self.wake.notify_all();
    }

    /// Sleeps until `messages` are finished or gone, or `time` is over; how many are.
    ///
    /// # Panics
    /// Never: nothing panics that holds the lock.
    pub fn wait_for(&self, messages: u64, time: Duration) -> u64 {
        let guard = self.sleep.lock().expect("nothing panics that holds this");
        self.awaited.store(messages, Ordering::SeqCst);
        let is_early = |_: &mut ()| self.settled.load(Ordering::SeqCst) < messages;
        let woken = self.wake.wait_timeout_while(guard, time, is_early);
        drop(woken.expect("nothing panics that holds this"));
        self.awaited.store(u64::MAX, Ordering::SeqCst);
        self.settled.load(Ordering::SeqCst)
    }

    /// What all agents have counted.
    pub fn stats(&self) -> Stats {
        let get = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let of = |counts: &Counts| Stats {
            delivered: get(&counts.delivered),
            finished: get(&counts.finished),
            undeliverable: get(&counts.undeliverable),
            lost: get(&counts.failures),
            failures: get(&counts.failures),
            drains: get(&counts.delivered) + get(&counts.failures),
            ..Stats::default()
        };
        self.counts.iter().fold(Stats::default(), |all, counts| all.plus(of(counts)))
    }
}

/// An actor's state: its agent, and the office.
#[derive(Debug)]
pub struct Desk<A> {
    me: AgentId,
    courier: Courier,
    office: Arc<Office<A>>,
}

impl<A> Desk<A> {
    /// That of agent `me`.
    pub fn new(me: AgentId, office: &Arc<Office<A>>) -> Self {
        Self { me, courier: Courier::new(Host::detached()), office: Arc::clone(office) }
    }

    fn counts(&self) -> &Counts {
        &self.office.counts[self.me as usize]
    }

    /// Handles `message` where it lies; with whom it goes on, if it does.
    #[inline]
    pub fn handle(&mut self, mut message: Vec<u8>) -> Option<(&A, Vec<u8>)> {
        let is_handled = self.courier.receive(&mut message).is_ok();
        let Some(header) = Header::read(&message).filter(|_| is_handled) else {
            add_one(&self.counts().failures);
            self.office.settle();
            return None;
        };
        add_one(&self.counts().delivered);
        if header.to != HOST {
            return match self.office.address(header.to) {
                Some(address) => Some((address, message)),
                None => {
                    self.is_undeliverable();
                    None
                }
            };
        }
        if header.is_passed() {
            add_one(&self.counts().finished);
            self.office.settle();
        } else {
            // A host that takes no replies any more is about to end.
            let _ = self.office.replies.send(message);
        }
        None
    }

    /// The framework did not take what was to go on.
    #[cold]
    pub fn is_undeliverable(&self) {
        add_one(&self.counts().undeliverable);
        self.office.settle();
    }
}
