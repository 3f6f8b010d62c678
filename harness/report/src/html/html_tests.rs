//! Pages of made-up runs: that they stay as they are, and that what came from outside stays words.

use super::*;
use caxton_fixture as fixture;
use caxton_model::reading::Reading;
use caxton_model::record::store::RunFolder;
use expect_test::expect_file;
use std::path::Path;

/// What somebody could call anything.
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
fn everything() -> Page {
    let (parts, mail) =
        (fixture::rounded(fixture::parts()), fixture::rounded(fixture::mail::mail()));
    let loads = fixture::load::loads();
    let (comparison, _) = fixture::paired::comparison();
    let attachments = [
        Attachment { name: "wasm/json/flame.svg".to_owned(), svg: Ok(flame()) },
        Attachment { name: "wasm/sort/flame.svg".to_owned(), svg: Err("no such file".to_owned()) },
    ];
    let runs = [
        Told { record: &parts, samples: &[], attachments: &attachments },
        Told { record: &mail, samples: &[], attachments: &[] },
        Told { record: &loads, samples: &[], attachments: &[] },
    ];
    page(&runs, &[&comparison]).unwrap()
}

/// The tags of `html` that are open at its end, or the first that closes what was not open.
fn open_tags(html: &str) -> Result<Vec<String>, String> {
    const VOID: [&str; 8] =
        ["meta", "rect", "line", "circle", "polyline", "polygon", "!doctype", "br"];
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
        } else if !VOID.contains(&name.as_str()) {
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
    expect_file!["goldens/record-v1.html"].assert_eq(&page.html);
}

#[test]
fn a_page_of_everything_looks_as_it_did() {
    let page = everything();
    expect_file!["goldens/everything.html"].assert_eq(&page.html);
    let names: BTreeSet<&String> = page.charts.iter().map(|(name, _)| name).collect();
    assert_eq!(names.len(), page.charts.len(), "{names:?}");
    for (name, svg) in &page.charts {
        assert!(svg.contains("prefers-color-scheme: dark"), "{name}");
        assert!(page.html.contains(&format!("(charts&#x2f;{name})")), "{name} has no numbers");
    }
    assert_eq!(page, everything(), "the same bytes");
}

#[test]
fn every_section_is_there_and_an_empty_one_says_what_brings_it() {
    let page = page(&[], &[]).unwrap();
    assert!(page.charts.is_empty());
    assert!(page.html.contains("NOTHING TO JUDGE"));
    let words = [
        "cargo bench --bench wasm",
        "--baseline NAME",
        "--bench scalability",
        "--bench scenarios",
        "--profile",
    ];
    for word in words {
        assert!(page.html.contains(word), "{word}");
    }
    let everything = everything().html;
    assert_eq!(everything.matches("<h2>").count(), page.html.matches("<h2>").count());
    assert!(!everything.contains("class=\"none\""), "all sections have something");
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
        Attachment { name: EVIL.to_owned(), svg: Ok(format!("<svg>{EVIL}</svg>")) },
        Attachment { name: EVIL.to_owned(), svg: Err(EVIL.to_owned()) },
    ];
    let told = Told { record: &record, samples: &[], attachments: &attachments };
    let page = page(&[told, told], &[&comparison]).unwrap();
    let html = &page.html;
    assert_eq!(open_tags(html), Ok(Vec::new()));
    assert_eq!(html.matches("<script").count(), 1, "the page's own");
    assert_eq!(html.matches("<iframe").count(), 2);
    assert!(html.contains("7*98765431") && !html.contains("691358017"), "no template");
    let frames: usize = html.split("srcdoc=\"").skip(1).map(|f| f.find('"').unwrap()).sum();
    assert!(html.len() - frames < 2_500_000, "{}", html.len());
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
        for load in case.load.iter_mut() {
            load.plan.name.clone_from(&long);
            load.target.clone_from(&long);
            load.reasons = vec![long.clone(); 3];
            load.stages.iter_mut().for_each(|stage| stage.name.clone_from(&long));
            load.thresholds.iter_mut().for_each(|judged| {
                judged.threshold.text.clone_from(&long);
                judged.threshold.stage = Some(long.clone());
            });
            for trend in load.leak.iter_mut().flat_map(|leak| &mut leak.trends) {
                trend.verdict = caxton_stats::trend::LeakVerdict::Invalid(long.clone());
            }
        }
    }
    use caxton_model::case::Outcome;
    let count = record.cases.len();
    record.cases[0].outcome = Outcome::DiedInTheMiddle(long.clone());
    record.cases[count - 1].outcome = Outcome::Failed(long.clone());
    record.run.id.clone_from(&long);
    record.run.suite.clone_from(&long);
    record.run.scale.clone_from(&long);
    record.run.started_utc.clone_from(&long);
    record.run.command = vec![long.clone(), EVIL.to_owned()];
    record.run.revision.commit = Reading::Known(long.clone());
    record.run.build.insert(long.clone(), long.clone());
    record.engine.insert(long.clone(), long.clone());
    record.host.fingerprint.insert(long.clone(), Reading::Known(long.clone()));
    record.host.fingerprint.insert("cpu_model".to_owned(), Reading::Known(long.clone()));
    record.warnings = vec![long.clone(); 9];
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
    use caxton_model::load::outcome::Verdict as Judgement;
    let mut record = fixture::load::loads();
    record.cases.truncate(3);
    let set = |record: &mut Record, verdicts: [Judgement; 3]| {
        for (case, verdict) in record.cases.iter_mut().zip(verdicts) {
            case.load.as_mut().unwrap().verdict = verdict;
        }
        let verdict = verdict::verdict(&[Told { record, samples: &[], attachments: &[] }], &[]);
        (verdict.tone, verdict.word, verdict.why)
    };
    use Judgement::{Fail, Invalid, Pass, Unclear};
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
fn a_load_has_its_charts_and_the_words_of_its_recovery() {
    let page = alone(&fixture::load::loads());
    let names: Vec<&str> = page.charts.iter().map(|(name, _)| name.as_str()).collect();
    for name in ["burst-rates", "burst-latency", "burst-spectrum", "leaking-live"] {
        assert!(names.contains(&format!("load-{name}.svg").as_str()), "{name} of {names:?}");
    }
    assert!(!names.iter().any(|name| name.contains("dead-")), "{names:?}");
    for words in ["Recovered ", "The smallest growth that this run could have seen"] {
        assert!(page.html.contains(words), "{words}");
    }
}
