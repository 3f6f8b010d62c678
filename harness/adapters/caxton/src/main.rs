//! The crate caxton 0.1.4, measured by its public API alone, as the suite `caxton`.
//!
//! `caxton-adapter [LAUNCHES [NAME]]` runs every case, or those whose key contains NAME, and prints
//! the folder of the run. Each launch is a fresh process of this executable. A case that caxton
//! cannot do is tried, and says why it is unsupported.
#![forbid(unsafe_code)]

mod agents;
mod plan;
mod process;
mod report;
mod router;
mod run;
mod signal;
mod trials;

use crate::plan::PlannedCase;
use crate::run::CaxtonRun;
use caxton_analysis::exit;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

/// The fewest launches that have an interval at 95 %.
const LAUNCHES: u32 = 6;
const LAUNCHES_MAX: u32 = 100;
const USAGE: &str = "usage: caxton-adapter [LAUNCHES [NAME]]: 1 to 100 launches of each case, of \
                     those whose key contains NAME";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let ended = match words[..] {
        [process::PROBE, case] => probe(case),
        [] => run(LAUNCHES, ""),
        [launches] => counted(launches).and_then(|launches| run(launches, "")),
        [launches, name] => counted(launches).and_then(|launches| run(launches, name)),
        _ => Err(USAGE.to_owned()),
    };
    match ended {
        Ok(code) => ExitCode::from(code),
        Err(why) => {
            let _ = writeln!(io::stderr(), "error: {why}");
            ExitCode::from(exit::WRONG_USE)
        }
    }
}

fn counted(launches: &str) -> Result<u32, String> {
    let count = launches.parse().ok().filter(|count| (1..=LAUNCHES_MAX).contains(count));
    count.ok_or_else(|| USAGE.to_owned())
}

/// Runs one launch of the case with the key `case`, and reports to standard output, which caxton
/// does not get.
fn probe(case: &str) -> Result<u8, String> {
    let mut out = caxton_sys::process::take_stdout().map_err(|error| error.to_string())?;
    let planned = plan::cases().into_iter().find(|planned| planned.key.to_string() == case);
    let planned = planned.ok_or_else(|| format!("no case {case:?}"))?;
    let report = serde_json::to_vec(&planned.probe()).map_err(|error| error.to_string())?;
    out.write_all(&report).map_err(|error| error.to_string())?;
    Ok(exit::FINE)
}

/// Runs the cases whose key contains `name`, and prints where the run is kept.
fn run(launches: u32, name: &str) -> Result<u8, String> {
    let mut cases = plan::cases();
    cases.retain(|case: &PlannedCase| case.key.to_string().contains(name));
    if cases.is_empty() {
        return Err(format!("no case has {name:?} in its key"));
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(3).unwrap_or(Path::new("."));
    let mut run = CaxtonRun::begin(root, &cases, launches).map_err(|error| error.to_string())?;
    let failed = run.all(&cases).map_err(|error| error.to_string())?;
    writeln!(io::stdout(), "{}", run.path().display()).map_err(|error| error.to_string())?;
    Ok(if failed == 0 { exit::FINE } else { exit::FAILED })
}
