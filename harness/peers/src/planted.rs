//! The number of extra instructions that a copy of an executable carries in itself: two files of
//! equal length and layout that differ in four bytes.

use std::hint::black_box;
use std::sync::atomic::{AtomicU32, Ordering};

const MARK_BYTES: usize = 16;

/// A number behind a mark. It is atomic, so that the compiler does not take its value for granted.
#[repr(C)]
struct Planted {
    mark: [u8; MARK_BYTES],
    extra_steps: AtomicU32,
}

#[used]
static PLANTED: Planted = Planted { mark: *b"caxton|extra|vm:", extra_steps: AtomicU32::new(0) };

/// The number of extra instructions that was patched into this executable; 0 as it was built.
pub fn extra_steps() -> u32 {
    let planted = black_box(&PLANTED);
    u32::from_le(planted.extra_steps.load(Ordering::Relaxed))
}

/// Writes `extra_steps` into `executable`, the bytes of a file that calls [`extra_steps`].
///
/// # Errors
/// The mark is not in it, or more than once.
pub fn patch(executable: &mut [u8], extra_steps: u32) -> Result<(), String> {
    // From the static: a literal here would be a second mark in this executable.
    let mark = black_box(&PLANTED).mark;
    let is_mark = |at: &usize| executable[*at..].starts_with(&mark);
    let last = executable.len().saturating_sub(MARK_BYTES + size_of::<u32>());
    let places: Vec<usize> = (0..=last).filter(is_mark).collect();
    let [place] = places[..] else {
        return Err(format!("the mark is {} times in the executable, not once", places.len()));
    };
    let at = place + MARK_BYTES;
    executable[at..at + size_of::<u32>()].copy_from_slice(&extra_steps.to_le_bytes());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_bytes_change_and_nothing_else() {
        let mut file = [b"before".as_slice(), &PLANTED.mark, &[0; 4], b"behind"].concat();
        patch(&mut file, 1000).unwrap();
        let expected = [b"before".as_slice(), &PLANTED.mark, &[0xe8, 3, 0, 0], b"behind"].concat();
        assert_eq!(file, expected);
        patch(&mut file, 0).unwrap();
        assert_eq!(file[22..26], [0; 4]);
    }

    #[test]
    fn a_file_without_one_mark_is_refused() {
        let marked = [PLANTED.mark.as_slice(), &[0; 4]].concat();
        for mut file in [Vec::new(), vec![7; 100], [marked.clone(), marked.clone()].concat()] {
            let before = file.clone();
            assert!(patch(&mut file, 1).is_err());
            assert_eq!(file, before);
        }
        let mut cut = marked[..MARK_BYTES + 3].to_vec();
        assert!(patch(&mut cut, 1).is_err(), "no room for the number");
    }

    #[test]
    fn an_executable_is_built_with_nothing_planted() {
        assert_eq!(extra_steps(), 0);
    }
}
