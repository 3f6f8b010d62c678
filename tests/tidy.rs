//! The rules of the tree that no compiler checks. Each is one test, which first proves on small
//! examples that its rule can fail.

mod imposed;
mod shape;
pub(crate) mod syntax;
mod tree;

use crate::capability;
use crate::executable::root;
use caxton_sys::surroundings::REPOSITORY_VARIABLES;
use regex::Regex;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Output};
use std::sync::OnceLock;
use std::{fs, io};
use syntax::Syntax;

/// A file of the tree.
pub(crate) struct Source {
    /// From the root.
    pub(crate) path: String,
    pub(crate) text: String,
    is_executable: bool,
    syntax: OnceLock<Syntax>,
}

impl Source {
    pub(crate) fn new(path: &str, text: &str, is_executable: bool) -> Self {
        let (path, text) = (path.to_owned(), text.to_owned());
        Self { path, text, is_executable, syntax: OnceLock::new() }
    }

    pub(crate) fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    /// Read once, and only for a rule that asks. Empty for what is not Rust.
    pub(crate) fn syntax(&self) -> &Syntax {
        let text = if self.is_rust() { &*self.text } else { "" };
        self.syntax.get_or_init(|| Syntax::new(text))
    }

    /// True for a file that holds nothing but tests.
    pub(crate) fn is_all_tests(&self) -> bool {
        let name = self.path.rsplit('/').next().unwrap_or_default();
        self.path.starts_with("tests/") || name == "tests.rs" || name.ends_with("_tests.rs")
    }

    /// How many lines are built without tests too.
    pub(crate) fn shipped_lines(&self) -> usize {
        let lines = self.text.lines().count();
        (1..=lines).filter(|line| self.syntax().is_shipped(*line)).count()
    }

    pub(crate) fn is_in(&self, folder: &str) -> bool {
        self.path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
    }
}

/// The lines of `text`, from 1, in which `pattern` is found.
pub(crate) fn lines_with(text: &str, pattern: &str) -> Vec<usize> {
    let pattern = Regex::new(pattern).expect("a pattern of ours");
    let found = (1..).zip(text.lines()).filter(|(_, line)| pattern.is_match(line));
    found.map(|(number, _)| number).collect()
}

/// A file as an example: its path and its text.
pub(crate) type Example = (&'static str, &'static str);

/// One rule of the tree.
pub(crate) struct Rule {
    /// The rule, as a sentence.
    pub(crate) says: &'static str,
    /// The lines of a file that break it, from 1.
    pub(crate) broken: fn(&Source) -> Vec<usize>,
    /// Each must break it.
    pub(crate) bad: &'static [Example],
    /// Each must keep it.
    pub(crate) good: &'static [Example],
}

impl Rule {
    /// Asserts that the rule can fail, that it does not fail too much, and that the tree keeps it.
    pub(crate) fn hold(&self) {
        for (path, text) in self.bad {
            let lines = (self.broken)(&Source::new(path, text, true));
            assert!(!lines.is_empty(), "{path} must break the rule: {}\n{text}", self.says);
        }
        for (path, text) in self.good {
            let lines = (self.broken)(&Source::new(path, text, true));
            assert!(lines.is_empty(), "{path} keeps the rule: {}: {lines:?}\n{text}", self.says);
        }
        let Some(sources) = sources() else { return };
        let broken: Vec<String> = sources.iter().flat_map(|source| self.places(source)).collect();
        assert!(broken.is_empty(), "{}\n{}", self.says, broken.join("\n"));
    }

    fn places(&self, source: &Source) -> Vec<String> {
        let place = |line: usize| {
            let text = source.text.lines().nth(line - 1).unwrap_or_default().trim();
            format!("{}:{line}: {text}", source.path)
        };
        (self.broken)(source).into_iter().map(place).collect()
    }
}

/// What git says in the checkout, whatever repository a surrounding hook has in mind.
pub(crate) fn git(words: &[&str]) -> io::Result<Output> {
    let mut command = Command::new("git");
    for name in REPOSITORY_VARIABLES {
        command.env_remove(name);
    }
    command.args(words).current_dir(root()).output()
}

/// Every text file that git keeps or would take; none outside a checkout.
pub(crate) fn sources() -> Option<&'static [Source]> {
    static SOURCES: OnceLock<Option<Vec<Source>>> = OnceLock::new();
    SOURCES.get_or_init(listed).as_deref()
}

fn listed() -> Option<Vec<Source>> {
    let words = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
    let listed = git(&words);
    let listed = match listed {
        Ok(output) if output.status.success() => output.stdout,
        Ok(output) => {
            capability::absent("git", String::from_utf8_lossy(&output.stderr).trim());
            return None;
        }
        Err(error) => {
            capability::absent("git", &error.to_string());
            return None;
        }
    };
    let listed = String::from_utf8(listed).expect("plain names");
    let mut paths: Vec<&str> = listed.split('\0').filter(|path| !path.is_empty()).collect();
    paths.sort_unstable();
    paths.dedup();
    let sources: Vec<Source> = paths.into_iter().filter_map(source).collect();
    assert!(sources.iter().any(Source::is_rust), "there are sources");
    Some(sources)
}

/// The file at `path`, if it is there and is text.
fn source(path: &str) -> Option<Source> {
    let file = root().join(path);
    let text = String::from_utf8(fs::read(&file).ok()?).ok()?;
    let mode = fs::metadata(&file).ok()?.permissions().mode();
    Some(Source::new(path, &text, mode & 0o111 == 0o111))
}
