//! A scripted target in virtual time: a queue of known law, whose answers theory predicts.

use super::pace::Pace;
use super::target::{Answer, Target};
use caxton_runtime::subject::Attempt;
use std::cell::Cell;
use std::collections::VecDeque;

/// Time that passes only when somebody waits.
#[derive(Debug, Default)]
pub struct VirtualTime(Cell<u64>);

impl Pace for VirtualTime {
    fn now_ns(&self) -> u64 {
        self.0.get()
    }

    fn wait(&self, until_ns: u64, _: bool) {
        self.0.set(self.0.get().max(until_ns));
    }
}

/// Serves one message after the other.
pub struct Queue<'a> {
    /// How long the next one takes, in nanoseconds.
    service_ns: Box<dyn FnMut() -> f64 + 'a>,
    /// How many it takes in; more find no room.
    room: usize,
    /// Stands still for so long at the end of every so long.
    stall_ns: Option<(u64, u64)>,
    free_ns: f64,
    waiting: VecDeque<(u32, u64)>,
}

impl<'a> Queue<'a> {
    /// A queue without end.
    pub fn new(service_ns: impl FnMut() -> f64 + 'a) -> Self {
        let (room, free_ns) = (usize::MAX, 0.0);
        let service_ns = Box::new(service_ns);
        Self { service_ns, room, stall_ns: None, free_ns, waiting: VecDeque::new() }
    }

    /// The same, with room for so many.
    pub fn with_room(self, room: usize) -> Self {
        Self { room, ..self }
    }

    /// The same, which stands still for `stall_ns` at the end of each `period_ns`.
    pub fn stalling(self, stall_ns: u64, period_ns: u64) -> Self {
        Self { stall_ns: Some((stall_ns, period_ns)), ..self }
    }

    /// When what begins at `at_ns` really begins.
    fn begin_ns(&self, at_ns: f64) -> f64 {
        let Some((stall_ns, period_ns)) = self.stall_ns else { return at_ns };
        let within = at_ns % period_ns as f64;
        if within < (period_ns - stall_ns) as f64 {
            at_ns
        } else {
            at_ns - within + period_ns as f64
        }
    }
}

impl Target for Queue<'_> {
    fn offer(&mut self, id: u32, now_ns: u64) -> Attempt<bool> {
        if self.waiting.len() >= self.room {
            return Ok(false);
        }
        let begin_ns = self.begin_ns(self.free_ns.max(now_ns as f64));
        self.free_ns = begin_ns + (self.service_ns)();
        self.waiting.push_back((id, self.free_ns as u64));
        Ok(true)
    }

    fn answers(&mut self, now_ns: u64, answers: &mut Vec<Answer>) -> Attempt<()> {
        while let Some((id, done_ns)) = self.waiting.front().filter(|(_, done)| *done <= now_ns) {
            answers.push(Answer { id: *id, is_right: true, done_ns: Some(*done_ns) });
            self.waiting.pop_front();
        }
        Ok(())
    }

    fn words(&self) -> String {
        "a scripted queue".to_owned()
    }

    fn next_ns(&self) -> Option<u64> {
        self.waiting.front().map(|(_, done_ns)| *done_ns)
    }
}
