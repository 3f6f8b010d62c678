//! What is outside of a fiber. A stack that is sampled on a fiber ends at the fiber's base; who
//! resumed it is on the thread's own stack. [`Rooted`] wraps a future that runs fibers and notes,
//! each time it is polled while a recording is on, from where that was: no layout of anybody's
//! fibers is needed, and a sample's thread and time say which note is the right one.

use caxton_sys::clock::boot_ns;
use caxton_sys::perf_ring::this_thread;
use caxton_sys::stack;
use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

/// Notes kept of a thread: at 10 changes per millisecond, more than a drain's delay.
const NOTES_MAX: usize = 4096;

/// Frames of a note.
const FRAMES_MAX: usize = 256;

static RECORDINGS: AtomicUsize = AtomicUsize::new(0);
static LOGS: Mutex<BTreeMap<u32, Arc<Mutex<Log>>>> = Mutex::new(BTreeMap::new());

thread_local! {
    static OWN: RefCell<Option<Arc<Mutex<Log>>>> = const { RefCell::new(None) };
}

/// A future that leaves a note of who polls it, for samples of the fibers it runs.
#[derive(Debug)]
pub struct Rooted<F>(Pin<Box<F>>);

impl<F: Future> Rooted<F> {
    pub fn new(future: F) -> Self {
        Self(Box::pin(future))
    }
}

impl<F: Future> Future for Rooted<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        if RECORDINGS.load(Ordering::Relaxed) > 0 {
            note_here();
        }
        self.0.as_mut().poll(context)
    }
}

/// While it lives, notes are taken.
pub(super) struct Noting(());

impl Noting {
    pub(super) fn start() -> Self {
        RECORDINGS.fetch_add(1, Ordering::Relaxed);
        Self(())
    }
}

impl Drop for Noting {
    fn drop(&mut self) {
        if RECORDINGS.fetch_sub(1, Ordering::Relaxed) == 1 {
            lock(&LOGS).values().for_each(|log| lock(log).notes.clear());
        }
    }
}

/// From where a thread polled, and since when.
#[derive(Default)]
struct Log {
    notes: VecDeque<(u64, Arc<[u64]>)>,
}

impl Log {
    fn note(&mut self, time_ns: u64, chain: &[u64]) {
        if self.notes.back().is_some_and(|(_, last)| **last == *chain) {
            return;
        }
        if self.notes.len() == NOTES_MAX {
            self.notes.pop_front();
        }
        self.notes.push_back((time_ns, chain.into()));
    }

    /// The last note at `time_ns` or before.
    fn at(&self, time_ns: u64) -> Option<Arc<[u64]>> {
        let behind = self.notes.partition_point(|(noted_ns, _)| *noted_ns <= time_ns);
        Some(Arc::clone(&self.notes.get(behind.checked_sub(1)?)?.1))
    }
}

fn note_here() {
    let mut chain = [0; FRAMES_MAX];
    let depth = stack::callers(&mut chain);
    let time_ns = boot_ns();
    OWN.with_borrow_mut(|own| {
        let log = own.get_or_insert_with(|| {
            // A number of a thread that is gone may come again.
            let log = Arc::default();
            lock(&LOGS).insert(this_thread(), Arc::clone(&log));
            log
        });
        lock(log).note(time_ns, &chain[..depth]);
    });
}

/// The return addresses beyond the fiber that `thread` was on at `time_ns`.
pub(super) fn noted(thread: u32, time_ns: u64) -> Option<Arc<[u64]>> {
    let log = lock(&LOGS).get(&thread).cloned()?;
    lock(&log).at(time_ns)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_has_the_last_note_before_it() {
        let mut log = Log::default();
        log.note(10, &[1, 2]);
        log.note(20, &[1, 2]);
        log.note(30, &[3]);
        assert_eq!(log.notes.len(), 2, "the same again is no news");
        let at = |time_ns| log.at(time_ns).map(|chain| chain.to_vec());
        assert_eq!(at(9), None);
        assert_eq!((at(10), at(29)), (Some(vec![1, 2]), Some(vec![1, 2])));
        assert_eq!((at(30), at(u64::MAX)), (Some(vec![3]), Some(vec![3])));
    }

    #[test]
    fn a_log_has_an_end() {
        let mut log = Log::default();
        (0..NOTES_MAX as u64 + 9).for_each(|at| log.note(at, &[at]));
        assert_eq!(log.notes.len(), NOTES_MAX);
        assert_eq!(log.at(8), None, "the oldest went");
        assert_eq!(log.at(9).as_deref(), Some(&[9][..]));
    }

    #[test]
    fn a_poll_while_a_recording_is_on_is_noted() {
        let _serial = super::super::serial();
        let poll = || {
            let mut future = std::pin::pin!(Rooted::new(async { 7 }));
            let mut context = Context::from_waker(std::task::Waker::noop());
            assert_eq!(future.as_mut().poll(&mut context), Poll::Ready(7));
        };
        std::thread::spawn(move || {
            poll();
            assert_eq!(noted(this_thread(), u64::MAX), None, "nobody records");
            let noting = Noting::start();
            poll();
            let chain = noted(this_thread(), u64::MAX).expect("noted");
            assert!(chain.len() > 2, "{chain:x?}");
            drop(noting);
            assert_eq!(noted(this_thread(), u64::MAX), None, "forgotten");
        })
        .join()
        .expect("asserted");
    }
}
