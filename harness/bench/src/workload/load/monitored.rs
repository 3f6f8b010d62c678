//! A load on agents whose host is watched, as one in production is: each message is counted, the
//! host says how it stands, and answers can be held back to see what an alert makes of that.

use super::agents::{Agents, FaultInjection};
use super::cores::Cores;
use super::generator::{Bounds, Generator};
use super::pace::RealTime;
use super::target::{Answer, Settled, Target};
use crate::guest::files::AgentFiles;
use caxton_model::load::frame::LoadSecond;
use caxton_model::load::plan::LoadPlan;
use caxton_model::load::schedule::Schedule;
use caxton_monitor::{
    AgentState, Failure, HostFigures, MemoryKind, Metrics, PoolFigures, Recorder,
};
use caxton_runtime::subject::Attempt;
use caxton_sys::{affinity, memory};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// A load that is watched.
#[derive(Debug, Clone, Copy)]
pub struct MonitoredLoad<'a> {
    pub files: &'a AgentFiles,
    pub plan: &'a LoadPlan,
    pub metrics: &'a Arc<Metrics>,
    /// How long each answer is held back from now on, in nanoseconds.
    pub delay_ns: &'a AtomicU64,
    /// How long messages are offered; none for as long as the plan goes.
    pub for_ns: Option<u64>,
    /// Ends it before its time.
    pub stop: &'a AtomicBool,
}

impl MonitoredLoad<'_> {
    /// Runs it to its end; `each` takes what was seen in each second.
    ///
    /// # Errors
    /// What became of it; `WrongAnswer` if the agents' own count is another one.
    pub fn run(&self, each: &mut dyn FnMut(LoadSecond)) -> Attempt<()> {
        let last = affinity::allowed_cores().ok().and_then(|cores| cores.last().copied());
        let cores = Cores::of(last);
        let agents = cores.without(&|| {
            Agents::start(
                self.files,
                self.plan,
                FaultInjection::default(),
                Arc::default(),
                cores.for_target,
            )
        })?;
        // It may also run elsewhere.
        let _ = cores.generator.map(affinity::pin_to);
        let recorder = self.metrics.recorder();
        let (held, fresh) = (VecDeque::new(), Vec::new());
        let target = Monitored { load: *self, agents, recorder, held, fresh };
        target.say();
        let bounds = Bounds { from_second: 0, for_ns: self.for_ns, stop: self.stop };
        let pace = RealTime { shares_core: cores.shared.is_some() };
        let schedule = Schedule::new(self.plan);
        let mut sent = 0;
        let generator = Generator::new(self.plan, bounds, schedule, target, &pace);
        let mut target = generator.run(&mut |second| {
            sent += second.counts().sent;
            each(second);
        })?;
        target.agents.add_up(sent)
    }
}

/// Agents, with a recorder between them and who asks.
struct Monitored<'a> {
    load: MonitoredLoad<'a>,
    agents: Agents,
    recorder: Recorder,
    /// Answers that are held back, and until when.
    held: VecDeque<HeldAnswer>,
    fresh: Vec<Answer>,
}

#[derive(Debug, Clone, Copy)]
struct HeldAnswer {
    until_ns: u64,
    answer: Answer,
}

impl Monitored<'_> {
    /// Says how the host stands.
    fn say(&self) {
        let figures = self.agents.figures();
        let running = figures.running;
        let dead = u64::from(self.load.plan.agents).saturating_sub(running);
        let resident = memory::resident_counted().ok().map(|bytes| (MemoryKind::Resident, bytes.0));
        let linear = (MemoryKind::Linear, figures.linear_bytes);
        self.load.metrics.set_host(HostFigures {
            agents: BTreeMap::from([(AgentState::Running, running), (AgentState::Dead, dead)]),
            mailbox_messages: Some(figures.waiting),
            memory_bytes: resident.into_iter().chain([linear]).collect(),
            pool: self.agents.pool_use().map(|pool| PoolFigures {
                live_memories: pool.live_memories,
                warm_memories: pool.warm_memories,
                warm_bytes: pool.warm_bytes,
            }),
            compile_s: Some(self.agents.compile_ns() as f64 / 1e9),
            ..HostFigures::default()
        });
    }
}

impl Target for Monitored<'_> {
    fn offer(&mut self, id: u32, now_ns: u64) -> Attempt<bool> {
        self.agents.offer(id, now_ns)
    }

    fn answers(&mut self, now_ns: u64, answers: &mut Vec<Answer>) -> Attempt<()> {
        let delay_ns = self.load.delay_ns.load(Ordering::Relaxed);
        if delay_ns == 0 && self.held.is_empty() {
            return self.agents.answers(now_ns, answers);
        }
        self.agents.answers(now_ns, &mut self.fresh)?;
        let until_ns = now_ns + delay_ns;
        self.held.extend(self.fresh.drain(..).map(|answer| HeldAnswer { until_ns, answer }));
        while let Some(held) = self.held.pop_front_if(|held| held.until_ns <= now_ns) {
            answers.push(held.answer);
        }
        Ok(())
    }

    fn settled(&mut self, number: u64, settled: Settled) {
        match settled {
            Settled::Answered(response_ns) => self.recorder.answered(response_ns, number),
            Settled::Wrong => self.recorder.failed(Failure::Error),
            Settled::TimedOut => self.recorder.failed(Failure::TimedOut),
            Settled::Dropped => self.recorder.failed(Failure::Dropped),
        }
    }

    fn each_second(&mut self) {
        self.agents.each_second();
        self.say();
    }

    fn words(&self) -> String {
        self.agents.words()
    }
}
