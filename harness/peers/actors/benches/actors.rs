//! Our orchestrator beside the actors of ractor, kameo and actix, and beside plain tokio tasks with
//! channels: `scripts/peers`. Prints the folder of the run; each launch is a fresh process of this
//! executable.

use caxton_actors::launch::launch;
use caxton_actors::plan::{PeerWindows, PeersPlan};
use caxton_actors::run::{PeersRun, first_page};
use caxton_actors::{courier, worker};
use caxton_analysis::exit;
use caxton_bench::guest::catalog::Workspace;
use caxton_model::record::store::RUNS;
use caxton_sys::clock::entropy;
use clap::Parser;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

/// Messages per second of the reference runtime and of other frameworks' actors, in turns.
#[derive(Debug, Parser)]
#[command(name = "scripts/peers")]
struct Arguments {
    /// Populations
    #[arg(long, value_delimiter = ',', default_value = "10,1000,10000")]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=16_000))]
    agents: Vec<u32>,
    /// Fresh processes for each population; 6 are the fewest that have an interval at 95 %
    #[arg(long, default_value_t = 6, value_parser = clap::value_parser!(u32).range(1..=100))]
    launches: u32,
    /// Windows of each side in each launch
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=500))]
    windows: u32,
    /// Length of the slowest side's windows; each message makes 15 hops at least
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    window_ms: u32,
    /// Length of a message; a header takes 40, an agent's report 72
    #[arg(long, default_value_t = 1024, value_parser = clap::value_parser!(u32).range(72..=65_536))]
    bytes: u32,
    /// Seed of links, bodies and turns [default: another one each time]
    #[arg(long)]
    seed: Option<u64>,
    /// Passed by cargo
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> ExitCode {
    caxton_sys::process::prepare();
    if std::env::args().nth(1).as_deref() == Some(worker::LAUNCH_ARGUMENT) {
        return worker::main();
    }
    match measure(Arguments::parse()) {
        Ok(code) => ExitCode::from(code),
        Err(why) => {
            say(&format!("error: {why}"));
            ExitCode::from(exit::WRONG_USE)
        }
    }
}

/// Runs all populations, and prints where the run is kept.
fn measure(arguments: Arguments) -> Result<u8, String> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let workspace = Workspace::find(here, here).map_err(|error| error.to_string())?;
    let built = courier::build(&workspace, &say)?;
    let seed = arguments.seed.unwrap_or_else(entropy);
    let words = std::env::args().skip(1).filter(|word| word != "--bench");
    let command = ["scripts/peers".to_owned()].into_iter().chain(words);
    let mut record = first_page(&workspace.root, command.collect(), seed);
    record.artifacts = built.artifacts;
    let Arguments { mut agents, launches, windows: count, window_ms: ms, bytes, .. } = arguments;
    // Each population has its cases once.
    agents.sort_unstable();
    agents.dedup();
    let plan = PeersPlan { agents, launches, windows: PeerWindows { bytes, count, ms }, seed };
    let path = workspace.profiles.join(RUNS).join(&record.run.id);
    let mut run = PeersRun::begin(&path, record, plan, built.files, &launch)
        .map_err(|error| error.to_string())?;
    let failed = run.all().map_err(|error| error.to_string())?;
    writeln!(io::stdout(), "{}", run.path().display()).map_err(|error| error.to_string())?;
    Ok(if failed == 0 { exit::FINE } else { exit::FAILED })
}

fn say(line: &str) {
    let _ = writeln!(io::stderr(), "peers: {line}");
}
