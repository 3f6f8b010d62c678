//! A small run from end to end: what is kept, what is printed, and what can be made of it again.

use crate::executable::{Kept, smoke, tool_says};
use caxton_analysis::reduce;
use caxton_model::case::Outcome;
use caxton_model::reading::Reading;
use caxton_model::record::Status;

fn two_agents() -> Option<Kept> {
    let kept = smoke(&["--agent", "echo", "--agent", "ballast", "--memory-limit", "1"])?;
    assert_eq!(kept.said.code, Some(0), "{}", kept.said.stderr);
    Some(kept)
}

fn export(kept: &Kept, format: &str) -> String {
    let said = tool_says(&["export", "--format", format, &kept.out]);
    assert_eq!((said.code, said.stderr.as_str()), (Some(0), ""), "{format}");
    said.stdout
}

#[test]
fn a_run_keeps_every_case_with_its_numbers() {
    let Some(Kept { record, samples, .. }) = two_agents() else { return };
    assert_eq!(record.run.status, Status::Finished);
    assert_eq!((record.run.suite.as_str(), record.run.scale.as_str()), ("wasm", "smoke"));
    assert_eq!(record.cases.len(), 9, "four per agent, and one limit");
    for case in &record.cases {
        assert_eq!(case.outcome, Outcome::Ran, "{}", case.key);
        assert_eq!(case.launches.wanted, case.launches.granted, "{}", case.key);
        assert!(samples.iter().any(|sample| sample.case == case.key), "{}", case.key);
        if case.key.is_overhead() {
            let ratio = case.metric("wasm_to_native_time").expect("the headline");
            assert!(ratio.estimate > 0.0, "{}: {ratio:?}", case.key);
        }
        let settings = |name: &str| {
            let values = case.engines.iter().map(|engine| engine[name].clone());
            values.collect::<Vec<_>>().join(", ")
        };
        assert!(settings("allocation").starts_with("on demand"), "{}", case.key);
        if case.key.is_parts() {
            for (name, has) in [
                ("bounds checks", "explicit"),
                ("interruption", "fuel"),
                ("interruption", "epochs"),
                ("compiler", "opt_level=none"),
            ] {
                assert!(settings(name).contains(has), "{name}: {}", settings(name));
            }
            for metric in ["part_call_ns", "part_boundary_ns", "option_fuel_time"] {
                let summary = case.metric(metric).expect("a part or an option");
                assert!(summary.estimate > 0.0, "{}: {metric}: {summary:?}", case.key);
            }
        }
    }
    assert!(samples.iter().all(|sample| sample.iterations > 0));
}

#[test]
fn a_counter_has_a_number_or_a_reason() {
    let Some(Kept { record, .. }) = two_agents() else { return };
    for case in record.cases.iter().filter(|case| case.key.is_overhead()) {
        let cycles: Vec<_> =
            case.metrics.iter().filter(|(name, _)| name.as_str().ends_with("_cycles")).collect();
        assert!(cycles.len() >= 2, "both sides: {cycles:?}");
        for (name, reading) in cycles {
            match reading {
                Reading::Known(summary) => assert!(summary.estimate > 0.0, "{name}: {summary:?}"),
                Reading::Missing(why) => assert!(why.to_string().len() > 10, "{name}: {why}"),
            }
        }
    }
}

#[test]
fn every_artifact_is_named_by_its_hash() {
    let Some(Kept { record, .. }) = two_agents() else { return };
    let built: Vec<_> = record.artifacts.iter().map(|a| (&*a.agent, &*a.side)).collect();
    let both = |agent| vec![(agent, "wasm"), (agent, "native")];
    // First what is measured everywhere, then what only some cases need.
    let simd = vec![("ballast", "wasm-simd"), ("echo", "wasm-simd")];
    assert_eq!(built, [both("ballast"), both("echo"), both("noop"), simd].concat());
    for artifact in &record.artifacts {
        let is_hex = artifact.sha256.bytes().all(|byte| byte.is_ascii_hexdigit());
        assert!(is_hex && artifact.sha256.len() == 64, "{artifact:?}");
        assert!(artifact.rustc.known().is_some_and(|v| v.starts_with("rustc ")), "{artifact:?}");
        assert!(artifact.bytes.0 > 0 && artifact.source_hash.is_some(), "{artifact:?}");
    }
}

#[test]
fn a_report_says_what_the_run_said() {
    let Some(kept) = two_agents() else { return };
    let said = tool_says(&["report", &kept.out]);
    assert_eq!((said.code, said.stderr.as_str()), (Some(0), ""));
    assert_eq!(said.stdout, kept.said.stdout);
}

#[test]
fn the_samples_tell_the_same_summaries_again() {
    let Some(Kept { record, samples, .. }) = two_agents() else { return };
    let mut again = record.clone();
    for case in &mut again.cases {
        // Samples tell no reasons: those of missing readings come from elsewhere.
        case.metrics.retain(|_, reading| reading.known().is_none());
    }
    again.totals.clear();
    reduce::resummarise(&mut again, &samples);
    for (stored, again) in record.cases.iter().zip(&again.cases) {
        assert!(stored.metrics.values().any(|reading| reading.known().is_some()));
        assert_eq!(stored.metrics, again.metrics, "{}", stored.key);
    }
    assert!(record.totals.values().any(|total| total.known().is_some()));
    assert_eq!(record.totals, again.totals);
}

#[test]
fn an_export_goes_to_a_file_if_asked() {
    let Some(kept) = smoke(&["--agent", "echo"]) else { return };
    let file = format!("{}/results.bmf.json", kept.out);
    tool_says(&["export", "--format", "bmf", "-o", &file, &kept.out]).refused(0);
    assert_eq!(std::fs::read_to_string(file).expect("written"), export(&kept, "bmf"));
}
