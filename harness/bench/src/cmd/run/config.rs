//! What a user wants by default: the flags in `.config/caxton-bench.toml`, in the folder that the
//! user stands in or the nearest one above that has it.
//!
//! ```toml
//! report = "full"          # a flag of any suite, for all suites that use it
//! agent = ["json", "echo"]
//!
//! [scenarios]              # of one suite
//! time = "10s"
//! ```

use super::super::error::CommandError;
use super::super::place::started_in;
use super::cases::nearest;
use super::flags;
use crate::guest::bench::Bench;
use crate::suite::{self, Suite};
use caxton_model::file;
use clap::Command;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use toml::Value;

const FILE: &str = ".config/caxton-bench.toml";

/// `words` behind those that the file says and they do not. A run that is no measurement takes
/// none: a test runner means what it says.
pub(super) fn with_defaults(
    suite: &Suite,
    words: &[OsString],
    bench: Option<&Bench>,
) -> Result<Vec<OsString>, CommandError> {
    let is_said = |flag: &str| words.iter().any(|word| word == flag);
    let is_measured = is_said("--bench") && !is_said("--test");
    let Some(path) = find(started_in()).filter(|_| is_measured) else {
        return Ok(words.to_vec());
    };
    let bad = |why: String| CommandError::Config { path: path.clone(), why };
    let text = file::read_text(&path, file::TEXT_MAX).map_err(|error| bad(error.to_string()))?;
    let mut command = flags::command(suite, bench);
    command.build();
    let defaults = defaults(suite, &command, &text).map_err(bad)?;
    let own = defaults.into_iter().filter(|(flag, _)| is_open(&command, flag, words));
    let own = own.flat_map(|(_, words)| words);
    Ok(own.map(OsString::from).chain(words.iter().cloned()).collect())
}

fn find(from: &Path) -> Option<PathBuf> {
    from.ancestors().map(|folder| folder.join(FILE)).find(|path| path.is_file())
}

/// The flags of `text` that `suite` uses, and the words that give them; those of its own table come
/// in place of those for all suites.
fn defaults(
    suite: &Suite,
    command: &Command,
    text: &str,
) -> Result<BTreeMap<String, Vec<String>>, String> {
    let file: toml::Table = toml::from_str(text).map_err(|error| error.to_string())?;
    let suites: BTreeSet<&str> = suite::ALL.iter().map(|suite| suite.name).collect();
    let mut own = BTreeMap::new();
    for (flag, value) in file.iter().filter(|(_, value)| !value.is_table()) {
        if is_of(suite, command, flag)? {
            own.insert(flag.clone(), given(flag, value)?);
        }
    }
    for (name, table) in file.iter().filter_map(|(name, value)| Some((name, value.as_table()?))) {
        if !suites.contains(name.as_str()) {
            let known: Vec<&str> = suites.iter().copied().collect();
            return Err(format!("[{name}] is no suite: name one of {}", known.join(", ")));
        }
        for (flag, value) in table.iter().filter(|_| name == suite.name) {
            if !is_of(suite, command, flag)? {
                return Err(format!("[{name}] does not use {flag}: leave it out"));
            }
            own.insert(flag.clone(), given(flag, value)?);
        }
    }
    Ok(own)
}

/// Whether `suite` uses `flag`; an error where no suite does.
fn is_of(suite: &Suite, command: &Command, flag: &str) -> Result<bool, String> {
    let all = || command.get_arguments().filter_map(|arg| Some((arg.get_long()?, arg)));
    match all().find(|(long, _)| *long == flag) {
        Some((_, arg)) => Ok(flags::is_used(suite, arg.get_id().as_str())),
        None => {
            let near = nearest(flag, all().map(|(long, _)| long));
            let near = near.map_or(String::new(), |near| format!("; did you mean {near}?"));
            Err(format!("there is no flag --{flag}{near}"))
        }
    }
}

/// The words that give `flag` the value of the file.
fn given(flag: &str, value: &Value) -> Result<Vec<String>, String> {
    let one = |value: &Value| match value {
        Value::String(text) => Ok(format!("--{flag}={text}")),
        Value::Integer(number) => Ok(format!("--{flag}={number}")),
        Value::Float(number) => Ok(format!("--{flag}={number}")),
        Value::Boolean(_) | Value::Datetime(_) | Value::Array(_) | Value::Table(_) => {
            Err(format!("{flag}: write a text, a number, true, false, or a list of texts"))
        }
    };
    match value {
        Value::Boolean(true) => Ok(vec![format!("--{flag}")]),
        Value::Boolean(false) => Ok(Vec::new()),
        Value::Array(values) => values.iter().map(one).collect(),
        value => Ok(vec![one(value)?]),
    }
}

/// Whether `words` say neither `flag` nor what cannot stand beside it.
fn is_open(command: &Command, flag: &str, words: &[OsString]) -> bool {
    let Some(arg) = command.get_arguments().find(|arg| arg.get_long() == Some(flag)) else {
        return false;
    };
    let mut others: Vec<&clap::Arg> = command.get_arg_conflicts_with(arg);
    others.extend(command.get_arguments().filter(|other| {
        command.get_arg_conflicts_with(other).iter().any(|one| one.get_id() == arg.get_id())
    }));
    others.push(arg);
    let own = words.iter().take_while(|word| *word != "--").filter_map(|word| word.to_str());
    let is_said = |word: &str| {
        let name = word.split('=').next().unwrap_or(word);
        let is_it = |arg: &&clap::Arg| {
            let short = arg.get_short().map(|short| format!("-{short}"));
            let long = arg.get_long().map(|long| format!("--{long}"));
            [short, long].into_iter().flatten().any(|known| known == name)
        };
        others.iter().any(is_it) || command.find_subcommand(word).is_some()
    };
    !own.into_iter().any(is_said)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(suite: &Suite, text: &str) -> Result<Vec<String>, String> {
        let mut command = flags::command(suite, None);
        command.build();
        Ok(defaults(suite, &command, text)?.into_values().flatten().collect())
    }

    const TEXT: &str = "report = 'full'\nagent = ['json', 'echo']\nbudget = 12.5\nquiet = true\n\
                        exact = false\n[scenarios]\ntime = '10s'\nreport = 'summary'\n";

    #[test]
    fn a_suite_takes_what_it_uses_and_its_own_table_before_the_rest() {
        let wasm = ["--agent=json", "--agent=echo", "--budget=12.5", "--quiet", "--report=full"];
        assert_eq!(of(&suite::wasm::SUITE, TEXT).unwrap(), wasm);
        let scenarios = ["--quiet", "--report=summary", "--time=10s"];
        assert_eq!(of(&suite::scenarios::SUITE, TEXT).unwrap(), scenarios);
    }

    #[test]
    fn what_the_user_says_and_what_cannot_stand_beside_it_comes_first() {
        let mut command = flags::command(&suite::wasm::SUITE, None);
        command.build();
        let is_open = |flag: &str, words: &[&str]| {
            let words: Vec<OsString> = words.iter().map(OsString::from).collect();
            is_open(&command, flag, &words)
        };
        assert!(is_open("scale", &["json", "--bench"]));
        for words in [&["--scale", "quick"][..], &["--scale=full"], &["--quick"]] {
            assert!(!is_open("scale", words), "{words:?}");
        }
        assert!(!is_open("verbose", &["-q"]) && !is_open("quiet", &["--verbose"]));
        assert!(!is_open("scale", &["selftest"]), "a task takes no flags");
        assert!(is_open("scale", &["--guest", "a.wasm", "--", "--scale"]), "a guest's own word");
    }

    #[test]
    fn a_bad_file_is_told_with_what_to_mend() {
        for (text, why) in [
            ("scal = 'full'", "there is no flag --scal; did you mean scale?"),
            ("[wsm]\nscale = 'full'", "[wsm] is no suite: name one of heap, latency"),
            ("[latency]\nbudget = 1", "[latency] does not use budget: leave it out"),
            ("scale = { a = 1 }\n", "[scale] is no suite"),
            ("seed = [['a']]", "seed: write a text"),
            ("scale = ", "TOML parse error at line 1"),
        ] {
            let told = of(&suite::latency::SUITE, text).unwrap_err();
            assert!(told.contains(why), "{text}: {told}");
        }
    }

    #[test]
    fn the_nearest_file_above_is_taken() {
        let home = tempfile::tempdir().unwrap();
        let inner = home.path().join("a/b");
        std::fs::create_dir_all(&inner).unwrap();
        assert_eq!(find(&inner), None);
        for folder in [home.path(), &inner] {
            std::fs::create_dir(folder.join(".config")).unwrap();
            std::fs::write(folder.join(FILE), "").unwrap();
            assert_eq!(find(&inner), Some(folder.join(FILE)));
        }
    }
}
