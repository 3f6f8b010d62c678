//! What one generator saw in one second of a load: the unit in which a load is told, kept and
//! merged. Frames of several generators, or of several runs of one load, add up.

use super::crashes::Crashes;
use super::limits::STAGES;
use super::scraped::Scraped;
use super::times::Times;
use crate::reading::Reading;
use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// How many messages came to what.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageCounts {
    /// Meant to be sent: every arrival of the schedule whose instant has come.
    pub offered: u64,
    /// Taken by the target.
    pub sent: u64,
    /// Answered, and rightly.
    pub ok: u64,
    /// Answered wrongly, or refused.
    pub errors: u64,
    /// Not answered in time.
    pub timed_out: u64,
    /// Not sent because too many were in flight.
    pub dropped: u64,
    /// Answered sooner than can be: the answer has no time, and the load is invalid.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub impossible: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
const fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl MessageCounts {
    /// Each count with its name in files.
    pub(super) const fn named(&self) -> [(&'static str, u64); 7] {
        [
            ("offered", self.offered),
            ("sent", self.sent),
            ("ok", self.ok),
            ("errors", self.errors),
            ("timed_out", self.timed_out),
            ("dropped", self.dropped),
            ("impossible", self.impossible),
        ]
    }

    /// Both together. What is beyond a `u64` stays at its end: counts may come from any file.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self {
            offered: self.offered.saturating_add(other.offered),
            sent: self.sent.saturating_add(other.sent),
            ok: self.ok.saturating_add(other.ok),
            errors: self.errors.saturating_add(other.errors),
            timed_out: self.timed_out.saturating_add(other.timed_out),
            dropped: self.dropped.saturating_add(other.dropped),
            impossible: self.impossible.saturating_add(other.impossible),
        }
    }

    /// Those of which it is known what became of them.
    pub const fn settled(&self) -> u64 {
        self.ok.saturating_add(self.failed()).saturating_add(self.impossible)
    }

    /// Those that came to nothing: each counts as longer than any that was answered.
    pub const fn failed(&self) -> u64 {
        self.errors.saturating_add(self.timed_out).saturating_add(self.dropped)
    }
}

/// What was seen of the messages of one stage in one second.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct MessagesSeen {
    pub counts: MessageCounts,
    /// The sum of the instants at which those offered were due, in nanoseconds from the plan's
    /// start, modulo 2^64: that of the same schedule is the same.
    #[serde(default)]
    pub due_sum_ns: u64,
    /// The integral over time of how many were in flight, in message-nanoseconds.
    pub in_flight_ns: f64,
    /// From a message's intended start to its answer.
    pub response: Times,
    /// From when the target took it to its answer.
    pub service: Times,
    /// From its intended start to when the generator came to it.
    pub lateness: Times,
}

impl MessagesSeen {
    pub fn add(&mut self, other: &Self) {
        self.counts = self.counts.plus(other.counts);
        self.due_sum_ns = self.due_sum_ns.wrapping_add(other.due_sum_ns);
        self.in_flight_ns += other.in_flight_ns;
        self.response.add(&other.response);
        self.service.add(&other.service);
        self.lateness.add(&other.lateness);
    }
}

/// What is read beside the messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MachineFigure {
    /// Bytes that the host's heap holds.
    LiveBytes,
    /// Blocks that the host's heap holds.
    LiveBlocks,
    /// Bytes of linear memory of all agents.
    LinearBytes,
    RssBytes,
    /// Resident memory, shared pages by their share.
    PssBytes,
    Files,
    Threads,
    Maps,
    /// CPU time of the process since it began.
    CpuNs,
}

impl MachineFigure {
    /// Its name in files and tables.
    pub const fn name(self) -> &'static str {
        match self {
            Self::LiveBytes => "live_bytes",
            Self::LiveBlocks => "live_blocks",
            Self::LinearBytes => "linear_bytes",
            Self::RssBytes => "rss_bytes",
            Self::PssBytes => "pss_bytes",
            Self::Files => "files",
            Self::Threads => "threads",
            Self::Maps => "maps",
            Self::CpuNs => "cpu_ns",
        }
    }
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct LoadSecond {
    /// Which second, from the start of the plan.
    pub second: u64,
    /// How long it was; the last one may be shorter.
    pub length_ns: u64,
    /// By number of the stage that a message belongs to; stages of which nothing was seen are left
    /// out.
    #[serde(deserialize_with = "stages")]
    pub stages: BTreeMap<u32, MessagesSeen>,
    /// Messages in flight at its end.
    pub in_flight: u64,
    /// What was read in it, in order of time; nothing where this generator does not read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub looks: Vec<MachineLook>,
}

/// As many stages as a plan can have: of more, none is kept while the line is read.
fn stages<'de, D: Deserializer<'de>>(from: D) -> Result<BTreeMap<u32, MessagesSeen>, D::Error> {
    struct Stages;
    impl<'de> Visitor<'de> for Stages {
        type Value = BTreeMap<u32, MessagesSeen>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "at most {STAGES} stages by their numbers")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut all = BTreeMap::new();
            while let Some(number) = map.next_key()? {
                if all.len() == STAGES {
                    return Err(A::Error::custom(format!("more than {STAGES} stages in a second")));
                }
                all.insert(number, map.next_value()?);
            }
            Ok(all)
        }
    }
    from.deserialize_map(Stages)
}

/// What was read at one instant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MachineLook {
    /// When, in nanoseconds from the plan's start.
    pub at_ns: u64,
    pub figures: BTreeMap<MachineFigure, Reading<u64>>,
}

impl LoadSecond {
    /// Adds what another generator saw in the same second.
    pub fn add(&mut self, other: &Self) {
        for (stage, seen) in &other.stages {
            self.stages.entry(*stage).or_default().add(seen);
        }
        self.length_ns = self.length_ns.max(other.length_ns);
        self.in_flight = self.in_flight.saturating_add(other.in_flight);
        // Generators of one process would read the same.
        if self.looks.is_empty() {
            self.looks.clone_from(&other.looks);
        }
    }

    /// All stages together.
    pub fn counts(&self) -> MessageCounts {
        self.stages.values().fold(MessageCounts::default(), |sum, seen| sum.plus(seen.counts))
    }
}

/// A line of the file in which a load's seconds are kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LoadLine {
    /// A process began to generate.
    Segment(Segment),
    /// A second of the segment before it.
    Second(Box<LoadSecond>),
    /// What the target said of itself during the segment before it.
    Scraped(Scraped),
    /// What became of the agents that were killed during the segment before it.
    Crashes(Crashes),
    /// The load ended by itself, and this was left.
    Ended(super::quiescence::Ledger),
}

/// One process' part of a load.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segment {
    /// Which, from 0.
    pub number: u32,
    /// When, UTC, RFC 3339.
    pub started_utc: String,
    /// The same in milliseconds since 1970.
    pub started_unix_ms: u64,
    /// With which second of the plan.
    pub from_second: u64,
    /// What took the messages, in words; those of a program begin with [`PROGRAM`].
    pub target: String,
    /// How many threads generated, each its part of the one schedule.
    #[serde(default = "one")]
    pub generators: u32,
    /// Why the generator had no core of its own; none where it had one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shared_core: Option<String>,
}

const fn one() -> u32 {
    1
}

/// How the words of a target begin that is another program.
pub const PROGRAM: &str = "program: ";

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(second: u64, times_ns: &[u64]) -> LoadSecond {
        let mut seen = MessagesSeen::default();
        for ns in times_ns {
            seen.response.record(*ns);
            seen.counts.offered += 1;
            seen.counts.ok += 1;
        }
        let stages = BTreeMap::from([(1, seen)]);
        LoadSecond {
            second,
            length_ns: 1_000_000_000,
            stages,
            in_flight: 2,
            ..LoadSecond::default()
        }
    }

    #[test]
    fn frames_of_two_generators_add_up() {
        let (mut one, other) = (frame(3, &[10, 20]), frame(3, &[30]));
        one.add(&other);
        assert_eq!(one.counts(), MessageCounts { offered: 3, ok: 3, ..MessageCounts::default() });
        assert_eq!(one.in_flight, 4);
        assert_eq!(one.stages[&1].response.len(), 3);
    }

    #[test]
    fn a_frame_survives_its_line() {
        let mut frame = frame(7, &[1_000, 2_000_000]);
        let why = crate::reading::Missing::Unsupported("no such kernel".to_owned());
        let rss = (MachineFigure::RssBytes, Reading::Known(5));
        let figures = BTreeMap::from([rss, (MachineFigure::PssBytes, Reading::Missing(why))]);
        frame.looks.push(MachineLook { at_ns: 7_500_000_000, figures });
        let line = LoadLine::Second(Box::new(frame));
        let text = serde_json::to_string(&line).unwrap();
        assert_eq!(text.lines().count(), 1);
        assert_eq!(serde_json::from_str::<LoadLine>(&text).unwrap(), line);
    }
}
