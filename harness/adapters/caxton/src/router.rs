//! Caxton's router: how many messages its queue accepts, and how many it looks up and then drops.
//!
//! Nothing here is delivery. No public function gives an agent a queue, so that a message that was
//! looked up ends in a warning.

use crate::report::{Probed, Readings, failed};
use crate::signal::{self, Heard};
use caxton::message_router::{
    AgentId, AgentName, AgentQueueSize, AgentState, ConversationId, DeliveryOptions, FipaMessage,
    LocalAgent, MessageContent, MessageId, MessageRouter, MessageRouterImpl, MessageTimestamp,
    Performative, RouterConfig, RouterError, RouterStats,
};
use caxton_model::case::Outcome;
use caxton_sys::clock::{Clock, Monotonic};
use caxton_sys::memory;
use std::sync::Arc;
use std::time::Duration;

/// Agents that the router knows.
pub(crate) const AGENTS: usize = 10;
/// Bytes of a message's content.
pub(crate) const CONTENT_BYTES: usize = 64;
/// Messages of a window: a hundred times what the queue has room for, so that what it accepts is
/// what the router keeps up with.
const WINDOW: u64 = 100_000;
/// Windows of a launch, after one to warm up.
const WINDOWS: u32 = 5;
/// Messages of a launch that are sent one by one, after some to warm up.
const ALONE: usize = 20_000;
/// Conversations of a launch, after some to warm up.
const CONVERSED: u64 = 500_000;
const WARM_UP: usize = 1_000;
/// The longest wait for decisions.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running router that knows its agents.
pub(crate) struct Router {
    pub(crate) router: Arc<MessageRouterImpl>,
    agents: Vec<AgentId>,
    sent: u64,
}

impl Router {
    /// Starts a router with the defaults of its builder, and shows that its decisions are heard.
    pub(crate) async fn start(heard: Heard) -> Result<Self, Outcome> {
        signal::listen(heard).map_err(|error| failed("subscriber", error))?;
        let config = RouterConfig::builder().build();
        let config = config.map_err(|error| failed("router configuration", error))?;
        let router = MessageRouterImpl::new(config).await;
        let router = Arc::new(router.map_err(|error| failed("router", error))?);
        router.start().await.map_err(|error| failed("router start", error))?;
        let mut agents = Vec::new();
        for number in 0..AGENTS {
            let agent = agent(number)?;
            agents.push(agent.id);
            let registered = router.register_agent(agent, Vec::new()).await;
            registered.map_err(|error| failed("register_agent", error))?;
        }
        let mut started = Self { router, agents, sent: 0 };
        started.prove().await?;
        Ok(started)
    }

    /// Holds both signs of a decision against each other: the log line, and the length of the one
    /// conversation of all messages, which is counted before the look-up.
    async fn prove(&mut self) -> Result<(), Outcome> {
        let conversation = ConversationId::generate();
        let messages = self.messages(WARM_UP, Some(conversation))?;
        self.send_all(vec![messages]).await?;
        let stats = self.stats().await?;
        let said = stats.average_conversation_length * stats.active_conversations as f64;
        match said.round() as usize == WARM_UP {
            true => Ok(()),
            false => Err(Outcome::WrongAnswer(format!(
                "{WARM_UP} route decisions were heard, and the conversation has {said} messages"
            ))),
        }
    }

    /// `count` messages from agent to agent.
    pub(crate) fn messages(
        &self,
        count: usize,
        conversation: Option<ConversationId>,
    ) -> Result<Vec<FipaMessage>, Outcome> {
        let agent = |i: usize| self.agents[i % self.agents.len()];
        (0..count).map(|i| message([agent(i), agent(i + 1)], conversation)).collect()
    }

    /// Sends each of `parts` from a task of its own, and waits until all are decided: how long it
    /// took to accept them, and to decide, in nanoseconds.
    pub(crate) async fn send_all(
        &mut self,
        parts: Vec<Vec<FipaMessage>>,
    ) -> Result<[u64; 2], Outcome> {
        self.sent += parts.iter().map(|part| part.len() as u64).sum::<u64>();
        signal::expect(self.sent);
        let start = Monotonic.now().0;
        let send = |part: Vec<FipaMessage>| {
            let router = Arc::clone(&self.router);
            tokio::spawn(async move {
                for message in part {
                    router.route_message(message).await?;
                }
                Ok::<_, RouterError>(Monotonic.now().0)
            })
        };
        let mut accepted = start;
        for sender in parts.into_iter().map(send).collect::<Vec<_>>() {
            let ended = sender.await.map_err(|error| failed("sender", error))?;
            accepted = accepted.max(ended.map_err(|error| failed("route_message", error))?);
        }
        let decided = signal::reached_within(PATIENCE).await;
        let decided = decided.map_err(Outcome::Failed)?;
        Ok([accepted - start, decided.saturating_sub(start)])
    }

    pub(crate) async fn stats(&self) -> Result<RouterStats, Outcome> {
        self.router.get_stats().await.map_err(|error| failed("get_stats", error))
    }

    /// That every message was accepted and decided once.
    async fn check(&self) -> Result<(), Outcome> {
        let counted = self.stats().await?.total_messages_processed.into_inner() as u64;
        let (sent, decided) = (self.sent, signal::decided());
        match [counted, decided] == [sent; 2] {
            true => Ok(()),
            false => Err(Outcome::WrongAnswer(format!(
                "{sent} messages sent, {counted} counted by the router, {decided} decided"
            ))),
        }
    }
}

fn agent(number: usize) -> Result<LocalAgent, Outcome> {
    let name = AgentName::try_new(format!("agent-{number}"));
    Ok(LocalAgent::new(
        AgentId::generate(),
        name.map_err(|error| failed("agent name", error))?,
        AgentState::Running,
        Vec::new(),
        MessageTimestamp::now(),
        AgentQueueSize::default(),
    ))
}

fn message(
    [sender, receiver]: [AgentId; 2],
    conversation_id: Option<ConversationId>,
) -> Result<FipaMessage, Outcome> {
    let content = MessageContent::try_new(vec![b'x'; CONTENT_BYTES]);
    Ok(FipaMessage {
        performative: Performative::Inform,
        sender,
        receiver,
        content: content.map_err(|error| failed("message content", error))?,
        language: None,
        ontology: None,
        protocol: None,
        conversation_id,
        reply_with: None,
        in_reply_to: None,
        message_id: MessageId::generate(),
        created_at: MessageTimestamp::now(),
        trace_context: None,
        delivery_options: DeliveryOptions::default(),
    })
}

/// Messages per second, sent by so many tasks.
pub(crate) async fn rates(senders: usize) -> Probed {
    let mut router = Router::start(Heard::Decisions).await?;
    let mut readings = Readings::default();
    for window in 0..=WINDOWS {
        let each = WINDOW as usize / senders;
        let parts = (0..senders).map(|_| router.messages(each, None));
        let parts: Vec<_> = parts.collect::<Result<_, _>>()?;
        let count = parts.iter().map(|part| part.len() as u64).sum();
        let [accepted, decided] = router.send_all(parts).await?;
        if let Some(block) = window.checked_sub(1) {
            readings.add("accepted_ns", block, [count, accepted]);
            readings.add("route_decision_ns", block, [count, decided]);
        }
    }
    router.check().await?;
    Ok(readings)
}

/// One message at a time.
pub(crate) async fn latency() -> Probed {
    let mut router = Router::start(Heard::Decisions).await?;
    let messages = router.messages(WARM_UP + ALONE, None)?;
    let count = messages.len() as u64;
    let (own, first) = (Arc::clone(&router.router), router.sent);
    let sender = tokio::spawn(async move {
        let mut times = Vec::with_capacity(messages.len());
        for (i, message) in messages.into_iter().enumerate() {
            signal::expect(first + i as u64 + 1);
            let start = Monotonic.now().0;
            own.route_message(message).await.map_err(|error| failed("route_message", error))?;
            let accepted = Monotonic.now().0;
            while signal::reached_ns().is_none() {
                tokio::task::yield_now().await;
            }
            let decided = signal::reached_ns().unwrap_or(start);
            times.push([accepted, decided].map(|end| end.saturating_sub(start) as f64));
        }
        Ok::<_, Outcome>(times)
    });
    let times = sender.await.map_err(|error| failed("sender", error))??;
    router.sent += count;
    router.check().await?;
    let mut readings = Readings::default();
    for (at, name) in ["accept", "route_decision"].into_iter().enumerate() {
        let own: Vec<f64> = times.iter().skip(WARM_UP).map(|times| times[at]).collect();
        readings.percentiles(name, &own);
    }
    Ok(readings)
}

/// What a message in a conversation of its own leaves behind.
pub(crate) async fn conversations() -> Probed {
    let mut router = Router::start(Heard::Decisions).await?;
    let before = resident()?;
    let kept_before = router.stats().await?.active_conversations as u64;
    const PART: u64 = 10_000;
    for _ in 0..CONVERSED / PART {
        let mut messages = router.messages(PART as usize, None)?;
        for message in &mut messages {
            message.conversation_id = Some(ConversationId::generate());
        }
        router.send_all(vec![messages]).await?;
    }
    let after = resident()?;
    router.check().await?;
    let kept = router.stats().await?.active_conversations as u64 - kept_before;
    if kept != CONVERSED {
        let why = format!("{CONVERSED} conversations were begun, and {kept} are kept");
        return Err(Outcome::WrongAnswer(why));
    }
    let mut readings = Readings::default();
    let growth = after.saturating_sub(before);
    readings.add("conversation_rss_bytes", 0, [CONVERSED, growth]);
    readings.one("kept_conversations", kept);
    Ok(readings)
}

/// Resident memory without what the allocator only holds, in bytes.
fn resident() -> Result<u64, Outcome> {
    memory::trim();
    memory::resident().map(|bytes| bytes.0).map_err(|why| failed("resident memory", why))
}
