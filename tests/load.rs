//! Loads, from end to end: every scenario runs and adds up, a stall is seen, a kill can be gone on
//! from, and others read the logs.

use crate::capability;
use crate::executable::{
    Place, Running, Said, fresh_out, heard, output_of, smoke_of, suite, tool_says, word,
};
use caxton_model::case::Outcome;
use caxton_model::load::frame::LoadLine;
use caxton_model::load::outcome::{LoadOutcome, LoadVerdict};
use caxton_model::load::times::Times;
use caxton_model::reading::Reading;
use caxton_model::record::Record;
use caxton_model::record::seconds::{SECONDS_FILE, read};
use caxton_model::record::store::RunFolder;
use caxton_model::units::Nanos;
use caxton_stats::limit::LimitVerdict;
use caxton_sys::affinity;
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

/// The bench `scenarios` with `words`, kept in `out`; none where guests cannot be built.
fn scenarios(out: &str, words: &[&str]) -> Option<Said> {
    let common = ["--bench", "--scale", "quick", "--out", out];
    let words = [&common[..], words].concat();
    heard(suite("scenarios"), &words).if_guests_can_be_built()
}

fn record(out: &str) -> Record {
    RunFolder::load_record(Path::new(out)).unwrap_or_else(|error| panic!("{out}: {error}"))
}

/// The only load of a record.
fn only(record: &Record) -> &LoadOutcome {
    assert_eq!(record.cases.len(), 1);
    assert_eq!(record.cases[0].outcome, Outcome::Ran);
    record.cases[0].load.as_deref().expect("a load")
}

#[test]
fn every_scenario_runs_adds_up_and_leaves_nothing() {
    let Some(kept) = smoke_of("scenarios", &[]) else { return };
    assert_eq!(kept.said.code, Some(0), "{}\n{}", kept.said.stdout, kept.said.stderr);
    assert_eq!(kept.record.cases.len(), 7);
    for case in &kept.record.cases {
        assert_eq!(case.outcome, Outcome::Ran, "{}", case.key);
        let load = case.load.as_deref().expect("a load");
        let counts = load.whole.counts;
        assert!(counts.offered > 0, "{}", case.key);
        assert_eq!(counts.settled(), counts.offered, "{}: {counts:?}", case.key);
        assert_eq!((counts.errors, counts.timed_out), (0, 0), "{}", case.key);
        let own = case.engines.iter().next().map(|engine| engine["allocation"].as_str());
        // The generator alone has no guests.
        let is_guests = own.is_some_and(|own| own.starts_with("a pool") || own.starts_with("one"));
        assert!(is_guests || own.is_none(), "{}: {own:?}", case.key);
        let left = load.left.known().expect("counted");
        assert_eq!(left.messages, counts.sent, "{}", case.key);
        let folder = Path::new(&kept.out).join(&case.profiles.folder);
        for file in &case.profiles.files {
            assert!(folder.join(file).is_file(), "{}: {file}", case.key);
        }
    }
    assert_eq!(tool_says(&["report", &kept.out]).stdout, kept.said.stdout);
}

/// A script as an executable file.
fn program(folder: &Path, text: &str) -> String {
    let path = folder.join("program");
    fs::write(&path, format!("#!/bin/sh\n{text}\n")).expect("a fresh folder");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("a file of ours");
    word(&path)
}

/// A load of 200 messages in two seconds on `program`; none where guests cannot be built.
fn on_program(program: &str) -> Option<(Said, Record)> {
    let (_folder, out) = fresh_out();
    let stage = "name=hold,length=2s,rate=100";
    let said = scenarios(&out, &["--program", program, "--stage", stage, "--slo", "10s"])?;
    Some((said, record(&out)))
}

#[test]
fn a_program_that_cannot_be_gone_on_with_loses_its_load_in_a_moment() {
    let (folder, _) = fresh_out();
    let dies = "for i in 1 2 3 4 5; do read n; echo $n; done; echo 'no database' >&2; exit 3";
    let dies = program(folder.path(), dies);
    let table = [
        ("yes 7", "message 7, which no answer was due to", 0..=1),
        ("cat /dev/zero", "a line of more than 64 KiB", 0..=0),
        (&dies, "exited with code 3 after 5 answers; it said: no database", 5..=5),
        ("head -n 3", "exited with code 0 after 3 answers", 3..=3),
    ];
    for (program, why, answered) in table {
        let Some((said, record)) = on_program(program) else { return };
        let case = &record.cases[0];
        assert!(case.outcome.reason().is_some_and(|r| r.contains(why)), "{:?}", case.outcome);
        assert!(said.stdout.contains(why), "{program}: {}", said.stdout);
        assert_ne!(said.code, Some(0), "{program}");
        let counts = case.load.as_deref().expect("a load").whole.counts;
        assert!(counts.offered < 200, "{program}: {counts:?}");
        // What was answered counts, but for what was not asked.
        assert!(answered.contains(&counts.ok), "{program}: {counts:?}");
    }
}

#[test]
fn what_is_no_number_is_no_answer_and_arguments_may_have_blanks() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let place = folder.path().join("a folder of mine");
    fs::create_dir(&place).expect("a fresh folder");
    let text = "[ \"$1\" = 'two words' ] || exit 9\nprintf 'ready\\ncaf\\351 is warm\\n'; exec cat";
    let program = format!("'{}' \"two words\"", program(&place, text));
    let Some((_, record)) = on_program(&program) else { return };
    let counts = only(&record).whole.counts;
    assert_eq!((counts.offered, counts.settled()), (200, 200), "{counts:?}");
    assert_eq!(counts.ok, 200, "{counts:?}");
    let left = only(&record).left.known().expect("counted");
    assert_eq!((left.left(), left.uncounted()), (None, None));
}

#[test]
fn a_program_that_answers_nothing_is_asked_whether_it_buffers() {
    let (folder, out) = fresh_out();
    let plan = folder.path().join("plan.toml");
    let text = r#"
        name = "silent"
        agents = 1
        message_bytes = 64
        timeout = "1s"
        [[stage]]
        name = "hold"
        length = "1s"
        rate = 50
    "#;
    fs::write(&plan, text).expect("a fresh folder");
    let silent = program(folder.path(), "cat > /dev/null");
    let words = ["--plan", &word(&plan), "--program", &silent];
    let Some(said) = scenarios(&out, &words) else { return };
    let record = record(&out);
    let load = only(&record);
    assert_ne!(load.verdict, LoadVerdict::Pass);
    assert!(said.stdout.contains("does the program buffer its output?"), "{}", said.stdout);
}

#[test]
fn on_one_core_it_is_said_that_the_generator_has_none_of_its_own() {
    let (folder, out) = fresh_out();
    // Two milliseconds of its own CPU time at the least lie between a message and its answer.
    let Some(core) = affinity::allowed_cores().ok().and_then(|cores| cores.first().copied()) else {
        return capability::absent("affinity", "the kernel does not tell the allowed cores");
    };
    let burns = program(folder.path(), "while read n; do sleep 0.002; echo $n; done");
    let scenarios = word(suite("scenarios"));
    let core = core.to_string();
    let words = ["-c", &core, &scenarios, "--bench", "--scale", "quick", "--out", &out];
    let load = ["--program", &burns, "--stage", "name=hold,length=2s,rate=40", "--slo", "60s"];
    let taskset = Path::new("taskset");
    let words = [&words[..], &load[..]].concat();
    let said = heard(taskset, &words);
    let Some(said) = said.if_guests_can_be_built() else { return };
    let record = record(&out);
    let load = only(&record);
    assert!(said.stdout.contains("no core of its own (1 core is allowed)"), "{}", said.stdout);
    let shortest = load.whole.service.at[0].value.known().expect("a median");
    assert!(*shortest >= Nanos(2_000_000), "{shortest}");
    for format in ["json", "junit", "summary", "markdown"] {
        let told = tool_says(&["export", "--format", format, &out]).stdout;
        assert!(told.contains("no core of its own"), "{format}: {told}");
    }
}

/// Writes `lines` over those of the load in `out`, changed by `change`.
fn damage(out: &str, change: impl Fn(&str) -> String) {
    let path = Path::new(out).join("load/own").join(SECONDS_FILE);
    let text = fs::read_to_string(&path).expect("a load was here");
    let lines: Vec<String> = text.lines().map(change).collect();
    fs::write(&path, lines.join("\n") + "\n").expect("a file of ours");
}

#[test]
fn a_second_that_no_load_writes_is_one_error_and_stays_one() {
    let (_folder, out) = fresh_out();
    let words = ["--program", "cat", "--stage", "name=hold,length=2s,rate=50", "--slo", "10s"];
    if scenarios(&out, &words).is_none() {
        return;
    }
    damage(&out, |line| line.replace("{\"second\":1,", &format!("{{\"second\":{},", u64::MAX)));
    for _ in 0..2 {
        let said =
            Running::start(suite("scenarios"), &["--bench", "--resume", &out], &Place::default());
        let said = said.wait().ended(2);
        assert!(said.stderr.contains("second 18446744073709551615 is beyond"), "{}", said.stderr);
        assert!(!said.stderr.contains("panicked"), "{}", said.stderr);
    }
}

#[test]
fn a_program_that_stands_still_is_seen_to_by_every_message_that_was_due() {
    const PER_SECOND: u64 = 500;
    let (folder, out) = fresh_out();
    let text = "exec 3<&0\ncat <&3 &\nsleep 2; kill -STOP $!; sleep 2; kill -CONT $!; wait";
    let program = program(folder.path(), text);
    let words = [
        "--program",
        &program,
        "--stage",
        "name=hold,length=6s,rate=500",
        "--threshold",
        "response_time p(99)<100ms",
    ];
    let Some(said) = scenarios(&out, &words) else { return };
    let record = record(&out);
    let load = only(&record);
    assert_ne!(load.verdict, LoadVerdict::Pass);
    assert!(matches!(said.code, Some(99 | 4)), "{said:?}");
    let longest = load.whole.response.max.known().expect("answers came");
    assert!(*longest >= Nanos(1_990_000_000), "{longest}");
    let mut all = Times::new();
    let seconds = Path::new(&out).join("load/own").join(SECONDS_FILE);
    let read = read(&seconds, &load.plan, &mut |line| {
        if let LoadLine::Second(frame) = line {
            frame.stages.values().for_each(|seen| all.add(&seen.response));
        }
    });
    assert!(read.is_ok());
    // All that were due in the two seconds but for the last tenth of them, and perhaps others.
    let affected = all.len() - all.histogram().count_between(0, 100_000_000);
    assert!(affected >= PER_SECOND * 2 * 9 / 10, "{affected} messages");
    assert_eq!(load.whole.counts.offered, 6 * PER_SECOND);
}

#[test]
fn a_load_that_was_killed_goes_on_where_it_was_and_its_totals_add_up() {
    let (_folder, out) = fresh_out();
    let stage = "name=hold,length=6s,rate=300";
    let words = ["--bench", "--scale", "quick", "--out", &out, "--stage", stage, "--agents", "3"];
    let mut run = Running::start(suite("scenarios"), &words, &Place::default());
    let seconds = Path::new(&out).join("load/own").join(SECONDS_FILE);
    let has_two = || fs::read_to_string(&seconds).is_ok_and(|text| text.lines().count() > 2);
    if !run.lives_until(has_two) {
        assert!(run.wait().if_guests_can_be_built().is_none(), "it ended too soon");
        return;
    }
    let family = run.mark();
    run.signal("KILL");
    run.wait();
    assert!(family.is_gone_soon(), "{} processes are left", family.bearers());
    let words = ["--bench", "--resume", &out];
    let said = heard(suite("scenarios"), &words);
    assert!(matches!(said.code, Some(0 | 4)), "{said:?}");
    let record = record(&out);
    let load = only(&record);
    assert_eq!(load.segments.len(), 2);
    assert!(load.segments[1].from_second >= 2);
    let counts = load.whole.counts;
    assert_eq!(counts.offered, 1800, "each message of the plan once");
    assert_eq!(counts.settled() + load.cut_off, counts.offered, "{counts:?}");
    assert!(said.stdout.contains("2 processes, with gaps between them"), "{}", said.stdout);
}

#[test]
fn a_threshold_may_end_a_load_and_more_than_can_be_done_never_passes() {
    let (folder, out) = fresh_out();
    let plan = folder.path().join("plan.toml");
    let text = r#"
        name = "impatient"
        agents = 10
        message_bytes = 256
        cap = 1000
        timeout = "1s"
        [[stage]]
        name = "flood"
        length = "120s"
        rate = 20000000
        [thresholds]
        dropped = [{ threshold = "rate<0.01", abortOnFail = true }]
    "#;
    fs::write(&plan, text).expect("a fresh folder");
    let Some(said) = scenarios(&out, &["--plan", &word(&plan)]) else { return };
    assert!(matches!(said.code, Some(99 | 4)), "{said:?}");
    let record = record(&out);
    let load = only(&record);
    assert!(matches!(load.verdict, LoadVerdict::Fail | LoadVerdict::Invalid), "{:?}", load.reasons);
    let why = load.ended_early.as_deref().expect("by the threshold");
    assert!(why.contains("dropped rate<0.01"), "{why}");
    assert!(load.whole.counts.dropped > 0);
}

#[test]
fn a_planted_leak_is_found() {
    let (_folder, out) = fresh_out();
    let words = [
        "--stage",
        "name=hold,length=1h,rate=10000",
        "--closed",
        "64",
        "--agents",
        "10",
        "--time",
        "8s",
        "--threshold",
        "leak value==0",
        "--plant-leak",
        "64",
    ];
    let Some(said) = scenarios(&out, &words) else { return };
    let record = record(&out);
    let load = only(&record);
    let leak = load.leak.as_ref().expect("asked for");
    if let LimitVerdict::Unknown(why) = &leak.verdict {
        // A machine that does not run the reader in time: nothing is called clean.
        capability::absent("readings in time", why);
        assert_ne!(load.verdict, LoadVerdict::Pass);
        return;
    }
    // A closed loop leaks as fast as the machine is: where that slows down in the last third,
    // growth is sure and whether it goes on is not.
    assert!(
        matches!(leak.verdict, LimitVerdict::Missed | LimitVerdict::Unclear),
        "{:?}",
        leak.trends
    );
    let bytes = leak.trends.iter().find(|trend| trend.name == "live_bytes").expect("counted");
    let judged = bytes.judged.as_ref().expect("judged");
    assert!(judged.interval_per_s.0 > 0.0 && judged.p < 0.01, "{judged:?}");
    assert_eq!((load.verdict, said.code), (LoadVerdict::Fail, Some(99)), "{:?}", load.reasons);
    assert!(load.reasons.iter().any(|why| why.contains("blocks of the heap")), "the ledger too");
}

#[test]
fn words_that_make_no_load_are_one_error() {
    let wrong = [
        (&["--plan", "/no/such/plan.toml"][..], "/no/such/plan.toml"),
        (&["--stage", "name=x,length=1s,rate=5", "--threshold", "nonsense p(9)<1s"], "nonsense"),
        (&["--stage", "name=x,length=1s,rate=-5"], "-5"),
        (&["--resume", "/no/such/run"], "/no/such/run"),
    ];
    for (words, named) in wrong {
        let words = [&["--bench"][..], words].concat();
        let said = heard(suite("scenarios"), &words).ended(2);
        assert!(said.stderr.contains(named), "{named}: {}", said.stderr);
    }
}

/// Counts the times in an interval log, and those of each tag.
const READER: &str = r"
import sys
from hdrh.histogram import HdrHistogram
from hdrh.log import HistogramLogReader
total, tags = 0, {}
reader = HistogramLogReader(sys.argv[1], HdrHistogram(1, 3600000000000, 3))
while True:
    histogram = reader.get_next_interval_histogram()
    if histogram is None:
        break
    total += histogram.get_total_count()
    tags[histogram.get_tag()] = tags.get(histogram.get_tag(), 0) + histogram.get_total_count()
print(total, *(f'{tag}={count}' for tag, count in sorted(tags.items())))
";

#[test]
fn python_reads_as_many_times_from_the_logs() {
    let mut command = Command::new("python3");
    command.args(["-c", "import hdrh"]);
    let hint = "pip install hdrhistogram";
    let Some(output) = output_of(&mut command, "hdrhistogram", hint) else { return };
    if !output.status.success() {
        return capability::absent("hdrhistogram", hint);
    }
    let Some(kept) = smoke_of("scenarios", &["burst"]) else { return };
    let load = only(&kept.record);
    let folder = Path::new(&kept.out).join(&kept.record.cases[0].profiles.folder);
    let tags = load.stages.iter().filter(|stage| stage.response.n > 0);
    let mut tags: Vec<String> =
        tags.map(|stage| format!("{}={}", stage.name, stage.response.n)).collect();
    tags.sort();
    let expected = format!("{} {}", load.whole.response.n, tags.join(" "));
    for log in ["response.hlog", "service.hlog"] {
        let path = word(&folder.join(log));
        let said = Command::new("python3").args(["-c", READER, &path]).output().expect("it ran");
        let errors = String::from_utf8_lossy(&said.stderr);
        assert_eq!(String::from_utf8_lossy(&said.stdout).trim(), expected, "{log}: {errors}");
    }
    assert!(matches!(load.left, Reading::Known(_)));
}

/// A target that answers each number, and says how many it has answered: one of `lies` it leaves
/// out, none if that is 0.
const COUNTING: &str = r##"
import http.server, sys, threading, time
port, lies = int(sys.argv[1]), int(sys.argv[2])
count, spent = 0, 0.0
class Metrics(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        page = f"""# TYPE caxton_messages_total counter
caxton_messages_total{{outcome="ok"}} {count}
caxton_message_duration_seconds_sum {spent}
caxton_message_duration_seconds_count {count}
own_gauge 7
"""
        self.send_response(200)
        self.end_headers()
        self.wfile.write(page.encode())
    def log_message(self, *words):
        pass
server = http.server.HTTPServer(("127.0.0.1", port), Metrics)
threading.Thread(target=server.serve_forever, daemon=True).start()
number = 0
while line := sys.stdin.readline():
    start = time.perf_counter()
    number += 1
    if not lies or number % lies:
        count += 1
        spent += time.perf_counter() - start
    sys.stdout.write(line)
    sys.stdout.flush()
"##;

/// What a load on [`COUNTING`] comes to, and what was printed; none where that cannot be run.
fn scraped(lies: u32) -> Option<(Record, Said)> {
    if Command::new("python3").arg("--version").output().is_err() {
        capability::absent("python3", "no such program");
        return None;
    }
    let (folder, out) = fresh_out();
    let script = folder.path().join("target.py");
    fs::write(&script, COUNTING).expect("a fresh folder");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    drop(listener);
    let program = format!("python3 {} {port} {lies}", script.display());
    let url = format!("http://127.0.0.1:{port}/metrics");
    let stage = "name=hold,length=3s,rate=200";
    let words = ["--stage", stage, "--program", &program, "--scrape", &url];
    let said = scenarios(&out, &words)?;
    Some((record(&out), said))
}

#[test]
fn a_target_s_own_count_stands_beside_what_was_seen_and_a_false_one_is_said() {
    let Some((honest, said)) = scraped(0) else { return };
    let load = only(&honest);
    let own = load.scraped.as_ref().expect("it was asked");
    let series = own.series[r#"caxton_messages_total{outcome="ok"}"#];
    assert_eq!((series.first, series.last), (0.0, 600.0), "{own:?}");
    assert!(own.scrapes >= 3, "before, meanwhile and after: {own:?}");
    assert!(said.stdout.contains("agree") && !said.stdout.contains("CONTRADICT"), "{said:?}");
    assert_eq!(
        load.reasons.iter().filter(|reason| reason.contains("the target counts")).count(),
        0
    );
    let Some((false_one, said)) = scraped(10) else { return };
    let reasons = &only(&false_one).reasons;
    let told = "the target counts 540 messages, and was sent 600";
    assert!(reasons.iter().any(|reason| reason == told), "{reasons:?}");
    assert!(said.stdout.contains("CONTRADICT"), "{said:?}");
}
