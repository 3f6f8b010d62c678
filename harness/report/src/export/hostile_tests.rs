//! Names and messages that somebody chose: in no format are they more than words.

use super::*;
use crate::ci::Job;
use crate::hostile;
use caxton_fixture::paired;
use caxton_model::case::Outcome;
use caxton_model::reading::Reading;
use caxton_model::record::CaseRecord;
use quick_xml::events::Event;

fn names() -> Vec<String> {
    let long = "n".repeat(10_000);
    let mut names: Vec<String> = [
        "<script>alert(1)</script>",
        "a|b",
        "new\nline",
        "carriage\rreturn",
        "::error::evil",
        "\n::error::evil",
        " ::warning title=x::evil ##[error]evil ",
        "%0A::error::evil%0D",
        "\u{202e}evil\u{2066}\u{200f}\u{200b}\u{feff}\u{2060}\u{ad}\u{e0041}\u{202a}",
        "\u{1b}[2J\u{7}\u{0}\u{9b}\u{fffe}\u{2028}\u{85}",
        "@everyone #1 http://evil.example www.evil.example :tada: $x$",
        "` ``` </details> <!-- --> ![x](y) [a](b) **c** \\",
        "=cmd()\"',;{}",
        "]]>&lt;&#0;",
        "</testcase>\"><x a='",
    ]
    .map(str::to_owned)
    .to_vec();
    names.extend([format!("{long}a"), format!("{long}b")]);
    names
}

/// The fixture's run, in which whatever can have a name has each of them.
fn run() -> (Record, Vec<Sample>) {
    let (mut record, mut samples) = fixture::run();
    let ran = record.cases[0].clone();
    let own: Vec<Sample> = samples.iter().filter(|s| s.case == ran.key).cloned().collect();
    for name in names() {
        let mut case = ran.clone();
        case.key.agent.clone_from(&name);
        case.key.params.push((name.clone(), name.clone()));
        samples
            .extend(own.iter().map(|sample| Sample { case: case.key.clone(), ..sample.clone() }));
        let mut dead =
            CaseRecord { outcome: Outcome::DiedInTheMiddle(name.clone()), ..case.clone() };
        dead.key.suite.clone_from(&name);
        let mut refused = CaseRecord { outcome: Outcome::Refused(name.clone()), ..case.clone() };
        refused.key.workload.clone_from(&name);
        refused.key.subject.clone_from(&name);
        let mut untold = case.clone();
        untold.key.params[0].1.push('2');
        for reading in untold.metrics.values_mut() {
            *reading = Reading::Missing(caxton_model::reading::Missing::Failed(name.clone()));
        }
        case.findings.insert(name.clone(), name.clone());
        record.cases.extend([case, dead, refused, untold]);
        hostile::run(&mut record, &name);
    }
    hostile::run(&mut record, &names().concat());
    (record, samples)
}

/// The fixture's run of loads, in which whatever a plan or a target can name has each of them.
fn loads() -> Record {
    let mut record = fixture::load::loads();
    let models: Vec<CaseRecord> =
        record.cases.iter().filter(|case| case.load.is_some()).cloned().collect();
    for (name, model) in names().iter().zip(models.iter().cycle()) {
        let mut case = model.clone();
        case.key.params.push(("plan".to_owned(), name.clone()));
        let load = case.load.as_mut().unwrap();
        hostile::load(load, name);
        let first = load.thresholds.first().cloned();
        let unknown = |judged| caxton_model::load::threshold::ThresholdFinding {
            verdict: caxton_stats::limit::LimitVerdict::Unknown(name.clone()),
            ..judged
        };
        load.thresholds.extend(first.map(unknown));
        record.cases.push(case);
    }
    record
}

fn comparison() -> Comparison {
    let (mut comparison, _) = paired::comparison();
    let worse = comparison.cases[0].clone();
    for name in names() {
        let mut case = worse.clone();
        case.key.agent.clone_from(&name);
        case.key.params.push((name.clone(), name.clone()));
        let mut dead = case.clone();
        dead.outcome = Outcome::DiedInTheMiddle(name.clone());
        dead.failed = Some(caxton_model::paired::Version::Candidate);
        comparison.cases.extend([case, dead]);
        comparison.warnings.push(name.clone());
        comparison.base.name.push_str(&name);
        comparison.candidate.build.insert(name.clone(), name);
    }
    comparison
}

fn is_harmless(format: &str, text: &str) {
    for c in text.chars().filter(|c| *c != '\n') {
        let is_shown = c == '\'' || c == '"' || c == '\\' || c.escape_debug().count() == 1;
        // The mark of a warning is a sign and a selector.
        assert!(is_shown || c == '\u{fe0f}', "{format}: {c:?}");
    }
    // Nobody takes a table or a log for HTML; Markdown has it in code, or behind a backslash.
    let may_have_it = ["csv", "annotations", "summary", "comment", "markdown"].contains(&format);
    assert!(may_have_it || !text.contains("<script"), "{format}");
    assert!(!text.contains("##["), "{format}");
    for line in text.lines().map(str::trim_start) {
        let is_command = line.starts_with("::");
        assert!(!is_command || format == "annotations", "{format}: {line}");
        assert!(format == "json" || line.len() < 10_000, "{format}: {} bytes", line.len());
    }
    match format {
        "json" | "bmf" | "gab-bigger" | "gab-smaller" | "critcmp" => {
            serde_json::from_str::<serde_json::Value>(text).unwrap();
        }
        "csv" => {
            let mut rows = ::csv::Reader::from_reader(text.as_bytes());
            assert!(rows.records().all(|row| row.is_ok()));
        }
        "junit" | "svg" => is_xml(text),
        "prometheus" => text.lines().for_each(is_metric),
        "annotations" => are_commands(text),
        "summary" | "comment" | "markdown" => is_markdown(text),
        other => panic!("say what {other} must keep to"),
    }
}

fn is_xml(text: &str) {
    let mut reader = quick_xml::Reader::from_str(text);
    reader.config_mut().check_end_names = true;
    let known = ["testsuites", "testsuite", "testcase", "failure", "error", "skipped"];
    loop {
        match reader.read_event().unwrap() {
            Event::Eof => break,
            Event::Start(tag) | Event::Empty(tag) => {
                let name = String::from_utf8(tag.name().as_ref().to_vec()).unwrap();
                let is_ours = known.contains(&name.as_str()) || text.starts_with("<svg");
                assert!(is_ours, "{name}");
                for attribute in tag.attributes() {
                    let value = attribute.unwrap().value.to_vec();
                    let value = String::from_utf8(value).unwrap();
                    quick_xml::escape::unescape(&value).unwrap();
                }
            }
            Event::Text(text) => drop(text.decode().unwrap()),
            Event::CData(_) | Event::Comment(_) | Event::PI(_) => panic!("nothing of ours"),
            _ => {}
        }
    }
}

/// A comment, or a name, labels in quotes and a number.
pub(super) fn is_metric(line: &str) {
    let sample = r#"^caxton_bench_[a-z0-9_]+\{([a-z]+="([^"\\]|\\\\|\\")*",?)+\} -?[0-9.]+$"#;
    let comment = r"^# (HELP|TYPE) caxton_bench_[a-z0-9_]+ [ -~µ×−₀-₉⁰-⁹]+$|^# EOF$";
    let is = |pattern: &str| regex::Regex::new(pattern).unwrap().is_match(line);
    assert!(is(sample) || is(comment), "{line}");
}

fn are_commands(text: &str) {
    assert!((1..=10).contains(&text.lines().count()), "{text}");
    for line in text.lines() {
        let line = line.strip_prefix("::error title=").unwrap();
        let (title, says) = line.split_once("::").unwrap();
        assert!(!title.contains([':', ',']), "{title}");
        for text in [title, says] {
            let codes = text.match_indices('%').map(|(at, _)| &text[at + 1..at + 3]);
            assert!(
                codes.into_iter().all(|code| ["25", "3A", "2C", "0A"].contains(&code)),
                "{text}"
            );
        }
    }
}

/// Tables keep their shape, and outside of code spans there is no markup of others.
fn is_markdown(text: &str) {
    let mut pipes = None;
    let mut fence: Option<&str> = None;
    for line in text.lines() {
        // What is in a fence is nothing but text, up to the line that ends it.
        if let Some(marks) = fence {
            fence = (line != marks).then_some(marks);
            continue;
        }
        // One whose backticks end on the same line is a span.
        let info = line.trim_start_matches('`');
        if line.starts_with("```") && !info.contains('`') {
            assert_eq!(info, "text", "{line}");
            fence = Some(line.strip_suffix(info).unwrap());
            continue;
        }
        let fold = line.strip_prefix("<details><summary>");
        let fold = fold.and_then(|line| line.strip_suffix("</summary>"));
        let line = fold.unwrap_or(line);
        if line == "</details>" {
            continue;
        }
        let count = line.matches('|').count();
        if line.starts_with('|') {
            assert_eq!(*pipes.get_or_insert(count), count, "{line}");
        } else {
            pipes = None;
        }
        let line = line.strip_prefix("<!-- caxton-bench -->").unwrap_or(line);
        let bare = without_spans(line);
        let bare = bare.replace("\\<", "").replace("\\[", "").replace("\\*", "");
        let bare = bare.replace(" @ ", "").replace("**", "");
        assert!(!bare.contains(['`', '@', '$', '&', '<', '[', '*']), "{line}");
        assert!(!bare.contains("http") && !bare.contains("www."), "{line}");
        assert!(!bare.trim_start_matches('#').contains('#'), "{line}");
    }
    assert!(fence.is_none(), "a fence ends");
}

/// `line` without its code spans, as CommonMark finds them: as many backticks on both sides.
fn without_spans(line: &str) -> String {
    let mut out = String::new();
    let mut rest = line;
    while let Some(at) = rest.find('`') {
        out.push_str(&rest[..at]);
        let run = rest[at..].chars().take_while(|c| *c == '`').count();
        rest = &rest[at + run..];
        let mut from = 0;
        let end = loop {
            let open = from + rest[from..].find('`').unwrap_or_else(|| panic!("open: {line}"));
            let other = rest[open..].chars().take_while(|c| *c == '`').count();
            if other == run {
                break open;
            }
            from = open + other;
        };
        rest = &rest[end + run..];
    }
    out + rest
}

#[test]
fn in_every_format_of_a_run_names_are_words() {
    for (record, samples) in [run(), (loads(), Vec::new())] {
        for exporter in EXPORTERS {
            let text = text_of((exporter.export)(&record, &samples).unwrap(), exporter.name);
            is_harmless(exporter.name, &text);
        }
        let text = text_of(markdown_against(&record, &record), "a pair");
        is_harmless("markdown", &text);
    }
}

#[test]
fn in_every_format_of_a_comparison_names_are_words() {
    let comparison = comparison();
    for exporter in COMPARISON_EXPORTERS {
        let text = text_of(exporter.export(&comparison), exporter.name);
        is_harmless(exporter.name, &text);
    }
}

#[test]
fn in_every_text_of_a_job_without_a_comparison_names_are_words() {
    type Text = fn(&Job<'_>) -> String;
    let texts: [(&str, Text); 4] = [
        ("comment", crate::ci::comment),
        ("summary", crate::ci::summary),
        ("annotations", crate::ci::annotations),
        ("junit", crate::ci::junit),
    ];
    for name in names() {
        let said = format!("error: {name}\n{name}\n```\n````\n");
        let outcome = crate::ci::Outcome::Without { why: &name, said: &said };
        let code = exit::NOT_COMPARABLE;
        let job = Job { base: &name, head: &name, outcome, code, again: &name };
        for (format, text) in texts {
            is_harmless(format, &text(&job));
        }
    }
}

#[test]
fn cases_with_hostile_names_stay_apart() {
    let (record, samples) = run();
    let json = (find("critcmp").unwrap().export)(&record, &samples).unwrap();
    let file: serde_json::Value = serde_json::from_slice(&json).unwrap();
    let of = |metric: &str| {
        let all = file["benchmarks"].as_object().unwrap();
        all.keys().filter(|id| id.ends_with(metric)).count()
    };
    // Three agents of the fixture, and each name.
    assert_eq!(of(" wasm_call_ns"), 3 + names().len());
    let bmf = (find("bmf").unwrap().export)(&record, &samples).unwrap();
    let bmf: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(&bmf).unwrap();
    assert!(bmf.keys().all(|key| key.chars().count() <= 1024));
}

#[test]
fn a_json_export_of_hostile_names_still_says_the_same() {
    let (record, samples) = run();
    let json = (find("json").unwrap().export)(&record, &samples).unwrap();
    let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
    assert_eq!(json, serde_json::to_value(&record).unwrap());
}
