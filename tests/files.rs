//! Files from elsewhere that are none: FIFOs, devices, sparse files, links that lead away, and
//! names that are no UTF-8. Nobody waits for them, nothing is read without end, each costs itself.

use crate::executable::{
    Kept, Said, bench, fresh_out, heard, root, smoke_ended, suite, tool_says, word,
};
use caxton_model::case::Outcome;
use caxton_model::record::store::RunFolder;
use std::ffi::OsString;
use std::fs::{self, File};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

fn folder() -> TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

fn fifo(path: &Path) {
    let made = Command::new("mkfifo").arg(path).status().expect("a shell's tools");
    assert!(made.success(), "{}", path.display());
}

fn echoes() -> PathBuf {
    root().join("tests/fixtures/guests/echoes.wat")
}

/// The outcomes of the guest `name`.
fn outcomes<'a>(kept: &'a Kept, name: &str) -> Vec<&'a Outcome> {
    let cases = kept.record.cases.iter().filter(|case| case.key.agent == name);
    cases.map(|case| &case.outcome).collect()
}

#[test]
fn a_guest_that_is_no_file_costs_itself() {
    let folder = folder();
    let at = |name: &str| folder.path().join(name);
    fifo(&at("pipe.wasm"));
    symlink("/dev/zero", at("device.wasm")).expect("a fresh folder");
    fs::create_dir(at("folder.wasm")).expect("a fresh folder");
    File::create(at("sparse.wasm")).and_then(|file| file.set_len(1 << 40)).expect("sparse files");
    fs::copy(echoes(), at("good.wat")).expect("a fresh folder");
    let reasons = [
        ("pipe.wasm", "not a regular file, but a FIFO"),
        ("device.wasm", "not a regular file, but a device"),
        ("folder.wasm", "not a regular file, but a folder"),
        ("sparse.wasm", "longer than the 512 MiB that are read"),
    ];
    let guests: Vec<String> = reasons.iter().map(|(name, _)| word(&at(name))).collect();
    let good = word(&at("good.wat"));
    let guests = guests.iter().chain([&good]).flat_map(|guest| ["--guest", guest]);
    let Some(kept) = smoke_ended(1, &guests.collect::<Vec<_>>()) else { return };
    for (name, reason) in reasons {
        let stem = name.trim_end_matches(".wasm");
        let found = outcomes(&kept, stem);
        assert_eq!(found.len(), 2, "{name}");
        for outcome in found {
            let why = outcome.reason().unwrap_or_default();
            assert_eq!(outcome.name(), "refused", "{name}: {why}");
            assert!(why.ends_with(reason), "{name}: {why}");
        }
    }
    assert_eq!(outcomes(&kept, "good"), [&Outcome::Ran; 2]);
}

/// `caf\xe9`: a name in Latin-1.
fn latin(folder: &Path, ending: &str) -> PathBuf {
    let name = [b"caf\xe9", ending.as_bytes()].concat();
    folder.join(OsString::from_vec(name))
}

#[test]
fn a_path_that_is_no_utf8_is_a_path() {
    let folder = folder();
    fs::copy(echoes(), latin(folder.path(), ".wat")).expect("a fresh folder");
    let link = folder.path().join("link.wat");
    symlink(latin(folder.path(), ".wat"), &link).expect("a fresh folder");
    let good = folder.path().join("good.wat");
    fs::copy(echoes(), &good).expect("a fresh folder");
    // By a link, as cargo passes it on, and by its own name, with a folder of such a name beside.
    let Some(kept) = smoke_ended(0, &["--guest", &word(&good), "--guest", &word(&link)]) else {
        return;
    };
    assert_eq!(outcomes(&kept, "good"), [&Outcome::Ran; 2]);
    // A guest has the name that it was given by.
    assert_eq!(outcomes(&kept, "link"), [&Outcome::Ran; 2]);
    let script = r#"cd "$1" && exec "$0" --bench --scale smoke --out "$(printf 'out\351')" \
        --guest "$(printf 'caf\351.wat')" --guest good.wat"#;
    let inside = root().join("target").join("caxton-test-latin");
    let _ = fs::remove_dir_all(&inside);
    fs::create_dir_all(&inside).expect("beside the build");
    for name in [latin(folder.path(), ".wat"), good] {
        fs::copy(&name, inside.join(name.file_name().expect("a name"))).expect("a fresh folder");
    }
    let words = ["-c", script, &word(bench()), &word(&inside)];
    let said = heard(Path::new("sh"), &words);
    let out = inside.join(OsString::from_vec(b"out\xe9".to_vec()));
    let kept = RunFolder::load(&out);
    let _ = fs::remove_dir_all(&inside);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    let (record, _) = kept.expect("a kept run");
    assert!(record.cases.iter().all(|case| case.outcome == Outcome::Ran), "{}", said.stdout);
    assert_eq!(record.cases.len(), 4);
}

/// The one line of an error that ends in `code`.
fn is_refused(said: &Said, words: &str) {
    assert_eq!((said.code, said.stdout.as_str()), (Some(2), ""), "{}", said.stderr);
    assert_eq!(said.stderr.lines().count(), 1, "{}", said.stderr);
    assert!(said.stderr.contains(words), "{words}: {}", said.stderr);
}

#[test]
fn plans_and_limits_are_files_and_a_plan_names_none_elsewhere() {
    let folder = folder();
    let at = |name: &str| folder.path().join(name);
    fs::create_dir(at("plans")).expect("a fresh folder");
    fs::write(at("secret"), "0.1\n").expect("a fresh folder");
    fifo(&at("plans/fifo"));
    symlink("../secret", at("plans/link")).expect("a fresh folder");
    let plan = |trace: &str| {
        let text = format!(
            "name = \"own\"\nagents = 1\nmessage_bytes = 64\n\
             [[stage]]\nname = \"hold\"\nlength = \"1s\"\n\
             rate = {{ trace = \"{trace}\" }}\n"
        );
        let path = at("plans/plan.toml");
        fs::write(&path, text).expect("a fresh folder");
        word(&path)
    };
    let says = |words: &[&str]| {
        let words = [&["--list"], words].concat();
        heard(suite("scenarios"), &words)
    };
    for (trace, why) in [
        ("/dev/zero", "not a regular file, but a device"),
        ("fifo", "not a regular file, but a FIFO"),
        ("link", "it leads out of"),
        ("../secret", "it leads out of"),
    ] {
        is_refused(&says(&["--plan", &plan(trace)]), why);
    }
    fs::write(at("plans/trace"), "0.1\n0.2\n").expect("a fresh folder");
    assert_eq!(says(&["--plan", &plan("trace")]).code, Some(0));
    is_refused(&says(&["--plan", &word(&at("plans/fifo"))]), "not a regular file, but a FIFO");
    is_refused(&says(&["--plan", "/dev/zero"]), "not a regular file, but a device");
    let run = word(&root().join("tests/fixtures/record-v1"));
    for limits in [word(&at("plans/fifo")), "/dev/zero".to_owned()] {
        is_refused(&tool_says(&["gate", &run, "--limits", &limits]), "not a regular file");
    }
}

#[test]
fn a_folder_from_elsewhere_shows_nothing_but_itself() {
    let folder = folder();
    let at = |name: &str| folder.path().join(name);
    let runs = at("profiles/runs");
    for name in ["fifo", "device", "away"] {
        fs::create_dir_all(runs.join(name)).expect("a fresh folder");
    }
    let fixture = root().join("tests/fixtures/record-v1");
    fifo(&runs.join("fifo/record.json"));
    symlink("/dev/zero", runs.join("device/record.json")).expect("a fresh folder");
    symlink(fixture.join("record.json"), runs.join("away/record.json")).expect("a fresh folder");
    let list = tool_says(&["list", &word(&at("profiles"))]).ended(0);
    for (name, why) in [
        ("fifo", "not a regular file, but a FIFO"),
        ("device", "not a regular file, but a device"),
        ("away", "it leads out of"),
    ] {
        let line = list.stdout.lines().find(|line| line.contains(&format!("  {name}  ")));
        assert!(line.is_some_and(|line| line.contains(why)), "{name}: {}", list.stdout);
        is_refused(&tool_says(&["report", &word(&runs.join(name))]), why);
        is_refused(&tool_says(&["export", "--format", "json", &word(&runs.join(name))]), why);
    }
    // The samples, too, and a record that promises more of them than any file has.
    let run = runs.join("samples");
    fs::create_dir(&run).expect("a fresh folder");
    fs::copy(fixture.join("record.json"), run.join("record.json")).expect("a fresh folder");
    symlink("/dev/zero", run.join("samples.csv")).expect("a fresh folder");
    let said = tool_says(&["export", "--format", "csv", &word(&run)]);
    is_refused(&said, "not a regular file, but a device");
    let (_out, out) = fresh_out();
    let said = tool_says(&["report", "--html", &word(&run), "--out", &out]);
    is_refused(&said, "not a regular file, but a device");
}
