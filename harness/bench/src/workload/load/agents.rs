//! Agents on the reference orchestrator as the target of a load: each message is a request to one
//! of them, enters its memory, is read and hashed by it there, and answered with that hash.

use super::looks::Linear;
use super::target::{Answer, Target};
use crate::guest::files::AgentFiles;
use crate::workload::mail::runtime::subject_in_tier;
use crate::workload::mail::traffic::{Question, offer};
use agent_abi::mail::{Header, Kind};
use caxton_model::case::Outcome;
use caxton_model::load::plan::LoadPlan;
use caxton_runtime::orchestrator::reference::{Reference, ShardFigures};
use caxton_runtime::orchestrator::supervision::{Intensity, Supervision};
use caxton_runtime::orchestrator::{Orchestrator, Setup};
use caxton_runtime::subject::Attempt;
use caxton_runtime::subject::mail::Shape;
use caxton_runtime::subject::wasmtime::{PoolUse, WasmMailSubject};
use caxton_sys::clock::{Clock, Monotonic};
use std::sync::Arc;
use std::sync::mpsc::Receiver;

/// Messages that a mailbox holds, and the most that one call takes.
const SLOTS: u32 = 64;

/// What is done to the agents besides asking them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FaultInjection {
    /// Before each request its agent is made to trap, and is started again.
    pub deadly: bool,
    /// Bytes of the host's heap that each answer leaves behind, to see whether that is noticed.
    pub planted_bytes: u32,
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
        let (subject, tier) = subject_in_tier(files, plan.agents, shape)?;
        let compile_ns = Monotonic.now().0 - start_ns;
        let forever = Intensity { restarts: u32::MAX, period_ns: 1 };
        let supervision = match faults.deadly {
            true => Supervision { intensity: forever, ..Supervision::NONE },
            false => Supervision::NONE,
        };
        let guests = Reference::start(&subject, setup, supervision)?;
        let told = guests.ask_figures().into_iter().filter_map(|told| told.recv().ok());
        let figures = told.fold(ShardFigures::default(), ShardFigures::plus);
        linear.set(figures.linear_bytes);
        let mut rng = fastrand::Rng::with_seed(plan.seed);
        let question = Question::new(plan.message_bytes, &mut rng);
        Ok(Self {
            guests,
            tier,
            agents: plan.agents,
            question,
            rng,
            faults,
            next: None,
            is_doomed: false,
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

    fn post(&mut self, kind: Kind, agent: u32, id: u32) -> Attempt<bool> {
        offer(&mut self.guests, self.question.to(kind, agent, id))
    }
}

impl Target for Agents {
    #[inline]
    fn offer(&mut self, id: u32, _: u64) -> Attempt<bool> {
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

    /// Every request that was sent was delivered, and nothing else; what traps is lost.
    fn add_up(&mut self, sent: u64) -> Attempt<()> {
        let stats = self.guests.stats();
        let deaths = if self.faults.deadly { sent } else { 0 };
        let is_right =
            stats.delivered == sent && stats.gone() == deaths && stats.restarts == deaths;
        if is_right {
            return Ok(());
        }
        Err(Outcome::WrongAnswer(format!(
            "{sent} requests were sent and {deaths} agents made to trap; the orchestrator counts \
             {} delivered, {} gone and {} restarts",
            stats.delivered,
            stats.gone(),
            stats.restarts
        )))
    }
}
