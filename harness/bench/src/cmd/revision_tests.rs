//! Revisions of a repository of a test's own, built by a stand-in for cargo.

use super::*;
use crate::cmd::args::Command;
use crate::cmd::{compare, test_kit};
use caxton_analysis::exit;
use caxton_sys::surroundings::REPOSITORY_VARIABLES;
use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use tempfile::TempDir;

/// A checkout that is a git repository with two commits, and a builder whose cargo is a script.
pub(crate) struct World {
    pub(crate) root: PathBuf,
    pub(crate) builder: Builder,
    _temporary: TempDir,
}

pub(crate) fn script(path: &Path, text: &str) {
    fs::write(path, format!("#!/bin/sh\n{text}\n")).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

impl World {
    pub(crate) fn new() -> Self {
        let (temporary, root) = test_kit::checkout();
        let builder = Builder {
            root: root.clone(),
            kits: root.join("target/kits"),
            suite: "wasm".to_owned(),
            user: None,
            cargo: root.join("target/cargo").into(),
        };
        let world = Self { root, builder, _temporary: temporary };
        let text = "/target/\n/said\n";
        fs::write(world.root.join(".gitignore"), text).unwrap();
        world.git("init --quiet --initial-branch main");
        for number in ["one", "two"] {
            fs::write(world.root.join("harness/number"), number).unwrap();
            world.git("add --all");
            let who = "-c user.name=test -c user.email=test -c commit.gpgsign=false";
            world.git(&format!("{who} commit --quiet -m {number}"));
        }
        // What the executable packs, and the executable that cargo says it built.
        test_kit::kit(&world.root.join("target/packed"), "packed", "echo \"$@\" > said; exit 3");
        let packed = world.root.join("target/packed");
        script(
            &world.root.join("target/bench"),
            &format!(
                "[ \"$1\" = --pack ] || exit 2\n\
             echo \"pack $(cat harness/number) $CARGO_TARGET_DIR\" >> {0}/../log\n\
             cp -r {0} \"$2\"",
                packed.display()
            ),
        );
        world.cargo(
            "{\"target\":{\"name\":\"wasm\",\"kind\":[\"bench\"]},\"executable\":\"BENCH\"}",
        );
        world
    }

    fn git(&self, words: &str) {
        output(git(&self.root).args(words.split(' ')), false).unwrap();
    }

    /// Its cargo, which is a script.
    pub(crate) fn compiler(&self) -> &Path {
        Path::new(&self.builder.cargo)
    }

    /// Lets cargo say `message`.
    pub(crate) fn cargo(&self, message: &str) {
        let bench = self.root.join("target/bench");
        let message = message.replace("BENCH", bench.to_str().unwrap());
        let log = self.root.join("target/log");
        script(
            self.compiler(),
            &format!(
                "echo \"$1 $3 $(cat harness/number)\" >> {0}\npwd >> {0}.places\necho '{message}'",
                log.display()
            ),
        );
    }

    fn log(&self) -> String {
        let text = fs::read_to_string(self.root.join("target/log")).unwrap_or_default();
        text.replace(self.root.to_str().unwrap(), "ROOT")
    }

    /// Worktrees beside the checkout itself, and half-made kits.
    fn leftovers(&self) -> usize {
        let mut list = git(&self.root);
        let list = output(list.args(["worktree", "list", "--porcelain"]), false).unwrap();
        let worktrees = list.matches("worktree ").count() - 1;
        let kits = fs::read_dir(&self.builder.kits).into_iter().flatten().flatten();
        let fresh = kits.filter(|k| k.file_name().to_string_lossy().starts_with(".fresh")).count();
        worktrees + fresh
    }
}

#[test]
fn each_revision_is_built_in_its_own_worktree_and_only_once() {
    let world = World::new();
    let sides = world.builder.kits(["HEAD~1", "main"]).unwrap();
    assert!(sides.iter().all(|side| side.kit.is_some()));
    assert_ne!(sides[0].path, sides[1].path);
    let name = sides[0].path.file_name().unwrap().to_str().unwrap();
    assert!(name.len() == 58 && name[40..].starts_with("-wasm-"), "{name}");
    let expected = "bench wasm one\npack one ROOT/target/kits/build\n\
                    bench wasm two\npack two ROOT/target/kits/build\n";
    assert_eq!(world.log(), expected);
    let places = fs::read_to_string(world.root.join("target/log.places")).unwrap();
    let places: Vec<&str> = places.lines().collect();
    assert!(places.len() == 2 && places[0] == places[1], "one layout, one place: {places:?}");
    assert_eq!(world.leftovers(), 0);
    world.builder.kits(["main", "HEAD~1"]).unwrap();
    assert_eq!(world.log(), expected, "a commit does not change");
    // What was damaged is made again.
    fs::write(sides[0].path.join("json.wasm"), "x").unwrap();
    world.builder.kits(["HEAD~1", "main"]).unwrap();
    assert_eq!(world.log().lines().count(), 6);
    let words = ["compare", "HEAD~1", "main", "--rev", "--", "json"];
    let Command::Compare(words) = test_kit::command(&words) else { panic!() };
    let code = compare::between(&world.root, [&sides[0], &sides[1]], &words);
    assert_eq!(code.unwrap(), exit::REGRESSED);
    let said = fs::read_to_string(world.root.join("said")).unwrap();
    let [base, candidate] = sides.map(|side| side.path.display().to_string());
    assert_eq!(said, format!("--between {base} {candidate} json\n"));
}

#[test]
fn what_a_compiler_would_be_told_beside_the_commit_is_kept_away() {
    let world = World::new();
    let cargo = cargo_at(&world.builder.cargo, &world.root);
    let command = world.builder.making(cargo, &world.root);
    let envs: BTreeMap<_, _> = command.get_envs().collect();
    assert_eq!(envs[OsStr::new("CARGO_TERM_COLOR")], Some(OsStr::new("never")));
    // Cargo sets these for its tests, so that they are there to be kept away.
    for name in ["CARGO_PKG_NAME", "CARGO_MANIFEST_DIR", "GIT_INDEX_FILE"] {
        assert_eq!(envs.get(OsStr::new(name)), Some(&None), "{name}");
    }
    assert!(!envs.contains_key(OsStr::new("PATH")));
}

#[test]
fn a_worktree_runs_none_of_the_users_hooks() {
    let world = World::new();
    let hook = world.root.join(".git/hooks/post-checkout");
    fs::create_dir_all(hook.parent().unwrap()).unwrap();
    script(&hook, &format!("touch {}", world.root.join("target/hooked").display()));
    world.builder.kits(["main", "main"]).unwrap();
    assert!(!world.root.join("target/hooked").exists());
}

/// As a hook has it: `GIT_DIR` and `GIT_INDEX_FILE` of the user's commit. A process of its own,
/// for variables are the whole process'.
#[test]
fn from_a_hook_the_users_index_stays_as_it_is() {
    let world = World::new();
    if let Some(root) = std::env::var_os("CAXTON_TEST_HOOK") {
        let kits = Builder { root: root.into(), kits: world.root.join("k"), ..world.builder };
        kits.commits(["HEAD~1", "HEAD"]).unwrap();
        drop(Worktree::add(&kits, &kits.commit("HEAD~1").unwrap()).unwrap());
        return;
    }
    fs::write(world.root.join("harness/staged"), "staged").unwrap();
    world.git("add --all");
    let repository = world.root.join(".git");
    let index = repository.join("index");
    let before = fs::read(&index).unwrap();
    let this = std::env::current_exe().unwrap();
    let name = "cmd::revision::tests::from_a_hook_the_users_index_stays_as_it_is";
    let mut again = command(this, &world.root);
    again.args(["--exact", name]).env("CAXTON_TEST_HOOK", &world.root);
    again.env("GIT_DIR", repository).env("GIT_INDEX_FILE", &index);
    let said = output(&mut again, false).unwrap();
    assert!(said.contains("1 passed"), "{said}");
    assert!(fs::read(&index).unwrap() == before, "what was staged is still staged");
}

#[test]
fn every_variable_that_names_a_repository_is_known() {
    let world = World::new();
    let mut git = git(&world.root);
    let listed = output(git.args(["rev-parse", "--local-env-vars"]), false).unwrap();
    for name in listed.lines() {
        assert!(REPOSITORY_VARIABLES.contains(&name), "{name}");
    }
}

#[test]
fn what_goes_wrong_is_said_and_nothing_stays_behind() {
    let world = World::new();
    let says = |names: [&str; 2]| {
        let failure = world.builder.kits(names).unwrap_err();
        (failure.code(), failure.to_string())
    };
    let (code, text) = says(["main", "mian"]);
    assert_eq!(code, exit::NOT_COMPARABLE);
    assert!(text.starts_with("\"mian\" is no revision of this repository: "), "{text}");
    assert_eq!(says(["--output=x", "main"]).0, exit::NOT_COMPARABLE);
    assert_eq!(world.log(), "", "nothing was built");
    world.cargo("{\"target\":{\"name\":\"heap\",\"kind\":[\"bench\"]},\"executable\":\"BENCH\"}");
    let expected = (exit::WRONG_USE, "revision main: it has no bench wasm".to_owned());
    assert_eq!(says(["main", "main"]), expected);
    script(world.compiler(), "echo 'error: no `x`' >&2; exit 101");
    let (code, text) = says(["main", "main"]);
    assert!(
        code == exit::WRONG_USE && text.starts_with("revision main does not build: "),
        "{text}"
    );
    assert!(text.ends_with("bench exited with code 101: error: no `x`"), "{text}");
    world.cargo("{\"target\":{\"name\":\"wasm\",\"kind\":[\"bench\"]},\"executable\":\"BENCH\"}");
    script(&world.root.join("target/bench"), "exit 2");
    let (_, text) = says(["main", "main"]);
    assert!(text.ends_with("a revision from before bundles cannot be compared"), "{text}");
    script(&world.root.join("target/bench"), "mkdir \"$2\"");
    let (_, text) = says(["main", "main"]);
    assert_eq!(text, "revision main: its executable packed no bundle");
    script(&world.root.join("target/bench"), "kill -INT $$");
    assert_eq!(says(["main", "main"]).0, exit::INTERRUPTED);
    assert_eq!(world.leftovers(), 0);
}
