//! Jobs whose compiler and executables are shell scripts.

use super::*;
use crate::cmd::args::Command;
use crate::cmd::revision::tests::{World, script};
use crate::cmd::test_kit;

/// What `ci` gives for `main~1` and `main`, in an output folder `out`, with further `words`.
fn code(world: &World, words: &[&str]) -> Result<u8, CommandError> {
    let out = world.root.join("out");
    let out = out.to_str().unwrap();
    let words = [&["ci", "main~1", "main", "--out", out], words].concat();
    let Command::Ci(words) = test_kit::command(&words) else { panic!() };
    let surroundings = Surroundings {
        has_annotations: true,
        summary: Some(world.root.join("target/step-summary")),
    };
    job(&world.builder, &words, &surroundings)
}

fn text(world: &World, name: &str) -> String {
    fs::read_to_string(world.root.join("out").join(name)).unwrap_or_default()
}

/// A world whose executables, as they compare, keep the stored comparison and end in `code`.
fn comparing(code: u8) -> World {
    let world = World::new();
    let packed = world.root.join("target/packed");
    fs::remove_dir_all(&packed).unwrap();
    let stored = test_kit::fixture("comparison-v1");
    let says = format!(
        "echo \"$@\" > said\nwhile [ \"$1\" != --out ]; do shift; done\n\
         cp -r {} \"$2\"; exit {code}",
        stored.display()
    );
    test_kit::kit(&packed, "packed", &says);
    world
}

#[test]
fn a_regression_is_told_everywhere_and_ends_in_code_3() {
    let world = comparing(exit::REGRESSED);
    assert_eq!(code(&world, &["--strict", "json", "--", "--budget", "5"]).unwrap(), 3);
    let said = fs::read_to_string(world.root.join("said")).unwrap();
    let out = world.root.join("out/comparison").display().to_string();
    assert!(said.starts_with("--between "), "{said}");
    assert!(said.ends_with(&format!(" --out {out} --strict json --budget 5\n")), "{said}");
    let comment = text(&world, "comment.md");
    assert!(comment.starts_with("<!-- caxton-bench -->\n### caxton-bench: REGRESSED\n"));
    assert!(comment.contains("main against `main~1`"), "{comment}");
    assert!(text(&world, "annotations.txt").starts_with("::error title="));
    assert!(text(&world, "junit.xml").contains("type=\"regressed\">"));
    let summary = fs::read_to_string(world.root.join("target/step-summary")).unwrap();
    assert_eq!(summary, text(&world, "summary.md"));
    // Once more: what is there is replaced, and the step's summary grows.
    assert_eq!(code(&world, &[]).unwrap(), 3);
    let twice = fs::read_to_string(world.root.join("target/step-summary")).unwrap();
    assert_eq!(twice, summary.repeat(2));
}

#[test]
fn the_benchs_code_is_passed_on() {
    for expected in [exit::FINE, exit::INCONCLUSIVE, exit::NOT_COMPARABLE, exit::FAILED] {
        assert_eq!(code(&comparing(expected), &[]).unwrap(), expected);
    }
}

#[test]
fn a_base_that_does_not_build_ends_in_code_4_with_the_compilers_error() {
    let world = World::new();
    let stub = "grep -q one harness/number || exit 0\n\
                echo '   Compiling a v1' >&2\n\
                printf 'error[E0425]: cannot find value `x`\\n --> a.rs:1:1\\n' >&2\nexit 101";
    script(world.compiler(), stub);
    assert_eq!(code(&world, &[]).unwrap(), exit::NOT_COMPARABLE);
    let comment = text(&world, "comment.md");
    assert!(comment.contains("revision `main~1` does not build"), "{comment}");
    let error = "```text\nerror[E0425]: cannot find value `x`\n --> a.rs:1:1\n```\n";
    assert!(comment.contains(error) && !comment.contains("Compiling"), "{comment}");
    assert!(text(&world, "annotations.txt").contains("%0Aerror[E0425]: cannot find value `x`"));
    assert!(text(&world, "junit.xml").contains("error[E0425]"));
    assert!(!world.root.join("out/comparison").exists());
}

#[test]
fn a_head_that_does_not_build_has_failed() {
    let world = comparing(exit::FINE);
    let cargo = fs::read_to_string(world.compiler()).unwrap();
    let body = cargo.strip_prefix("#!/bin/sh\n").unwrap();
    let stub =
        format!("grep -q two harness/number && {{ echo 'error: no' >&2; exit 101; }}\n{body}");
    script(world.compiler(), &stub);
    assert_eq!(code(&world, &[]).unwrap(), exit::FAILED);
    let comment = text(&world, "comment.md");
    assert!(comment.contains("the head FAILED") && comment.contains("error: no"), "{comment}");
}

#[test]
fn what_compares_nothing_is_never_green() {
    let world = World::new();
    let packed = world.root.join("target/packed");
    fs::remove_dir_all(&packed).unwrap();
    test_kit::kit(&packed, "packed", "exit 0");
    assert_eq!(code(&world, &[]).unwrap(), exit::NOT_COMPARABLE);
    assert!(text(&world, "comment.md").contains("nothing was compared"));
    let gone = World::new();
    let words = ["ci", "mian", "main", "--out", gone.root.to_str().unwrap()];
    let Command::Ci(words) = test_kit::command(&words) else { panic!() };
    let code = job(&gone.builder, &words, &Surroundings::default()).unwrap();
    assert_eq!(code, exit::NOT_COMPARABLE);
    let comment = fs::read_to_string(gone.root.join("comment.md")).unwrap();
    assert!(comment.contains("is no revision of this repository"), "{comment}");
}

#[test]
fn what_is_not_ours_is_left_alone() {
    let world = comparing(exit::REGRESSED);
    let folder = world.root.join("out/comparison");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("mine"), "x").unwrap();
    let _ = code(&world, &[]);
    assert_eq!(fs::read_to_string(folder.join("mine")).unwrap(), "x");
}
