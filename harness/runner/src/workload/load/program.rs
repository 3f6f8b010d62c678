//! Another program as the target of a load: each message is a line with its number on the program's
//! standard input, and a line with that number on its standard output is the answer. `cat` is one.

use super::target::{Answer, Target};
use crate::subject::Attempt;
use crate::sys::process;
use caxton_results::case::Outcome;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::process::Child;
use std::sync::mpsc::{self, Receiver, SyncSender, TryRecvError, TrySendError};
use std::thread;

/// Messages that wait to be written; more find no room.
const ROOM: usize = 1 << 16;

/// A program that runs.
pub struct Program {
    words: String,
    child: Child,
    numbers: Option<SyncSender<u32>>,
    answers: Receiver<u32>,
}

impl Program {
    /// Starts `words`: the program and its arguments.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn start(words: &[String]) -> Attempt<Self> {
        let refused = |why: String| Outcome::Refused(format!("program {}: {why}", words.join(" ")));
        let (name, arguments) =
            words.split_first().ok_or_else(|| refused("name one".to_owned()))?;
        let mut child =
            process::spawn_piped(name, arguments).map_err(|error| refused(error.to_string()))?;
        let pipes = child.stdin.take().zip(child.stdout.take());
        let (stdin, stdout) = pipes.ok_or_else(|| refused("it has no pipes".to_owned()))?;
        let (numbers, to_write) = mpsc::sync_channel::<u32>(ROOM);
        // Ends when nothing more will be said, or the program hears no more.
        thread::spawn(move || {
            let mut stdin = BufWriter::new(stdin);
            while let Ok(first) = to_write.recv() {
                let all = std::iter::once(first).chain(to_write.try_iter());
                let written = all.map(|number| writeln!(stdin, "{number}")).all(|w| w.is_ok());
                if !written || stdin.flush().is_err() {
                    return;
                }
            }
        });
        let (tell, answers) = mpsc::channel();
        // Ends with the program's output.
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                // What is no number is no answer.
                if let Ok(number) = line.trim().parse()
                    && tell.send(number).is_err()
                {
                    return;
                }
            }
        });
        let words = format!("program: {}", words.join(" "));
        Ok(Self { words, child, numbers: Some(numbers), answers })
    }
}

impl Target for Program {
    fn offer(&mut self, id: u32, _: u64) -> Attempt<bool> {
        let ended = || Outcome::DiedInTheMiddle("the program reads no more".to_owned());
        match self.numbers.as_ref().ok_or_else(ended)?.try_send(id) {
            Ok(()) => Ok(true),
            Err(TrySendError::Full(_)) => Ok(false),
            Err(TrySendError::Disconnected(_)) => Err(ended()),
        }
    }

    fn answers(&mut self, _: u64, take: &mut dyn FnMut(Answer)) -> Attempt<()> {
        loop {
            match self.answers.try_recv() {
                Ok(id) => take(Answer { id, is_right: true, done_ns: None }),
                Err(TryRecvError::Empty) => return Ok(()),
                Err(TryRecvError::Disconnected) => {
                    let why = "the program's output ended".to_owned();
                    return Err(Outcome::DiedInTheMiddle(why));
                }
            }
        }
    }

    fn words(&self) -> String {
        self.words.clone()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Its input ends, which is what most programs end by; the others are ended.
        self.numbers = None;
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
