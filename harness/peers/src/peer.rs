//! The two tools: how each is asked to compare, and how its answer is read.

use crate::kernel::{NAME, STEPS_PER_PERCENT};
use crate::planted;
use crate::process::{self, Finished};
use std::fs;
use std::path::{Path, PathBuf};

/// The variable from which criterion's benchmark takes its number of extra instructions.
pub const EXTRA_STEPS_VARIABLE: &str = "CAXTON_EXTRA_STEPS";

/// A benchmark tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tool {
    /// criterion 0.8.2: compares with numbers that were saved earlier.
    Criterion,
    /// tango-bench 0.9.0: runs two executables at the same time.
    Tango,
}

impl Tool {
    /// Both tools, in the order in which they are printed.
    pub const ALL: [Self; 2] = [Self::Criterion, Self::Tango];

    /// The tool's name with its version.
    pub fn name(self) -> &'static str {
        match self {
            Self::Criterion => "criterion 0.8.2",
            Self::Tango => "tango-bench 0.9.0",
        }
    }
}

/// What a tool says of the new version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Slower.
    Regressed,
    /// Faster.
    Improved,
    /// Neither.
    Unchanged,
}

impl Verdict {
    /// Every verdict.
    pub const ALL: [Self; 3] = [Self::Regressed, Self::Improved, Self::Unchanged];

    /// The verdict as one word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Regressed => "regressed",
            Self::Improved => "improved",
            Self::Unchanged => "unchanged",
        }
    }
}

/// How long the tools measure, in seconds.
#[derive(Debug, Clone, Copy)]
pub struct Times {
    /// criterion's `--warm-up-time`.
    pub warm_up: f64,
    /// criterion's `--measurement-time`.
    pub measurement: f64,
    /// tango's `--time`.
    pub tango: f64,
}

/// The executables of both tools and a folder to work in.
#[derive(Debug)]
pub struct Bench {
    criterion: PathBuf,
    /// The folder with the copies of tango's executable and criterion's saved numbers.
    scratch: PathBuf,
    times: Times,
}

impl Bench {
    /// Puts into `scratch` a copy of tango's executable for the old version and one for each of
    /// `levels`, the planted slow-downs in percent.
    ///
    /// # Errors
    /// A file cannot be read or written, or tango's executable is not what [`planted`] expects.
    pub fn new(
        executables: [&Path; 2],
        scratch: PathBuf,
        levels: &[u32],
        times: Times,
    ) -> Result<Self, String> {
        let [criterion, tango] = executables;
        let bench = Self { criterion: criterion.to_owned(), scratch, times };
        fs::create_dir_all(&bench.scratch).map_err(|e| in_file(&bench.scratch, &e))?;
        let mut bytes = fs::read(tango).map_err(|e| in_file(tango, &e))?;
        let new = levels.iter().map(|percent| bench.tango_new(*percent));
        let copies = new.zip(levels).map(|(path, percent)| (path, percent * STEPS_PER_PERCENT));
        for (path, extra_steps) in copies.chain([(bench.tango_old(), 0)]) {
            planted::patch(&mut bytes, extra_steps)?;
            // Copied for its permissions, then written over.
            fs::copy(tango, &path).map_err(|e| in_file(&path, &e))?;
            fs::write(&path, &bytes).map_err(|e| in_file(&path, &e))?;
        }
        Ok(bench)
    }

    /// Saves criterion's numbers of the old version for one later comparison, and returns how many
    /// seconds that took.
    ///
    /// # Errors
    /// criterion's own words, where it failed.
    pub fn save(&self, percent: u32) -> Result<f64, String> {
        let home = self.criterion_home(percent);
        if home.exists() {
            fs::remove_dir_all(&home).map_err(|e| in_file(&home, &e))?;
        }
        Ok(self.run_criterion("--save-baseline", percent, 0)?.seconds)
    }

    /// Compares the new version, slower by `percent`, with what [`Bench::save`] left, and returns
    /// criterion's verdict and how many seconds it took.
    ///
    /// # Errors
    /// criterion's own words, where it failed or has no verdict.
    pub fn compare(&self, percent: u32) -> Result<(Verdict, f64), String> {
        let finished = self.run_criterion("--baseline", percent, percent * STEPS_PER_PERCENT)?;
        let verdict = read_criterion(&finished.stdout).ok_or_else(|| report(&finished))?;
        Ok((verdict, finished.seconds))
    }

    /// Runs tango on the old version and the new, slower by `percent`, and returns its verdict and
    /// how many seconds it took.
    ///
    /// # Errors
    /// tango's own words, where it failed.
    pub fn tango(&self, percent: u32) -> Result<(Verdict, f64), String> {
        let time = self.times.tango.to_string();
        let old = self.tango_old().display().to_string();
        let arguments = ["--color", "never", "compare", &old, "-t", &time].map(str::to_owned);
        let finished = process::run(&self.tango_new(percent), &arguments, &[])?;
        let verdict =
            read_tango(&finished.stdout, finished.code).ok_or_else(|| report(&finished))?;
        Ok((verdict, finished.seconds))
    }

    fn run_criterion(
        &self,
        action: &str,
        percent: u32,
        extra_steps: u32,
    ) -> Result<Finished, String> {
        let Times { warm_up, measurement, .. } = self.times;
        let (warm_up, measurement) = (warm_up.to_string(), measurement.to_string());
        let times = ["--warm-up-time", &warm_up, "--measurement-time", &measurement];
        let arguments = ["--bench", "--noplot", "--color", "never", action, "old"];
        let arguments: Vec<String> =
            arguments.into_iter().chain(times).map(str::to_owned).collect();
        let home = self.criterion_home(percent).display().to_string();
        // Of equal width: the size of the environment moves the stack.
        let extra_steps = format!("{extra_steps:05}");
        let variables = [(EXTRA_STEPS_VARIABLE, &*extra_steps), ("CRITERION_HOME", &home)];
        let finished = process::run(&self.criterion, &arguments, &variables)?;
        if finished.code == Some(0) { Ok(finished) } else { Err(report(&finished)) }
    }

    fn criterion_home(&self, percent: u32) -> PathBuf {
        self.scratch.join(format!("criterion-{percent}"))
    }

    fn tango_old(&self) -> PathBuf {
        self.scratch.join("tango-000-old")
    }

    /// A path as long as the old version's, because its length moves the stack.
    fn tango_new(&self, percent: u32) -> PathBuf {
        self.scratch.join(format!("tango-{percent:03}-new"))
    }
}

/// What criterion says below the line `change:`; none if it says nothing.
///
/// Its rule: p < 0.05, and the interval of the mean's change is beyond ±1 %.
fn read_criterion(stdout: &str) -> Option<Verdict> {
    stdout.lines().find_map(|line| match line.trim() {
        "Performance has regressed." => Some(Verdict::Regressed),
        "Performance has improved." => Some(Verdict::Improved),
        "No change in performance detected." | "Change within noise threshold." => {
            Some(Verdict::Unchanged)
        }
        _ => None,
    })
}

/// What tango says in its one line, such as `vm [ 44.6 us ... 45.1 us ] +1.12%*`; none if it
/// failed.
///
/// Its rule: z ≥ 2.6 and a change of the mean beyond ±1 %, marked by the star; a change for the
/// worse also ends it with code 1, as does a failure.
fn read_tango(stdout: &str, code: Option<i32>) -> Option<Verdict> {
    let is_ours = |line: &&str| line.split_whitespace().next() == Some(NAME);
    let change = stdout.lines().find(is_ours)?.split_whitespace().next_back()?;
    let (number, star) = change.split_once('%')?;
    let number: f64 = number.parse().ok()?;
    match (star, code?) {
        ("", 0) => Some(Verdict::Unchanged),
        ("*", 0) if number < 0.0 => Some(Verdict::Improved),
        ("*", 1) if number > 0.0 => Some(Verdict::Regressed),
        _ => None,
    }
}

fn report(finished: &Finished) -> String {
    let Finished { stdout, stderr, code, .. } = finished;
    format!("no verdict, exit code {code:?}\n{stdout}\n{stderr}")
}

fn in_file(path: &Path, error: &std::io::Error) -> String {
    format!("{}: {error}", path.display())
}

#[cfg(test)]
#[path = "peer_tests.rs"]
mod tests;
