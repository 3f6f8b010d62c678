//! Starts the tools, and reads the clock around them: the runner's own files for both would bring
//! its whole tree of dependencies here.
#![expect(clippy::disallowed_methods, reason = "see above")]

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

/// A command that has ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Finished {
    /// What it wrote to its standard output.
    pub stdout: String,
    /// What it wrote to its standard error.
    pub stderr: String,
    /// Its exit code; none if a signal ended it.
    pub code: Option<i32>,
    /// From its start to its end, in seconds.
    pub seconds: f64,
}

/// Runs `program` to its end, with `variables` added to the environment.
///
/// # Errors
/// It cannot be started.
pub fn run(
    program: &Path,
    arguments: &[String],
    variables: &[(&str, &str)],
) -> Result<Finished, String> {
    let mut command = Command::new(program);
    command.args(arguments).envs(variables.iter().copied()).stdin(Stdio::null());
    let start = Instant::now();
    let output = command.output().map_err(|error| format!("{}: {error}", program.display()))?;
    let seconds = start.elapsed().as_secs_f64();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    Ok(Finished { stdout, stderr, code: output.status.code(), seconds })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Finished {
        let arguments = ["-c".to_owned(), script.to_owned()];
        run(Path::new("sh"), &arguments, &[("PLANTED", "200")]).unwrap()
    }

    #[test]
    fn a_command_tells_its_words_and_its_code() {
        let finished = shell("echo $PLANTED; echo warning >&2; exit 3");
        let words = (&*finished.stdout, &*finished.stderr);
        assert_eq!((words, finished.code), (("200\n", "warning\n"), Some(3)));
        assert_eq!(shell("kill -9 $$").code, None);
    }

    #[test]
    fn a_program_that_is_not_there_is_named() {
        let error = run(Path::new("no-such-program"), &[], &[]).unwrap_err();
        assert!(error.starts_with("no-such-program: "), "{error}");
    }
}
