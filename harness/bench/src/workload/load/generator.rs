//! The generator: offers each message at its intended instant, whatever became of the ones before,
//! and keeps three clocks of each: intended, sent, done.
//!
//! A message waits in order while the target has no room; that is response time, and not the
//! generator's lateness, which is how long after its instant it *came to* a message. Above the cap
//! a message is dropped, and counted. In a closed loop the schedule's instants count for nothing:
//! each message goes when there is room for it.

use super::pace::Pace;
use super::target::{AT_A_TIME, Answer, Settled, Target};
use caxton_model::case::Outcome;
use caxton_model::load::frame::{LoadSecond, MessagesSeen};
use caxton_model::load::plan::{LoadPlan, Pacing};
use caxton_model::load::schedule::Arrival;
use caxton_runtime::subject::Attempt;
use std::collections::VecDeque;
use std::iter::Peekable;
use std::sync::atomic::{AtomicBool, Ordering};

const SECOND_NS: u64 = 1_000_000_000;

/// What becomes of a message.
#[derive(Debug, Clone, Copy)]
struct Pending {
    intended_ns: u64,
    sent_ns: u64,
    stage: u32,
    is_settled: bool,
}

/// Where a generator begins and ends.
#[derive(Debug, Clone, Copy)]
pub struct Bounds<'a> {
    /// The second of the plan that it begins with.
    pub from_second: u64,
    /// How long it takes on messages at most, from there; none for as long as the plan goes.
    pub for_ns: Option<u64>,
    /// Ends it before its time.
    pub stop: &'a AtomicBool,
}

/// Offers the messages of a schedule to a target.
pub struct Generator<'a, T, P, S: Iterator<Item = Arrival>> {
    plan: &'a LoadPlan,
    target: T,
    pace: &'a P,
    schedule: Peekable<S>,
    bounds: Bounds<'a>,
    /// Messages that are due from here on are not offered, from the plan's start.
    end_ns: u64,
    /// What the pace's clock says at the plan's start.
    start_ns: u64,
    /// Whether that was told, as several generators begin at one instant.
    is_begun: bool,
    /// The messages that are not settled, and those behind the first such one.
    pending: VecDeque<Pending>,
    /// The number of the first of them.
    first: u64,
    sent: usize,
    /// Messages that were sent and given up: their answers may still come.
    given_up: u64,
    /// Answers of this turn; empty between two.
    answers: Vec<Answer>,
    in_flight: Vec<u64>,
    seen: Vec<Option<MessagesSeen>>,
    counted_ns: u64,
    second_from_ns: u64,
}

impl<'a, T: Target, P: Pace, S: Iterator<Item = Arrival>> Generator<'a, T, P, S> {
    /// A generator that has not begun.
    pub fn new(
        plan: &'a LoadPlan,
        bounds: Bounds<'a>,
        schedule: S,
        target: T,
        pace: &'a P,
    ) -> Self {
        let stages = plan.stages.len();
        let from_ns = bounds.from_second * SECOND_NS;
        Self {
            plan,
            target,
            pace,
            schedule: schedule.peekable(),
            bounds,
            end_ns: bounds.for_ns.map_or(u64::MAX, |for_ns| from_ns.saturating_add(for_ns)),
            start_ns: 0,
            is_begun: false,
            pending: VecDeque::new(),
            first: 0,
            sent: 0,
            given_up: 0,
            answers: Vec::new(),
            in_flight: vec![0; stages],
            seen: (0..stages).map(|_| None).collect(),
            counted_ns: from_ns,
            second_from_ns: from_ns,
        }
    }

    /// Passes over what was due before it begins, which is another's and takes nobody's time.
    pub fn pass_over(&mut self) {
        let from_ns = self.bounds.from_second * SECOND_NS;
        while self.schedule.next_if(|arrival| arrival.intended_ns < from_ns).is_some() {}
    }

    /// The same generator, which begins when the pace's clock says `now_ns`, and not when it is
    /// run: several begin together.
    #[must_use]
    pub fn beginning(mut self, now_ns: u64) -> Self {
        self.start_ns = now_ns.wrapping_sub(self.bounds.from_second * SECOND_NS);
        self.is_begun = true;
        self
    }

    /// Offers all messages and waits for their answers. `each` takes the frame of each second, that
    /// of the last one too, however it ends.
    pub fn run(mut self, each: &mut dyn FnMut(LoadSecond)) -> Attempt<T> {
        if !self.is_begun {
            self.pass_over();
            let now_ns = self.pace.now_ns();
            self = self.beginning(now_ns);
        }
        let ended = self.turns(each);
        let now_ns = self.now_ns();
        self.end_second(now_ns, each);
        ended.map(|()| self.target)
    }

    fn turns(&mut self, each: &mut dyn FnMut(LoadSecond)) -> Attempt<()> {
        loop {
            let now_ns = self.now_ns();
            let end_ns = self.next_second_ns();
            if now_ns >= end_ns {
                // What was due in a second is in its frame: the next process goes on with the next.
                self.come_to_before(end_ns, now_ns);
                self.end_second(now_ns, each);
            }
            let has_come = self.come_to(now_ns);
            let sent = self.send(now_ns);
            // A target that takes no more may have answered before.
            let has_settled = self.settle(now_ns)?;
            let has_sent = sent?;
            self.let_go(now_ns);
            let is_over = self.is_over(now_ns);
            if is_over && self.pending.is_empty() {
                return Ok(());
            }
            if !(has_come || has_sent || has_settled) {
                let until_ns = self.wake_ns(is_over);
                let is_answer_due = !self.pending.is_empty();
                self.pace.wait(until_ns.wrapping_add(self.start_ns), is_answer_due);
            }
        }
    }

    fn next_second_ns(&self) -> u64 {
        (self.second_from_ns / SECOND_NS + 1) * SECOND_NS
    }

    #[inline]
    fn now_ns(&self) -> u64 {
        self.pace.now_ns().wrapping_sub(self.start_ns)
    }

    /// True once no more messages are come to. Where instants count, what is due within the bounds
    /// is come to however late that is: who is late offers no less.
    fn is_over(&mut self, now_ns: u64) -> bool {
        let end_ns = self.end_ns;
        let is_last = match self.plan.pacing {
            Pacing::Open => self.schedule.peek().is_none_or(|next| next.intended_ns >= end_ns),
            Pacing::Closed { .. } => true,
        };
        let is_time_up = is_last && now_ns >= end_ns;
        is_time_up || self.bounds.stop.load(Ordering::Relaxed) || self.schedule.peek().is_none()
    }

    /// When there is something to do, at the latest.
    fn wake_ns(&mut self, is_over: bool) -> u64 {
        let next_second = self.next_second_ns();
        let due = match self.plan.pacing {
            Pacing::Open if !is_over => self.schedule.peek().map(|arrival| arrival.intended_ns),
            _ => None,
        };
        // The first one waits longest.
        let timeout = self.pending.front().map(|p| p.intended_ns + self.plan.timeout.0);
        let all = [due, self.target.next_ns(), timeout, Some(next_second)];
        all.into_iter().flatten().min().unwrap_or(next_second)
    }

    /// Comes to the messages that are due; true if there were any.
    fn come_to(&mut self, now_ns: u64) -> bool {
        if self.is_over(now_ns) {
            return false;
        }
        let due_ns = (now_ns + 1).min(self.end_ns);
        for turn in 0..AT_A_TIME {
            let arrival = match self.plan.pacing {
                Pacing::Open => self.schedule.next_if(|arrival| arrival.intended_ns < due_ns),
                Pacing::Closed { in_flight } if (self.pending.len() as u64) < in_flight => {
                    let next = self.schedule.next();
                    next.map(|arrival| Arrival { intended_ns: now_ns, ..arrival })
                }
                Pacing::Closed { .. } => None,
            };
            let Some(arrival) = arrival else { return turn > 0 };
            self.take_in(arrival, now_ns);
        }
        true
    }

    /// Comes to what was due before `end_ns`, where instants count.
    fn come_to_before(&mut self, end_ns: u64, now_ns: u64) {
        if self.plan.pacing != Pacing::Open || self.is_over(now_ns) {
            return;
        }
        let end_ns = end_ns.min(self.end_ns);
        while let Some(arrival) = self.schedule.next_if(|arrival| arrival.intended_ns < end_ns) {
            self.take_in(arrival, now_ns);
        }
    }

    #[inline]
    fn take_in(&mut self, arrival: Arrival, now_ns: u64) {
        let (intended_ns, stage) = (arrival.intended_ns, arrival.stage);
        let is_dropped = self.pending.len() as u64 >= self.plan.cap;
        let seen = seen(&mut self.seen[stage]);
        seen.counts.offered += 1;
        seen.due_sum_ns = seen.due_sum_ns.wrapping_add(intended_ns);
        seen.lateness.record(now_ns - intended_ns);
        if is_dropped {
            seen.counts.dropped += 1;
            self.target.settled(self.first + self.pending.len() as u64, Settled::Dropped);
            return;
        }
        // It has been waiting since its instant.
        seen.in_flight_ns += (now_ns - intended_ns) as f64;
        self.count(now_ns);
        self.in_flight[stage] += 1;
        let stage = stage as u32;
        self.pending.push_back(Pending { intended_ns, sent_ns: 0, stage, is_settled: false });
    }

    /// Sends what is waiting, in order, as long as there is room.
    fn send(&mut self, now_ns: u64) -> Attempt<bool> {
        let before = self.sent;
        while let Some(waiting) = self.pending.get_mut(self.sent) {
            let id = (self.first + self.sent as u64) as u32;
            if !self.target.offer(id, now_ns)? {
                break;
            }
            waiting.sent_ns = now_ns;
            let stage = waiting.stage as usize;
            seen(&mut self.seen[stage]).counts.sent += 1;
            self.sent += 1;
        }
        Ok(self.sent > before)
    }

    /// Takes the answers that are there. An answer's time is that at which it was seen: the clock
    /// is read once they are here, for anything may have happened since this turn began.
    fn settle(&mut self, now_ns: u64) -> Attempt<bool> {
        let mut answers = std::mem::take(&mut self.answers);
        let ended = self.target.answers(now_ns, &mut answers);
        let has_come = !answers.is_empty();
        let seen_ns = if has_come { self.now_ns() } else { now_ns };
        self.count(seen_ns);
        let settled = answers.drain(..).try_for_each(|answer| self.settle_one(answer, seen_ns));
        self.answers = answers;
        settled?;
        ended?;
        Ok(has_come)
    }

    #[inline]
    fn settle_one(&mut self, answer: Answer, seen_ns: u64) -> Attempt<()> {
        let place = answer.id.wrapping_sub(self.first as u32) as usize;
        let asked = self.pending.get_mut(place).filter(|p| place < self.sent && !p.is_settled);
        let Some(asked) = asked else { return self.answered_late(answer.id) };
        asked.is_settled = true;
        let stage = asked.stage as usize;
        let done_ns = answer.done_ns.map_or(seen_ns, |done_ns| done_ns.min(seen_ns));
        let least_ns = self.target.least_ns();
        let since = |from_ns: u64| done_ns.checked_sub(from_ns).filter(|ns| *ns >= least_ns);
        let times = since(asked.intended_ns).zip(since(asked.sent_ns));
        let seen = seen(&mut self.seen[stage]);
        // The clock was counted to when it was seen; what ended before is taken off again.
        seen.in_flight_ns -= (seen_ns - done_ns) as f64;
        self.in_flight[stage] -= 1;
        let settled = match times {
            _ if !answer.is_right => {
                seen.counts.errors += 1;
                Settled::Wrong
            }
            Some((response_ns, service_ns)) => {
                seen.counts.ok += 1;
                seen.response.record(response_ns);
                seen.service.record(service_ns);
                Settled::Answered(response_ns)
            }
            None => {
                seen.counts.impossible += 1;
                Settled::Wrong
            }
        };
        self.target.settled(self.first + place as u64, settled);
        Ok(())
    }

    /// An answer to no message that waits for one: to one that was given up, which may come as late
    /// as it likes, or to none that was asked.
    fn answered_late(&mut self, id: u32) -> Attempt<()> {
        let passed = (self.first as u32).wrapping_sub(id);
        let was_sent = passed > 0 && u64::from(passed) <= self.first.min(1 << 31);
        if was_sent && self.given_up > 0 {
            self.given_up -= 1;
            return Ok(());
        }
        Err(Outcome::WrongAnswer(format!(
            "the target answered message {id}, which no answer was due to: each message that it \
             was sent is answered once, by its number"
        )))
    }

    /// Forgets those in front that are settled, and gives up those whose time is over.
    fn let_go(&mut self, now_ns: u64) {
        let timeout_ns = self.plan.timeout.0;
        while let Some(first) = self.pending.front().copied() {
            let is_late = now_ns.saturating_sub(first.intended_ns) >= timeout_ns;
            if !first.is_settled && !is_late {
                break;
            }
            if !first.is_settled {
                self.count(now_ns);
                let stage = first.stage as usize;
                self.in_flight[stage] -= 1;
                seen(&mut self.seen[stage]).counts.timed_out += 1;
                self.given_up += u64::from(self.sent > 0);
                self.target.settled(self.first, Settled::TimedOut);
            }
            self.pending.pop_front();
            self.first += 1;
            // The first one may still be waiting to be sent.
            self.sent = self.sent.saturating_sub(1);
        }
    }

    /// Counts who is in flight up to now.
    #[inline]
    fn count(&mut self, now_ns: u64) {
        let since_ns = now_ns.saturating_sub(self.counted_ns);
        if since_ns == 0 {
            return;
        }
        self.counted_ns = now_ns;
        for (stage, in_flight) in self.in_flight.iter().enumerate().filter(|(_, n)| **n > 0) {
            let seen = seen(&mut self.seen[stage]);
            seen.in_flight_ns += *in_flight as f64 * since_ns as f64;
        }
    }

    /// Hands over what was seen since the last time.
    fn end_second(&mut self, now_ns: u64, each: &mut dyn FnMut(LoadSecond)) {
        self.count(now_ns);
        let stages = self.seen.iter_mut().enumerate();
        let stages = stages.filter_map(|(stage, seen)| Some((stage as u32, seen.take()?)));
        let frame = LoadSecond {
            second: self.second_from_ns / SECOND_NS,
            length_ns: now_ns - self.second_from_ns,
            stages: stages.collect(),
            in_flight: self.in_flight.iter().sum(),
            looks: Vec::new(),
        };
        self.second_from_ns = now_ns;
        self.target.each_second();
        if frame.length_ns > 0 || !frame.stages.is_empty() {
            each(frame);
        }
    }
}

/// What was seen of a stage in this second.
#[inline]
fn seen(place: &mut Option<MessagesSeen>) -> &mut MessagesSeen {
    place.get_or_insert_default()
}

#[cfg(test)]
#[path = "generator_tests.rs"]
mod tests;
