//! The names behind a real guest's machine code: they rest on what the compiler of guests leaves in
//! the file, which no guest given as text has.

use crate::executable::{Kept, smoke, target};
use caxton_model::profile::code::{Code, CodeWatch};
use caxton_model::profile::{Frame, Origin};
use caxton_runtime::subject::wasmtime::{EngineOptions, WasmSubject};
use std::fs;
use std::sync::{Arc, Mutex};

/// Keeps the code it is told of.
#[derive(Default)]
struct Keeper(Mutex<Option<Arc<dyn Code>>>);

impl CodeWatch for Keeper {
    fn while_quiet(&self, change: &mut dyn FnMut()) {
        change();
    }

    fn loaded(&self, code: Arc<dyn Code>) {
        *self.0.lock().expect("no test panics here") = Some(code);
    }

    fn retired(&self, _: Arc<dyn Code>) {}
}

/// The code of agent `split`; none where guests cannot be built.
fn split() -> Option<Arc<dyn Code>> {
    let Kept { record, .. } = smoke(&["--agent", "split"])?;
    let wasm =
        record.artifacts.iter().find(|built| built.agent == "split" && built.side == "wasm")?;
    let hash = wasm.source_hash.as_ref().expect("a guest of ours");
    let file = target().join("guests/artifacts").join(format!("{hash}.wasm"));
    let wasm = fs::read(file).expect("it was run");
    let (keeper, options) = (Arc::new(Keeper::default()), EngineOptions::default());
    WasmSubject::compile_watched("split.wasm", &wasm, options, Some(keeper.clone())).expect("ran");
    keeper.0.lock().expect("no test panics here").take()
}

#[test]
fn functions_of_a_real_guest_have_whole_names_also_where_they_are_inlined() {
    let Some(code) = split() else { return };
    assert!(code.notes().is_empty(), "{:?}", code.notes());
    let stacks: Vec<Vec<Frame>> = code.range().map(|address| code.frames(address)).collect();
    let outermost = |name: &str| -> Vec<&Vec<Frame>> {
        stacks.iter().filter(|stack| stack.last().is_some_and(|frame| frame.name == name)).collect()
    };
    for name in ["work_a", "work_b", "kernel", "outer", "planted"] {
        let found = outermost(&format!("agent_split::{name}"));
        assert!(found.iter().any(|stack| stack.last().is_some_and(|f| f.line.is_some())), "{name}");
    }
    for name in ["agent_split::inlined_heavy", "agent_split::inlined_light"] {
        let is_inlined = |frame: &Frame| {
            let file = frame.file.as_deref().unwrap_or_default();
            frame.name == name
                && frame.origin == Origin::GuestInlined
                && file.ends_with("agents-wasm/split/src/lib.rs")
                && frame.line.is_some()
        };
        let stacks = outermost("agent_split::outer");
        let inside = stacks.iter().filter(|stack| stack.iter().any(is_inlined)).count();
        assert!(inside > 20, "{name} has {inside} bytes");
    }
}
