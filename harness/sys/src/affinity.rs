//! On which CPUs a thread may run.

use std::{io, mem};

/// The CPUs this thread may run on.
pub fn allowed_cores() -> io::Result<Vec<usize>> {
    // SAFETY: `cpu_set_t` is a bit field for which all-zero is the empty set; the kernel writes at
    // most its size.
    let set = unsafe {
        let mut set: libc::cpu_set_t = mem::zeroed();
        if libc::sched_getaffinity(0, size_of::<libc::cpu_set_t>(), &raw mut set) != 0 {
            return Err(io::Error::last_os_error());
        }
        set
    };
    let all = 0..libc::CPU_SETSIZE as usize;
    // SAFETY: each index is below CPU_SETSIZE.
    Ok(all.filter(|&core| unsafe { libc::CPU_ISSET(core, &set) }).collect())
}

/// The CPUs that this thread may be bound to: those it may run on, where the system lets it choose.
///
/// # Errors
/// The kernel's refusal, or that of a sandbox: everything then runs where the kernel puts it.
pub fn cores_to_bind() -> io::Result<Vec<usize>> {
    let cores = allowed_cores()?;
    // To all of them: nothing changes.
    run_on(&cores)?;
    Ok(cores)
}

/// How many threads can run at once: the allowed CPUs, or fewer where the quota of a control group
/// is less; none where nobody tells.
pub fn at_once() -> Option<usize> {
    std::thread::available_parallelism().ok().map(std::num::NonZero::get)
}

/// Binds this thread, and those it starts from now on, to one CPU.
///
/// # Errors
/// The kernel's refusal: the CPU is not among [`allowed_cores`].
pub fn pin_to(core: usize) -> io::Result<()> {
    run_on(&[core])
}

/// Lets this thread, and those it starts from now on, run on these CPUs alone.
///
/// # Errors
/// The kernel's refusal: none of them is among those of the process.
pub fn run_on(cores: &[usize]) -> io::Result<()> {
    if cores.iter().any(|core| *core >= libc::CPU_SETSIZE as usize) {
        return Err(io::Error::from(io::ErrorKind::InvalidInput));
    }
    // SAFETY: as in `allowed_cores`; each of `cores` is below CPU_SETSIZE.
    let failed = unsafe {
        let mut set: libc::cpu_set_t = mem::zeroed();
        cores.iter().for_each(|core| libc::CPU_SET(*core, &mut set));
        libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &raw const set) != 0
    };
    if failed { Err(io::Error::last_os_error()) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_bound_to_a_core_may_run_there_only() {
        let cores = allowed_cores().expect("the kernel answers");
        let last = *cores.last().expect("a thread runs somewhere");
        let thread = std::thread::spawn(move || {
            pin_to(last).expect("an allowed core");
            allowed_cores().expect("the kernel answers")
        });
        assert_eq!(thread.join().expect("no panic"), [last]);
        assert!(pin_to(usize::MAX).is_err());
        assert_eq!(cores_to_bind().expect("the kernel lets us"), cores);
    }
}
