//! Pages of made-up runs: that they stay as they are, and that what came from outside stays words.

use super::document::Document;
use super::*;
use crate::hostile;
use crate::sections::TOPICS;
use crate::table::{Table, Tone};
use caxton_fixture as fixture;
use caxton_fixture::drawing::Drawing;
use caxton_model::case::Outcome;
use caxton_model::load::outcome::LoadVerdict as Judgement;
use caxton_model::load::outcome::LoadVerdict::{Fail, Invalid, Pass, Unclear};
use caxton_model::reading::Reading;
use caxton_model::record::Record;
use caxton_model::record::store::RunFolder;
use expect_test::expect_file;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;

const EVIL: &str = "</td></text></svg></iframe><script>alert(1)</script>|\n\"onload='x' \
    &\u{202e}\u{0}{{ 7*98765431 }}";

fn alone(record: &Record) -> Page {
    page(&[Told { record, samples: &[], attachments: &[] }], &[]).unwrap()
}

/// A flame graph as inferno writes one, in short.
fn flame() -> String {
    "<?xml version=\"1.0\" standalone=\"no\"?><svg version=\"1.1\" width=\"1200\" height=\"120\" \
     onload=\"init(evt)\" viewBox=\"0 0 1200 120\" xmlns=\"http://www.w3.org/2000/svg\">\
     <script><![CDATA[function init(evt){}]]></script><rect width=\"1200\" height=\"20\" \
     fill=\"rgb(9,9,9)\"><title>all &lt;x&gt;</title></rect></svg>\n"
        .to_owned()
}

/// Every kind of thing that a page can tell.
struct Everything {
    records: [Record; 4],
    attachments: [Attachment; 2],
    comparison: Comparison,
}

impl Everything {
    fn new() -> Self {
        let flames = [("json", Ok(flame())), ("sort", Err("no such file".to_owned()))];
        let [mut parts, mail, caxton] =
            [fixture::parts(), fixture::mail::mail(), fixture::mail::caxton()]
                .map(fixture::rounded);
        // Its calls with noise probes, of which one agent's ratio is unclear.
        let watched = fixture::watched();
        for case in watched.cases.into_iter().filter(|case| case.key.is_overhead()) {
            let own = parts.cases.iter_mut().find(|own| own.key == case.key);
            own.expect("the same run").metrics = case.metrics;
        }
        parts.totals = watched.totals;
        Self {
            records: [parts, mail, caxton, fixture::load::loads()],
            attachments: flames.map(|(agent, text)| {
                let name = format!("wasm/{agent}/flame.svg");
                Attachment { name, text }
            }),
            comparison: fixture::paired::comparison().0,
        }
    }

    fn runs(&self) -> [Told<'_>; 4] {
        let mut runs =
            self.records.each_ref().map(|record| Told { record, samples: &[], attachments: &[] });
        runs[0].attachments = &self.attachments;
        runs
    }

    fn document(&self) -> Document {
        sections::document(&self.runs(), &[&self.comparison])
    }
}

fn everything() -> Page {
    render::report(Everything::new().document()).unwrap()
}

/// The tags of `html` that are open at its end, or the first that closes what was not open.
fn open_tags(html: &str) -> Result<Vec<String>, String> {
    const VOID: [&str; 7] = ["meta", "rect", "line", "polyline", "polygon", "!doctype", "br"];
    let mut open = Vec::new();
    let mut rest = html;
    while let Some((_, after)) = rest.split_once('<') {
        let (tag, after) = after.split_once('>').ok_or("a tag without an end")?;
        rest = after;
        let name: String = tag.chars().take_while(|c| !c.is_whitespace()).collect();
        if let Some(name) = name.strip_prefix('/') {
            if open.pop().as_deref() != Some(name) {
                return Err(format!("</{name}> closes nothing"));
            }
        } else if name == "style" || name == "script" {
            // Their text is no HTML.
            let end = format!("</{name}>");
            rest = rest.split_once(&end).ok_or("a text without an end")?.1;
        } else if !VOID.contains(&name.as_str()) && !tag.ends_with('/') {
            open.push(name);
        }
    }
    Ok(open)
}

#[test]
fn a_run_of_schema_1_looks_as_it_did() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/record-v1");
    let (record, samples) = RunFolder::load(&folder).unwrap();
    let told = Told { record: &record, samples: &samples, attachments: &[] };
    let page = page(&[told], &[]).unwrap();
    // The narrow charts are the same ones, drawn for less room.
    let html = page.html.split("<svg class=\"chart is-narrow\"").enumerate();
    let rest = |(at, part): (usize, &str)| match at {
        0 => part.to_owned(),
        _ => part.split_once("</svg>").unwrap().1.to_owned(),
    };
    expect_file!["goldens/record-v1.html"].assert_eq(&html.map(rest).collect::<String>());
}

/// The texts that a reader of `html` sees, in order; a chart or a flame graph is its name.
fn texts(html: &str) -> Vec<String> {
    let (_, main) = html.split_once("<main>").unwrap();
    let (main, _) = main.split_once("</main>").unwrap();
    let mut texts = Vec::new();
    let mut rest = main;
    while let Some((text, after)) = rest.split_once('<') {
        texts.push(text.to_owned());
        let (tag, after) = after.split_once('>').unwrap();
        rest = after;
        if let Some((_, label)) = tag.split_once("aria-label=\"").filter(|_| tag.starts_with("svg"))
        {
            texts.push(format!("chart {}", label.strip_suffix('"').unwrap()));
            rest = rest.split_once("</svg>").unwrap().1;
        }
    }
    texts.retain(|text| !text.trim().is_empty());
    texts.iter().map(|text| quick_xml::escape::unescape(text.trim()).unwrap().into()).collect()
}

/// What a reader is to see of a part of a document; not its anchors, its marks and its pictures.
fn words(part: &Value) -> Vec<&str> {
    const MARKS: [&str; 7] = ["id", "absent", "tone", "align", "svg", "file", "document"];
    match part {
        Value::String(text) => vec![text],
        Value::Array(parts) => parts.iter().flat_map(words).collect(),
        Value::Object(parts) => {
            let seen = parts.iter().filter(|(name, _)| !MARKS.contains(&name.as_str()));
            seen.flat_map(|(_, part)| words(part)).collect()
        }
        _ => Vec::new(),
    }
}

#[test]
fn a_page_shows_all_of_its_document() {
    let mut document = Everything::new().document();
    // The page has it outside its main part, in the words of a sentence, or only above rows.
    document.title.clear();
    for figure in document.sections.iter_mut().flat_map(|section| &mut section.figures) {
        figure.folded = "";
        figure.flame = None;
        let bare = figure.tables.iter_mut().filter(|table| table.rows.is_empty());
        bare.for_each(|table| table.columns.clear());
    }
    let html = everything().html;
    let seen: BTreeSet<String> = texts(&html).into_iter().collect();
    let document = serde_json::to_value(&document).unwrap();
    let missing = |text: &&str| !text.trim().is_empty() && !seen.contains(text.trim());
    let missing: Vec<&str> = words(&document).into_iter().filter(missing).collect();
    assert_eq!(missing, ["caxton-bench"; 0]);
    for told in
        ["Flame graph wasm/json/flame.svg", "wasm/sort/flame.svg is not shown: no such file"]
    {
        assert!(seen.contains(told), "{told}");
    }
}

/// Rows of a table that are shown of many: an even choice.
const ROWS_SHOWN: usize = 4;

/// `table` in short, unless the text of a report, which has a golden of its own, holds it.
fn outline(table: &Table, reported: &[Table]) -> String {
    let count = table.rows.len();
    let mut out = format!(" table {}: {count} rows", table.title);
    if reported.contains(table) {
        return out + ", as reported\n";
    }
    let heads: Vec<&str> = table.columns.iter().map(|column| column.name.as_str()).collect();
    out += &format!("\n  {}\n", heads.join(" | "));
    let chosen: BTreeSet<usize> =
        (0..ROWS_SHOWN).map(|i| i * count.saturating_sub(1) / (ROWS_SHOWN - 1)).collect();
    for row in chosen.into_iter().filter_map(|at| table.rows.get(at)) {
        let mark = if row.tone == Tone::Bad { "!" } else { " " };
        out += &format!(" {mark}{}\n", row.cells.join(" | "));
    }
    for note in &table.notes {
        out += &format!("  - {}\n", note.text);
    }
    out
}

#[test]
fn a_page_of_everything_has_the_charts_and_tables_that_it_had() {
    let all = Everything::new();
    let mut reported: Vec<Table> = all.records.iter().flat_map(crate::sections::tables).collect();
    reported.extend(crate::sections::comparison_tables(&all.comparison, true));
    let mut document = all.document();
    let charts = render::draw(&mut document).unwrap();
    let drawn = |file: &str| {
        let (_, svg) = charts.iter().find(|(name, _)| *name == format!("{file}.svg")).unwrap();
        Drawing::of(svg).told(false)
    };
    let mut told = String::new();
    for section in &document.sections {
        told += &format!("{}: {}\n", section.id, section.title);
        for figure in &section.figures {
            let head = figure.heading.as_ref();
            told +=
                &head.map_or(String::new(), |h| format!("{} {} {:?}\n", h.name, h.word, h.tone));
            told += &figure.words.iter().map(|words| format!(" {words}\n")).collect::<String>();
            if figure.chart.is_some() {
                told += &format!(" chart {}\n{}", figure.file, drawn(&figure.file));
            }
            if !figure.folded.is_empty() {
                told += &format!(" below {}:\n", figure.folded);
            }
            told += &figure.tables.iter().map(|one| outline(one, &reported)).collect::<String>();
        }
    }
    expect_file!["goldens/everything.txt"].assert_eq(&told);
    let page = render::report(document).unwrap();
    assert_eq!(page.charts, charts);
    let names: BTreeSet<&String> = charts.iter().map(|(name, _)| name).collect();
    assert_eq!(names.len(), charts.len(), "{names:?}");
    for (name, svg) in &charts {
        assert!(svg.contains("prefers-color-scheme: dark"), "{name}");
        let (_, drawn) = svg.split_once("</style>\n").unwrap();
        assert_eq!(page.html.matches(drawn.trim_end()).count(), 1, "{name} is on the page");
    }
    assert_eq!(page, everything(), "the same bytes");
}

#[test]
fn a_section_that_has_nothing_to_tell_is_not_there() {
    let nothing = page(&[], &[]).unwrap();
    assert!(nothing.charts.is_empty() && !nothing.html.contains("<h2>"), "{}", nothing.html);
    let everything = everything().html;
    assert_eq!(everything.matches("<h2>").count(), TOPICS.len() + 2, "targets and changes too");
    let (run, _) = fixture::run();
    let headings: Vec<String> = alone(&run)
        .html
        .split("<h2>")
        .skip(1)
        .filter_map(|rest| Some(rest.split_once('<')?.0.to_owned()))
        .collect();
    let own = ["Native against WASM", "Under a memory limit", "Targets", "Environment"];
    assert_eq!(headings, own);
}

#[test]
fn a_page_is_whole_and_reaches_nothing() {
    for html in [everything().html, alone(&fixture::run().0).html, page(&[], &[]).unwrap().html] {
        assert_eq!(open_tags(&html), Ok(Vec::new()));
        for outside in ["http:", "https:", " src=", "url(", "@import", "<link", "<base"] {
            assert!(!html.contains(outside), "{outside}");
        }
        let links = html.split("href=\"").skip(1);
        links.for_each(|link| assert!(link.starts_with('#'), "{}", &link[..20]));
    }
}

#[test]
fn hostile_words_stay_words() {
    let record = hostile();
    let (mut comparison, _) = fixture::paired::comparison();
    EVIL.clone_into(&mut comparison.base.name);
    EVIL.clone_into(&mut comparison.run.suite);
    EVIL.clone_into(&mut comparison.run.id);
    comparison.warnings.push(EVIL.to_owned());
    comparison.cases.iter_mut().for_each(|case| EVIL.clone_into(&mut case.key.agent));
    let attachments = [
        Attachment { name: EVIL.to_owned(), text: Ok(format!("<svg>{EVIL}</svg>")) },
        Attachment { name: EVIL.to_owned(), text: Err(EVIL.to_owned()) },
    ];
    let told = Told { record: &record, samples: &[], attachments: &attachments };
    let page = page(&[told, told], &[&comparison]).unwrap();
    let html = &page.html;
    assert_eq!(open_tags(html), Ok(Vec::new()));
    assert_eq!(html.matches("<script").count(), 1, "the page's own");
    assert_eq!(html.matches("<iframe").count(), 2);
    assert!(html.contains("7*98765431") && !html.contains("691358017"), "no template");
    let frames: usize = html.split("srcdoc=\"").skip(1).map(|f| f.find('"').unwrap()).sum();
    assert!(html.len() - frames < 3_500_000, "{}", html.len());
    let (outside, _) = html.split_once("<iframe").unwrap();
    let is_bad = |c: char| c != '\n' && (c.is_control() || c == '\u{202e}');
    assert!(!outside.contains(is_bad));
    for (name, svg) in &page.charts {
        assert!(!svg.contains("<script") && !svg.contains(is_bad), "{name}");
        assert!(name.chars().all(|c| c.is_ascii_alphanumeric() || "-.".contains(c)), "{name}");
    }
}

/// A run of everything whose every word is from an enemy, and as long as a page.
fn hostile() -> Record {
    let mut record = fixture::parts();
    record.cases.extend(fixture::mail::mail().cases);
    record.cases.extend(fixture::load::loads().cases);
    let long = EVIL.repeat(10_000 / EVIL.len() + 1);
    for case in &mut record.cases {
        // Suite, workload and subject decide where it is told.
        case.key.agent.clone_from(&long);
        case.key.params.push((EVIL.to_owned(), long.clone()));
        case.findings.insert(long.clone(), long.clone());
        case.load.iter_mut().for_each(|load| hostile::load(load, &long));
    }
    let count = record.cases.len();
    record.cases[0].outcome = Outcome::DiedInTheMiddle(long.clone());
    record.cases[count - 1].outcome = Outcome::Failed(long.clone());
    (0..9).for_each(|_| hostile::run(&mut record, &long));
    record
}

#[test]
fn the_banner_tells_the_gravest_first() {
    let (mut record, _) = fixture::run();
    let first = |record: &Record| {
        let verdict = verdict::verdict(&[Told { record, samples: &[], attachments: &[] }], &[]);
        (verdict.tone, verdict.word)
    };
    let word = |word: &str| word.to_owned();
    assert_eq!(first(&record), (verdict::Tone::Bad, word("FAILED")));
    record.cases.retain(|case| !case.has_failed());
    // Two of seven targets are measured by this suite, and both are met.
    assert_eq!(first(&record), (verdict::Tone::Open, word("TARGETS MET IN PART")));
    record.run.status = caxton_model::record::Status::Interrupted;
    assert_eq!(first(&record), (verdict::Tone::Bad, word("INCOMPLETE RUN")));
}

#[test]
fn loads_are_told_as_they_stand() {
    let mut record = fixture::load::loads();
    record.cases.truncate(3);
    let set = |record: &mut Record, verdicts: [Judgement; 3]| {
        for (case, verdict) in record.cases.iter_mut().zip(verdicts) {
            case.load.as_mut().unwrap().verdict = verdict;
        }
        let verdict = verdict::verdict(&[Told { record, samples: &[], attachments: &[] }], &[]);
        (verdict.tone, verdict.word, verdict.why)
    };
    let (tone, word, why) = set(&mut record, [Pass, Invalid, Fail]);
    assert_eq!((tone, word.as_str()), (verdict::Tone::Bad, "LOAD FAILED"));
    assert!(why.starts_with("1 of 3:") && why.ends_with("late"), "{why}");
    let (tone, word, _) = set(&mut record, [Pass, Invalid, Unclear]);
    assert_eq!((tone, word.as_str()), (verdict::Tone::Bad, "LOAD INVALID"));
    let (tone, word, _) = set(&mut record, [Pass, Pass, Unclear]);
    assert_eq!((tone, word.as_str()), (verdict::Tone::Open, "LOAD UNCLEAR"));
    let (tone, word, _) = set(&mut record, [Pass; 3]);
    assert_eq!((tone, word.as_str()), (verdict::Tone::Good, "LOADS PASSED"));
    let load = record.cases[1].load.as_mut().unwrap();
    load.whole.took.0 = load.plan.wanted().0 / 25;
    let (tone, word, why) = set(&mut record, [Pass; 3]);
    assert_eq!((tone, word.as_str()), (verdict::Tone::Open, "LOADS PASSED IN PART"));
    assert!(why.starts_with("1 of 3:") && why.ends_with("leaking (4.00 %)"), "{why}");
}

#[test]
fn all_targets_met_is_green_and_part_of_them_is_not() {
    let records = [fixture::run().0, fixture::mail::mail()].map(|mut record| {
        record.cases.retain(|case| !case.has_failed());
        record
    });
    let told = records.each_ref().map(|record| Told { record, samples: &[], attachments: &[] });
    let said = verdict::verdict(&told, &[]);
    let all = said.reasons.iter().chain([&said.word]).any(|text| text.starts_with("TARGETS MET"));
    assert!(all && !said.reasons.iter().any(|text| text.contains("IN PART")), "{said:?}");
}

#[test]
fn percentiles_that_were_not_measured_are_gaps() {
    let mut record = fixture::mail::mail();
    let lost = caxton_model::metric::MetricName::parse("subject_response_p99_ns").unwrap();
    record.cases.iter_mut().for_each(|case| drop(case.metrics.remove(&lost)));
    let charts = curves::responses(&record);
    assert!(!charts.is_empty());
    for chart in charts {
        let at = |label: &str| -> Vec<(f64, bool)> {
            let series = chart.series.iter().find(|series| series.label.contains(label)).unwrap();
            series.points.iter().map(|point| (point.x, point.is_gap())).collect()
        };
        let gaps = |gaps: [bool; 4]| -> Vec<(f64, bool)> {
            [0.5, 0.9, 0.99, 0.999].into_iter().zip(gaps).collect()
        };
        assert_eq!(at(": response"), gaps([false, false, true, false]));
        // Only the median and 99 % of the service are kept.
        assert_eq!(at(": service"), gaps([false, true, false, true]));
    }
}

#[test]
fn a_law_that_does_not_fit_is_not_drawn() {
    let mut record = fixture::mail::mail();
    let rate = caxton_model::metric::MetricName::parse("message_rate").unwrap();
    let mut rates = [1e6, 9e6, 1e5, 8e6, 2e5, 7e6].into_iter().cycle();
    let scaled =
        record.cases.iter_mut().filter(|case| case.key.workload == caxton_model::case::SCALE);
    for case in scaled {
        if let Some(Reading::Known(summary)) = case.metrics.get_mut(&rate) {
            summary.estimate = rates.next().unwrap();
        }
    }
    let charts = curves::scaling(&record);
    let (_, chart) = charts.iter().find(|(name, _)| *name == "scaling-rate").unwrap();
    let has_law = chart.series.iter().any(|series| series.label.contains("Scalability Law"));
    assert!(!has_law && chart.notes.iter().any(|note| note.contains("it is not drawn")));
}

#[test]
fn the_ideal_is_what_the_cores_allow_and_memory_is_what_each_further_agent_takes() {
    let mut record = fixture::mail::mail();
    let metric = |name: &str| caxton_model::metric::MetricName::parse(name).unwrap();
    // A process of 6 MB, and 30 kB for each agent.
    for case in record.cases.iter_mut().filter(|case| case.key.param("agents").is_some()) {
        let agents: f64 = case.key.param("agents").unwrap().parse().unwrap();
        let planted = [
            ("memory_per_agent_bytes", 6e6 / agents + 30e3),
            ("message_rate", if agents == 1.0 { 2e6 } else { 3e6 }),
        ];
        for (name, value) in planted {
            if let Some(Reading::Known(summary)) = case.metrics.get_mut(&metric(name)) {
                summary.estimate = value;
            }
        }
    }
    let charts = curves::scaling(&record);
    let of = |file: &str| &charts.iter().find(|(name, _)| *name == file).unwrap().1.series;
    let each: Vec<f64> = of("scaling-memory")[0].points.iter().map(|point| point.y).collect();
    assert!(each.len() > 3 && each.iter().all(|y| (y - 30e3).abs() < 1.0), "{each:?}");
    let ideal = of("scaling-rate").iter().find(|series| series.label.contains("2 cores")).unwrap();
    let rates: Vec<f64> = ideal.points.iter().map(|point| point.y).collect();
    assert_eq!(rates, [2e6, 4e6, 4e6], "one agent's rate on each of two cores, and no more");
}
