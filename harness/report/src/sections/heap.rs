//! Heap profiles: what the host allocates for an agent, and what the agent allocates itself.

use crate::sections::figures::{note_about, note_findings, note_missing, notes};
use crate::sections::grid::Cell::{Estimate, Exact, Text};
use crate::sections::grid::{Column, grid};
use crate::sections::profiles::files;
use crate::table::{Table, Tone, name};
use caxton_model::record::{CaseRecord, Record};

const HOST: &[Column] = &[
    ("<agent", Text(label)),
    ("compile", Estimate("heap_compile_total_bytes")),
    ("blocks", Estimate("heap_compile_blocks")),
    ("peak", Estimate("heap_compile_peak_bytes")),
    ("per instance", Estimate("heap_instantiate_total_bytes")),
    ("blocks", Estimate("heap_instantiate_blocks")),
    ("held", Estimate("heap_instantiate_peak_bytes")),
    ("per message", Estimate("heap_run_total_bytes")),
    ("blocks", Estimate("heap_run_blocks")),
];

const OWN: &[Column] = &[
    ("<agent", Text(label)),
    ("guest, B", Exact("guest_heap_bytes")),
    ("blocks", Exact("guest_heap_blocks")),
    ("peak, B", Exact("guest_heap_peak_bytes")),
    ("native, B", Exact("native_heap_bytes")),
    ("blocks", Exact("native_heap_blocks")),
    ("peak, B", Exact("native_heap_peak_bytes")),
    ("counting", Estimate("heap_counting_to_plain_time")),
    ("looking", Estimate("heap_sampling_to_plain_time")),
];

const MEMORY: &[Column] = &[
    ("<agent", Text(label)),
    ("new", Estimate("guest_memory_new_bytes")),
    ("resident", Estimate("guest_resident_new_bytes")),
    ("first message", Estimate("guest_memory_first_bytes")),
    ("last message", Estimate("guest_memory_end_bytes")),
    ("resident", Estimate("guest_resident_end_bytes")),
    ("growths", Exact("guest_growths")),
    ("per growth", Estimate("guest_growth_bytes")),
];

pub(crate) fn tables(record: &Record) -> Vec<Table> {
    let cases: Vec<&CaseRecord> = record.cases.iter().filter(|case| case.key.is_heap()).collect();
    let kept: Vec<&CaseRecord> = cases.iter().filter(|c| !c.profiles.is_empty()).copied().collect();
    let title = "Heap of the host: bytes and blocks that wasmtime and the harness allocate";
    let mut host = grid(title, HOST, &cases);
    notes(&mut host, &cases, label);
    if !host.rows.is_empty() {
        let text = "Not included: mapped memory, such as machine code and linear memory, and \
                    allocations of C libraries or of a native build.";
        host.note(Tone::Plain, text);
    }
    let title = "Heap of the agents: allocated per message, most held, and what counting costs";
    let mut own = grid(title, OWN, &cases);
    note_missing(&mut own, &cases, "guest_heap_bytes", label);
    note_about(&mut own);
    note_findings(&mut own, &cases, label);
    let memory = grid("Linear memory: its size, and what of it has pages", MEMORY, &cases);
    vec![host, own, memory, files(&kept)]
}

fn label(case: &CaseRecord) -> String {
    name(&case.key.agent)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::paint::paint;
    use crate::sections::Style;
    use caxton_fixture as fixture;
    use caxton_model::case::{ALLOCATIONS, CaseKey, Outcome, WASM_AND_NATIVE};
    use caxton_model::metric::MetricName;
    use caxton_model::reading::{Missing, Reading};

    #[test]
    fn what_was_not_counted_is_no_zero_and_a_zero_is_one() {
        let mut record = fixture::run().0;
        let mut case = record.cases[0].clone();
        case.key = CaseKey::new("heap", ALLOCATIONS, WASM_AND_NATIVE, "json");
        case.outcome = Outcome::Ran;
        let mut summary = *case.metrics.values().find_map(Reading::known).expect("a number");
        summary.estimate = 0.0;
        let metric = |name: &str| MetricName::parse(name).expect("in the table");
        let why = Missing::NotRequested("it does not opt in".to_owned());
        case.metrics = [
            (metric("heap_run_total_bytes"), Reading::Known(summary)),
            (metric("guest_heap_bytes"), Reading::Missing(why)),
        ]
        .into();
        case.findings = [("guest call sites".to_owned(), "90 % push (a.rs:1)".to_owned())].into();
        record.cases = vec![case];
        let tables = tables(&record);
        let text: String = tables.iter().map(|table| paint(table, &Style::default())).collect();
        assert_eq!(tables[0].rows[0].cells[7], "0 B", "{text}");
        assert_eq!(tables[1].rows[0].cells[1], "—", "{text}");
        assert!(text.contains("it does not opt in"), "{text}");
        assert!(text.contains("guest call sites: 90 % push (a.rs:1)"), "{text}");
    }

    #[test]
    fn a_run_without_heap_profiles_has_none_of_these_tables() {
        assert!(tables(&fixture::run().0).iter().all(Table::is_empty));
    }
}
