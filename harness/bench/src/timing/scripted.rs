//! A subject that echoes and takes the time it is told to, on a clock that only it moves: makes
//! the order and reduction of measurements exact to the digit in tests.

use caxton_model::units::{Bytes, Nanos};
use caxton_runtime::subject::{AgentInstance, Attempt, HostCounts, Step};
use caxton_sys::clock::Clock;
use std::cell::Cell;
use std::rc::Rc;

/// A clock that stands until an agent moves it.
#[derive(Debug, Default)]
pub(crate) struct ScriptedClock(Cell<u64>);

impl ScriptedClock {
    pub(crate) fn pass(&self, time: Nanos) {
        self.0.set(self.0.get() + time.0);
    }
}

impl Clock for ScriptedClock {
    fn now(&self) -> Nanos {
        Nanos(self.0.get())
    }
}

/// A clock that takes 25 ns to read.
#[derive(Debug, Default)]
pub(crate) struct Ticking(Cell<u64>);

impl Clock for Ticking {
    fn now(&self) -> Nanos {
        self.0.set(self.0.get() + 25);
        Nanos(self.0.get())
    }
}

/// An echo whose calls cost what the script says, the last cost for ever after.
#[derive(Debug)]
pub(crate) struct Scripted {
    clock: Rc<ScriptedClock>,
    costs_ns: Vec<u64>,
    calls: usize,
    last: Vec<u8>,
    /// What the steps of a call cost: in place, copying in, copying out.
    steps_ns: [u64; 3],
}

impl Scripted {
    /// An echo on `clock`.
    pub(crate) fn new(clock: &Rc<ScriptedClock>, costs_ns: &[u64]) -> Self {
        let costs_ns = costs_ns.to_vec();
        Self { clock: Rc::clone(clock), costs_ns, calls: 0, last: Vec::new(), steps_ns: [0; 3] }
    }

    /// The same echo, whose call in place, copy in and copy out cost so much.
    pub(crate) fn with_steps(self, steps_ns: [u64; 3]) -> Self {
        Self { steps_ns, ..self }
    }
}

impl AgentInstance for Scripted {
    fn reserve(&mut self, _: usize, _: usize) -> Attempt<()> {
        Ok(())
    }

    fn call(&mut self, message: &[u8]) -> Attempt<()> {
        let cost = self.costs_ns.get(self.calls).or(self.costs_ns.last()).copied();
        self.clock.pass(Nanos(cost.unwrap_or(0)));
        self.calls += 1;
        self.last = message.to_vec();
        Ok(())
    }

    fn batch_of(&mut self, step: Step, message: &[u8], iterations: u64) -> Attempt<()> {
        let [in_place, copy_in, copy_out] = self.steps_ns;
        let cost = match step {
            Step::Whole => return self.batch(message, iterations),
            Step::InPlace => in_place,
            Step::CopyIn => copy_in,
            Step::CopyOut => copy_out,
        };
        self.clock.pass(Nanos(cost * iterations));
        Ok(())
    }

    fn reply(&self) -> &[u8] {
        &self.last
    }

    fn example(&mut self, seed: u64) -> Attempt<Vec<u8>> {
        Ok(seed.to_le_bytes().to_vec())
    }

    fn host_counts(&self) -> HostCounts {
        HostCounts::default()
    }

    fn linear_memory(&self) -> Option<Bytes> {
        None
    }
}
