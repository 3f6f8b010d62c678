//! A stage as it is written on a command line: `name=burst,role=burst,length=10s,rate=50000`, or
//! `rate=0..10000` for a ramp. Waves and traces are for files.

use crate::load::plan::{Rate, Role, Stage};
use crate::units::Nanos;
use std::collections::BTreeMap;

/// Why a text is no stage, and how to mend it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("stage {text:?}: {why}")]
pub struct BadStage {
    text: String,
    why: String,
}

impl Role {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|role| role.name() == text).ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            format!("{:?} is no role: write one of {names}", start_of(text))
        })
    }
}

/// `text`, or the start of it where it is too long for an error.
pub(super) fn start_of(text: &str) -> String {
    const SHOWN: usize = 60;
    let start: String = text.chars().take(SHOWN).collect();
    if start.len() < text.len() { format!("{start}...") } else { start }
}

/// The length of time `text` of `what`.
pub(super) fn time(what: &str, text: &str) -> Result<Nanos, String> {
    text.parse().map_err(|e| format!("{what} = {:?}: {e}", start_of(text)))
}

impl Stage {
    /// Reads a stage from a flag. Without a role it is a ramp where it is one, and else `hold`.
    ///
    /// # Errors
    /// The first thing that is wrong, and how to mend it.
    pub fn parse(text: &str) -> Result<Self, BadStage> {
        let read = || {
            let mut keys = BTreeMap::new();
            for part in text.split(',') {
                let (key, value) = part
                    .split_once('=')
                    .ok_or_else(|| format!("{:?} has no `=`: write {FORM}", start_of(part)))?;
                let key = key.trim();
                if !["name", "role", "length", "rate", "kill"].contains(&key) {
                    return Err(format!("{:?} is no key of a stage: write {FORM}", start_of(key)));
                }
                if keys.insert(key, value.trim()).is_some() {
                    return Err(format!("{key} is there twice: write it once"));
                }
            }
            let needed = |key| {
                keys.get(key).copied().ok_or_else(|| format!("{key} is missing: write {FORM}"))
            };
            let rate = read_rate(needed("rate")?)?;
            let role =
                keys.get("role").map_or_else(|| Ok(rate.usual_role()), |r| Role::parse(r))?;
            let stage = Self::new(needed("name")?, role, time("length", needed("length")?)?, rate);
            let stage = stage.killing(keys.get("kill").map_or(Ok(0), |text| read_kill(text))?);
            stage.check().map(|()| stage)
        };
        read().map_err(|why| BadStage { text: start_of(text), why })
    }
}

/// The form of a stage, for errors.
const FORM: &str = "name=NAME,length=10s,rate=1000, role=ROLE if it is not hold, kill=N if \
                    agents die at its start";

fn read_kill(text: &str) -> Result<u32, String> {
    text.parse().map_err(|_| format!("kill={}: write a number of agents", start_of(text)))
}

fn read_rate(text: &str) -> Result<Rate, String> {
    let number = |part: &str| {
        let bad = || {
            let text = start_of(text);
            format!("rate={text}: write messages per second such as 1000, or 0..1000 for a ramp")
        };
        part.trim().parse::<f64>().map_err(|_| bad())
    };
    match text.split_once("..") {
        Some((from, to)) => Ok(Rate::Linear { from: number(from)?, to: number(to)? }),
        None => Ok(Rate::Constant { per_second: number(text)? }),
    }
}

#[cfg(test)]
#[path = "flags_tests.rs"]
mod tests;
