//! The largest numbers that a load's files may hold. A file can come from anywhere, and one number
//! too large would wrap in a sum or ask for more memory than there is: each line is held against
//! its plan and against the lines before it when it is read.

use super::frame::{LoadLine, LoadSecond, MachineLook, MessageCounts, Segment};
use super::limits::MOST;
use super::plan::LoadPlan;
use super::quiescence::Ledger;
use crate::reading::Reading;
use crate::units::Nanos;

/// The longest line: a second of every stage and all that is read beside it is far shorter.
pub const LINE_BYTES: u64 = 16 << 20;

/// How long after its plan and its last answer a load's process may still be there: its machine
/// may have stood still.
pub const AFTERWARDS: Nanos = Nanos(3600 * 1_000_000_000);
/// What is read of the machine (bytes, CPU time) is only ever made an `f64`.
const FIGURE: u64 = i64::MAX as u64;
/// The largest integral of messages in flight: sums of it are far from the end of an `f64`.
const IN_FLIGHT_NS: f64 = 1e30;
/// The end of the year 9999 in milliseconds since 1970.
const UNIX_MS: u64 = 253_402_300_799_999;

/// The lines of a load that were read so far.
#[derive(Debug)]
pub(crate) struct Lines<'a> {
    plan: &'a LoadPlan,
    segments: u32,
    last_second: Option<u64>,
    counts: MessageCounts,
    in_flight: u64,
    times: u64,
}

impl<'a> Lines<'a> {
    pub(crate) fn of(plan: &'a LoadPlan) -> Self {
        let counts = MessageCounts::default();
        Self { plan, segments: 0, last_second: None, counts, in_flight: 0, times: 0 }
    }

    /// Whether `line` can follow those before it.
    ///
    /// # Errors
    /// The number that cannot be, and what it may be.
    pub(crate) fn check(&mut self, line: &LoadLine) -> Result<(), String> {
        match line {
            LoadLine::Segment(segment) => self.segment(segment),
            LoadLine::Second(frame) => self.second(frame),
            LoadLine::Scraped(scraped) => scraped.check(),
            LoadLine::Crashes(crashes) => number("killed", crashes.killed, MOST),
            LoadLine::Ended(ledger) => ended(ledger),
        }
    }

    /// The end of the last second that a load of this plan can have.
    fn end(&self) -> Nanos {
        let end_ns = self.plan.granted().0.saturating_add(self.plan.timeout.0);
        Nanos(end_ns.saturating_add(AFTERWARDS.0))
    }

    fn segment(&mut self, segment: &Segment) -> Result<(), String> {
        if segment.number != self.segments {
            let (number, expected) = (segment.number, self.segments);
            return Err(format!("process {number} where {expected} is the next"));
        }
        self.segments += 1;
        number("started_unix_ms", segment.started_unix_ms, UNIX_MS)?;
        self.within_the_plan("from_second", segment.from_second)
    }

    fn second(&mut self, frame: &LoadSecond) -> Result<(), String> {
        let second = frame.second;
        self.within_the_plan("second", second)?;
        if let Some(last) = self.last_second.filter(|last| *last >= second) {
            return Err(format!("second {second} after second {last}"));
        }
        self.last_second = Some(second);
        let end_ns = self.end().0;
        number("length_ns", frame.length_ns, end_ns)?;
        let stages = self.plan.stages.len();
        if let Some(stage) = frame.stages.keys().find(|stage| **stage as usize >= stages) {
            return Err(format!("stage {stage} of a plan with {stages}"));
        }
        for seen in frame.stages.values() {
            let in_flight_ns = seen.in_flight_ns;
            if !(-IN_FLIGHT_NS..=IN_FLIGHT_NS).contains(&in_flight_ns) {
                return Err(format!("in_flight_ns {in_flight_ns} is beyond {IN_FLIGHT_NS}"));
            }
            for times in [&seen.response, &seen.service, &seen.lateness] {
                self.times = self.times.saturating_add(times.len());
            }
        }
        number("the sum of all times", self.times, MOST)?;
        self.counts = self.counts.plus(frame.counts());
        for (name, sum) in self.counts.named() {
            number(&format!("the sum of {name}"), sum, MOST)?;
        }
        self.in_flight = self.in_flight.saturating_add(frame.in_flight);
        number("the sum of in_flight", self.in_flight, MOST)?;
        frame.looks.iter().try_for_each(|look| look_at(look, end_ns))
    }

    fn within_the_plan(&self, what: &str, second: u64) -> Result<(), String> {
        let last = self.end().0 / 1_000_000_000;
        if second > last {
            return Err(format!("{what} {second} is beyond the plan, which ends by {last}"));
        }
        Ok(())
    }
}

fn look_at(look: &MachineLook, end_ns: u64) -> Result<(), String> {
    number("at_ns", look.at_ns, end_ns)?;
    for (figure, reading) in &look.figures {
        known(figure.name(), reading)?;
    }
    Ok(())
}

fn ended(ledger: &Ledger) -> Result<(), String> {
    number("messages", ledger.messages, MOST)?;
    for row in &ledger.rows {
        known(row.thing.name(), &row.before)?;
        known(row.thing.name(), &row.after)?;
    }
    Ok(())
}

fn known(what: &str, reading: &Reading<u64>) -> Result<(), String> {
    reading.known().map_or(Ok(()), |value| number(what, *value, FIGURE))
}

/// Whether `value` of `what` is no more than `most`.
fn number(what: &str, value: u64, most: u64) -> Result<(), String> {
    if value > most {
        return Err(format!("{what} {value} is beyond {most}"));
    }
    Ok(())
}
