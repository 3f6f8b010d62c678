//! The tables of suites that send mail, word for word, and what they say of bad figures.

use super::*;
use caxton_fixture::mail::mail;
use caxton_fixture::rounded;
use caxton_model::metric::MetricName;
use caxton_model::record::CaseRecord;
use expect_test::expect_file;

fn of_mail(record: &Record) -> Vec<Table> {
    let sections = [
        throughput::tables(record),
        latency::tables(record),
        scaling::tables(record),
        resources::tables(record),
        vec![requirements_table(record)],
    ];
    sections.into_iter().flatten().collect()
}

fn painted(tables: &[Table]) -> String {
    let painted: Vec<String> = tables.iter().map(|t| paint(t, &Style::default())).collect();
    painted.join("\n")
}

#[test]
fn the_report_of_mail_is_as_it_was() {
    let text = painted(&of_mail(&rounded(mail())));
    expect_file!["./goldens/mail.txt"].assert_eq(&text);
    let wide: Vec<&str> = text.lines().filter(|line| line.chars().count() > 112).collect();
    assert!(wide.is_empty(), "{wide:#?}");
}

#[test]
fn a_run_that_ended_early_says_what_is_not_there() {
    let mut record = mail();
    for case in &mut record.cases {
        case.outcome = Outcome::NotRun("the run ended before its turn".to_owned());
        case.metrics.clear();
    }
    let tables = of_mail(&record);
    assert!(tables.iter().flat_map(|t| &t.rows).all(|row| row.tone == Tone::Bad));
    let notes: Vec<&str> =
        tables.iter().flat_map(|t| &t.notes).map(|note| note.text.as_str()).collect();
    for words in ["the run ended before its turn", "not fitted, 0 rates of the 4 that it takes"] {
        assert!(notes.iter().any(|note| note.contains(words)), "{words}: {notes:#?}");
    }
    let graded = tables.last().expect("the requirements");
    assert!(graded.rows.iter().all(|row| row.cells[5] == "MISSING"), "{graded:?}");
}

#[test]
fn rates_without_a_law_are_said_to_be() {
    let mut record = rounded(mail());
    let rate = MetricName::parse("message_rate").unwrap();
    let scaled = |case: &&mut CaseRecord| case.key.suite == "scalability";
    for (case, value) in record.cases.iter_mut().filter(scaled).zip([9e6, 1e6, 8e6, 1e6, 9e6, 1e6])
    {
        let Some(Reading::Known(summary)) = case.metrics.get_mut(&rate) else { continue };
        summary.estimate = value;
    }
    let tables = scaling::tables(&record);
    let note = tables[2].notes.iter().find(|note| note.text.contains("bad fit")).unwrap();
    assert_eq!(note.tone, Tone::Bad);
    assert!(note.text.contains("do not rely on it (R² below 0.9)"), "{}", note.text);
}
