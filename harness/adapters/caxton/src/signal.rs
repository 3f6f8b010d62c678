//! When the router has decided about a message. Its public API does not tell, so that this listens
//! to one of its log lines, which no other version need have.
//!
//! It takes the process's only global subscriber. Every other line and span of caxton is off, which
//! costs the router the least.

use caxton_sys::clock::{Clock, Monotonic};
use std::fmt::{Debug, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::Interest;
use tracing::{Event, Level, Metadata, Subscriber};

/// The module of caxton 0.1.4 whose lines are heard, and the line that tells of a decision:
/// `Successfully routed message`. It is written too where the message was dropped.
const ROUTER: &str = "caxton::message_router::router";
const DECIDED_LINE: u32 = 369;
/// How a warning begins that tells of a message which no agent gets.
pub(crate) const DROPPED: &str = "No queue registered for agent";

/// What is heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Heard {
    /// Decisions alone.
    Decisions,
    /// Warnings of dropped messages too, which costs their text.
    Drops,
}

static DECIDED: AtomicU64 = AtomicU64::new(0);
static AWAITED: AtomicU64 = AtomicU64::new(u64::MAX);
static REACHED_NS: AtomicU64 = AtomicU64::new(0);
static DROPS: AtomicU64 = AtomicU64::new(0);
static FIRST_DROP: Mutex<String> = Mutex::new(String::new());

struct RouterLog {
    heard: Heard,
}

/// Hears the router of this process from now on.
///
/// # Errors
/// Somebody else hears already.
pub(crate) fn listen(heard: Heard) -> Result<(), String> {
    tracing::subscriber::set_global_default(RouterLog { heard }).map_err(|error| error.to_string())
}

/// Decisions so far.
pub(crate) fn decided() -> u64 {
    DECIDED.load(Ordering::Acquire)
}

/// From now on the time of the `count`-th decision is kept. To be called before its message is
/// sent.
pub(crate) fn expect(count: u64) {
    REACHED_NS.store(0, Ordering::Release);
    AWAITED.store(count, Ordering::Release);
}

/// When the expected decision was made, in nanoseconds of [`Monotonic`].
pub(crate) fn reached_ns() -> Option<u64> {
    Some(REACHED_NS.load(Ordering::Acquire)).filter(|ns| *ns > 0)
}

/// [`reached_ns`] as soon as it is there.
///
/// # Errors
/// It does not come within `time`: how many decisions there were.
pub(crate) async fn reached_within(time: Duration) -> Result<u64, String> {
    const BETWEEN: Duration = Duration::from_millis(1);
    let deadline = Monotonic.now().0 + time.as_nanos() as u64;
    loop {
        if let Some(ns) = reached_ns() {
            return Ok(ns);
        }
        if Monotonic.now().0 > deadline {
            let (seen, awaited) = (decided(), AWAITED.load(Ordering::Acquire));
            return Err(format!(
                "after {} s {seen} of {awaited} route decisions were heard ({ROUTER}, line \
                 {DECIDED_LINE}): is it still caxton 0.1.4?",
                time.as_secs()
            ));
        }
        tokio::time::sleep(BETWEEN).await;
    }
}

/// Messages that were dropped so far, and the warning of the first.
pub(crate) fn dropped() -> (u64, String) {
    let first = FIRST_DROP.lock().unwrap_or_else(PoisonError::into_inner).clone();
    (DROPS.load(Ordering::Acquire), first)
}

fn is_decision(metadata: &Metadata<'_>) -> bool {
    metadata.target() == ROUTER && metadata.line() == Some(DECIDED_LINE)
}

impl RouterLog {
    fn hears(&self, metadata: &Metadata<'_>) -> bool {
        let is_warning = metadata.target() == ROUTER && *metadata.level() == Level::WARN;
        metadata.is_event() && (is_decision(metadata) || self.heard == Heard::Drops && is_warning)
    }
}

impl Subscriber for RouterLog {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if self.hears(metadata) { Interest::always() } else { Interest::never() }
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        self.hears(metadata)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::TRACE)
    }

    fn event(&self, event: &Event<'_>) {
        if is_decision(event.metadata()) {
            let count = DECIDED.fetch_add(1, Ordering::AcqRel) + 1;
            if count == AWAITED.load(Ordering::Acquire) {
                REACHED_NS.store(Monotonic.now().0, Ordering::Release);
            }
            return;
        }
        let mut text = MessageText(String::new());
        event.record(&mut text);
        if text.0.starts_with(DROPPED) && DROPS.fetch_add(1, Ordering::AcqRel) == 0 {
            *FIRST_DROP.lock().unwrap_or_else(PoisonError::into_inner) = text.0;
        }
    }

    // No span is enabled.
    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// The text of a log line.
struct MessageText(String);

impl Visit for MessageText {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "message" {
            let _ = write!(self.0, "{value:?}");
        }
    }
}
