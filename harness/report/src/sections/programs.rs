//! Programs given as files: where the time of a call goes.

use super::figures::estimate;
use super::overhead::{having, label};
use crate::table::{Table, Tone};
use caxton_model::record::Record;

/// Instance and run of each program, and its native build as a process.
pub(super) fn tables(record: &Record) -> Vec<Table> {
    let metrics =
        ["wasm_fresh_ns", "wasm_run_ns", "native_run_ns", "native_cpu_ns", "empty_process_ns"];
    let columns = ["<guest", "instance", "run wasm", "run native", "its CPU time", "empty process"];
    let title = "Programs: where a call goes, mean of each launch, median over launches";
    let mut table = Table::new(title, &columns);
    for case in having(record, &metrics) {
        let cells = metrics.iter().map(|metric| estimate(case, metric));
        table.row(Tone::Plain, std::iter::once(label(case)).chain(cells));
    }
    if table.is_empty() {
        return Vec::new();
    }
    let why = "instance: store, memory and system of the fresh instance that a call gets. A native \
               run begins with the start of a process: `true`, which does nothing else, takes the \
               time of an empty process.";
    table.note(Tone::Plain, why);
    vec![table]
}
