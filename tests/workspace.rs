//! A workspace of a user's own, outside the checkout: its agents, its functions and its host.

use crate::executable::{Place, Running, Said, cargo, root, target};
use caxton_model::case::{Check, Outcome};
use caxton_model::record::Record;
use caxton_model::record::store::RunFolder;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// The example workspace, copied out of the checkout, and its bench.
struct Workspace {
    folder: TempDir,
    bench: PathBuf,
}

impl Workspace {
    /// None where the machine cannot build it.
    fn build() -> Option<Self> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let home = folder.path();
        copy(&root().join("tests/workspace"), home);
        copy(&root().join(".cargo"), &home.join(".cargo"));
        fs::copy(root().join("Cargo.lock"), home.join("Cargo.lock")).expect("a fresh folder");
        // The engine is there already, built with these versions and flags.
        let place = Place {
            folder: Some(home.join("shop")),
            variables: vec![("CARGO_TARGET_DIR", target().to_owned())],
            ..Place::default()
        };
        let words = ["bench", "--offline", "--bench", "agents", "--no-run"];
        let words = [&words[..], &["--message-format", "json"]].concat();
        let said = Running::start(&cargo(), &words, &place).wait().ended(0);
        let (_, rest) = said.stdout.rsplit_once("\"executable\":\"").expect("cargo names it");
        let (bench, _) = rest.split_once('"').expect("a JSON text");
        // Where the next test run puts another one.
        let own = home.join("bench");
        fs::copy(bench, &own).expect("a fresh folder");
        Some(Self { folder, bench: own })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Its bench with `words`, started in the folder `shop` as cargo does.
    fn says(&self, words: &[&str]) -> Said {
        let place = Place { folder: Some(self.path("shop")), ..Place::default() };
        Running::start(&self.bench, words, &place).wait()
    }

    /// A smoke run that ends with `code`, and its record; none where guests cannot be built.
    #[track_caller]
    fn runs(&self, code: i32, words: &[&str]) -> Option<(Said, Record)> {
        let words = [words, &["--bench", "--scale", "smoke"]].concat();
        let said = self.says(&words).if_built(code)?;
        let kept = said.stderr.lines().find_map(|line| line.strip_prefix("kept in "));
        let kept = self.path(kept.expect("it says where"));
        let (record, _) = RunFolder::load(&kept).expect("a record");
        Some((said, record))
    }

    /// Changes the source of its library.
    fn change(&self, from: &str, to: &str) {
        let path = self.path("shop/src/lib.rs");
        let text = fs::read_to_string(&path).expect("its library");
        assert!(text.contains(from), "{text}");
        fs::write(&path, text.replace(from, to)).expect("a fresh folder");
    }
}

/// Copies the files of `from` to `to`; paths to this checkout are made whole.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a fresh folder");
    for entry in fs::read_dir(from).expect("a folder").flatten() {
        let (path, to) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            copy(&path, &to);
            continue;
        }
        let text = fs::read_to_string(&path).expect("a text");
        let root = format!("path = \"{}/", root().display());
        fs::write(to, text.replace("path = \"../../../", &root)).expect("a fresh folder");
    }
}

#[test]
fn a_workspace_measures_its_own_agents_functions_and_host() {
    let Some(user) = Workspace::build() else { return };
    let Some((said, record)) = user.runs(0, &["--save-baseline", "before"]) else { return };
    let ended = |agent: &str| {
        let own =
            record.cases.iter().find(|case| case.key.agent == agent && case.key.is_overhead());
        let own = own.unwrap_or_else(|| panic!("{agent} in {}", said.stdout));
        (own.ending(), own.check)
    };
    // The till asks the host for prices: with a host that answers otherwise, or not at all, it
    // would not say what its native build says.
    assert_eq!(ended("till"), ("ran, compared", Some(Check::NativeBuild)));
    assert_eq!(ended("top_words"), ("ran, compared", Some(Check::NativeBuild)));
    assert_eq!(ended("top_words_short").0, "ran");
    let used = &record.cases[0].engines;
    assert!(format!("{used:?}").contains("the bench's own"), "{used:?}");
    let wasm = record.artifacts.iter().find(|own| own.agent == "till" && own.side == "wasm");
    let flags = &wasm.expect("a module").flags;
    // The workspace's own profile, and not that of caxton-bench's agents.
    assert!(flags.contains(&"--profile=release".to_owned()), "{flags:?}");
    assert!(flags.contains(&"profile.release.lto=true".to_owned()), "{flags:?}");

    let listed = user.says(&["list", "--bench"]).ended(0);
    assert!(listed.stdout.contains("baseline"), "{}", listed.stdout);
    user.says(&["report", "--bench"]).ended(0);
    let refused = user.says(&["run", "throughput", "--bench"]).ended(2);
    assert!(refused.only_error().contains("courier"), "{}", refused.stderr);
    let refused = user.says(&["--relink", "2", "--bench"]).refused(2);
    assert!(refused.only_error().contains("checkout"), "{}", refused.stderr);

    // Nothing has changed: the same files, however cargo came by them.
    let Some((_, again)) = user.runs(0, &[]) else { return };
    assert_eq!(again.artifacts, record.artifacts);

    // A component asks the host too: 300 for item 3 and 400 for item 4.
    let asks = root().join("tests/fixtures/guests/asks.wat");
    fs::copy(asks, user.path("shop/asks.wat")).expect("a fresh folder");
    fs::write(user.path("shop/seven.txt"), "700\n").expect("a fresh folder");
    let words = ["--guest", "asks.wat", "--invoke", "pair(3)", "--expect", "seven.txt"];
    let Some((_, asked)) = user.runs(0, &words) else { return };
    assert_eq!(asked.cases[0].ending(), "ran");

    // A profile names the user's own function on both sides.
    user.runs(0, &["--agent", "top_words", "--profile", "cpu"]);
    for side in ["wasm", "native"] {
        let folder = user.path("target/caxton-bench/agents/latest/cpu/top_words");
        let stacks = fs::read_to_string(folder.join(side).with_extension("folded"));
        let stacks = stacks.unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        assert!(stacks.contains("shop::top_words"), "{side}: {stacks}");
    }

    // Its call is taken apart beside agents that do nothing and echo, which are made for it.
    let Some((said, _)) = user.runs(0, &["--agent", "top_words", "parts"]) else { return };
    assert!(said.stdout.contains("Where a steady-state WASM call goes"), "{}", said.stdout);
    let Some((_, record)) = user.runs(0, &["--agent", "noop"]) else { return };
    assert_eq!(record.cases[0].ending(), "ran, compared");

    what_answers_otherwise_is_no_faster_version(&user);
}

fn what_answers_otherwise_is_no_faster_version(user: &Workspace) {
    user.change("{word} {count}", "{count} {word}");
    let words = ["--agent", "top_words", "--baseline", "before", "--bench", "--scale", "smoke"];
    let said = user.says(&words).ended(1);
    assert!(said.stdout.contains("DIFFERENT ANSWERS"), "{}", said.stdout);
    let Some((_, record)) = user.runs(1, &["--agent", "top_words_short"]) else { return };
    let outcome = &record.cases[0].outcome;
    assert!(matches!(outcome, Outcome::WrongAnswer(_)), "{outcome:?}");

    // A build that fails costs its own case, and says where the compiler's words are.
    user.change("fn top_words", "fn best_words");
    let said = user.says(&["--agent", "top_words", "--bench", "--scale", "smoke"]).ended(1);
    assert!(said.stderr.contains("wasm build failed"), "{}", said.stderr);
}
