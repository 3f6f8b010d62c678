//! Run folders: records, comparisons, kits, and the samples beside them.

use crate::folder::with_files;
use caxton_analysis::compare::Records;
use caxton_analysis::limits::Limits;
use caxton_analysis::paired::judge::rejudge;
use caxton_analysis::reduce::resummarise;
use caxton_model::baseline::load_kit;
use caxton_model::paired::comparison::Comparison;
use caxton_model::record::Record;
use caxton_model::record::kit::KIT_FILE;
use caxton_model::record::store::{COMPARISON_FILE, RECORD_FILE, RunFolder, SAMPLES_FILE};
use caxton_model::samples::Sample;
use caxton_report::ci;
use caxton_report::export::{COMPARISON_EXPORTERS, EXPORTERS, markdown_against};
use caxton_report::history;
use caxton_report::sections::Style;
use caxton_report::sections::records_text;
use caxton_report::{html, sections as report};
use std::hint::black_box;
use std::sync::LazyLock;

const RUN: &[u8] = include_bytes!("../seeds/record/run.json");
const PAIR: &[u8] = include_bytes!("../seeds/comparison/comparison.json");
const COLOUR: Style = Style { colour: true, width: Some(80) };

/// What other inputs are compared with.
pub(crate) static BASE: LazyLock<Record> =
    LazyLock::new(|| serde_json::from_slice(RUN).expect("the seed of records is one"));
static LIMITS: LazyLock<Limits> = LazyLock::new(|| {
    let text = include_str!("../seeds/limits/limits.toml");
    Limits::parse("limits.toml", text).expect("the seed of limits is one")
});

/// `record.json`.
pub(crate) fn record(bytes: &[u8]) -> bool {
    let read = with_files(&[(RECORD_FILE, bytes)], RunFolder::load_record);
    read.map(|record| tell_run(&record, &[])).is_ok()
}

/// `samples.csv` of a run.
pub(crate) fn samples(bytes: &[u8]) -> bool {
    let page = promising(RUN, bytes.len());
    let files = [(RECORD_FILE, &page[..]), (SAMPLES_FILE, bytes)];
    let Ok((mut record, samples)) = with_files(&files, RunFolder::load) else { return false };
    resummarise(&mut record, &samples);
    tell_run(&record, &samples);
    true
}

/// `comparison.json`.
pub(crate) fn comparison(bytes: &[u8]) -> bool {
    let page = promising(bytes, 0);
    let files = [(COMPARISON_FILE, &page[..]), (SAMPLES_FILE, &[])];
    let Ok((mut pair, turns)) = with_files(&files, RunFolder::load_comparison) else {
        return false;
    };
    tell_pair(&pair);
    rejudge(&mut pair, &turns);
    tell_pair(&pair);
    true
}

/// `samples.csv` of a comparison.
pub(crate) fn turns(bytes: &[u8]) -> bool {
    let page = promising(PAIR, bytes.len());
    let files = [(COMPARISON_FILE, &page[..]), (SAMPLES_FILE, bytes)];
    let Ok((mut pair, turns)) = with_files(&files, RunFolder::load_comparison) else {
        return false;
    };
    rejudge(&mut pair, &turns);
    tell_pair(&pair);
    true
}

/// `kit.json`.
pub(crate) fn kit(bytes: &[u8]) -> bool {
    let Ok(Some(kit)) = with_files(&[(KIT_FILE, bytes)], load_kit) else { return false };
    black_box(kit.files().map(|file| file.bytes.to_string().len()).sum::<usize>());
    black_box(report::revision_words(&kit.revision));
    true
}

/// `page` with the promise of so many bytes of samples.
fn promising(page: &[u8], bytes: usize) -> Vec<u8> {
    const KEY: &[u8] = b"\"samples_bytes\":";
    let Some(at) = page.windows(KEY.len()).rposition(|window| window == KEY) else {
        return page.to_vec();
    };
    let (before, after) = page.split_at(at + KEY.len());
    let digits = after.iter().take_while(|b| b.is_ascii_digit() || **b == b' ').count();
    [before, bytes.to_string().as_bytes(), &after[digits..]].concat()
}

/// Everything that is made of a run.
fn tell_run(record: &Record, samples: &[Sample]) {
    black_box(report::text(record, &COLOUR));
    black_box(report::summary_line(record));
    for exporter in EXPORTERS {
        // A format that cannot hold a figure refuses the run.
        let _ = black_box((exporter.export)(record, samples));
    }
    black_box(markdown_against(record, &BASE));
    let told = html::Told { record, samples, attachments: &[] };
    html::page(&[told], &[]).expect("nothing that a record could say keeps a page from being made");
    history::page(&[BASE.clone(), record.clone()]).expect("nor a page of several");
    black_box(report::targets::table(std::slice::from_ref(record)));
    let graded = LIMITS.grade(record);
    black_box(report::limits_table(&graded, &LIMITS.idle(record)));
    for [base, candidate] in [[&*BASE, record], [record, &*BASE]] {
        let records = Records::compare(base, candidate, &[], &LIMITS);
        black_box((records.conclusion(), records_text(&records, &COLOUR)));
    }
}

/// Everything that is made of a comparison.
fn tell_pair(pair: &Comparison) {
    black_box(report::comparison_line(pair));
    black_box(report::comparison_text(pair, true, &COLOUR));
    for exporter in COMPARISON_EXPORTERS {
        black_box(exporter.export(pair));
    }
    html::page(&[], &[pair]).expect("nothing that a comparison could say keeps a page away");
    let outcome = ci::Outcome::Compared(pair);
    let job = ci::Job { base: "main", head: "head", outcome, code: 0, again: "again" };
    black_box((ci::comment(&job), ci::summary(&job), ci::junit(&job), ci::annotations(&job)));
}
