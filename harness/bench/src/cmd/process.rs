//! The only file here that starts processes: git, cargo, and the executables of kits.

use crate::cmd::failure::ProcessError;
use crate::cmd::output;
use caxton_sys::surroundings::{CARGO_VARIABLES, GIT_VARIABLES, GIT_WORDS, REPOSITORY_VARIABLES};
use caxton_sys::target_folder;
use std::ffi::OsString;
use std::io::{self, BufRead, BufReader};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{ChildStderr, Command, ExitStatus, Stdio};
use std::thread;

/// What is started, where, and with which further variables.
#[derive(Debug)]
pub(crate) struct Job<'a> {
    /// The program.
    pub(crate) program: &'a Path,
    /// Its folder.
    pub(crate) folder: &'a Path,
    /// Its words.
    pub(crate) words: Vec<OsString>,
    /// Variables of its environment.
    pub(crate) variables: Vec<(&'static str, OsString)>,
    /// Variables that it does not inherit.
    pub(crate) removed: Vec<OsString>,
}

impl<'a> Job<'a> {
    /// `program` in `folder` with `words`.
    pub(crate) fn new<W: Into<OsString>>(
        program: &'a Path,
        folder: &'a Path,
        words: impl IntoIterator<Item = W>,
    ) -> Self {
        let words = words.into_iter().map(Into::into).collect();
        let removed = REPOSITORY_VARIABLES.iter().map(OsString::from).collect();
        Self { program, folder, words, variables: Vec::new(), removed }
    }

    /// Git in `folder`, with `words`: on the repository of that folder, whatever the surrounding
    /// process has in mind, and without what the user has it do beside.
    pub(crate) fn git<W: Into<OsString>>(
        git: &'a Path,
        folder: &'a Path,
        words: impl IntoIterator<Item = W>,
    ) -> Self {
        let words = words.into_iter().map(Into::into);
        let mut job =
            Self::new(git, folder, GIT_WORDS.map(OsString::from).into_iter().chain(words));
        job.variables.extend(GIT_VARIABLES.map(|(name, value)| (name, value.into())));
        job
    }

    /// Cargo in `folder`, with `words`; what it says can be read.
    pub(crate) fn cargo<W: Into<OsString>>(
        cargo: &'a Path,
        folder: &'a Path,
        words: impl IntoIterator<Item = W>,
    ) -> Self {
        let mut job = Self::new(cargo, folder, words);
        job.variables.extend(CARGO_VARIABLES.map(|(name, value)| (name, value.into())));
        job
    }

    fn command(&self) -> Command {
        let mut command = Command::new(self.program);
        command.args(&self.words).current_dir(self.folder).stdin(Stdio::null());
        // A bench that cargo starts is told by it where the user stands: here that is `folder`.
        command.env("PWD", self.folder).env_remove("CARGO_MANIFEST_DIR");
        for name in &self.removed {
            command.env_remove(name);
        }
        // A bench ends with us, should we be killed.
        command.env("CAXTON_PARENT", std::process::id().to_string());
        // One that it starts in turn builds where the user's own cargo does.
        let here = std::env::current_dir().unwrap_or_default();
        command.envs(target_folder::variables(&here, |name| std::env::var_os(name)));
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    /// The program, and its first word that says what is wanted.
    fn name(&self) -> String {
        let program = self.program.display().to_string();
        let is_git = self.words.len() > 1 && self.words.iter().zip(GIT_WORDS).all(|(a, b)| a == b);
        let first = self.words.get(if is_git { GIT_WORDS.len() } else { 0 });
        let first = first.map(|word| word.to_string_lossy().into_owned());
        std::iter::once(program).chain(first).collect::<Vec<_>>().join(" ")
    }

    fn unstartable(&self) -> impl FnOnce(io::Error) -> ProcessError {
        let program = self.name();
        move |source| ProcessError::Start { program, source }
    }

    fn ended(&self, status: ExitStatus, stderr: &[u8]) -> ProcessError {
        let text = String::from_utf8_lossy(stderr);
        let said = text.lines().rev().find(|line| !line.trim().is_empty());
        ProcessError::Ended {
            program: self.name(),
            how: ending(status),
            said: said.unwrap_or_default().trim().to_owned(),
            is_interrupted: is_interrupted(status),
        }
    }

    /// Runs it to its end; what it writes to its standard output, and only if it ended well. Its
    /// standard error goes to ours where `is_loud`.
    ///
    /// # Errors
    /// It cannot start, or did not end well.
    pub(crate) fn output(&self, is_loud: bool) -> Result<String, ProcessError> {
        let stderr = if is_loud { Stdio::inherit() } else { Stdio::piped() };
        let child = self.command().stdout(Stdio::piped()).stderr(stderr).spawn();
        let said = child.and_then(|child| child.wait_with_output()).map_err(self.unstartable())?;
        if said.status.success() {
            Ok(String::from_utf8_lossy(&said.stdout).into_owned())
        } else {
            Err(self.ended(said.status, &said.stderr))
        }
    }

    /// Runs it to its end; what it writes to its standard output, and only if it ended well. Its
    /// standard error goes to ours line by line and is kept: the last [`KEPT_MAX`] bytes of it come
    /// back with the error.
    ///
    /// # Errors
    /// It cannot start, or did not end well.
    pub(crate) fn heard(&self) -> Result<String, (ProcessError, String)> {
        let unheard = |error| (error, String::new());
        let child = self.command().stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut child = child.map_err(self.unstartable()).map_err(unheard)?;
        let stderr = child.stderr.take().expect("it is piped");
        let relay = thread::spawn(move || relayed(stderr));
        let ended = child.wait_with_output().map_err(self.unstartable());
        let kept = relay.join().expect("a relay does not panic");
        match ended {
            Ok(said) if said.status.success() => {
                Ok(String::from_utf8_lossy(&said.stdout).into_owned())
            }
            Ok(said) => Err((self.ended(said.status, kept.as_bytes()), kept)),
            Err(error) => Err((error, kept)),
        }
    }

    /// Runs it to its end with our streams, and gives its exit code; 130 where Ctrl-C ended it.
    ///
    /// # Errors
    /// It cannot start, or another signal ended it.
    pub(crate) fn code(&self) -> Result<u8, ProcessError> {
        let status = self.command().status().map_err(self.unstartable())?;
        match status.code() {
            Some(code) => Ok(u8::try_from(code).unwrap_or(u8::MAX)),
            None if is_interrupted(status) => Ok(caxton_analysis::exit::INTERRUPTED),
            None => Err(self.ended(status, &[])),
        }
    }
}

/// Most bytes that are kept of what a program says; of more, the last.
const KEPT_MAX: usize = 256 << 10;

/// Passes on what `stream` says, and keeps the end of it.
fn relayed(stream: ChildStderr) -> String {
    let mut kept = Vec::new();
    let mut lines = BufReader::new(stream);
    loop {
        let start = kept.len();
        match lines.read_until(b'\n', &mut kept) {
            Ok(0) | Err(_) => return String::from_utf8_lossy(&kept).into_owned(),
            Ok(_) => output::relay(&kept[start..]),
        }
        if kept.len() > 2 * KEPT_MAX {
            kept.drain(..kept.len() - KEPT_MAX);
        }
    }
}

/// SIGINT's number, everywhere.
const SIGINT: i32 = 2;

fn is_interrupted(status: ExitStatus) -> bool {
    status.signal() == Some(SIGINT)
        || status.code() == Some(i32::from(caxton_analysis::exit::INTERRUPTED))
}

fn ending(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("ended with exit code {code}"),
        (None, Some(signal)) => format!("was killed by signal {signal}"),
        (None, None) => "ended for no known reason".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell<'a>(folder: &'a Path, script: &str) -> Job<'a> {
        Job::new(Path::new("sh"), folder, ["-c", script])
    }

    #[test]
    fn what_a_program_says_and_how_it_ends_comes_back() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        let mut job = shell(at, "pwd -P; echo $A; echo noise >&2");
        job.variables.push(("A", "b".into()));
        let real = std::fs::canonicalize(at).unwrap();
        assert_eq!(job.output(false).unwrap(), format!("{}\nb\n", real.display()));
        let error = shell(at, "echo first >&2; echo last >&2; exit 7").output(false).unwrap_err();
        assert_eq!(error.to_string(), "sh -c ended with exit code 7: last");
        assert!(!error.is_interrupted());
        assert_eq!(shell(at, "exit 3").code().unwrap(), 3);
        assert_eq!(shell(at, "kill -INT $$").code().unwrap(), 130);
        assert!(shell(at, "kill -INT $$").output(false).unwrap_err().is_interrupted());
        let error = shell(at, "kill -KILL $$").code().unwrap_err();
        assert_eq!(error.to_string(), "sh -c was killed by signal 9");
        assert_eq!(shell(at, "echo noise >&2; echo a").heard().unwrap(), "a\n");
        let (error, kept) =
            shell(at, "echo b; echo c >&2; echo d >&2; exit 7").heard().unwrap_err();
        assert_eq!(
            (error.to_string().as_str(), kept.as_str()),
            ("sh -c ended with exit code 7: d", "c\nd\n")
        );
        let (_, kept) = shell(at, "yes | head -c 2000000 >&2; exit 1").heard().unwrap_err();
        assert!((KEPT_MAX..=2 * KEPT_MAX).contains(&kept.len()), "{}", kept.len());
        let error = Job::new(&at.join("none"), at, ["x"]).code().unwrap_err().to_string();
        assert!(error.starts_with("cannot start ") && error.contains("none x: "), "{error}");
    }
}
