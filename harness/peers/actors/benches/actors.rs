//! Our orchestrator beside the actors of ractor, kameo and actix, and beside plain tokio tasks with
//! channels: `scripts/peers`, some five minutes. All pass on the same messages by the same handler.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "the command line of this package")]

use caxton_actors::contest::{Plan, Window, run};
use caxton_actors::table::{HEAD, rows};
use caxton_bench::guest::build::{BuildStep, Builder};
use caxton_bench::guest::catalog::Workspace;
use caxton_bench::guest::toolchain::{Toolchain, Variant};
use caxton_bench::guest::files::AgentFiles;
use caxton_bench::suite::throughput::COURIER;
use caxton_sys::clock::entropy;
use caxton_analysis::exit;
use clap::Parser;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::AtomicBool;

/// Messages per second of the reference orchestrator and of other frameworks' actors, in turns.
#[derive(Debug, Parser)]
struct Arguments {
    /// Populations
    #[arg(long, value_delimiter = ',', default_value = "10,1000,10000")]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=16_000))]
    agents: Vec<u32>,
    /// Windows of each side
    #[arg(long, default_value_t = 15, value_parser = clap::value_parser!(u32).range(1..=500))]
    windows: u32,
    /// Length of the slowest side's windows; each message makes 15 hops at least
    #[arg(long, default_value_t = 300, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    window_ms: u32,
    /// Length of a message; a header takes 40, an agent's report 72
    #[arg(long, default_value_t = 1024, value_parser = clap::value_parser!(u32).range(72..=65_536))]
    bytes: u32,
    /// Seed of links, bodies and turns [default: another one each time]
    #[arg(long)]
    seed: Option<u64>,
    /// All windows are written to this file; the last one named
    #[arg(long, overrides_with = "csv")]
    csv: Option<PathBuf>,
    /// Passed by cargo
    #[arg(long, hide = true)]
    bench: bool,
}

/// What went wrong, and with which exit code.
type Problem = (u8, String);

fn main() -> ExitCode {
    match measure(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err((code, error)) => {
            eprintln!("error: {error}");
            ExitCode::from(code)
        }
    }
}

fn measure(arguments: &Arguments) -> Result<(), Problem> {
    let misused = |error: String| (exit::WRONG_USE, error);
    // Opened first: five minutes are lost otherwise.
    let mut csv = arguments.csv.as_deref().map(create).transpose().map_err(misused)?;
    let files = files().map_err(misused)?;
    let seed = arguments.seed.unwrap_or_else(entropy);
    let Arguments { windows, window_ms, bytes, .. } = *arguments;
    let mut rng = fastrand::Rng::with_seed(seed);
    println!("messages of {bytes} bytes, 8 in flight per agent; seed {seed}\n");
    print!("{HEAD}");
    for &agents in &arguments.agents {
        eprintln!("actors: {agents} agents, {windows} windows of each side");
        let told = run(Plan { agents, bytes, windows, window_ms }, &files, &mut rng).map_err(
            |outcome| {
                let why = outcome.reason().unwrap_or("no reason");
                (exit::FAILED, format!("{agents} agents: {}: {why}", outcome.name()))
            },
        )?;
        eprintln!("actors: {} hops in a window; guests: {}", told.hops, told.tier);
        print!("{}", rows(&told.windows));
        if let Some((path, csv)) = &mut csv {
            write(csv, &told.windows).map_err(|e| misused(format!("{}: {e}", path.display())))?;
        }
    }
    Ok(())
}

/// The file of windows, with its head. Cargo starts a bench in its package's folder, and leaves the
/// user's in PWD.
fn create(path: &Path) -> Result<(PathBuf, csv::Writer<File>), String> {
    let path =
        &std::env::var_os("PWD").map_or_else(|| path.to_owned(), |at| Path::new(&at).join(path));
    let mut csv = csv::Writer::from_path(path).map_err(|e| format!("{}: {e}", path.display()))?;
    let head = ["agents", "bytes", "block", "turn", "side", "wall_ns", "cpu_ns", "messages"];
    csv.write_record(head).map_err(|e| format!("{}: {e}", path.display()))?;
    Ok((path.to_owned(), csv))
}

fn write(csv: &mut csv::Writer<File>, windows: &[Window]) -> Result<(), csv::Error> {
    for window in windows {
        let Window { agents, bytes, block, turn, side, wall_ns, cpu_ns, messages } = window;
        let numbers = [agents, bytes, block, turn].map(ToString::to_string);
        let times = [wall_ns, cpu_ns, messages].map(ToString::to_string);
        let side = [(*side).to_owned()];
        csv.write_record(numbers.iter().chain(&side).chain(&times))?;
    }
    Ok(csv.flush()?)
}

/// The agent's guest and twin, built unless they are there.
fn files() -> Result<AgentFiles, String> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let workspace = Workspace::find(here, here);
    let workspace = workspace.map_err(|error| error.to_string())?;
    let source = workspace.agents.get(COURIER).ok_or(format!("there is no agent {COURIER}"))?;
    let say = |line: &str| eprintln!("actors: {line}");
    let toolchain = Toolchain::find(&workspace.root, &say);
    let toolchain = toolchain.map_err(|error| error.to_string())?;
    // Ctrl-C ends this process, and the build with it.
    let never = AtomicBool::new(false);
    let builder = Builder::open(&workspace, &toolchain, &never, &say);
    let builder = builder.map_err(|error| error.to_string())?;
    let say = |step: BuildStep<'_>| eprintln!("actors: building {} ({})", step.agent, step.side);
    let built = builder.build(&[source], Variant::Measured, &say).remove(COURIER);
    let built = built.ok_or_else(|| format!("{COURIER} was not built"))?;
    Ok(AgentFiles {
        name: COURIER.to_owned(),
        wasm: built.wasm?.path,
        native: Some(built.native?.path),
        expected: Some(source.expected.clone()),
        ..AgentFiles::default()
    })
}
