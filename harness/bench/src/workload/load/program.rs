//! Another program as the target of a load: each message is a line with its number on the program's
//! standard input, and a line with that number on its standard output is the answer. `cat` is one.
//!
//! The program is a stranger: what it writes is bounded in length and number, whatever is no number
//! is no answer, and when it ends its last words are told.

use super::target::{AT_A_TIME, Answer, Target};
use caxton_model::case::Outcome;
use caxton_model::load::frame::PROGRAM;
use caxton_model::sanitise::sanitise;
use caxton_runtime::subject::Attempt;
use caxton_sys::process;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::fd::AsFd;
use std::process::{Child, ChildStdin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, SyncSender, TryRecvError, TrySendError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// Messages that wait to be written, and answers that wait to be taken; more find no room.
const ROOM: usize = 1 << 16;
/// The longest line: a log may be on standard output, and is no answer.
const LINE_BYTES: u64 = 64 << 10;
/// The longest number with the end of its line.
const NUMBER_BYTES: usize = 21;
/// How often a helper looks whether the load is over.
const PATIENCE: Duration = Duration::from_millis(50);
/// The program's last words: so much of its standard error is kept, and so much of it told.
const WORDS_BYTES: usize = 4096;
const WORDS_MAX: usize = 300;
/// How long a program that said its last word may take to end, in looks at it.
const ENDING: (u32, Duration) = (1000, Duration::from_millis(1));
/// How long answers are waited for of a program that reads no more.
const DEAF_NS: u64 = 1_000_000_000;
/// A pipe there and one back: four system calls and two threads that wake up take longer.
const LEAST_NS: u64 = 1000;

/// What is read of a program.
#[derive(Debug, PartialEq, Eq)]
enum Spoken {
    Number(u64),
    /// A line that is longer than any.
    Endless,
}

/// The program as one generator has it: several part its numbers among them.
pub struct Program {
    words: String,
    numbers: Option<SyncSender<u64>>,
    received: Option<Receiver<Spoken>>,
    /// Which generator, from 0, of how many: message `id` is number `id * of + place`.
    place: u64,
    of: u64,
    /// Since when it reads no more.
    deaf_since_ns: Option<u64>,
    /// Last: what is said to it has an end before it is waited for.
    process: Arc<Mutex<SharedProgram>>,
}

/// The program itself, and all that was started for it.
struct SharedProgram {
    child: Child,
    answered: u64,
    last_words: Arc<Mutex<Vec<u8>>>,
    is_over: Arc<AtomicBool>,
    /// Those that write, read and listen: each ends soon after `is_over`.
    helpers: Vec<JoinHandle<()>>,
}

impl Program {
    /// Starts `words`, the program and its arguments, for so many generators.
    pub fn start(words: &[String], generators: u32) -> Attempt<Vec<Self>> {
        let shown = words.join(" ");
        let refused = |why: String| Outcome::Refused(format!("program {shown}: {why}"));
        let (name, arguments) =
            words.split_first().ok_or_else(|| refused("name one".to_owned()))?;
        let mut child =
            process::spawn_piped(name, arguments).map_err(|error| refused(error.to_string()))?;
        let pipes = child.stdin.take().zip(child.stdout.take()).zip(child.stderr.take());
        let ((stdin, stdout), stderr) = pipes.ok_or_else(|| refused("it has no pipes".into()))?;
        let is_over = Arc::new(AtomicBool::new(false));
        let last_words = Arc::new(Mutex::new(Vec::new()));
        let (numbers, to_write) = mpsc::sync_channel(ROOM);
        let (tell, received): (Vec<_>, Vec<_>) =
            (0..generators).map(|_| mpsc::sync_channel(ROOM)).unzip();
        let stdout = Patient { file: stdout, is_over: Arc::clone(&is_over) };
        let stderr = Patient { file: stderr, is_over: Arc::clone(&is_over) };
        let (heard, over) = (Arc::clone(&last_words), Arc::clone(&is_over));
        let helpers = vec![
            thread::spawn(move || write(&to_write, stdin, &over)),
            thread::spawn(move || read(stdout, &tell)),
            thread::spawn(move || listen(stderr, &heard)),
        ];
        let process = SharedProgram { child, answered: 0, last_words, is_over, helpers };
        let (process, of) = (Arc::new(Mutex::new(process)), u64::from(generators));
        let program = |(place, received)| Self {
            words: format!("{PROGRAM}{shown}"),
            numbers: Some(numbers.clone()),
            received: Some(received),
            place,
            of,
            deaf_since_ns: None,
            process: Arc::clone(&process),
        };
        Ok((0..of).zip(received).map(program).collect())
    }

    fn process(&self) -> MutexGuard<'_, SharedProgram> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SharedProgram {
    /// That the program `did` something after which nothing can come of it, and its last words.
    fn ended(&self, did: &str) -> Outcome {
        let bytes = self.last_words.lock().unwrap_or_else(PoisonError::into_inner);
        let words = String::from_utf8_lossy(&bytes);
        let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
        let words = match words.as_str() {
            "" => String::new(),
            words => format!("; it said: {}", sanitise(words, WORDS_MAX)),
        };
        let answered = self.answered;
        Outcome::DiedInTheMiddle(format!("the program {did} after {answered} answers{words}"))
    }

    /// How a program ended whose output did.
    fn silent(&mut self) -> Outcome {
        let (looks, pause) = ENDING;
        let mut status = None;
        for _ in 0..looks {
            status = status.or_else(|| self.child.try_wait().ok().flatten());
            // Its last words are received when the last helper has them.
            if status.is_some() && self.helpers.last().is_none_or(JoinHandle::is_finished) {
                break;
            }
            thread::sleep(pause);
        }
        match status {
            Some(status) => self.ended(&process::describe(status)),
            None => self.ended("closed its output"),
        }
    }
}

/// Writes numbers, as many at a time as the pipe takes without a pause. Ends when nothing more will
/// be said, or the program hears no more.
fn write(numbers: &Receiver<u64>, mut stdin: ChildStdin, is_over: &AtomicBool) {
    let mut text = Vec::with_capacity(process::PIPE_BYTES);
    while let Ok(first) = numbers.recv() {
        text.clear();
        let mut next = Some(first);
        while let Some(number) = next {
            // A vector takes everything.
            let _ = writeln!(text, "{number}");
            let has_room = text.len() + NUMBER_BYTES <= process::PIPE_BYTES;
            next = if has_room { numbers.try_recv().ok() } else { None };
        }
        loop {
            if is_over.load(Ordering::Relaxed) {
                return;
            }
            match process::is_writable_within(&stdin, PATIENCE) {
                Ok(true) => break,
                Ok(false) => {}
                Err(_) => return,
            }
        }
        if stdin.write_all(&text).is_err() {
            return;
        }
    }
}

/// Reads answers, each for the generator whose message it is to. Ends with the program's output, or
/// when somebody wants no more of them.
fn read(stdout: impl Read, tell: &[SyncSender<Spoken>]) {
    let of = tell.len() as u64;
    let mut stdout = BufReader::with_capacity(LINE_BYTES as usize, stdout);
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = (&mut stdout).take(LINE_BYTES).read_until(b'\n', &mut line);
        let received = match read {
            Ok(0) | Err(_) => return,
            Ok(_) if line.len() as u64 == LINE_BYTES && !line.ends_with(b"\n") => {
                Some(Spoken::Endless)
            }
            Ok(_) => number(&line, of << 32).map(Spoken::Number),
        };
        let is_taken = match received {
            None => true,
            Some(Spoken::Number(number)) => {
                tell[(number % of) as usize].send(Spoken::Number(number)).is_ok()
            }
            Some(Spoken::Endless) => {
                // Whoever hears it loses the load, and with it those who do not.
                let _ = tell.iter().try_for_each(|tell| tell.send(Spoken::Endless));
                false
            }
        };
        if !is_taken {
            return;
        }
    }
}

/// The number in a line; what is none below `end` is no answer.
fn number(line: &[u8], end: u64) -> Option<u64> {
    std::str::from_utf8(line).ok()?.trim().parse().ok().filter(|number| *number < end)
}

/// Keeps the end of what the program says on its standard error.
fn listen(mut stderr: impl Read, last_words: &Mutex<Vec<u8>>) {
    let mut bytes = [0; WORDS_BYTES];
    while let Ok(read @ 1..) = stderr.read(&mut bytes) {
        let mut words = last_words.lock().unwrap_or_else(PoisonError::into_inner);
        words.extend(&bytes[..read]);
        let too_many = words.len().saturating_sub(WORDS_BYTES);
        words.drain(..too_many);
    }
}

/// A pipe that ends when the load is over, whoever else may still hold its other end.
struct Patient<F> {
    file: F,
    is_over: Arc<AtomicBool>,
}

impl<F: AsFd + Read> Read for Patient<F> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while !self.is_over.load(Ordering::Relaxed) {
            if process::is_readable_within(&self.file, PATIENCE)? {
                return self.file.read(into);
            }
        }
        Ok(0)
    }
}

impl Target for Program {
    fn offer(&mut self, id: u32, now_ns: u64) -> Attempt<bool> {
        let number = u64::from(id) * self.of + self.place;
        let taken = self.numbers.as_ref().map(|numbers| numbers.try_send(number));
        match taken {
            Some(Ok(())) => Ok(true),
            Some(Err(TrySendError::Full(_))) => Ok(false),
            Some(Err(TrySendError::Disconnected(_))) | None => {
                // It may answer what it has read; where it has ended, its output tells how.
                let since_ns = *self.deaf_since_ns.get_or_insert(now_ns);
                if now_ns.saturating_sub(since_ns) < DEAF_NS {
                    return Ok(false);
                }
                Err(self.process().ended("takes no more messages"))
            }
        }
    }

    fn answers(&mut self, _: u64, answers: &mut Vec<Answer>) -> Attempt<()> {
        let (of, before) = (self.of, answers.len());
        let received = self.received.as_ref();
        let next = || received.map_or(Err(TryRecvError::Disconnected), Receiver::try_recv);
        let mut end = None;
        while answers.len() - before < AT_A_TIME as usize && end.is_none() {
            match next() {
                Ok(Spoken::Number(number)) => {
                    answers.push(Answer {
                        id: (number / of) as u32,
                        is_right: true,
                        done_ns: None,
                    });
                }
                other => end = Some(other),
            }
        }
        let came = (answers.len() - before) as u64;
        if came > 0 {
            self.process().answered += came;
        }
        match end {
            Some(Ok(_)) => Err(Outcome::WrongAnswer(format!(
                "the program wrote a line of more than {} KiB: an answer is a message's number on \
                 a line of its own",
                LINE_BYTES >> 10
            ))),
            Some(Err(TryRecvError::Disconnected)) => Err(self.process().silent()),
            Some(Err(TryRecvError::Empty)) | None => Ok(()),
        }
    }

    fn least_ns(&self) -> u64 {
        LEAST_NS
    }

    fn words(&self) -> String {
        self.words.clone()
    }
}

impl Drop for SharedProgram {
    /// Everything that was started for the program is gone afterwards: what is counted then is not
    /// a race with the end of a thread.
    fn drop(&mut self) {
        // Its input has ended, which is what most programs end by; the others are ended.
        self.is_over.store(true, Ordering::Relaxed);
        process::kill_group(&self.child);
        // Where it left its group.
        let _ = self.child.kill();
        let _ = self.child.wait();
        for helper in self.helpers.drain(..) {
            // One that panicked has ended, too.
            let _ = helper.join();
        }
    }
}

#[cfg(test)]
#[path = "program_tests.rs"]
mod tests;
