//! Counts how often two other tools are wrong and how often they find what was planted:
//! `cargo bench --manifest-path harness/peers/Cargo.toml -- --trials 20`, some 8 minutes. Run it
//! within the repository, whose flags for the compiler count here too.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "the command line of this package")]

use caxton_peers::peer::{Bench, Times, Tool};
use caxton_peers::tally::{HEAD, Step, Trial, round, table};
use clap::Parser;
use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Counts the false alarms of criterion and tango-bench, and what they find of a planted slow-down.
#[derive(Debug, Parser)]
struct Arguments {
    /// Trials per tool and level; 0 prints the table of a file that is there
    #[arg(long, default_value_t = 20)]
    trials: u32,
    /// Planted slow-downs in percent
    #[arg(long, value_delimiter = ',', default_value = "0,1,2,5")]
    #[arg(value_parser = clap::value_parser!(u32).range(0..=400))]
    levels: Vec<u32>,
    /// Seed of the order of trials [default: another one each time]
    #[arg(long)]
    seed: Option<u64>,
    /// criterion's own flag, in seconds; its default is 3
    #[arg(long, default_value_t = 0.5)]
    warm_up_time: f64,
    /// criterion's own flag, in seconds; its default is 5
    #[arg(long, default_value_t = 1.0)]
    measurement_time: f64,
    /// tango's own flag, in seconds; its default is 0.1
    #[arg(long, default_value_t = 1.0)]
    time: f64,
    /// Each trial is added to this file when it ends; the table is of all that is in it
    #[arg(long, default_value = concat!(env!("CARGO_TARGET_TMPDIR"), "/peers.csv"))]
    csv: PathBuf,
    /// Passed by cargo
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> ExitCode {
    match run(Arguments::parse()) {
        Ok(table) => {
            print!("{table}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(mut arguments: Arguments) -> Result<String, String> {
    arguments.levels.sort_unstable();
    arguments.levels.dedup();
    let Arguments { trials, levels, csv, .. } = &arguments;
    let times = Times {
        warm_up: arguments.warm_up_time,
        measurement: arguments.measurement_time,
        tango: arguments.time,
    };
    let executables = [env!("CARGO_BIN_EXE_peer-criterion"), env!("CARGO_BIN_EXE_peer-tango")];
    let scratch = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bench");
    let bench = Bench::new(executables.map(Path::new), scratch, levels, times)?;
    let in_csv = |error: io::Error| format!("{}: {error}", csv.display());
    let mut file = open(csv).map_err(in_csv)?;
    let seed = arguments.seed.unwrap_or_else(|| fastrand::u64(..));
    let mut rng = fastrand::Rng::with_seed(seed);
    eprintln!("peers: {trials} trials of each, levels {levels:?} %, seed {seed}");
    for number in 1..=*trials {
        eprintln!("peers: trial {number} of {trials}");
        let mut saved_s = BTreeMap::new();
        for step in round(levels, &mut rng) {
            let Some(trial) = take(&bench, step, number, &mut saved_s)? else { continue };
            // In one piece: a line is there or it is not.
            file.write_all(format!("{}\n", trial.line()).as_bytes()).map_err(in_csv)?;
        }
    }
    let text = fs::read_to_string(csv).map_err(in_csv)?;
    Ok(table(&text.lines().filter_map(Trial::parse).collect::<Vec<_>>()))
}

/// The file of trials, open at its end, with its head.
fn open(csv: &Path) -> io::Result<File> {
    if let Some(folder) = csv.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut file = OpenOptions::new().create(true).append(true).open(csv)?;
    if file.metadata()?.len() == 0 {
        writeln!(file, "{HEAD}")?;
    }
    Ok(file)
}

/// Takes one step; none if its trial ends with a later one. `saved_s` keeps by level how many
/// seconds criterion's first half took.
fn take(
    bench: &Bench,
    step: Step,
    number: u32,
    saved_s: &mut BTreeMap<u32, f64>,
) -> Result<Option<Trial>, String> {
    let (tool, planted_percent, (verdict, seconds)) = match step {
        Step::Save(percent) => {
            saved_s.insert(percent, bench.save(percent)?);
            return Ok(None);
        }
        Step::Compare(percent) => {
            let (verdict, seconds) = bench.compare(percent)?;
            let before = saved_s.remove(&percent).expect("each level is saved first");
            (Tool::Criterion, percent, (verdict, before + seconds))
        }
        Step::Tango(percent) => (Tool::Tango, percent, bench.tango(percent)?),
    };
    Ok(Some(Trial { tool, planted_percent, number, verdict, seconds }))
}
