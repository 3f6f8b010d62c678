//! JUnit XML as all readers of it agree on: suites, their tests, and how each ended. `time` is in
//! seconds, and absent where nobody looked. A test is a [`Check`]: what is bad has failed, what
//! broke is an error, what nobody knows was skipped.

use super::job::{Job, Outcome};
use crate::checks::{Check, State, of_comparison, of_run, without};
use caxton_analysis::exit;
use caxton_model::record::Record;
use caxton_model::sanitise::short;
use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};
use quick_xml::writer::ElementWriter;
use std::io;

const NAME_MAX: usize = 512;
/// Longest message, and longest line of a text.
const MESSAGE_MAX: usize = 2000;
const LINES_MAX: usize = 400;

type Xml = Writer<Vec<u8>>;
type Element<'a> = ElementWriter<'a, Vec<u8>>;

/// The job, with a suite for each case.
pub fn junit(job: &Job<'_>) -> String {
    match job.outcome {
        Outcome::Compared(comparison) => {
            let run = &comparison.run;
            let checks = of_comparison(comparison, job.code == exit::INCONCLUSIVE);
            let name = format!("caxton-bench {}", run.id);
            document(&name, Some(&run.started_utc), &suites(&checks, |check| &check.group))
        }
        Outcome::Without { why, said } => {
            let check = [without(why, said)];
            document("caxton-bench", None, &[("comparison", &check)])
        }
    }
}

/// Cases, loads, targets and requirements of a run, each kind a suite.
pub(crate) fn junit_of_run(record: &Record) -> String {
    let mut checks = of_run(record);
    checks.sort_by_key(|check| check.kind);
    let name = format!("caxton-bench {}", record.run.id);
    let suites = suites(&checks, |check| check.kind.words()[0]);
    document(&name, Some(&record.run.started_utc), &suites)
}

/// Checks side by side that `name` puts into the same suite.
fn suites(checks: &[Check], name: impl Fn(&Check) -> &str) -> Vec<(&str, &[Check])> {
    let suites = checks.chunk_by(|a, b| name(a) == name(b));
    suites.map(|checks| (name(&checks[0]), checks)).collect()
}

/// The document of `suites`, which began at `started_utc` if anything did.
fn document(name: &str, started_utc: Option<&str>, suites: &[(&str, &[Check])]) -> String {
    let bytes = written(name, started_utc, suites).expect("a Vec takes every byte");
    String::from_utf8(bytes).expect("what is written is text")
}

fn written(
    name: &str,
    started_utc: Option<&str>,
    suites: &[(&str, &[Check])],
) -> io::Result<Vec<u8>> {
    let mut xml = Writer::new_with_indent(Vec::new(), b' ', 2);
    xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let root = named(xml.create_element("testsuites"), name);
    let root = counted(root, &suites.iter().flat_map(|(_, checks)| *checks));
    root.write_inner_content(|xml| {
        suites.iter().try_for_each(|(name, checks)| {
            let mut suite = named(xml.create_element("testsuite"), name);
            if let Some(utc) = started_utc {
                let utc = short(utc, NAME_MAX);
                suite = suite.with_attribute(("timestamp", utc.trim_end_matches('Z')));
            }
            let suite = counted(suite, &checks.iter());
            suite.write_inner_content(|xml| checks.iter().try_for_each(|one| test(xml, one)))?;
            Ok(())
        })
    })?;
    let mut bytes = xml.into_inner();
    bytes.push(b'\n');
    Ok(bytes)
}

fn named<'a>(element: Element<'a>, name: &str) -> Element<'a> {
    element.with_attribute(("name", short(name, NAME_MAX).as_str()))
}

fn counted<'a, 'c>(
    element: Element<'a>,
    checks: &(impl Iterator<Item = &'c Check> + Clone),
) -> Element<'a> {
    let count = |state: State| checks.clone().filter(|check| check.state == state).count();
    let counts = [
        ("tests", checks.clone().count()),
        ("failures", count(State::Bad)),
        ("errors", count(State::Broken)),
        ("skipped", count(State::Open)),
    ];
    let add = |element: Element<'a>, (name, count): (&str, usize)| {
        element.with_attribute((name, count.to_string().as_str()))
    };
    counts.into_iter().fold(element, add)
}

fn test(xml: &mut Xml, check: &Check) -> io::Result<()> {
    let class = short(&check.group, NAME_MAX);
    let element = xml.create_element("testcase").with_attribute(("classname", class.as_str()));
    let mut element = named(element, &check.name);
    if let Some(ns) = check.taken_ns {
        element = element.with_attribute(("time", format!("{:.6}", ns as f64 / 1e9).as_str()));
    }
    let tag = match check.state {
        State::Good | State::Better => return element.write_empty().map(drop),
        // It passed, and not without more ado.
        State::Weak => "system-out",
        State::Bad => "failure",
        State::Broken => "error",
        State::Open => "skipped",
    };
    let says = short(&check.says, MESSAGE_MAX);
    let more = check.more.lines().take(LINES_MAX).map(|line| short(line, MESSAGE_MAX));
    let text = std::iter::once(says.clone()).chain(more).collect::<Vec<_>>().join("\n");
    element.write_inner_content(|xml| {
        let mut inner = xml.create_element(tag);
        if check.state != State::Weak {
            inner = inner.with_attribute(("message", says.as_str()));
        }
        if check.state == State::Open {
            return inner.write_empty().map(drop);
        }
        // Some readers show the attribute, some the text.
        if check.is_wrong() {
            inner = inner.with_attribute(("type", check.code));
        }
        inner.write_text_content(BytesText::new(&text)).map(drop)
    })?;
    Ok(())
}
