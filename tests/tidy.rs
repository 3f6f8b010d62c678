//! The rules of the tree that no compiler checks. Each is one test, which first proves on small
//! examples that its rule can fail.

mod borders;
mod code;
mod imposed;
mod shape;
mod tree;

use crate::capability;
use crate::executable::root;
use caxton_sys::surroundings::REPOSITORY_VARIABLES;
use code::{Blanked, blank, without_test_tail};
use regex::Regex;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Output};
use std::{fs, io};

/// A file of the tree.
struct Source {
    /// From the root.
    path: String,
    text: String,
    /// Its text without comments and literals, and without comments alone. Only of Rust.
    blanked: Blanked,
    is_executable: bool,
}

impl Source {
    fn new(path: &str, text: &str, is_executable: bool) -> Self {
        let is_rust = path.ends_with(".rs");
        let blanked = if is_rust { blank(text) } else { Blanked::default() };
        Self { path: path.to_owned(), text: text.to_owned(), blanked, is_executable }
    }

    fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    /// True for a file that holds nothing but tests.
    fn is_all_tests(&self) -> bool {
        let name = self.path.rsplit('/').next().unwrap_or_default();
        self.path.starts_with("tests/") || name == "tests.rs" || name.ends_with("_tests.rs")
    }

    fn is_in(&self, folder: &str) -> bool {
        self.path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
    }

    /// The code without its tests.
    fn shipped(&self) -> &str {
        let lines = without_test_tail(&self.text).lines().count();
        let ends = self.blanked.code.match_indices('\n').map(|(at, _)| at + 1);
        let end = ends.take(lines).last().unwrap_or(self.blanked.code.len());
        &self.blanked.code[..end]
    }
}

/// The lines of `text`, from 1, in which `pattern` is found.
fn lines_with(text: &str, pattern: &str) -> Vec<usize> {
    let pattern = Regex::new(pattern).expect("a pattern of ours");
    let found = (1..).zip(text.lines()).filter(|(_, line)| pattern.is_match(line));
    found.map(|(number, _)| number).collect()
}

/// A file as an example: its path and its text.
type Example = (&'static str, &'static str);

/// One rule of the tree.
struct Rule {
    /// The rule, as a sentence.
    says: &'static str,
    /// The lines of a file that break it, from 1.
    broken: fn(&Source) -> Vec<usize>,
    /// Each must break it.
    bad: &'static [Example],
    /// Each must keep it.
    good: &'static [Example],
}

impl Rule {
    /// Asserts that the rule can fail, that it does not fail too much, and that the tree keeps it.
    fn hold(&self) {
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
fn sources() -> Option<Vec<Source>> {
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
