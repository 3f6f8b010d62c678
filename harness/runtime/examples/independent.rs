//! Another way to measure what the suite measures: its own clock, coin flips, blocks and summary.
//! One process tells the time of a call of an agent's guest over that of its native build, by means
//! and by minima of blocks.
//!
//! ```sh
//! cargo build --profile bench --workspace --example independent
//! target/release/examples/independent agent.wasm libagent.so SEED
//! ```
//!
//! `scripts/independent` starts many of them beside a run of the suite.

use caxton_model::case::Outcome;
use caxton_runtime::subject::AgentInstance;
use caxton_runtime::subject::native::NativeSubject;
use caxton_runtime::subject::wasmtime::{EngineOptions, WasmSubject};
use std::error::Error;
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

/// How long both sides are called before anything counts.
const WARM_UP: Duration = Duration::from_millis(300);
/// Pairs of blocks; which side goes first is a coin flip.
const PAIRS: usize = 30;
/// Each block is some parts of about this length.
const PART: Duration = Duration::from_micros(500);
const PARTS: usize = 16;
/// The seed of the message that benchmarks send.
const MESSAGE_SEED: u64 = 42;

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [wasm, native, seed] = &args[..] else {
        return Err("expected AGENT.wasm LIBAGENT.so SEED".into());
    };
    let mut coins = seed.parse::<u64>()?.wrapping_mul(2).wrapping_add(1);
    let guest = WasmSubject::compile(&std::fs::read(wasm)?, EngineOptions::default()).map_err(told)?;
    let library = NativeSubject::load(Path::new(native)).map_err(told)?;
    let mut sides: [Box<dyn AgentInstance>; 2] = [
        Box::new(guest.instantiate(None).map_err(told)?),
        Box::new(library.instantiate().map_err(told)?),
    ];
    let message = sides[1].example(MESSAGE_SEED).map_err(told)?;
    let mut replies = Vec::new();
    let mut calls = [0_u32; 2];
    for (side, calls) in sides.iter_mut().zip(&mut calls) {
        side.reserve(message.len(), 0).map_err(told)?;
        let start = now();
        while start.elapsed() < WARM_UP {
            side.call(&message).map_err(told)?;
            *calls += 1;
        }
        // As many as fill a part.
        *calls = (f64::from(*calls) * PART.as_secs_f64() / WARM_UP.as_secs_f64()).ceil() as u32;
        replies.push(side.reply().to_vec());
    }
    if replies[0] != replies[1] {
        return Err("the two sides reply differently".into());
    }
    let (mut means, mut minima) = (Vec::new(), Vec::new());
    for _ in 0..PAIRS {
        let first = usize::from(flip(&mut coins));
        let mut taken = [[0.0; 2]; 2];
        for side in [first, 1 - first] {
            taken[side] = block(&mut *sides[side], &message, calls[side]).map_err(told)?;
        }
        means.push(taken[0][0] / taken[1][0]);
        minima.push(taken[0][1] / taken[1][1]);
    }
    let out = format!("{:.4} {:.4}\n", middle(means), middle(minima));
    std::io::stdout().write_all(out.as_bytes())?;
    Ok(())
}

/// Seconds of a call in a block: the mean, and the least mean of a part.
fn block(side: &mut dyn AgentInstance, message: &[u8], calls: u32) -> Result<[f64; 2], Outcome> {
    let (mut sum, mut least) = (0.0, f64::INFINITY);
    for _ in 0..PARTS {
        let start = now();
        for _ in 0..calls {
            side.call(message)?;
        }
        let each = start.elapsed().as_secs_f64() / f64::from(calls);
        sum += each;
        least = each.min(least);
    }
    Ok([sum / PARTS as f64, least])
}

#[expect(clippy::disallowed_methods, reason = "a clock of its own is what it is for")]
fn now() -> Instant {
    Instant::now()
}

/// Knuth's generator of 64 bits; its highest bit.
fn flip(state: &mut u64) -> bool {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    *state >> 63 == 1
}

fn middle(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn told(outcome: Outcome) -> Box<dyn Error> {
    outcome.reason().unwrap_or("the agent failed").into()
}
