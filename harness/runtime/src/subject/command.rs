//! A native executable as a subject: run from its start for each message, as a WASM command is.

use super::words::{last_words, wrong_exit};
use super::{AgentInstance, Attempt, CallTimes, HostCounts, REPLY_BYTES_MAX};
use caxton_model::case::Outcome;
use caxton_model::metric::STDERR_KEPT;
use caxton_model::program::ProgramSpec;
use caxton_model::units::{Bytes, Nanos};
use caxton_sys::clock::{Clock, Monotonic};
use caxton_sys::command::{Ended, RepeatedCommand};
use caxton_sys::process::describe;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What a WASM program finds in its first folder, a native one finds in its working folder.
const WORKING_FOLDER: &str = ".";

/// An executable and how it is run.
#[derive(Debug, Clone)]
pub struct NativeCommand {
    executable: PathBuf,
    program: Arc<ProgramSpec>,
    input: Arc<[u8]>,
}

impl NativeCommand {
    /// The program at `executable`, run with `input` on its standard input.
    pub fn new(executable: &Path, program: Arc<ProgramSpec>, input: &[u8]) -> Self {
        Self { executable: executable.to_owned(), program, input: input.into() }
    }

    /// Its streams and its arguments; it is not started yet.
    ///
    /// # Errors
    /// `Failed` when the system has no room for its streams.
    pub fn instantiate(&self) -> Attempt<NativeCommandAgent> {
        let dirs = &self.program.dirs;
        let dir = dirs.iter().find(|dir| dir.guest == WORKING_FOLDER).or(dirs.first());
        let dir = dir.map_or(Path::new("/"), |dir| &dir.host);
        let ProgramSpec { args, env, .. } = &*self.program;
        let command = RepeatedCommand::new(&self.executable, args, env, dir).map_err(failed)?;
        let (reply, spent, stderr_bytes) = (Vec::new(), CallTimes::default(), 0);
        Ok(NativeCommandAgent { subject: self.clone(), command, reply, spent, stderr_bytes })
    }
}

/// A native program that answers messages.
#[derive(Debug)]
pub struct NativeCommandAgent {
    subject: NativeCommand,
    command: RepeatedCommand,
    reply: Vec<u8>,
    spent: CallTimes,
    stderr_bytes: u64,
}

impl NativeCommandAgent {
    fn ended(&mut self, ended: Ended) -> Attempt<()> {
        let expected = self.subject.program.exit;
        if ended.status.code() == Some(expected) {
            return Ok(());
        }
        let words = self.command.stderr(STDERR_KEPT.0).unwrap_or_default();
        Err(match ended.status.code() {
            Some(code) => Outcome::WrongAnswer(wrong_exit(code, expected, &words)),
            None => Outcome::DiedInTheMiddle(format!(
                "{}{}",
                describe(ended.status),
                last_words(&words)
            )),
        })
    }
}

impl AgentInstance for NativeCommandAgent {
    fn reserve(&mut self, _: usize, _: usize) -> Attempt<()> {
        Ok(())
    }

    fn call(&mut self, message: &[u8]) -> Attempt<()> {
        let start = Monotonic.now();
        let ended = self.command.run(message).map_err(|error| {
            Outcome::Refused(format!("{}: {error}", self.subject.executable.display()))
        })?;
        self.spent.run.0 += Monotonic.now().0 - start.0;
        self.spent.cpu.get_or_insert(Nanos(0)).0 += ended.cpu_ns;
        self.spent.calls += 1;
        self.ended(ended)?;
        let [bytes, stderr_bytes] = self.command.written().map_err(failed)?;
        self.stderr_bytes += stderr_bytes;
        if bytes > REPLY_BYTES_MAX as u64 {
            let why = format!("it wrote more than {REPLY_BYTES_MAX} bytes to standard output");
            return Err(Outcome::DiedInTheMiddle(why));
        }
        self.reply = self.command.stdout(bytes).map_err(failed)?;
        Ok(())
    }

    fn reply(&self) -> &[u8] {
        &self.reply
    }

    fn example(&mut self, _: u64) -> Attempt<Vec<u8>> {
        Ok(self.subject.input.to_vec())
    }

    fn host_counts(&self) -> HostCounts {
        HostCounts::default()
    }

    fn stderr_bytes(&self) -> Option<u64> {
        Some(self.stderr_bytes)
    }

    fn is_process(&self) -> bool {
        true
    }

    fn linear_memory(&self) -> Option<Bytes> {
        None
    }

    fn take_spent(&mut self) -> Option<CallTimes> {
        Some(std::mem::take(&mut self.spent))
    }
}

#[allow(clippy::needless_pass_by_value, reason = "for `map_err`")]
fn failed(error: io::Error) -> Outcome {
    Outcome::Failed(format!("streams of a program: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use caxton_model::program::Preopen;

    fn shell(script: &str, program: ProgramSpec) -> NativeCommandAgent {
        let args = vec!["-c".to_owned(), script.to_owned()];
        let program = Arc::new(ProgramSpec { args, ..program });
        let command = NativeCommand::new(Path::new("/bin/sh"), program, b"input\n");
        command.instantiate().expect("streams")
    }

    #[test]
    fn a_program_gets_its_input_its_environment_and_its_folder() {
        let root = Preopen { host: "/".into(), guest: "root".to_owned(), writable: false };
        let here = Preopen { host: "/dev".into(), guest: ".".to_owned(), writable: false };
        let env = [("KEY".to_owned(), "value".to_owned())].into();
        let program =
            ProgramSpec { env, dirs: vec![root, here], exit: 4, ..ProgramSpec::default() };
        let mut agent = shell("read line; echo $line $KEY $PWD $HOME; exit 4", program);
        let message = agent.example(1).expect("its input");
        agent.batch(&message, 2).expect("a shell");
        assert_eq!(agent.reply(), b"input value /dev\n");
        let spent = agent.take_spent().expect("it tells");
        assert_eq!(spent.calls, 2);
        assert!(spent.cpu.is_some_and(|cpu| cpu.0 > 0), "{spent:?}");
    }

    #[test]
    fn another_end_than_the_expected_one_is_told() {
        let fails =
            |script: &str| shell(script, ProgramSpec::default()).call(b"").expect_err(script);
        let wrong = "it exited with 3, not with 0; it said: no such thing";
        let told = fails("echo no such thing >&2; exit 3");
        assert_eq!(told, Outcome::WrongAnswer(wrong.to_owned()));
        let killed = fails("kill -9 $$");
        assert!(matches!(&killed, Outcome::DiedInTheMiddle(why) if why.contains("SIGKILL")));
        let absent = NativeCommand::new(Path::new("/no/such"), Arc::default(), b"");
        let told = absent.instantiate().expect("streams").call(b"").expect_err("nothing there");
        assert!(
            matches!(&told, Outcome::Refused(why) if why.starts_with("/no/such: ")),
            "{told:?}"
        );
    }
}
