//! Figures of the sources that may only go down: parameters that slip past clippy, type names
//! with more than one meaning, lines.

use super::modules::Modules;
use crate::tidy::{Source, sources};
use std::collections::BTreeMap;
use syn::visit::{self, Visit};
use syn::{FnArg, Ident, Pat, Signature};

/// Functions with a tuple for a parameter, or with more than five.
const CROWDED_MAX: usize = 2;
/// Lines of Rust that are built without tests.
const PRODUCT_LINES_MAX: usize = 72_300;
/// All lines of Rust.
const LINES_MAX: usize = 110_300;
/// A ceiling this far above the figure holds nothing.
const SLACK: f64 = 0.02;

/// Names that more than one type has. It can only shrink.
const SHARED_NAMES: &str = "\
    Answer AnyVersion Bench Bounds Builder Check Column Command Compare Counts Entry Found \
    Generator Guests Host Job Kind Layout Loaded Look Names Order Outcome Pace Page Place Places \
    Point Reference Row Run Scale Schedule Section Seen Series Settings Shape Side Site Source \
    Stage Suite System Target Times Told Tone Trial Turn Unwinder Verdict Written";

const PARAMETERS_MAX: usize = 5;

/// What a source declares outside its tests.
#[derive(Default)]
struct Declared {
    types: Vec<(usize, String)>,
    /// The lines of functions with parameters without names, or with too many.
    crowded: Vec<usize>,
}

impl Declared {
    fn new(source: &Source) -> Self {
        let file = syn::parse_file(&source.text).unwrap_or_else(|e| panic!("{}: {e}", source.path));
        let mut declared = Self::default();
        declared.visit_file(&file);
        declared.types.retain(|(line, _)| source.syntax().is_shipped(*line));
        declared.crowded.retain(|line| source.syntax().is_shipped(*line));
        declared
    }

    fn add(&mut self, name: &Ident) {
        self.types.push((name.span().start().line, name.to_string()));
    }
}

impl<'ast> Visit<'ast> for Declared {
    fn visit_item_enum(&mut self, item: &'ast syn::ItemEnum) {
        self.add(&item.ident);
    }

    fn visit_item_struct(&mut self, item: &'ast syn::ItemStruct) {
        self.add(&item.ident);
    }

    fn visit_item_type(&mut self, item: &'ast syn::ItemType) {
        self.add(&item.ident);
    }

    fn visit_item_trait(&mut self, item: &'ast syn::ItemTrait) {
        self.add(&item.ident);
        visit::visit_item_trait(self, item);
    }

    fn visit_signature(&mut self, signature: &'ast Signature) {
        let is_tuple = |input: &FnArg| match input {
            FnArg::Typed(typed) => match &*typed.pat {
                Pat::Reference(reference) => matches!(*reference.pat, Pat::Tuple(_)),
                pattern => matches!(pattern, Pat::Tuple(_)),
            },
            FnArg::Receiver(_) => false,
        };
        let inputs = &signature.inputs;
        if inputs.len() > PARAMETERS_MAX || inputs.iter().any(is_tuple) {
            self.crowded.push(signature.ident.span().start().line);
        }
    }
}

/// The sources of which products are built, the harness's alone or the agents' too.
pub(super) fn product<'a>(all: &'a [Source], folders: &[&str]) -> Vec<&'a Source> {
    let is_root = |source: &&Source| {
        let parts: Vec<&str> = source.path.split('/').collect();
        match parts[..] {
            // The fixture, the fuzzer and the peers are for tests.
            ["harness", "fixture" | "fuzz" | "peers", ..] => false,
            [folder, _, "src", "lib.rs" | "main.rs"]
            | [folder, _, "build.rs"]
            | [folder, _, "benches", _] => folders.contains(&folder) && source.is_rust(),
            _ => false,
        }
    };
    let modules = all.iter().filter(is_root).map(|root| Modules::new(all, root));
    modules.flat_map(|modules| Vec::from_iter(modules.sources())).collect()
}

/// Why `figure` does not fit `ceiling`.
fn misfit(what: &str, figure: usize, ceiling: usize, slack: f64) -> Option<String> {
    #[expect(clippy::cast_precision_loss, reason = "both are small")]
    let share = figure as f64 / ceiling as f64;
    if figure > ceiling {
        Some(format!("{what}: {figure}, more than the {ceiling} that may only go down"))
    } else if share < 1.0 - slack {
        Some(format!("{what}: {figure}, fewer than {ceiling}: lower the ceiling"))
    } else {
        None
    }
}

#[test]
fn lines_only_go_down() {
    let wrong = |figure| misfit("lines", figure, 1000, SLACK).is_some();
    assert_eq!([979, 980, 1000, 1001].map(wrong), [true, false, false, true]);
    let Some(sources) = sources() else { return };
    let shipped = product(sources, &["agents-wasm", "harness"]);
    let shipped = shipped.iter().map(|source| source.shipped_lines()).sum();
    let all = sources.iter().filter(|source| source.is_rust());
    let all = all.map(|source| source.text.lines().count()).sum();
    let product = misfit("lines of the product", shipped, PRODUCT_LINES_MAX, SLACK);
    let total = misfit("lines of Rust", all, LINES_MAX, SLACK);
    assert_eq!(Vec::from_iter(product.into_iter().chain(total)), [""; 0]);
}

#[test]
fn parameters_have_names_and_are_few() {
    let crowded = |text: &str| Declared::new(&Source::new("a.rs", text, false)).crowded;
    for bad in [
        "fn a((b, c): (u8, u8)) {}\n",
        "fn a(&(b, c): &(u8, u8)) {}\n",
        "impl A { fn a(&self, b: u8, c: u8, d: u8, e: u8, f: u8) {} }\n",
        "trait A { fn a((b, c): (u8, u8)); }\n",
    ] {
        assert_eq!(crowded(bad), [1], "{bad}");
    }
    for good in [
        "fn a(b: (u8, u8), c: u8, d: u8, e: u8, f: u8) {}\n",
        "fn a() { b(|(c, d)| c) }\n",
        "#[cfg(test)]\nmod tests { fn a((b, c): (u8, u8)) {} }\n",
    ] {
        assert_eq!(crowded(good), [0; 0], "{good}");
    }
    let Some(sources) = sources() else { return };
    let places = product(sources, &["agents-wasm", "harness"]).into_iter().flat_map(|source| {
        let lines = Declared::new(source).crowded.into_iter();
        lines.map(|line| format!("{}:{line}", source.path))
    });
    let places: Vec<String> = places.collect();
    let wrong = misfit("functions", places.len(), CROWDED_MAX, 0.0);
    assert!(wrong.is_none(), "{wrong:?}\n{}", places.join("\n"));
}

/// The names of more than one type that `shared` does not have, and those of it that no two have.
fn wrong_names(sources: &[&Source], shared: &str) -> Vec<String> {
    let mut places: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for source in sources {
        for (line, name) in Declared::new(source).types {
            places.entry(name).or_default().push(format!("{}:{line}", source.path));
        }
    }
    places.retain(|_, places| places.len() > 1);
    let new = places.iter().filter(|(name, _)| !shared.split(' ').any(|known| known == *name));
    let new = new.map(|(name, places)| format!("{name} is {}", places.join(", ")));
    let gone = shared.split(' ').filter(|name| !name.is_empty() && !places.contains_key(*name));
    let gone = gone.map(|name| format!("{name} is one type at most: strike it out"));
    new.chain(gone).collect()
}

#[test]
fn a_type_has_a_name_of_its_own() {
    let one = Source::new("a.rs", "struct A;\nenum B {}\n#[cfg(test)]\nstruct C;\n", false);
    let other = Source::new("b.rs", "trait A {}\nmod b { type D = C; }\nstruct C;\n", false);
    let planted = |shared: &str| wrong_names(&[&one, &other], shared);
    assert_eq!(planted(""), ["A is a.rs:1, b.rs:1"]);
    assert_eq!(planted("A"), [""; 0]);
    assert_eq!(planted("A B"), ["B is one type at most: strike it out"]);
    let Some(sources) = sources() else { return };
    let wrong = wrong_names(&product(sources, &["harness"]), SHARED_NAMES);
    assert!(wrong.is_empty(), "name it after what it is in its field\n{}", wrong.join("\n"));
}
