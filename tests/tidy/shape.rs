//! The shape of a source file: its head, its size, its columns, its functions, its name.

use super::{Rule, Source, lines_with, sources};

const FILE_LINES_MAX: usize = 500;
const FUNCTION_LINES_MAX: usize = 70;
const COLUMNS_MAX: usize = 100;
const SCRIPT_LINES_MAX: usize = 40;
/// Only to be lowered without a reason.
const GOLDEN_LINES_MAX: usize = 8_792;

#[test]
fn each_file_begins_with_what_it_answers() {
    fn broken(source: &Source) -> Vec<usize> {
        let is_headless = source.is_rust() && !source.text.starts_with("//! ");
        if is_headless { vec![1] } else { Vec::new() }
    }
    let rule = Rule {
        says: "a source file begins with a `//!` head that says what it answers",
        broken,
        bad: &[("a.rs", "use b;\n"), ("a.rs", "// a\n"), ("a.rs", "\n//! late\n"), ("a.rs", "")],
        good: &[("a.rs", "//! What it answers.\n"), ("a.toml", "x")],
    };
    rule.hold();
}

#[test]
fn no_merge_was_left_half_done() {
    fn broken(source: &Source) -> Vec<usize> {
        let sides = ["<".repeat(7) + " ", ">".repeat(7) + " "];
        let lines = (1..).zip(source.text.lines());
        let marked = lines.filter(|(_, line)| sides.iter().any(|side| line.starts_with(side)));
        marked.map(|(number, _)| number).collect()
    }
    let rule = Rule {
        says: "no file has the marks of a merge",
        broken,
        bad: &[("a.md", "a\n<<<<<<< HEAD\nb\n"), ("a.rs", ">>>>>>> 1234\n")],
        good: &[("a.md", "a\n=======\n"), ("a.rs", "a << b\n")],
    };
    rule.hold();
}

/// The line behind the last one allowed.
fn too_long(source: &Source) -> Vec<usize> {
    let is_counted = source.is_rust() && (!source.is_all_tests() || source.is_in("tests"));
    if is_counted && source.shipped_lines() > FILE_LINES_MAX {
        vec![FILE_LINES_MAX + 1]
    } else {
        Vec::new()
    }
}

#[test]
fn no_file_is_too_long_to_read() {
    let line = "use x;\n";
    let long = line.repeat(FILE_LINES_MAX + 1);
    let most = line.repeat(FILE_LINES_MAX);
    let with_tests = format!("{most}#[cfg(test)]\nmod tests {{\n}}\n");
    let count = |path: &str, text: &str| too_long(&Source::new(path, text, false)).len();
    assert_eq!(count("a.rs", &long), 1);
    assert_eq!(count("tests/a.rs", &long), 1);
    assert_eq!(count("a.rs", &with_tests), 0);
    assert_eq!(count("a_tests.rs", &long), 0);
    let rule = Rule {
        says: "a source file has at most 500 lines before its tests",
        broken: too_long,
        bad: &[],
        good: &[("a.rs", "use x;\n")],
    };
    rule.hold();
}

/// Rows of a table in a comment, and text in a literal that goes on from the line before, can
/// only be as wide as they are.
fn too_wide(source: &Source) -> Vec<usize> {
    let is_wide = |line: &str| line.chars().count() > COLUMNS_MAX && !line.starts_with("//! |");
    let wide = (1..).zip(source.text.lines()).filter(|(_, line)| is_wide(line));
    let numbers = wide.map(|(number, _)| number);
    if !source.is_rust() {
        return Vec::new();
    }
    numbers.filter(|number| !source.syntax().is_within_literal(*number)).collect()
}

#[test]
fn no_line_is_too_wide_to_read() {
    let wide = |text: &str| too_wide(&Source::new("a.rs", text, false));
    let line = |columns: usize| "ü".repeat(columns);
    assert_eq!((wide(&line(COLUMNS_MAX)), wide(&line(COLUMNS_MAX + 1))), (vec![], vec![1]));
    let long = line(COLUMNS_MAX + 1);
    assert_eq!(wide(&format!("a(\"{long}\");\n")), [1]);
    assert_eq!(wide(&format!("a(\"b\n{long}\");\n{long}\n")), [3], "a text that goes on");
    let rule = Rule {
        says: "a line of a source has at most 100 columns",
        broken: too_wide,
        bad: &[],
        good: &[("a.rs", "x\n")],
    };
    rule.hold();
}

fn too_much(source: &Source) -> Vec<usize> {
    let functions = source.syntax().functions.iter();
    let long = functions.filter(|lines| (*lines).clone().count() > FUNCTION_LINES_MAX);
    long.map(|lines| *lines.start()).collect()
}

#[test]
fn no_function_is_too_long_to_read() {
    let function = |lines: usize| format!("\nfn a() {{\n{}}}\n", "b();\n".repeat(lines - 2));
    let long = |lines: usize| too_much(&Source::new("a.rs", &function(lines), false));
    assert_eq!((long(FUNCTION_LINES_MAX), long(FUNCTION_LINES_MAX + 1)), (vec![], vec![2]));
    let rule = Rule {
        says: "a function has at most 70 lines",
        broken: too_much,
        bad: &[],
        good: &[("a.rs", "fn a();\n")],
    };
    rule.hold();
}

#[test]
fn no_module_is_named_after_nothing() {
    fn broken(source: &Source) -> Vec<usize> {
        if !source.is_rust() {
            return Vec::new();
        }
        let names = source.path.trim_end_matches(".rs").split('/');
        let is_bad = |name: &str| {
            let bad = ["util", "utils", "common", "helper", "helpers", "manager"];
            bad.contains(&name)
        };
        let own = if names.into_iter().any(is_bad) { vec![1] } else { Vec::new() };
        let inner = r"^\s*(pub(\(\w+\))? )?mod (utils?|common|helpers?|manager)\b";
        [own, lines_with(&source.text, inner)].concat()
    }
    let rule = Rule {
        says: "a module is named after what it answers, not utils, common, helpers or manager",
        broken,
        bad: &[
            ("a/utils.rs", ""),
            ("a/common/mod.rs", ""),
            ("manager/a.rs", ""),
            ("a.rs", "pub(crate) mod helpers {}\n"),
        ],
        good: &[("a/utilities_of_x.rs", "fn common() {}\n"), ("utils/a.toml", "")],
    };
    rule.hold();
}

#[test]
fn scripts_are_short_sequences_of_commands() {
    fn broken(source: &Source) -> Vec<usize> {
        if !source.is_in("scripts") {
            return Vec::new();
        }
        let long = (source.text.lines().count() > SCRIPT_LINES_MAX).then_some(SCRIPT_LINES_MAX + 1);
        let is_no_program = !source.is_executable || !source.text.starts_with("#!");
        long.into_iter().chain(is_no_program.then_some(1)).collect()
    }
    let lame = Source::new("scripts/a", "#!/bin/sh\n", false);
    assert_eq!(broken(&lame), [1], "not executable");
    let long = Source::new("scripts/a", &"#!/bin/sh\n".repeat(SCRIPT_LINES_MAX + 1), true);
    assert_eq!(broken(&long), [SCRIPT_LINES_MAX + 1]);
    let rule = Rule {
        says: "a script is executable, begins with `#!`, and has at most 40 lines",
        broken,
        bad: &[("scripts/a", "cargo bench\n")],
        good: &[("scripts/a", "#!/bin/sh\ncargo bench\n"), ("a", "text\n")],
    };
    rule.hold();
}

#[test]
fn goldens_stay_few_enough_to_be_read() {
    let is_golden = |path: &str| {
        let folders = ["tests/fixtures/record-v1", "tests/fixtures/comparison-v1"];
        let is_in = folders.iter().any(|folder| path.starts_with(folder));
        !path.ends_with(".rs")
            && (is_in || path.contains("/golden") || path.starts_with("profiles/example/"))
    };
    assert!(is_golden("a/goldens/b.txt") && is_golden("a/golden.html") && !is_golden("a/b.txt"));
    let Some(sources) = sources() else { return };
    let goldens = sources.iter().filter(|source| is_golden(&source.path));
    let lines: usize = goldens.map(|golden| golden.text.lines().count()).sum();
    assert!(
        lines <= GOLDEN_LINES_MAX,
        "{lines} lines of golden files, at most {GOLDEN_LINES_MAX}: make them of a smaller record, \
         or derive what is expected; the ceiling may be lowered without a reason, not raised"
    );
}
