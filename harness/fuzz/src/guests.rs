//! Guests: modules that are given exports, their debug information, and what an agent says of its
//! reply.

use caxton_runtime::subject::AgentInstance;
use caxton_runtime::subject::wasmtime::{EngineOptions, Exposed, SourcePlaces, WasmSubject};
use std::hint::black_box;
use std::sync::LazyLock;

/// Offsets of a module at which its debug information is asked.
const OFFSETS: usize = 300;

/// A guest that takes the first 40 bytes of a message for its channel.
static OBEDIENT: LazyLock<WasmSubject> = LazyLock::new(|| {
    let text = include_bytes!("obedient.wat");
    WasmSubject::compile(text, EngineOptions::default()).expect("a guest of ours compiles")
});

/// A module, in either format.
pub(crate) fn exposed(bytes: &[u8]) -> bool {
    Exposed::of(bytes).map(|exposed| black_box(exposed.bytes.len())).is_ok()
}

/// A module's debug information.
pub(crate) fn debug_information(bytes: &[u8]) -> bool {
    let step = (bytes.len() / OFFSETS).max(1);
    let offsets = || (0..bytes.len() as u32).step_by(step);
    let Ok(Some(places)) = SourcePlaces::read(bytes, offsets()) else { return false };
    black_box(offsets().map(|offset| places.at(offset).count()).sum::<usize>());
    true
}

/// A channel that a guest made up, and where it says that its counts of allocations are.
pub(crate) fn reply(bytes: &[u8]) -> bool {
    let mut agent = OBEDIENT.instantiate(None).expect("a guest of ours starts");
    let reserved = agent.reserve(bytes.len().max(64), 0);
    if reserved.and_then(|()| agent.call(bytes)).is_err() {
        return false;
    }
    black_box(agent.reply().iter().fold(0, |sum, byte| sum ^ byte));
    black_box(agent.inbox().len());
    black_box(agent.heap_counts().ok());
    let again = agent.reserve(64, 0).and_then(|()| agent.call(&bytes[..bytes.len().min(64)]));
    black_box(again.map(|()| agent.reply().len()).ok());
    true
}
