//! Threads that call agents while a sampler looks on: each has agents of its own, and all work in
//! the same windows.

use super::sides::{Exchange, Loaded, counted, page_offset};
use crate::timing::blocks::{BlockSize, prepare, timed_batch};
use crate::timing::participants::Participant;
use caxton_model::case::Outcome;
use caxton_model::reading::Reading;
use caxton_model::units::Nanos;
use caxton_runtime::subject::Attempt;
use caxton_sys::clock::{Clock, CpuTime, Monotonic};
use caxton_sys::counters::Counters;
use std::collections::BTreeMap;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::{Builder, Scope};

/// Length of a batch between two looks at the clock.
const BATCH: Nanos = Nanos(200_000);

/// What a window came to, over all threads.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Turn {
    pub messages: u64,
    pub cpu: CpuTime,
}

/// Counts per message by event, or why there are none.
pub(super) type Counts = BTreeMap<String, Reading<f64>>;

enum Order {
    WarmUp(usize),
    /// Call it for so long.
    Work(usize, Nanos),
    /// Count its events for about so long.
    Count(usize, Nanos),
    /// Check what was sent, and end.
    Settle,
}

enum Answer {
    Turn(Turn),
    Counts(Counts),
}

struct Member {
    orders: Sender<Order>,
    answers: Receiver<Attempt<Answer>>,
}

pub(super) struct Callers {
    members: Vec<Member>,
}

impl Callers {
    /// Starts the threads, makes their agents and warms them up.
    pub(super) fn start<'scope, 'env: 'scope>(
        scope: &'scope Scope<'scope, 'env>,
        sides: &'env [Loaded],
        exchange: &'env Exchange,
        threads: u32,
        seed: u64,
    ) -> Attempt<Self> {
        let mut members = Vec::new();
        for number in 0..threads {
            let (orders, listen) = mpsc::channel();
            let (say, answers) = mpsc::channel();
            let rng = fastrand::Rng::with_seed(seed ^ u64::from(number));
            let work = move || serve(sides, exchange, rng, &listen, &say);
            let thread = Builder::new().name(format!("agent-{number}"));
            let started = thread.spawn_scoped(scope, work);
            started.map_err(|error| Outcome::Failed(format!("no thread: {error}")))?;
            members.push(Member { orders, answers });
        }
        let callers = Self { members };
        for side in 0..sides.len() {
            callers.all(|| Order::WarmUp(side))?;
        }
        Ok(callers)
    }

    /// All threads call the agents of `side` for `time`.
    pub(super) fn window(&self, side: usize, time: Nanos) -> Attempt<Turn> {
        self.all(|| Order::Work(side, time))
    }

    /// Counts events per message on one of the threads.
    pub(super) fn count(&self, side: usize, time: Nanos) -> Attempt<Counts> {
        let Some(member) = self.members.first() else { return Ok(Counts::new()) };
        match member.ask(Order::Count(side, time))? {
            Answer::Counts(counts) => Ok(counts),
            Answer::Turn(_) => Err(gone()),
        }
    }

    /// Checks that each agent sent on what it owed; the threads end.
    pub(super) fn finish(&self) -> Attempt<()> {
        self.all(|| Order::Settle).map(drop)
    }

    fn all(&self, order: impl Fn() -> Order) -> Attempt<Turn> {
        for member in &self.members {
            member.orders.send(order()).map_err(|_| gone())?;
        }
        let mut sum = Turn::default();
        for member in &self.members {
            if let Answer::Turn(turn) = member.answers.recv().map_err(|_| gone())?? {
                sum.messages += turn.messages;
                sum.cpu.user_ns += turn.cpu.user_ns;
                sum.cpu.kernel_ns += turn.cpu.kernel_ns;
            }
        }
        Ok(sum)
    }
}

impl Member {
    fn ask(&self, order: Order) -> Attempt<Answer> {
        self.orders.send(order).map_err(|_| gone())?;
        self.answers.recv().map_err(|_| gone())?
    }
}

fn gone() -> Outcome {
    Outcome::DiedInTheMiddle("a thread that calls agents has ended".to_owned())
}

/// A thread's life: agents of its own, then one order after another.
fn serve(
    sides: &[Loaded],
    exchange: &Exchange,
    mut rng: fastrand::Rng,
    orders: &Receiver<Order>,
    answers: &Sender<Attempt<Answer>>,
) {
    let mut agents: Vec<Option<Participant<'_>>> = sides.iter().map(|_| None).collect();
    for order in orders {
        let is_last = matches!(order, Order::Settle);
        let answer = match order {
            Order::WarmUp(side) => warm(&sides[side], exchange, &mut rng).map(|agent| {
                agents[side] = Some(agent);
                Answer::Turn(Turn::default())
            }),
            Order::Work(side, time) => with(&mut agents, side, |agent| work(agent, time)),
            Order::Count(side, time) => with(&mut agents, side, |agent| count(agent, time)),
            Order::Settle => settle(&agents, exchange),
        };
        let is_lost = answer.is_err();
        if answers.send(answer).is_err() || is_last || is_lost {
            return;
        }
    }
}

fn with<'a>(
    agents: &mut [Option<Participant<'a>>],
    side: usize,
    work: impl FnOnce(&mut Participant<'a>) -> Attempt<Answer>,
) -> Attempt<Answer> {
    agents[side].as_mut().map_or_else(|| Err(gone()), work)
}

fn warm<'a>(
    side: &Loaded,
    exchange: &'a Exchange,
    rng: &mut fastrand::Rng,
) -> Attempt<Participant<'a>> {
    let mut instance = side.instantiate()?;
    let message = exchange.message.get();
    instance.reserve(message.len(), page_offset(rng))?;
    let mut agent = Participant::new("agent", instance, message, &exchange.reply);
    let size = BlockSize { samples_max: 8, time: Nanos(1_000_000), batch_min: BATCH };
    prepare(&Monotonic, &mut agent.instance, message, size)?;
    agent.instance.check_reply(side.side().name(), &exchange.reply)?;
    Ok(agent)
}

fn work(agent: &mut Participant<'_>, time: Nanos) -> Attempt<Answer> {
    let Participant { name, instance, message, reply } = agent;
    let (before, calls) = (CpuTime::of_thread(), instance.calls);
    let start = Monotonic.now();
    while Monotonic.now().0 - start.0 < time.0 {
        timed_batch(&Monotonic, instance, message, instance.iterations)?;
    }
    let cpu = CpuTime::of_thread().since(before);
    instance.check_reply(name, reply)?;
    Ok(Answer::Turn(Turn { messages: instance.calls - calls, cpu }))
}

fn count(agent: &mut Participant<'_>, time: Nanos) -> Attempt<Answer> {
    let mut counters = Counters::open();
    let mut counts: Counts = counters
        .missing()
        .iter()
        .map(|(event, why)| ((*event).to_owned(), Reading::Missing(why.clone())))
        .collect();
    let counted = counted(&Monotonic, &mut counters, agent, time)?;
    for (event, count) in counted.groups.iter().flat_map(|group| group.scaled()) {
        let per_message = match count {
            Reading::Known(count) => Reading::Known(count as f64 / counted.iterations as f64),
            Reading::Missing(why) => Reading::Missing(why),
        };
        counts.insert(event, per_message);
    }
    Ok(Answer::Counts(counts))
}

fn settle(agents: &[Option<Participant<'_>>], exchange: &Exchange) -> Attempt<Answer> {
    for agent in agents.iter().flatten() {
        agent.instance.check_sent(exchange.sends)?;
    }
    Ok(Answer::Turn(Turn::default()))
}
