//! The programs that commands start: git, cargo, and the executables of kits.

use super::error::ProcessError;
use super::output;
use caxton_analysis::exit;
use caxton_sys::surroundings::GIT_WORDS;
use caxton_sys::{process, target_folder};
use std::ffi::OsStr;
use std::io::{self, BufRead, BufReader};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{ChildStderr, Command, ExitStatus, Stdio};
use std::thread;

/// Most bytes that are kept of what a program says; of more, the last.
const KEPT_MAX: usize = 256 << 10;

/// SIGINT's number, everywhere.
const SIGINT: i32 = 2;

/// `program` in `folder`, where a user would stand who starts it.
pub(super) fn command(program: impl AsRef<OsStr>, folder: &Path) -> Command {
    placed(process::command(program, folder), folder)
}

/// `command`, which works in `folder`: a bench that cargo starts is told by it where the user
/// stands, and one that it starts in turn builds where the user's own cargo does.
pub(super) fn placed(mut command: Command, folder: &Path) -> Command {
    let here = std::env::current_dir().unwrap_or_default();
    command.env("PWD", folder).env_remove("CARGO_MANIFEST_DIR");
    command.envs(target_folder::variables(&here, |name| std::env::var_os(name)));
    command
}

/// What `command` writes to its standard output, and only if it ended well. Its standard error goes
/// to ours where `is_loud`.
pub(super) fn output(command: &mut Command, is_loud: bool) -> Result<String, ProcessError> {
    let stderr = if is_loud { Stdio::inherit() } else { Stdio::piped() };
    let child = command.stdout(Stdio::piped()).stderr(stderr).spawn();
    let said = child.and_then(|child| child.wait_with_output());
    let said = said.map_err(|source| unstartable(command, source))?;
    if said.status.success() {
        Ok(String::from_utf8_lossy(&said.stdout).into_owned())
    } else {
        Err(ended(command, said.status, &said.stderr))
    }
}

/// What `command` writes to its standard output, and only if it ended well. Its standard error goes
/// to ours line by line, and the end of it comes back with the error.
pub(super) fn relayed(command: &mut Command) -> Result<String, (ProcessError, String)> {
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = child.map_err(|source| (unstartable(command, source), String::new()))?;
    let stderr = child.stderr.take().expect("it is piped");
    let relay = thread::spawn(move || relay(stderr));
    let said = child.wait_with_output();
    let kept = relay.join().expect("a relay does not panic");
    match said {
        Ok(said) if said.status.success() => Ok(String::from_utf8_lossy(&said.stdout).into_owned()),
        Ok(said) => Err((ended(command, said.status, kept.as_bytes()), kept)),
        Err(source) => Err((unstartable(command, source), kept)),
    }
}

/// Runs `command` with our streams; its exit code, which is 130 where Ctrl-C ended it.
pub(super) fn code(command: &mut Command) -> Result<u8, ProcessError> {
    let status = command.status().map_err(|source| unstartable(command, source))?;
    match status.code() {
        Some(code) => Ok(u8::try_from(code).unwrap_or(u8::MAX)),
        None if is_interrupted(status) => Ok(exit::INTERRUPTED),
        None => Err(ended(command, status, &[])),
    }
}

/// The program, and its first word that says what is wanted.
fn name(command: &Command) -> String {
    let words: Vec<&OsStr> = command.get_args().collect();
    let is_git = words.len() > 1 && words.iter().zip(GIT_WORDS).all(|(a, b)| *a == b);
    let first = words.get(if is_git { GIT_WORDS.len() } else { 0 });
    let words = std::iter::once(command.get_program()).chain(first.copied());
    words.map(OsStr::to_string_lossy).collect::<Vec<_>>().join(" ")
}

fn unstartable(command: &Command, source: io::Error) -> ProcessError {
    ProcessError::Start { program: name(command), source }
}

fn ended(command: &Command, status: ExitStatus, stderr: &[u8]) -> ProcessError {
    let text = String::from_utf8_lossy(stderr);
    let said = text.lines().rev().find(|line| !line.trim().is_empty());
    ProcessError::Ended {
        program: name(command),
        how: process::describe(status),
        said: said.unwrap_or_default().trim().to_owned(),
        is_interrupted: is_interrupted(status),
    }
}

/// Passes on what `stream` says, and keeps the end of it.
fn relay(stream: ChildStderr) -> String {
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

fn is_interrupted(status: ExitStatus) -> bool {
    status.signal() == Some(SIGINT) || status.code() == Some(i32::from(exit::INTERRUPTED))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_program_says_and_how_it_ends_comes_back() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        let shell = |script: &str| {
            let mut shell = command("sh", at);
            shell.args(["-c", script]).env("A", "b");
            shell
        };
        let real = std::fs::canonicalize(at).unwrap();
        let said = output(&mut shell("pwd -P; echo $A; echo noise >&2"), false).unwrap();
        assert_eq!(said, format!("{}\nb\n", real.display()));
        let mut failing = shell("echo first >&2; echo last >&2; exit 7");
        let error = output(&mut failing, false).unwrap_err();
        assert_eq!(error.to_string(), "sh -c exited with code 7: last");
        assert!(!error.is_interrupted());
        assert_eq!(code(&mut shell("exit 3")).unwrap(), 3);
        assert_eq!(code(&mut shell("kill -INT $$")).unwrap(), 130);
        assert!(output(&mut shell("kill -INT $$"), false).unwrap_err().is_interrupted());
        let error = code(&mut shell("kill -TERM $$")).unwrap_err();
        assert_eq!(error.to_string(), "sh -c killed by signal 15");
        assert_eq!(relayed(&mut shell("echo noise >&2; echo a")).unwrap(), "a\n");
        let (error, kept) =
            relayed(&mut shell("echo b; echo c >&2; echo d >&2; exit 7")).unwrap_err();
        assert_eq!(
            (error.to_string().as_str(), kept.as_str()),
            ("sh -c exited with code 7: d", "c\nd\n")
        );
        let (_, kept) = relayed(&mut shell("yes | head -c 2000000 >&2; exit 1")).unwrap_err();
        assert!((KEPT_MAX..=2 * KEPT_MAX).contains(&kept.len()), "{}", kept.len());
        let error = code(command(at.join("none"), at).arg("x")).unwrap_err().to_string();
        assert!(error.starts_with("cannot start ") && error.contains("none x: "), "{error}");
    }
}
