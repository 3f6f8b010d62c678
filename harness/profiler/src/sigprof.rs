//! The engine `pprof`: the crate of that name, SIGPROF and libgcc's unwinder in the interrupted
//! thread. For machines where the kernel gives no samples. Three of its faults are worked around:
//!
//! - It can hang when code comes or goes while it samples: its handler has libgcc sort the unwind
//!   tables of new code, which takes memory, perhaps in the middle of `malloc`. So a gate stands
//!   before its handler, code comes and goes while the gate is shut, and new tables are sorted
//!   before it opens.
//! - It tells the rate that was asked for, not that of the kernel's tick. Weights are CPU time
//!   that was used, spread over the samples that came.
//! - It keeps one address for all samples of the same functions: lines and inlined functions are
//!   those of the first one. That cannot be mended, and is said.

use super::chain::{Walked, ended};
use super::space::{Leaving, Space};
use super::stacks::{RawSample, RawStacks};
use crate::sampler::{EngineName, Sampler, SharedSpace};
use ::pprof::{ProfilerGuard, ProfilerGuardBuilder};
use caxton_model::profile::code::{Code, CodeWatch};
use caxton_model::reading::Missing;
use caxton_sys::clock::{CpuTime, boot_ns};
use caxton_sys::sigprof;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What a reader of its profiles should know.
pub(super) const CAVEAT: &str = "pprof keeps one address for all samples of the same functions: \
                                 lines and inlined functions are those of one of them";

/// Retired code that is kept before the samples are fetched for its sake: fetching them begins
/// the crate's tables (some 70 MB) anew.
const RETIRED_MAX: usize = 64;

pub(super) struct Pprof(Arc<Inner>);

/// What the engine and its watch share.
struct Inner {
    shared: Arc<SharedSpace>,
    hz: u32,
    state: Mutex<PprofState>,
}

struct PprofState {
    guard: Option<ProfilerGuard<'static>>,
    is_running: bool,
    /// When the present window began, in nanoseconds of the monotonic clock: the crate keeps no
    /// times, so that a sample is known by its window.
    since_ns: u64,
    /// Who needs quiet now.
    quiet: usize,
    stacks: RawStacks,
    /// Loaded since the unwind tables were last settled.
    new: Vec<usize>,
}

impl Pprof {
    /// Ready, and paused; and the watch that belongs to it.
    ///
    /// # Errors
    /// Somebody else has SIGPROF, or the crate does not start.
    pub(super) fn start(shared: &Arc<SharedSpace>, hz: u32) -> Result<(Self, PprofWatch), Missing> {
        if !sigprof::is_free() {
            return Err(Missing::Unsupported(
                "SIGPROF has a handler already: end the other profiler of this process".to_owned(),
            ));
        }
        let stacks = RawStacks::default();
        let state = PprofState {
            guard: None,
            is_running: false,
            since_ns: boot_ns(),
            quiet: 0,
            stacks,
            new: Vec::new(),
        };
        let (shared, state) = (Arc::clone(shared), Mutex::new(state));
        let inner = Arc::new(Inner { shared, hz, state });
        inner.state().guard = Some(inner.guard()?);
        Ok((Self(Arc::clone(&inner)), PprofWatch(inner)))
    }
}

impl Inner {
    fn state(&self) -> MutexGuard<'_, PprofState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A fresh profiler behind a shut gate.
    fn guard(&self) -> Result<ProfilerGuard<'static>, Missing> {
        let failed = |error: &dyn std::fmt::Display| Missing::Failed(format!("pprof: {error}"));
        // The signal's first moments are before the gate is there: a rate of one per second, and
        // the timer is stopped at once.
        let built = ProfilerGuardBuilder::default().frequency(1).build();
        let guard = built.map_err(|error| failed(&error))?;
        sigprof::set_timer(0).and_then(|()| sigprof::install()).map_err(|error| failed(&error))?;
        Ok(guard)
    }

    /// Opens the gate if it should be open.
    fn go(&self, state: &mut PprofState) {
        if !state.is_running || state.quiet > 0 {
            return;
        }
        sigprof::settle_unwind_tables(&std::mem::take(&mut state.new));
        sigprof::open();
        // It was set when the engine started: it can be set again.
        let _ = sigprof::set_timer(1_000_000 / self.hz.max(1));
    }

    fn stop(&self) {
        let _ = sigprof::set_timer(0);
        sigprof::shut();
    }

    /// Does `change` behind a shut gate; others may do so at the same time.
    fn quietly(&self, change: impl FnOnce()) {
        {
            let mut state = self.state();
            state.quiet += 1;
            self.stop();
        }
        change();
        let mut state = self.state();
        state.quiet -= 1;
        self.go(&mut state);
    }

    /// Takes over the crate's samples and ends its profiler. The gate must be shut.
    fn fetch(&self, state: &mut PprofState) {
        let Some(guard) = state.guard.take() else { return };
        let Ok(report) = guard.report().build_unresolved() else { return };
        drop(guard);
        let mut space = self.shared.space();
        space.refresh();
        let gate = sigprof::gate_address();
        for (frames, count) in report.data {
            let ips = frames.frames.iter();
            let ips = ips.map(|f| (f.ip() as u64, f.symbol_address() as usize == gate));
            let ips: Vec<(u64, bool)> = ips.collect();
            let walked = interrupted(&ips, &space);
            let thread = sigprof::thread_number(frames.thread_id).unwrap_or(0);
            let count = u64::try_from(count).unwrap_or(0);
            let sample = RawSample { time_ns: state.since_ns, thread, stack: 0, count };
            let name = &frames.thread_name[..frames.thread_name_length];
            let name = String::from_utf8_lossy(name).into_owned();
            state.stacks.threads.entry(thread).or_insert(name);
            state.stacks.add(&walked, &mut space, sample);
        }
        drop(space);
        let retired = self.shared.space().take_retired();
        let leaving = self.shared.space().leaving(&retired);
        let resolved = leaving.into_iter().map(Leaving::resolve).collect();
        let gone = self.shared.space().leave(resolved);
        drop(gone);
    }
}

/// The stack that the signal found: what is behind the gate's frame and the kernel's trampoline.
fn interrupted(ips: &[(u64, bool)], space: &Space) -> Walked {
    let gate = ips.iter().rposition(|(_, is_gate)| *is_gate);
    let behind = gate.map_or(0, |gate| gate + 2).min(ips.len());
    let ips: Vec<u64> = ips[behind..].iter().map(|(ip, _)| *ip).filter(|ip| *ip > 0).collect();
    ended(&ips, space)
}

impl Sampler for Pprof {
    fn engine(&self) -> EngineName {
        EngineName::Pprof
    }

    fn resume(&mut self) {
        let mut state = self.0.state();
        state.is_running = true;
        state.since_ns = boot_ns();
        self.0.go(&mut state);
    }

    fn pause(&mut self) {
        let mut state = self.0.state();
        self.0.stop();
        state.is_running = false;
        self.0.fetch(&mut state);
        // If it does not start again no more samples come, which the rate shows.
        state.guard = self.0.guard().ok();
    }

    fn helper_cpu(&self) -> CpuTime {
        CpuTime::default()
    }

    fn finish(self: Box<Self>) -> Option<RawStacks> {
        let mut state = self.0.state();
        self.0.stop();
        self.0.fetch(&mut state);
        Some(std::mem::take(&mut state.stacks))
    }
}

impl Drop for Pprof {
    fn drop(&mut self) {
        let mut state = self.0.state();
        self.0.stop();
        state.guard = None;
    }
}

/// Shuts the gate while code comes and goes.
pub(super) struct PprofWatch(Arc<Inner>);

impl CodeWatch for PprofWatch {
    fn while_quiet(&self, change: &mut dyn FnMut()) {
        self.0.quietly(|| {
            if self.0.shared.space().retired_count() >= RETIRED_MAX {
                let mut state = self.0.state();
                if state.guard.is_some() {
                    self.0.fetch(&mut state);
                    // If it does not start again no more samples come, which the rate shows.
                    state.guard = self.0.guard().ok();
                }
            }
            change();
        });
    }

    fn loaded(&self, code: Arc<dyn Code>) {
        let range = code.range();
        self.0.quietly(|| {
            self.0.shared.space().loaded(code);
            self.0.state().new.push(range.start + range.len() / 2);
        });
    }

    fn retired(&self, code: Arc<dyn Code>) {
        self.0.shared.space().retired(&code);
    }
}
