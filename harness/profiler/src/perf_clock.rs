//! The engine `perf-clock`: the kernel takes the samples, a helper thread of ours that is not
//! sampled empties the rings and mends the stacks.

use super::chain::{Ending, Mender, beyond_fiber};
use super::record::{PerfRecord, PerfSample, parse};
use super::space::{Leaving, Space};
use super::stacks::{RawSample, RawStacks};
use crate::roots;
use crate::sampler::{EngineName, Sampler, SharedSpace};
use caxton_model::reading::Missing;
use caxton_sys::clock::CpuTime;
use caxton_sys::counters::{kernel_setting, paranoid, refusal};
use caxton_sys::perf_ring;
use caxton_sys::perf_ring::{Events, Refusal, Rings};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};

/// How long samples may lie in a ring that does not fill.
const DRAIN_MS: i32 = 100;

/// Opens the kernel's events: [`perf_ring::open`], or what a test puts in its place.
pub(super) type Open = fn(u32, &[u32]) -> Result<(Events, Rings), Refusal>;

pub(super) struct PerfClock {
    events: Events,
    helper: Option<JoinHandle<RawStacks>>,
    signs: Arc<Signs>,
}

/// What the helper and the engine tell each other.
#[derive(Default)]
struct Signs {
    is_over: AtomicBool,
    user_ns: AtomicU64,
    kernel_ns: AtomicU64,
}

impl PerfClock {
    /// Ready, and paused.
    ///
    /// # Errors
    /// Why the kernel gives no samples, and what lifts that.
    pub(super) fn start(shared: &Arc<SharedSpace>, hz: u32, open: Open) -> Result<Self, Missing> {
        let signs = Arc::new(Signs::default());
        let (tell, told) = mpsc::channel();
        let (give, given) = mpsc::channel();
        let (theirs, space) = (Arc::clone(&signs), Arc::clone(shared));
        let helper = thread::Builder::new().name("sampler".to_owned()).spawn(move || {
            // The receiver is gone only if the engine is.
            let _ = tell.send(perf_ring::this_thread());
            match given.recv() {
                Ok((rings, late)) => Drain::new(&space, rings, late).run(&theirs),
                Err(mpsc::RecvError) => RawStacks::default(),
            }
        });
        let helper = helper.map_err(|error| Missing::Failed(format!("no thread: {error}")))?;
        let failed = |_| Missing::Failed("the sampler's thread ended".to_owned());
        let spared = told.recv().map_err(failed)?;
        // Opened after the helper was born, so that it inherits nothing.
        let (events, rings) = open(hz, &[spared])
            .map_err(|why| missing(why, paranoid(), kernel_setting("perf_event_mlock_kb")))?;
        give.send((rings, events.born_late()))
            .map_err(|_| Missing::Failed("the sampler's thread ended".to_owned()))?;
        Ok(Self { events, helper: Some(helper), signs })
    }

    fn join(&mut self) -> Option<RawStacks> {
        self.events.pause();
        self.signs.is_over.store(true, Ordering::Release);
        self.helper.take()?.join().ok()
    }
}

impl Sampler for PerfClock {
    fn engine(&self) -> EngineName {
        EngineName::PerfClock
    }

    fn resume(&mut self) {
        self.events.resume();
    }

    fn pause(&mut self) {
        self.events.pause();
    }

    fn helper_cpu(&self) -> CpuTime {
        CpuTime {
            user_ns: self.signs.user_ns.load(Ordering::Relaxed),
            kernel_ns: self.signs.kernel_ns.load(Ordering::Relaxed),
        }
    }

    fn finish(mut self: Box<Self>) -> Option<RawStacks> {
        self.join()
    }
}

impl Drop for PerfClock {
    fn drop(&mut self) {
        self.join();
    }
}

/// Why there are no samples, in a line to act on; with what the kernel is set to.
pub(super) fn missing(why: Refusal, paranoid: Option<i32>, mlock_kb: Option<i32>) -> Missing {
    let Refusal { errno, call } = why;
    match errno {
        libc::EACCES | libc::EPERM if call == "mmap" => {
            let now = mlock_kb.map_or("unknown".to_owned(), |kib| kib.to_string());
            Missing::NotPermitted(format!(
                "no memory for samples may be locked: kernel.perf_event_mlock_kb is {now}, of \
                 which the smallest rings take 132 and other profilers of this user the rest: end \
                 those, or raise it by `sysctl`"
            ))
        }
        libc::EACCES | libc::EPERM => Missing::NotPermitted(refusal(paranoid, 2)),
        libc::ENOSYS => {
            Missing::Unsupported("this kernel or sandbox has no perf_event_open".to_owned())
        }
        libc::EMFILE | libc::ENFILE => Missing::Failed(
            "too few file descriptors for one event per thread and CPU: raise `ulimit -n`"
                .to_owned(),
        ),
        libc::ENOENT | libc::EINVAL | libc::EOPNOTSUPP => Missing::Unsupported(format!(
            "this kernel has no software event cpu-clock as asked for ({call}: error {errno})"
        )),
        _ => Missing::Failed(format!("{call}: {}", std::io::Error::from_raw_os_error(errno))),
    }
}

/// Empties the rings.
struct Drain<'a> {
    shared: &'a SharedSpace,
    rings: Option<Rings>,
    late: BTreeMap<u32, BTreeSet<u64>>,
    work: SamplingWork,
}

/// What becomes of samples.
struct SamplingWork {
    mender: Mender,
    stacks: RawStacks,
    process: u32,
    /// Pages at which there was nobody when last looked.
    deserted: BTreeSet<u64>,
    /// Once in a while: a broken chain has addresses at which nobody ever was.
    may_look: bool,
}

/// Pages of `deserted` at which it is begun anew.
const DESERTED_MAX: usize = 4096;

impl<'a> Drain<'a> {
    fn new(shared: &'a SharedSpace, rings: Rings, late: BTreeMap<u32, BTreeSet<u64>>) -> Self {
        let (mut mender, stacks) = (Mender::new(), RawStacks::default());
        mender.catch_up(&mut shared.space());
        let process = std::process::id();
        let deserted = BTreeSet::new();
        let work = SamplingWork { mender, stacks, process, deserted, may_look: true };
        Self { shared, rings: Some(rings), late, work }
    }

    fn run(mut self, signs: &Signs) -> RawStacks {
        loop {
            let is_over = signs.is_over.load(Ordering::Acquire);
            if let Some(rings) = self.rings.as_ref().filter(|_| !is_over) {
                rings.wait(DRAIN_MS);
            }
            self.drain();
            let CpuTime { user_ns, kernel_ns } = CpuTime::of_thread();
            signs.user_ns.store(user_ns, Ordering::Relaxed);
            signs.kernel_ns.store(kernel_ns, Ordering::Relaxed);
            if is_over {
                return self.work.stacks;
            }
        }
    }

    fn drain(&mut self) {
        let Some(mut rings) = self.rings.take() else { return };
        // What is retired by now is in no sample behind those that are in the rings by now.
        let retired = self.shared.space().take_retired();
        let late = &self.late;
        {
            let mut space = self.shared.space();
            self.work.mender.catch_up(&mut space);
            self.work.may_look = true;
            rings.read(|bytes| match parse(bytes) {
                Some(PerfRecord::Sample(sample)) => {
                    let is_twice =
                        late.get(&sample.thread).is_some_and(|own| !own.contains(&sample.event));
                    if !is_twice {
                        self.work.keep(&sample, &mut space);
                    }
                }
                Some(PerfRecord::Lost(count)) => self.work.stacks.lost += count,
                Some(PerfRecord::Throttled) => self.work.stacks.throttled += 1,
                Some(PerfRecord::Other) => {}
                None => self.work.stacks.lost += 1,
            });
        }
        self.rings = Some(rings);
        let leaving = self.shared.space().leaving(&retired);
        let resolved = leaving.into_iter().map(Leaving::resolve).collect();
        let gone = self.shared.space().leave(resolved);
        drop(gone);
    }
}

impl SamplingWork {
    fn keep(&mut self, sample: &PerfSample<'_>, space: &mut Space) {
        // Child processes, where the kernel cannot leave them out.
        if sample.process != self.process {
            return;
        }
        if self.may_look {
            self.look(&sample.chain, space);
        }
        let mut walked = self.mender.walk(sample, space);
        if walked.ending == Ending::Fiber
            && let Some(outer) = roots::noted(sample.thread, sample.time_ns)
        {
            walked = beyond_fiber(walked, &outer, space);
        }
        let (time_ns, thread) = (sample.time_ns, sample.thread);
        self.stacks.add(&walked, space, RawSample { time_ns, thread, stack: 0, count: 1 });
    }

    /// Asks what is mapped if somebody new is in the chain.
    fn look(&mut self, chain: &[u64], space: &mut Space) {
        let is_new = |at: &&u64| !space.knows(**at) && !self.deserted.contains(&(**at >> 12));
        let new: Vec<u64> = chain.iter().filter(is_new).map(|at| at >> 12).collect();
        if new.is_empty() {
            return;
        }
        self.may_look = false;
        space.refresh();
        self.mender.catch_up(space);
        if self.deserted.len() > DESERTED_MAX {
            self.deserted.clear();
        }
        self.deserted.extend(new);
    }
}
