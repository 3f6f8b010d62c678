//! Whether a load test makes sense. One clear error, which names the thing and the fix.

use crate::load::limits::{LONGEST, STAGES};
use crate::load::plan::{BadPlan, LoadPlan, Pacing, Part, Rate, Stage};
use crate::units::Nanos;
use std::collections::BTreeSet;

/// The longest name in bytes.
const NAME_BYTES: usize = 100;
/// The largest message: a guest has to have room for it.
const MESSAGE_BYTES: u32 = 16 << 20;
/// The highest rate: two messages at one instant are no order.
const PER_SECOND: f64 = 1e9;
/// The most messages in flight: each takes memory, and answers name them by 32 bits.
const CAP: u64 = 100_000_000;
/// The most thresholds: each is judged every second.
const THRESHOLDS: usize = 1000;

impl LoadPlan {
    /// Whether this plan can be run.
    pub fn check(&self) -> Result<(), BadPlan> {
        self.check_values()?;
        self.check_stages()?;
        let stages: Vec<&str> = self.stages.iter().map(|stage| stage.name.as_str()).collect();
        if self.thresholds.len() > THRESHOLDS {
            let count = self.thresholds.len();
            return Err(BadPlan::whole(format!("{count} thresholds: write up to {THRESHOLDS}")));
        }
        for (index, threshold) in self.thresholds.iter().enumerate() {
            threshold
                .check(&stages)
                .map_err(|e| BadPlan { part: Part::Threshold(index), ..BadPlan::whole(e.0) })?;
        }
        Ok(())
    }

    fn check_values(&self) -> Result<(), BadPlan> {
        check_name(&self.name).map_err(|why| BadPlan::key("name", why))?;
        if self.agents == 0 {
            let why = "agents = 0: nobody takes the messages; write 1 or more";
            return Err(BadPlan::key("agents", why.to_owned()));
        }
        if !(1..=MESSAGE_BYTES).contains(&self.message_bytes) {
            let given = self.message_bytes;
            let why = format!("message_bytes = {given}: write 1 to {MESSAGE_BYTES}");
            return Err(BadPlan::key("message_bytes", why));
        }
        if self.cap == 0 {
            let why = "cap = 0: every message is dropped; write 1 or more";
            return Err(BadPlan::key("cap", why.to_owned()));
        }
        if self.cap > CAP {
            let why = format!("cap = {}: write 1 to {CAP}", self.cap);
            return Err(BadPlan::key("cap", why));
        }
        if self.slo.0 == 0 {
            let why = "slo = 0: no response is that quick; write a time such as 100ms";
            return Err(BadPlan::key("slo", why.to_owned()));
        }
        for (key, time) in [("slo", self.slo), ("timeout", self.timeout)] {
            if time > LONGEST {
                return Err(BadPlan::key(key, format!("{key} = {time}: write up to 100 days")));
            }
        }
        if self.timeout < self.slo {
            let (timeout, slo) = (self.timeout, self.slo);
            let why = format!(
                "timeout is {timeout}, less than the slo of {slo}: what misses the slo is then \
                 never seen; write a longer timeout"
            );
            return Err(BadPlan::key("timeout", why));
        }
        match self.pacing {
            Pacing::Closed { in_flight } if in_flight == 0 || in_flight > self.cap => {
                let why = format!("closed = {in_flight}: write 1 to the cap of {}", self.cap);
                Err(BadPlan::key("closed", why))
            }
            _ => Ok(()),
        }
    }

    fn check_stages(&self) -> Result<(), BadPlan> {
        let count = self.stages.len();
        if count == 0 || count > STAGES {
            let why = format!("{count} stages: write 1 to {STAGES} of `[[stage]]`");
            return Err(BadPlan::whole(why));
        }
        let mut names = BTreeSet::new();
        let mut total = 0_u64;
        for (index, stage) in self.stages.iter().enumerate() {
            let bad = |why| BadPlan { part: Part::Stage(index), ..BadPlan::whole(why) };
            stage.check().map_err(bad)?;
            if !names.insert(&stage.name) {
                let name = &stage.name;
                return Err(bad(format!("a second stage {name:?}: give it a name of its own")));
            }
            self.check_kill(stage).map_err(bad)?;
            total = total.saturating_add(stage.wanted.0);
            if total > LONGEST.0 {
                return Err(bad("with this stage the plan is longer than 100 days".to_owned()));
            }
        }
        let is_silent = |stage: &Stage| match &stage.rate {
            Rate::Trace(instants) => instants.is_empty(),
            rate => rate.peak() == Some(0.0),
        };
        if self.stages.iter().all(is_silent) {
            let why = "no stage offers a message: give one a rate above 0";
            return Err(BadPlan::whole(why.to_owned()));
        }
        Ok(())
    }

    fn check_kill(&self, stage: &Stage) -> Result<(), String> {
        let Stage { name, kill, .. } = stage;
        if *kill > self.agents {
            let agents = self.agents;
            return Err(format!("stage {name:?}: kill = {kill}: write 0 to all {agents} agents"));
        }
        if *kill > 0 && self.pacing != Pacing::Open {
            return Err(format!(
                "stage {name:?}: kill = {kill}: a closed loop knows no instants; write no `closed`"
            ));
        }
        Ok(())
    }
}

impl Stage {
    /// Whether this stage can be run, or why it cannot.
    pub(super) fn check(&self) -> Result<(), String> {
        check_name(&self.name)?;
        let name = &self.name;
        if let Some(sign) = self.name.chars().find(|c| "{},=\"".contains(*c)) {
            return Err(format!("stage name {name:?}: write it without {sign:?}"));
        }
        if !(1..=LONGEST.0).contains(&self.wanted.0) {
            return Err(format!(
                "stage {name:?}: length {}: write a time above 0 and up to 100 days, such as 30s",
                self.wanted
            ));
        }
        if self.granted.0 == 0 {
            return Err(format!("stage {name:?} gets no time at all: give the run more"));
        }
        if self.granted > self.wanted {
            let (granted, wanted) = (self.granted, self.wanted);
            return Err(format!("stage {name:?} gets {granted} and wants {wanted}: give it less"));
        }
        self.rate.check(self.wanted).map_err(|why| format!("stage {name:?}: {why}"))
    }
}

impl Rate {
    fn check(&self, length: Nanos) -> Result<(), String> {
        let number = |what: &str, value: f64| {
            // A NaN is in no range.
            let is_good = (0.0..=PER_SECOND).contains(&value);
            let fix = format!("write messages per second, 0 to {PER_SECOND}");
            if is_good { Ok(()) } else { Err(format!("{what} = {value}: {fix}")) }
        };
        match self {
            Self::Constant { per_second } => number("rate", *per_second),
            Self::Linear { from, to } => number("from", *from).and(number("to", *to)),
            Self::Sine { mean, amplitude, period } => {
                number("mean", *mean)?;
                number("amplitude", *amplitude)?;
                number("mean + amplitude", mean + amplitude)?;
                let is_good = (1..=LONGEST.0).contains(&period.0);
                let fix = "write a time above 0 and up to 100 days, such as 60s";
                if is_good { Ok(()) } else { Err(format!("period {period}: {fix}")) }
            }
            Self::Trace(instants) => check_trace(instants, length),
        }
    }
}

fn check_trace(instants: &[u64], length: Nanos) -> Result<(), String> {
    if let Some(at) = instants.windows(2).position(|pair| pair[0] > pair[1]) {
        let (nth, earlier, later) = (at + 2, Nanos(instants[at + 1]), Nanos(instants[at]));
        return Err(format!(
            "instant {nth} of the trace, {earlier}, is before the one above it, {later}: sort them"
        ));
    }
    match instants.last() {
        Some(last) if *last >= length.0 => Err(format!(
            "the trace goes to {}, the stage ends at {length}: make the stage longer",
            Nanos(*last)
        )),
        _ => Ok(()),
    }
}

/// Whether `name` can be printed everywhere.
fn check_name(name: &str) -> Result<(), String> {
    if name.trim().is_empty() {
        return Err("a name is empty: write one, such as \"hold\"".to_owned());
    }
    if name.len() > NAME_BYTES {
        let start: String = name.chars().take(20).collect();
        let bytes = name.len();
        return Err(format!("the name {start:?}... has {bytes} bytes: write up to {NAME_BYTES}"));
    }
    if name.chars().any(char::is_control) {
        return Err(format!("the name {name:?} has a control character: write it without"));
    }
    Ok(())
}
