//! Runs side by side, with a known difference between them.

use super::*;
use caxton_fixture as fixture;
use caxton_model::reading::Reading;

/// The fixture's run with `factor` times the figure and interval of `metric`.
fn scaled(id: &str, metric: &str, factor: f64) -> Record {
    let mut record = fixture::run().0;
    id.clone_into(&mut record.run.id);
    let metric = MetricName::parse(metric).unwrap();
    for case in &mut record.cases {
        if let Some(Reading::Known(summary)) = case.metrics.get_mut(&metric) {
            summary.estimate *= factor;
            if let Some(interval) = &mut summary.interval {
                interval.lower *= factor;
                interval.upper *= factor;
            }
        }
    }
    record
}

#[test]
fn a_planted_factor_is_the_ratio_and_lies_within_its_bounds() {
    let metric = "wasm_call_ns";
    let runs = [1.0, 1.25, 0.5].map(|factor| scaled(&format!("x{factor}"), metric, factor));
    let [table] = &tables(&runs.iter().collect::<Vec<_>>())[..] else { panic!("one suite") };
    let names: Vec<&str> = table.columns.iter().map(|column| column.name.as_str()).collect();
    assert_eq!(names, ["case", "figure", "A", "B", "B/A", "within", "C", "C/A", "within"]);
    let json = |words: &str| {
        let rows = table.rows.iter().map(|row| &row.cells);
        rows.clone().find(|cells| cells[0] == "json" && cells[1] == words).unwrap().clone()
    };
    let call = json("a call");
    assert_eq!([&call[4], &call[7]], ["1.250x", "0.500x"]);
    let ends: Vec<f64> =
        call[5].trim_matches(['[', ']']).split(", ").map(|end| end.parse().unwrap()).collect();
    assert!(ends[0] < 1.25 && 1.25 < ends[1], "{call:?}");
    assert_eq!(json("of native")[4], "1.000x", "what was not changed");
    assert!(table.notes.iter().any(|note| note.text.starts_with("C: x0.5, commit abc1234")));
}

#[test]
fn runs_of_different_suites_and_profiles_do_not_stand_side_by_side() {
    let (wasm, mut other) = (scaled("a", "wasm_call_ns", 1.0), scaled("b", "wasm_call_ns", 1.0));
    other.run.suite = "latency".to_owned();
    assert!(tables(&[&wasm, &other]).is_empty());
    other.run.suite.clone_from(&wasm.run.suite);
    other.run.scale = caxton_model::record::PROFILE.to_owned();
    assert!(tables(&[&wasm, &other]).is_empty());
}
