//! What a profiler must live through: modules are loaded and unloaded all the time on one thread
//! while agents are made, trap and die on another.
//!
//! It measures nothing; whoever watches the code is given to it, a profiler or nobody.

use caxton_fixture::guest::guest;
use caxton_model::case::Outcome;
use caxton_model::profile::code::{Code, CodeWatch};
use caxton_runtime::subject::AgentInstance;
use caxton_runtime::subject::wasmtime::{EngineOptions, WasmSubject};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;

/// Agents that die in each round.
const AGENTS: u32 = 1_000;

/// Functions of a module that is loaded and unloaded: enough that its unwind tables must be sorted.
const FUNCTIONS: u32 = 200;

/// How deep an agent is in calls when it traps.
const DEPTH: u32 = 50;

/// What happened meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Churned {
    /// Modules that were loaded, called and unloaded; at least one.
    pub(crate) modules: u32,
    /// Agents that died by a trap.
    pub(crate) deaths: u32,
}

/// Loads and unloads modules for as long as `rounds` of 1,000 agents take to be made, to trap and
/// to die. `watch` is told of every module.
pub(crate) fn churn(watch: Option<&Arc<dyn CodeWatch>>, rounds: u32) -> Churned {
    let done = AtomicBool::new(false);
    thread::scope(|threads| {
        let modules = threads.spawn(|| {
            let mut loaded = 0;
            // First the module, then the question: however fast the agents die, one is loaded.
            loop {
                load_and_unload(loaded, watch.cloned());
                loaded += 1;
                if done.load(Ordering::Relaxed) {
                    return loaded;
                }
            }
        });
        let deaths = {
            // Also where a check fails, or the other thread would go on for ever.
            let _done = Done(&done);
            die(watch.cloned(), rounds)
        };
        Churned { modules: modules.join().expect("modules load"), deaths }
    })
}

/// Sets its flag when it goes.
struct Done<'a>(&'a AtomicBool);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// One module, another one each time, called once.
fn load_and_unload(number: u32, watch: Option<Arc<dyn CodeWatch>>) {
    let functions: String = (0..FUNCTIONS)
        .map(|i| {
            format!(
                "(func $f{i} (param i32) (result i32)
                   (if (result i32) (local.get 0) (then (i32.div_u (i32.const {number})
                     (local.get 0))) (else (i32.const {i}))))\n"
            )
        })
        .collect();
    let text = guest("i32.const 64", "(drop (call $f7 (i32.const 1))) i32.const 0");
    let last = "(func (export \"agent_drop\")";
    let text = text.replace(last, &format!("{functions}{last}"));
    let name = format!("churn-{number}.wasm");
    let options = EngineOptions::default();
    let subject = WasmSubject::compile_watched(&name, text.as_bytes(), options, watch);
    let mut agent = subject.expect("valid").instantiate(None).expect("sound");
    agent.reserve(16, 0).expect("room");
    agent.call(b"message").expect("it echoes");
    assert_eq!(agent.reply(), b"message");
}

/// Agents of one module, each with a life of its own.
fn die(watch: Option<Arc<dyn CodeWatch>>, rounds: u32) -> u32 {
    let handle = format!("(call $deep (i32.const {DEPTH})) i32.const 0");
    let deep = "(func $deep (param i32)
        (if (i32.eqz (local.get 0)) (then unreachable))
        (call $deep (i32.sub (local.get 0) (i32.const 1))))
      (func (export \"agent_drop\")";
    let text = guest("i32.const 64", &handle).replace("(func (export \"agent_drop\")", deep);
    let options = EngineOptions::default();
    let subject = WasmSubject::compile_watched("mortal.wasm", text.as_bytes(), options, watch);
    let subject = subject.expect("valid");
    let mut deaths = 0;
    for _ in 0..rounds * AGENTS {
        let mut agent = subject.instantiate(None).expect("sound");
        agent.reserve(16, 0).expect("room");
        match agent.call(b"message") {
            Err(Outcome::DiedInTheMiddle(_)) => deaths += 1,
            other => panic!("it should have trapped: {other:?}"),
        }
    }
    deaths
}

#[test]
fn modules_come_and_go_while_agents_die() {
    let churned = churn(None, 1);
    assert!(churned.modules > 0, "{churned:?}");
    assert_eq!(churned.deaths, AGENTS);
}

/// Counts the modules it is told of, and keeps none.
#[derive(Default)]
struct AllocationDetail {
    loaded: AtomicU32,
    retired: AtomicU32,
}

impl CodeWatch for AllocationDetail {
    fn while_quiet(&self, change: &mut dyn FnMut()) {
        change();
    }

    fn loaded(&self, _: Arc<dyn Code>) {
        self.loaded.fetch_add(1, Ordering::Relaxed);
    }

    fn retired(&self, code: Arc<dyn Code>) {
        assert_eq!(Arc::strong_count(&code), 1, "somebody still calls it");
        self.retired.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn each_module_that_came_has_gone() {
    let watch = Arc::new(AllocationDetail::default());
    let told: Arc<dyn CodeWatch> = watch.clone();
    let churned = churn(Some(&told), 1);
    let modules = churned.modules + 1;
    let counts = [&watch.loaded, &watch.retired].map(|count| count.load(Ordering::Relaxed));
    assert_eq!(counts, [modules, modules]);
}
