//! What comes from guests and engines, as parts of one line.

/// The first of some names: a hostile module has as many as it likes.
pub(crate) fn some(names: impl Iterator<Item = String>) -> String {
    const NAMES_MAX: usize = 20;
    const NAME_MAX: usize = 100;
    let mut names = names.map(|name| name.chars().take(NAME_MAX).collect::<String>());
    let mut first: Vec<String> = names.by_ref().take(NAMES_MAX).collect();
    match names.count() {
        0 => {}
        more => first.push(format!("and {more} more")),
    }
    first.join(", ")
}

/// A chain of errors on one line.
pub(crate) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The last words of a program, as the end of a sentence on its death; nothing if it had none.
pub(crate) fn last_words(stderr: &[u8]) -> String {
    match one_line(&String::from_utf8_lossy(stderr)) {
        words if words.is_empty() => words,
        words => format!("; it said: {words}"),
    }
}

/// Why an end with `code` is none with `expected`.
pub(crate) fn wrong_exit(code: i32, expected: i32, stderr: &[u8]) -> String {
    format!("it exited with {code}, not with {expected}{}", last_words(stderr))
}
