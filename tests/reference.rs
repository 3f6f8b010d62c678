//! The generated pages of `harness/docs/reference/`: what the code says of itself.
//!
//! `UPDATE_EXPECT=1 cargo test --profile bench --workspace --test suite -- reference` writes them.

use crate::executable::{COMMANDS, Place, Running, root, tool};
use caxton_analysis::exit;
use caxton_bench::suite;
use caxton_model::metric::{Better, Class, metrics};
use caxton_report::export::EXPORTERS;
use expect_test::expect_file;
use std::path::Path;

/// The page `name` must be a heading, a note on where it comes from, and `text`.
fn holds(name: &str, title: &str, text: &str) {
    let page = format!(
        "# {title}\n\nGenerated from the code; `tests/reference.rs` says how. Do not edit.\n\n{}\n",
        text.trim_end()
    );
    let path = root().join("harness/docs/reference").join(name);
    expect_file![path].assert_eq(&page);
}

/// A cell of a Markdown table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

/// The `--help` of `program` with `words`, on a terminal of 100 columns without colours.
fn help(program: &Path, words: &[&str]) -> String {
    let words = [words, &["--help"]].concat();
    let said = Running::start(program, &words, &Place::default()).wait();
    assert_eq!(said.code, Some(0), "{words:?}: {said:?}");
    let lines = said.stdout.lines().map(str::trim_end);
    lines.collect::<Vec<_>>().join("\n").trim_end().to_owned()
}

#[test]
fn every_metric_is_on_its_page() {
    let mut text =
        "| metric | unit | better | kind | what it is |\n|---|---|---|---|---|\n".to_owned();
    for metric in metrics() {
        let better = match metric.better {
            Better::Lower => "lower",
            Better::Higher => "higher",
            Better::Neither => "—",
        };
        let kind = match metric.class {
            Class::Exact => "count",
            Class::Noisy => "measured",
        };
        let unit = format!("{:?}", metric.unit).to_lowercase();
        let (name, doc) = (metric.name, cell(metric.doc));
        text += &format!("| `{name}` | {unit} | {better} | {kind} | {doc} |\n");
    }
    holds("metrics.md", "Metrics", &text);
}

#[test]
fn every_exit_code_is_on_its_page() {
    let mut text = "| code | meaning |\n|---:|---|\n".to_owned();
    for (code, meaning) in exit::CODES {
        text += &format!("| {code} | {} |\n", cell(meaning));
    }
    holds("exit-codes.md", "Exit codes", &text);
}

#[test]
fn every_format_is_on_its_page() {
    let mut text = "| format | file | what it is |\n|---|---|---|\n".to_owned();
    for exporter in EXPORTERS {
        let (name, file, doc) = (exporter.name, exporter.file, cell(exporter.doc));
        text += &format!("| `{name}` | `{file}` | {doc} |\n");
    }
    holds("formats.md", "Export formats", &text);
}

#[test]
fn every_help_is_on_its_page() {
    let mut text = String::new();
    for suite in suite::ALL {
        let said = help(tool(), &["run", suite.name]);
        text += &format!("## Suite {}\n\n```text\n{said}\n```\n\n", suite.name);
    }
    for command in COMMANDS {
        let (said, command) = (help(tool(), command), command.join(" "));
        text += &format!("## caxton-bench {command}\n\n```text\n{said}\n```\n\n");
    }
    holds("cli.md", "Command line", &text);
}
