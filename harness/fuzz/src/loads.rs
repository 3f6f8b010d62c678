//! Loads: plans, traces, thresholds, the seconds of a load, its histograms, and a load to resume.

use crate::folder::with_files;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use caxton_analysis::load::logs;
use caxton_analysis::load::logs::TimeKind;
use caxton_analysis::load::tally::LoadTally;
use caxton_bench::job::load::LoadJob;
use caxton_model::load::frame::LoadLine;
use caxton_model::load::outcome::LoadOutcome;
use caxton_model::load::plan::LoadPlan;
use caxton_model::load::schedule::Schedule;
use caxton_model::load::scraped::Scraped;
use caxton_model::load::threshold::Threshold;
use caxton_model::load::times::Times;
use caxton_model::record::Record;
use caxton_model::record::seconds;
use caxton_model::record::seconds::SECONDS_FILE;
use caxton_model::units::Nanos;
use caxton_report::sections as report;
use flate2::Compression;
use flate2::write::ZlibEncoder;
use std::hint::black_box;
use std::io::{self, Write};
use std::sync::LazyLock;

/// Arrivals of a schedule that are looked at: a plan may have a million million.
const ARRIVALS: usize = 2000;

static PLAN: LazyLock<LoadPlan> = LazyLock::new(|| {
    let text = include_str!("../seeds/plan/plan.toml");
    LoadPlan::parse("plan.toml", text, &trace_file).expect("the seed of plans is one")
});

/// A run with a load, whose outcome is replaced.
static RUN: LazyLock<Record> = LazyLock::new(|| {
    let text = include_str!("../seeds/record/loads.json");
    serde_json::from_str(text).expect("the seed of records with loads is one")
});

fn trace_file(_: &str) -> io::Result<String> {
    Ok("0.5\n0.5\n1.25\n".to_owned())
}

/// A plan in TOML.
pub(crate) fn plan(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    LoadPlan::parse("plan.toml", &text, &trace_file).map(|plan| offer(&plan)).is_ok()
}

/// What a target says of itself.
pub(crate) fn scraped(bytes: &[u8]) -> bool {
    let mut scraped = Scraped::of("http://127.0.0.1/metrics");
    for page in [b"", bytes, bytes] {
        scraped.take(&Ok(String::from_utf8_lossy(page).into_owned()));
    }
    scraped.is_whole = true;
    scraped.check().expect("what is kept may be kept");
    let has_series = !scraped.series.is_empty();
    let mut tally = LoadTally::new(PLAN.clone());
    tally.push(&LoadLine::Scraped(scraped));
    let mut record = RUN.clone();
    let load = record.cases.iter_mut().find_map(|case| case.load.as_mut());
    **load.expect("the seed has a load") = tally.outcome(None);
    black_box(report::text(&record, &report::Style::default()));
    has_series
}

/// A trace that a plan names.
pub(crate) fn trace(bytes: &[u8]) -> bool {
    const PLAN: &str = "name = \"t\"\nagents = 1\nmessage_bytes = 64\n[[stage]]\nname = \"s\"\n\
                        length = \"10s\"\nrate = { trace = \"t\" }\n";
    let read = |_: &str| {
        let text = String::from_utf8(bytes.to_vec());
        text.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
    };
    LoadPlan::parse("plan.toml", PLAN, &read).map(|plan| offer(&plan)).is_ok()
}

/// Everything that is done with a plan before it is run, and if nothing comes of it.
fn offer(plan: &LoadPlan) {
    let arrivals = |plan: &LoadPlan| {
        let all = Schedule::new(plan).take(ARRIVALS);
        let share = Schedule::new(plan).share(1, 3).take(ARRIVALS);
        all.chain(share).fold(0, |sum, arrival| sum ^ arrival.intended_ns)
    };
    black_box((arrivals(plan), plan.wanted(), plan.granted(), plan.stage_at(u64::MAX)));
    for time in [1, 1_000_000_000, u64::MAX] {
        black_box(plan.scaled(Nanos(time)).map(|plan| arrivals(&plan)).ok());
    }
    tell(&LoadTally::new(plan.clone()).outcome(None));
}

/// Everything that is made of a load's outcome.
fn tell(outcome: &LoadOutcome) {
    let mut record = RUN.clone();
    record.cases.truncate(1);
    let case = record.cases.first_mut().expect("the seed has a case");
    case.metrics = outcome.metrics();
    case.load = Some(Box::new(outcome.clone()));
    black_box(report::text(&record, &report::Style::default()));
}

/// A selector in the first line, a condition in the second.
pub(crate) fn threshold(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let (selector, condition) = text.split_once('\n').unwrap_or((&text, ""));
    let Ok(threshold) = Threshold::parse(selector, condition.trim_end_matches('\n')) else {
        return false;
    };
    let plan = LoadPlan { thresholds: vec![threshold], ..PLAN.clone() };
    if plan.check().is_ok() {
        tell(&LoadTally::new(plan).outcome(None));
    }
    true
}

/// `seconds.jsonl`.
pub(crate) fn seconds(bytes: &[u8]) -> bool {
    let mut tally = LoadTally::new(PLAN.clone());
    let stages: Vec<&str> = PLAN.stages.iter().map(|stage| stage.name.as_str()).collect();
    let mut log = Vec::new();
    with_files(&[(SECONDS_FILE, bytes)], |folder| {
        let path = folder.join(SECONDS_FILE);
        if seconds::read(&path, &PLAN, &mut |line: LoadLine| tally.push(&line)).is_err() {
            return false;
        }
        black_box((tally.counts(), tally.next_second(), tally.last()));
        tell(&tally.outcome(Some("interrupted".to_owned())));
        let start = tally.start_unix_ms();
        let all = logs::hlog(TimeKind::Response, &stages, start, &mut log, |take| {
            seconds::read(&path, &PLAN, take).map(drop).map_err(io::Error::other)
        });
        black_box(all.map(|all| logs::hgrm(&all)).ok());
        true
    })
}

/// A histogram's bytes, which are in a line of seconds as base64: as they are, and as what is
/// deflated in them, where mutations would seldom get to.
pub(crate) fn histogram(bytes: &[u8]) -> bool {
    let mut deflated = vec![0x1c, 0x84, 0x93, 0x14, 0, 0, 0, 0];
    let mut encoder = ZlibEncoder::new(&mut deflated, Compression::fast());
    let written = encoder.write_all(bytes).and_then(|()| encoder.finish().map(drop));
    written.expect("memory takes it");
    let length = deflated.len() as u32 - 8;
    deflated[4..8].copy_from_slice(&length.to_be_bytes());
    let read = [bytes, &deflated].map(add_up);
    read.contains(&true)
}

/// Everything that is done with a histogram.
fn add_up(bytes: &[u8]) -> bool {
    let line = serde_json::Value::String(STANDARD.encode(bytes));
    let Ok(times) = serde_json::from_value::<Times>(line) else { return false };
    let mut twice = times.clone();
    twice.add(&times);
    black_box((twice.mean_ns(), twice.max(), twice.min()));
    for share in [0.0, 0.5, 0.999, 1.0] {
        black_box((
            twice.quantile(share),
            twice.nearest(share),
            twice.quantile_with(share, 3).ok(),
        ));
    }
    black_box(logs::hgrm(&twice));
    black_box(serde_json::to_string(&twice).expect("a histogram can be kept"));
    true
}

/// `load.json`, from which a load is gone on with.
pub(crate) fn job(bytes: &[u8]) -> bool {
    let read = serde_json::from_slice::<LoadJob>(bytes);
    read.is_ok_and(|job| job.check().map(|()| offer(&job.plan)).is_ok())
}
