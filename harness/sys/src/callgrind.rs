//! Requests of this process to valgrind's tool callgrind, which counts every instruction. Without
//! valgrind they are a few instructions that change nothing.

use std::ffi::CStr;

/// `VG_USERREQ__RUNNING_ON_VALGRIND` of valgrind.h.
const RUNNING_ON_VALGRIND: usize = 0x1001;
/// The first of callgrind.h: its letters, `CT`.
const BASE: usize = (b'C' as usize) << 24 | (b'T' as usize) << 16;
const DUMP_STATS_AT: usize = BASE + 3;
const START_INSTRUMENTATION: usize = BASE + 4;
const STOP_INSTRUMENTATION: usize = BASE + 5;

/// Whether valgrind runs this process.
pub fn is_valgrind() -> bool {
    request(RUNNING_ON_VALGRIND, 0) != 0
}

/// Counts from here on. All that was translated before is translated anew.
pub fn start() {
    request(START_INSTRUMENTATION, 0);
}

/// Counts no further.
pub fn stop() {
    request(STOP_INSTRUMENTATION, 0);
}

/// Writes what was counted since the last call to the next file, and counts from 0.
pub fn dump(label: &CStr) {
    request(DUMP_STATS_AT, label.as_ptr() as usize);
}

/// Asks valgrind for `code`, with one argument; 0 where nobody answers.
#[cfg(target_arch = "x86_64")]
fn request(code: usize, argument: usize) -> usize {
    let block = [code, argument, 0, 0, 0, 0];
    let mut answer = 0_usize;
    // SAFETY: valgrind.h's sequence. On a processor it turns rdi once around, and exchanges rbx
    // with itself; valgrind reads the block, which lives as long as the call, and writes rdx.
    unsafe {
        std::arch::asm!(
            "rol rdi, 3",
            "rol rdi, 13",
            "rol rdi, 61",
            "rol rdi, 51",
            "xchg rbx, rbx",
            in("rax") block.as_ptr(),
            inout("rdx") answer,
        );
    }
    answer
}

/// The same for 64-bit Arm.
#[cfg(target_arch = "aarch64")]
fn request(code: usize, argument: usize) -> usize {
    let block = [code, argument, 0, 0, 0, 0];
    let mut answer = 0_usize;
    // SAFETY: valgrind.h's sequence. On a processor it turns x12 once around, and x10 is or-ed with
    // itself; valgrind reads the block, which lives as long as the call, and writes x3.
    unsafe {
        std::arch::asm!(
            "ror x12, x12, #3",
            "ror x12, x12, #13",
            "ror x12, x12, #51",
            "ror x12, x12, #61",
            "orr x10, x10, x10",
            in("x4") block.as_ptr(),
            inout("x3") answer,
        );
    }
    answer
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn request(_code: usize, _argument: usize) -> usize {
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_valgrind_nothing_happens() {
        start();
        dump(c"nobody");
        stop();
        assert!(!is_valgrind(), "the tests run on a processor");
    }
}
