//! `caxton-bench`: reads run folders, and prints or converts what is in them. It measures nothing.
#![forbid(unsafe_code)]
#![allow(clippy::print_stderr, reason = "the command line's own error line")]

use caxton_results::export::{self, EXPORTERS, ExportError};
use caxton_results::record::baseline::{self, Listed};
use caxton_results::record::store::{RunFolder, StoreError};
use caxton_results::report::sanitise::sanitise;
use caxton_results::report::{self, Style};
use clap::builder::{PossibleValue, PossibleValuesParser};
use clap::{Parser, Subcommand};
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Longest error line: a path can be long, a message of a file can be endless.
const ERROR_MAX: usize = 2000;
/// Wrong use, or a folder that cannot be read.
const WRONG_USE: u8 = 2;

/// Reports and exports of benchmark runs, from their folders alone.
#[derive(Parser)]
#[command(name = "caxton-bench", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Print the tables of a run.
    Report {
        /// The run's folder.
        #[arg(default_value = "profiles/latest")]
        dir: PathBuf,
    },
    /// Convert a run for another program.
    Export {
        /// The format.
        #[arg(long, value_parser = formats())]
        format: String,
        /// The run's folder.
        #[arg(default_value = "profiles/latest")]
        dir: PathBuf,
        /// Where to write it, instead of to standard output.
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// List runs and baselines.
    List {
        /// The folder that holds `runs` and `baselines`.
        #[arg(default_value = "profiles")]
        profiles: PathBuf,
    },
}

/// The formats of the table, with their help.
fn formats() -> PossibleValuesParser {
    EXPORTERS.iter().map(|e| PossibleValue::new(e.name).help(e.doc)).collect::<Vec<_>>().into()
}

/// Why a command failed, in one line.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Export(#[from] ExportError),
    #[error(
        "{path} is no folder: name the one that holds runs and baselines",
        path = path.display()
    )]
    NoFolder { path: PathBuf },
    #[error("cannot write {path}: {source}", path = path.display())]
    Output { path: PathBuf, source: io::Error },
}

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are errors too, to standard output and with code 0. A reader that
            // has gone away is no error.
            let _ = error.print();
            return ExitCode::from(error.exit_code() as u8);
        }
    };
    match run(&cli.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("caxton-bench: {}", sanitise(&failure.to_string(), ERROR_MAX));
            ExitCode::from(WRONG_USE)
        }
    }
}

fn run(command: &Command) -> Result<(), Failure> {
    match command {
        Command::Report { dir } => {
            let record = RunFolder::load_record(dir)?;
            print(report::text(&record, &style()).as_bytes())
        }
        Command::Export { format, dir, output } => {
            let (record, samples) = RunFolder::load(dir)?;
            let exporter = export::find(format).expect("clap takes the formats of the table only");
            let bytes = (exporter.export)(&record, &samples)?;
            match output {
                None => print(&bytes),
                Some(path) => std::fs::write(path, bytes)
                    .map_err(|source| Failure::Output { path: path.clone(), source }),
            }
        }
        Command::List { profiles } => print(list(profiles)?.as_bytes()),
    }
}

/// Colours for a person who did not turn them off (<https://no-color.org>).
fn style() -> Style {
    let is_off = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    Style { colour: io::stdout().is_terminal() && !is_off }
}

/// One line per run and baseline.
fn list(profiles: &Path) -> Result<String, Failure> {
    if !profiles.is_dir() {
        return Err(Failure::NoFolder { path: profiles.to_owned() });
    }
    let mut lines = String::new();
    for (kind, entries) in
        [("run", baseline::list_runs(profiles)?), ("baseline", baseline::list_baselines(profiles)?)]
    {
        for (name, record) in entries {
            let what = match record {
                Listed::Run(record) => report::summary_line(&record),
                Listed::Comparison(comparison) => comparison.run.id.clone(),
                Listed::Bad(error) => error.to_string(),
            };
            lines.push_str(&sanitise(&format!("{kind:8}  {name}  {what}"), ERROR_MAX));
            lines.push('\n');
        }
    }
    if lines.is_empty() {
        lines = sanitise(&format!("no runs in {}", profiles.display()), ERROR_MAX) + "\n";
    }
    Ok(lines)
}

/// To standard output. A reader that went away, as `head` does, is no error.
fn print(bytes: &[u8]) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
        Err(source) if source.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::Output { path: PathBuf::from("standard output"), source })
        }
        _ => Ok(()),
    }
}
