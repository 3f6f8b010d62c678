//! One launch: a fresh worker process, heard out or ended.

use super::protocol::{Event, Job, WORKER_ARGUMENT};
use crate::sys::clock::{Clock, Monotonic};
use crate::sys::process;
use caxton_results::case::Outcome;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::process::Child;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

/// What is kept of a worker's standard error: enough for a panic message.
const STDERR_BYTES_MAX: u64 = 64 << 10;

/// How often the user's wish to stop is looked for.
const PATIENCE: Duration = Duration::from_millis(100);

/// What came of a launch.
#[derive(Debug)]
pub struct Launched {
    /// What the worker told, up to its end. Complete only if `outcome` is `Ran`.
    pub events: Vec<Event>,
    /// How it ended; none when the user stopped the run.
    pub outcome: Option<Outcome>,
}

/// Runs `job` in a fresh worker, for at most `time`.
///
/// # Errors
/// The worker could not be started.
pub fn launch(job: &Job, time: Duration, stop: &AtomicBool) -> io::Result<Launched> {
    let mut child = process::spawn_worker(WORKER_ARGUMENT)?;
    let line = serde_json::to_vec(job)?;
    if let Some(mut stdin) = child.stdin.take() {
        // A worker that died at once is heard of below.
        let _ = stdin.write_all(&line);
    }
    let stderr = child.stderr.take();
    let last_words = thread::spawn(move || {
        let mut text = Vec::new();
        if let Some(mut stderr) = stderr {
            let _ = stderr.by_ref().take(STDERR_BYTES_MAX).read_to_end(&mut text);
            // Keep the pipe empty, or a chatty twin would stand still.
            let _ = io::copy(&mut stderr, &mut io::sink());
        }
        String::from_utf8_lossy(&text).into_owned()
    });
    let events = listen(&mut child);
    let (events, end) = hear_out(&events, time, stop);
    // A worker whose last word is said, or whose time is over, has nothing more to do.
    let is_done = matches!(events.last(), Some(Event::End(_)));
    if end != End::Told || is_done {
        let _ = child.kill();
    }
    let status = child.wait()?;
    let last_words = last_words.join().unwrap_or_default();
    let outcome = match end {
        End::Stopped => None,
        End::TimedOut => {
            Some(Outcome::TimedOut(format!("no end within {} s: killed", time.as_secs_f64())))
        }
        End::Told => match events.last() {
            Some(Event::End(outcome)) => Some(outcome.clone()),
            _ => Some(died(&events, &process::describe(status), &last_words)),
        },
    };
    Ok(Launched { events, outcome })
}

#[derive(Debug, PartialEq, Eq)]
enum End {
    /// The worker closed its output.
    Told,
    TimedOut,
    Stopped,
}

fn listen(child: &mut Child) -> Receiver<Event> {
    let (sender, receiver) = mpsc::channel();
    if let Some(stdout) = child.stdout.take() {
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                // A line that is no event is a guest or library that prints: not ours.
                if let Ok(event) = serde_json::from_str(&line)
                    && sender.send(event).is_err()
                {
                    return;
                }
            }
        });
    }
    receiver
}

fn hear_out(events: &Receiver<Event>, time: Duration, stop: &AtomicBool) -> (Vec<Event>, End) {
    let mut heard = Vec::new();
    let start = Monotonic.now();
    loop {
        if stop.load(Ordering::Relaxed) {
            return (heard, End::Stopped);
        }
        match events.recv_timeout(PATIENCE) {
            Ok(event) => heard.push(event),
            Err(RecvTimeoutError::Disconnected) => return (heard, End::Told),
            Err(RecvTimeoutError::Timeout) => {
                let taken = Duration::from_nanos(Monotonic.now().0 - start.0);
                if taken >= time {
                    return (heard, End::TimedOut);
                }
            }
        }
    }
}

/// A worker that ended without saying so: its agent took the process along.
fn died(events: &[Event], how: &str, last_words: &str) -> Outcome {
    let words = last_words.split_whitespace().collect::<Vec<_>>().join(" ");
    let why = match words.as_str() {
        "" => format!("the worker process {how}"),
        words => format!("the worker process {how}; it said: {words}"),
    };
    if events.contains(&Event::Working) {
        Outcome::DiedInTheMiddle(why)
    } else {
        Outcome::DiedBeforeWork(why)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_silent_end_is_told_by_when_it_came() {
        let early = died(&[], "crashed (SIGSEGV)", "");
        assert_eq!(
            early,
            Outcome::DiedBeforeWork("the worker process crashed (SIGSEGV)".to_owned())
        );
        let late = died(&[Event::Working], "aborted (SIGABRT)", "panicked at\nhere");
        let why = "the worker process aborted (SIGABRT); it said: panicked at here";
        assert_eq!(late, Outcome::DiedInTheMiddle(why.to_owned()));
    }

    #[test]
    fn a_worker_is_heard_until_it_ends_or_the_user_says_stop() {
        let (sender, receiver) = mpsc::channel();
        sender.send(Event::Working).expect("open");
        drop(sender);
        let (heard, end) = hear_out(&receiver, Duration::from_secs(60), &AtomicBool::new(false));
        assert_eq!((heard.len(), end), (1, End::Told));
        let (_sender, receiver) = mpsc::channel();
        let (_, end) = hear_out(&receiver, Duration::from_secs(60), &AtomicBool::new(true));
        assert_eq!(end, End::Stopped);
        let (_, end) = hear_out(&receiver, Duration::ZERO, &AtomicBool::new(false));
        assert_eq!(end, End::TimedOut);
    }
}
