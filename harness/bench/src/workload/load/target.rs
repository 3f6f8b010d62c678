//! What takes the messages of a load.

use caxton_model::load::crashes::Crashes;
use caxton_runtime::subject::Attempt;

/// Messages that are come to, and answers of a stranger that are taken, in one turn: neither keeps
/// the other waiting.
pub const AT_A_TIME: u32 = 64;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer {
    /// The lowest bits of the number of the message that it is to.
    pub id: u32,
    /// Whether it is what was to be answered.
    pub is_right: bool,
    /// When it came, where the target knows better than the one who asks, who sees it later.
    pub done_ns: Option<u64>,
}

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    /// A good answer, so long after the message was due, in nanoseconds.
    Answered(u64),
    /// A wrong answer, or one sooner than can be.
    Wrong,
    TimedOut,
    /// It was not sent: too many were in flight.
    Dropped,
}

/// What takes the messages of a load and answers them, in any order.
pub trait Target {
    /// Takes a message; false if there is no room at the moment. `now_ns` is the load's clock.
    fn offer(&mut self, id: u32, now_ns: u64) -> Attempt<bool>;

    /// Adds answers that are there by now to `answers`, at most as many as make a turn.
    fn answers(&mut self, now_ns: u64, answers: &mut Vec<Answer>) -> Attempt<()>;

    /// The least time that an answer can take: what is quicker was not asked for.
    fn least_ns(&self) -> u64 {
        0
    }

    /// When it will answer next, if it is known now: a scripted target's clock jumps there.
    fn next_ns(&self) -> Option<u64> {
        None
    }

    /// Told of each message, by its number, what became of it. One that was dropped has the number
    /// of the next one.
    #[inline]
    fn settled(&mut self, _: u64, _: Settled) {}

    /// Called once a second, between two messages.
    fn each_second(&mut self) {}

    fn words(&self) -> String;

    /// What became of the agents that the load killed, once it is over; none where it kills none.
    fn crashes(&mut self) -> Option<Crashes> {
        None
    }

    /// Compares its own count with `sent`, the messages that it took.
    fn add_up(&mut self, sent: u64) -> Attempt<()> {
        let _ = sent;
        Ok(())
    }
}

/// Answers everything at once: what is measured is the generator alone.
#[derive(Debug, Default)]
pub struct Nobody {
    answers: Vec<Answer>,
}

impl Target for Nobody {
    #[inline]
    fn offer(&mut self, id: u32, _: u64) -> Attempt<bool> {
        self.answers.push(Answer { id, is_right: true, done_ns: None });
        Ok(true)
    }

    #[inline]
    fn answers(&mut self, _: u64, answers: &mut Vec<Answer>) -> Attempt<()> {
        answers.append(&mut self.answers);
        Ok(())
    }

    fn words(&self) -> String {
        "nobody: each message is answered at once, what is measured is the generator".to_owned()
    }
}
