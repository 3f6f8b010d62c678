//! What the user says of guests that are given as files.

use super::super::error::CommandError;
use super::super::place::as_the_user_means;
use caxton_model::program::{Entry, Preopen, ProgramSpec, UnknownImports};
use clap::ValueEnum;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// How guests that are given as files are run.
#[derive(Debug, Clone, Default, PartialEq, clap::Args)]
#[command(next_help_heading = "Guests given as files")]
pub(super) struct GivenArgs {
    /// Run this guest: a module or component, .wasm or .wat; a folder of them; or a manifest (see
    /// harness/docs/own-guests.md). May be repeated. Alone it is the only thing that is run
    #[arg(long, value_name = "FILE")]
    pub guest: Vec<PathBuf>,

    /// The guest's native build: an executable for a command, a shared library for an agent
    #[arg(long, alias = "twin", value_name = "FILE", requires = "guest")]
    pub native: Option<PathBuf>,

    /// Call this export of the guest with these values in WAVE text: 'add(1, 2)',
    /// 'api.greet("you")' [default: the agent contract, or the command]
    #[arg(hide_short_help = true, long, value_name = "CALL", requires = "guest")]
    pub invoke: Option<String>,

    /// Call this export with address and length of the input, which ALLOCATOR made room for; it
    /// returns the reply's
    #[arg(
        hide_short_help = true,
        long,
        value_name = "NAME,ALLOCATOR",
        requires = "guest",
        conflicts_with = "invoke"
    )]
    pub invoke_bytes: Option<String>,

    /// Make a fresh instance for each call, as for commands
    #[arg(hide_short_help = true, long, requires = "guest")]
    pub fresh: bool,

    /// What the guest finds on its standard input, or gets as its message
    #[arg(hide_short_help = true, long, value_name = "FILE", requires = "guest")]
    pub stdin: Option<PathBuf>,

    /// What the guest must answer [default: FILE.stdout.expected beside FILE.wasm, if it is there]
    #[arg(hide_short_help = true, long, value_name = "FILE", requires = "guest")]
    pub expect: Option<PathBuf>,

    /// The exit code that means success
    #[arg(
        hide_short_help = true,
        long,
        value_name = "CODE",
        requires = "guest",
        default_value_t = 0,
        allow_negative_numbers = true
    )]
    pub expect_exit: i32,

    /// A folder that the guest may read; may be repeated
    #[arg(hide_short_help = true, long, value_name = "HOST[::GUEST]", requires = "guest")]
    pub dir: Vec<String>,

    /// A folder that the guest may read and change
    #[arg(hide_short_help = true, long, value_name = "HOST[::GUEST]", requires = "guest")]
    pub dir_rw: Vec<String>,

    /// A variable of the guest's environment, which has no others
    #[arg(hide_short_help = true, long, value_name = "NAME=VALUE", requires = "guest")]
    pub env: Vec<String>,

    /// What is done about imported functions that the host does not have
    #[arg(hide_short_help = true, long, value_enum, requires = "guest",
          default_value_t = WithUnknown::Refuse)]
    pub unknown_imports: WithUnknown,

    /// Arguments of the guest, after `--`
    #[arg(hide_short_help = true, last = true, value_name = "ARGS", requires = "guest")]
    pub args: Vec<String>,
}

/// What is done about unknown imports.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(super) enum WithUnknown {
    /// Refuse the guest and name them.
    #[default]
    Refuse,
    /// Run it until it calls one.
    Trap,
    /// Return zeros.
    Default,
}

impl GivenArgs {
    /// How they are run, and whether the entry is guessed.
    pub(super) fn program(&self) -> Result<(ProgramSpec, bool), CommandError> {
        let bad = |flag: &str, value: &str, why: &str| CommandError::GivenFlag {
            flag: flag.to_owned(),
            value: value.to_owned(),
            why: why.to_owned(),
        };
        let entry = match (&self.invoke, &self.invoke_bytes) {
            (Some(call), Some(_)) => {
                return Err(bad("--invoke", call, "a guest is called by it or by --invoke-bytes"));
            }
            (Some(call), None) => call_of(call).ok_or_else(|| {
                bad("--invoke", call, "expected a name and values in brackets, such as 'add(1, 2)'")
            })?,
            (None, Some(names)) => {
                let (name, allocator) = names.split_once(',').ok_or_else(|| {
                    bad("--invoke-bytes", names, "expected NAME,ALLOCATOR, such as 'work,malloc'")
                })?;
                Entry::Bytes { name: name.to_owned(), allocator: allocator.to_owned() }
            }
            (None, None) => Entry::Command,
        };
        let mut env = BTreeMap::new();
        for text in &self.env {
            let (name, value) =
                text.split_once('=').ok_or_else(|| bad("--env", text, "expected NAME=VALUE"))?;
            env.insert(name.to_owned(), value.to_owned());
        }
        let mut dirs = Vec::new();
        for (text, writable) in
            self.dir.iter().map(|dir| (dir, false)).chain(self.dir_rw.iter().map(|dir| (dir, true)))
        {
            let (host, guest) = text.split_once("::").unwrap_or((text, text));
            let host = existing(Path::new(host))?;
            if !host.is_dir() {
                return Err(bad("--dir", text, "no folder"));
            }
            dirs.push(Preopen { host, guest: guest.to_owned(), writable });
        }
        let unknown_imports = match self.unknown_imports {
            WithUnknown::Refuse => UnknownImports::Refuse,
            WithUnknown::Trap => UnknownImports::Trap,
            WithUnknown::Default => UnknownImports::Default,
        };
        let (fresh, args, exit) = (self.fresh, self.args.clone(), self.expect_exit);
        let is_guessed = entry == Entry::Command;
        Ok((ProgramSpec { entry, fresh, args, env, dirs, exit, unknown_imports }, is_guessed))
    }
}

/// `name(values)`, or a name alone.
fn call_of(text: &str) -> Option<Entry> {
    let (name, args) = match text.split_once('(') {
        Some((name, rest)) => (name, rest.trim_end().strip_suffix(')')?),
        None => (text, ""),
    };
    let (name, args) = (name.trim().to_owned(), args.to_owned());
    (!name.is_empty()).then_some(Entry::Function { name, args })
}

/// A file or folder that is there, as the user means it.
pub(super) fn existing(path: &Path) -> Result<PathBuf, CommandError> {
    let path = as_the_user_means(path);
    // By the name that it was given: some programs do what they are called.
    let found = fs::metadata(&path).and_then(|_| std::path::absolute(&path));
    found.map_err(|error| CommandError::Guest { path: path.clone(), why: error.to_string() })
}

#[cfg(test)]
mod tests {
    use super::super::args::Args;
    use super::*;
    use clap::Parser;

    fn given(words: &[&str]) -> Result<(ProgramSpec, bool), String> {
        let args = Args::try_parse_from(["bench", "--guest", "x.wasm"].iter().chain(words));
        args.expect("valid").given.program().map_err(|error| error.to_string())
    }

    #[test]
    fn a_call_is_a_name_and_its_values() {
        let function = |name: &str, args: &str| {
            Some(Entry::Function { name: name.to_owned(), args: args.to_owned() })
        };
        assert_eq!(call_of("add(1, 2)"), function("add", "1, 2"));
        assert_eq!(call_of("a:b/c@1.0.0#d( \"x)\" ) "), function("a:b/c@1.0.0#d", " \"x)\" "));
        assert_eq!(call_of("count"), function("count", ""));
        assert_eq!([call_of("add(1"), call_of("(1)"), call_of("")], [None, None, None]);
    }

    #[test]
    fn what_is_said_of_a_guest_becomes_its_program() {
        let words = ["--dir", "/::.", "--dir-rw", "/tmp", "--env", "A=b=c", "--expect-exit", "-1"];
        let (program, is_guessed) =
            given(&[&words[..], &["--", "-v", "x"]].concat()).expect("it is");
        let dir = |host: &str, guest: &str, writable| Preopen {
            host: host.into(),
            guest: guest.to_owned(),
            writable,
        };
        assert_eq!(program.dirs, [dir("/", ".", false), dir("/tmp", "/tmp", true)]);
        assert_eq!(program.env, [("A".to_owned(), "b=c".to_owned())].into());
        assert_eq!((program.exit, program.args), (-1, vec!["-v".to_owned(), "x".to_owned()]));
        assert!(is_guessed);
        let (program, is_guessed) = given(&["--invoke-bytes", "f,alloc"]).expect("it is");
        let entry = Entry::Bytes { name: "f".to_owned(), allocator: "alloc".to_owned() };
        assert_eq!((program.entry, is_guessed), (entry, false));
        for (words, why) in [
            (&["--env", "A"][..], "--env 'A': expected NAME=VALUE"),
            (&["--invoke", "add(1"], "--invoke 'add(1': expected a name"),
            (&["--dir", "/etc/passwd"], "--dir '/etc/passwd': no folder"),
        ] {
            let told = given(words).expect_err(why);
            assert!(told.starts_with(why), "{told}");
        }
    }
}
