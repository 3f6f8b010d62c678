//! A gate before somebody's SIGPROF handler: while it is shut no handler runs, and shutting it
//! waits for those that do. Nothing else makes a moment in which nobody looks at stacks: a handler
//! may have begun, and been put aside, long before its timer was stopped.

use super::perf_ring::this_thread;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::{io, mem, ptr, thread};

type Handler = extern "C" fn(libc::c_int, *mut libc::siginfo_t, *mut libc::c_void);

static IS_SHUT: AtomicBool = AtomicBool::new(true);
static INSIDE: AtomicUsize = AtomicUsize::new(0);
static BEHIND: AtomicUsize = AtomicUsize::new(0);

/// Threads that were seen: pthread's number and the kernel's. Written in the handler, so of a
/// fixed size and without locks.
static SEEN: [(AtomicUsize, AtomicUsize); 512] =
    [const { (AtomicUsize::new(0), AtomicUsize::new(0)) }; 512];

/// True if nobody handles SIGPROF.
pub fn is_free() -> bool {
    let handler = current();
    [libc::SIG_DFL, libc::SIG_IGN].contains(&handler)
}

fn current() -> usize {
    // SAFETY: asks only; all-zero is a value of plain numbers and pointers.
    unsafe {
        let mut action: libc::sigaction = mem::zeroed();
        libc::sigaction(libc::SIGPROF, ptr::null(), &raw mut action);
        action.sa_sigaction
    }
}

/// Puts the gate, shut, before the handler that is there now.
///
/// # Errors
/// The system's, or that there is no handler.
pub fn install() -> io::Result<()> {
    if is_free() {
        return Err(io::Error::other("SIGPROF has no handler"));
    }
    IS_SHUT.store(true, Ordering::SeqCst);
    if current() == gate_address() {
        return Ok(());
    }
    BEHIND.store(current(), Ordering::SeqCst);
    // SAFETY: the handler is of the kind that SA_SIGINFO means, and async-signal-safe: atomics and
    // one system call, then the handler that was there.
    let done = unsafe {
        let mut action: libc::sigaction = mem::zeroed();
        action.sa_sigaction = gate_address();
        action.sa_flags = libc::SA_SIGINFO | libc::SA_RESTART;
        libc::sigemptyset(&raw mut action.sa_mask);
        libc::sigaction(libc::SIGPROF, &raw const action, ptr::null_mut())
    };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Handlers run from now on.
pub fn open() {
    IS_SHUT.store(false, Ordering::SeqCst);
}

/// No handler runs when this returns, until [`open`].
pub fn shut() {
    IS_SHUT.store(true, Ordering::SeqCst);
    // The order of both sides is sequential: a handler that did not see the gate shut is counted.
    while INSIDE.load(Ordering::SeqCst) != 0 {
        thread::yield_now();
    }
}

/// The address of the function that frames of the handler lie in.
pub fn gate_address() -> usize {
    gate as Handler as usize
}

/// The kernel's number of a thread that was interrupted, by pthread's.
pub fn thread_number(pthread: u64) -> Option<u32> {
    let pthread = usize::try_from(pthread).ok()?;
    let found = SEEN.iter().find(|(seen, _)| seen.load(Ordering::Acquire) == pthread)?;
    u32::try_from(found.1.load(Ordering::Relaxed)).ok()
}

#[inline(never)]
extern "C" fn gate(signal: libc::c_int, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    INSIDE.fetch_add(1, Ordering::SeqCst);
    if !IS_SHUT.load(Ordering::SeqCst) {
        note_thread();
        // SAFETY: `install` keeps only the address of a handler of this kind.
        let handler: Handler = unsafe { mem::transmute(BEHIND.load(Ordering::SeqCst)) };
        handler(signal, info, context);
    }
    INSIDE.fetch_sub(1, Ordering::SeqCst);
}

fn note_thread() {
    // SAFETY: a plain question that is async-signal-safe on Linux.
    let own = unsafe { libc::pthread_self() } as usize;
    for (pthread, number) in &SEEN {
        let seen = pthread.load(Ordering::Acquire);
        let is_ours = seen == own
            || seen == 0
                && pthread.compare_exchange(0, own, Ordering::AcqRel, Ordering::Acquire).is_ok();
        if is_ours {
            // Numbers of pthread are addresses, and used again.
            number.store(this_thread() as usize, Ordering::Relaxed);
            return;
        }
    }
}

/// Sends SIGPROF after each `interval_us` of this process's CPU time; 0 stops that.
pub fn set_timer(interval_us: u32) -> io::Result<()> {
    let each = libc::timeval {
        tv_sec: i64::from(interval_us / 1_000_000),
        tv_usec: i64::from(interval_us % 1_000_000),
    };
    let timer = libc::itimerval { it_interval: each, it_value: each };
    // SAFETY: a whole timer value; the old one is not asked for.
    let done = unsafe { libc::setitimer(libc::ITIMER_PROF, &raw const timer, ptr::null_mut()) };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Has libgcc look at every unwind table that was registered since it last did, in this thread and
/// not in a handler: the first look-up sorts them, which takes memory and locks. For the older
/// libgcc any address outside of all tables does, for 13 and later one inside `code`.
pub fn settle_unwind_tables(code: &[usize]) {
    unsafe extern "C" {
        fn _Unwind_FindEnclosingFunction(pc: *mut libc::c_void) -> *mut libc::c_void;
    }
    for address in [16].iter().chain(code) {
        // SAFETY: looks the address up in tables and does not follow it.
        unsafe { _Unwind_FindEnclosingFunction(*address as *mut libc::c_void) };
    }
}
