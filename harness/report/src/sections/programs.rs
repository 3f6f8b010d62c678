//! Programs given as files: where the time of a call goes.

use super::grid::Cell::{Estimate, Text};
use super::grid::Column;
use super::overhead::{having, label};
use crate::table::{Table, Tone};
use caxton_model::record::Record;

/// Instance and run of each program, and its native build as a process.
pub(super) fn tables(record: &Record) -> Vec<Table> {
    const COLUMNS: &[Column] = &[
        ("<guest", Text(label)),
        ("instance", Estimate("wasm_fresh_ns")),
        ("run wasm", Estimate("wasm_run_ns")),
        ("run native", Estimate("native_run_ns")),
        ("its CPU time", Estimate("native_cpu_ns")),
        ("empty process", Estimate("empty_process_ns")),
    ];
    let title = "Programs: where a call goes, mean of each launch, median over launches";
    let mut tables = having(record, title, COLUMNS);
    for table in tables.iter_mut().filter(|table| !table.is_empty()) {
        let why = "instance: store, memory and system of the fresh instance that a call gets. A \
                   native run begins with the start of a process: `true`, which does nothing \
                   else, takes the time of an empty process.";
        table.note(Tone::Plain, why);
    }
    tables
}
