//! Rows of the suites that send mail to many agents: throughput, latency, scalability, resources.
//!
//! A comparison's *subject* is what is under test, its *peer* what it is held against; both are
//! measured in turns inside one block. The peer of a latency is the idle twin.

use super::row::Better::{Higher, Lower, Neither};
use super::row::Rule::{BlockDifference, BlockMin, BlockRatio, Median};
use super::row::{Metric, Rule, exact, rate, row};
use crate::units::Unit::{Bytes, Count, Nanos, PerSecond, Ratio, Share};

const fn time(name: &'static str, doc: &'static str) -> Metric {
    row(name, Nanos, BlockMin, doc)
}

const fn span(name: &'static str, doc: &'static str) -> Metric {
    row(name, Nanos, Median, doc)
}

const fn bytes(name: &'static str, doc: &'static str) -> Metric {
    row(name, Bytes, Median, doc)
}

const fn count(name: &'static str, doc: &'static str) -> Metric {
    row(name, Count, Median, doc)
}

const fn share(name: &'static str, doc: &'static str) -> Metric {
    row(name, Share, Median, doc)
}

/// A ratio of times that reads as a ratio of rates: the peer's time is above the line.
const fn faster(
    name: &'static str,
    peer: &'static str,
    subject: &'static str,
    doc: &'static str,
) -> Metric {
    row(name, Ratio, BlockRatio { of: peer, to: subject }, doc).better(Higher)
}

/// Five rows per side of a latency comparison: the percentiles of its response.
macro_rules! responses {
    ($side:literal) => {
        [
            span(
                concat!($side, "_response_p50_ns"),
                concat!("from the intended start of a request to its reply, median, ", $side),
            ),
            span(
                concat!($side, "_response_p90_ns"),
                concat!("from the intended start of a request to its reply, 90 %, ", $side),
            ),
            span(
                concat!($side, "_response_p99_ns"),
                concat!("from the intended start of a request to its reply, 99 %, ", $side),
            ),
            span(
                concat!($side, "_response_p999_ns"),
                concat!("from the intended start of a request to its reply, 99.9 %, ", $side),
            ),
            span(
                concat!($side, "_response_max_ns"),
                concat!("from the intended start of a request to its reply, longest, ", $side),
            ),
        ]
    };
}

/// Two rows per phase of a memory profile: what the allocator counted, what the kernel holds.
macro_rules! memory_phase {
    ($phase:literal, $doc:literal) => {
        [
            bytes(concat!($phase, "_heap_bytes"), concat!("bytes of the host's heap ", $doc)),
            bytes(concat!($phase, "_rss_bytes"), concat!("resident memory of the process ", $doc)),
        ]
    };
}

/// Messages and tasks of two runtimes in turns.
pub(super) const COMPARISONS: &[Metric] = &[
    faster(
        "subject_to_peer_rate",
        "peer_message_ns",
        "subject_message_ns",
        "messages per second, subject over peer",
    ),
    rate("subject_message_rate", "subject_message_ns", "messages delivered per second, subject"),
    rate("peer_message_rate", "peer_message_ns", "messages delivered per second, peer"),
    time("subject_message_ns", "wall time per message delivered, subject"),
    time("peer_message_ns", "wall time per message delivered, peer"),
    row(
        "subject_to_peer_cpu",
        Ratio,
        BlockRatio { of: "subject_message_cpu_ns", to: "peer_message_cpu_ns" },
        "CPU time per message, subject over peer",
    ),
    time("subject_message_cpu_ns", "CPU time of the process per message delivered, subject"),
    time("peer_message_cpu_ns", "CPU time of the process per message delivered, peer"),
    faster(
        "subject_to_peer_task_rate",
        "peer_task_ns",
        "subject_task_ns",
        "tasks per second, subject over peer",
    ),
    rate("subject_task_rate", "subject_task_ns", "tasks done per second, subject"),
    rate("peer_task_rate", "peer_task_ns", "tasks done per second, peer"),
    time("subject_task_ns", "wall time per task done, subject"),
    time("peer_task_ns", "wall time per task done, peer"),
    time("record_ns", "wall time to count one message of a watched host"),
    time("record_slow_ns", "wall time to count one message that was too slow, and note which"),
    exact("dropped_messages", Count, Lower, "messages that were sent and not delivered"),
    exact(
        "out_of_order_messages",
        Count,
        Lower,
        "messages that one agent sent another and that overtook each other",
    ),
    exact(
        "corrupt_messages",
        Count,
        Lower,
        "messages whose content or whose agent's state is not what the sender made",
    ),
    exact("in_flight_messages", Count, Neither, "messages under way at any time of a closed loop"),
];

pub(super) const RESPONSES: &[[Metric; 5]] = &[responses!("subject"), responses!("peer")];

/// The rest of a latency.
pub(super) const LATENCY: &[Metric] = &[
    span("subject_service_p50_ns", "from the send of a request to its reply, median, subject"),
    span("subject_service_p99_ns", "from the send of a request to its reply, 99 %, subject"),
    row(
        "over_peer_p50_ns",
        Nanos,
        BlockDifference { of: "subject_response_p50_ns", less: &["peer_response_p50_ns"] },
        "median response of the subject less its idle twin's, window beside window",
    ),
    row(
        "over_peer_p99_ns",
        Nanos,
        BlockDifference { of: "subject_response_p99_ns", less: &["peer_response_p99_ns"] },
        "99 % of responses of the subject less its idle twin's, window beside window",
    ),
    span("lateness_p99_ns", "how late the driver sent after the intended start, 99 %"),
    row(
        "achieved_rate",
        PerSecond,
        Median,
        "requests per second that were answered, of the rate that was asked for",
    )
    .better(Higher),
    span("round_trip_p50_ns", "one request alone and its reply, median"),
    span("round_trip_p99_ns", "one request alone and its reply, 99 %"),
    span("round_trip_p999_ns", "one request alone and its reply, 99.9 %"),
];

/// One runtime by its number of agents.
pub(super) const SCALING: &[Metric] = &[
    span("spawn_p50_ns", "spawning one agent, median"),
    span("spawn_p99_ns", "spawning one agent, 99 %"),
    count("spawn_faults", "page faults of spawning one agent"),
    span("respawn_p50_ns", "spawning one agent where one was before, median"),
    count("respawn_faults", "page faults of spawning one agent where one was before"),
    span("spawn_warm_p50_ns", "spawning one agent where all slots were used once before, median"),
    count("spawn_warm_faults", "page faults of spawning one agent into a slot used before"),
    span("page_fault_ns", "first write to a page, median"),
    span(
        "spawn_paging_ns",
        "page faults of spawning one agent beyond a used slot's, at what a first write takes",
    ),
    row(
        "spawn_rest_ns",
        Nanos,
        BlockDifference { of: "spawn_p50_ns", less: &["respawn_p50_ns", "spawn_paging_ns"] },
        "spawning one agent beyond its page faults and what a used slot takes: mappings, page \
         tables, cold caches",
    ),
    span("up_ns", "from the first spawn until every agent has answered"),
    bytes("rss_per_agent_bytes", "resident memory per agent"),
    bytes("pss_per_agent_bytes", "proportional share of resident memory per agent"),
    bytes("page_table_per_agent_bytes", "page tables of the process per agent"),
    bytes("linear_per_agent_bytes", "linear memory of one agent"),
    bytes("memory_per_agent_bytes", "proportional share and page tables per agent"),
    bytes(
        "memory_with_traffic_per_agent_bytes",
        "proportional share and page tables per agent, messages in flight included",
    ),
    count("maps_per_agent", "mappings of the process per agent"),
    time("message_ns", "wall time per message delivered"),
    rate("message_rate", "message_ns", "messages delivered per second"),
    time("message_cpu_ns", "CPU time of the process per message delivered"),
    share(
        "idle_cpu_share",
        "share of one CPU that agents without mail take; recorded in parts per billion",
    ),
];

pub(super) const MEMORY_PHASES: &[[Metric; 2]] = &[
    memory_phase!("creation", "that creating the agents added"),
    memory_phase!("processing", "that handling the messages added"),
    memory_phase!("checkpoint", "that a checkpoint added"),
    memory_phase!("total", "at the end of all phases"),
];

/// What agents take, and what losing one costs.
pub(super) const RESOURCES: &[Metric] = &[
    span("processing_cpu_ns", "CPU time of the process per message of the processing phase"),
    span("spawning_cpu_ns", "CPU time of the process per agent of the spawning phase"),
    share(
        "agent_cpu_share",
        "share of one CPU per agent under a fixed rate; recorded in parts per billion",
    ),
    span("recover_p50_ns", "from the trap until the mailbox is replayed, median"),
    span("recover_p99_ns", "from the trap until the mailbox is replayed, 99 %"),
    span("detect_ns", "from the trap until the supervisor knows"),
    span("restart_ns", "from knowing until the agent stands again from its checkpoint"),
    span("replay_ns", "from standing until the mailbox is replayed"),
    span("copy_recover_p50_ns", "the same recovery from a full copy, median"),
    row(
        "copy_to_map_time",
        Ratio,
        Rule::Ratio { of: "copy_recover_p50_ns", to: "recover_p50_ns" },
        "recovery from a full copy over recovery from a mapped base",
    ),
    time("checkpoint_full_ns", "one full checkpoint"),
    time("checkpoint_incremental_ns", "one checkpoint of the dirty pages alone"),
    row(
        "checkpoint_full_to_incremental",
        Ratio,
        BlockRatio { of: "checkpoint_full_ns", to: "checkpoint_incremental_ns" },
        "time of a full checkpoint over an incremental one",
    )
    .better(Higher),
    count("dirty_pages", "pages written since the last checkpoint").better(Neither),
    span("crash_detect_ns", "from the kill under load until the supervisor knows"),
    span("crash_restart_ns", "from the kill under load until the agents stand again"),
    span("crash_first_success_ns", "from the kill under load to the first reply of a killed agent"),
    span("crash_steady_ns", "from the kill under load until responses are as before"),
    count("lost_messages", "messages that no agent ever handled"),
    count("duplicated_messages", "messages whose effect is in the state twice"),
    count("redelivered_messages", "messages handed to an agent again after its restart"),
    count("restarts", "agents brought back by the supervisor").better(Neither),
    span("soak_cycle_ns", "one cycle of spawn, trap and respawn"),
    count("soak_maps_growth", "mappings at the end of the soak more than at its start"),
    count("soak_fds_growth", "open files at the end of the soak more than at its start"),
    bytes("soak_rss_growth_bytes", "resident memory at the end of the soak more than at its start"),
];
