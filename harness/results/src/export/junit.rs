//! JUnit XML: a test case per question ([`checks`](super::checks)). What is not as it should be is
//! a failure, with what was seen and what was asked; what broke is an error; what nobody knows is
//! skipped. `time` is in seconds, and absent where nobody looked.

use crate::export::ExportError;
use crate::export::checks::{Check, Kind, State, of_comparison, of_run};
use crate::export::label::short;
use crate::paired::comparison::Comparison;
use crate::record::{Record, Run};
use crate::samples::Sample;
use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};
use std::io;

/// Longest name.
const NAME_MAX: usize = 512;
/// Longest message.
const MESSAGE_MAX: usize = 2000;

type Xml = Writer<Vec<u8>>;

/// Cases, targets and bars of a run.
pub(super) fn export(record: &Record, _: &[Sample]) -> Result<Vec<u8>, ExportError> {
    document(&record.run, &of_run(record))
}

/// Cases and verdicts of a comparison.
pub(super) fn compared(comparison: &Comparison) -> Result<Vec<u8>, ExportError> {
    document(&comparison.run, &of_comparison(comparison))
}

fn document(run: &Run, checks: &[Check]) -> Result<Vec<u8>, ExportError> {
    write(run, checks).map_err(|e| ExportError { format: "junit", why: e.to_string() })
}

fn write(run: &Run, checks: &[Check]) -> io::Result<Vec<u8>> {
    let mut xml = Writer::new_with_indent(Vec::new(), b' ', 2);
    xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let all: Vec<&Check> = checks.iter().collect();
    let name = short(&format!("caxton-bench {}", run.id), NAME_MAX);
    let counts = counts(&all);
    let root = xml.create_element("testsuites").with_attribute(("name", name.as_str()));
    let root = counts.iter().fold(root, |e, (name, n)| e.with_attribute((*name, n.as_str())));
    root.write_inner_content(|xml| {
        for kind in Kind::ALL {
            let own: Vec<&Check> = checks.iter().filter(|check| check.kind == kind).collect();
            if !own.is_empty() {
                suite(xml, (kind, run), &own)?;
            }
        }
        Ok(())
    })?;
    let mut bytes = xml.into_inner();
    bytes.push(b'\n');
    Ok(bytes)
}

fn counts(checks: &[&Check]) -> [(&'static str, String); 4] {
    let count = |states: &[State]| {
        checks.iter().filter(|check| states.contains(&check.state)).count().to_string()
    };
    [
        ("tests", checks.len().to_string()),
        ("failures", count(&[State::Bad])),
        ("errors", count(&[State::Broken])),
        ("skipped", count(&[State::Open])),
    ]
}

fn suite(xml: &mut Xml, (kind, run): (Kind, &Run), checks: &[&Check]) -> io::Result<()> {
    let timestamp = short(&run.started_utc, NAME_MAX);
    let [name, _] = kind.words();
    let element = xml.create_element("testsuite").with_attribute(("name", name));
    let element = element.with_attribute(("timestamp", timestamp.trim_end_matches('Z')));
    let counts = counts(checks);
    let element = counts.iter().fold(element, |e, (name, n)| e.with_attribute((*name, n.as_str())));
    element.write_inner_content(|xml| {
        for check in checks {
            case(xml, check)?;
        }
        Ok(())
    })?;
    Ok(())
}

fn case(xml: &mut Xml, check: &Check) -> io::Result<()> {
    let [group, name] = [&check.group, &check.name].map(|text| short(text, NAME_MAX));
    let element = xml
        .create_element("testcase")
        .with_attribute(("classname", group.as_str()))
        .with_attribute(("name", name.as_str()));
    let seconds = check.taken_ns.map(|ns| format!("{:.6}", ns as f64 / 1e9));
    let element = match &seconds {
        Some(seconds) => element.with_attribute(("time", seconds.as_str())),
        None => element,
    };
    let says = short(&check.says, MESSAGE_MAX);
    let inner = match check.state {
        State::Good | State::Better | State::Weak => None,
        State::Bad => Some(("failure", "bad")),
        State::Broken => Some(("error", "broken")),
        State::Open => Some(("skipped", "")),
    };
    let Some((tag, kind)) = inner else {
        element.write_empty()?;
        return Ok(());
    };
    element.write_inner_content(|xml| {
        let inner = xml.create_element(tag).with_attribute(("message", says.as_str()));
        if kind.is_empty() {
            inner.write_empty()?;
        } else {
            // Some readers show the attribute, some the text.
            let inner = inner.with_attribute(("type", kind));
            inner.write_text_content(BytesText::new(&says))?;
        }
        Ok(())
    })?;
    Ok(())
}
