//! Fuel of one steady-state call: wasmtime's own count of executed operations, exact where the
//! program alone decides. A pass of its own, because metering changes speed.

use super::sides::{Loaded, page_offset};
use crate::guest::catalog::EXAMPLE_SEED;
use crate::guest::toolchain::Side;
use crate::timing::context::{Context, Total};
use caxton_model::case::Outcome;
use caxton_runtime::subject::Attempt;
use caxton_runtime::subject::wasmtime::EngineOptions;

/// Calls before the count: buffers have grown, lazy state is there.
const WARM_UP: u32 = 3;

/// Counted calls, as one reading: an allocator may alternate between two states from call to call,
/// which is exact all the same.
const CALLS: u32 = 16;

/// Counts the fuel of calls of `agent`.
pub fn run(ctx: &mut Context<'_>) -> Attempt<()> {
    let options = EngineOptions { fuel: true, ..EngineOptions::default() };
    let (loaded, _) = Loaded::load_watched(ctx, ctx.agent, Side::Wasm, options, None)?;
    let mut instance = loaded.instantiate()?;
    let message = instance.example(EXAMPLE_SEED)?;
    // The same place in both launches, or a copy loop may take another path.
    instance.reserve(message.len(), page_offset(&mut fastrand::Rng::with_seed(0)))?;
    ctx.working();
    // A program may take seconds, and what is fresh each time does the same each time.
    let (warm_up, calls) = match loaded {
        Loaded::Program(_) => (1, 2),
        _ => (WARM_UP, CALLS),
    };
    for _ in 0..warm_up {
        instance.call(&message)?;
    }
    let reply = instance.reply().to_vec();
    let before = instance.fuel_used();
    for _ in 0..calls {
        instance.call(&message)?;
    }
    let used = instance.fuel_used() - before;
    if instance.reply() != reply {
        return Err(Outcome::WrongAnswer("its reply changed from call to call".to_owned()));
    }
    ctx.once("wasm_fuel", Total::over(used, u64::from(calls)));
    Ok(())
}
