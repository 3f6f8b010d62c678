//! Which cases the user wants: criterion's filter words.

use caxton_model::case::CaseKey;
use regex::Regex;

#[derive(Debug)]
pub(crate) struct Filter {
    patterns: Vec<Regex>,
}

#[derive(Debug, thiserror::Error)]
#[error("filter {pattern:?} is no regular expression ({why}): use --exact for a literal name")]
pub(crate) struct BadFilter {
    pattern: String,
    why: String,
}

impl Filter {
    /// Takes a case that matches any of `words`; with no words, each case.
    pub(crate) fn new(words: &[String], exact: bool) -> Result<Self, BadFilter> {
        let pattern = |word: &String| {
            let literal = || format!("^{}$", regex::escape(word));
            let regex = if exact { Regex::new(&literal()) } else { Regex::new(word) };
            regex.map_err(|error| BadFilter { pattern: word.clone(), why: reason(&error) })
        };
        Ok(Self { patterns: words.iter().map(pattern).collect::<Result<_, _>>()? })
    }

    pub(crate) fn takes(&self, case: &CaseKey) -> bool {
        self.takes_text(&case.to_string())
    }

    /// The same of another name.
    pub(crate) fn takes_text(&self, name: &str) -> bool {
        self.patterns.is_empty() || self.patterns.iter().any(|pattern| pattern.is_match(name))
    }
}

/// The last line of the parser's picture of what is wrong.
fn reason(error: &regex::Error) -> String {
    let text = error.to_string();
    let last = text.lines().last().unwrap_or_default().trim();
    last.strip_prefix("error: ").unwrap_or(last).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn takes(words: &[&str], exact: bool) -> bool {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        let case = CaseKey::new("wasm", "overhead", "wasmtime-vs-native", "json");
        Filter::new(&words, exact).expect("valid").takes(&case)
    }

    #[test]
    fn filters_are_regexes_unless_exact() {
        assert!(takes(&[], false));
        assert!(takes(&["json"], false) && takes(&["vm", "js.n$"], false));
        assert!(!takes(&["vm"], false));
        assert!(!takes(&["json"], true));
        assert!(takes(&["wasm/overhead/wasmtime-vs-native/json"], true));
    }

    #[test]
    fn a_broken_pattern_is_told_in_one_line() {
        let error = Filter::new(&["(".to_owned()], false).expect_err("unclosed").to_string();
        assert!(error.contains("\"(\"") && error.lines().count() == 1, "{error}");
    }
}
