//! Recordings of this process: shares that are known, threads that come and go, refusals.

use super::*;
use crate::capability;
use caxton_model::profile::Origin;
use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

fn about() -> About {
    let (case, side) = ("test".to_owned(), "native".to_owned());
    About { case, side, messages: 0, counters: BTreeMap::new() }
}

/// A recording by the kernel, unless it refuses.
fn perf_recording(hz: u32) -> Option<Recording> {
    match Recording::start(Some(EngineName::PerfClock), hz) {
        Ok(recording) => Some(recording),
        Err(why) => {
            capability::absent("sampling", &why.to_string());
            None
        }
    }
}

#[inline(never)]
fn spin_heavy(rounds: u64) -> u64 {
    (0..rounds).fold(1, |sum, round| black_box(sum).wrapping_mul(6_364_136_223_846_793_005) ^ round)
}

#[inline(never)]
fn spin_light(rounds: u64) -> u64 {
    (0..rounds).fold(3, |sum, round| black_box(sum).wrapping_mul(6_364_136_223_846_793_005) ^ round)
}

#[inline(never)]
fn three_to_one() -> u64 {
    black_box(spin_heavy(30_000)) ^ black_box(spin_light(10_000))
}

/// Samples whose leaf's outermost function `is_wanted`.
fn leaves(profile: &Profile, is_wanted: impl Fn(&str) -> bool) -> usize {
    let wanted = profile.samples.iter().filter(|sample| {
        let leaf = profile.stacks[sample.stack as usize].last().expect("a leaf");
        let frames = &profile.locations[*leaf as usize].frames;
        frames.iter().any(|frame| is_wanted(&profile.frames[*frame as usize].name))
    });
    wanted.count()
}

/// The samples of the threads that [`busy`] starts: other tests run in this process too.
fn of_busy_threads(profile: &Profile) -> Profile {
    let mut own = profile.clone();
    own.samples.retain(|sample| profile.threads[sample.thread as usize].name.starts_with("busy"));
    let cpu_ns = own.total();
    own.during(std::slice::from_ref(&(0..u64::MAX)), cpu_ns, about())
}

/// Has `work` done over and over by two threads for `cpu_ns` of their CPU time in sum.
fn busy(cpu_ns: u64, work: fn() -> u64) {
    thread::scope(|scope| {
        for name in ["busy a", "busy b"] {
            let run = move || {
                let start = CpuTime::of_thread();
                while CpuTime::of_thread().since(start).user_ns < cpu_ns / 2 {
                    // The clock is a system call, which is not what is sampled.
                    (0..16).for_each(|_| {
                        black_box(work());
                    });
                }
            };
            thread::Builder::new().name(name.into()).spawn_scoped(scope, run).expect("a thread");
        }
    });
}

#[test]
fn work_of_three_to_one_is_seen_as_such_on_two_threads() {
    let _serial = serial();
    let Some(mut recording) = perf_recording(997) else { return };
    recording.resume();
    busy(8_000_000_000, three_to_one);
    let profile = of_busy_threads(&recording.finish(about()));
    let named = |name: &'static str| leaves(&profile, move |leaf| leaf.ends_with(name)) as f64;
    let (heavy, light) = (named("::spin_heavy"), named("::spin_light"));
    assert!(heavy + light >= 5_000.0, "{heavy} and {light}: {:?}", profile.health);
    let share = heavy / (heavy + light);
    assert!((share - 0.75).abs() < 0.02, "{share}");
    let health = &profile.health;
    assert!(health.unresolved_share() < 0.01, "{health:?}");
    assert!(health.rooted_share() > 0.99, "{health:?}");
    assert_eq!(health.engine, "perf-clock");
    let names: Vec<&str> = profile.threads.iter().map(|thread| thread.name.as_str()).collect();
    assert!(names.contains(&"busy a") && names.contains(&"busy b"), "{names:?}");
    assert!(!names.contains(&"sampler"), "{names:?}");
    let sum: u64 = profile.samples.iter().map(|sample| sample.weight).sum();
    assert!(sum <= health.cpu_ns && sum > health.cpu_ns / 100 * 99, "{sum} of {health:?}");
}

#[inline(never)]
fn copies() -> u64 {
    let from = vec![1u8; 1 << 16];
    let mut into = vec![0u8; 1 << 16];
    for _ in 0..50 {
        black_box(&mut into).copy_from_slice(black_box(&from));
    }
    u64::from(into[7])
}

#[inline(never)]
fn allocates() -> u64 {
    (0..2_000u64)
        .map(|size| black_box(Vec::<u8>::with_capacity(size as usize % 900 + 8)).capacity() as u64)
        .sum()
}

/// True if some frame of the stack has the function.
fn passes(profile: &Profile, stack: u32, function: &str) -> bool {
    let locations = &profile.stacks[stack as usize];
    let frames = locations.iter().flat_map(|at| &profile.locations[*at as usize].frames);
    frames.into_iter().any(|frame| profile.frames[*frame as usize].name.contains(function))
}

#[test]
fn stacks_out_of_the_c_library_have_their_callers_and_roots() {
    let _serial = serial();
    let Some(mut recording) = perf_recording(997) else { return };
    recording.resume();
    busy(1_500_000_000, || copies() ^ allocates());
    let profile = of_busy_threads(&recording.finish(about()));
    let in_libc: Vec<u32> = profile
        .samples
        .iter()
        .map(|sample| sample.stack)
        .filter(|stack| {
            let leaf = profile.stacks[*stack as usize].last().expect("a leaf");
            let mapping = profile.locations[*leaf as usize].mapping;
            mapping.is_some_and(|at| profile.mappings[at as usize].name.starts_with("libc."))
        })
        .collect();
    assert!(in_libc.len() > 100, "{} of {:?}", in_libc.len(), profile.health);
    let ours = in_libc.iter().filter(|stack| {
        passes(&profile, **stack, "::copies") || passes(&profile, **stack, "::allocates")
    });
    assert!(ours.count() * 100 >= in_libc.len() * 99, "{:?}", profile.health);
    assert!(profile.health.mended > 100, "{:?}", profile.health);
    assert!(profile.health.rooted_share() > 0.99, "{:?}", profile.health);
}

#[test]
fn a_thread_born_while_sampling_is_seen_and_the_pauses_are_not() {
    let _serial = serial();
    let Some(mut recording) = perf_recording(997) else { return };
    busy(100_000_000, || spin_light(10_000));
    recording.resume();
    let born = thread::Builder::new().name("born late".into()).spawn(|| {
        let start = CpuTime::of_thread();
        while CpuTime::of_thread().since(start).user_ns < 300_000_000 {
            black_box(spin_heavy(300_000));
        }
    });
    born.expect("a thread").join().expect("spins");
    recording.pause();
    busy(100_000_000, || spin_light(10_000));
    let profile = recording.finish(about());
    assert!(leaves(&profile, |leaf| leaf.ends_with("::spin_heavy")) > 100, "{:?}", profile.health);
    assert_eq!(leaves(&profile, |leaf| leaf.ends_with("::spin_light")), 0);
    assert!(profile.threads.iter().any(|thread| thread.name == "born late"));
}

#[test]
fn threads_that_come_and_go_while_it_starts_pauses_and_ends_do_no_harm() {
    let _serial = serial();
    let is_over = AtomicBool::new(false);
    let ended = AtomicUsize::new(0);
    let mut kept = Vec::new();
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    thread::spawn(|| black_box(spin_light(20_000))).join().expect("spins");
                    ended.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        for _ in 0..5 {
            let Some(mut recording) = perf_recording(2_000) else { break };
            for _ in 0..40 {
                recording.resume();
                black_box(spin_heavy(200_000));
                recording.pause();
            }
            // Asserted on below: a panic in here would wait for the threads for ever.
            kept.push(recording.finish(about()).health);
        }
        is_over.store(true, Ordering::Relaxed);
    });
    assert!(kept.iter().all(|health| health.samples > 0), "{kept:?}");
    assert!(ended.load(Ordering::Relaxed) > 10);
}

#[test]
fn a_refusal_is_one_line_that_says_what_lifts_it() {
    let why = |errno, call| {
        let refusal = perf_ring::Refusal { errno, call };
        perf_clock::missing(refusal, Some(3), Some(516)).to_string()
    };
    let open = "perf_event_open";
    for (errno, call, words) in [
        (libc::EACCES, open, "sysctl kernel.perf_event_paranoid=2"),
        (libc::EPERM, "mmap", "perf_event_mlock_kb is 516"),
        (libc::ENOSYS, open, "no perf_event_open"),
        (libc::EMFILE, open, "ulimit -n"),
        (libc::ENOENT, open, "cpu-clock"),
    ] {
        let line = why(errno, call);
        assert!(line.contains(words) && !line.contains('\n'), "{errno}: {line}");
    }
    let refused = Recording::start_with(Some(EngineName::PerfClock), 99, |_, _| {
        Err(perf_ring::Refusal { errno: libc::EACCES, call: "perf_event_open" })
    });
    assert!(matches!(refused, Err(Missing::NotPermitted(_))));
}

#[test]
fn where_the_kernel_refuses_pprof_samples_and_says_why() {
    let _serial = serial();
    let refused = |_: u32, _: &[u32]| Err(perf_ring::Refusal { errno: libc::ENOSYS, call: "mmap" });
    let mut recording = Recording::start_with(None, 99, refused).expect("SIGPROF is free");
    assert_eq!(recording.engine(), EngineName::Pprof);
    recording.resume();
    let second = Recording::start(Some(EngineName::Pprof), 99).err().map(|why| why.to_string());
    assert!(second.is_some_and(|why| why.contains("SIGPROF has a handler already")));
    busy(1_000_000_000, three_to_one);
    let profile = recording.finish(about());
    let health = &profile.health;
    assert!(health.notes.iter().any(|note| note.contains("sampled by pprof")), "{health:?}");
    assert!(health.samples >= 20, "{health:?}");
    let sum: u64 = profile.samples.iter().map(|sample| sample.weight).sum();
    assert!(sum > health.cpu_ns / 10 * 9 && sum <= health.cpu_ns, "{sum}: {health:?}");
    assert!(leaves(&profile, |leaf| leaf.ends_with("::spin_heavy")) > 0, "{health:?}");
    let guests = profile.frames.iter().filter(|frame| frame.origin == Origin::Guest);
    assert_eq!(guests.count(), 0);
}

struct Fake(std::ops::Range<usize>);

impl Code for Fake {
    fn name(&self) -> &'static str {
        "fake"
    }

    fn range(&self) -> std::ops::Range<usize> {
        self.0.clone()
    }

    fn frames(&self, _: usize) -> Vec<caxton_model::profile::Frame> {
        Vec::new()
    }
}

/// Has code come and go while a thread is busy; how often a change was made, and the profile.
fn churn(mut recording: Recording, rounds: usize) -> (usize, Profile) {
    let is_over = AtomicBool::new(false);
    let (mut changes, mut codes) = (0, Vec::new());
    thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                black_box(allocates());
            }
        });
        recording.resume();
        let watch = recording.watch();
        for round in 0..rounds {
            let start = 0x10_000 + round * 0x1000;
            let code: Arc<dyn Code> = Arc::new(Fake(start..start + 0x1000));
            codes.push(Arc::downgrade(&code));
            watch.while_quiet(&mut || {
                changes += 1;
                black_box(spin_heavy(100_000));
            });
            watch.loaded(Arc::clone(&code));
            black_box(spin_light(500_000));
            watch.retired(code);
        }
        // Not only at the end: memory must not grow with churn.
        while codes[0].upgrade().is_some() {
            watch.while_quiet(&mut || ());
            thread::yield_now();
        }
        is_over.store(true, Ordering::Relaxed);
    });
    let profile = recording.finish(about());
    assert!(codes.iter().all(|code| code.upgrade().is_none()), "kept after the end");
    (changes, profile)
}

#[test]
fn code_that_comes_and_goes_is_let_go_by_the_kernel_s_sampler() {
    // On a loaded machine a sample of what lasts a moment is rare: enough moments.
    const CHANGES: usize = 600;
    let _serial = serial();
    let Some(recording) = perf_recording(997) else { return };
    let (changes, profile) = churn(recording, CHANGES);
    assert_eq!(changes, CHANGES);
    assert!(leaves(&profile, |leaf| leaf.ends_with("::spin_heavy")) > 0, "{:?}", profile.health);
}

#[test]
fn code_that_comes_and_goes_is_let_go_by_pprof_and_changes_are_not_sampled() {
    let _serial = serial();
    let recording = Recording::start(Some(EngineName::Pprof), 499).expect("SIGPROF is free");
    let (changes, profile) = churn(recording, 150);
    assert_eq!(changes, 150);
    assert!(leaves(&profile, |leaf| leaf.ends_with("::spin_light")) > 0, "{:?}", profile.health);
    assert_eq!(leaves(&profile, |leaf| leaf.ends_with("::spin_heavy")), 0, "behind the gate");
}

/// What sampling costs: windows with and without it in turns, work per CPU second.
#[test]
#[ignore = "a measurement of a minute, for whoever changes the sampler"]
fn cost_of_sampling() {
    let _serial = serial();
    for hz in [499, 997] {
        let Some(mut recording) = perf_recording(hz) else { return };
        let mut rates = [Vec::new(), Vec::new()];
        for window in 0..60 {
            let is_sampled = window % 2 == 1;
            if is_sampled {
                recording.resume();
            }
            let start = CpuTime::of_thread();
            let mut done = 0.0;
            let used = loop {
                black_box(three_to_one());
                done += 1.0;
                let used = CpuTime::of_thread().since(start);
                if used.user_ns + used.kernel_ns > 250_000_000 {
                    break used;
                }
            };
            recording.pause();
            rates[usize::from(is_sampled)].push(done / (used.user_ns + used.kernel_ns) as f64);
        }
        rates.iter_mut().for_each(|rates| rates.sort_by(f64::total_cmp));
        let ratio = rates[1][15] / rates[0][15];
        let helper = recording.sampler.helper_cpu();
        let start_ns = boot_ns();
        let health = recording.finish(about()).health;
        let named_ms = (boot_ns() - start_ns) / 1_000_000;
        let line = format!("{hz} Hz: {ratio:.4}, named in {named_ms} ms, {helper:?}, {health:?}");
        capability::absent("assertions", &line);
    }
}
