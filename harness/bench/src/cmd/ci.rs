//! `ci`: the whole job of a pull request in one command, the same on a laptop and on any CI. It
//! builds both revisions, lets them run in turns, and writes what a CI shows. Whoever posts the
//! comment takes it from the folder.

use super::args::Ci;
use super::compare;
use super::error::{CommandError, unwritable};
use super::output::{note, print};
use super::place::{is_comparison, limits, root};
use super::revision::Builder;
use crate::guest::bench::Bench;
use caxton_analysis::exit;
use caxton_model::paired::comparison::Comparison;
use caxton_model::record::lock::FolderLock;
use caxton_model::record::store::RunFolder;
use caxton_report::ci::{Job, Outcome, annotations, comment, junit, summary};
use caxton_report::sections::quoted;
use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// The comparison's folder in the output folder.
const COMPARISON: &str = "comparison";
type Text = fn(&Job<'_>) -> String;
/// The texts in the output folder, and what makes each.
const TEXTS: [(&str, Text); 4] = [
    ("summary.md", summary),
    ("comment.md", comment),
    ("annotations.txt", annotations),
    ("junit.xml", junit),
];

/// Where a CI wants to be told, beside the output folder.
#[derive(Debug, Default)]
struct Surroundings {
    /// True where annotations belong in the log.
    has_annotations: bool,
    /// The file that the summary is added to.
    summary: Option<PathBuf>,
}

enum Found {
    Compared { comparison: Box<Comparison>, code: u8 },
    Without { why: String, said: String, code: u8 },
}

/// Does the job that `args` say; the exit code.
pub(super) fn run(args: &Ci, bench: Option<&Bench>) -> Result<u8, CommandError> {
    // As for any comparison: Ctrl-C is for the process that measures.
    let _ = ctrlc::set_handler(|| {});
    let builder = Builder::new(&root()?, &args.suite, bench)?;
    let surroundings = Surroundings {
        has_annotations: std::env::var_os("GITHUB_ACTIONS").is_some_and(|value| value == "true"),
        summary: std::env::var_os("GITHUB_STEP_SUMMARY").map(PathBuf::from),
    };
    job(&builder, args, &surroundings)
}

fn job(builder: &Builder, args: &Ci, surroundings: &Surroundings) -> Result<u8, CommandError> {
    limits(args.rules.limits.as_deref())?;
    fs::create_dir_all(&args.out).map_err(unwritable(&args.out))?;
    // Another job's comparison is not emptied away.
    let _held = FolderLock::take(&args.out, std::process::id())?;
    let out = emptied(&args.out).map_err(unwritable(&args.out))?;
    let found = found(builder, args, &out)?;
    let (outcome, code) = match &found {
        Found::Compared { comparison, code } => (Outcome::Compared(comparison), *code),
        Found::Without { why, said, code } => (Outcome::Without { why, said }, *code),
    };
    let again = format!("{} {} {}", builder.ci(), quoted(&args.base), quoted(&args.head));
    let job = Job { base: &args.base, head: &args.head, outcome, code, again: &again };
    for (name, text) in TEXTS {
        let path = out.join(name);
        fs::write(&path, text(&job)).map_err(unwritable(&path))?;
    }
    if surroundings.has_annotations {
        print(annotations(&job));
    }
    if let Some(path) = &surroundings.summary {
        let file = OpenOptions::new().create(true).append(true).open(path);
        let added = file.and_then(|mut file| file.write_all(summary(&job).as_bytes()));
        added.map_err(unwritable(path))?;
    }
    note(&format!("{}; texts in {}", job.verdict(), out.display()));
    Ok(code)
}

/// Builds both, and compares them. That one cannot be built or compared is an answer, too.
fn found(builder: &Builder, args: &Ci, out: &Path) -> Result<Found, CommandError> {
    let names = [args.base.as_str(), &args.head];
    let commits = match builder.commits(names) {
        Ok(commits) => commits,
        Err(error) => return without(error, exit::NOT_COMPARABLE),
    };
    // A base that does not build leaves nothing to compare with; a head that does not has failed.
    let base = match builder.kit(names[0], &commits[0]) {
        Ok(side) => side,
        Err(error) => return without(error, exit::NOT_COMPARABLE),
    };
    let head = match builder.kit(names[1], &commits[1]) {
        Ok(side) => side,
        Err(error) => return without(error, exit::FAILED),
    };
    let folder = out.join(COMPARISON);
    let mut all: Vec<OsString> = vec!["--out".into(), folder.clone().into()];
    all.extend(compare::flags(args.rules.strict, args.bless_answers));
    all.extend(args.words.iter().map(OsString::from));
    let limits = args.rules.limits.as_deref();
    let code = match compare::start(&builder.root, [&base, &head], limits, all) {
        Ok(code) => code,
        Err(error) => return without(error, exit::NOT_COMPARABLE),
    };
    if !is_comparison(&folder) {
        let why = format!("nothing was compared: the bench ended with exit code {code}");
        // That it found nothing wrong, and compared nothing, is never green.
        let code = if code == exit::FINE { exit::NOT_COMPARABLE } else { code };
        return Ok(Found::Without { why, said: String::new(), code });
    }
    match RunFolder::load_comparison(&folder) {
        Ok((comparison, _)) => Ok(Found::Compared { comparison: Box::new(comparison), code }),
        Err(error) => without(error.into(), exit::NOT_COMPARABLE),
    }
}

/// A error of the revisions, as an answer that ends in `code`.
fn without(error: CommandError, code: u8) -> Result<Found, CommandError> {
    let is_theirs = matches!(
        error,
        CommandError::Unbuilt { .. }
            | CommandError::Revision { .. }
            | CommandError::NoRevision { .. }
            | CommandError::Kit(_)
            | CommandError::Suites { .. }
            | CommandError::Store(_)
    );
    if !is_theirs || error.code() == exit::INTERRUPTED {
        return Err(error);
    }
    let why = error.to_string();
    note(&format!("error: {why}"));
    let said = match error {
        CommandError::Unbuilt { said, .. } => from_first_error(&said).to_owned(),
        _ => String::new(),
    };
    Ok(Found::Without { why, said, code })
}

/// What a compiler said, from its first error on: what it did before is no matter.
fn from_first_error(said: &str) -> &str {
    let is_error = |line: &str| line.starts_with("error");
    let mut start = 0;
    for line in said.split_inclusive('\n') {
        if is_error(line) {
            return &said[start..];
        }
        start += line.len();
    }
    said
}

/// The folder at `path`, made if need be, without what an earlier job left there.
fn emptied(path: &Path) -> io::Result<PathBuf> {
    fs::create_dir_all(path)?;
    let out = fs::canonicalize(path)?;
    for (name, _) in TEXTS {
        match fs::remove_file(out.join(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    // Only what is a comparison: anything else there is not ours.
    let comparison = out.join(COMPARISON);
    if is_comparison(&comparison) {
        fs::remove_dir_all(&comparison)?;
    }
    Ok(out)
}

#[cfg(test)]
#[path = "ci_tests.rs"]
mod tests;
