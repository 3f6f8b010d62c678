//! What the chart says, and that what it is told stays words.

use super::*;
use caxton_fixture as fixture;
use caxton_model::record::Interval;

fn svg(record: &Record) -> String {
    String::from_utf8(export(record, &[]).unwrap()).unwrap()
}

fn case<'a>(record: &'a mut Record, agent: &str) -> &'a mut CaseRecord {
    let is_it = |case: &&mut CaseRecord| case.key.is_overhead() && case.key.agent == agent;
    record.cases.iter_mut().find(is_it).unwrap()
}

fn tell(record: &mut Record, agent: &str, told: (f64, Option<(f64, f64)>)) {
    let (estimate, bounds) = told;
    let interval = bounds.map(|(lower, upper)| Interval { lower, upper, level: 0.95 });
    for (metric, reading) in &mut case(record, agent).metrics {
        if let (HEADLINE, Reading::Known(summary)) = (metric.as_str(), reading) {
            (summary.estimate, summary.interval) = (estimate, interval);
        }
    }
}

fn rows(record: &Record) -> Vec<String> {
    chart(record).rows.iter().map(|row| format!("{}: {}", row.label, row.figure)).collect()
}

#[test]
fn agents_stand_by_their_ratio_then_failures_the_mean_and_the_apparatus() {
    let (mut record, _) = fixture::run();
    tell(&mut record, "sha256", (2.2415, Some((2.197, 2.3064))));
    let paints: Vec<Paint> = chart(&record).rows.iter().map(|row| row.paint).collect();
    assert_eq!(paints, [Paint::Plain, Paint::Plain, Paint::Bad, Paint::Mean, Paint::Aside]);
    let rows = rows(&record);
    assert_eq!(rows[0], "sha256: 2.24x [2.20, 2.31]");
    assert!(rows[1].starts_with("json: 1.4"), "{rows:?}");
    assert!(rows[2].ends_with(": refused"), "{rows:?}");
    assert!(rows[3].starts_with("geomean of 2 agents: "), "{rows:?}");
    assert!(rows[4].starts_with("noop: "), "{rows:?}");
}

#[test]
fn without_a_ratio_it_says_so() {
    let (mut record, _) = fixture::run();
    let says = |record: &Record| svg(record).contains("No agent of this run has a ratio");
    assert!(!says(&record));
    let failed = Outcome::Failed("the worker died".to_owned());
    let cases = record.cases.iter_mut().filter(|case| case.key.is_overhead());
    cases.for_each(|case| case.outcome = failed.clone());
    assert!(says(&record));
    assert!(rows(&record).contains(&"json: failed".to_owned()));
    record.cases.clear();
    record.totals.clear();
    assert!(says(&record));
    assert!(chart(&record).rows.is_empty());
}

#[test]
fn what_weakens_a_figure_is_told() {
    let (mut record, _) = fixture::run();
    assert_eq!(chart(&record).notes.len(), 1, "what {NOOP} is");
    tell(&mut record, "json", (1.5, None));
    record.run.status = Status::Interrupted;
    for (metric, reading) in &mut case(&mut record, "sha256").metrics {
        if let (HEADLINE, Reading::Known(summary)) = (metric.as_str(), reading) {
            summary.company = Company::Present(3);
        }
    }
    let chart = chart(&record);
    assert_eq!(chart.notes.len(), 4, "{:?}", chart.notes);
    assert_eq!(chart.rows[0].figure, "1.50x (n = 12)");
    assert!(chart.rows[1].mark.unwrap().is_hollow);
}

#[test]
fn marks_stand_where_the_ratios_say() {
    let (mut record, _) = fixture::run();
    tell(&mut record, "sha256", (10.0, Some((5.0, 20.0))));
    tell(&mut record, "json", (100.0, None));
    let svg = svg(&record);
    let number = |tag: &str, name: &str| -> f64 {
        let (_, rest) = tag.split_once(&format!("{name}=\"")).unwrap();
        rest.split_once('"').unwrap().0.parse().unwrap()
    };
    let tags =
        |name: &'static str| svg.split(name).skip(1).map(|rest| rest.split('>').next().unwrap());
    let blue = |tag: &&str| tag.contains("#0969DA");
    let dots: Vec<f64> = tags("<circle ").filter(blue).map(|tag| number(tag, "cx")).collect();
    let [json, sha256] = dots.as_slice() else { panic!("the dearest first: {dots:?}") };
    let native = tags("<polyline ").find(|tag| tag.contains("#1F2328")).unwrap();
    let (_, native) = native.split_once("points=\"").unwrap();
    let native: f64 = native.split_once(',').unwrap().0.parse().unwrap();
    assert!((2.0 * (sha256 - native) - (json - native)).abs() <= 2.0, "decades: {dots:?}");
    let whisker = tags("<polyline ").find(blue).unwrap();
    let (_, places) = whisker.split_once("points=\"").unwrap();
    let ends: Vec<f64> =
        places.split_whitespace().filter_map(|at| at.split_once(',')?.0.parse().ok()).collect();
    assert!((ends[0] + ends[1] - 2.0 * sha256).abs() <= 2.0, "5 and 20 around 10: {ends:?}");
    let factor = (ends[1] - ends[0]) / (json - sha256);
    assert!((factor - 4.0_f64.log10()).abs() < 0.02, "{factor}");
}

#[test]
fn a_ratio_that_no_axis_holds_is_told_in_figures() {
    let (mut record, _) = fixture::run();
    for (ratio, said) in [(0.0, "0.00x"), (-1.0, "-1.00x"), (1e300, "1.0e300x"), (f64::NAN, "NaNx")]
    {
        tell(&mut record, "json", (ratio, Some((ratio, 1.5))));
        let rows = chart(&record).rows;
        let json = rows.iter().find(|row| row.label == "json").unwrap();
        assert_eq!(json.mark, None);
        assert!(json.figure.starts_with(said), "{}", json.figure);
        assert!(!svg(&record).contains("e300\""), "no such place");
    }
    assert_eq!([0.994, 9.995, 49.96, 99.95].map(short), ["0.99", "10.0", "50.0", "100"]);
}

#[test]
fn the_same_record_gives_the_same_bytes_and_every_place_is_on_the_card() {
    let (mut record, _) = fixture::run();
    tell(&mut record, "json", (50.0, Some((0.001, 9_999.0))));
    let svg = svg(&record);
    assert_eq!(svg, self::svg(&record));
    let number = |text: &str, name: &str| -> Option<i32> {
        let (_, rest) = text.split_once(&format!(" {name}=\""))?;
        rest.split_once('"')?.0.parse().ok()
    };
    let height = number(svg.lines().next().unwrap(), "height").unwrap();
    for line in svg.lines() {
        for (names, most) in [(["x", "x1", "x2", "cx"], 880), (["y", "y1", "y2", "cy"], height)] {
            let places = names.iter().filter_map(|name| number(line, name));
            places.for_each(|place| assert!((0..=most).contains(&place), "{line}"));
        }
    }
}
