//! Child processes: compilers, git, and the workers that measure.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::os::fd::FromRawFd;
use std::os::unix::process::{CommandExt, ExitStatusExt, parent_id};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

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

/// Starts `program` with `arguments`, its input and output piped; it dies with this process.
///
/// # Errors
/// The system's refusal.
pub fn spawn_piped(program: &str, arguments: &[String]) -> io::Result<Child> {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
    die_with_parent(&mut command);
    command.spawn()
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
