//! Rows of the suite that measures the crate caxton. Its router delivers nothing: no name here may
//! be taken for messages that an agent got.

use super::row::Better::{Lower, Neither};
use super::row::Rule::{BlockMin, Median};
use super::row::{Metric, exact, rate, row};
use crate::units::Unit::{Bytes, Count, Nanos};

const fn span(name: &'static str, doc: &'static str) -> Metric {
    row(name, Nanos, Median, doc)
}

pub(super) const CAXTON: &[Metric] = &[
    rate("accepted_rate", "accepted_ns", "messages per second that the router's queue accepted"),
    row("accepted_ns", Nanos, BlockMin, "wall time per message that the router's queue accepted"),
    rate(
        "route_decision_rate",
        "route_decision_ns",
        "messages per second that the router looked up, and then dropped",
    ),
    row(
        "route_decision_ns",
        Nanos,
        BlockMin,
        "wall time per message that the router looked up, and then dropped",
    ),
    span("accept_p50_ns", "one message alone, until the router's queue has accepted it, median"),
    span("accept_p99_ns", "one message alone, until the router's queue has accepted it, 99 %"),
    span("route_decision_p50_ns", "one message alone, until the router has looked it up, median"),
    span("route_decision_p99_ns", "one message alone, until the router has looked it up, 99 %"),
    exact("kept_conversations", Count, Lower, "conversations that the router keeps for ever"),
    row(
        "conversation_rss_bytes",
        Bytes,
        Median,
        "resident memory that a message in a conversation of its own leaves behind",
    ),
    span("deploy_p50_ns", "deploying one agent: compiling and instantiating its module, median"),
    span("deploy_p99_ns", "deploying one agent: compiling and instantiating its module, 99 %"),
    span("start_p50_ns", "starting one deployed agent, which sets a flag, median"),
    span("start_p99_ns", "starting one deployed agent, which sets a flag, 99 %"),
    span("redeploy_p50_ns", "stopping, removing, deploying and starting one agent, median"),
    span("redeploy_p99_ns", "stopping, removing, deploying and starting one agent, 99 %"),
    exact("granted_pages", Count, Neither, "pages of 64 KiB that a guest had when it was refused"),
];
