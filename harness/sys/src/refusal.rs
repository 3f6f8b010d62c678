//! Whether a refusal was the machine's: its limits on memory, maps, files and threads are no fault
//! of the agent that ran into them.

use super::budget::MapBudget;
use caxton_model::units::Bytes;

/// The system's errors that mean a limit, as they are written in messages, and the limit.
const ERRORS: [(i32, Limit); 4] = [
    (libc::ENOMEM, Limit::Memory),
    (libc::EAGAIN, Limit::Threads),
    (libc::EMFILE, Limit::Files),
    (libc::ENFILE, Limit::Files),
];

/// What the C library's loader says where it has no number.
const LOADER: [&str; 2] = ["Cannot allocate memory", "Resource temporarily unavailable"];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Limit {
    Memory,
    Threads,
    Files,
}

/// The limit of the machine that the error message `why` is about, in words; none if it is about
/// something else.
pub fn of_machine(why: &str) -> Option<String> {
    let limit = limit_in(why)?;
    Some(match limit {
        Limit::Memory => memory(),
        Limit::Threads => {
            format!("no more threads ({})", soft_limit(libc::RLIMIT_NPROC, "ulimit -u"))
        }
        Limit::Files => {
            format!("no more open files ({})", soft_limit(libc::RLIMIT_NOFILE, "ulimit -n"))
        }
    })
}

fn limit_in(why: &str) -> Option<Limit> {
    let is_told = |code: i32| {
        // As an error is displayed, and as a panic shows it.
        why.contains(&format!("(os error {code})")) || why.contains(&format!("Os {{ code: {code},"))
    };
    let by_number = ERRORS.iter().find(|(code, _)| is_told(*code)).map(|(_, limit)| *limit);
    let by_words = || {
        let limits = [Limit::Memory, Limit::Threads];
        LOADER.iter().zip(limits).find(|(words, _)| why.contains(**words)).map(|(_, limit)| limit)
    };
    by_number.or_else(by_words)
}

/// Why there may be no more memory.
fn memory() -> String {
    if let Some(bytes) = finite(libc::RLIMIT_AS) {
        return format!("address space is limited to {} (ulimit -v)", Bytes(bytes));
    }
    match MapBudget::now() {
        Ok(budget) if !budget.allows(0) => {
            format!("{} of {} memory maps are used (vm.max_map_count)", budget.used, budget.limit)
        }
        _ => "no more memory, or none that may be promised (vm.overcommit_memory)".to_owned(),
    }
}

fn soft_limit(resource: libc::__rlimit_resource_t, how: &str) -> String {
    match finite(resource) {
        Some(limit) => format!("{how} is {limit}"),
        None => format!("{how} sets no limit: the machine's own"),
    }
}

/// The soft limit of this process; none if it has none.
fn finite(resource: libc::__rlimit_resource_t) -> Option<u64> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the kernel writes one `rlimit` there.
    let told = unsafe { libc::getrlimit(resource, &raw mut limit) } == 0;
    (told && limit.rlim_cur != libc::RLIM_INFINITY).then_some(limit.rlim_cur)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_told_from_other_errors() {
        let cases = [
            ("engine: mmap failed: Cannot allocate memory (os error 12)", Some(Limit::Memory)),
            ("a.so: cannot map zero-fill pages: Cannot allocate memory", Some(Limit::Memory)),
            ("it said: Os { code: 11, kind: WouldBlock, message: \"…\" }", Some(Limit::Threads)),
            ("a.wasm: Too many open files (os error 24)", Some(Limit::Files)),
            ("a.wasm: No such file or directory (os error 2)", None),
            ("a.wasm: (os error 120)", None),
            ("minimum size of 21 pages exceeds memory limits", None),
            ("wasm trap: out of bounds memory access", None),
        ];
        for (why, limit) in cases {
            assert_eq!(limit_in(why), limit, "{why}");
            assert_eq!(of_machine(why).is_some(), limit.is_some(), "{why}");
        }
    }
}
