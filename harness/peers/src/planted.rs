//! The number of extra instructions that a copy of an executable carries in itself: two files of
//! equal length and layout that differ in four bytes.

use std::hint::black_box;
use std::sync::atomic::{AtomicU32, Ordering};

/// What stands before the number, for it to be found by.
pub(crate) const MARK: [u8; 16] = *b"caxton|extra|vm:";

/// A number behind a mark. It is atomic, so that the compiler does not take its value for granted.
#[repr(C)]
struct Planted {
    mark: [u8; MARK.len()],
    extra_steps: AtomicU32,
}

#[used]
static PLANTED: Planted = Planted { mark: MARK, extra_steps: AtomicU32::new(0) };

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
    // From the static: its value here would be a second mark in this executable.
    let mark = black_box(&PLANTED).mark;
    let windows = (0..).zip(executable.windows(mark.len() + size_of::<u32>()));
    let marked = windows.filter(|(_, window)| window.starts_with(&mark));
    let places: Vec<usize> = marked.map(|(place, _)| place).collect();
    let [place] = places[..] else {
        return Err(format!("the mark is {} times in the executable, not once", places.len()));
    };
    let at = place + mark.len();
    executable[at..at + size_of::<u32>()].copy_from_slice(&extra_steps.to_le_bytes());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_bytes_change_and_nothing_else() {
        let mut file = [b"before".as_slice(), &MARK, &[0; 4], b"behind"].concat();
        patch(&mut file, 1000).unwrap();
        let expected = [b"before".as_slice(), &MARK, &[0xe8, 3, 0, 0], b"behind"].concat();
        assert_eq!(file, expected);
        patch(&mut file, 0).unwrap();
        assert_eq!(file[22..26], [0; 4]);
    }

    #[test]
    fn a_file_without_one_mark_is_refused() {
        let marked = [MARK.as_slice(), &[0; 4]].concat();
        for mut file in [Vec::new(), vec![7; 100], [marked.clone(), marked.clone()].concat()] {
            let before = file.clone();
            assert!(patch(&mut file, 1).is_err());
            assert_eq!(file, before);
        }
        let mut cut = marked[..MARK.len() + 3].to_vec();
        assert!(patch(&mut cut, 1).is_err(), "no room for the number");
    }

    #[test]
    fn an_executable_is_built_with_nothing_planted() {
        assert_eq!(extra_steps(), 0);
    }
}
