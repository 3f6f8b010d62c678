//! A copy of memory in a file without a name, that nobody can change any more: many may map it, and
//! each keeps its own writes.

use std::ffi::CStr;
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd};
use std::os::unix::fs::FileExt;

const NAME: &CStr = c"caxton-checkpoint";
/// Stretches of zeros are left out of the file by this much.
const PIECE_BYTES: usize = 4096;

/// Bytes in a file that has no name and is sealed: its content and its length stay as they are.
#[derive(Debug)]
pub struct Image {
    file: File,
    bytes: usize,
}

impl Image {
    /// A copy of `memory`.
    ///
    /// # Errors
    /// The kernel's refusal: no memory, or too many open files.
    pub fn of(memory: &[u8]) -> io::Result<Self> {
        // SAFETY: a name that ends in zero, and flags that the kernel knows or refuses.
        let fd = unsafe {
            libc::memfd_create(NAME.as_ptr(), libc::MFD_CLOEXEC | libc::MFD_ALLOW_SEALING)
        };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: a descriptor that was just made and that nobody else has.
        let file = unsafe { File::from_raw_fd(fd) };
        file.set_len(memory.len() as u64)?;
        write_all_but_zeros(&file, memory)?;
        let seals =
            libc::F_SEAL_WRITE | libc::F_SEAL_SHRINK | libc::F_SEAL_GROW | libc::F_SEAL_SEAL;
        // SAFETY: an open descriptor, and a number.
        if unsafe { libc::fcntl(file.as_raw_fd(), libc::F_ADD_SEALS, seals) } != 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(Self { file, bytes: memory.len() })
    }

    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Copies it to the start of `memory`, as far as that goes.
    pub fn copy_to(&self, memory: &mut [u8]) -> io::Result<()> {
        let bytes = self.bytes.min(memory.len());
        self.file.read_exact_at(&mut memory[..bytes], 0)
    }

    /// What may be mapped.
    #[cfg(feature = "slab")]
    pub(super) fn file(&self) -> &File {
        &self.file
    }
}

/// Writes the stretches that are not zero: what is never written takes no memory in the file.
fn write_all_but_zeros(file: &File, memory: &[u8]) -> io::Result<()> {
    let mut start = None;
    for (piece, bytes) in memory.chunks(PIECE_BYTES).enumerate() {
        let at = piece * PIECE_BYTES;
        match (is_zero(bytes), start) {
            (false, None) => start = Some(at),
            (true, Some(from)) => {
                file.write_all_at(&memory[from..at], from as u64)?;
                start = None;
            }
            _ => {}
        }
    }
    match start {
        Some(from) => file.write_all_at(&memory[from..], from as u64),
        None => Ok(()),
    }
}

fn is_zero(bytes: &[u8]) -> bool {
    bytes.chunks(64).all(|line| line.iter().fold(0, |all, byte| all | byte) == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_a_copy_that_nobody_can_change() {
        let mut memory = vec![0; 5 * PIECE_BYTES + 100];
        memory[PIECE_BYTES] = 1;
        memory[4 * PIECE_BYTES - 1] = 2;
        memory[5 * PIECE_BYTES + 99] = 3;
        let image = Image::of(&memory).expect("memory");
        let mut copy = vec![9; memory.len()];
        image.copy_to(&mut copy).expect("as long");
        assert_eq!(copy, memory);
        assert!(image.file().write_all_at(&[1], 0).is_err(), "sealed");
        assert!(image.file().set_len(1).is_err(), "sealed");
        let mut part = vec![9; PIECE_BYTES + 1];
        image.copy_to(&mut part).expect("its beginning");
        assert_eq!(part, memory[..PIECE_BYTES + 1]);
    }

    #[test]
    fn an_image_of_nothing_is_empty() {
        let image = Image::of(&[]).expect("memory");
        assert_eq!(image.bytes(), 0);
    }
}
