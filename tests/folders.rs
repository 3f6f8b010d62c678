//! Folders that two runs want at once, and what is left of runs that were killed.

use crate::executable::{Place, Running, bench, bench_says, fresh_out, heard, root, suite, word};
use crate::mirror::Mirror;
use crate::stopped::in_the_middle;
use caxton_model::record::Status;
use caxton_model::record::store::{BASELINES, RUNS, RunFolder};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

/// A guest that needs no compiler.
fn echoes() -> String {
    word(&root().join("tests/fixtures/guests/echoes.wat"))
}

#[test]
fn of_two_runs_that_begin_at_once_one_is_refused() {
    let guest = echoes();
    for _ in 0..3 {
        let (_folder, out) = fresh_out();
        let words = ["--bench", "--scale", "smoke", "--guest", &guest, "--out", &out];
        let begun = [0, 1].map(|_| Running::start(bench(), &words, &Place::default()));
        let ids = [begun[0].id(), begun[1].id()];
        let said = begun.map(Running::wait);
        let won = usize::from(said[0].code != Some(0));
        assert_eq!((said[won].code, said[1 - won].code), (Some(0), Some(2)), "{said:?}");
        let error = said[1 - won].only_error();
        let in_use = format!("{out} is in use by process {}: ", ids[won]);
        assert!(error.contains(&in_use) || error.contains("is not empty"), "{error}");
        let (record, samples) = RunFolder::load(Path::new(&out)).expect("it is one run's");
        assert_eq!(record.run.status, Status::Finished);
        assert!(!samples.is_empty());
        assert_eq!(fs::read_dir(&out).expect("there").count(), 2, "no lock stays");
    }
}

#[test]
fn a_folder_that_a_run_writes_to_names_it() {
    let (_folder, out) = fresh_out();
    let Some(running) = in_the_middle(&out) else { return };
    let in_use = format!("{out} is in use by process {}: ", running.id());
    let guest = echoes();
    let more: [&[&str]; 2] = [
        &["--bench", "--scale", "smoke", "--guest", &guest, "--out", &out],
        &["--bench", "--relink", "1", "--agent", "echo", "--out", &out],
    ];
    let resumed = ["--bench", "--resume", &out];
    let resume = || heard(suite("scenarios"), &resumed);
    let others = more.into_iter().map(|words| (words, bench_says(words)));
    for (words, said) in others.chain([(&resumed[..], resume())]) {
        assert_eq!((said.code, said.stdout.as_str()), (Some(2), ""), "{words:?}");
        assert!(said.only_error().contains(&in_use), "{words:?}: {}", said.stderr);
    }
    running.signal("INT");
    assert_eq!(running.wait().code, Some(130));
    RunFolder::load(Path::new(&out)).expect("nobody disturbed it");
}

#[test]
fn ctrl_c_while_agents_are_built_leaves_no_run() {
    let mirror = Mirror::with_agent("slow", "compile_error!(\"never so far\");");
    let words = ["--bench", "--scale", "smoke", "--agent", "echo", "--agent", "slow"];
    let mut running = Running::start(bench(), &words, &mirror.place());
    let (family, stderr) = (running.mark(), running.stderr());
    let builds = || fs::read_to_string(&stderr).is_ok_and(|said| said.contains("building ["));
    if !running.lives_until(builds) {
        let said = running.wait().if_guests_can_be_built();
        assert!(said.is_none(), "it built nothing: {said:?}");
        return;
    }
    running.signal("INT");
    let said = running.wait().ended(130);
    let last = said.stderr.lines().last().unwrap_or_default();
    assert_eq!(last, "error: interrupted: nothing was measured");
    assert!(family.is_gone_soon(), "{} processes are left", family.bearers());
    assert_eq!(names(&mirror.profiles().join(RUNS)), [""; 0]);
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> =
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

fn folders(folder: &Path) -> Vec<PathBuf> {
    let visible = names(folder).into_iter().filter(|name| !name.starts_with('.'));
    visible.map(|name| folder.join(name)).collect()
}

/// Asserts that all runs of `mirror` load, killed or not.
fn all_load(mirror: &Mirror) {
    for run in folders(&mirror.profiles().join(RUNS)) {
        let loaded = RunFolder::load(&run).map(drop);
        let loaded = loaded.or_else(|_| RunFolder::load_comparison(&run).map(drop));
        loaded.unwrap_or_else(|error| panic!("{error}: {:?}", names(&run)));
    }
}

/// Everything in the folders of `mirror` that a run should have taken with it.
fn leftovers(mirror: &Mirror) -> Vec<String> {
    let profiles = mirror.profiles();
    let mut found = Vec::new();
    let mut look = |folder: &Path, is_left: &dyn Fn(&str) -> bool| {
        let left = names(folder).into_iter().filter(|name| is_left(name));
        found.extend(left.map(|name| folder.join(name).display().to_string()));
    };
    let is_ours = |name: &str| name.starts_with(".caxton-");
    look(&profiles, &is_ours);
    look(&profiles.join(RUNS), &is_ours);
    folders(&profiles.join(RUNS)).iter().for_each(|run| look(run, &is_ours));
    for home in folders(&profiles.join(BASELINES)) {
        let suites = folders(&home).into_iter();
        let used: Vec<PathBuf> = suites.filter_map(|suite| fs::read_link(suite).ok()).collect();
        look(&home, &|name| is_ours(name) && !used.contains(&PathBuf::from(name)));
    }
    look(&mirror.root.join("target/caxton"), &|_| true);
    look(&mirror.temporary(), &|_| true);
    found
}

/// Looks at a run that is never given up: far more than it needs.
const LOOKS_MAX: u32 = 60_000;

/// Kills `kills` runs at random instants of their lives, and looks at what each leaves; how many
/// runs that took, with those that ended before.
fn kill_and_look(kills: u32, scale: &str) -> u32 {
    let (mirror, guest) = (Mirror::apart(), echoes());
    let common = ["--bench", "--scale", scale, "--guest", &guest];
    let more: [&[&str]; 3] = [&["--save-baseline", "kept"], &["--baseline", "kept"], &[]];
    let run = |kind: usize| {
        let words = [&common, more[kind]].concat();
        Running::start(bench(), &words, &mirror.place())
    };
    // How long each kind of run lives, in looks.
    let mut lives = [0, 1, 2].map(|kind| {
        let mut running = run(kind);
        let life = running.ends_within(LOOKS_MAX).expect("it ends");
        let said = running.wait();
        assert!([Some(0), Some(3), Some(4)].contains(&said.code), "{}", said.stderr);
        life.max(2)
    });
    let mut rng = fastrand::Rng::with_seed(20_260_102);
    let (mut killed, mut runs) = (0, 0);
    while killed < kills {
        assert!(runs < kills * 10, "{killed} of {runs} were killed: the others were too quick");
        let kind = runs as usize % more.len();
        runs += 1;
        let mut running = run(kind);
        let family = running.mark();
        match running.ends_within(rng.u32(1..lives[kind])) {
            None => {
                running.signal("KILL");
                killed += 1;
            }
            Some(life) => lives[kind] = life.max(2),
        }
        running.wait();
        assert!(family.is_gone_soon(), "{} processes are left", family.bearers());
        all_load(&mirror);
        RunFolder::load(&mirror.profiles().join("baselines/kept/wasm")).expect("it stays");
    }
    run(0).wait().ended(0);
    assert_eq!(leftovers(&mirror), [""; 0]);
    all_load(&mirror);
    runs
}

#[test]
fn what_killed_runs_leave_loads_and_the_rest_goes_with_the_next_run() {
    kill_and_look(6, "smoke");
}

#[test]
#[ignore = "some five minutes: 40 kills at random instants of runs at --scale quick"]
fn forty_kills() {
    let runs = kill_and_look(40, "quick");
    // Past the test's capture: the figure is what this is run for.
    let _ = writeln!(std::io::stderr(), "40 of {runs} runs were killed before they ended");
}
