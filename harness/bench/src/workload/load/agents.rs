//! Agents on the reference orchestrator as the target of a load: each message is a request to one
//! of them, enters its memory, is read and hashed by it there, and answered with that hash.

use super::looks::Linear;
use super::target::{Answer, Target};
use crate::guest::files::AgentFiles;
use crate::workload::mail::runtime::{most_bytes, subject, subject_in_tier};
use crate::workload::mail::traffic::{Question, offer};
use agent_abi::mail::{Header, Kind};
use caxton_model::case::Outcome;
use caxton_model::load::crashes::{CrashTime, Crashes};
use caxton_model::load::plan::LoadPlan;
use caxton_model::reading::{Missing, Reading};
use caxton_runtime::orchestrator::reference::{Reference, ShardFigures};
use caxton_runtime::orchestrator::supervision::{Delivery, Incident, Intensity, Supervision};
use caxton_runtime::orchestrator::{Orchestrator, Setup, Stats};
use caxton_runtime::subject::Attempt;
use caxton_runtime::subject::mail::Shape;
use caxton_runtime::subject::wasmtime::{Allocation, EngineOptions, PoolUse, WasmMailSubject};
use caxton_sys::clock::{Clock, Monotonic};
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::Receiver;

/// Messages that a mailbox holds, and the most in an agent's turn.
const SLOTS: u32 = 64;

/// Restarts that an agent is allowed within a second, and messages between two of its checkpoints,
/// where a load kills agents.
pub const RESTARTS: u32 = 5;
const CHECKPOINT_EVERY: u32 = 64;
/// What an agent may ask for beside its first memory and its mailbox.
const HEAP_BYTES: u64 = 4 << 20;

/// What is done to the agents besides asking them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FaultInjection {
    /// Before each request its agent is made to trap, and is started again.
    pub deadly: bool,
    /// Bytes of the host's heap that each answer leaves behind, to see whether that is noticed.
    pub planted_bytes: u32,
    /// Those that the plan kills before this instant of it were killed by another process.
    pub kills_from_ns: u64,
    /// Restarts that an agent is allowed within a second.
    pub restarts: u32,
}

/// When an agent is to die, in nanoseconds from the plan's start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Kill {
    at_ns: u64,
    agent: u32,
}

pub struct Agents {
    guests: Reference<WasmMailSubject>,
    /// Where they live, in words.
    tier: String,
    agents: u32,
    question: Question,
    rng: fastrand::Rng,
    faults: FaultInjection,
    /// Whom the next request is for: the same one until it is taken, so that the agents are asked
    /// in an order that is the seed's.
    next: Option<u32>,
    /// Whether the trap of the next request is posted.
    is_doomed: bool,
    /// Those to come, the next one first; and how many there were.
    kills: VecDeque<Kill>,
    killed: u64,
    linear: Arc<Linear>,
    /// What all shards said last, and what they were asked since.
    figures: ShardFigures,
    asked: Vec<Receiver<ShardFigures>>,
    subject: WasmMailSubject,
    compile_ns: u64,
}

impl Agents {
    /// All agents of `plan`, waiting for mail, on as many threads as can run at once.
    pub fn start(
        files: &AgentFiles,
        plan: &LoadPlan,
        faults: FaultInjection,
        linear: Arc<Linear>,
        at_once: u32,
    ) -> Attempt<Self> {
        let least = (Header::BYTES + 8) as u32;
        if plan.message_bytes < least {
            let why = format!("message_bytes = {}: {least} at the least", plan.message_bytes);
            return Err(Outcome::Refused(why));
        }
        let shape = Shape::of(SLOTS, plan.message_bytes);
        let shards = at_once.clamp(1, plan.agents);
        let setup = Setup { agents: plan.agents, shards, shape, batch: SLOTS };
        let start_ns = Monotonic.now().0;
        let (subject, tier) = match plan.killed() {
            0 => subject_in_tier(files, setup)?,
            _ => with_checkpoints(files, setup)?,
        };
        let compile_ns = Monotonic.now().0 - start_ns;
        let (supervision, rules) = supervision(plan, faults);
        let mut guests = Reference::start(&subject, setup, supervision)?;
        if plan.killed() > 0 {
            // Each has one from the start. What the first one keeps open is no leak: it is there
            // before anything is counted.
            let kept = (0..plan.agents).try_for_each(|agent| guests.checkpoint(agent));
            kept.map_err(|error| Outcome::Failed(format!("no checkpoint: {error}")))?;
        }
        let told = guests.ask_figures().into_iter().filter_map(|told| told.recv().ok());
        let figures = told.fold(ShardFigures::default(), ShardFigures::plus);
        linear.set(figures.linear_bytes);
        let mut rng = fastrand::Rng::with_seed(plan.seed);
        let question = Question::new(plan.message_bytes, &mut rng);
        Ok(Self {
            guests,
            tier: tier + &rules,
            agents: plan.agents,
            question,
            rng,
            faults,
            next: None,
            is_doomed: false,
            kills: kills(plan, faults.kills_from_ns),
            killed: 0,
            linear,
            figures,
            asked: Vec::new(),
            subject,
            compile_ns,
        })
    }

    /// How all agents stood about a second ago.
    pub fn figures(&self) -> ShardFigures {
        self.figures
    }

    /// How their engine's pool is used; none where it has none.
    pub fn pool_use(&self) -> Option<PoolUse> {
        self.subject.pool_use()
    }

    /// How long their module took to compile, in nanoseconds.
    pub fn compile_ns(&self) -> u64 {
        self.compile_ns
    }

    /// Kills those whose time has come; false if there was no room for it.
    fn kill(&mut self, now_ns: u64) -> Attempt<bool> {
        while let Some(kill) = self.kills.front().copied().filter(|kill| kill.at_ns <= now_ns) {
            if !self.post(Kind::Trap, kill.agent, 0)? {
                return Ok(false);
            }
            self.kills.pop_front();
            self.killed += 1;
        }
        Ok(true)
    }

    fn post(&mut self, kind: Kind, agent: u32, id: u32) -> Attempt<bool> {
        offer(&mut self.guests, self.question.to(kind, agent, id))
    }
}

/// What becomes of agents that die, and the same in words.
fn supervision(plan: &LoadPlan, faults: FaultInjection) -> (Supervision, String) {
    let restarts = faults.restarts;
    if plan.killed() > 0 {
        // The message that an agent dies of is lost with it, and no other is handled twice.
        let supervision = Supervision {
            delivery: Delivery::AtMostOnce,
            intensity: Intensity { restarts, period_ns: 1_000_000_000 },
            checkpoint_every: Some(CHECKPOINT_EVERY),
        };
        let words = format!(
            ", a checkpoint every {CHECKPOINT_EVERY} messages, at most {restarts} restarts within \
             1 s, delivery at most once"
        );
        return (supervision, words);
    }
    let forever = Intensity { restarts: u32::MAX, period_ns: 1 };
    match faults.deadly {
        true => (Supervision { intensity: forever, ..Supervision::NONE }, String::new()),
        false => (Supervision::NONE, String::new()),
    }
}

/// Guests that can be started again from a checkpoint; and where they live, in words.
fn with_checkpoints(files: &AgentFiles, setup: Setup) -> Attempt<(WasmMailSubject, String)> {
    let slot_bytes = most_bytes(files, setup, HEAP_BYTES)?;
    let allocation = Allocation::Slab { agents: setup.agents, slot_bytes };
    let options = EngineOptions { allocation, checkpoints: true, ..EngineOptions::default() };
    Ok((subject(files, options)?, "dense (one mapping, bounds checked)".to_owned()))
}

/// Whom `plan` kills from `from_ns` on, by its seed.
fn kills(plan: &LoadPlan, from_ns: u64) -> VecDeque<Kill> {
    // Not the order in which agents are asked.
    let mut chance = fastrand::Rng::with_seed(!plan.seed);
    let (mut at_ns, mut kills) = (0, VecDeque::new());
    for stage in &plan.stages {
        let mut agents: Vec<u32> = (0..plan.agents).collect();
        chance.shuffle(&mut agents);
        let victims = agents.into_iter().take(stage.kill as usize);
        kills.extend(victims.map(|agent| Kill { at_ns, agent }));
        at_ns += stage.granted.0;
    }
    kills.retain(|kill| kill.at_ns >= from_ns);
    kills
}

/// What `incidents` come to, of which `killed` were sent what kills.
fn told(killed: u64, stats: &Stats, incidents: &[Incident]) -> Crashes {
    let times = |time: &dyn Fn(&Incident) -> Option<u64>| {
        let none = || Missing::Undefined("no killed agent came so far".to_owned());
        let times = CrashTime::of(incidents.iter().filter_map(time).collect());
        Reading::from(times.ok_or_else(none))
    };
    let since = |to_ns: Option<u64>, from_ns: u64| to_ns.map(|ns| ns.saturating_sub(from_ns));
    let back = incidents.iter().filter(|incident| incident.restarted_ns.is_some()).count() as u64;
    Crashes {
        killed,
        died: incidents.len() as u64,
        back,
        // What killed an agent is lost with it, and is no request.
        lost: stats.gone().saturating_sub(killed),
        detect: times(&|it| since(Some(it.seen_ns), it.called_ns)),
        restart: times(&|it| since(it.restarted_ns, it.seen_ns)),
        caught_up: times(&|it| since(it.caught_up_ns, it.called_ns)),
    }
}

impl Target for Agents {
    #[inline]
    fn offer(&mut self, id: u32, now_ns: u64) -> Attempt<bool> {
        if !self.kills.is_empty() && !self.kill(now_ns)? {
            return Ok(false);
        }
        let agent = *self.next.get_or_insert_with(|| self.rng.u32(..self.agents));
        if self.faults.deadly && !self.is_doomed {
            self.is_doomed = self.post(Kind::Trap, agent, id)?;
            if !self.is_doomed {
                return Ok(false);
            }
        }
        let is_taken = self.post(Kind::Ask, agent, id)?;
        if is_taken {
            (self.next, self.is_doomed) = (None, false);
        }
        Ok(is_taken)
    }

    #[inline]
    fn answers(&mut self, _: u64, answers: &mut Vec<Answer>) -> Attempt<()> {
        let (hash, planted) = (self.question.answer(), self.faults.planted_bytes as usize);
        self.guests.replies(&mut |reply| {
            let Some(header) = Header::read(reply) else { return };
            if planted > 0 {
                std::mem::forget(std::hint::black_box(vec![1u8; planted]));
            }
            let is_right = header.hash == hash;
            answers.push(Answer { id: header.id, is_right, done_ns: None });
        });
        Ok(())
    }

    fn each_second(&mut self) {
        if self.faults.deadly {
            // They are kept until somebody asks.
            drop(self.guests.incidents());
        }
        // Asked a second ago, and not waited for.
        let asked = std::mem::take(&mut self.asked);
        let told: Option<Vec<ShardFigures>> =
            asked.iter().map(|asked| asked.try_recv().ok()).collect();
        // A sum that lacks a shard is none.
        if let Some(told) = told.filter(|told| !told.is_empty()) {
            self.figures = told.into_iter().fold(ShardFigures::default(), ShardFigures::plus);
            self.linear.set(self.figures.linear_bytes);
        }
        self.asked = self.guests.ask_figures();
    }

    fn words(&self) -> String {
        let (agents, tier) = (self.agents, &self.tier);
        let deadly = if self.faults.deadly { ", each killed before each message" } else { "" };
        let planted = match self.faults.planted_bytes {
            0 => String::new(),
            bytes => format!(", with a planted leak of {bytes} B per message"),
        };
        format!("{agents} guest agents on the reference runtime, {tier}{deadly}{planted}")
    }

    fn crashes(&mut self) -> Option<Crashes> {
        if self.killed == 0 {
            return None;
        }
        let incidents = self.guests.incidents();
        Some(told(self.killed, &self.guests.stats(), &incidents))
    }

    /// Every request that was sent was delivered, and nothing else; what traps is lost, and with it
    /// what was for an agent that stays dead.
    fn add_up(&mut self, sent: u64) -> Attempt<()> {
        let stats = self.guests.stats();
        let deaths = if self.faults.deadly { sent } else { self.killed };
        let is_settled = stats.delivered + stats.gone() == sent + deaths;
        let is_right = match self.killed {
            0 => stats.gone() == deaths && stats.restarts == deaths,
            // What traps kills nobody where one stays dead.
            _ if stats.escalated > 0 => stats.failures <= deaths && stats.duplicated == 0,
            _ => stats.failures == deaths && stats.duplicated == 0,
        };
        let is_right = is_right && is_settled;
        if is_right {
            return Ok(());
        }
        Err(Outcome::WrongAnswer(format!(
            "{sent} requests were sent and {deaths} agents made to trap; the orchestrator counts \
             {} delivered, {} gone, {} deaths and {} restarts",
            stats.delivered,
            stats.gone(),
            stats.failures,
            stats.restarts
        )))
    }
}

#[cfg(test)]
#[path = "agents_tests.rs"]
mod tests;
