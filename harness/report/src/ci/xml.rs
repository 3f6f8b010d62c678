//! JUnit XML as all readers of it agree on: suites, their tests, and how each ended. `time` is in
//! seconds, and absent where nobody looked.

use caxton_model::sanitise::short;
use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};
use std::io;

/// Longest name.
const NAME_MAX: usize = 512;
/// Longest message, and longest line of a text.
const MESSAGE_MAX: usize = 2000;

type Xml = Writer<Vec<u8>>;

/// How a test ended; what failed or broke has a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Passed,
    Failed(&'static str),
    Broken(&'static str),
    Skipped,
}

/// A test. Its texts may be of any length and content.
#[derive(Debug, Clone)]
pub(crate) struct Test {
    pub(crate) class: String,
    pub(crate) name: String,
    pub(crate) end: End,
    /// What was seen.
    pub(crate) says: String,
    /// More of it, in lines; of what passed, what is to be known of that.
    pub(crate) body: Vec<String>,
    pub(crate) taken_ns: Option<u64>,
}

impl Test {
    pub(crate) fn new(class: &str, name: &str, end: End, says: &str) -> Self {
        let [class, name, says] = [class, name, says].map(str::to_owned);
        Self { class, name, end, says, body: Vec::new(), taken_ns: None }
    }
}

/// Tests under a name; at least one.
#[derive(Debug, Clone)]
pub(crate) struct Suite {
    pub(crate) name: String,
    pub(crate) tests: Vec<Test>,
}

/// The document of `suites`, which began at `started_utc` if anything did.
pub(crate) fn document(name: &str, started_utc: Option<&str>, suites: &[Suite]) -> String {
    let bytes = written(name, started_utc, suites).expect("a Vec takes every byte");
    String::from_utf8(bytes).expect("what is written is text")
}

fn written(name: &str, started_utc: Option<&str>, suites: &[Suite]) -> io::Result<Vec<u8>> {
    let mut xml = Writer::new_with_indent(Vec::new(), b' ', 2);
    xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let name = short(name, NAME_MAX);
    let counts = counts(suites);
    let root = xml.create_element("testsuites").with_attribute(("name", name.as_str()));
    let root = counts.iter().fold(root, |e, (name, n)| e.with_attribute((*name, n.as_str())));
    root.write_inner_content(|xml| suites.iter().try_for_each(|s| suite(xml, started_utc, s)))?;
    let mut bytes = xml.into_inner();
    bytes.push(b'\n');
    Ok(bytes)
}

fn counts(suites: &[Suite]) -> [(&'static str, String); 4] {
    let tests = || suites.iter().flat_map(|suite| &suite.tests);
    let count = |is: fn(&End) -> bool| tests().filter(|test| is(&test.end)).count().to_string();
    [
        ("tests", tests().count().to_string()),
        ("failures", count(|end| matches!(end, End::Failed(_)))),
        ("errors", count(|end| matches!(end, End::Broken(_)))),
        ("skipped", count(|end| *end == End::Skipped)),
    ]
}

fn suite(xml: &mut Xml, started_utc: Option<&str>, suite: &Suite) -> io::Result<()> {
    let name = short(&suite.name, NAME_MAX);
    let element = xml.create_element("testsuite").with_attribute(("name", name.as_str()));
    let started = started_utc.map(|utc| short(utc, NAME_MAX));
    let element = match &started {
        Some(utc) => element.with_attribute(("timestamp", utc.trim_end_matches('Z'))),
        None => element,
    };
    let counts = counts(std::slice::from_ref(suite));
    let element = counts.iter().fold(element, |e, (name, n)| e.with_attribute((*name, n.as_str())));
    element.write_inner_content(|xml| suite.tests.iter().try_for_each(|t| test(xml, t)))?;
    Ok(())
}

fn test(xml: &mut Xml, test: &Test) -> io::Result<()> {
    let [class, name] = [&test.class, &test.name].map(|text| short(text, NAME_MAX));
    let element = xml
        .create_element("testcase")
        .with_attribute(("classname", class.as_str()))
        .with_attribute(("name", name.as_str()));
    let seconds = test.taken_ns.map(|ns| format!("{:.6}", ns as f64 / 1e9));
    let element = match &seconds {
        Some(seconds) => element.with_attribute(("time", seconds.as_str())),
        None => element,
    };
    let (tag, kind) = match test.end {
        End::Passed if test.body.is_empty() => {
            element.write_empty()?;
            return Ok(());
        }
        End::Passed => {
            let lines = test.body.iter().map(|line| short(line, MESSAGE_MAX));
            let text = lines.collect::<Vec<_>>().join("\n");
            element.write_inner_content(|xml| {
                xml.create_element("system-out").write_text_content(BytesText::new(&text))?;
                Ok(())
            })?;
            return Ok(());
        }
        End::Failed(kind) => ("failure", Some(kind)),
        End::Broken(kind) => ("error", Some(kind)),
        End::Skipped => ("skipped", None),
    };
    let says = short(&test.says, MESSAGE_MAX);
    element.write_inner_content(|xml| {
        let inner = xml.create_element(tag).with_attribute(("message", says.as_str()));
        let Some(kind) = kind else {
            inner.write_empty()?;
            return Ok(());
        };
        let lines = test.body.iter().map(|line| short(line, MESSAGE_MAX));
        // Some readers show the attribute, some the text.
        let text: Vec<String> = std::iter::once(says.clone()).chain(lines).collect();
        let inner = inner.with_attribute(("type", kind));
        inner.write_text_content(BytesText::new(&text.join("\n")))?;
        Ok(())
    })?;
    Ok(())
}
