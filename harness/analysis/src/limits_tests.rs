//! Files of limits that are good and bad, and how figures stand to them.

use super::*;
use crate::finding::LimitVerdict;
use caxton_fixture as fixture;
use caxton_fixture::metric as name;
use expect_test::expect;

fn limits(text: &str) -> Limits {
    Limits::parse("limits.toml", text).unwrap()
}

fn key(text: &str) -> CaseKey {
    text.parse().unwrap()
}

const JSON: &str = "wasm/overhead/wasmtime-vs-native/json";
const NOOP: &str = "wasm/overhead/wasmtime-vs-native/noop";

#[test]
fn what_is_wrong_is_named_with_its_line_and_a_fix() {
    let entry = |rest: &str| format!("# ours\n\n[[limit]]\ncase = \".*\"\n{rest}\n");
    let good = "metric = \"wasm_call_ns\"";
    let texts = [
        entry("metric = \"wasm_call\"\nmax = 1"),
        entry("metric = \"speed\"\nmax = 1"),
        entry(good),
        entry(&format!("{good}\nmaxx = 1")),
        entry(&format!("{good}\nmax = \"fast\"")),
        entry(&format!("{good}\nmax = nan")),
        entry(&format!("{good}\nmargin = -0.1")),
        entry(&format!("{good}\nmax = 1\nmin = 2")),
        entry("max = 1"),
        entry(&format!("{good}\nmax =")),
        format!("[[limit]]\ncase = \"(json\"\n{good}\nmax = 1\n"),
        format!("[[limits]]\ncase = \"json\"\n{good}\nmax = 1\n"),
        format!("[limit]\ncase = \"json\"\n{good}\nmax = 1\n"),
    ];
    let says = |text: &String| Limits::parse("limits.toml", text).unwrap_err().to_string();
    let said: Vec<String> = texts.iter().map(says).collect();
    expect![[r#"
        limits.toml, line 5: "wasm_call" is no metric of this version; did you mean wasm_call_ns or wasm_first_call_ns or wasm_first_call_instructions?
        limits.toml, line 5: "speed" is no metric of this version; `caxton-bench export --format csv` lists the metrics of a run
        limits.toml, line 3: this limit limits nothing: give it max, min or margin
        limits.toml, line 6: unknown field `maxx`, expected one of `case`, `metric`, `max`, `min`, `margin`; an entry is `[[limit]]` with case, metric, and one of max, min and margin
        limits.toml, line 6: invalid type: string "fast", expected f64; an entry is `[[limit]]` with case, metric, and one of max, min and margin
        limits.toml, line 6: max = NaN: write a finite number in the metric's unit
        limits.toml, line 6: margin = -0.1: write a share of 0 or more, such as 0.03 for 3 %
        limits.toml, line 3: nothing is at least 2 and at most 1: exchange them
        limits.toml, line 3: missing field `metric`; an entry is `[[limit]]` with case, metric, and one of max, min and margin
        limits.toml, line 6: string values must be quoted, expected literal string; an entry is `[[limit]]` with case, metric, and one of max, min and margin
        limits.toml, line 2: case "(json" is no regular expression: unclosed group; `.` and `*` have a meaning of their own, write `.*` for anything
        limits.toml, line 1: unknown field `limits`, expected `limit`; an entry is `[[limit]]` with case, metric, and one of max, min and margin
        limits.toml, line 1: invalid type: map, expected a sequence; an entry is `[[limit]]` with case, metric, and one of max, min and margin"#]].assert_eq(&said.join("\n"));
}

#[test]
fn later_entries_win_for_what_they_say() {
    let limits = limits(
        "[[limit]]\ncase = \"overhead\"\nmetric = \"wasm_call_ns\"\nmargin = 0.03\nmax = 25000\n\
         [[limit]]\ncase = \"/json$\"\nmetric = \"wasm_call_ns\"\nmargin = 0.1\n",
    );
    let margin = |case: &str, metric: &str| limits.margin(&key(case), name(metric));
    assert_eq!(margin(NOOP, "wasm_call_ns"), Some(0.03));
    assert_eq!(margin(JSON, "wasm_call_ns"), Some(0.1));
    assert_eq!(margin(JSON, "native_call_ns"), None);
    assert_eq!(margin("wasm/parts/wasmtime/noop", "wasm_call_ns"), None);
    let (record, _) = fixture::run();
    let graded = limits.grade(&record);
    assert!(graded.iter().all(|g| g.limit == Bound::at_most(25000.0)), "{graded:?}");
    assert_eq!(graded.len(), 4, "every steady-state case, the refused one included");
    assert!(Limits::parse("empty", "").unwrap().grade(&record).is_empty());
}

/// How the steady-state call of `json`, about 14.8 µs, stands to a limit.
fn stands(limit: &str) -> LimitVerdict {
    let (record, _) = fixture::run();
    let entry = format!("[[limit]]\ncase = \"{JSON}\"\nmetric = \"wasm_call_ns\"\n{limit}\n");
    let graded = limits(&entry).grade(&record);
    assert_eq!(graded.len(), 1);
    graded[0].verdict.clone()
}

#[test]
fn a_limit_is_met_or_missed_by_the_whole_interval_only() {
    let (record, _) = fixture::run();
    let case = record.cases.iter().find(|case| case.key == key(JSON)).unwrap();
    let summary = case.metric("wasm_call_ns").unwrap();
    let (inside, interval) = (summary.estimate, summary.interval.unwrap());
    let (above, below) = (interval.upper + 1.0, interval.lower - 1.0);
    let verdicts = [LimitVerdict::Met, LimitVerdict::Unclear, LimitVerdict::Missed];
    assert_eq!([above, inside, below].map(|max| stands(&format!("max = {max}"))), verdicts);
    assert_eq!([below, inside, above].map(|min| stands(&format!("min = {min}"))), verdicts);
}

#[test]
fn no_interval_is_unclear_and_no_figure_is_missing() {
    let (mut record, _) = fixture::run();
    let metric = name("wasm_call_ns");
    for case in &mut record.cases {
        if let Some(Reading::Known(summary)) = case.metrics.get_mut(&metric) {
            summary.interval = None;
        }
    }
    let text = "[[limit]]\ncase = \".\"\nmetric = \"wasm_call_ns\"\nmax = 1e9\n\
                [[limit]]\ncase = \".\"\nmetric = \"wasm_cycles\"\nmax = 1e9\n";
    let graded = limits(text).grade(&record);
    let lines: Vec<String> = graded
        .iter()
        .map(|g| {
            format!("{} {} {:?}", g.metric, g.verdict.word(&LimitVerdict::LIMIT), g.verdict.why())
        })
        .collect();
    expect![[r#"
        wasm_call_ns UNCLEAR None
        wasm_cycles MISSING Some("not supported: no hardware counters in this virtual machine")
        wasm_call_ns UNCLEAR None
        wasm_cycles MISSING Some("not supported: no hardware counters in this virtual machine")
        wasm_call_ns UNCLEAR None
        wasm_cycles MISSING Some("not supported: no hardware counters in this virtual machine")
        wasm_call_ns MISSING Some("the case refused: no valid module: \u{1b}]0;title\u{7} at\noffset 8")
        wasm_cycles MISSING Some("the case refused: no valid module: \u{1b}]0;title\u{7} at\noffset 8")"#]].assert_eq(&lines.join("\n"));
}

#[test]
fn a_limit_that_concerns_nothing_is_told() {
    let (record, _) = fixture::run();
    let text = "[[limit]]\ncase = \"jsn\"\nmetric = \"wasm_call_ns\"\nmax = 1\n\
                [[limit]]\ncase = \".\"\nmetric = \"wasm_call_ns\"\nmax = 1\n\
                [[limit]]\ncase = \"json\"\nmetric = \"resident_bytes\"\nmin = 1\n\
                [[limit]]\ncase = \"gone\"\nmetric = \"wasm_call_ns\"\nmargin = 1\n";
    let limits = limits(text);
    assert_eq!(limits.idle(&record), [1, 9]);
    assert!(limits.has_hard());
    assert!(!Limits::default().has_hard());
}
