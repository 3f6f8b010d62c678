//! What the compiler says of its work: which pass of which function it is in, as it logs it. From
//! one begin to the next end the clock is read here.

use caxton_sys::clock::{Clock, Monotonic};
use log::{LevelFilter, Log, Metadata, Record};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Who logs the beginning and the end of passes.
const PASSES: &str = "cranelift_codegen::timing";
/// Who logs that a function is done.
const FUNCTIONS: &str = "wasmtime_internal_cranelift";

/// One function's way through the compiler.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FunctionPasses {
    /// As the compiler calls it: `wasm[0]::function[7]::name`.
    pub symbol: String,
    /// Nanoseconds in each pass, without the passes within it.
    pub passes_ns: BTreeMap<String, u64>,
}

static DONE: Mutex<Vec<FunctionPasses>> = Mutex::new(Vec::new());
static LOG: PassLog = PassLog;

thread_local! {
    static OPEN: RefCell<OpenPasses> = RefCell::default();
}

/// Passes that a thread is in, and those of its function that are over.
#[derive(Default)]
struct OpenPasses {
    open: Vec<OpenPass>,
    over_ns: BTreeMap<String, u64>,
}

struct OpenPass {
    name: String,
    since_ns: u64,
    /// Spent in passes within it.
    within_ns: u64,
}

struct PassLog;

/// Listens to the compiler from here on, in all threads.
///
/// # Errors
/// Somebody else listens: the host set a logger of its own.
pub fn listen_to_compiler() -> Result<(), String> {
    log::set_logger(&LOG).map_err(|error| error.to_string())?;
    log::set_max_level(LevelFilter::Debug);
    Ok(())
}

/// The functions that were compiled since this was last asked.
pub fn take_compiled() -> Vec<FunctionPasses> {
    std::mem::take(&mut *DONE.lock().unwrap_or_else(PoisonError::into_inner))
}

impl Log for PassLog {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with(PASSES) || metadata.target().starts_with(FUNCTIONS)
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) {
            let now_ns = Monotonic.now().0;
            let text = record.args().to_string();
            OPEN.with_borrow_mut(|open| open.take(&text, now_ns));
        }
    }

    fn flush(&self) {}
}

impl OpenPasses {
    fn take(&mut self, text: &str, now_ns: u64) {
        if let Some(started) = text.strip_prefix("timing: Starting ") {
            let name = started.split(", (during").next().unwrap_or(started).to_owned();
            self.open.push(OpenPass { name, since_ns: now_ns, within_ns: 0 });
        } else if text.starts_with("timing: Ending ") {
            let Some(over) = self.open.pop() else { return };
            let took_ns = now_ns.saturating_sub(over.since_ns);
            *self.over_ns.entry(over.name).or_default() += took_ns.saturating_sub(over.within_ns);
            if let Some(around) = self.open.last_mut() {
                around.within_ns += took_ns;
            }
        } else if let Some(symbol) = symbol_of(text) {
            let passes_ns = std::mem::take(&mut self.over_ns);
            let done = FunctionPasses { symbol: symbol.to_owned(), passes_ns };
            DONE.lock().unwrap_or_else(PoisonError::into_inner).push(done);
        }
    }
}

/// The function of which `text` says that it is translated or compiled.
fn symbol_of(text: &str) -> Option<&str> {
    let (symbol, rest) = text.strip_prefix('`')?.rsplit_once("` ")?;
    let is_done = rest.starts_with("translated to CLIF in ") || rest.starts_with("compiled in ");
    is_done.then_some(symbol)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pass_has_its_time_without_the_passes_within_it() {
        let mut open = OpenPasses::default();
        let said = [
            ("timing: Starting Compilation passes, (during <no pass>)", 100),
            ("timing: Starting Register allocation, (during Compilation passes)", 110),
            ("timing: Ending Register allocation: 0ms", 180),
            ("something else", 185),
            ("timing: Ending Compilation passes: 0ms", 200),
            ("`wasm[0]::function[7]::a`b` compiled in 100ns", 210),
        ];
        said.iter().for_each(|(text, now_ns)| open.take(text, *now_ns));
        let done = take_compiled();
        let symbol = "wasm[0]::function[7]::a`b";
        let own = done.iter().find(|function| function.symbol == symbol).expect("it is done");
        let expected = [("Compilation passes", 30), ("Register allocation", 70)];
        let expected = expected.map(|(name, ns)| (name.to_owned(), ns));
        assert_eq!(own.passes_ns, BTreeMap::from(expected));
        // An end without a beginning is nothing.
        open.take("timing: Ending Compilation passes: 0ms", 300);
        assert!(open.over_ns.is_empty() && open.open.is_empty());
    }
}
