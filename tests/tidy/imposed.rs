//! The table of what the harness imposes says what the sources say.

use crate::executable::root;
use regex::Regex;
use std::fs;

/// What of a row's constants is not as its source has it.
fn untrue(row: &str, read: &dyn Fn(&str) -> Option<String>) -> Vec<String> {
    let constant = Regex::new(r"`([A-Z_]+) = ([^`]+)` in `([^`]+)`").expect("a pattern of ours");
    let is_so = |name: &str, value: &str, path: &str| {
        let source = Regex::new(&format!(r"const {name}: \w+ = {};", regex::escape(value)));
        let source = source.expect("a name and a value of ours");
        read(path).is_some_and(|text| source.is_match(&text))
    };
    let wrong = |[name, value, path]: [&str; 3]| {
        (!is_so(name, value, path)).then(|| format!("{path} has not {name} = {value}"))
    };
    let all = constant.captures_iter(row).map(|found| found.extract().1);
    all.filter_map(wrong).collect()
}

#[test]
fn what_is_imposed_is_what_the_sources_say() {
    let example = |_: &str| Some("const A_MAX: usize = 1 << 20;\n".to_owned());
    assert!(untrue("| a | 1 MiB | `A_MAX = 1 << 20` in `a.rs` |", &example).is_empty());
    for row in ["| `A_MAX = 1 << 21` in `a.rs` |", "| `B_MAX = 1 << 20` in `a.rs` |"] {
        assert_eq!(untrue(row, &example).len(), 1, "{row}");
    }
    let map = fs::read_to_string(root().join("harness/ARCHITECTURE.md")).expect("the map");
    let table = map.split("## What the harness imposes").nth(1).expect("the table");
    let table = table.split("\n## ").next().unwrap_or_default();
    let rows: Vec<&str> = table.lines().filter(|line| line.starts_with("| ")).collect();
    assert!(rows.len() > 15, "{rows:?}");
    let read = |path: &str| fs::read_to_string(root().join(path)).ok();
    let broken: Vec<String> = rows.iter().flat_map(|row| untrue(row, &read)).collect();
    assert!(broken.is_empty(), "{}", broken.join("\n"));
    assert!(rows.iter().filter(|row| row.contains(" = ")).count() > 8, "constants are held");
}
