//! Child processes: compilers, git, and the workers that measure.

use crate::allocator::AllocationDetail;
use crate::surroundings::{GIT_VARIABLES, GIT_WORDS, REPOSITORY_VARIABLES};
use std::ffi::{OsStr, OsString, c_int};
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::fd::{AsFd, AsRawFd, FromRawFd};
use std::os::unix::process::{CommandExt, ExitStatusExt, parent_id};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// Between two looks at a child that may be told to stop.
const PATIENCE: Duration = Duration::from_millis(20);

/// A command in `dir`, with nothing on its standard input. It dies with this process. Whatever it
/// starts in turn, git works on the repository of `dir`, and not on one that the surrounding
/// process has in mind.
pub fn command(program: impl AsRef<OsStr>, dir: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(dir).stdin(Stdio::null());
    for name in REPOSITORY_VARIABLES {
        command.env_remove(name);
    }
    die_with_parent(&mut command);
    command
}

/// Git in `dir`, which looks and changes nothing of the user's.
pub fn git(dir: &Path) -> Command {
    let mut command = command("git", dir);
    command.args(GIT_WORDS).envs(GIT_VARIABLES);
    command
}

/// Runs `command` to its end, or until `stop` is set: then it is killed, and all that it started.
pub fn finish(command: &mut Command, stop: &AtomicBool) -> io::Result<Output> {
    // A group of its own, so that a signal reaches what it starts, too.
    command.process_group(0).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn()?;
    let stdout = heard(child.stdout.take())?;
    let stderr = heard(child.stderr.take())?;
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if stop.load(Ordering::Relaxed) {
            // SAFETY: a plain system call. The child was not waited for, so that its id is its own.
            unsafe { libc::kill(-child.id().cast_signed(), libc::SIGKILL) };
            break child.wait()?;
        }
        thread::sleep(PATIENCE);
    };
    let [stdout, stderr] = [stdout, stderr].map(|heard| heard.join().unwrap_or_default());
    Ok(Output { status, stdout, stderr })
}

/// Reads `stream` to its end on a thread of its own.
fn heard(stream: Option<impl Read + Send + 'static>) -> io::Result<JoinHandle<Vec<u8>>> {
    thread::Builder::new().spawn(move || {
        let mut bytes = Vec::new();
        // What was said before an error counts.
        let _ = stream.map(|mut stream| stream.read_to_end(&mut bytes));
        bytes
    })
}

/// Prepares this process: a write beyond the limit on the size of files (`ulimit -f`) is an error
/// that is told instead of the end of the process. What it starts does not inherit that.
pub fn prepare() {
    extern "C" fn told_by_the_write(_: c_int) {}
    let handler = told_by_the_write as extern "C" fn(c_int) as libc::sighandler_t;
    // SAFETY: the handler does nothing, so that it may interrupt anything. A handler and not
    // SIG_IGN, which programs under load would inherit.
    unsafe { libc::signal(libc::SIGXFSZ, handler) };
}

/// Has the kernel end this process with `parent`; ends it now if that is gone already. A kernel
/// that refuses leaves it alive.
fn end_with(parent: i32) {
    // SAFETY: plain system calls that take no pointer; `raise` of a signal that cannot be handled.
    unsafe {
        libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
        if libc::getppid() != parent {
            libc::raise(libc::SIGKILL);
        }
    }
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

/// The folder in which the nearest ancestor that runs `program` works.
pub fn folder_of_ancestor(program: &Path) -> Option<PathBuf> {
    // Cargo, perhaps a runner of its own, perhaps a wrapper of that.
    const GENERATIONS: u32 = 8;
    let program = fs::canonicalize(program).ok()?;
    let mut process = parent_id().to_string();
    for _ in 0..GENERATIONS {
        let home = Path::new("/proc").join(&process);
        if fs::read_link(home.join("exe")).is_ok_and(|runs| runs == program) {
            return fs::read_link(home.join("cwd")).ok();
        }
        let status = fs::read_to_string(home.join("status")).ok()?;
        let parent = status.lines().find_map(|line| line.strip_prefix("PPid:"))?;
        parent.trim().clone_into(&mut process);
    }
    None
}

/// The path of this executable that stays right when its file is replaced.
pub const THIS_EXECUTABLE: &str = "/proc/self/exe";

/// The same for other processes, for whom [`THIS_EXECUTABLE`] is their own.
pub fn executable_for_others() -> PathBuf {
    format!("/proc/{}/exe", std::process::id()).into()
}

/// Starts `program` as a worker in `dir`, with pipes on all three streams; `pad` makes its
/// environment longer, and so moves its stack. Its allocator counts what that of this process does.
///
/// The worker has a process group of its own, so that Ctrl-C reaches only the parent, which then
/// ends it in order; and it dies with the parent, so that a killed run leaves no guest looping.
pub fn spawn_worker(
    program: &Path,
    argument: &str,
    dir: Option<&Path>,
    pad: Option<&str>,
) -> io::Result<Child> {
    let mut command = Command::new(program);
    command.current_dir(dir.unwrap_or(Path::new("."))).args([argument, AllocationDetail::word()]);
    if let Some(pad) = pad {
        command.env("CAXTON_PAD", pad);
    }
    spawn_heard(command)
}

/// The same for a process that `tool`, a program and its arguments, runs in `dir`. Where the kernel
/// lets it, everything lies at the same addresses each time.
pub fn spawn_worker_under(
    tool: &[OsString],
    program: &Path,
    argument: &str,
    dir: Option<&Path>,
) -> io::Result<Child> {
    let [runner, arguments @ ..] = tool else { return Err(io::ErrorKind::InvalidInput.into()) };
    // A `rep movsb` counts as many instructions as it copies bytes: the C library has loops, too.
    const LOOPS: &str = "glibc.cpu.x86_rep_movsb_threshold=1073741824:\
                         glibc.cpu.x86_rep_stosb_threshold=1073741824";
    let mut command = Command::new(runner);
    command.env("GLIBC_TUNABLES", LOOPS);
    command.args(arguments).arg(program).args([argument, AllocationDetail::word()]);
    command.current_dir(dir.unwrap_or(Path::new(".")));
    // SAFETY: a plain system call, between fork and exec. A refusal changes nothing.
    unsafe {
        command.pre_exec(|| {
            libc::personality(libc::ADDR_NO_RANDOMIZE as libc::c_ulong);
            Ok(())
        });
    }
    spawn_heard(command)
}

/// Starts `command` in a process group of its own, with pipes on all three streams.
fn spawn_heard(mut command: Command) -> io::Result<Child> {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
    die_with_parent(&mut command);
    command.spawn()
}

/// Starts `program` with `arguments`, with pipes on all three streams. It dies with this process,
/// and has a process group of its own, so that [`kill_group`] reaches those that it started.
pub fn spawn_piped(program: &str, arguments: &[String]) -> io::Result<Child> {
    let mut command = Command::new(program);
    command.args(arguments);
    spawn_heard(command)
}

/// Starts `program` with `arguments` as a server that works in `folder`, which it gets as its own.
/// Where this process is root's it is user `nobody`'s: it reads files from elsewhere. What it says
/// goes into `log`. It dies with the thread that starts it.
///
/// # Errors
/// There is no such program that the user may start (`NotFound`), or the folder cannot be given
/// away.
pub fn spawn_server(
    program: &str,
    arguments: &[String],
    folder: &Path,
    log: File,
) -> io::Result<Child> {
    const NOBODY: u32 = 65_534;
    let mut command = Command::new(program);
    let out = log.try_clone()?;
    command.args(arguments).current_dir(folder).stdin(Stdio::null()).stdout(out).stderr(log);
    command.env_clear().envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
    // SAFETY: a plain system call.
    if unsafe { libc::geteuid() } == 0 {
        std::os::unix::fs::chown(folder, Some(NOBODY), Some(NOBODY))?;
        command.uid(NOBODY).gid(NOBODY);
    }
    die_with_parent(&mut command);
    command.spawn().map_err(|error| match error.kind() {
        // A folder of PATH is closed to the user, and none of the others has the program.
        io::ErrorKind::PermissionDenied => io::Error::new(io::ErrorKind::NotFound, error),
        _ => error,
    })
}

/// Asks the kernel to end this process, and what it starts, before any other when memory ends: a
/// guest must not cost the user's other programs. Where the kernel has no such setting, nothing
/// changes.
pub fn die_first() {
    const FIRST: &str = "1000";
    let _ = fs::write("/proc/self/oom_score_adj", FIRST);
}

/// Kills `child`, which has a process group of its own, and all that is in that group. To be called
/// before others can have the child's number, which is no sooner than the group is empty.
pub fn kill_group(child: &Child) {
    // SAFETY: a plain system call; a group that is gone is an error that says so.
    unsafe { libc::kill(-child.id().cast_signed(), libc::SIGKILL) };
}

/// Waits until there is something to read from `file`, or its end, for `time` at the most.
pub fn is_readable_within(file: &impl AsFd, time: Duration) -> io::Result<bool> {
    is_ready_within(file, libc::POLLIN, time)
}

/// Waits until `file`, a pipe, has room for [`PIPE_BYTES`], or nobody reads it any more, for `time`
/// at the most.
pub fn is_writable_within(file: &impl AsFd, time: Duration) -> io::Result<bool> {
    is_ready_within(file, libc::POLLOUT, time)
}

/// What a pipe that is ready takes without a pause.
pub const PIPE_BYTES: usize = libc::PIPE_BUF;

fn is_ready_within(file: &impl AsFd, events: libc::c_short, time: Duration) -> io::Result<bool> {
    let fd = file.as_fd().as_raw_fd();
    let mut poll = libc::pollfd { fd, events, revents: 0 };
    let ms = c_int::try_from(time.as_millis()).unwrap_or(c_int::MAX);
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
    let parent = std::process::id().cast_signed();
    // SAFETY: `end_with` makes plain system calls: it allocates nothing and takes no lock, as is
    // asked of code between fork and exec.
    unsafe {
        command.pre_exec(move || {
            end_with(parent);
            Ok(())
        });
    }
}

/// Takes standard output for the caller alone and points the descriptor at standard error: what a
/// library prints from now on cannot get between the caller's lines.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_heard_to_its_end_or_stopped_with_what_it_started() {
        let root = Path::new("/");
        let shell = |script: &str, stop: bool| {
            let mut command = command("sh", root);
            finish(command.args(["-c", script]), &AtomicBool::new(stop)).expect("a shell")
        };
        let out = shell("echo a; echo b >&2; exit 3", false);
        assert_eq!(
            (out.status.code(), out.stdout, out.stderr),
            (Some(3), b"a\n".into(), b"b\n".into())
        );
        // A child of the shell holds the pipes: who left it alive would wait for it.
        let out = shell("sleep 1000000 & wait", true);
        assert_eq!(out.status.signal(), Some(libc::SIGKILL));
    }

    #[test]
    fn a_child_whose_parent_is_gone_does_not_begin() {
        let mut command = Command::new("true");
        // SAFETY: as in `die_with_parent`; no process has this id.
        unsafe {
            command.pre_exec(|| {
                end_with(i32::MAX);
                Ok(())
            });
        }
        // The parent learns of it as of a child that vanished before it began.
        let ended = command.status().map(|status| status.signal());
        assert!(!matches!(ended, Ok(None)), "{ended:?}");
    }
}
