//! `completions` and `man`: the command line for a shell, and as manual pages.

use super::args;
use super::error::{CommandError, unwritable};
use super::output::print;
use super::run::flags;
use crate::suite;
use caxton_analysis::exit;
use clap_complete::Shell;
use std::fs;
use std::path::Path;

const PROGRAM: &str = "caxton-bench";

/// Prints what completes words in `shell`.
pub(super) fn completions(shell: Shell) -> u8 {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut whole(), PROGRAM, &mut script);
    print(script);
    exit::FINE
}

/// Writes a manual page for each command into `folder`.
pub(super) fn manual(folder: &Path) -> Result<u8, CommandError> {
    fs::create_dir_all(folder).map_err(unwritable(folder))?;
    clap_mangen::generate_to(whole(), folder).map_err(unwritable(folder))?;
    Ok(exit::FINE)
}

/// The command line with the suites as commands of `run`, each with its flags.
fn whole() -> clap::Command {
    let suites = suite::ALL.iter().map(|suite| {
        // Here it is called by the words that lead to it.
        flags::command(suite, None)
            .name(suite.name)
            .bin_name(format!("{PROGRAM} run {}", suite.name))
    });
    args::command().mut_subcommand("run", |run| {
        run.mut_arg("suite", |suite| suite.required(false)).subcommands(suites)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_suite_has_its_flags_and_a_page() {
        let folder = tempfile::tempdir().unwrap();
        manual(folder.path()).unwrap();
        let page = fs::read_to_string(folder.path().join("caxton-bench-run-wasm.1")).unwrap();
        assert!(page.contains("message\\-format") && page.contains("winch"), "{page}");
        let mut script = Vec::new();
        clap_complete::generate(Shell::Bash, &mut whole(), PROGRAM, &mut script);
        assert!(String::from_utf8(script).unwrap().contains("--message-format"));
    }
}
