//! A native command that is run to its end again and again: its streams are files without names, so
//! that no pipe fills up and no thread has to empty one.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::mem::MaybeUninit;
use std::os::fd::FromRawFd;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};

/// The most processor time that one run may take, in seconds. A run outlives this process if that
/// is killed, but not for ever.
const CPU_SECONDS_MAX: libc::rlim_t = 600;

/// A command, ready to be run.
#[derive(Debug)]
pub struct RepeatedCommand {
    command: Command,
    stdin: File,
    stdout: File,
    stderr: File,
}

/// How one run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ended {
    /// Its exit code or signal.
    pub status: ExitStatus,
    /// Processor time of the process and of those of its children that it waited for: user and
    /// system, in nanoseconds.
    pub cpu_ns: u64,
}

impl RepeatedCommand {
    /// `program` with `args` in the folder `dir`, with no environment but `env`.
    ///
    /// # Errors
    /// The system has no memory for its streams.
    pub fn new<K: AsRef<OsStr>, V: AsRef<OsStr>>(
        program: &Path,
        args: &[String],
        env: impl IntoIterator<Item = (K, V)>,
        dir: &Path,
    ) -> io::Result<Self> {
        let [stdin, stdout, stderr] = [stream()?, stream()?, stream()?];
        let mut command = Command::new(program);
        command.args(args).env_clear().envs(env).current_dir(dir);
        Ok(Self { command, stdin, stdout, stderr })
    }

    /// Runs it with `input` on its standard input and waits for its end. It is started without a
    /// copy of this process' memory (`posix_spawn`), so that starting it costs what it costs a
    /// shell.
    ///
    /// # Errors
    /// It could not be started or waited for.
    pub fn run(&mut self, input: &[u8]) -> io::Result<Ended> {
        self.stdin.set_len(0)?;
        self.stdin.rewind()?;
        self.stdin.write_all(input)?;
        for stream in [&mut self.stdin, &mut self.stdout, &mut self.stderr] {
            stream.rewind()?;
        }
        self.stdout.set_len(0)?;
        self.stderr.set_len(0)?;
        self.command
            .stdin(Stdio::from(self.stdin.try_clone()?))
            .stdout(Stdio::from(self.stdout.try_clone()?))
            .stderr(Stdio::from(self.stderr.try_clone()?));
        let child = self.command.spawn()?;
        let process = child.id().cast_signed();
        let limit = libc::rlimit { rlim_cur: CPU_SECONDS_MAX, rlim_max: CPU_SECONDS_MAX };
        // SAFETY: the child was not waited for, so that its id is its own; the limit lives as long
        // as the call. A refusal leaves it without the limit.
        unsafe { libc::prlimit(process, libc::RLIMIT_CPU, &raw const limit, std::ptr::null_mut()) };
        wait(process)
    }

    /// What the last run wrote to standard output; the first `bytes_max` of it.
    ///
    /// # Errors
    /// The system's refusal.
    pub fn stdout(&mut self, bytes_max: u64) -> io::Result<Vec<u8>> {
        whole(&mut self.stdout, bytes_max)
    }

    /// What the last run wrote to standard error; the first `bytes_max` of it.
    ///
    /// # Errors
    /// The system's refusal.
    pub fn stderr(&mut self, bytes_max: u64) -> io::Result<Vec<u8>> {
        whole(&mut self.stderr, bytes_max)
    }

    /// Bytes that the last run wrote to standard output and to standard error.
    ///
    /// # Errors
    /// The system's refusal.
    pub fn written(&self) -> io::Result<[u64; 2]> {
        Ok([self.stdout.metadata()?.len(), self.stderr.metadata()?.len()])
    }
}

fn stream() -> io::Result<File> {
    // SAFETY: a name that ends in zero, and a flag that the kernel knows or refuses.
    let fd = unsafe { libc::memfd_create(c"caxton-stream".as_ptr(), libc::MFD_CLOEXEC) };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: a descriptor that was just made and that nobody else has.
    Ok(unsafe { File::from_raw_fd(fd) })
}

fn whole(stream: &mut File, bytes_max: u64) -> io::Result<Vec<u8>> {
    stream.rewind()?;
    let mut bytes = Vec::new();
    stream.take(bytes_max).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn wait(process: libc::pid_t) -> io::Result<Ended> {
    let mut raw = 0;
    let mut usage = MaybeUninit::<libc::rusage>::zeroed();
    loop {
        // SAFETY: both places live as long as the call, and a usage of zeros is valid.
        let ended = unsafe { libc::wait4(process, &raw mut raw, 0, usage.as_mut_ptr()) };
        if ended == process {
            break;
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
    // SAFETY: zeros, or what the kernel wrote over them.
    let usage = unsafe { usage.assume_init() };
    let ns = |time: libc::timeval| {
        time.tv_sec.unsigned_abs() * 1_000_000_000 + time.tv_usec.unsigned_abs() * 1_000
    };
    let cpu_ns = ns(usage.ru_utime) + ns(usage.ru_stime);
    Ok(Ended { status: ExitStatus::from_raw(raw), cpu_ns })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> RepeatedCommand {
        let args = ["-c".to_owned(), script.to_owned()];
        RepeatedCommand::new(Path::new("/bin/sh"), &args, [("KEY", "value")], Path::new("/"))
            .expect("streams")
    }

    #[test]
    fn each_run_begins_with_its_input_and_empty_streams() {
        let mut command = shell("read line; echo \"$line $KEY $PWD\"; echo bad >&2; exit 3");
        for line in ["longer line", "line"] {
            let ended = command.run(format!("{line}\n").as_bytes()).expect("a shell");
            assert_eq!(ended.status.code(), Some(3));
            let out = command.stdout(1000).expect("its output");
            assert_eq!(String::from_utf8_lossy(&out), format!("{line} value /\n"));
            assert_eq!(command.stderr(2).expect("its output"), b"ba");
            assert_eq!(command.written().expect("its streams"), [out.len() as u64, 4]);
        }
    }

    #[test]
    fn processor_time_is_that_of_the_run() {
        let mut command = shell("i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done");
        let long = command.run(b"").expect("a shell");
        let short = shell(":").run(b"").expect("a shell");
        assert!(long.cpu_ns > short.cpu_ns, "{long:?} {short:?}");
    }

    #[test]
    fn what_is_no_program_is_an_error() {
        let no_args: [(&str, &str); 0] = [];
        let command = RepeatedCommand::new(Path::new("/no/such"), &[], no_args, Path::new("/"));
        assert!(command.expect("streams").run(b"").is_err());
    }
}
