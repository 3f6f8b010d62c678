//! A source as Rust: the names in it, its functions, its literals, and the lines of its tests.

use proc_macro2::{Delimiter, Ident, Literal, TokenStream, TokenTree};
use std::ops::RangeInclusive;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Attribute, ImplItem, Item, Meta};

/// A path such as `a::b`, or a word: in code, in a macro, or in a `use` with its groups resolved.
/// A path from the root (`::a`) begins with an empty word.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Name {
    /// From 1, as everywhere here.
    pub(crate) line: usize,
    pub(crate) path: Vec<String>,
}

impl Name {
    /// True if the words of `part`, such as `process::exit`, stand in this name in a row.
    pub(crate) fn holds(&self, part: &str) -> bool {
        let part: Vec<&str> = part.split("::").collect();
        self.path.windows(part.len()).any(|words| words == part)
    }

    /// True for a path that begins in the crate `name`.
    pub(crate) fn begins_in(&self, name: &str) -> bool {
        let words = self.path.iter().filter(|word| !word.is_empty());
        self.path.len() > 1 && words.into_iter().next().is_some_and(|first| first == name)
    }
}

/// A path from the root may follow them.
const KEYWORDS: [&str; 8] = ["as", "dyn", "else", "impl", "in", "mut", "return", "use"];

/// The lines of a function or a literal.
pub(crate) type Lines = RangeInclusive<usize>;

/// What the rules ask of a source. Comments are no part of it.
#[derive(Debug, Default)]
pub(crate) struct Syntax {
    pub(crate) names: Vec<Name>,
    /// From `fn` to the closing brace, inside of macros too.
    pub(crate) functions: Vec<Lines>,
    pub(crate) literals: Vec<(Lines, String)>,
    /// Items that only tests are built with.
    tests: Vec<Lines>,
}

impl Syntax {
    pub(crate) fn new(text: &str) -> Self {
        let mut syntax = Self::default();
        if let Ok(tokens) = text.parse() {
            syntax.read(tokens, &[]);
        }
        // An example may be a statement, which is no file.
        if let Ok(file) = syn::parse_file(text) {
            let mut items = TestItems(Vec::new());
            items.visit_file(&file);
            syntax.tests = items.0;
        }
        syntax
    }

    /// True for a line that is built without tests too.
    pub(crate) fn is_shipped(&self, line: usize) -> bool {
        !self.tests.iter().any(|lines| lines.contains(&line))
    }

    /// True for a line that begins in the middle of a literal.
    pub(crate) fn is_within_literal(&self, line: usize) -> bool {
        self.literals.iter().any(|(lines, _)| lines.contains(&line) && *lines.start() != line)
    }

    fn read(&mut self, tokens: TokenStream, prefix: &[String]) {
        let mut reader = Reader { syntax: self, prefix, path: None, function: None };
        let mut colons = 0;
        for token in tokens {
            let is_joined = colons == 2;
            colons = match &token {
                TokenTree::Punct(punct) if punct.as_char() == ':' => colons + 1,
                _ => 0,
            };
            match token {
                TokenTree::Ident(word) => reader.word(&word, is_joined),
                TokenTree::Group(group) if is_joined && group.delimiter() == Delimiter::Brace => {
                    let path = reader.path.take().map_or_else(Vec::new, |name| name.path);
                    reader.syntax.read(group.stream(), &path);
                }
                // Who may see an item is nothing that its module needs.
                TokenTree::Group(_) if reader.is_after("pub") => reader.end(),
                TokenTree::Group(group) => {
                    reader.end();
                    if group.delimiter() == Delimiter::Brace {
                        reader.body(group.span_close().end().line);
                    }
                    if !is_documentation(&group.stream()) {
                        reader.syntax.read(group.stream(), &[]);
                    }
                }
                TokenTree::Literal(literal) => reader.literal(&literal),
                TokenTree::Punct(punct) => reader.punct(punct.as_char(), is_joined, colons),
            }
        }
        reader.end();
    }
}

/// A comment for readers of the documentation arrives as the attribute `doc`.
fn is_documentation(tokens: &TokenStream) -> bool {
    matches!(tokens.clone().into_iter().next(), Some(TokenTree::Ident(name)) if name == "doc")
}

/// Reads the tokens of one group.
struct Reader<'a> {
    syntax: &'a mut Syntax,
    /// In a group of a `use`, the path before the group.
    prefix: &'a [String],
    /// The name that is not at its end yet.
    path: Option<Name>,
    /// The line of a function's `fn`, until its body.
    function: Option<usize>,
}

impl Reader<'_> {
    fn word(&mut self, word: &Ident, is_joined: bool) {
        let line = word.span().start().line;
        if self.is_after("fn") && !is_joined {
            self.function = self.path.as_ref().map(|name| name.line);
        }
        if !is_joined {
            self.end();
        }
        let prefix = self.prefix;
        let start = || {
            let root = if is_joined { vec![String::new()] } else { prefix.to_vec() };
            Name { line, path: root }
        };
        self.path.get_or_insert_with(start).path.push(word.to_string());
    }

    fn is_after(&self, word: &str) -> bool {
        self.path.as_ref().is_some_and(|name| name.path == [word])
    }

    fn punct(&mut self, punct: char, is_joined: bool, colons: usize) {
        if is_joined && punct == '*' {
            self.path.iter_mut().for_each(|name| name.path.push("*".to_owned()));
        }
        let is_keyword = |name: &Name| KEYWORDS.contains(&name.path.join("::").as_str());
        if colons == 0 || self.path.as_ref().is_some_and(is_keyword) {
            self.end();
        }
        if punct == ';' {
            self.function = None;
        }
    }

    fn literal(&mut self, literal: &Literal) {
        self.end();
        let span = literal.span();
        let lines = span.start().line..=span.end().line;
        self.syntax.literals.push((lines, literal.to_string()));
    }

    /// Ends a function at its brace on `last`.
    fn body(&mut self, last: usize) {
        let first = self.function.take();
        self.syntax.functions.extend(first.map(|first| first..=last));
    }

    fn end(&mut self) {
        self.syntax.names.extend(self.path.take());
    }
}

/// The lines of the items that only tests are built with.
struct TestItems(Vec<Lines>);

impl<'ast> Visit<'ast> for TestItems {
    fn visit_item(&mut self, item: &'ast Item) {
        if attributes(item).iter().any(is_of_tests) {
            self.0.push(item.span().start().line..=item.span().end().line);
        } else {
            visit::visit_item(self, item);
        }
    }

    fn visit_impl_item(&mut self, item: &'ast ImplItem) {
        if let ImplItem::Fn(function) = item
            && function.attrs.iter().any(is_of_tests)
        {
            self.0.push(item.span().start().line..=item.span().end().line);
        }
    }
}

/// `#[cfg(test)]` and `#[test]`.
pub(crate) fn is_of_tests(attribute: &Attribute) -> bool {
    match &attribute.meta {
        Meta::Path(path) => path.is_ident("test"),
        Meta::List(list) => list.path.is_ident("cfg") && list.tokens.to_string() == "test",
        Meta::NameValue(_) => false,
    }
}

/// The attributes of the items that may be tests' own.
pub(crate) fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

#[test]
fn names_are_paths_with_their_groups_resolved() {
    let names = |text: &str| -> Vec<String> {
        Syntax::new(text).names.iter().map(|name| name.path.join("::")).collect()
    };
    for (text, expected) in [
        ("use a::{b, c::{self, d}, e::*};", "use a::b a::c::self a::c::d a::e::*"),
        ("use ::a::b;", "use ::a::b"),
        ("pub(in a::b) struct C(pub(crate) d::E);", "pub struct C pub d::E"),
        ("fn a(b: c::D) -> ::e::F { g!(h::i(\"j::k\")) }", "fn a b c::D ::e::F g h::i"),
        ("/// a::b\nstruct C; // d::e", "struct C"),
        ("x(a::b, c /* d */ :: e)", "x a::b c::e"),
    ] {
        assert_eq!(names(text).join(" "), expected, "{text}");
    }
}

#[test]
fn functions_are_measured_from_name_to_brace() {
    let code = "fn a() -> [u8; 3] {\n    if b { c }\n}\ntrait T {\n    fn d(&self);\n    \
                fn e(f: fn(u8)) where [u8; 1]: Sized\n    {\n    }\n}\nm! { fn g() {\n} }\n";
    assert_eq!(Syntax::new(code).functions, [1..=3, 6..=8, 10..=11]);
}

#[test]
fn lines_that_begin_in_a_literal_are_known() {
    let syntax = Syntax::new("a\nb(\"c\nd\n\"); // e\n/* f\n */ g('\"');\n");
    let within: Vec<usize> = (1..8).filter(|line| syntax.is_within_literal(*line)).collect();
    assert_eq!(within, [3, 4]);
}

#[test]
fn lines_of_tests_are_known() {
    let text = "fn a() {}\n#[cfg(test)]\n#[path = \"x\"]\nmod tests;\nmod b {\n#[cfg(test)]\n\
                fn c() {\n}\n}\nimpl D {\n/// E.\n#[cfg(test)]\nfn f() {}\n}\n";
    let syntax = Syntax::new(text);
    let shipped: Vec<usize> = (1..=14).filter(|line| syntax.is_shipped(*line)).collect();
    assert_eq!(shipped, [1, 5, 9, 10, 14]);
}
