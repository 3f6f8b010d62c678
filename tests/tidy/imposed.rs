//! The table of what the harness imposes says what the sources say.

use crate::executable::root;
use regex::Regex;
use std::fs;
use std::path::Path;

const PAGE: &str = "harness/docs/method.md";

/// What of a row's constants is not as one of `sources` has it. A name may be used again for
/// another value, but not for the same one: which of them is meant would be open.
fn untrue(row: &str, sources: &[String]) -> Vec<String> {
    let constant = Regex::new(r"`([A-Z_]+) = ([^`]+)`").expect("a pattern of ours");
    let wrong = |[name, value]: [&str; 2]| {
        let source = Regex::new(&format!(r"\bconst {name}: \w+ = {};", regex::escape(value)));
        let source = source.expect("a name and a value of ours");
        let count: usize = sources.iter().map(|text| source.find_iter(text).count()).sum();
        (count != 1).then(|| format!("{count} sources have {name} = {value}"))
    };
    let all = constant.captures_iter(row).map(|found| found.extract().1);
    all.filter_map(wrong).collect()
}

/// Every Rust source below `folder`.
fn sources(folder: &Path) -> Vec<String> {
    let mut texts = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder of the tree") {
        let path = entry.expect("a file of the tree").path();
        if path.is_dir() {
            texts.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            texts.push(fs::read_to_string(&path).expect("a source"));
        }
    }
    texts
}

/// The sources of each package of the harness; what cargo builds beside them is left out.
fn harness() -> Vec<String> {
    let packages = fs::read_dir(root().join("harness")).expect("the harness").flatten();
    let folders = packages.map(|package| package.path().join("src"));
    folders.filter(|folder| folder.is_dir()).flat_map(|folder| sources(&folder)).collect()
}

#[test]
fn what_is_imposed_is_what_the_sources_say() {
    let example = ["pub const A_MAX: usize = 1 << 20;\n", "const A_MAX: u8 = 3;\n"];
    let mut example = example.map(str::to_owned).to_vec();
    assert!(untrue("| a | 1 MiB | `A_MAX = 1 << 20` |", &example).is_empty());
    for row in ["| `A_MAX = 1 << 21` |", "| `B_MAX = 1 << 20` |"] {
        assert_eq!(untrue(row, &example).len(), 1, "{row}");
    }
    example.push("const A_MAX: u64 = 3;\n".to_owned());
    assert_eq!(untrue("| `A_MAX = 3` |", &example).len(), 1, "which of the two?");
    let page = fs::read_to_string(root().join(PAGE)).expect("the method");
    let table = page.split("\n## What the harness imposes").nth(1).expect("the table");
    let table = table.split("\n## ").next().unwrap_or_default();
    let rows: Vec<&str> = table.lines().filter(|line| line.starts_with("| ")).collect();
    assert!(rows.len() > 15, "{rows:?}");
    let sources = harness();
    let broken: Vec<String> = rows.iter().flat_map(|row| untrue(row, &sources)).collect();
    assert!(broken.is_empty(), "{PAGE}: {}", broken.join("\n"));
    assert!(rows.iter().filter(|row| row.contains(" = ")).count() > 8, "constants are held");
}
