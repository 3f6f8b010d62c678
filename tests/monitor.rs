//! What watches objectives in production, held against Prometheus' own engine in virtual time. The
//! times at which alerts must fire are by the closed form: a window of length w that began good
//! has burnt `share / budget * t / w` after t, so it passes a factor after
//! `factor * budget * w / share`.

use crate::capability;
use crate::executable::{Place, Running, output_of, tool, tool_says};
use caxton_model::load::threshold::Threshold;
use caxton_model::slo::{AlertOptions, SEVERITIES, Severity, Slo, window_name};
use caxton_monitor::{BurnMonitor, SloCounts};
use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write as _;
use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::Command;

/// What promtool says in `folder`, and whether it is content; none where there is none.
fn promtool(folder: &Path, words: &[&str]) -> Option<(bool, String)> {
    let mut command = Command::new("promtool");
    command.args(words).current_dir(folder);
    let hint = "no such program: apt-get install prometheus";
    let output = output_of(&mut command, "promtool", hint)?;
    let said = [output.stdout, output.stderr].concat();
    Some((output.status.success(), String::from_utf8_lossy(&said).into_owned()))
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

/// Messages of each step of an hour: good and bad ones.
type Hour = Vec<SloCounts>;

/// A step of the hour, in seconds: as often as rules at this speed are evaluated.
const STEP_S: u64 = 3;
const STEPS: u64 = 3600 / STEP_S;
const ALERTS: AlertOptions = AlertOptions { speed: 10, events_min: 20 };

fn hour(each: &mut dyn FnMut(u64) -> (u64, u64)) -> Hour {
    let counts = |(good, bad)| SloCounts { good, bad };
    (0..STEPS).map(|step| counts(each(step))).collect()
}

/// Traffic of several kinds, the same each time.
fn hours() -> [(&'static str, Hour); 5] {
    let mut rng = fastrand::Rng::with_seed(19);
    let minute = |step: u64| step * STEP_S / 60;
    let steady = hour(&mut |step| match minute(step) {
        20..35 => (35, 15),
        50..52 => (0, 50),
        _ => (50, 0),
    });
    let slow = hour(&mut |step| match step % 34 {
        0 if minute(step) < 30 => (1, 0),
        0 => (0, 1),
        _ => (0, 0),
    });
    let bursty = hour(&mut |_| {
        let messages = if rng.f64() < 0.1 { rng.u64(..2000) } else { 0 };
        let bad = (messages as f64 * [0.0, 0.02, 0.2][rng.usize(..3)]) as u64;
        (messages - bad, bad)
    });
    let bad_from_the_start = hour(&mut |step| if minute(step) < 2 { (0, 40) } else { (39, 1) });
    let empty = hour(&mut |_| (0, 0));
    [
        ("steady", steady),
        ("slow", slow),
        ("bursty", bursty),
        ("bad from the start", bad_from_the_start),
        ("empty", empty),
    ]
}

/// A counter's value at each step, as promtool reads it.
fn values(hour: &Hour, of: fn(&SloCounts) -> u64) -> String {
    let sums = hour.iter().scan(0, |sum, counts| {
        *sum += of(counts);
        Some(sum.to_string())
    });
    sums.collect::<Vec<_>>().join(" ")
}

/// What the host's own watch says at each step, as expectations of promtool; and how often which
/// alert fired.
fn expected(hour: &Hour) -> (String, BTreeMap<&'static str, usize>) {
    let threshold = Threshold::parse("response_time", "p(99)<10ms").expect("in the grammar");
    let (slos, _) = Slo::of_thresholds(&[threshold]);
    let mut monitor = BurnMonitor::new(slos, ALERTS, STEP_S * 1000);
    let (mut alerts, mut burns) = (String::new(), String::new());
    let (mut sum, mut fired) = (SloCounts::default(), BTreeMap::new());
    for (step, counts) in (0..).zip(hour) {
        sum = SloCounts { good: sum.good + counts.good, bad: sum.bad + counts.bad };
        let at_s = step * STEP_S;
        let changes = monitor.take(at_s * 1000, &[sum]);
        for severity in SEVERITIES {
            let fires = changes.iter().any(|c| c.severity == severity && c.is_firing);
            let (name, word) = (severity.alert(), severity.name());
            *fired.entry(name).or_default() += usize::from(fires);
            let labels = format!("\n    - exp_labels: {{severity: {word}, slo: {SLO}}}");
            let labels = if fires { &labels } else { " []" };
            let head = format!("  - eval_time: {at_s}s\n    alertname: {name}\n");
            writeln!(alerts, "{head}    exp_alerts:{labels}").expect("a String");
        }
        for (window_s, burn) in &monitor.view()[0].burns {
            // Both round as PromQL's `round` does.
            let window = window_name(*window_s);
            let name = format!("caxton:slo_burn:rate{window}");
            let burn = burn.map(|burn| (burn * 1e6 + 0.5).floor() / 1e6);
            let burn = burn.map_or(" []".to_owned(), |burn| {
                format!("\n    - {{labels: '{{slo=\"{SLO}\"}}', value: {burn:?}}}")
            });
            let head = format!("  - eval_time: {at_s}s\n    expr: round({name} >= 0, 1e-6)\n");
            writeln!(burns, "{head}    exp_samples:{burn}").expect("a String");
        }
    }
    (format!("  alert_rule_test:\n{alerts}  promql_expr_test:\n{burns}"), fired)
}

#[test]
fn a_host_that_watches_itself_agrees_with_prometheus_on_every_sample_of_an_hour() {
    let folder = made(&["--speed", "10"]);
    without_annotations(folder.path());
    let mut text = String::from(
        "rule_files: [rules.yml]\nevaluation_interval: 3s\n\
         group_eval_order: [caxton-slo-burn, caxton-slo-alerts]\ntests:\n",
    );
    let mut pages = Vec::new();
    for (_, hour) in hours() {
        text += "- interval: 3s\n  input_series:\n";
        for (outcome, of) in [("good", (|c| c.good) as fn(&SloCounts) -> u64), ("bad", |c| c.bad)] {
            let labels = format!("job=\"caxton\",slo=\"{SLO}\",outcome=\"{outcome}\"");
            let series = format!("caxton_slo_events_total{{{labels}}}");
            let values = values(&hour, of);
            writeln!(text, "  - series: '{series}'\n    values: '{values}'").expect("a String");
        }
        let (expectations, fired) = expected(&hour);
        text += &expectations;
        pages.push(fired[Severity::Page.alert()] > 0);
    }
    assert_eq!(pages, [true, false, true, true, false], "{:?}", hours().map(|(name, _)| name));
    fs::write(folder.path().join("tests.yml"), &text).expect("tests");
    let Some((is_fine, said)) = promtool(folder.path(), &["test", "rules", "tests.yml"]) else {
        return;
    };
    assert!(is_fine, "{}", said.chars().take(4000).collect::<String>());
    // One answer in a hundred thousand that is wrong is seen.
    let last = text.rfind("value: 0.0}").expect("a quiet hour has burn rates of 0");
    let (before, after) = text.split_at(last);
    let planted = format!("{before}{}", after.replacen("value: 0.0}", "value: 0.1}", 1));
    fs::write(folder.path().join("tests.yml"), planted).expect("tests");
    let (is_fine, said) =
        promtool(folder.path(), &["test", "rules", "tests.yml"]).expect("it was there");
    assert!(!is_fine && said.contains("1E-01"), "{said}");
}

/// `monitor` with `words`, and where it serves; none where guests cannot be built.
fn serving(words: &[&str]) -> Option<(Running, SocketAddr)> {
    let common = ["monitor", "--address", "127.0.0.1:0", "--agents", "4", "--rate", "500"];
    let mut running = Running::start(tool(), &[&common, words].concat(), &Place::default());
    let stderr = running.stderr();
    let said = || fs::read_to_string(&stderr).unwrap_or_default();
    if !running.lives_until(|| said().contains("serving http://")) {
        let ended = running.wait().if_guests_can_be_built();
        panic!("it ended: {:?}", ended?);
    }
    let said = said();
    let (_, rest) = said.split_once("serving http://").expect("it was there");
    let (address, _) = rest.split_once('/').expect("an address and a path");
    Some((running, address.parse().expect("an address")))
}

/// What `address` answers to `request`, all of it.
fn asked(address: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("somebody listens");
    stream.write_all(request.as_bytes()).expect("a request");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
}

const GET: &str = "GET /metrics HTTP/1.1\r\n\r\n";

/// The value of `series` in `page`.
fn value(page: &str, series: &str) -> u64 {
    let line = page.lines().find_map(|line| line.strip_prefix(series));
    let line = line.unwrap_or_else(|| panic!("{series}: {page}"));
    line.trim().parse().expect("a count")
}

#[test]
fn a_host_serves_what_promtool_takes_and_what_adds_up() {
    let Some((mut running, address)) = serving(&[]) else { return };
    let page = || asked(address, GET);
    let ok = r#"caxton_messages_total{outcome="ok"}"#;
    assert!(running.lives_until(|| value(&page(), ok) > 100));
    let page = page();
    let (_, body) = page.split_once("\r\n\r\n").expect("a head and a body");
    let events = |slo: &str, outcome: &str| {
        value(body, &format!("caxton_slo_events_total{{slo=\"{slo}\",outcome=\"{outcome}\"}}"))
    };
    let outcomes = ["ok", "error", "timeout", "dropped", "lost"];
    let all = outcomes.map(|o| value(body, &format!("caxton_messages_total{{outcome=\"{o}\"}}")));
    for slo in ["response_time_p99_100ms", "success_rate_0.99"] {
        assert_eq!(events(slo, "good") + events(slo, "bad"), all.iter().sum::<u64>(), "{slo}");
    }
    assert_eq!(value(body, "caxton_message_duration_seconds_count"), all[0]);
    assert_eq!(value(body, r#"caxton_agents{state="running"}"#), 4);
    running.signal("INT");
    assert_eq!(running.wait().code, Some(0), "its books are right");
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("metrics");
    fs::write(&file, body).expect("a fresh folder");
    let Some((true, said)) = promtool(folder.path(), &["--version"]) else { return };
    let mut check = Command::new("sh");
    check.args(["-c", "promtool check metrics < \"$0\""]).arg(&file);
    let checked = check.output().expect("a shell");
    assert!(checked.status.success() && checked.stderr.is_empty(), "{said} {checked:?}");
}

#[test]
fn a_planted_delay_is_bad_for_the_objective_that_it_breaks_and_for_no_other() {
    let words = ["--time", "4s", "--every", "1s", "--plant-delay", "150ms", "--plant-after", "2s"];
    let Some((running, _)) = serving(&[&words[..], &["--plant-for", "1s"]].concat()) else {
        return;
    };
    let said = running.wait().ended(0);
    let row = |slo: &str| {
        let row = said.stdout.lines().rfind(|line| line.contains(slo)).expect("a row").to_owned();
        let words: Vec<&str> = row.split_whitespace().skip_while(|word| *word != slo).collect();
        [words[1], words[2]].map(|count| count.parse::<u64>().expect("a count"))
    };
    let [good, bad] = row("response_time_p99_100ms");
    assert!(good > 100 && bad > 100, "a second of three was slow: {}", said.stdout);
    let [all, failed] = row("success_rate_0.99");
    assert_eq!([all, failed], [good + bad, 0], "they were answered: {}", said.stdout);
}

#[test]
fn strangers_around_the_endpoint_cost_neither_memory_nor_messages() {
    let Some((mut running, address)) = serving(&[]) else { return };
    let files = || fs::read_dir(format!("/proc/{}/fd", running.id())).map_or(0, Iterator::count);
    let before = files();
    let peak_kb = || {
        let status = fs::read_to_string(format!("/proc/{}/status", running.id()));
        let status = status.expect("it lives");
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("Linux");
        peak.trim().trim_end_matches(" kB").trim().parse::<u64>().expect("a number")
    };
    let peak_before_kb = peak_kb();
    let mut clients = VecDeque::new();
    for number in 0..1000 {
        let mut client = TcpStream::connect(address).expect("somebody listens");
        client.set_nonblocking(true).expect("a socket");
        let _ = client.write_all(b"GET /metrics HTTP/1.1\r\nA: ");
        if number % 10 == 0 {
            let _ = client.write_all(&vec![b'a'; 1 << 20]);
        }
        clients.push_back(client);
        // This process has not many files of its own.
        if clients.len() > 200 {
            clients.pop_front();
        }
    }
    // While they are there: whoever asks is answered.
    let page = asked(address, GET);
    assert!(page.starts_with("HTTP/1.1 200"), "{page}");
    let more = files().saturating_sub(before);
    assert!(more <= 16 + 4, "{more} more files for 1,000 clients");
    // A hundred heads of a MiB came meanwhile.
    let grown_kb = peak_kb() - peak_before_kb;
    assert!(grown_kb < 16 << 10, "{grown_kb} KiB more");
    let ok = r#"caxton_messages_total{outcome="ok"}"#;
    let answered = value(&page, ok);
    assert!(running.lives_until(|| value(&asked(address, GET), ok) > answered));
    running.signal("INT");
    let ended = running.wait().ended(0);
    assert_eq!(ended.stderr.matches("error").count(), 0, "{}", ended.stderr);
}

#[test]
fn a_planted_delay_reaches_a_webhook_by_a_real_prometheus_and_alertmanager() {
    let said = tool_says(&["monitor", "--check", "--agents", "4", "--rate", "500"]);
    let Some(said) = said.if_guests_can_be_built() else { return };
    if let (Some(4), Some(why)) = (said.code, said.stderr.split_once("unsupported: ")) {
        return capability::absent("prometheus", why.1.trim());
    }
    let said = said.ended(0);
    // So that its times are seen.
    let _ = writeln!(std::io::stderr(), "{}", said.stdout);
    for (delay, words) in [("200 ms", "fired"), ("0 ms", "resolved")] {
        let line = said.stdout.lines().find(|line| line.starts_with(&format!("delay of {delay}")));
        let line = line.unwrap_or_else(|| panic!("{}", said.stdout));
        assert_eq!(line.matches(" after ").count(), 2, "{words} both ways: {line}");
    }
}

/// Whether `alert` fires at `minute` while `series` are there, as a test of promtool: with these
/// labels, or not.
fn silence(series: &[(&str, &str)], minute: u32, alert: &str, fires: Option<&str>) -> String {
    let mut text = String::from("- interval: 1m\n  input_series:\n");
    for (name, values) in series {
        writeln!(text, "  - series: '{name}'\n    values: '{values}'").expect("a String");
    }
    let fires = fires.map(|labels| format!("\n    - exp_labels: {{severity: page, {labels}}}"));
    let fires = fires.unwrap_or_else(|| " []".to_owned());
    let head = format!("  alert_rule_test:\n  - eval_time: {minute}m\n    alertname: {alert}");
    writeln!(text, "{head}\n    exp_alerts:{fires}").expect("a String");
    text
}

#[test]
fn silence_is_a_page_and_ends_when_somebody_counts_again() {
    let folder = made(&[]);
    without_annotations(folder.path());
    let good = format!("caxton_slo_events_total{{job=\"caxton\",slo=\"{SLO}\",outcome=\"good\"}}");
    let up = "up{job=\"caxton\",instance=\"a:1\"}";
    let (absent, down) = ("CaxtonSloAbsent", "CaxtonDown");
    let (slo, instance) = (format!("slo: {SLO}"), "job: caxton, instance: \"a:1\"");
    // It counts for ten minutes, is gone for fifteen, and counts again.
    let course = "0+5x10 _x15 60+5x20";
    let counts = [(good.as_str(), course)];
    let lives = [(up, "1x10 0x4 1x20")];
    let tests = [
        silence(&counts, 10, absent, None),
        // A series is there for five minutes after its last sample; then it takes five more.
        silence(&counts, 18, absent, None),
        silence(&counts, 22, absent, Some(&slo)),
        silence(&counts, 27, absent, None),
        silence(&lives, 10, down, None),
        silence(&lives, 11, down, None),
        silence(&lives, 13, down, Some(instance)),
        silence(&lives, 16, down, None),
        // Another job is no matter of ours.
        silence(&[("up{job=\"other\",instance=\"a:1\"}", "0x30")], 20, down, None),
    ];
    let head = "rule_files: [rules.yml]\nevaluation_interval: 1m\ntests:\n";
    fs::write(folder.path().join("tests.yml"), format!("{head}{}", tests.concat())).expect("tests");
    let Some((is_fine, said)) = promtool(folder.path(), &["test", "rules", "tests.yml"]) else {
        return;
    };
    assert!(is_fine, "{said}");
}
