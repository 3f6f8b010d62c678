//! The only file here that starts processes: git, cargo, and the executables of kits.

use std::ffi::OsString;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};

/// Why a program did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProcessError {
    /// It could not be started.
    #[error("cannot start {program}: {source}")]
    Start {
        /// The program.
        program: String,
        /// What the system says.
        source: io::Error,
    },
    /// It ended badly.
    #[error("{program} {how}{}", if said.is_empty() { String::new() } else { format!(": {said}") })]
    Ended {
        /// The program and its first word.
        program: String,
        /// With which code, or by which signal.
        how: String,
        /// The last line that it said.
        said: String,
        /// True where Ctrl-C ended it.
        is_interrupted: bool,
    },
}

impl ProcessError {
    /// True where Ctrl-C ended the program.
    pub(crate) const fn is_interrupted(&self) -> bool {
        matches!(self, Self::Ended { is_interrupted: true, .. })
    }
}

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
}

impl<'a> Job<'a> {
    /// `program` in `folder` with `words`.
    pub(crate) fn new<W: Into<OsString>>(
        program: &'a Path,
        folder: &'a Path,
        words: impl IntoIterator<Item = W>,
    ) -> Self {
        let words = words.into_iter().map(Into::into).collect();
        Self { program, folder, words, variables: Vec::new() }
    }

    fn command(&self) -> Command {
        let mut command = Command::new(self.program);
        command.args(&self.words).current_dir(self.folder).stdin(Stdio::null());
        // A bench that cargo starts is told by it where the user stands: here that is `folder`.
        command.env("PWD", self.folder).env_remove("CARGO_MANIFEST_DIR");
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    /// The program, and its first word.
    fn name(&self) -> String {
        let program = self.program.display().to_string();
        let first = self.words.first().map(|word| word.to_string_lossy().into_owned());
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

    /// Runs it to its end with our streams, and gives its exit code; 130 where Ctrl-C ended it.
    ///
    /// # Errors
    /// It cannot start, or another signal ended it.
    pub(crate) fn code(&self) -> Result<u8, ProcessError> {
        let status = self.command().status().map_err(self.unstartable())?;
        match status.code() {
            Some(code) => Ok(u8::try_from(code).unwrap_or(u8::MAX)),
            None if is_interrupted(status) => Ok(caxton_results::exit::INTERRUPTED),
            None => Err(self.ended(status, &[])),
        }
    }
}

/// SIGINT's number, everywhere.
const SIGINT: i32 = 2;

fn is_interrupted(status: ExitStatus) -> bool {
    status.signal() == Some(SIGINT)
        || status.code() == Some(i32::from(caxton_results::exit::INTERRUPTED))
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
        let error = Job::new(&at.join("none"), at, ["x"]).code().unwrap_err().to_string();
        assert!(error.starts_with("cannot start ") && error.contains("none x: "), "{error}");
    }
}
