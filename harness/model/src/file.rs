//! Reads of files that come from elsewhere: regular files only, opened without waiting, and up to a
//! bound. A FIFO would be waited for without end, a device be read until memory ends. And what is
//! written by us is waited for.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read};
use std::path::Path;

/// The largest module that is read: far more than any engine compiles in a useful time.
pub const MODULE_MAX: u64 = 512 << 20;
/// The largest page of a run, a comparison or a kit, and of what lies beside it as JSON.
pub const PAGE_MAX: u64 = 256 << 20;
/// The largest file that a user writes by hand: limits, plans.
pub const TEXT_MAX: u64 = 16 << 20;
/// The largest trace of a load: some ten million instants.
pub const TRACE_MAX: u64 = 256 << 20;

/// Opens the regular file at `path` for reading.
///
/// # Errors
/// It is not there, may not be read, or is no regular file.
pub fn open(path: &Path) -> io::Result<File> {
    // Before it is opened: opening alone makes some devices act.
    check_kind(&fs::metadata(path)?)?;
    let mut options = OpenOptions::new();
    options.read(true);
    do_not_wait(&mut options);
    let file = options.open(path)?;
    // Another file may have taken its place meanwhile.
    check_kind(&file.metadata()?)?;
    Ok(file)
}

/// The bytes of the regular file at `path`, at most `max` of them.
///
/// # Errors
/// Those of [`open`]; it is longer.
pub fn read(path: &Path, max: u64) -> io::Result<Vec<u8>> {
    read_open(open(path)?, max)
}

/// The text of the regular file at `path`, at most `max` bytes of it.
///
/// # Errors
/// Those of [`read`]; it is no UTF-8.
pub fn read_text(path: &Path, max: u64) -> io::Result<String> {
    text(read(path, max)?)
}

/// Opens the regular file `name` in `folder`. A link in it is followed as long as it stays inside:
/// a folder from elsewhere must not have other files read, copied or shown.
///
/// # Errors
/// Those of [`open`]; it lies outside of `folder`.
pub fn open_within(folder: &Path, name: impl AsRef<Path>) -> io::Result<File> {
    let path = folder.join(name);
    check_kind(&fs::metadata(&path)?)?;
    let real = fs::canonicalize(&path)?;
    if !real.starts_with(fs::canonicalize(folder)?) {
        return Err(refused(format!("it leads out of {}", folder.display())));
    }
    open(&real)
}

/// The bytes of the regular file `name` in `folder`, at most `max` of them.
///
/// # Errors
/// Those of [`open_within`]; it is longer.
pub fn read_within(folder: &Path, name: impl AsRef<Path>, max: u64) -> io::Result<Vec<u8>> {
    read_open(open_within(folder, name)?, max)
}

/// The text of the regular file `name` in `folder`, at most `max` bytes of it.
///
/// # Errors
/// Those of [`read_within`]; it is no UTF-8.
pub fn read_text_within(folder: &Path, name: impl AsRef<Path>, max: u64) -> io::Result<String> {
    text(read_within(folder, name, max)?)
}

/// The bytes of `file`. Its length is asked first, so that a sparse file costs no memory; and it is
/// bounded again, because a file may grow while it is read.
fn read_open(file: File, max: u64) -> io::Result<Vec<u8>> {
    let too_long = || refused(format!("longer than the {} MiB that are read", max >> 20));
    let length = file.metadata()?.len();
    if length > max {
        return Err(too_long());
    }
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or(0));
    file.take(max + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > max { Err(too_long()) } else { Ok(bytes) }
}

fn text(bytes: Vec<u8>) -> io::Result<String> {
    String::from_utf8(bytes).map_err(|_| refused("no UTF-8 text".to_owned()))
}

fn refused(why: String) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, why)
}

fn check_kind(found: &fs::Metadata) -> io::Result<()> {
    if found.is_file() {
        return Ok(());
    }
    Err(refused(format!("not a regular file, but {}", kind(found))))
}

#[cfg(unix)]
fn kind(found: &fs::Metadata) -> &'static str {
    use std::os::unix::fs::FileTypeExt;
    let kind = found.file_type();
    match () {
        () if kind.is_dir() => "a folder",
        () if kind.is_fifo() => "a FIFO",
        () if kind.is_socket() => "a socket",
        () if kind.is_char_device() || kind.is_block_device() => "a device",
        () => "something else",
    }
}

#[cfg(not(unix))]
fn kind(found: &fs::Metadata) -> &'static str {
    if found.is_dir() { "a folder" } else { "something else" }
}

/// Opening a FIFO then ends at once, whether or not somebody writes to it.
#[cfg(target_os = "linux")]
fn do_not_wait(options: &mut OpenOptions) {
    use std::os::unix::fs::OpenOptionsExt;
    // O_NONBLOCK of include/uapi/asm-generic/fcntl.h: x86-64, aarch64, riscv64 and others.
    const O_NONBLOCK: i32 = 0o4000;
    options.custom_flags(O_NONBLOCK);
}

#[cfg(not(target_os = "linux"))]
fn do_not_wait(_: &mut OpenOptions) {}

/// Waits until the file or folder at `path` is on disk.
///
/// # Errors
/// The system's refusal; [`if_it_can`] says which one counts.
pub(crate) fn fsync(path: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(path)?.sync_all() } else { Ok(()) }
}

/// Some file systems cannot sync a folder, or anything: `RunFolder::warnings` says so once, and
/// what was written counts all the same. An error of the disk stays one.
pub(crate) fn if_it_can(synced: io::Result<()>) -> io::Result<()> {
    use io::ErrorKind::{InvalidInput, PermissionDenied, Unsupported};
    synced.or_else(|error| match error.kind() {
        InvalidInput | PermissionDenied | Unsupported => Ok(()),
        _ => Err(error),
    })
}

#[cfg(test)]
#[path = "file_tests.rs"]
mod tests;
