//! The relink floor, measured: what is here is linked again with its sections in other orders, and
//! each of these relinks is compared with what is here in launch pairs. No source differs, so what
//! they differ by is layout alone.

use super::super::error::CommandError;
use super::super::linked::Linked;
use super::super::output::{note, print, style};
use super::contest::{Comparing, SMOKE_LOOKS, begin, contests, pack_here};
use super::meter::Ahead;

use super::prepare::{Guest, prepare};
use super::progress::Progress;
use super::session::{STOP, hold, is_stopped, watch_for_ctrl_c};
use crate::guest::build::{BuildStep, Builder, BuiltAgent};
use crate::guest::catalog::{EXAMPLE_SEED, cargo};
use crate::guest::files::{AgentFiles, BuiltFiles};
use crate::guest::toolchain::{Side, Toolchain, Variant, shuffle_flag};
use crate::job::Job;
use crate::job::scale::Scale;
use crate::job::task::Task;
use crate::measure::turns::compare::{
    Compare, Contest, CountedCases, PAIR_TAKES, Settings, What, design_for,
};
use crate::measure::turns::kit::{OpenKit, pack};
use caxton_analysis::exit;
use caxton_analysis::paired::relink::Floors;
use caxton_model::paired::comparison::Comparison;
use caxton_model::paired::{Design, LOOKS};
use caxton_model::record::lock::HeldFolder;
use caxton_model::record::store::RunFolder;
use caxton_report::paint::paint;
use caxton_report::sections as report;
use caxton_sys::process;
use regex::Regex;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{fs, io};

pub(super) struct Relink<'a> {
    pub comparing: &'a Comparing<'a>,
    /// The kit of this checkout as it is.
    pub plain: &'a Path,
    /// What may be compared; only what launch pairs compare is.
    pub contests: &'a [Contest],
    /// Where files may be laid out.
    pub scratch: &'a HeldFolder,
}

/// Measures the floor of those `tasks` that launch pairs compare, and nothing else.
pub(super) fn run(
    comparing: &Comparing<'_>,
    tasks: &[Task],
    guests: &BTreeMap<String, Guest>,
) -> Result<u8, CommandError> {
    let Comparing { session, selection, out, .. } = *comparing;
    let paired = |task: &&Task| task.job == Job::Overhead;
    let tasks: Vec<Task> = tasks.iter().filter(paired).cloned().collect();
    // Before anything is built: a folder that another process writes to.
    let _held = out.map(hold).transpose()?;
    let prepared = prepare(&session.workspace, &tasks, guests)?;
    let scratch = session.scratch()?;
    let plain = scratch.path().join("packed");
    pack_here(session, &tasks, &prepared, &plain, "this checkout")?;
    let kit = OpenKit::open(&plain, &scratch.path().join("0"))?;
    let contests = contests(session, selection, [&kit, &kit])?;
    let relink = Relink { comparing, plain: &plain, contests: &contests, scratch: &scratch };
    let floors = relink.floors(out)?;
    let is_for_nothing = !contests.iter().any(|contest| contest.is_paired);
    if is_for_nothing {
        note("error: nothing to relink for: no case of these is compared in launch pairs");
    }
    Ok(match () {
        () if is_stopped() => exit::INTERRUPTED,
        () if floors.has_untold() => exit::FAILED,
        () if is_for_nothing => exit::NOT_COMPARABLE,
        () => exit::FINE,
    })
}

impl Relink<'_> {
    /// Measures as many relinks as the user wishes, and prints their floors; none where none is
    /// wished for. Samples are kept in folders of `out`.
    ///
    /// What was measured before a relink failed is printed too.
    pub(super) fn floors(&self, out: Option<&Path>) -> Result<Floors, CommandError> {
        let mut floors = Floors::default();
        let paired: Vec<Contest> = self.contests.iter().filter(|c| c.is_paired).cloned().collect();
        let times = self.comparing.against.relink.filter(|_| !paired.is_empty());
        let Some(times) = times else { return Ok(floors) };
        watch_for_ctrl_c();
        let ended = self.measure(times, &paired, out, &mut floors);
        if !floors.is_empty() {
            print(paint(&report::floors::table(&floors, &self.design()), &style()));
        }
        match ended {
            // A compiler that Ctrl-C ended too is not what went wrong.
            Err(_) if is_stopped() => Ok(floors),
            ended => ended.map(|()| floors),
        }
    }

    /// An estimate is wanted, not a verdict: one look, as early as intervals are worth something.
    fn design(&self) -> Design {
        let Comparing { scale, seed, against, .. } = *self.comparing;
        let looks = if scale == Scale::Smoke { SMOKE_LOOKS } else { [LOOKS[0]] }.to_vec();
        let (margin, blocks) = (against.margin, scale.effort().blocks);
        Design { seed, margin, looks, blocks, ..Design::default() }
    }

    fn measure(
        &self,
        times: u32,
        paired: &[Contest],
        out: Option<&Path>,
        floors: &mut Floors,
    ) -> Result<(), CommandError> {
        let toolchain = Toolchain::find(&self.comparing.session.workspace.root, &note)?;
        let mut rng = fastrand::Rng::with_seed(self.comparing.seed);
        for number in 1..=times {
            // 0 is no seed to the linker, and from 2³¹ on it may be taken for −1.
            let seed = rng.u32(1..1 << 31);
            note(&format!("relink {number} of {times}: sections in the order of seed {seed}"));
            let folder = tempfile::Builder::new().prefix("relink-").tempdir_in(self.scratch.path());
            let folder = folder.map_err(|error| why(&error))?;
            let relinked = self.relinked(&toolchain, folder.path(), seed)?;
            // Which of the two lies where is chance, and both paths are equally long.
            let mut places = ["0", "1"];
            rng.shuffle(&mut places);
            let [own, other] = places.map(|place| folder.path().join(place));
            let kits = [&OpenKit::open(self.plain, &own)?, &OpenKit::open(&relinked, &other)?];
            let design = Design { seed: rng.u64(..), ..self.design() };
            let out = out.map(|out| out.join(format!("relink-{number}")));
            let out = out.map(|out| RunFolder::create(&out)).transpose()?;
            let compared = self.compare(kits, paired, design, out)?;
            if is_stopped() {
                break;
            }
            compared.cases.iter().for_each(|case| floors.add(case));
        }
        Ok(())
    }

    /// The kit of a relink by `seed`, in `folder`.
    fn relinked(
        &self,
        toolchain: &Toolchain,
        folder: &Path,
        seed: u32,
    ) -> Result<PathBuf, CommandError> {
        let into = folder.join("packed");
        fs::create_dir(&into).map_err(|error| why(&error))?;
        let executable = folder.join("linked");
        self.link(seed, &executable)?;
        // Only looked at for what is in it.
        let plain = OpenKit::open(self.plain, &folder.join("plain"))?;
        let mut linked = self.native_builds(&toolchain.relinked(seed), &plain)?;
        let names: BTreeSet<&String> =
            self.contests.iter().filter(|c| c.is_paired).map(|c| &c.case.agent).collect();
        let of = |name: &String| {
            let files = plain.files(name)?;
            let native = linked.remove(name);
            Some((name.clone(), Ok(AgentFiles { native, heap: None, ..files })))
        };
        let files: BuiltFiles = names.into_iter().filter_map(of).collect();
        let run = self.comparing.session.begin(Scale::Quick, 0).run;
        pack(&into, &executable, &format!("relink by seed {seed}"), &run, &files)?;
        Ok(into)
    }

    /// The native builds of those agents that have one, linked by `toolchain`.
    fn native_builds(
        &self,
        toolchain: &Toolchain,
        plain: &OpenKit,
    ) -> Result<BTreeMap<String, PathBuf>, CommandError> {
        let is_wanted = |name: &String| {
            let has_native = plain.files(name).is_some_and(|files| files.native.is_some());
            has_native && self.contests.iter().any(|c| c.is_paired && c.case.agent == *name)
        };
        let workspace = &self.comparing.session.workspace;
        let agents = workspace.agents.values();
        let sources: Vec<_> = agents.filter(|agent| is_wanted(&agent.name)).collect();
        let builder = Builder::open(workspace, toolchain, &STOP, &note)
            .map_err(|source| CommandError::Builder { path: workspace.target.clone(), source })?;
        let say = |step: BuildStep<'_>| {
            if step.side == Side::Native {
                note(&format!("linking {} ({}) again", step.agent, step.side));
            }
        };
        let built = builder.build(&sources, Variant::Measured, &say).into_iter();
        let of = |(name, agent): (String, BuiltAgent)| match agent.native {
            Ok(native) => Ok((name, native.path)),
            Err(why) => Err(CommandError::NoRelink { why: format!("{name}: {why}") }),
        };
        built.map(of).collect()
    }

    /// Links the executable of this bench into the file `into`.
    fn link(&self, seed: u32, into: &Path) -> Result<(), CommandError> {
        let own = fs::read_link(process::THIS_EXECUTABLE).map_err(|error| why(&error))?;
        let Some(place) = Place::of(&own) else {
            return Err(why(&format!("{} is not where cargo puts a bench", own.display())));
        };
        let mut command = cargo(&self.comparing.session.workspace.root);
        command.args(["rustc", "--quiet", "--package", env!("CARGO_PKG_NAME")]);
        command.args(["--bin", env!("CARGO_PKG_NAME"), "--profile", &place.profile]);
        command.args(["--message-format", "json-render-diagnostics", "--target-dir"]);
        command.arg(place.target_dir);
        if place.has_triple {
            command.args(["--target", caxton_sys::build::TARGET]);
        }
        command.args(["--", &shuffle_flag(seed)]);
        let told = process::output(&mut command).map_err(|error| why(&refusal(&error)))?;
        let linked = Linked::parse(&told, env!("CARGO_PKG_NAME"), "bin")
            .ok_or_else(|| why(&"cargo names no executable"))?;
        if linked.others > 0 {
            note(&format!(
                "warning: cargo built {} more crates: the relink may be of other sources, or of \
                 other flags, than this executable",
                linked.others
            ));
        }
        take(&linked.executable, &own, Path::new(process::THIS_EXECUTABLE), into)
            .map_err(|error| why(&format!("{}: {error}", linked.executable.display())))
    }

    /// Launch pairs of a relink, the candidate, with what is here.
    fn compare(
        &self,
        kits: [&OpenKit; 2],
        paired: &[Contest],
        design: Design,
        folder: Option<RunFolder>,
    ) -> Result<Comparison, CommandError> {
        let how = self.comparing.settings();
        // No budget: a floor of fewer launches would be one of more noise.
        let settings = Settings {
            budget: Duration::MAX,
            what: What::Times,
            audit: false,
            instructions: CountedCases::Nothing,
            ..how
        };
        let launches = design.looks.iter().copied().map(u64::from).sum::<u64>();
        let launches = paired.len() as u64 * launches;
        let progress = Progress::new(Ahead::of(PAIR_TAKES, launches));
        let Comparing { session, scale, .. } = *self.comparing;
        let comparison = begin(session, scale, design_for(paired, kits[0], design), kits);
        let mut compare = Compare {
            comparison,
            folder,
            settings,
            kits,
            stop: &STOP,
            observer: &progress,
            example_seeds: [EXAMPLE_SEED; 2],
        };
        let ended = compare.all(paired, &|_| BTreeMap::new());
        progress.finish();
        ended?;
        Ok(compare.comparison)
    }
}

fn why(why: &dyn std::fmt::Display) -> CommandError {
    CommandError::NoRelink { why: why.to_string() }
}

/// Where cargo puts an executable, and so how it was asked to build it.
#[derive(Debug, PartialEq, Eq)]
struct Place {
    target_dir: PathBuf,
    profile: String,
    /// Whether a target was named, be it this machine's.
    has_triple: bool,
}

impl Place {
    /// Of `target/[triple/]release/caxton-bench`.
    fn of(executable: &Path) -> Option<Self> {
        let named = executable.file_name().filter(|name| *name == env!("CARGO_PKG_NAME"));
        let home = named.and(executable.parent())?;
        let profile = match home.file_name()?.to_str()? {
            // Two profiles each share these folders; `cargo bench` and `cargo test` mean:
            "release" => "bench",
            "debug" => "test",
            own => own,
        };
        let above = home.parent()?;
        let has_triple = above.ends_with(caxton_sys::build::TARGET);
        let target_dir = if has_triple { above.parent()? } else { above };
        let (target_dir, profile) = (target_dir.to_owned(), profile.to_owned());
        Some(Self { target_dir, profile, has_triple })
    }
}

/// Moves the executable `linked` to `into`. Should it have taken the place of the bench's `own`,
/// that is put back from `kept`.
fn take(linked: &Path, own: &Path, kept: &Path, into: &Path) -> io::Result<()> {
    fs::copy(linked, into)?;
    // Cargo finds it gone and links it again when asked to.
    fs::remove_file(linked)?;
    let _ = fs::remove_file(linked.with_extension("d"));
    if linked == own {
        fs::copy(kept, own)?;
    }
    Ok(())
}

/// What cargo wrote on standard error, in one line.
fn refusal(stderr: &str) -> String {
    // The linker's own line: that of its call has quotes between any two words.
    let unknown = Regex::new(r#"(?:unrecognized|unknown)[^"\n]*--shuffle-sections"#)
        .expect("a pattern of ours");
    if unknown.is_match(stderr) {
        return "the linker cannot shuffle sections; rust-lld can, which rustc takes on x86-64 \
                Linux unless told otherwise"
            .to_owned();
    }
    let mut lines = stderr.lines().map(str::trim).filter(|line| !line.is_empty());
    let error = lines.clone().find(|line| line.starts_with("error"));
    let line = error.or_else(|| lines.next()).unwrap_or("no reason given");
    format!("cargo: {}", line.strip_prefix("error: ").unwrap_or(line))
}

#[cfg(test)]
#[path = "relink_tests.rs"]
mod tests;
