//! Folders that cannot take a run: full, unwritable, or in use.

use crate::capability;
use crate::executable::{Said, bench, bench_says, heard, word};
use caxton_model::case::Outcome;
use caxton_model::record::store::RunFolder;
use std::fs;
use std::path::Path;

/// Too small for the record of all agents, large enough for its beginning.
const DISK_KIB: u32 = 160;

/// Runs in a mount namespace of its own, so that no mount is left behind, whatever happens. The
/// disk goes with it: what is on it at the end is copied.
const ON_A_SMALL_DISK: &str = r#"
    disk=$1 size=$2 copy=$3
    shift 3
    mount -t tmpfs -o "size=$size" none "$disk" || exit 77
    "$@"
    code=$?
    cp -r "$disk/." "$copy"
    exit "$code"
"#;

const NO_MOUNT: i32 = 77;

/// The bench into a small disk, whose folder `run` is copied to `copy`; none where nothing can be
/// mounted.
fn on_a_small_disk(copy: &Path) -> Option<Said> {
    let disk = tempfile::tempdir().expect("a temporary folder");
    let (size, out) = (format!("{DISK_KIB}k"), word(&disk.path().join("run")));
    let (disk, copy, bench) = (word(disk.path()), word(copy), word(bench()));
    let shell = ["--mount", "--map-root-user", "sh", "-c", ON_A_SMALL_DISK, "sh"];
    let words = ["--bench", "--scale", "smoke", "--memory-limit", "1", "--out", &out];
    let words = [&shell[..], &[&disk, &size, &copy, &bench], &words].concat();
    let said = heard(Path::new("unshare"), &words);
    let is_refused = said.stderr.starts_with("unshare: ") || said.code == Some(NO_MOUNT);
    if is_refused {
        capability::absent("mount", said.stderr.trim());
        return None;
    }
    said.if_guests_can_be_built()
}

#[test]
fn a_full_disk_ends_the_run_and_keeps_what_was_finished() {
    let copy = tempfile::tempdir().expect("a temporary folder");
    let Some(said) = on_a_small_disk(copy.path()) else { return };
    assert_eq!(said.code, Some(2), "{}", said.stderr);
    let errors: Vec<&str> = said.stderr.lines().filter(|l| l.starts_with("error: ")).collect();
    let [error] = errors[..] else { panic!("not one error: {}", said.stderr) };
    let names = ["record.json", "samples.csv"];
    assert!(names.iter().any(|name| error.contains(&format!("run/{name}"))), "{error}");
    assert!(error.contains("No space left"), "{error}");
    let (record, samples) = RunFolder::load(&copy.path().join("run")).expect("it loads");
    let ran: Vec<_> = record.cases.iter().filter(|case| case.outcome == Outcome::Ran).collect();
    assert!(!ran.is_empty() && ran.len() < record.cases.len(), "{} ran", ran.len());
    for case in ran {
        assert!(samples.iter().any(|sample| sample.case == case.key), "{}", case.key);
    }
}

#[test]
fn an_unwritable_place_is_told_before_anything_is_built() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("file");
    fs::write(&file, "a file, not a folder").expect("a fresh folder");
    for out in ["/proc/nope/run".to_owned(), word(&file.join("run")), word(&file)] {
        let words = ["--bench", "--agent", "echo", "--scale", "smoke", "--out", &out];
        let said = bench_says(&words).refused(2);
        assert!(said.only_error().contains(&out), "{}", said.stderr);
    }
}

#[test]
fn a_folder_in_use_is_left_as_it_is() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("record.json");
    fs::write(&file, "mine").expect("a fresh folder");
    let out = word(folder.path());
    let said =
        bench_says(&["--bench", "--agent", "echo", "--scale", "smoke", "--out", &out]).refused(2);
    assert!(said.only_error().contains("not empty"), "{}", said.stderr);
    assert_eq!(fs::read_dir(&out).expect("there").count(), 1);
    assert_eq!(fs::read_to_string(&file).expect("there"), "mine");
}
