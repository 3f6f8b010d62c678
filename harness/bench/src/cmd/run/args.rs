//! What the user may say: criterion's words where they exist, and ours.

use super::enough::Enough;
use super::given::GivenArgs;
use super::loads::LoadArgs;
use super::showing::Showing;
use super::sides::SideArgs;
use super::values::{parse_limit, parse_seconds, parse_share};
use crate::job::scale::Scale;
use caxton_model::units::Bytes;
use caxton_profiler::EngineName;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{ArgGroup, Parser, Subcommand, ValueEnum};
use std::collections::BTreeSet;
use std::convert::Infallible;
use std::path::PathBuf;

/// Limits of the guide, in MiB.
const LIMITS_MIB: [u64; 4] = [1, 10, 100, 1000];

/// Samples per second of CPU time, unless told otherwise.
pub(super) const PROFILE_HZ: u32 = 997;

/// Measures agents; the suite's name is that of the bench.
#[derive(Debug, Clone, Parser)]
#[command(
    version,
    about = "What does WASM cost this agent? Native and WASM, measured in turns.",
    args_conflicts_with_subcommands = true,
    // What makes a comparison, and what makes launch pairs.
    group = ArgGroup::new("comparison").args(["baseline", "between"]).multiple(true),
    group = ArgGroup::new("pairs").args(["baseline", "between", "relink"]).multiple(true)
)]
pub(super) struct Args {
    /// What to do instead of measuring.
    #[command(subcommand)]
    pub task: Option<Subtask>,

    /// Which cases are run, and of what.
    #[command(flatten)]
    pub selection: Selection,

    #[command(flatten)]
    pub given: GivenArgs,

    #[command(flatten)]
    pub sides: SideArgs,

    /// How much is measured.
    #[command(flatten)]
    pub timing: Timing,

    /// When it is enough.
    #[command(flatten)]
    pub enough: Enough,

    /// What is kept.
    #[command(flatten)]
    pub output: Output,

    #[command(flatten)]
    pub showing: Showing,

    /// What this version is compared with, and by which rules.
    #[command(flatten)]
    pub against: Against,

    /// How cases are profiled instead of being timed.
    #[command(flatten)]
    pub profiling: Profiling,

    /// What is wanted of loads.
    #[command(flatten)]
    pub loads: LoadArgs,
}

/// Which cases are run, and of what.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Cases")]
pub(super) struct Selection {
    /// Only cases whose key matches this regular expression (any of several)
    pub filters: Vec<String>,

    /// Take filters literally, as whole case keys
    #[arg(hide_short_help = true, long)]
    pub exact: bool,

    /// Only this agent; may be repeated
    #[arg(long, value_name = "NAME")]
    pub agent: Vec<String>,

    /// Memory limit to put agent ballast under, such as 10, 512KiB or 2GiB (a plain number is MiB);
    /// may be repeated
    /// [default: 1, 10, 100, 1000]
    #[arg(hide_short_help = true,
          long, value_name = "SIZE", value_parser = parse_limit, value_delimiter = ',')]
    pub memory_limit: Vec<Bytes>,

    /// Print the case keys instead of running them
    #[arg(long, conflicts_with_all = ["out", "save_baseline", "baseline", "between", "pack",
                                      "relink"])]
    pub list: bool,

    /// Say what would run, and for about how long, instead of running it
    #[arg(hide_short_help = true, long,
          conflicts_with_all = ["list", "baseline", "between", "pack", "relink", "resume"])]
    pub dry_run: bool,

    /// Format of --list
    #[arg(hide_short_help = true,
          long, value_enum, requires = "list", default_value_t = ListFormat::Pretty)]
    pub format: ListFormat,

    /// Asked by test runners: no case is ignored
    #[arg(long, hide = true)]
    pub ignored: bool,
}

/// How much is measured.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Measuring")]
pub(super) struct Timing {
    /// How much to measure [default: quick with --bench, smoke without]
    #[arg(long, value_enum)]
    pub scale: Option<Scale>,

    /// The same as --scale quick
    #[arg(hide_short_help = true, long, conflicts_with = "scale")]
    pub quick: bool,

    /// One checked pass per case, nothing is kept (also when cargo gives no --bench)
    #[arg(hide_short_help = true, long, conflicts_with = "quick")]
    pub test: bool,

    /// A launch that takes longer is ended, and its case with it
    #[arg(hide_short_help = true,
          long, value_name = "SECONDS", value_parser = parse_seconds, default_value = "120")]
    pub timeout: f64,

    /// Seed of all random choices [default: another one each time]
    #[arg(hide_short_help = true, long)]
    pub seed: Option<u64>,

    /// Given by `cargo bench`
    #[arg(long, hide = true)]
    pub bench: bool,
}

/// What is kept.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Results")]
pub(super) struct Output {
    /// Folder for the run [default: profiles/runs/<time>-<revision>-<suite>]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,

    /// Keep the run, and what is needed to run it again, as baseline NAME when it has finished
    #[arg(long, value_name = "NAME")]
    pub save_baseline: Option<String>,

    /// Build the guests and put all that is needed to run this version into the new folder DIR
    #[arg(long, hide = true, value_name = "DIR",
          conflicts_with_all = ["baseline", "save_baseline", "out", "relink"])]
    pub pack: Option<PathBuf>,

    /// Accepted for criterion's sake: pictures are made from records
    #[arg(hide_short_help = true, long)]
    pub noplot: bool,

    /// Given by test runners: nothing is captured
    #[arg(long, hide = true)]
    pub nocapture: bool,
}

/// What this version is compared with, and by which rules.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Comparing")]
pub(super) struct Against {
    /// Compare with baseline NAME: both are run, in launch pairs
    #[arg(long, value_name = "NAME", conflicts_with = "save_baseline", group = "compared")]
    pub baseline: Option<String>,

    /// Go on when the baseline is not there
    #[arg(hide_short_help = true, long, requires = "baseline")]
    pub baseline_lenient: bool,

    /// Compare what --pack made: BASE, CANDIDATE
    #[arg(long, hide = true, num_args = 2, value_name = "DIR", group = "compared",
          conflicts_with_all = ["baseline", "save_baseline", "pack", "guest"])]
    pub between: Vec<PathBuf>,

    /// Thresholds of a comparison, as TOML (see harness/docs/compare-versions.md)
    #[arg(hide_short_help = true, long, value_name = "FILE", requires = "comparison")]
    pub limits: Option<PathBuf>,

    /// Share by which a metric may be worse
    #[arg(hide_short_help = true,
          long, value_name = "SHARE", value_parser = parse_share, default_value = "0.01",
          requires = "pairs")]
    pub margin: f64,

    /// Smallest change beyond the margin that is to be found: a smaller one may be called OK
    #[arg(hide_short_help = true,
          long, value_name = "SHARE", value_parser = parse_share, default_value = "0.01",
          requires = "comparison")]
    pub find: f64,

    /// With --baseline: compare counts only, no time is measured. With `instructions`, in any run:
    /// count every instruction of a call, too, under valgrind
    #[arg(hide_short_help = true, long, value_parser = parse_counts, value_name = "instructions",
          num_args = 0..=1, default_missing_value = "",
          conflicts_with_all = ["margin", "find", "budget", "profile", "profile_time"])]
    pub counts: Option<CountKind>,

    /// Link this version N times more, its sections in another order each time, and measure how far
    /// that alone moves each metric: the relink floor. With --baseline, margins are widened to it
    #[arg(hide_short_help = true,
          long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=99),
          conflicts_with_all = ["save_baseline", "between", "pack", "profile", "profile_time",
                                "counts"])]
    pub relink: Option<u32>,

    /// Compare although both versions answer the same message differently: the new answer is right
    #[arg(hide_short_help = true, long, requires = "compared")]
    pub bless_answers: bool,

    /// End in exit code 5 where a comparison stays open
    #[arg(hide_short_help = true, long, requires = "comparison")]
    pub strict: bool,

    /// Print every metric of a comparison, not only those that changed
    #[arg(hide_short_help = true, long, requires = "comparison")]
    pub table: bool,
}

/// What is counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum CountKind {
    /// Fuel, sizes, memory: what takes no time.
    Basic,
    /// Those, and the instructions of a call.
    Instructions,
    /// The same as [`CountKind::Basic`], where a filter stands behind the flag.
    BasicOf(String),
}

fn parse_counts(word: &str) -> Result<CountKind, Infallible> {
    Ok(match word {
        "" => CountKind::Basic,
        "instructions" => CountKind::Instructions,
        filter => CountKind::BasicOf(filter.to_owned()),
    })
}

impl Args {
    /// The same with a filter that stood behind `--counts` among the filters.
    #[must_use]
    pub(super) fn with_filters_in_place(mut self) -> Self {
        if let Some(CountKind::BasicOf(filter)) = &self.against.counts {
            self.selection.filters.insert(0, filter.clone());
            self.against.counts = Some(CountKind::Basic);
        }
        self
    }
}

/// How cases are profiled instead of being timed.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Profiling")]
pub(super) struct Profiling {
    /// Profile the cases instead of timing them: pictures, raw samples, and a table
    #[arg(long, value_enum, value_name = "KIND",
          conflicts_with_all = ["save_baseline", "baseline", "between", "pack",
                                "memory_limit"])]
    pub profile: Option<ProfileKind>,

    /// Seconds to profile each side for [default: 5]; without --profile: only call each agent for
    /// so long, for an outside profiler
    #[arg(hide_short_help = true, long, value_name = "SECONDS", value_parser = parse_seconds,
          conflicts_with_all = ["save_baseline", "baseline", "between", "pack"])]
    pub profile_time: Option<f64>,

    /// What takes the samples [default: perf-clock, and pprof where the kernel refuses it]
    #[arg(hide_short_help = true,
          long, value_parser = profiler(), value_name = "NAME", requires = "profile")]
    pub profiler: Option<EngineName>,

    /// Samples per second of CPU time
    #[arg(hide_short_help = true,
          long, value_name = "HZ", requires = "profile", default_value_t = PROFILE_HZ,
          value_parser = clap::value_parser!(u32).range(10..=10_000))]
    pub profile_hz: u32,

    /// Threads that call agents at once while profiled, each its own
    #[arg(hide_short_help = true, long, value_name = "N", requires = "profile", default_value_t = 1,
          value_parser = clap::value_parser!(u32).range(1..=64))]
    pub profile_threads: u32,

    /// Profile guests called by `call_async` on a tokio runtime, as agents on fibers
    #[arg(hide_short_help = true, long, requires = "profile")]
    pub profile_async: bool,

    /// With --profile-time: write the perf map of the guest's code, for `perf record`
    #[arg(hide_short_help = true, long, requires = "profile_time", conflicts_with = "profile")]
    pub perf_map: bool,

    /// Show every frame in flame graphs: without it what calls the agent is one, `[host]`
    #[arg(hide_short_help = true, long, requires = "profile")]
    pub full_stacks: bool,
}

/// What to do instead of measuring.
#[derive(Debug, Clone, Subcommand)]
pub(super) enum Subtask {
    /// What can this machine see? Comparisons of the same, and of slow-downs of known size
    Selftest(SelfTest),
}

/// How to test comparisons.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct SelfTest {
    /// Comparisons of the same against itself, and of each planted slow-down
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub trials: u32,

    /// Add launch pairs until each metric is decided
    #[arg(long)]
    pub until_decided: bool,

    /// Share by which a metric may be worse
    #[arg(long, value_name = "SHARE", value_parser = parse_share, default_value = "0")]
    pub margin: f64,

    /// Smallest change that is to be found: a smaller one may be called OK
    #[arg(long, value_name = "SHARE", value_parser = parse_share, default_value = "0.005")]
    pub find: f64,

    /// Seed of all random choices [default: another one each time]
    #[arg(long)]
    pub seed: Option<u64>,

    /// Folder for the samples of all trials [default: not kept]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,

    /// Given by `cargo bench`
    #[arg(long, hide = true)]
    pub bench: bool,
}

impl ProfileKind {
    /// Whether calls are looked at in place of being timed, each in launches of its own.
    pub(super) fn is_of_calls(self) -> bool {
        matches!(self, Self::Cpu | Self::Instructions)
    }
}

/// Formats of `--list`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ListFormat {
    /// For people: with a count.
    Pretty,
    /// For test runners: `name: test`.
    Terse,
}

/// What a profile is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ProfileKind {
    /// Where CPU time goes.
    Cpu,
    /// Every instruction of a call, exactly, under valgrind.
    Instructions,
    /// Where memory is allocated; only `cargo bench --bench heap` can.
    Heap,
}

/// What an invocation does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// Print the keys of the cases that this scale has.
    List(Scale),
    /// Measure, and keep the run.
    Measure(Scale),
    /// One checked pass; the run is kept only where the user says.
    Check,
}

impl Mode {
    /// How much is measured.
    pub(super) const fn scale(self) -> Scale {
        match self {
            Self::List(scale) | Self::Measure(scale) => scale,
            Self::Check => Scale::Smoke,
        }
    }
}

impl Args {
    /// The mode that the words add up to.
    pub(super) fn mode(&self) -> Mode {
        let Timing { scale, quick, test, bench, .. } = self.timing;
        // Two bundles are compared by another program, which does not ask as cargo does.
        let is_asked = bench || quick || !self.against.between.is_empty();
        match scale {
            _ if self.selection.list => Mode::List(scale.unwrap_or(Scale::Smoke)),
            _ if test => Mode::Check,
            Some(scale) => Mode::Measure(scale),
            None if is_asked => Mode::Measure(Scale::Quick),
            None => Mode::Check,
        }
    }
}

impl Selection {
    /// The limits to try.
    pub(super) fn limits(&self) -> Vec<Bytes> {
        let mut limits = if self.memory_limit.is_empty() {
            LIMITS_MIB.map(Bytes::mebi).to_vec()
        } else {
            self.memory_limit.clone()
        };
        // One limit may be spelled in several ways; it is one case.
        let mut seen = BTreeSet::new();
        limits.retain(|limit| seen.insert(*limit));
        limits
    }
}

/// The words of [`EngineName`].
fn profiler() -> impl TypedValueParser<Value = EngineName> {
    PossibleValuesParser::new(
        EngineName::ALL.map(|engine| PossibleValue::new(engine.word()).help(engine.about())),
    )
    .map(|word| {
        let named = EngineName::ALL.into_iter().find(|engine| engine.word() == word);
        named.expect("the parser lets no other word through")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(words: &[&str]) -> Mode {
        let words = ["bench"].iter().chain(words);
        Args::try_parse_from(words).expect("valid").mode()
    }

    #[test]
    fn cargo_and_test_runners_get_the_mode_they_mean() {
        assert_eq!(mode(&["--bench"]), Mode::Measure(Scale::Quick));
        assert_eq!(mode(&["--bench", "--scale", "full"]), Mode::Measure(Scale::Full));
        assert_eq!(mode(&["--bench", "--quick", "json"]), Mode::Measure(Scale::Quick));
        assert_eq!(mode(&[]), Mode::Check);
        assert_eq!(mode(&["--bench", "--test"]), Mode::Check);
        assert_eq!(mode(&["--between", "a", "b", "json"]), Mode::Measure(Scale::Quick));
        assert_eq!(mode(&["--between", "a", "b", "--scale", "smoke"]), Mode::Measure(Scale::Smoke));
        assert_eq!(mode(&["wasm/x", "--exact", "--nocapture"]), Mode::Check);
        let list = ["--list", "--format", "terse", "--ignored"];
        assert_eq!(mode(&list), Mode::List(Scale::Smoke));
        assert_eq!(mode(&["--list", "--scale", "full"]), Mode::List(Scale::Full));
    }

    #[test]
    fn the_words_are_sound() {
        use clap::CommandFactory;
        Args::command().debug_assert();
    }
}
