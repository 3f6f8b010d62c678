//! A worker process and the talk with it: one JSON value per line, each way.

use caxton_model::case::Outcome;
use caxton_sys::clock::{Clock, Monotonic};
use caxton_sys::{process, refusal};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::ffi::OsString;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// What is kept of a worker's standard error: enough for a panic message.
const STDERR_BYTES_MAX: u64 = 64 << 10;

/// Longest line of a worker that is read: profiles are the longest, and have some megabytes.
const LINE_BYTES_MAX: u64 = 64 << 20;

/// How often the user's wish to stop is looked for.
const PATIENCE: Duration = Duration::from_millis(100);

/// A worker that says values of `T`.
pub struct Worker<T> {
    child: Child,
    stdin: Option<ChildStdin>,
    said: Receiver<T>,
    last_words: JoinHandle<String>,
}

/// How a worker ended, and what it said on standard error.
pub struct WorkerEnd {
    how: String,
    last_words: String,
}

/// What a worker says, or why it says nothing.
#[derive(Debug, PartialEq, Eq)]
pub enum Received<T> {
    Value(T),
    /// It has closed its output.
    Ended,
    /// Nothing within the time allowed.
    Silent,
    Stopped,
}

impl<T: DeserializeOwned + Send + 'static> Worker<T> {
    /// Starts `program` with `argument`, where and how [`process::spawn_worker`] says.
    pub fn start(
        program: &Path,
        argument: &str,
        dir: Option<&Path>,
        pad: Option<&str>,
    ) -> io::Result<Self> {
        Self::of(process::spawn_worker(program, argument, dir, pad)?)
    }

    /// The same as `tool` runs it, where and how [`process::spawn_worker_under`] says.
    pub fn start_under(
        tool: &[OsString],
        program: &Path,
        argument: &str,
        dir: Option<&Path>,
    ) -> io::Result<Self> {
        Self::of(process::spawn_worker_under(tool, program, argument, dir)?)
    }

    fn of(mut child: Child) -> io::Result<Self> {
        let (stdin, stderr) = (child.stdin.take(), child.stderr.take());
        let last_words = thread::Builder::new().spawn(move || {
            let mut text = Vec::new();
            if let Some(mut stderr) = stderr {
                let _ = stderr.by_ref().take(STDERR_BYTES_MAX).read_to_end(&mut text);
                // Keep the pipe empty, or a chatty agent would stand still.
                let _ = io::copy(&mut stderr, &mut io::sink());
            }
            String::from_utf8_lossy(&text).into_owned()
        })?;
        let said = listen(&mut child)?;
        Ok(Self { child, stdin, said, last_words })
    }

    /// Says `value`. That a worker is gone is told by [`Self::receive`].
    pub fn say(&mut self, value: &impl Serialize) -> io::Result<()> {
        let mut line = serde_json::to_vec(value)?;
        line.push(b'\n');
        if let Some(stdin) = &mut self.stdin {
            let _ = stdin.write_all(&line).and_then(|()| stdin.flush());
        }
        Ok(())
    }

    /// There is nothing more to say.
    pub fn close(&mut self) {
        self.stdin = None;
    }

    /// The next value, waited for until `time` has passed since `since`.
    pub fn receive(&self, since: Duration, time: Duration, stop: &AtomicBool) -> Received<T> {
        receive(&self.said, since, time, stop)
    }

    /// Ends it, by force if it still runs; how it ended, and what it said on standard error.
    pub fn end(mut self, by_force: bool) -> io::Result<WorkerEnd> {
        self.close();
        if by_force {
            // With the programs that it runs, which are in its group.
            process::kill_group(&self.child);
        }
        let status = self.child.wait()?;
        let last_words = self.last_words.join().unwrap_or_default();
        Ok(WorkerEnd { how: process::describe(status), last_words })
    }
}

/// Now, on the clock of [`Worker::receive`].
pub fn now() -> Duration {
    Duration::from_nanos(Monotonic.now().0)
}

fn listen<T: DeserializeOwned + Send + 'static>(child: &mut Child) -> io::Result<Receiver<T>> {
    let (sender, receiver) = mpsc::channel();
    if let Some(stdout) = child.stdout.take() {
        thread::Builder::new().spawn(move || {
            each_value(BufReader::new(stdout), LINE_BYTES_MAX, |value| sender.send(value).is_ok());
        })?;
    }
    Ok(receiver)
}

/// Hands each value in a line of `said` to `take`, until it wants no more or a line is longer than
/// `most` bytes: a worker may be a stranger's program, and its words must not fill the memory.
fn each_value<T: DeserializeOwned>(
    mut said: impl BufRead,
    most: u64,
    mut take: impl FnMut(T) -> bool,
) {
    let mut line = Vec::new();
    loop {
        line.clear();
        match (&mut said).take(most).read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => return,
            Ok(bytes) if bytes as u64 == most && !line.ends_with(b"\n") => return,
            Ok(_) => {}
        }
        // A line that is none of ours is a guest or library that prints.
        if let Ok(value) = serde_json::from_slice(&line)
            && !take(value)
        {
            return;
        }
    }
}

fn receive<T>(
    said: &Receiver<T>,
    since: Duration,
    time: Duration,
    stop: &AtomicBool,
) -> Received<T> {
    loop {
        if stop.load(Ordering::Relaxed) {
            return Received::Stopped;
        }
        match said.recv_timeout(PATIENCE) {
            Ok(value) => return Received::Value(value),
            Err(RecvTimeoutError::Disconnected) => return Received::Ended,
            Err(RecvTimeoutError::Timeout) if now().saturating_sub(since) >= time => {
                return Received::Silent;
            }
            Err(RecvTimeoutError::Timeout) => {}
        }
    }
}

/// What became of a worker that did not end within `time`.
pub fn timed_out(time: Duration) -> Outcome {
    Outcome::TimedOut(format!("no end within {} s: killed", time.as_secs_f64()))
}

/// What became of a worker that ended without saying so: its agent took the process along.
pub fn died(has_begun: bool, ending: &WorkerEnd) -> Outcome {
    let WorkerEnd { how, last_words } = ending;
    let words = last_words.split_whitespace().collect::<Vec<_>>().join(" ");
    let why = match words.as_str() {
        "" => format!("the worker process {how}"),
        words => format!("the worker process {how}; it said: {words}"),
    };
    match of_machine(&why) {
        Some(outcome) => outcome,
        None if has_begun => Outcome::DiedInTheMiddle(why),
        None => Outcome::DiedBeforeWork(why),
    }
}

/// What became of an agent that the machine had no room for is no fault of the agent. Once it works
/// its words are its own, and prove nothing.
pub fn attributed(outcome: Outcome) -> Outcome {
    match &outcome {
        Outcome::Refused(why) | Outcome::DiedBeforeWork(why) | Outcome::Failed(why) => {
            of_machine(why).unwrap_or(outcome)
        }
        _ => outcome,
    }
}

fn of_machine(why: &str) -> Option<Outcome> {
    let limit = refusal::of_machine(why)?;
    Some(Outcome::Failed(format!("the machine, not the agent: {limit}: {why}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ending(how: &str, last_words: &str) -> WorkerEnd {
        WorkerEnd { how: how.to_owned(), last_words: last_words.to_owned() }
    }

    #[test]
    fn a_silent_end_is_told_by_when_it_came() {
        let early = died(false, &ending("crashed (SIGSEGV)", ""));
        assert_eq!(
            early,
            Outcome::DiedBeforeWork("the worker process crashed (SIGSEGV)".to_owned())
        );
        let late = died(true, &ending("aborted (SIGABRT)", "panicked at\nhere"));
        let why = "the worker process aborted (SIGABRT); it said: panicked at here";
        assert_eq!(late, Outcome::DiedInTheMiddle(why.to_owned()));
    }

    #[test]
    fn a_refusal_by_the_machine_is_not_the_agents() {
        let full = "native: failed to map segment: Cannot allocate memory";
        for outcome in [Outcome::Refused(full.to_owned()), Outcome::DiedBeforeWork(full.to_owned())]
        {
            let Outcome::Failed(why) = attributed(outcome) else { panic!("the agent's") };
            assert!(
                why.starts_with("the machine, not the agent: ") && why.ends_with(full),
                "{why}"
            );
        }
        let own = Outcome::DiedInTheMiddle(full.to_owned());
        assert_eq!(attributed(own.clone()), own, "an agent may say anything");
        let invalid = Outcome::Refused("no valid module".to_owned());
        assert_eq!(attributed(invalid.clone()), invalid);
        let panicked = "called `Result::unwrap()`: Os { code: 11, kind: WouldBlock }";
        let died = died(false, &ending("exited with code 101", panicked));
        assert!(matches!(died, Outcome::Failed(_)), "{died:?}");
    }

    #[test]
    fn lines_are_values_or_noise_and_none_is_longer_than_it_may_be() {
        let read = |said: &[u8], most: u64| {
            let mut values = Vec::new();
            each_value(said, most, |value: u32| {
                values.push(value);
                true
            });
            values
        };
        assert_eq!(read(b"1\nnoise\n\xff\n2\n3", 100), [1, 2, 3]);
        assert_eq!(read(b"1\n22222\n3\n", 6), [1, 22_222, 3], "the longest line");
        assert_eq!(read(b"1\n222222\n3\n", 6), [1], "one byte more");
        assert_eq!(read(&[b'7'; 1000], 6), [0; 0]);
    }

    #[test]
    fn a_worker_is_heard_until_it_ends_or_the_user_says_stop() {
        let long = Duration::from_secs(60);
        let (sender, receiver) = mpsc::channel();
        sender.send(7).expect("open");
        drop(sender);
        assert_eq!(receive(&receiver, now(), long, &AtomicBool::new(false)), Received::Value(7));
        assert_eq!(receive(&receiver, now(), long, &AtomicBool::new(false)), Received::Ended);
        let (_sender, receiver) = mpsc::channel::<u32>();
        assert_eq!(receive(&receiver, now(), long, &AtomicBool::new(true)), Received::Stopped);
        assert_eq!(
            receive(&receiver, now(), Duration::ZERO, &AtomicBool::new(false)),
            Received::Silent
        );
    }
}
