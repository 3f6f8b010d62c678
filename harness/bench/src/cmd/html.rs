//! `report --html`: runs and comparisons as one page, with its charts as files beside it.

use super::error::{CommandError, unwritable};
use super::output::{note, print};
use super::place::{is_comparison, profiles};
use caxton_model::file;
use caxton_model::latest::{latest_of_each_suite, latest_profile};
use caxton_model::paired::comparison::Comparison;
use caxton_model::record::Record;
use caxton_model::record::store::{LATEST, RUNS, RunFolder};
use caxton_model::samples::Sample;
use caxton_report::html::{Attachment, Page, Told, page};
use caxton_sys::process;
use std::fs;
use std::path::{Component, Path, PathBuf};

/// The page's name in a run's folder.
const PAGE: &str = "report.html";
/// The folder of its charts, beside it.
const CHARTS: &str = "charts";
/// What a page takes of pictures, in bytes: beyond it a browser has no pleasure any more.
const PICTURES_MAX: u64 = 48 << 20;

struct Loaded {
    record: Record,
    samples: Vec<Sample>,
    attachments: Vec<Attachment>,
}

/// What opens a file for a user.
const OPENER: &str = "xdg-open";

/// Writes the page of `dirs` to `out`; of no folder: of the latest run of each suite. Where it is.
pub(super) fn write(dirs: &[PathBuf], out: Option<&Path>) -> Result<PathBuf, CommandError> {
    let profiles = profiles();
    let (dirs, usual) = match dirs {
        [] => (latest(&profiles)?, Some(profiles.join(PAGE))),
        [one] => (vec![one.clone()], Some(one.join(PAGE))),
        several => (several.to_vec(), None),
    };
    let path = out.map(Path::to_owned).or(usual).ok_or(CommandError::NoPage)?;
    let page = of(&dirs)?;
    keep(&page, &path)?;
    print(format!("{}\n", path.display()));
    Ok(path)
}

/// Shows the page at `path` to the user. That it cannot be shown is no error: it is there.
pub(super) fn open(path: &Path) {
    if let Err(why) = process::output(process::command(OPENER, Path::new(".")).arg(path)) {
        note(&format!("warning: {OPENER} does not open it: {why}"));
    }
}

/// The latest run of each suite that belongs to the latest run, and the latest profile.
fn latest(profiles: &Path) -> Result<Vec<PathBuf>, CommandError> {
    let newest = profiles.join(LATEST);
    if is_comparison(&newest) {
        return Ok(vec![newest]);
    }
    let like = RunFolder::load_record(&newest)?;
    let mut told = latest_of_each_suite(profiles, &like);
    told.extend(latest_profile(profiles, &like));
    let is_alone = like.is_of_given_files();
    if is_alone || !told.iter().any(|record| record.run.suite == like.run.suite) {
        return Ok(vec![newest]);
    }
    Ok(told.iter().map(|record| profiles.join(RUNS).join(&record.run.id)).collect())
}

fn of(dirs: &[PathBuf]) -> Result<Page, CommandError> {
    let mut runs: Vec<Loaded> = Vec::new();
    let mut comparisons: Vec<Comparison> = Vec::new();
    let mut room = PICTURES_MAX;
    for dir in dirs {
        if is_comparison(dir) {
            comparisons.push(RunFolder::load_comparison(dir)?.0);
            continue;
        }
        let (record, samples) = RunFolder::load(dir)?;
        let attachments = pictures(dir, &record, &mut room);
        runs.push(Loaded { record, samples, attachments });
    }
    let told = runs.iter().map(|Loaded { record, samples, attachments }| Told {
        record,
        samples,
        attachments,
    });
    let told: Vec<Told> = told.collect();
    Ok(page(&told, &comparisons.iter().collect::<Vec<_>>())?)
}

/// The pictures and listings that the record in `dir` names, as far as there is `room` for their
/// bytes.
fn pictures(dir: &Path, record: &Record, room: &mut u64) -> Vec<Attachment> {
    let files = record
        .cases
        .iter()
        .flat_map(|case| case.profiles.pictures().chain(case.profiles.listings()));
    files.map(|name| Attachment { text: picture(dir, &name, room), name }).collect()
}

fn picture(dir: &Path, name: &str, room: &mut u64) -> Result<String, String> {
    let name = Path::new(name);
    // A record from elsewhere must not lead out of its folder.
    if !name.components().all(|part| matches!(part, Component::Normal(_))) {
        return Err("its name leads out of the run's folder".to_owned());
    }
    let why = |error: std::io::Error| error.to_string();
    let bytes = file::open_within(dir, name).and_then(|file| file.metadata()).map_err(why)?.len();
    if bytes > *room {
        return Err("the page would be too large: open the file itself".to_owned());
    }
    *room -= bytes;
    file::read_text_within(dir, name, bytes).map_err(why)
}

/// Writes the page to `path`, and its charts beside it.
fn keep(page: &Page, path: &Path) -> Result<(), CommandError> {
    let charts = path.with_file_name(CHARTS);
    if !page.charts.is_empty() {
        fs::create_dir_all(&charts).map_err(unwritable(&charts))?;
    }
    for (name, svg) in &page.charts {
        let chart = charts.join(name);
        fs::write(&chart, svg).map_err(unwritable(&chart))?;
    }
    fs::write(path, &page.html).map_err(unwritable(path))
}

#[cfg(test)]
#[path = "html_tests.rs"]
mod tests;
