//! Rows of loads: one process each, and so without an interval over launches. The interval of a
//! percentile is over stretches of time within the load.

use super::row::Better::Higher;
use super::row::Rule::Median;
use super::row::{Metric, row};
use crate::units::Unit::{Count, Nanos, PerSecond, Share};

const fn time(name: &'static str, doc: &'static str) -> Metric {
    row(name, Nanos, Median, doc)
}

pub(super) const LOADS: &[Metric] = &[
    time("load_response_p50_ns", "response from the intended start, median"),
    time("load_response_p90_ns", "response from the intended start, 90 %"),
    time("load_response_p99_ns", "response from the intended start, 99 %"),
    time("load_response_p999_ns", "response from the intended start, 99.9 %"),
    time("load_response_max_ns", "response from the intended start, longest"),
    time("load_service_p50_ns", "service from the send, median"),
    time("load_service_p99_ns", "service from the send, 99 %"),
    time("load_lateness_p99_ns", "how late the generator came to a message, 99 %"),
    row("load_rate", PerSecond, Median, "messages answered per second").better(Higher),
    row("load_success_share", Share, Median, "messages answered, of those offered").better(Higher),
    row("load_dropped_messages", Count, Median, "messages not sent: too many in flight"),
    row("load_killed_agents", Count, Median, "agents killed under the load"),
    row("load_restarted_agents", Count, Median, "those that were started again").better(Higher),
    time("load_detect_max_ns", "from an agent's last call until its death was seen, longest"),
    time("load_restart_max_ns", "from then until its successor was there, longest"),
    time("load_caught_up_max_ns", "from its last call until its mailbox was empty, longest"),
];
