//! Programs given as files: where the time of a call goes.

use super::figures::{estimate, launches};
use super::grid::Cell::{Estimate, Text};
use super::grid::Column;
use super::overhead::{having, label};
use crate::table::{Table, Tone};
use caxton_model::record::Record;

/// Instance and run of each program, and its native build as a process; and who works in a call.
pub(super) fn tables(record: &Record) -> Vec<Table> {
    [times(record), workers(record)].concat()
}

fn times(record: &Record) -> Vec<Table> {
    const COLUMNS: &[Column] = &[
        ("<guest", Text(label)),
        ("call", Text(|case| estimate(case, "wasm_call_ns"))),
        ("instance", Estimate("wasm_fresh_ns")),
        ("run wasm", Estimate("wasm_run_ns")),
        ("end", Estimate("wasm_end_ns")),
        ("run native", Estimate("native_run_ns")),
        ("its CPU time", Estimate("native_cpu_ns")),
        ("empty process", Estimate("empty_process_ns")),
    ];
    let title = "Programs: where a call goes, mean of each launch, median over launches";
    let mut tables = having(record, title, COLUMNS);
    for table in tables.iter_mut().filter(|table| !table.is_empty()) {
        let why = "instance: store, memory and system of the fresh instance that a call gets; end: \
                   giving its memory back: means of all calls of a launch, most of which \
                   follow calls alike. A call that is compared follows one of the native build, \
                   whose process leaves caches cold. A native run begins with the start of a process: `true`, which does nothing \
                   else, takes the time of an empty process.";
        table.note(Tone::Plain, why);
    }
    tables
}

fn workers(record: &Record) -> Vec<Table> {
    const COLUMNS: &[Column] = &[
        ("<guest", Text(label)),
        ("guest code", Estimate("wasm_guest_code_ns")),
        ("host functions", Estimate("wasm_host_functions_ns")),
        ("boundary", Estimate("wasm_boundary_ns")),
        ("entries/call", Estimate("wasm_entries")),
        ("n", Text(|case| launches(case, "wasm_guest_code_ns"))),
    ];
    let title = "Programs: who works in a call, mean of each launch, median over launches";
    let mut tables = having(record, title, COLUMNS);
    for table in tables.iter_mut().filter(|table| !table.is_empty()) {
        let why = "Taken in a pass of its own, in which each crossing reads the clock; what that \
                   costs is subtracted. The sum is the run of a call up to what two passes differ; \
                   making and ending an instance is not in it. \
                   boundary: entering and leaving guest code; of a component, lowering its \
                   arguments and lifting its results too. Its allocator and its clean-up are \
                   guest code.";
        table.note(Tone::Plain, why);
    }
    tables
}
