//! The types that say whether something is good: one each for a figure against a limit, a metric
//! of a comparison, and a load.

use super::ceilings::product;
use crate::tidy::{Source, sources};
use std::collections::BTreeSet;
use syn::visit::{self, Visit};
use syn::{Attribute, ItemEnum, Meta};

/// The file and the name of each. A fourth is one of these, or needs a reason.
const VERDICTS: [(&str, &str); 3] = [
    ("harness/model/src/load/outcome.rs", "LoadVerdict"),
    ("harness/model/src/paired/comparison.rs", "Verdict"),
    ("harness/stats/src/limit.rs", "LimitVerdict"),
];
/// Enums that look like one and judge nothing.
const OTHERS: [(&str, &str); 7] = [
    // What a machine is like, which no figure is held against.
    ("harness/analysis/src/doctor.rs", "MachineState"),
    // Whether two replies are equal, in words: what a comparison sees, before it judges.
    ("harness/model/src/paired/answers.rs", "Answers"),
    // What a whole comparison ends in: the exit code, not a judgement of its own.
    ("harness/model/src/paired/comparison.rs", "Conclusion"),
    // Why there is no figure.
    ("harness/model/src/reading.rs", "Missing"),
    // How verdicts are shown.
    ("harness/report/src/chart/rows.rs", "Paint"),
    ("harness/report/src/checks/check.rs", "State"),
    ("harness/report/src/html/verdict.rs", "Tone"),
];

/// Ends of names by which a type claims to judge.
const NAMES: [&str; 5] = ["Verdict", "Grade", "Judgement", "Conclusion", "Standing"];
/// Words for good, bad and undecided: an enum with two of them judges, whatever its name is.
const WORDS: &str = "\
    Acceptable Bad Better Broken Clean Critical Degraded Different Fail Failed Fine Good Improved \
    Inconclusive Invalid Leak Met Missed Ok Open Pass Passed Regressed Same Suspect Unchanged \
    Unchecked Unclear Undecided Unknown Worse";

/// The enums of a file that judge.
#[derive(Default)]
struct Judges(Vec<(usize, String)>);

impl<'ast> Visit<'ast> for Judges {
    fn visit_item_enum(&mut self, item: &'ast ItemEnum) {
        let name = item.ident.to_string();
        let is_word = |name: String| WORDS.split(' ').any(|word| word == name);
        let words = item.variants.iter().filter(|variant| is_word(variant.ident.to_string()));
        let judges = words.count() >= 2 || NAMES.iter().any(|end| name.ends_with(end));
        if judges && !item.attrs.iter().any(is_remote) {
            self.0.push((item.ident.span().start().line, name));
        }
        visit::visit_item_enum(self, item);
    }
}

/// True for what gives another type names in files.
fn is_remote(attribute: &Attribute) -> bool {
    matches!(&attribute.meta, Meta::List(list)
        if list.path.is_ident("serde") && list.tokens.to_string().contains("remote"))
}

/// What `source` declares outside its tests: its path and the name.
fn judges(source: &Source) -> Vec<(&str, String)> {
    let file = syn::parse_file(&source.text).unwrap_or_else(|e| panic!("{}: {e}", source.path));
    let mut judges = Judges::default();
    judges.visit_file(&file);
    let shipped = judges.0.into_iter().filter(|(line, _)| source.syntax().is_shipped(*line));
    shipped.map(|(_, name)| (source.path.as_str(), name)).collect()
}

#[test]
fn three_types_judge() {
    let names = |text: &str| -> Vec<String> {
        judges(&Source::new("a.rs", text, false)).into_iter().map(|(_, name)| name).collect()
    };
    assert_eq!(names("enum LeakVerdict { A, B }\n"), ["LeakVerdict"]);
    assert_eq!(names("fn a() { enum Ending { Clean, Suspect, C } }\n"), ["Ending"]);
    assert_eq!(names("#[serde(remote = \"A\")]\nenum InFile { Met, Missed }\n"), [""; 0]);
    assert_eq!(names("enum Color { Good, Red }\n#[cfg(test)]\nenum B { Met, Missed }\n"), [""; 0]);
    let Some(sources) = sources() else { return };
    let found: BTreeSet<(&str, String)> =
        product(sources, &["harness"]).into_iter().flat_map(judges).collect();
    let known = VERDICTS.iter().chain(&OTHERS);
    let known = known.map(|(path, name)| (*path, (*name).to_owned())).collect();
    assert_eq!(found, known, "judge a figure by a limit, a metric of a comparison, or a load");
}
