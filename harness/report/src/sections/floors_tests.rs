//! Floors from decisions that are made up.

use crate::paint::paint;
use crate::sections::{Style, floors};
use crate::table::Tone;
use caxton_analysis::paired::relink::*;
use caxton_fixture::paired::case;
use caxton_fixture::{calls as key, metric as name};
use caxton_model::case::{CaseKey, Outcome};
use caxton_model::paired::comparison::{CaseComparison, Decision, MetricVerdict};
use caxton_model::paired::{Design, Weight};
use caxton_model::record::{Budget, Interval};
use std::collections::BTreeMap;

const WASM: &str = "wasm_call_ns";
const NATIVE: &str = "native_call_ns";

/// `metric`, worse by the ratio `worse`, known to `half_width`.
fn told(metric: &str, worse: f64, half_width: f64) -> MetricVerdict {
    let bounds = |by: f64| (worse.ln() + by).exp();
    let (lower, upper) = (bounds(-half_width), bounds(half_width));
    let interval = Some(Interval { lower, upper, level: Design::LEVEL });
    let decision =
        Decision { verdict: None, look: 16, worse, interval, p_worse: 1.0, p_better: 1.0, n: 16 };
    MetricVerdict {
        metric: name(metric),
        weight: Weight::Primary,
        margin: 0.01,
        verdict: None,
        decision: Ok(decision),
        base: None,
        candidate: None,
    }
}

fn relink(agent: &str, metrics: Vec<MetricVerdict>) -> CaseComparison {
    let launches = Budget { wanted: 16, granted: 16 };
    CaseComparison { launches, metrics, ..case(key(agent), Outcome::Ran) }
}

/// Three relinks: native moves by +1, −3 and +2 %, WASM by far less.
fn three() -> Floors {
    let mut floors = Floors::default();
    for (native, half_width) in [(1.01, 0.002), (0.97, 0.004), (1.02, 0.008)] {
        let metrics = vec![told(WASM, 1.001, 0.003), told(NATIVE, native, half_width)];
        floors.add(&relink("echo", metrics));
    }
    floors
}

#[test]
fn the_floor_is_the_largest_change_in_either_direction() {
    let floor = three().floor(&key("echo"), name(NATIVE)).unwrap();
    assert_eq!(floor.relinks, 3);
    // Faster by 3 % is as far as slower by 1 / 0.97.
    assert!((floor.share() - (1.0 / 0.97 - 1.0)).abs() < 1e-12, "{floor:?}");
    assert!((floor.half_width.unwrap() - 0.004).abs() < 1e-12, "{floor:?}");
    assert_eq!(three().floor(&key("vm"), name(NATIVE)), None);
}

#[test]
fn an_interval_that_is_missing_leaves_no_width() {
    let mut metric = told(WASM, 1.0, 0.0);
    metric.decision.as_mut().unwrap().interval = None;
    let mut floors = Floors::default();
    floors.add(&relink("echo", vec![metric]));
    let floor = floors.floor(&key("echo"), name(WASM)).unwrap();
    assert_eq!(floor, Floor { relinks: 1, log: 0.0, half_width: None });
}

#[test]
fn only_a_wider_floor_takes_the_place_of_a_margin() {
    let floors = three();
    let margins = |allowed: &[(&str, f64)], margin| {
        let allowed = allowed.iter().map(|(metric, share)| (name(metric), *share)).collect();
        floors.margins(&key("echo"), allowed, margin)
    };
    let floor = floors.floor(&key("echo"), name(NATIVE)).unwrap().share();
    assert_eq!(margins(&[], 0.01), BTreeMap::from([(name(NATIVE), floor)]));
    assert_eq!(margins(&[], 0.05), BTreeMap::new());
    // What a user allows stays, where it is more; of other metrics too.
    let (own, other) = ((NATIVE, 0.05), ("wasm_fuel", 0.1));
    let kept = BTreeMap::from([(name(NATIVE), 0.05), (name("wasm_fuel"), 0.1)]);
    assert_eq!(margins(&[own, other], 0.01), kept);
    // A user may also ask for less than the margin: layout does not give it.
    assert_eq!(margins(&[(NATIVE, 0.0)], 0.05), BTreeMap::from([(name(NATIVE), floor)]));
    assert_eq!(floors.margins(&key("vm"), BTreeMap::new(), 0.0), BTreeMap::new());
}

#[test]
fn a_floor_that_may_be_noise_widens_no_margin() {
    let mut floors = Floors::default();
    floors.add(&relink("echo", vec![told("wasm_call_ns", 1.1, 0.2)]));
    assert_eq!(floors.margins(&key("echo"), BTreeMap::new(), 0.01), BTreeMap::new());
    floors.add(&relink("echo", vec![told("wasm_call_ns", 1.2, 0.1)]));
    let margins = floors.margins(&key("echo"), BTreeMap::new(), 0.01);
    assert!((margins[&name("wasm_call_ns")] - 0.2).abs() < 1e-9, "{margins:?}");
}

#[test]
fn warnings_name_the_cases_whose_margin_grew_and_those_of_which_nothing_is_known() {
    let mut floors = three();
    let none = |_: &CaseKey| BTreeMap::new();
    let widened = "relink floor of wasm/overhead/wasmtime-vs-native/echo: margin widened to \
                   3.09 % for native_call_ns";
    assert_eq!(floors.warnings(&none, 0.01), [widened]);
    assert_eq!(floors.warnings(&none, 0.05), [""; 0]);
    let fallen = Outcome::TimedOut("candidate, launch 7: silent".to_owned());
    floors.add(&CaseComparison { outcome: fallen, ..relink("vm", Vec::new()) });
    let fell = "relink floor of wasm/overhead/wasmtime-vs-native/vm: candidate, launch 7: silent";
    assert_eq!(floors.warnings(&none, 0.01), [widened, fell]);
    assert!(floors.has_untold() && !three().has_untold());
}

#[test]
fn half_a_relink_and_a_missing_reading_are_told_and_not_counted() {
    let mut floors = Floors::default();
    assert!(floors.is_empty());
    let launches = Budget { wanted: 16, granted: 9 };
    floors.add(&CaseComparison { launches, ..relink("echo", vec![told(WASM, 2.0, 0.1)]) });
    assert_eq!(floors.floor(&key("echo"), name(WASM)), None);
    assert!(!floors.is_empty() && floors.has_untold());
    let mut floors = Floors::default();
    let missing =
        MetricVerdict { decision: Err("no reading".to_owned()), ..told(NATIVE, 1.0, 0.1) };
    floors.add(&relink("echo", vec![missing, told(WASM, 1.02, 0.1)]));
    assert_eq!(floors.floor(&key("echo"), name(NATIVE)), None);
    assert!(floors.floor(&key("echo"), name(WASM)).is_some() && floors.has_untold());
}

#[test]
fn the_table_shows_every_floor_and_marks_the_wide_ones() {
    let design = Design { looks: vec![16], seed: 5, ..Design::default() };
    let table = floors::table(&three(), &design);
    let tones: Vec<Tone> = table.rows.iter().map(|row| row.tone).collect();
    assert_eq!(tones.len(), 2);
    let text = paint(&table, &Style::default());
    for words in ["16 launch pairs", "seed 5", "3.09 %", "0.40 %", "0.10 %", "native_call_ns"] {
        assert!(text.contains(words), "{words}: {text}");
    }
    let wide = table.rows.iter().find(|row| row.tone == Tone::Bad).unwrap();
    assert_eq!(wide.cells[1], NATIVE);
}
