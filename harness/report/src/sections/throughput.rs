//! Throughput: two runtimes in turns, by messages and tasks, and what each strategy is worth.

use crate::sections::figures::{is_unclear, notes};
use crate::sections::grid::{Cell, Column, annotate, cases, further, label, noted, shown, tone};
use crate::table::{Table, Tone};
use caxton_model::case::{
    BATCHING, MONITORING, PAYLOAD, POOLING, ROUTE, TASKS, THROUGHPUT, TIERS, ZERO_COPY,
};
use caxton_model::record::{CaseRecord, Record};
use caxton_model::words::NONE;

const LOAD: &[&str] = &["agents", "bytes"];

const RATES: &[Column] = &[
    ("<subject", Cell::Subject),
    ("<peer", Cell::Peer),
    ("agents", Cell::Param("agents")),
    ("bytes", Cell::Param("bytes")),
    ("<with", Cell::Others(LOAD)),
    ("msg/s", Cell::Estimate("subject_message_rate")),
    ("peer's", Cell::Estimate("peer_message_rate")),
    ("rate", Cell::Estimate("subject_to_peer_rate")),
    ("95 % interval", Cell::Interval("subject_to_peer_rate")),
    ("n", Cell::Launches("subject_to_peer_rate")),
    ("<checked", Cell::Checked),
];

const CPU: &[Column] = &[
    ("<subject", Cell::Subject),
    ("<peer", Cell::Peer),
    ("agents", Cell::Param("agents")),
    ("bytes", Cell::Param("bytes")),
    ("<with", Cell::Others(LOAD)),
    ("CPU/msg", Cell::Estimate("subject_message_cpu_ns")),
    ("peer's", Cell::Estimate("peer_message_cpu_ns")),
    ("CPU", Cell::Estimate("subject_to_peer_cpu")),
    ("95 % interval", Cell::Interval("subject_to_peer_cpu")),
    ("n", Cell::Launches("subject_to_peer_cpu")),
    ("in flight", Cell::Exact("in_flight_messages")),
];

const DONE: &[Column] = &[
    ("<subject", Cell::Subject),
    ("<peer", Cell::Peer),
    ("agents", Cell::Param("agents")),
    ("tasks", Cell::Param("tasks")),
    ("<with", Cell::Others(&["agents", "tasks"])),
    ("tasks/s", Cell::Estimate("subject_task_rate")),
    ("peer's", Cell::Estimate("peer_task_rate")),
    ("rate", Cell::Estimate("subject_to_peer_task_rate")),
    ("95 % interval", Cell::Interval("subject_to_peer_task_rate")),
    ("n", Cell::Launches("subject_to_peer_task_rate")),
    ("<checked", Cell::Checked),
];

const RECORDING: &[Column] = &[
    ("agents", Cell::Param("agents")),
    ("in time", Cell::Estimate("record_ns")),
    ("95 % interval", Cell::Interval("record_ns")),
    ("too slow", Cell::Estimate("record_slow_ns")),
    ("95 % interval", Cell::Interval("record_slow_ns")),
    ("n", Cell::Launches("record_ns")),
];

/// What two strategies are compared by: its name, of one, of the other, and one over the other.
const FIGURES: [[&str; 4]; 3] = [
    ["msg/s", "subject_message_rate", "peer_message_rate", "subject_to_peer_rate"],
    ["tasks/s", "subject_task_rate", "peer_task_rate", "subject_to_peer_task_rate"],
    ["CPU/msg", "subject_message_cpu_ns", "peer_message_cpu_ns", "subject_to_peer_cpu"],
];

pub(crate) fn tables(record: &Record) -> Vec<Table> {
    let messages = cases(record, THROUGHPUT, &[ROUTE, PAYLOAD]);
    let tasks = cases(record, THROUGHPUT, &[TASKS]);
    let both = cases(record, THROUGHPUT, &[BATCHING, POOLING, ZERO_COPY, TIERS]);
    let watched = cases(record, THROUGHPUT, &[MONITORING]);
    let counted = watched.iter().copied().filter(|case| case.metric("record_ns").is_ok());
    let counted: Vec<_> = counted.collect();
    let mut cpu = further("Throughput: CPU time of the process per message", CPU, &messages);
    if !messages.is_empty() {
        let text = "In flight: messages under way at any time of the closed loop.";
        cpu.note(Tone::Plain, text);
    }
    vec![
        noted("Throughput: messages delivered per second, in turns with a peer", RATES, &messages),
        cpu,
        noted("Throughput: tasks done per second, in turns with a peer", DONE, &tasks),
        strategies(STRATEGIES, &both),
        strategies(WATCHED, &watched),
        further("Watched hosts: to count one message, alone", RECORDING, &counted),
    ]
}

const STRATEGIES: &str =
    "Strategies: batching, pooling and zero copy, each in turns with doing without";
const WATCHED: &str = "Watched hosts: each message counted, or strangers around /metrics, in turns \
                       with neither";

fn strategies(title: &str, cases: &[&CaseRecord]) -> Table {
    let columns = [
        "<strategy",
        "<against",
        "<with",
        "<figure",
        "its own",
        "other's",
        "ratio",
        "95 % interval",
        "n",
        "<checked",
    ];
    let mut table = Table::new(title, &columns);
    let named = [Cell::Subject, Cell::Peer, Cell::Others(&[])];
    for case in cases {
        let names = named.map(|cell| shown(case, cell));
        let told: Vec<_> = FIGURES
            .iter()
            .filter(|figure| case.metric(figure[3]).is_ok() || is_unclear(case, figure[3]))
            .collect();
        for [figure, subject, peer, ratio] in &told {
            let cells = [
                Cell::Estimate(subject),
                Cell::Estimate(peer),
                Cell::Estimate(ratio),
                Cell::Interval(ratio),
                Cell::Launches(ratio),
                Cell::Checked,
            ];
            let cells = cells.map(|cell| shown(case, cell));
            let cells = names
                .iter()
                .map(String::as_str)
                .chain([*figure])
                .chain(cells.each_ref().map(String::as_str));
            table.row(tone(case), cells);
        }
        if told.is_empty() {
            table.row(Tone::Bad, names.iter().map(String::as_str).chain([NONE; 7]));
        }
    }
    notes(&mut table, cases, label);
    let figures = FIGURES.iter().flat_map(|[_, subject, peer, ratio]| {
        [Cell::Estimate(subject), Cell::Estimate(peer), Cell::Interval(ratio)]
    });
    let figures: Vec<Column> = figures.chain([Cell::Checked]).map(|cell| ("", cell)).collect();
    annotate(&mut table, &figures, cases);
    table
}
