//! Heap profiles: what the host allocates for an agent, and what the agent allocates itself.

use crate::sections::figures::{estimate, exact, note_about, note_missing, notes};
use crate::sections::profiles::files;
use crate::table::{Table, Tone, name};
use caxton_model::record::{CaseRecord, Record};

/// The host's heap, the agents' own, and linear memory.
pub(crate) fn tables(record: &Record) -> Vec<Table> {
    let cases: Vec<&CaseRecord> = record.cases.iter().filter(|case| case.key.is_heap()).collect();
    let kept: Vec<&CaseRecord> = cases.iter().filter(|c| !c.profiles.is_empty()).copied().collect();
    vec![host(&cases), own(&cases), memory(&cases), files(&kept)]
}

fn label(case: &CaseRecord) -> String {
    name(&case.key.agent)
}

fn host(cases: &[&CaseRecord]) -> Table {
    let columns = [
        "<agent",
        "compile",
        "blocks",
        "peak",
        "per instance",
        "blocks",
        "held",
        "per message",
        "blocks",
    ];
    let title = "Heap of the host: bytes and blocks that wasmtime and the harness allocate";
    let mut table = Table::new(title, &columns);
    for case in cases {
        let estimate = |metric| estimate(case, metric);
        let cells = [
            label(case),
            estimate("heap_compile_total_bytes"),
            estimate("heap_compile_blocks"),
            estimate("heap_compile_peak_bytes"),
            estimate("heap_instantiate_total_bytes"),
            estimate("heap_instantiate_blocks"),
            estimate("heap_instantiate_peak_bytes"),
            estimate("heap_run_total_bytes"),
            estimate("heap_run_blocks"),
        ];
        table.row(Tone::Plain, cells);
    }
    notes(&mut table, cases, label);
    if !table.rows.is_empty() {
        let text = "Not included: mapped memory, such as machine code and linear memory, and \
                    allocations of C libraries or of a native build.";
        table.note(Tone::Plain, text);
    }
    table
}

fn own(cases: &[&CaseRecord]) -> Table {
    let columns = [
        "<agent",
        "guest, B",
        "blocks",
        "peak, B",
        "native, B",
        "blocks",
        "peak, B",
        "counting",
        "looking",
    ];
    let title = "Heap of the agents: allocated per message, most held, and what counting costs";
    let mut table = Table::new(title, &columns);
    for case in cases {
        let exact = |metric| exact(case, metric);
        let cells = [
            label(case),
            exact("guest_heap_bytes"),
            exact("guest_heap_blocks"),
            exact("guest_heap_peak_bytes"),
            exact("native_heap_bytes"),
            exact("native_heap_blocks"),
            exact("native_heap_peak_bytes"),
            estimate(case, "heap_counting_to_plain_time"),
            estimate(case, "heap_sampling_to_plain_time"),
        ];
        table.row(Tone::Plain, cells);
    }
    note_missing(&mut table, cases, "guest_heap_bytes", label);
    note_about(&mut table);
    for case in cases {
        for (what, finding) in &case.findings {
            table.note(Tone::Plain, &format!("{}: {}: {finding}", label(case), name(what)));
        }
    }
    table
}

fn memory(cases: &[&CaseRecord]) -> Table {
    let columns = [
        "<agent",
        "new",
        "resident",
        "first message",
        "last message",
        "resident",
        "growths",
        "per growth",
    ];
    let mut table = Table::new("Linear memory: its size, and what of it has pages", &columns);
    for case in cases {
        let estimate = |metric| estimate(case, metric);
        let cells = [
            label(case),
            estimate("guest_memory_new_bytes"),
            estimate("guest_resident_new_bytes"),
            estimate("guest_memory_first_bytes"),
            estimate("guest_memory_end_bytes"),
            estimate("guest_resident_end_bytes"),
            exact(case, "guest_growths"),
            estimate("guest_growth_bytes"),
        ];
        table.row(Tone::Plain, cells);
    }
    table
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
