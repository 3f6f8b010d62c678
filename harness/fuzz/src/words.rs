//! Words: keys, sizes, times and names in files and flags, the user's limits, and what compilers
//! and guests say where it is shown.

use crate::records::BASE;
use caxton_analysis::limits::Limits;
use caxton_model::case::CaseKey;
use caxton_model::load::flags::BadStage;
use caxton_model::load::plan::Stage;
use caxton_model::metric::MetricName;
use caxton_model::profile::classify::{origin_of_host, with_crate};
use caxton_model::profile::names::normalised;
use caxton_model::sanitise::sanitise;
use caxton_model::units::{Bytes, Nanos, Unit};
use caxton_report::ci;
use std::hint::black_box;

/// A word, as each thing that a word may be.
pub(crate) fn words(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    black_box(
        text.parse::<CaseKey>().map(|key| (key.to_string(), key.is_same_against_same())).ok(),
    );
    black_box(text.parse::<Nanos>().map(|time| time.to_string()).ok());
    black_box(text.parse::<Bytes>().map(|size| size.to_string()).ok());
    black_box(MetricName::parse(&text).ok());
    for number in text.split_whitespace().filter_map(|word| word.parse::<f64>().ok()).take(20) {
        for unit in [Unit::Nanos, Unit::Bytes, Unit::Count, Unit::Ratio, Unit::Share] {
            black_box(unit.show(number));
        }
    }
    black_box((normalised(&text), origin_of_host(&text), with_crate("f".to_owned(), Some(&text))));
    black_box(sanitise(&text, 80));
    let outcome = ci::Outcome::Without { why: &text, said: &text };
    let job = ci::Job { base: &text, head: &text, outcome, code: 1, again: &text };
    black_box((ci::comment(&job), ci::summary(&job), ci::junit(&job), ci::annotations(&job)));
    true
}

/// A stage in a flag.
pub(crate) fn stage(bytes: &[u8]) -> bool {
    let read: Result<Stage, BadStage> = Stage::parse(&String::from_utf8_lossy(bytes));
    black_box(&read);
    read.is_ok()
}

/// The user's limits in TOML.
pub(crate) fn limits(bytes: &[u8]) -> bool {
    let Ok(limits) = Limits::parse("limits.toml", &String::from_utf8_lossy(bytes)) else {
        return false;
    };
    let record = &BASE;
    black_box((limits.grade(record), limits.idle(record), limits.has_hard()));
    black_box(record.cases.iter().map(|case| limits.margins(&case.key).len()).sum::<usize>());
    true
}
