//! Child processes: compilers, git, and the workers that measure.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, FromRawFd};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

/// A command in `dir`, with nothing on its standard input.
pub fn command(program: impl AsRef<OsStr>, dir: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(dir).stdin(Stdio::null());
    command
}

/// What a command wrote to its standard output, trimmed, if it succeeded.
///
/// # Errors
/// The command's standard error, or why it could not start.
pub fn output(command: &mut Command) -> Result<String, String> {
    let out = command.output().map_err(|error| error.to_string())?;
    if out.status.success() {
        Ok(String::from_utf8_lossy(&out.stdout).trim().to_owned())
    } else {
        Err(String::from_utf8_lossy(&out.stderr).trim().to_owned())
    }
}

/// The path of this executable that stays right when its file is replaced.
pub const THIS_EXECUTABLE: &str = "/proc/self/exe";

/// Starts `program` as a worker in `dir`, with pipes on all three streams; `pad` makes its
/// environment longer, and so moves its stack.
///
/// The worker has a process group of its own, so that Ctrl-C reaches only the parent, which then
/// ends it in order; and it dies with the parent, so that a killed run leaves no guest looping.
///
/// # Errors
/// The system's refusal.
pub fn spawn_worker(
    program: &Path,
    argument: &str,
    (dir, pad): (Option<&Path>, Option<&str>),
) -> io::Result<Child> {
    let mut command = Command::new(program);
    command
        .current_dir(dir.unwrap_or(Path::new(".")))
        .arg(argument)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0);
    if let Some(pad) = pad {
        command.env("CAXTON_PAD", pad);
    }
    die_with_parent(&mut command);
    command.spawn()
}

/// Starts `program` with `arguments`, with pipes on all three streams. It dies with this process,
/// and has a process group of its own, so that [`kill_group`] reaches those that it started.
///
/// # Errors
/// The system's refusal.
pub fn spawn_piped(program: &str, arguments: &[String]) -> io::Result<Child> {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0);
    die_with_parent(&mut command);
    command.spawn()
}

/// Kills `child`, which has a process group of its own, and all that is in that group. To be called
/// before others can have the child's number, which is no sooner than the group is empty.
pub fn kill_group(child: &Child) {
    // SAFETY: a plain system call; a group that is gone is an error that says so.
    unsafe { libc::kill(-child.id().cast_signed(), libc::SIGKILL) };
}

/// Waits until there is something to read from `file`, or its end, for `time` at the most.
///
/// # Errors
/// The system's refusal.
pub fn is_readable_within(file: &impl AsFd, time: Duration) -> io::Result<bool> {
    is_ready_within(file, libc::POLLIN, time)
}

/// Waits until `file`, a pipe, has room for [`PIPE_BYTES`], or nobody reads it any more, for `time`
/// at the most.
///
/// # Errors
/// The system's refusal.
pub fn is_writable_within(file: &impl AsFd, time: Duration) -> io::Result<bool> {
    is_ready_within(file, libc::POLLOUT, time)
}

/// What a pipe that is ready takes without a pause.
pub const PIPE_BYTES: usize = libc::PIPE_BUF;

fn is_ready_within(file: &impl AsFd, events: libc::c_short, time: Duration) -> io::Result<bool> {
    let fd = file.as_fd().as_raw_fd();
    let mut poll = libc::pollfd { fd, events, revents: 0 };
    let ms = libc::c_int::try_from(time.as_millis()).unwrap_or(libc::c_int::MAX);
    // SAFETY: one entry, which lives as long as the call; the descriptor is borrowed meanwhile.
    match unsafe { libc::poll(&raw mut poll, 1, ms) } {
        0 => Ok(false),
        1.. => Ok(true),
        _ => match io::Error::last_os_error() {
            error if error.kind() == io::ErrorKind::Interrupted => Ok(false),
            error => Err(error),
        },
    }
}

fn die_with_parent(command: &mut Command) {
    // SAFETY: `prctl` is a plain system call: it allocates nothing and takes no lock, as is asked
    // of code between fork and exec.
    unsafe {
        command.pre_exec(|| {
            libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
            Ok(())
        });
    }
}

/// Takes standard output for the caller alone and points the descriptor at standard error: what a
/// library prints from now on cannot get between the caller's lines.
///
/// # Errors
/// The system's refusal.
pub fn take_stdout() -> io::Result<File> {
    // SAFETY: plain system calls on descriptors that are open; the duplicate is owned by the file
    // that is made of it and by nothing else.
    unsafe {
        let own = libc::dup(libc::STDOUT_FILENO);
        if own < 0 || libc::dup2(libc::STDERR_FILENO, libc::STDOUT_FILENO) < 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(File::from_raw_fd(own))
    }
}

/// How a process ended, in words.
pub fn describe(status: ExitStatus) -> String {
    match (status.signal(), status.code()) {
        (Some(libc::SIGABRT), _) => "aborted (SIGABRT)".to_owned(),
        (Some(libc::SIGSEGV), _) => "crashed (SIGSEGV)".to_owned(),
        (Some(libc::SIGKILL), _) => "killed (SIGKILL: out of memory, or by hand)".to_owned(),
        (Some(signal), _) => format!("killed by signal {signal}"),
        (None, code) => format!("exited with code {}", code.unwrap_or(-1)),
    }
}
