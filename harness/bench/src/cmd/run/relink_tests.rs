//! What is understood of cargo's paths and words.

use super::*;

#[test]
fn a_path_of_cargo_says_how_it_was_built() {
    let place = |path: &str| Place::of(Path::new(path));
    let at = |target_dir: &str, profile: &str, has_triple| {
        let (target_dir, profile) = (PathBuf::from(target_dir), profile.to_owned());
        Some(Place { target_dir, profile, has_triple })
    };
    assert_eq!(place("/w/target/release/caxton-bench"), at("/w/target", "bench", false));
    assert_eq!(place("/w/target/debug/caxton-bench"), at("/w/target", "test", false));
    assert_eq!(place("/t/quick/caxton-bench"), at("/t", "quick", false));
    let triple = caxton_sys::build::TARGET;
    let path = format!("/w/target/{triple}/release/caxton-bench");
    assert_eq!(place(&path), at("/w/target", "bench", true));
    assert_eq!(place("/w/profiles/baselines/main/wasm/bench"), None);
    assert_eq!(place("/bench"), None);
}

#[test]
fn a_linker_that_cannot_shuffle_is_told_from_other_failures() {
    let failed = |linker: &str| {
        let call = r#"= note: "cc" "/x86_64-unknown-linux-gnu" "-Wl,--shuffle-sections=*=7""#;
        refusal(&format!("error: linking with `cc` failed: exit status: 1\n{call}\n{linker}\n"))
    };
    for linker in [
        "  = note: /usr/bin/ld.bfd: unrecognized option '--shuffle-sections=*=7'",
        "  = note: rust-lld: error: unknown argument '--shuffle-sections=*=7'",
    ] {
        assert!(failed(linker).contains("cannot shuffle"), "{linker}");
    }
    let other = failed("  = note: ld: cannot open output file: No space left on device");
    assert_eq!(other, "cargo: linking with `cc` failed: exit status: 1");
    assert_eq!(
        refusal("No such file or directory (os error 2)"),
        "cargo: No such file or \
                directory (os error 2)"
    );
    assert_eq!(refusal(""), "cargo: no reason given");
}

#[test]
fn a_relink_leaves_the_bench_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let (own, kept, linked, into) = (at("own"), at("kept"), at("linked"), at("into"));
    fs::write(&own, "own").unwrap();
    fs::write(&kept, "own").unwrap();
    fs::write(&linked, "shuffled").unwrap();
    take(&linked, &own, &kept, &into).unwrap();
    let read = |path: &Path| fs::read_to_string(path).unwrap();
    assert_eq!((read(&own), read(&into)), ("own".to_owned(), "shuffled".to_owned()));
    assert!(!linked.exists());
    // Linked over the bench's own file.
    fs::write(&own, "shuffled again").unwrap();
    take(&own, &own, &kept, &into).unwrap();
    assert_eq!((read(&own), read(&into)), ("own".to_owned(), "shuffled again".to_owned()));
}
