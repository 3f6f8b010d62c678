//! The words of the command line.

use super::place::{kept, profiles};
use caxton_analysis::exit;
use caxton_model::load::limits::LONGEST;
use caxton_model::record::store::LATEST;
use caxton_model::slo::AlertOptions;
use caxton_model::units::Nanos;
use caxton_monitor::Sink;
use caxton_report::export::EXPORTERS;
use clap::builder::{PathBufValueParser, PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};
use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Reads, compares and judges what the benches measured.
#[derive(Debug, Parser)]
#[command(name = "caxton-bench", version)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Measure a suite, or guests of your own.
    #[command(after_help = RUNS,
              override_usage = "caxton-bench run SUITE|GUEST [FILTER]... [FLAGS]")]
    Run {
        /// A suite: wasm, heap, throughput, latency, scalability, resources or scenarios; or
        /// guests: a .wasm or .wat file, a folder of such (./guests), or a .toml manifest.
        #[arg(value_name = "SUITE|GUEST")]
        suite: String,
        /// Filters and flags of the suite.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
        words: Vec<String>,
    },
    /// Print the tables of a run, or what a comparison says; or write a page of them.
    Report(Report),
    /// Convert a run or a comparison for other programs.
    Export(Export),
    /// List runs, comparisons and baselines.
    List {
        /// The folder that holds `runs` and `baselines`.
        #[arg(default_value_os_t = profiles())]
        profiles: PathBuf,
        /// A JSON text for programs: a list of objects.
        #[arg(long)]
        json: bool,
    },
    /// Remove old runs and comparisons; baselines, the latest run and interrupted loads stay.
    Prune {
        /// How many of the newest runs stay.
        #[arg(long, value_name = "N")]
        keep: usize,
        /// Only say which would be removed.
        #[arg(long)]
        dry_run: bool,
    },
    /// Compare B with A: baselines, folders or, with --rev, git revisions.
    Compare(Compare),
    /// Judge a run by limits and targets, or a comparison by its samples.
    Gate(Gate),
    /// The whole job of a pull request: build two revisions, compare them, write what a CI shows.
    Ci(Ci),
    /// Draw what became of each metric over many runs, as one HTML page.
    History {
        /// Folders of runs, or folders with such folders somewhere below.
        #[arg(required = true, value_name = "DIR")]
        dirs: Vec<PathBuf>,
        /// The page.
        #[arg(short, long, value_name = "FILE", default_value = "history.html")]
        out: PathBuf,
    },
    /// Watch service level objectives in production.
    #[command(subcommand)]
    Slo(SloTask),
    /// Run agents under a load as a host in production, with /metrics for Prometheus and alerts.
    Monitor(Monitor),
    /// Look at this machine for a minute: what can it resolve, and what would make it better?
    Doctor {
        /// How long to look at its cores.
        #[arg(long, value_name = "TIME", default_value = "50s", value_parser = parse_time)]
        time: Nanos,
    },
    /// Print a script that completes the words of this command line in a shell.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Write the manual pages into a folder.
    Man {
        /// The folder, such as ~/.local/share/man/man1.
        dir: PathBuf,
    },
}

/// How to measure.
const RUNS: &str = "Examples:
  caxton-bench run wasm json            one agent, native against WASM
  caxton-bench run my.wasm              a module of yours; with --native FILE beside a native build
  caxton-bench run scenarios --time 10s every load, cut to 10 s each
  caxton-bench run wasm --help          what a suite takes, and --help of any other suite";

#[derive(Debug, Args)]
#[command(after_help = "Histograms of loads are not copied: they lie beside the record, in \
    load/<name>/ of the run's folder: response and service, as .hlog (a second each) and .hgrm \
    (percentiles).")]
pub(crate) struct Export {
    /// The format; without one, every format into the folder's own export/.
    #[arg(long, value_parser = formats())]
    pub(crate) format: Option<String>,
    /// Every format, into a folder.
    #[arg(long, conflicts_with = "format")]
    pub(crate) all: bool,
    /// The run or comparison: its folder, or its name in the list.
    #[arg(default_value_os_t = profiles().join(LATEST), value_parser = kept_folder())]
    pub(crate) dir: PathBuf,
    /// Where to write it, instead of to standard output; of every format, the folder.
    #[arg(short, long, value_name = "PATH")]
    pub(crate) output: Option<PathBuf>,
    /// Only cases whose key matches this regular expression; may be repeated.
    #[arg(long = "case", value_name = "PATTERN")]
    pub(crate) cases: Vec<String>,
    /// Only metrics whose name matches this regular expression; may be repeated. bmf and gab have
    /// some twenty unless told otherwise, '' is all.
    #[arg(long = "metric", value_name = "PATTERN")]
    pub(crate) metrics: Vec<String>,
    /// Another run, whose figures stand beside this one's in `markdown`.
    #[arg(long, value_name = "RUN", value_parser = kept_folder())]
    pub(crate) baseline: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Report {
    /// Runs, comparisons and baselines: folders, or names in the list; profiles/latest, or with
    /// --html the latest of each suite.
    #[arg(value_name = "RUN", value_parser = kept_folder())]
    pub(crate) dirs: Vec<PathBuf>,
    /// Of a comparison: every metric, too.
    #[arg(long)]
    pub(crate) table: bool,
    /// Write one HTML page, and its charts beside it.
    #[arg(long, conflicts_with = "table")]
    pub(crate) html: bool,
    /// Show the page in the browser.
    #[arg(long, requires = "html")]
    pub(crate) open: bool,
    /// The page; report.html in the folder of a single one, profiles/report.html of the latest.
    #[arg(long, value_name = "FILE", requires = "html")]
    pub(crate) out: Option<PathBuf>,
}

/// What `--trust` without a hash stands for.
pub(crate) const ANY_KIT: &str = "any";

#[derive(Debug, Args)]
pub(crate) struct Compare {
    /// What is compared with: a baseline's name, a folder, or a revision.
    #[arg(value_name = "A")]
    pub(crate) base: String,
    /// What is judged.
    #[arg(value_name = "B")]
    pub(crate) candidate: String,
    /// Every metric, too.
    #[arg(long)]
    pub(crate) table: bool,
    #[command(flatten)]
    pub(crate) rules: Rules,
    /// Compare although both versions answer the same message differently: the new answer is right.
    #[arg(long)]
    pub(crate) bless_answers: bool,
    /// A and B are git revisions: each is built in a worktree of its own.
    #[arg(long)]
    pub(crate) rev: bool,
    /// Start the executables of folders that are not this checkout's own baselines: programs of
    /// whoever made them, which may do all that you may. With =HASH only the one whose kit.json has
    /// that SHA-256; may be repeated.
    #[arg(long, value_name = "HASH", num_args = 0..=1, default_missing_value = ANY_KIT,
          require_equals = true)]
    pub(crate) trust: Vec<String>,
    /// The suite; wasm for revisions, and the only one that a baseline has.
    #[arg(long)]
    pub(crate) suite: Option<String>,
    /// The folder that holds `runs` and `baselines`, instead of the checkout's.
    #[arg(long, value_name = "FOLDER", conflicts_with = "rev")]
    pub(crate) profiles: Option<PathBuf>,
    /// Filters of cases and other words for the bench.
    #[arg(last = true)]
    pub(crate) words: Vec<String>,
}

/// By what is judged.
#[derive(Debug, Default, Args)]
pub(crate) struct Rules {
    /// Limits of your own, as TOML.
    #[arg(long, value_name = "FILE")]
    pub(crate) limits: Option<PathBuf>,
    /// Something that stays open is exit code 5 instead of 0.
    #[arg(long)]
    pub(crate) strict: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Ci {
    /// The revision that is compared with.
    #[arg(value_name = "BASE")]
    pub(crate) base: String,
    /// The revision that is judged.
    #[arg(value_name = "HEAD")]
    pub(crate) head: String,
    /// The folder for the summary, the comment, the annotations, JUnit and the comparison; those of
    /// a job before are replaced.
    #[arg(long, value_name = "DIR", default_value_os_t = profiles().join("ci"))]
    pub(crate) out: PathBuf,
    /// The suite: wasm or heap.
    #[arg(long, default_value = "wasm")]
    pub(crate) suite: String,
    #[command(flatten)]
    pub(crate) rules: Rules,
    /// Compare although both versions answer the same message differently: the new answer is right.
    #[arg(long)]
    pub(crate) bless_answers: bool,
    /// Filters of cases; after `--` other words for the bench, too.
    pub(crate) words: Vec<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum SloTask {
    /// Write rules for Prometheus and a dashboard for Grafana, from what a load test asks.
    Rules(SloRules),
}

/// What must hold of messages.
#[derive(Debug, Args)]
pub(crate) struct Objectives {
    /// The plan of a load, whose thresholds are the objectives.
    #[arg(long, value_name = "FILE")]
    pub(crate) plan: Option<PathBuf>,
    /// An objective, such as 'response_time p(99)<10ms' or 'success rate>0.999'; may be repeated.
    /// Without any: what the guide asks of its peak load.
    #[arg(long, value_name = "CONDITION")]
    pub(crate) threshold: Vec<String>,
}

/// When alerts fire.
#[derive(Debug, Args)]
pub(crate) struct Alerts {
    /// Fewer messages in a window fire no alert.
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub(crate) min_events: u64,
    /// Make windows shorter by this factor, to see an alert fire soon.
    #[arg(long, value_name = "FACTOR", default_value_t = 1,
          value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub(crate) speed: u64,
}

impl Alerts {
    pub(crate) fn options(&self) -> AlertOptions {
        AlertOptions { speed: self.speed, events_min: self.min_events }
    }
}

#[derive(Debug, Args)]
pub(crate) struct SloRules {
    #[command(flatten)]
    pub(crate) objectives: Objectives,
    /// The folder for rules.yml and dashboard.json.
    #[arg(short, long, value_name = "DIR", default_value = "slo")]
    pub(crate) out: PathBuf,
    /// The job that Prometheus scrapes the program as.
    #[arg(long, value_name = "NAME", default_value = "caxton", value_parser = parse_job)]
    pub(crate) job: String,
    #[command(flatten)]
    pub(crate) alerts: Alerts,
}

#[derive(Debug, Args)]
#[command(after_help = WATCHES)]
pub(crate) struct Monitor {
    #[command(flatten)]
    pub(crate) objectives: Objectives,
    /// Messages per second, where no plan says.
    #[arg(long, value_name = "N", default_value_t = 1000.0, conflicts_with = "plan",
          value_parser = parse_rate)]
    pub(crate) rate: f64,
    /// Agents that take them, where no plan says.
    #[arg(long, value_name = "N", default_value_t = 100, conflicts_with = "plan",
          value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) agents: u32,
    /// How long; until Ctrl-C, where neither this nor a plan says.
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    pub(crate) time: Option<Nanos>,
    /// Where to serve /metrics and /healthz; who can reach it can read it.
    #[arg(long, value_name = "IP:PORT", default_value = "127.0.0.1:9464")]
    pub(crate) address: SocketAddr,
    /// Between two looks at the objectives; 10s at --speed 1, and less above it.
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    pub(crate) every: Option<Nanos>,
    /// Who is told of alerts: alertmanager=http://HOST:PORT or webhook=URL; may be repeated.
    #[arg(long, value_name = "SINK")]
    pub(crate) tell: Vec<Sink>,
    #[command(flatten)]
    pub(crate) alerts: Alerts,
    /// Hold each answer back for so long, to see an alert fire.
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    pub(crate) plant_delay: Option<Nanos>,
    /// After how many whole seconds to begin with that.
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = parse_time,
          requires = "plant_delay")]
    pub(crate) plant_after: Nanos,
    /// For how long to do that; to the end, unless told.
    #[arg(long, value_name = "TIME", value_parser = parse_time, requires = "plant_delay")]
    pub(crate) plant_for: Option<Nanos>,
    /// Start the Prometheus and the Alertmanager that are installed here, plant a delay, and say
    /// when the alert arrived and when it was over. Takes about a minute.
    #[arg(long, conflicts_with_all = ["plan", "threshold", "time", "address", "every", "tell",
          "min_events", "speed", "plant_delay"])]
    pub(crate) check: bool,
}

/// How to watch.
const WATCHES: &str = "Examples:
  caxton-bench monitor                          1,000 messages a second, until Ctrl-C
  caxton-bench monitor --check                  a real Prometheus and Alertmanager, a planted delay
  caxton-bench monitor --speed 60 --plant-delay 200ms";

/// A length of time as it is typed.
pub(crate) fn parse_time(text: &str) -> Result<Nanos, String> {
    match text.parse() {
        Ok(Nanos(0)) => Err("no time at all".to_owned()),
        Ok(time) if time > LONGEST => Err("more than 100 days".to_owned()),
        Ok(time) => Ok(time),
        Err(why) => Err(format!("{why}")),
    }
}

fn parse_rate(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(rate) if rate > 0.0 && rate <= 1e6 => Ok(rate),
        _ => Err("expected messages per second, above 0 and up to 1000000".to_owned()),
    }
}

/// A name that can stand between quotation marks of a rule.
fn parse_job(text: &str) -> Result<String, String> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.:/".contains(c);
    match !text.is_empty() && text.chars().all(is_plain) {
        true => Ok(text.to_owned()),
        false => Err("expected letters, digits and - _ . : /".to_owned()),
    }
}

#[derive(Debug, Args)]
pub(crate) struct Gate {
    /// The run or comparison: its folder, or its name in the list.
    #[arg(default_value_os_t = profiles().join(LATEST), value_parser = kept_folder())]
    pub(crate) dir: PathBuf,
    #[command(flatten)]
    pub(crate) rules: Rules,
    /// Of a comparison: every metric, too.
    #[arg(long)]
    pub(crate) table: bool,
}

/// The command line; each help of it ends in the exit codes.
pub(crate) fn command() -> clap::Command {
    with_codes(Cli::command())
}

/// The same with the exit codes at the end of its help and of those below.
fn with_codes(command: clap::Command) -> clap::Command {
    let own = command.get_after_help().map_or(String::new(), |own| format!("{own}\n\n"));
    command.after_help(format!("{own}{}", exit::help())).mut_subcommands(with_codes)
}

/// Reads `words`, of which the first is the program's name.
///
/// # Errors
/// What clap says of them; help and version, too.
pub(crate) fn parse<W: Into<OsString> + Clone>(
    words: impl IntoIterator<Item = W>,
) -> Result<Cli, clap::Error> {
    Cli::from_arg_matches(&command().try_get_matches_from(words)?)
}

/// Whether `word` is a command's name.
pub(crate) fn is_command(word: &str) -> bool {
    // Without making them: what they take by default is made once, and rests on where we are.
    Command::has_subcommand(word)
}

/// A folder, or the name of a run or baseline.
fn kept_folder() -> impl TypedValueParser<Value = PathBuf> {
    PathBufValueParser::new().map(|named| kept(&named))
}

/// The formats of the table, with their help.
fn formats() -> PossibleValuesParser {
    EXPORTERS.iter().map(|e| PossibleValue::new(e.name).help(e.doc)).collect::<Vec<_>>().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_help_ends_in_the_exit_codes() {
        for words in [&["x", "--help"][..], &["x", "report", "--help"], &["x", "export", "-h"]] {
            let help = parse(words).unwrap_err().to_string();
            assert!(help.ends_with(&format!("{}\n", exit::help())), "{words:?}: {help}");
        }
        let export = parse(["x", "export", "--help"]).unwrap_err().to_string();
        assert!(export.contains("Histograms of loads are not copied"), "{export}");
    }

    #[test]
    fn the_words_are_consistent() {
        command().debug_assert();
        assert!(parse(["x", "compare", "a", "b", "--rev", "--profiles", "p"]).is_err());
        let parsed = Cli::try_parse_from(["x", "compare", "a", "b", "--rev", "--", "-x", "json"]);
        let Ok(Cli { command: Command::Compare(compare) }) = parsed else { panic!("{parsed:?}") };
        assert!(compare.rev && compare.words == ["-x", "json"]);
        let words = ["x", "ci", "a", "b", "json", "--out", "o", "--", "--budget", "5"];
        let parsed = Cli::try_parse_from(words);
        let Ok(Cli { command: Command::Ci(ci) }) = parsed else { panic!("{parsed:?}") };
        assert!(ci.out.as_os_str() == "o" && ci.words == ["json", "--budget", "5"]);
    }
}
