//! The guides: links that lead somewhere, flags that exist, the field's terms, a README to skim.

use crate::executable::{COMMANDS, Place, Running, bench, root, suite, tool_says};
use regex::Regex;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fs;
use std::path::Path;

const README: &str = "README.md";
const README_LINES_MAX: usize = 150;
const GUIDES: &str = "harness/docs";
const SUITES: [&str; 7] =
    ["wasm", "heap", "throughput", "latency", "scalability", "resources", "scenarios"];
/// Flags of cargo, and of `scripts/peers`, that the guides name.
const FOREIGN: [&str; 18] = [
    "all-targets",
    "bench",
    "benches",
    "check",
    "config",
    "example",
    "features",
    "fuzz-dir",
    "launches",
    "lib",
    "locked",
    "no-fail-fast",
    "path",
    "quiet",
    "target",
    "test",
    "windows",
    "workspace",
];
/// Terms that the field's own have replaced; see the glossary. In singular.
const REPLACED: [&str; 16] = [
    "apparatus",
    "bar",
    "bout",
    "company",
    "contest",
    "entrant",
    "fallen",
    "fighter",
    "heed",
    "kit",
    "mischief",
    "seat",
    "sentinel",
    "troupe",
    "twin",
    "yardstick",
];

/// Every page by its path from the root: the README, the guides, and what explains `profiles`.
fn pages() -> BTreeMap<String, String> {
    let mut paths = vec![README.to_owned(), "profiles/README.md".to_owned()];
    let mut folders = vec![GUIDES.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(root().join(&folder)).expect("the guides' folder") {
            let entry = entry.expect("a guide");
            let path = format!("{folder}/{}", entry.file_name().to_str().expect("a plain name"));
            if entry.path().is_dir() { folders.push(path) } else { paths.push(path) }
        }
    }
    let read = |path: String| {
        let text = fs::read_to_string(root().join(&path)).expect("a page of text");
        (path, text)
    };
    paths.into_iter().map(read).collect()
}

fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("a pattern of ours")
}

/// The lines of `text` in fenced blocks, or the others.
fn lines(text: &str, fenced: bool) -> Vec<&str> {
    let mut is_inside = false;
    let mut found = Vec::new();
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            is_inside = !is_inside;
        } else if is_inside == fenced {
            found.push(line);
        }
    }
    assert!(!is_inside, "a fenced block has no end");
    found
}

/// The targets of a page's links and pictures.
fn links(text: &str) -> Vec<String> {
    let target = pattern(r"\]\(([^)\s]+)\)");
    let all = lines(text, false).join("\n");
    target.captures_iter(&all).map(|link| link[1].to_owned()).collect()
}

/// The anchors of a page, as GitHub makes them of its headings.
fn anchors(text: &str) -> BTreeSet<String> {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut all = BTreeSet::new();
    let is_heading = pattern("^#{1,6} ");
    for line in lines(text, false).into_iter().filter(|line| is_heading.is_match(line)) {
        let words = line.trim_start_matches('#').trim().to_lowercase();
        let kept = words.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
        let anchor: String = kept.map(|c| if c == ' ' { '-' } else { c }).collect();
        let count = seen.entry(anchor.clone()).or_default();
        all.insert(if *count == 0 { anchor } else { format!("{anchor}-{count}") });
        *count += 1;
    }
    all
}

/// The file, from the root, and the anchor that `link` on the page at `from` names; none for a
/// link to another site.
fn target(from: &str, link: &str) -> Option<(String, Option<String>)> {
    if link.contains("://") {
        return None;
    }
    let (file, anchor) = match link.split_once('#') {
        Some((file, anchor)) => (file, Some(anchor.to_owned())),
        None => (link, None),
    };
    if file.is_empty() {
        return Some((from.to_owned(), anchor));
    }
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in file.split('/') {
        match part {
            "." => {}
            ".." => assert!(parts.pop().is_some(), "{from}: {link} leads out of the tree"),
            name => parts.push(name),
        }
    }
    Some((parts.join("/"), anchor))
}

/// What is wrong with the links of the page at `from`.
fn dead_links(from: &str, pages: &BTreeMap<String, String>, root: &Path) -> Vec<String> {
    let is_dead = |link: &String| {
        let Some((file, anchor)) = target(from, link) else { return false };
        match (pages.get(&file), anchor) {
            (Some(page), Some(anchor)) => !anchors(page).contains(&anchor),
            (None, Some(_)) => true,
            (_, None) => !root.join(file).exists(),
        }
    };
    let dead = links(&pages[from]).into_iter().filter(is_dead);
    dead.map(|link| format!("{from}: {link}")).collect()
}

#[test]
fn every_link_and_anchor_is_live() {
    let page = |text: &str| BTreeMap::from([("a/b.md".to_owned(), text.to_owned())]);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let dead = |text: &str| dead_links("a/b.md", &page(text), folder.path()).len();
    assert_eq!(dead("# One, `two`\n## One two\n[x](#one-two) [y](b.md#one-two-1)\n"), 0);
    assert_eq!(dead("[x](#no) [y](b.md#no) [z](c.md#no) [u](no.md) ![v](../no.svg)\n"), 5);
    assert_eq!(dead("[x](https://example.org/no)\n```text\n[x](no.md)\n```\n"), 0);
    let pages = pages();
    let dead: Vec<String> =
        pages.keys().flat_map(|path| dead_links(path, &pages, root())).collect();
    assert!(dead.is_empty(), "dead links:\n{}", dead.join("\n"));
}

/// The pages that links lead to from the README.
fn reached(pages: &BTreeMap<String, String>) -> BTreeSet<String> {
    let mut reached = BTreeSet::from([README.to_owned()]);
    let mut next = VecDeque::from([README.to_owned()]);
    while let Some(from) = next.pop_front() {
        for (file, _) in links(&pages[&from]).iter().filter_map(|link| target(&from, link)) {
            if pages.contains_key(&file) && reached.insert(file.clone()) {
                next.push_back(file);
            }
        }
    }
    reached
}

#[test]
fn every_guide_is_reached_from_the_readme() {
    let page = |path: &str, text: &str| (path.to_owned(), text.to_owned());
    let example = BTreeMap::from([
        page(README, "[a](d/a.md)\n"),
        page("d/a.md", "[b](b.md)\n"),
        page("d/b.md", ""),
        page("d/lost.md", "[a](a.md)\n"),
    ]);
    assert_eq!(reached(&example).len(), 3, "one is lost");
    let pages = pages();
    let reached = reached(&pages);
    let lost: Vec<&String> = pages.keys().filter(|path| !reached.contains(*path)).collect();
    assert!(lost.is_empty(), "no link from {README} leads to {lost:?}");
}

#[test]
fn the_readme_can_be_skimmed() {
    let readme = fs::read_to_string(root().join(README)).expect("the README");
    let count = readme.lines().count();
    assert!(count <= README_LINES_MAX, "{README} has {count} lines; move text into a guide");
    assert!(readme.contains("!["), "{README} has no picture");
    assert!(!lines(&readme, true).is_empty(), "{README} has no fenced block");
}

#[test]
fn the_architecture_fits_in_8_kib() {
    let path = format!("{GUIDES}/architecture.md");
    let bytes = fs::metadata(root().join(&path)).expect("the architecture").len();
    assert!(bytes <= 8192, "{path} has {bytes} bytes");
}

/// The flags at the beginning of lines of a `--help`.
fn offered(help: &str) -> BTreeSet<String> {
    let flag = pattern(r"(?m)^\s+(?:-\w, )?--([a-z][a-z-]*)");
    flag.captures_iter(help).map(|found| found[1].to_owned()).collect()
}

/// The flags that `text` names.
fn named(text: &str) -> BTreeSet<String> {
    let flag = pattern(r#"(?m)(?:^|[\s`("'\[])--([a-z][a-z-]*)"#);
    flag.captures_iter(text).map(|found| found[1].to_owned()).collect()
}

/// The flags of each program, by how the guides begin its command line.
fn programs() -> BTreeMap<String, BTreeSet<String>> {
    let mut programs = BTreeMap::new();
    for name in SUITES {
        let help = Running::start(suite(name), &["--help"], &Place::default()).wait().stdout;
        programs.insert(format!("cargo bench --bench {name}"), offered(&help));
    }
    let help = Running::start(bench(), &["selftest", "--help"], &Place::default()).wait().stdout;
    programs.insert("cargo bench --bench wasm -- selftest".to_owned(), offered(&help));
    for task in COMMANDS {
        let help = tool_says(&[task, &["--help"]].concat()).stdout;
        programs.insert(format!("cargo caxton-bench {}", task.join(" ")), offered(&help));
    }
    programs
}

/// The command lines in the fenced blocks of `text` that give a flag which their program has not.
fn impossible(text: &str, programs: &BTreeMap<String, BTreeSet<String>>) -> Vec<String> {
    let blocks = lines(text, true).join("\n").replace("\\\n", " ");
    let is_impossible = |line: &&str| {
        let line = line.split(" # ").next().unwrap_or_default().trim();
        // The longest that fits: a task of a bench has flags of its own.
        let program = programs.iter().rev().find(|(program, _)| line.starts_with(*program));
        program.is_some_and(|(program, flags)| {
            let rest = &line[program.len()..];
            let own = if program.contains("--bench") { rest } else { upto_words(rest) };
            // What is quoted is a value: its flags are those of another program.
            !named(&pattern("'[^']*'").replace_all(own, "")).is_subset(flags)
        })
    };
    blocks.lines().filter(is_impossible).map(str::to_owned).collect()
}

/// A command line up to the words that it hands on.
fn upto_words(line: &str) -> &str {
    line.split(" -- ").next().unwrap_or_default()
}

#[test]
fn every_flag_in_the_guides_exists_and_every_flag_is_in_a_guide() {
    assert_eq!(offered("  -o, --out <DIR>  As --in\n      --a-b\n").len(), 2);
    assert_eq!(named("`--a` x--b [--c --d-e=1\n--f").len(), 4);
    let example = BTreeMap::from([
        ("cargo bench --bench a".to_owned(), offered("  --x\n")),
        ("cargo bench --bench a -- t".to_owned(), offered("  --y\n")),
    ]);
    let wrong = |line: &str| impossible(&format!("```sh\n{line}\n```\n"), &example).len();
    assert_eq!(wrong("cargo bench --bench a -- --x # not --y"), 0);
    assert_eq!(wrong("cargo bench --bench a -- t --y"), 0);
    assert_eq!(wrong("cargo bench --bench a -- \\\n  --y"), 1);
    assert_eq!(wrong("cargo bench --bench a -- --x 'b --y'"), 0);

    let (pages, programs) = (pages(), programs());
    let offered: BTreeSet<String> = programs.values().flatten().cloned().collect();
    let written: BTreeSet<String> = pages.values().flat_map(|text| named(text)).collect();
    let foreign = FOREIGN.map(str::to_owned);
    let unknown: Vec<&String> =
        written.iter().filter(|flag| !offered.contains(*flag) && !foreign.contains(flag)).collect();
    assert!(unknown.is_empty(), "the guides name flags that do not exist: {unknown:?}");
    let silent: Vec<&String> = offered.difference(&written).collect();
    assert!(silent.is_empty(), "no guide names {silent:?}");
    let unused: Vec<&String> = foreign.iter().filter(|flag| !written.contains(*flag)).collect();
    assert!(unused.is_empty(), "no guide names these of other programs: {unused:?}");
    let wrong: Vec<String> = pages.values().flat_map(|text| impossible(text, &programs)).collect();
    assert!(wrong.is_empty(), "commands that would be refused:\n{}", wrong.join("\n"));
}

/// The lines of a page's prose that have a term which was replaced. Real output and code stay.
fn outdated(text: &str) -> Vec<String> {
    let term = pattern(&format!(r"(?i)\b({})s?\b", REPLACED.join("|")));
    let code = pattern("`[^`]*`");
    let is_outdated = |line: &&str| term.is_match(&code.replace_all(line, ""));
    lines(text, false).into_iter().filter(is_outdated).map(str::to_owned).collect()
}

#[test]
fn no_guide_uses_a_term_that_was_replaced() {
    assert_eq!(outdated("Twins\nthe kit\nas a `kit.json` says\n```\na twin\n```\n").len(), 2);
    assert!(outdated("a barrier to be kitted out\n").is_empty());
    // Generated pages say what the code says: its words are mended there, one by one.
    let is_generated = |text: &str| text.contains("Generated from the code");
    for (path, text) in pages().into_iter().filter(|(_, text)| !is_generated(text)) {
        let outdated = outdated(&text);
        assert!(outdated.is_empty(), "{path}, see the glossary:\n{}", outdated.join("\n"));
    }
}

/// The targets' names and levels in a report, as rows of Markdown.
fn levels(report: &str) -> Vec<String> {
    let row = pattern(r"(?m)^(\| [^|]+( \| \\?[<>] [^|]+){3} \|)");
    row.captures_iter(report).map(|found| found[1].replace('\\', "")).collect()
}

#[test]
fn the_table_of_targets_is_that_of_a_report() {
    let example = "| a b | \\< 1 ms | \\< 2 ms | \\< 3 s | — | missing |\n| c | 1 | 2 | 3 | 4 |\n";
    assert_eq!(levels(example), ["| a b | < 1 ms | < 2 ms | < 3 s |"]);
    let said = tool_says(&["export", "--format", "markdown", "tests/fixtures/record-v1"]);
    let targets = levels(&said.stdout);
    assert!(targets.len() > 5, "{said:?}");
    let path = format!("{GUIDES}/messages.md");
    let guide = fs::read_to_string(root().join(&path)).expect("a guide");
    let written = levels(&guide);
    assert_eq!(written, targets, "{path}");
}

#[test]
fn every_format_is_in_the_guide() {
    let help = tool_says(&["export", "--help"]).stdout;
    let format = pattern(r"(?m)^\s+- ([a-z-]+): ");
    let formats: Vec<&str> =
        format.captures_iter(&help).map(|found| found.extract::<1>().1[0]).collect();
    assert!(formats.len() > 10, "{help}");
    let path = format!("{GUIDES}/reports-and-exports.md");
    let guide = fs::read_to_string(root().join(&path)).expect("a guide");
    for name in formats {
        assert!(guide.contains(&format!("`{name}`")), "{path} does not name the format {name}");
    }
}
