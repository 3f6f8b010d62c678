//! Just enough of Rust's grammar for the rules: what is a comment, what is a literal, where a
//! function ends. It parses nothing.

use regex::Regex;
use std::collections::BTreeSet;

/// A source with parts of it replaced by blanks; lines and columns stay.
#[derive(Debug, Default)]
pub(super) struct Blanked {
    /// Without comments and without literals.
    pub(super) code: String,
    /// Without comments.
    pub(super) uncommented: String,
    /// The lines, from 1, that begin in the middle of a literal.
    pub(super) within_literal: BTreeSet<usize>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Code,
    Literal,
    Comment,
}

/// Blanks comments and literals out.
pub(super) fn blank(text: &str) -> Blanked {
    let chars: Vec<char> = text.chars().collect();
    let mut blanked = Blanked::default();
    let (mut at, mut line) = (0, 1);
    while at < chars.len() {
        let (kind, length) = token(&chars, at);
        let end = (at + length).min(chars.len());
        for &c in &chars[at..end] {
            let blank = if c == '\n' { '\n' } else { ' ' };
            line += usize::from(c == '\n');
            if c == '\n' && kind == Kind::Literal {
                blanked.within_literal.insert(line);
            }
            blanked.code.push(if kind == Kind::Code { c } else { blank });
            blanked.uncommented.push(if kind == Kind::Comment { blank } else { c });
        }
        at = end;
    }
    blanked
}

/// The kind and length of what begins at `at`.
fn token(chars: &[char], at: usize) -> (Kind, usize) {
    let rest = &chars[at..];
    let until = |end: usize| (Kind::Literal, end);
    match rest {
        ['/', '/', ..] => (Kind::Comment, rest.iter().take_while(|c| **c != '\n').count()),
        ['/', '*', ..] => (Kind::Comment, block_comment(rest)),
        ['"', ..] => until(1 + quoted(&rest[1..])),
        ['\'', '\\', _, tail @ ..] => until(4 + tail.iter().take_while(|c| **c != '\'').count()),
        ['\'', _, '\'', ..] => until(3),
        ['r', '"' | '#', ..] if !follows_name(chars, at) => match raw(rest) {
            Some(length) => until(length),
            None => (Kind::Code, 1),
        },
        _ => (Kind::Code, 1),
    }
}

/// True where what stands at `at` is the rest of a name; the `b` and `c` of `br"` are none.
fn follows_name(chars: &[char], at: usize) -> bool {
    let is_name = |back: usize| {
        let c = at.checked_sub(back).map(|at| chars[at]);
        c.filter(|c| c.is_alphanumeric() || *c == '_')
    };
    match is_name(1) {
        Some('b' | 'c') => is_name(2).is_some(),
        before => before.is_some(),
    }
}

fn block_comment(rest: &[char]) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < rest.len() {
        match rest[at..] {
            ['/', '*', ..] => (depth, at) = (depth + 1, at + 2),
            ['*', '/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at
}

/// Length of a string's rest, its closing quote included.
fn quoted(rest: &[char]) -> usize {
    let mut at = 0;
    while at < rest.len() {
        match rest[at] {
            '\\' => at += 2,
            '"' => return at + 1,
            _ => at += 1,
        }
    }
    at
}

/// Length of the raw string at the start of `rest`; none if it is a raw name such as `r#fn`.
fn raw(rest: &[char]) -> Option<usize> {
    let hashes = rest[1..].iter().take_while(|c| **c == '#').count();
    let open = 1 + hashes;
    if rest.get(open) != Some(&'"') {
        return None;
    }
    let close: Vec<char> = std::iter::once('"').chain((0..hashes).map(|_| '#')).collect();
    let body = rest[open + 1..].windows(close.len()).position(|window| window == close);
    Some(body.map_or(rest.len(), |body| open + 1 + body + close.len()))
}

/// `text` up to its tests, where they stand at its foot.
pub(super) fn without_test_tail(text: &str) -> &str {
    let pattern = r"(?m)^#\[cfg\(test\)\]\n(?:#\[.*\]\n)*mod tests\b";
    let tail = Regex::new(pattern).expect("a pattern of ours").find(text);
    &text[..tail.map_or(text.len(), |tail| tail.start())]
}

/// A function of a source.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Function {
    /// Its first line, from 1.
    pub(super) line: usize,
    /// From its first line to its last.
    pub(super) lines: usize,
}

/// The functions of `code`, which has neither comments nor literals.
pub(super) fn functions(code: &str) -> Vec<Function> {
    let pattern = Regex::new(r"\bfn\s+\w+").expect("a pattern of ours");
    let line_of = |at: usize| code[..at].matches('\n').count() + 1;
    let function = |found: regex::Match<'_>| {
        let open = body(&code[found.end()..])? + found.end();
        let line = line_of(found.start());
        Some(Function { line, lines: line_of(open + closing(&code[open..])) - line + 1 })
    };
    pattern.find_iter(code).filter_map(function).collect()
}

/// Where a function's body opens after its name; none for one without a body.
fn body(rest: &str) -> Option<usize> {
    let mut depth = 0;
    for (at, c) in rest.char_indices() {
        match c {
            '(' | '[' => depth += 1,
            ')' | ']' => depth -= 1,
            '{' if depth == 0 => return Some(at),
            ';' if depth == 0 => return None,
            _ => {}
        }
    }
    None
}

/// Where the brace that `rest` begins with is closed.
fn closing(rest: &str) -> usize {
    let mut depth = 0;
    for (at, c) in rest.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at;
        }
    }
    rest.len()
}

#[test]
fn comments_and_literals_become_blanks() {
    for (text, code, uncommented) in [
        ("a // b\nc", "a     \nc", "a     \nc"),
        ("a /* b /* c */ d */ e", "a                   e", "a                   e"),
        ("f(\"x\\\"y\") + 'z'", "f(      ) +    ", "f(\"x\\\"y\") + 'z'"),
        ("'\\'' '\\u{41}' &'a str", "              &'a str", "'\\'' '\\u{41}' &'a str"),
        ("r#\"a\"b\"# r\"\\\" c", "              c", "r#\"a\"b\"# r\"\\\" c"),
        ("r#fn for_r\"x\"", "r#fn for_r   ", "r#fn for_r\"x\""),
        ("br\"//\" x", "b      x", "br\"//\" x"),
        ("\"//\" y // z", "     y     ", "\"//\" y     "),
    ] {
        let blanked = blank(text);
        assert_eq!((&*blanked.code, &*blanked.uncommented), (code, uncommented), "{text}");
    }
}

#[test]
fn lines_that_begin_in_a_literal_are_known() {
    let blanked = blank("a\nb(\"c\nd\n\"); // e\n/* f\n */ g('\"');\n");
    assert_eq!(blanked.within_literal, BTreeSet::from([3, 4]));
}

#[test]
fn functions_are_measured_from_name_to_brace() {
    let code = "fn a() -> [u8; 3] {\n    if b { c }\n}\ntrait T {\n    fn d(&self);\n    \
                fn e(f: fn(u8)) where [u8; 1]: Sized\n    {\n    }\n}\n";
    let expected = [(1, 3), (6, 3)].map(|(line, lines)| Function { line, lines });
    assert_eq!(functions(code), expected);
}

#[test]
fn tests_at_the_foot_are_no_part_of_a_file() {
    assert_eq!(without_test_tail("a\n#[cfg(test)]\nmod tests {\n}\n"), "a\n");
    assert_eq!(without_test_tail("a\n#[cfg(test)]\n#[path = \"x\"]\nmod tests;\n"), "a\n");
    let other = "#[cfg(test)]\nmod fixture;\na\n";
    assert_eq!(without_test_tail(other), other);
}
