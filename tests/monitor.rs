//! What watches objectives in production, held against Prometheus' own engine in virtual time. The
//! times at which alerts must fire are by the closed form: a window of length w that began good
//! has burnt `share / budget * t / w` after t, so it passes a factor after
//! `factor * budget * w / share`.

use crate::capability;
use crate::executable::tool_says;
use std::fmt::Write;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::process::Command;

/// What promtool says in `folder`, and whether it is content; none where there is none.
fn promtool(folder: &Path, words: &[&str]) -> Option<(bool, String)> {
    match Command::new("promtool").args(words).current_dir(folder).output() {
        Ok(output) => {
            let said = [output.stdout, output.stderr].concat();
            Some((output.status.success(), String::from_utf8_lossy(&said).into_owned()))
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {
            capability::absent("promtool", "no such program: apt-get install prometheus");
            None
        }
        Err(error) => panic!("promtool: {error}"),
    }
}

/// Rules of an objective of 99 %, in a fresh folder.
fn made(words: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().display().to_string();
    let all = ["slo", "rules", "--out", &out, "--threshold", "response_time p(99)<10ms"];
    tool_says(&[&all, words].concat()).ended(0);
    folder
}

const SLO: &str = "response_time_p99_10ms";

/// Messages of each minute in turn: how many minutes, how many good and bad ones in each.
type Course<'a> = &'a [(u32, u32, u32)];

/// A counter that goes through `course`, a value each minute, as promtool writes it.
fn counter(course: Course<'_>, of: fn(&(u32, u32, u32)) -> u32) -> String {
    let mut value = 0;
    let mut text = String::from("0");
    for stage in course {
        let each = of(stage);
        // The first value of a stretch, then as many more as it has minutes.
        write!(text, " {}+{each}x{}", value + each, stage.0 - 1).expect("a String");
        value += each * stage.0;
    }
    text
}

/// One test of promtool: after `course`, at `minute`, whether the page and the ticket fire.
fn test(course: Course<'_>, minute: u32, fires: [bool; 2]) -> String {
    let mut text = String::from("- interval: 1m\n  input_series:\n");
    for (outcome, values) in
        [("good", counter(course, |stage| stage.1)), ("bad", counter(course, |stage| stage.2))]
    {
        let labels = format!("job=\"caxton\",slo=\"{SLO}\",outcome=\"{outcome}\"");
        let series = format!("caxton_slo_events_total{{{labels}}}");
        writeln!(text, "  - series: '{series}'\n    values: '{values}'").expect("a String");
    }
    text += "  alert_rule_test:\n";
    let alerts = [("CaxtonSloBurnsFast", "page"), ("CaxtonSloBurns", "ticket")];
    for ((name, severity), is_firing) in alerts.into_iter().zip(fires) {
        writeln!(text, "  - eval_time: {minute}m\n    alertname: {name}").expect("a String");
        let labels = format!("{{severity: {severity}, slo: {SLO}}}");
        let expected =
            if is_firing { format!("\n    - exp_labels: {labels}") } else { " []".into() };
        writeln!(text, "    exp_alerts:{expected}").expect("a String");
    }
    text
}

/// The rules without annotations: what they say of a value is no part of what fires.
fn without_annotations(folder: &Path) {
    let path = folder.join("rules.yml");
    let rules = fs::read_to_string(&path).expect("rules");
    let mut lines = rules.lines().peekable();
    let mut kept = String::new();
    while let Some(line) = lines.next() {
        if line.trim() == "annotations:" {
            lines.next();
        } else {
            kept += &format!("{line}\n");
        }
    }
    fs::write(path, kept).expect("rules");
}

#[test]
fn prometheus_takes_the_rules_and_refuses_broken_ones() {
    let folder = made(&["--threshold", "success rate>0.999"]);
    let Some((is_fine, said)) = promtool(folder.path(), &["check", "rules", "rules.yml"]) else {
        return;
    };
    assert!(is_fine && said.contains("SUCCESS"), "{said}");
    let path = folder.path().join("rules.yml");
    let broken = fs::read_to_string(&path).expect("rules").replace("and on (slo)", "and on slo");
    fs::write(&path, broken).expect("rules");
    let (is_fine, said) = promtool(folder.path(), &["check", "rules", "rules.yml"]).expect("there");
    assert!(!is_fine, "{said}");
}

#[test]
fn a_burn_pages_when_the_closed_form_says_and_no_other_thing_does() {
    const HOUR: u32 = 60;
    const DAY: u32 = 24 * HOUR;
    let folder = made(&[]);
    without_annotations(folder.path());
    let quiet = (7 * HOUR, 100, 0);
    let tests = [
        // All bad: 14.4 * 1 % of an hour is 8.64 minutes.
        test(&[quiet, (2 * HOUR, 0, 100)], 7 * HOUR + 8, [false, false]),
        test(&[quiet, (2 * HOUR, 0, 100)], 7 * HOUR + 11, [true, false]),
        // 20 times too many: 14.4 / 20 of an hour is 43.2 minutes.
        test(&[quiet, (2 * HOUR, 80, 20)], 7 * HOUR + 42, [false, false]),
        test(&[quiet, (2 * HOUR, 80, 20)], 7 * HOUR + 46, [true, false]),
        // Half of what is allowed: never, in days.
        test(&[(4 * DAY, 199, 1)], 4 * DAY, [false, false]),
        // In the long windows only: it was bad, and is not any more.
        test(&[quiet, (30, 0, 100), (HOUR, 100, 0)], 7 * HOUR + 70, [false, false]),
        // Few messages, all of them bad.
        test(&[(7 * HOUR, 0, 0), (9, 0, 1), (HOUR, 0, 0)], 7 * HOUR + 12, [false, false]),
        // A young service gets its page, and no ticket for a window that it has no history of.
        test(&[(HOUR, 0, 100)], 30, [true, false]),
        // Twice what is allowed, for four days: a ticket.
        test(&[(4 * DAY, 98, 2)], 4 * DAY, [false, true]),
    ];
    let head = "rule_files: [rules.yml]\nevaluation_interval: 1m\ntests:\n";
    fs::write(folder.path().join("tests.yml"), format!("{head}{}", tests.concat())).expect("tests");
    let Some((is_fine, said)) = promtool(folder.path(), &["test", "rules", "tests.yml"]) else {
        return;
    };
    assert!(is_fine, "{said}");
}
