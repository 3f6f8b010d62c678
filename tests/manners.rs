//! What is printed, and where: no escapes where nobody wants them, a full disk that is told, a
//! reader that went away, and every exit code in every help.

use crate::capability;
use crate::executable::{
    COMMANDS, Place, Running, Said, bench, fresh_out, heard, root, suite, tool, tool_says, word,
};
use caxton_analysis::exit;
use caxton_model::record::Status;
use caxton_model::record::store::RunFolder;
use std::path::Path;

/// Standard output on a full disk; a reader of it that went away; standard error on a full disk.
const FULL: &str = r#""$0" "$@" >/dev/full"#;
const GONE: &str = r#"{ "$0" "$@"; echo "code $?" >&2; } | true"#;
const DEAF: &str = r#""$0" "$@" 2>/dev/full"#;

/// A stored run.
fn run() -> String {
    word(&root().join("tests/fixtures/record-v1"))
}

/// What a shell makes of `script`, in which `"$0" "$@"` is `program` with `words`.
fn shell(script: &str, program: &Path, words: &[&str]) -> Said {
    let program = word(program);
    let words = [&["-c", script, &program], words].concat();
    heard(Path::new("sh"), &words)
}

#[test]
fn output_that_cannot_be_written_is_told_and_a_reader_that_went_away_is_not() {
    let run = run();
    let calls: [(&Path, &[&str]); 6] = [
        (tool(), &["report", &run]),
        (tool(), &["export", "--format", "csv", &run]),
        (tool(), &["--help"]),
        (tool(), &["report", "--help"]),
        (bench(), &["--list"]),
        (bench(), &["--help"]),
    ];
    for (program, words) in calls {
        let full = shell(FULL, program, words);
        assert_eq!(full.code, Some(2), "{words:?}: {}", full.stderr);
        let line = full.stderr.trim_end();
        assert!(line.contains("standard output") && line.contains("No space left"), "{line}");
        assert_eq!(line.lines().count(), 1, "{line}");
        let away = shell(GONE, program, words);
        assert_eq!((away.code, away.stderr.as_str()), (Some(0), "code 0\n"), "{words:?}");
        // Nobody there to read what goes wrong is no error.
        let deaf = shell(DEAF, program, words);
        assert_eq!(deaf.code, Some(0), "{words:?}");
    }
}

#[test]
fn a_run_whose_output_is_lost_is_kept() {
    for (how, code) in [(FULL, 2), (DEAF, 0)] {
        let (_folder, out) = fresh_out();
        let words = ["--bench", "--scale", "smoke", "--agent", "echo", "--out", &out];
        let said = shell(how, bench(), &words);
        let Some(said) = said.if_guests_can_be_built() else { return };
        assert_eq!(said.code, Some(code), "{how}: {}", said.stderr);
        let (record, _) = RunFolder::load(Path::new(&out)).expect("a kept run");
        assert_eq!(record.run.status, Status::Finished, "{how}");
    }
}

/// `command` on a terminal with `variables`; none where there is no `script`.
fn on_a_terminal(command: &str, variables: &[(&'static str, &str)]) -> Option<String> {
    let script = Path::new("/usr/bin/script");
    if !script.is_file() {
        capability::absent("script", "util-linux's script makes the terminal");
        return None;
    }
    // What the tests were started with must not decide; CI has no progress bar.
    let usual = [("TERM", "xterm"), ("NO_COLOR", ""), ("CLICOLOR", ""), ("CLICOLOR_FORCE", "")];
    let all = usual.iter().chain([&("CI", "")]).chain(variables);
    let variables = all.map(|(name, value)| (*name, value.into())).collect();
    let place = Place { variables, ..Place::default() };
    let said = Running::start(script, &["-qec", command, "/dev/null"], &place).wait();
    assert_eq!(said.code, Some(0), "{command}: {}", said.stdout);
    Some(said.stdout)
}

#[test]
fn a_terminal_without_escapes_gets_none() {
    let report = format!("{} report {}", word(tool()), run());
    let guest = word(&root().join("tests/fixtures/guests/echoes.wat"));
    let measured = format!("{} --bench --scale smoke --guest {guest} --out ", word(bench()));
    for command in [report.clone(), format!("{} --help", word(tool())), measured] {
        for (variables, has_escapes) in [
            (&[][..], true),
            (&[("TERM", "dumb")], false),
            (&[("TERM", "")], false),
            (&[("NO_COLOR", "1")], false),
            (&[("CLICOLOR", "0")], false),
        ] {
            let (_folder, out) = fresh_out();
            let command =
                if command.ends_with("--out ") { command.clone() + &out } else { command.clone() };
            let Some(said) = on_a_terminal(&command, variables) else { return };
            assert_eq!(said.contains('\u{1b}'), has_escapes, "{variables:?} {command}: {said:?}");
        }
    }
}

#[test]
fn every_help_has_every_exit_code() {
    let says = |program: &Path, words: &[&str]| heard(program, words).stdout;
    let mut helps = vec![says(bench(), &["--help"]), says(suite("scenarios"), &["--help"])];
    helps.push(says(bench(), &["selftest", "--help"]));
    helps.push(tool_says(&["--help"]).stdout);
    for task in COMMANDS {
        helps.push(tool_says(&[task, &["--help"]].concat()).stdout);
    }
    let short = says(bench(), &["-h"]);
    assert!(short.lines().count() <= 40, "-h fits one screen:\n{short}");
    for help in helps {
        for (code, says) in exit::CODES {
            assert!(help.contains(&format!("\n  {code:>3}  {says}\n")), "{code}: {help}");
        }
    }
    let guide = std::fs::read_to_string(root().join("harness/docs/ci.md")).expect("there");
    for (code, _) in exit::CODES {
        assert!(guide.contains(&format!("\n| `{code}` | ")), "the guide has no row for {code}");
    }
}
