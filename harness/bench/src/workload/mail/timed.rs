//! A subject that notes how long each of its agents takes to be spawned.

use caxton_runtime::subject::Attempt;
use caxton_runtime::subject::mail::{MailSubject, Shape};
use caxton_sys::clock::{Clock, Monotonic};
use caxton_sys::memory;
use std::sync::{Arc, Mutex, PoisonError};

/// Spawns of which one has its page faults counted: asking the kernel costs as much as a fault.
const FAULTS_EVERY: usize = 16;

#[derive(Debug, Clone, Default)]
pub struct SpawnTimes {
    /// How long each took, in nanoseconds.
    pub spawn_ns: Vec<u64>,
    pub faults: Vec<u64>,
}

#[derive(Debug, Clone)]
pub struct Timed<S> {
    subject: S,
    spawn_times: Arc<Mutex<SpawnTimes>>,
}

impl<S> Timed<S> {
    /// `subject`, whose spawns are timed from now on.
    pub fn new(subject: S) -> Self {
        Self { subject, spawn_times: Arc::default() }
    }

    /// What was noted so far.
    pub fn spawn_times(&self) -> SpawnTimes {
        self.spawn_times.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl<S: MailSubject> MailSubject for Timed<S> {
    type Instance = S::Instance;
    type Checkpoint = S::Checkpoint;

    fn spawn(&self, shape: Shape) -> Attempt<S::Instance> {
        let number = self.spawn_times.lock().unwrap_or_else(PoisonError::into_inner).spawn_ns.len();
        let counts = number.is_multiple_of(FAULTS_EVERY);
        let before = if counts { memory::thread_faults() } else { 0 };
        let start = Monotonic.now().0;
        let spawned = self.subject.spawn(shape)?;
        let took = Monotonic.now().0 - start;
        let faults = counts.then(|| memory::thread_faults() - before);
        let mut spawn_times = self.spawn_times.lock().unwrap_or_else(PoisonError::into_inner);
        spawn_times.spawn_ns.push(took);
        spawn_times.faults.extend(faults);
        Ok(spawned)
    }

    fn checkpoint(
        &self,
        agent: &mut S::Instance,
        previous: Option<&S::Checkpoint>,
    ) -> Result<S::Checkpoint, String> {
        self.subject.checkpoint(agent, previous)
    }

    fn restore(&self, shape: Shape, checkpoint: &S::Checkpoint) -> Attempt<S::Instance> {
        self.subject.restore(shape, checkpoint)
    }
}
