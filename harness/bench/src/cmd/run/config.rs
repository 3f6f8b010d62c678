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
use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{ArgMatches, Command};
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
    let mut command = flags::command(suite, bench);
    command.build();
    // What is wrong by itself is told by whoever reads it.
    let Ok(own) = read(&command, words) else { return Ok(words.to_vec()) };
    let is_measured = own.get_flag("bench") && !own.get_flag("test") && own.subcommand().is_none();
    let Some(path) = find(started_in()).filter(|_| is_measured) else {
        return Ok(words.to_vec());
    };
    let bad = |why: String| CommandError::Config { path: path.clone(), why };
    let text = file::read_text(&path, file::TEXT_MAX).map_err(|error| bad(error.to_string()))?;
    let defaults = defaults(suite, &command, &text).map_err(bad)?;
    taken(&command, &own, words, defaults).map_err(bad)
}

/// What clap makes of `words`.
fn read(command: &Command, words: &[OsString]) -> Result<ArgMatches, clap::Error> {
    let program = [OsString::from(command.get_name())];
    command.clone().try_get_matches_from(program.iter().chain(words))
}

/// `words`, which `own` is read from, behind those of `defaults` that the user does not say, that
/// can stand beside what he says, and that have what they need.
fn taken(
    command: &Command,
    own: &ArgMatches,
    words: &[OsString],
    defaults: BTreeMap<String, Vec<String>>,
) -> Result<Vec<OsString>, String> {
    let mut taken: Vec<OsString> = Vec::new();
    for (flag, given) in defaults {
        let arg = command.get_arguments().find(|arg| arg.get_long() == Some(&flag));
        let id = arg.map_or("", |arg| arg.get_id().as_str());
        if own.value_source(id) == Some(ValueSource::CommandLine) {
            continue;
        }
        let given: Vec<OsString> = given.into_iter().map(OsString::from).collect();
        let all = [&taken[..], &given, words].concat();
        match read(command, &all).map_err(|error| (error.kind(), error.to_string())) {
            Ok(_) => taken.extend(given),
            Err((ErrorKind::ArgumentConflict | ErrorKind::MissingRequiredArgument, _)) => {}
            Err((_, why)) => return Err(why.lines().next().unwrap_or_default().to_owned()),
        }
    }
    Ok([&taken[..], words].concat())
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

    /// The words of a run by the defaults in `text` and what the user says.
    fn asked(text: &str, words: &[&str]) -> Result<String, String> {
        let suite = &suite::wasm::SUITE;
        let mut command = flags::command(suite, None);
        command.build();
        let words: Vec<OsString> = words.iter().map(OsString::from).collect();
        let own = read(&command, &words).unwrap();
        let all = taken(&command, &own, &words, defaults(suite, &command, text)?)?;
        assert!(flags::parse(suite, &all, None).is_ok(), "{all:?}");
        Ok(all.join(" ".as_ref()).into_string().unwrap())
    }

    #[test]
    fn what_the_user_says_and_what_cannot_stand_beside_it_comes_first() {
        let scale = "scale = 'full'";
        assert_eq!(asked(scale, &["json", "--bench"]).unwrap(), "--scale=full json --bench");
        for words in [&["--scale", "quick"][..], &["--scale=full"], &["--quick"]] {
            assert_eq!(asked(scale, words).unwrap(), words.join(" "));
        }
        for [text, words] in [["verbose = true", "-q"], ["agent = ['json']", "--agent=echo"]] {
            assert_eq!(asked(text, &[words]).unwrap(), words);
        }
        let words = ["--guest", "a.wasm", "--", "--scale"];
        let asked = asked(scale, &words).unwrap();
        assert_eq!(asked, "--scale=full --guest a.wasm -- --scale", "a guest's own word");
    }

    #[test]
    fn a_default_waits_for_what_it_needs_and_a_bad_value_is_told() {
        assert_eq!(asked("margin = 0.5", &["json"]).unwrap(), "json");
        let with = asked("margin = 0.5", &["json", "--baseline", "main"]).unwrap();
        assert_eq!(with, "--margin=0.5 json --baseline main");
        let told = asked("scale = 'huge'", &["json"]).unwrap_err();
        assert!(told.contains("'huge'") && told.lines().count() == 1, "{told}");
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
