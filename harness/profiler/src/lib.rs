//! Which stacks use the CPU: samples of this process by itself, mended, named, told as a
//! [`Profile`].
//!
//! `perf_clock.rs` and `sigprof.rs` take samples, each as a `sampler.rs`; `record.rs` reads the
//! kernel's; `chain.rs` and `roots.rs` mend stacks; `space.rs` knows whose code an address is,
//! `elf.rs` what is in a file, `host.rs` the names in it; `stacks.rs` keeps what came,
//! `assemble.rs` makes a profile of it. Pictures and exports are made elsewhere, from the profile
//! alone.

#![forbid(unsafe_code)]

mod assemble;
pub mod callgrind;
#[cfg(test)]
#[path = "../../../tests/capability.rs"]
mod capability;
mod chain;
pub mod counting;
pub mod dhat;
mod elf;
mod host;
mod hot;
mod perf_clock;
mod record;
pub mod roots;
mod sampler;
mod sigprof;
mod space;
mod stacks;
#[cfg(test)]
mod tests;

pub use sampler::EngineName;

use caxton_model::profile::code::{Code, CodeWatch};
use caxton_model::profile::{About, Health, Profile};
use caxton_model::reading::{Missing, Reading};
use caxton_sys::clock::{CpuTime, boot_ns};
use caxton_sys::perf_ring;
use perf_clock::PerfClock;
use roots::Noting;
use sampler::{Sampler, SharedSpace};
use sigprof::Pprof;
use space::Space;
use stacks::RawStacks;
use std::path::Path;
use std::sync::{Arc, Mutex};

/// Samples of this process, being taken.
pub struct Recording {
    sampler: Box<dyn Sampler>,
    watch: Arc<dyn CodeWatch>,
    shared: Arc<SharedSpace>,
    asked_hz: u32,
    start_ns: u64,
    notes: Vec<String>,
    /// CPU time when the present window began; none while paused.
    window: Option<CpuTime>,
    used: CpuTime,
    _noting: Noting,
}

impl Recording {
    /// Makes ready to sample every thread of this process at `hz` samples per CPU second. It is
    /// paused: [`Recording::resume`] begins. Without an `engine` it is perf-clock, or pprof where
    /// the kernel gives no samples.
    ///
    /// # Errors
    /// Why the engine, or each of them, cannot work here.
    pub fn start(engine: Option<EngineName>, hz: u32) -> Result<Self, Missing> {
        Self::start_with(engine, hz, perf_ring::open)
    }

    fn start_with(
        engine: Option<EngineName>,
        hz: u32,
        open: perf_clock::Open,
    ) -> Result<Self, Missing> {
        let shared = Arc::new(SharedSpace(Mutex::new(Space::new())));
        let mut notes = Vec::new();
        let perf = || -> Result<StartedSampler, Missing> {
            let sampler = Box::new(PerfClock::start(&shared, hz, open)?);
            Ok((sampler, Arc::new(Watch(Arc::clone(&shared)))))
        };
        let pprof = || -> Result<StartedSampler, Missing> {
            let (sampler, watch) = Pprof::start(&shared, hz)?;
            Ok((Box::new(sampler), Arc::new(watch)))
        };
        let (sampler, watch) = match engine {
            Some(EngineName::PerfClock) => perf()?,
            Some(EngineName::Pprof) => pprof()?,
            None => match perf() {
                Ok(started) => started,
                Err(why) => {
                    let started = pprof().map_err(|also| {
                        Missing::Failed(format!("perf-clock: {why}; pprof: {also}"))
                    })?;
                    notes.push(format!("sampled by pprof, because perf-clock is {why}"));
                    started
                }
            },
        };
        if sampler.engine() == EngineName::Pprof {
            notes.push(sigprof::CAVEAT.to_owned());
        }
        Ok(Self {
            sampler,
            watch,
            shared,
            asked_hz: hz,
            start_ns: boot_ns(),
            notes,
            window: None,
            used: CpuTime::default(),
            _noting: Noting::start(),
        })
    }

    /// The moment, as the times of samples are told: nanoseconds since the recording's start.
    pub fn time_ns(&self) -> u64 {
        boot_ns() - self.start_ns
    }

    pub fn engine(&self) -> EngineName {
        self.sampler.engine()
    }

    /// Whom to tell of code that comes and goes.
    pub fn watch(&self) -> Arc<dyn CodeWatch> {
        Arc::clone(&self.watch)
    }

    /// Says that the shared library at `path`, loaded or not, is a native twin: its functions are
    /// the guest's.
    pub fn twin(&self, path: &Path) {
        self.shared.space().add_twin(path);
    }

    /// Begins or goes on. Costs a system call per thread and CPU.
    pub fn resume(&mut self) {
        if self.window.is_none() {
            self.window = Some(self.cpu());
            self.sampler.resume();
        }
    }

    /// Takes no samples until [`Recording::resume`]. Costs what that does.
    pub fn pause(&mut self) {
        if let Some(start) = self.window.take() {
            self.sampler.pause();
            let used = self.cpu().since(start);
            self.used.user_ns += used.user_ns;
            self.used.kernel_ns += used.kernel_ns;
        }
    }

    /// CPU time of this process but for the sampler's own threads.
    fn cpu(&self) -> CpuTime {
        CpuTime::of_process().since(self.sampler.helper_cpu())
    }

    /// Ends, and names everything that was seen. Takes seconds where debug information is large.
    pub fn finish(mut self, about: About) -> Profile {
        self.pause();
        let Self { sampler, shared, asked_hz, start_ns, mut notes, used, .. } = self;
        let engine = sampler.engine().word().to_owned();
        let raw = sampler.finish().unwrap_or_else(|| {
            notes.push("the sampler's thread failed: its samples are lost".to_owned());
            RawStacks::default()
        });
        let health = Health {
            engine,
            asked_hz: Some(f64::from(asked_hz)),
            real_hz: None,
            cpu_ns: used.user_ns,
            kernel_ns: Reading::Known(used.kernel_ns),
            lost: 0,
            samples: 0,
            unresolved: 0,
            rootless: 0,
            mended: 0,
            notes,
        };
        let profile = assemble::profile(&shared.space(), raw, start_ns, about, health);
        // Not under the lock: the end of code may be told to somebody who tells us.
        let gone = shared.space().end();
        drop(gone);
        profile
    }
}

type StartedSampler = (Box<dyn Sampler>, Arc<dyn CodeWatch>);

/// The watch of an engine that looks at stacks from outside: any moment is quiet.
struct Watch(Arc<SharedSpace>);

impl CodeWatch for Watch {
    fn while_quiet(&self, change: &mut dyn FnMut()) {
        change();
    }

    fn loaded(&self, code: Arc<dyn Code>) {
        self.0.space().loaded(code);
    }

    fn retired(&self, code: Arc<dyn Code>) {
        self.0.space().retired(&code);
    }
}

/// One at a time: signals and timers are the whole process's, and samples are of all threads.
#[cfg(test)]
pub(crate) fn serial() -> std::sync::MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::new(());
    ONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
