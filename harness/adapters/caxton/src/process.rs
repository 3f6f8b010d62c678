//! A probe in a process of its own: caxton's workers never end, its subscriber is the process's
//! only one, and its engine takes what it finds in the user's cache of compiled modules.

use crate::report::{ProbeReport, failed};
use caxton_model::case::Outcome;
use caxton_sys::clock::{Clock, Monotonic};
use caxton_sys::process::{THIS_EXECUTABLE, command, describe, kill_group};
use std::io::{self, Read};
use std::os::unix::process::CommandExt;
use std::process::{Child, ExitStatus, Stdio};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// The first argument of a probe; the second one is its case.
pub(crate) const PROBE: &str = "__probe";
/// More is not read of what a probe says: it then ends on a closed pipe.
const OUTPUT_MAX: u64 = 1 << 20;
/// Characters of a probe's last words.
const LAST_WORDS: usize = 300;
/// Between two looks at a probe.
const BETWEEN: Duration = Duration::from_millis(20);

/// Runs the probe of `case` to its end, for `time` at the most.
///
/// # Errors
/// How the case ended where its probe did not report.
pub(crate) fn launch(case: &str, time: Duration) -> Result<ProbeReport, Outcome> {
    heard([THIS_EXECUTABLE, PROBE, case], time)
}

/// What a program with two `words` reports. Its caches and configuration are in a fresh folder, and
/// never the user's.
fn heard([program, words @ ..]: [&str; 3], time: Duration) -> Result<ProbeReport, Outcome> {
    let home = tempfile::tempdir().map_err(|error| failed("a folder for caches", error))?;
    let mut command = command(program, home.path());
    command.args(words).process_group(0).stdout(Stdio::piped()).stderr(Stdio::piped());
    for name in ["HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"] {
        command.env(name, home.path());
    }
    let mut child = command.spawn().map_err(|error| failed("probe", error))?;
    let stdout = read_on_a_thread(child.stdout.take());
    let stderr = read_on_a_thread(child.stderr.take());
    let ended = wait(&mut child, time);
    let [stdout, stderr] = [stdout, stderr].map(|thread| thread.join().unwrap_or_default());
    match ended.map_err(|error| failed("probe", error))? {
        None => Err(Outcome::TimedOut(format!("no answer within {} s", time.as_secs()))),
        Some(status) if !status.success() => {
            let why = format!("{}: {}", describe(status), last_words(&stderr));
            Err(Outcome::DiedInTheMiddle(why))
        }
        Some(_) => serde_json::from_slice(&stdout)
            .map_err(|error| failed("what the probe reported", error)),
    }
}

/// How `child` ended; none where it took longer and was killed.
fn wait(child: &mut Child, time: Duration) -> io::Result<Option<ExitStatus>> {
    let deadline = Monotonic.now().0 + time.as_nanos() as u64;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if Monotonic.now().0 >= deadline {
            kill_group(child);
            child.wait()?;
            return Ok(None);
        }
        thread::sleep(BETWEEN);
    }
}

/// Reads `stream` to its end, or as far as is read.
fn read_on_a_thread(stream: Option<impl Read + Send + 'static>) -> JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        // What was said before an error counts.
        let _ = stream.map(|stream| stream.take(OUTPUT_MAX).read_to_end(&mut bytes));
        bytes
    })
}

/// The last line of what a probe said, without its notes about backtraces.
fn last_words(stderr: &[u8]) -> String {
    let text = String::from_utf8_lossy(stderr);
    let is_said = |line: &&str| !line.is_empty() && !line.starts_with("note:");
    let last = text.lines().map(str::trim).rfind(is_said);
    last.unwrap_or("it said nothing").chars().take(LAST_WORDS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_words_are_those_before_notes() {
        let told = last_words(b"first\nlast one\n\nnote: run with `RUST_BACKTRACE=1`\n");
        assert_eq!(told, "last one");
        assert_eq!(last_words(b"\n"), "it said nothing");
        assert_eq!(last_words("é".repeat(400).as_bytes()).chars().count(), LAST_WORDS);
    }

    fn shell(script: &str, ms: u64) -> Result<ProbeReport, Outcome> {
        heard(["sh", "-c", script], Duration::from_millis(ms))
    }

    #[test]
    fn a_probe_that_hangs_dies_floods_or_lies_costs_its_case_alone() {
        const LONG: u64 = 60_000;
        let hangs = shell("sleep 1000000 & wait", 100);
        assert_eq!(hangs, Err(Outcome::TimedOut("no answer within 0 s".to_owned())));
        let died = shell("echo first; echo last words >&2; exit 3", LONG);
        let why = "exited with code 3: last words".to_owned();
        assert_eq!(died, Err(Outcome::DiedInTheMiddle(why)));
        let floods = shell("exec yes", LONG);
        assert!(matches!(floods, Err(Outcome::DiedInTheMiddle(_))), "{floods:?}");
        assert!(matches!(shell("echo half", LONG), Err(Outcome::Failed(_))));
        let reports = shell(r#"echo '{"outcome":"ran","readings":[]}'"#, LONG);
        assert_eq!(reports, Ok(ProbeReport { outcome: Outcome::Ran, readings: Vec::new() }));
    }

    #[test]
    fn a_probe_finds_an_empty_home_and_not_the_users_caches() {
        let script =
            r#"ls -A "$HOME" >&2; echo "$HOME $XDG_CACHE_HOME $XDG_CONFIG_HOME" >&2; exit 1"#;
        let Err(Outcome::DiedInTheMiddle(told)) = shell(script, 60_000) else {
            panic!("it ends with 1");
        };
        let folders: Vec<&str> = told.split(": ").nth(1).unwrap_or("").split(' ').collect();
        let [home, cache, config] = folders[..] else { panic!("{told}") };
        assert!(home == cache && home == config && !home.is_empty(), "{told}");
        assert_ne!(Some(home.to_owned()), std::env::var("HOME").ok());
    }
}
