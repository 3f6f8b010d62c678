//! What a sampler must survive beside wasmtime: modules that come and go, agents that trap and die,
//! for as long as `CAXTON_STRESS_ROUNDS` says (a round is 1,000 deaths; 1 unless told otherwise).

use crate::capability;
use crate::workload::stress::{Churned, churn};
use caxton_model::profile::{About, Origin, Profile};
use caxton_profiler::{EngineName, Recording};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// One at a time: signals and timers are the whole process's, and samples are of all threads.
fn serial() -> MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::new(());
    ONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn rounds() -> u32 {
    let asked = std::env::var("CAXTON_STRESS_ROUNDS").ok();
    asked.map_or(1, |rounds| rounds.parse().expect("CAXTON_STRESS_ROUNDS is a number"))
}

/// Samples the churn; none where this engine cannot work here.
fn stressed(engine: EngineName) -> Option<(Churned, Profile)> {
    let mut recording = match Recording::start(Some(engine), 997) {
        Ok(recording) => recording,
        Err(why) => {
            capability::absent("profiler", &format!("{}: {why}", engine.word()));
            return None;
        }
    };
    let watch = recording.watch();
    recording.resume();
    let churned = churn(Some(&watch), rounds());
    recording.pause();
    drop(watch);
    let (case, side) = ("stress".to_owned(), "wasm".to_owned());
    let about = About { case, side, messages: 0, counters: BTreeMap::new() };
    Some((churned, recording.finish(about)))
}

#[test]
fn the_kernel_s_sampler_lives_through_modules_that_come_and_go_and_agents_that_die() {
    let _serial = serial();
    let Some((churned, profile)) = stressed(EngineName::PerfClock) else { return };
    assert_eq!(churned.deaths, 1_000 * rounds());
    assert!(profile.health.samples > 0, "{:?}", profile.health);
    profile.check().expect("whole");
    let names = |origin: Origin| profile.frames.iter().filter(|f| f.origin == origin).count();
    assert!(names(Origin::Wasmtime) > 0, "the engine is on some stack");
    assert!(profile.health.unresolved_share() < 0.5, "{:?}", profile.health);
}

#[test]
fn pprof_is_kept_from_modules_that_come_and_go() {
    let _serial = serial();
    let Some((churned, profile)) = stressed(EngineName::Pprof) else { return };
    assert_eq!(churned.deaths, 1_000 * rounds());
    profile.check().expect("whole");
    // Compiling is behind the gate: no sample of it can exist.
    let compiler = profile.frames.iter().find(|frame| frame.name.contains("cranelift_codegen"));
    assert_eq!(compiler, None, "a compile phase was sampled");
}
