//! What agents take, by phase, and what losing one costs.

use crate::sections::figures::{interval, launches, notes};
use crate::sections::grid::{Cell, Column, annotate, cases, label, noted, shown, tone};
use crate::table::{Table, Tone};
use caxton_model::case::{CHECKPOINT, CPU_PHASES, CRASH, MEMORY_PHASES, RECOVER, RESOURCES, SOAK};
use caxton_model::record::{CaseRecord, Record};

/// Phases of a memory profile, and the metrics of each.
const PHASES: [[&str; 3]; 4] = [
    ["creation", "creation_heap_bytes", "creation_rss_bytes"],
    ["processing", "processing_heap_bytes", "processing_rss_bytes"],
    ["checkpoint", "checkpoint_heap_bytes", "checkpoint_rss_bytes"],
    ["total", "total_heap_bytes", "total_rss_bytes"],
];

const CPU: &[Column] = &[
    ("<subject", Cell::Subject),
    ("<with", Cell::Others(&[])),
    ("idle", Cell::Estimate("idle_cpu_share")),
    ("per message", Cell::Estimate("processing_cpu_ns")),
    ("per agent spawned", Cell::Estimate("spawning_cpu_ns")),
    ("per agent at work", Cell::Estimate("agent_cpu_share")),
    ("95 % interval", Cell::Interval("agent_cpu_share")),
    ("n", Cell::Launches("processing_cpu_ns")),
];

const RECOVERY: &[Column] = &[
    ("<subject", Cell::Subject),
    ("heap", Cell::Param("heap")),
    ("<with", Cell::Others(&["heap"])),
    ("p50", Cell::Estimate("recover_p50_ns")),
    ("p99", Cell::Estimate("recover_p99_ns")),
    ("95 % interval", Cell::Interval("recover_p99_ns")),
    ("detect", Cell::Estimate("detect_ns")),
    ("restart", Cell::Estimate("restart_ns")),
    ("replay", Cell::Estimate("replay_ns")),
    ("by copy", Cell::Estimate("copy_recover_p50_ns")),
    ("copy/map", Cell::Estimate("copy_to_map_time")),
    ("n", Cell::Launches("recover_p50_ns")),
];

const CHECKPOINTS: &[Column] = &[
    ("<subject", Cell::Subject),
    ("heap", Cell::Param("heap")),
    ("<with", Cell::Others(&["heap"])),
    ("full", Cell::Estimate("checkpoint_full_ns")),
    ("incremental", Cell::Estimate("checkpoint_incremental_ns")),
    ("full/incremental", Cell::Estimate("checkpoint_full_to_incremental")),
    ("95 % interval", Cell::Interval("checkpoint_full_to_incremental")),
    ("dirty pages", Cell::Estimate("dirty_pages")),
    ("n", Cell::Launches("checkpoint_full_to_incremental")),
];

const CRASHES: &[Column] = &[
    ("agents", Cell::Param("agents")),
    ("killed", Cell::Param("killed")),
    ("<fault", Cell::Param("fault")),
    ("<with", Cell::Others(&["agents", "killed", "fault"])),
    ("detected", Cell::Estimate("crash_detect_ns")),
    ("restarted", Cell::Estimate("crash_restart_ns")),
    ("first reply", Cell::Estimate("crash_first_success_ns")),
    ("steady", Cell::Estimate("crash_steady_ns")),
    ("lost", Cell::Exact("lost_messages")),
    ("twice", Cell::Exact("duplicated_messages")),
    ("again", Cell::Exact("redelivered_messages")),
    ("restarts", Cell::Exact("restarts")),
    ("n", Cell::Launches("crash_steady_ns")),
];

const SOAKS: &[Column] = &[
    ("<subject", Cell::Subject),
    ("cycles", Cell::Param("cycles")),
    ("<with", Cell::Others(&["cycles"])),
    ("per cycle", Cell::Estimate("soak_cycle_ns")),
    ("more maps", Cell::Exact("soak_maps_growth")),
    ("more files", Cell::Exact("soak_fds_growth")),
    ("more RSS", Cell::Estimate("soak_rss_growth_bytes")),
    ("n", Cell::Launches("soak_cycle_ns")),
];

pub(crate) fn tables(record: &Record) -> Vec<Table> {
    let of = |workload| cases(record, RESOURCES, &[workload]);
    let mut crashes = noted("Crash recovery: agents killed under load", CRASHES, &of(CRASH));
    if !crashes.rows.is_empty() {
        let text = "Detected and first reply: from the call in which it died; restarted: from \
                    its detection; steady: from the kill. Again: handed out again after a \
                    restart; twice: of those, what had been handled before.";
        crashes.note(Tone::Plain, text);
    }
    let title = "Recovery of one agent: from the trap until its mailbox is replayed";
    vec![
        memory(&of(MEMORY_PHASES)),
        noted("CPU time by phase; shares are of one CPU", CPU, &of(CPU_PHASES)),
        noted(title, RECOVERY, &of(RECOVER)),
        noted("Checkpoints: full and incremental", CHECKPOINTS, &of(CHECKPOINT)),
        crashes,
        noted("Soak: what is more at the end than at the start", SOAKS, &of(SOAK)),
    ]
}

fn memory(cases: &[&CaseRecord]) -> Table {
    let columns = ["<subject", "<with", "<phase", "heap", "RSS", "95 % interval", "n"];
    let title = "Memory by phase: the host's heap, and all resident memory";
    let mut table = Table::new(title, &columns);
    for case in cases {
        let names = [Cell::Subject, Cell::Others(&[])].map(|cell| shown(case, cell));
        for [phase, heap, rss] in PHASES {
            let [heap, resident] = [heap, rss].map(|metric| shown(case, Cell::Estimate(metric)));
            let cells =
                [phase.to_owned(), heap, resident, interval(case, rss), launches(case, rss)];
            table.row(tone(case), names.iter().chain(&cells));
        }
    }
    notes(&mut table, cases, label);
    let figures =
        PHASES.iter().flat_map(|[_, heap, rss]| [Cell::Estimate(heap), Cell::Interval(rss)]);
    let figures: Vec<Column> = figures.map(|cell| ("", cell)).collect();
    annotate(&mut table, &figures, cases);
    if !cases.is_empty() {
        let text = "Linear memory is mapped: the heap has none of it, resident memory has all.";
        table.note(Tone::Plain, text);
    }
    table
}
