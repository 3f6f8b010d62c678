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
use caxton_runtime::subject::native::NativeSubject;
use caxton_runtime::subject::wasmtime::{EngineOptions, WasmSubject};
use caxton_runtime::subject::{AgentInstance, Attempt};
use std::error::Error;
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

/// How long both sides are called before anything counts.
const WARM_UP: Duration = Duration::from_millis(300);
/// Pairs of blocks; which side goes first is a coin flip.
const PAIRS: usize = 240;
/// Each block is some parts of about this length. It is as short as the suite's blocks, because a
/// side learns its branches anew after each turn of the other.
const PART: Duration = Duration::from_micros(500);
const PARTS: usize = 2;
/// The seed of the message that benchmarks send.
const MESSAGE_SEED: u64 = 1;

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [wasm, native, seed] = &args[..] else {
        return Err("expected AGENT.wasm LIBAGENT.so SEED".into());
    };
    let measured = ratios(&std::fs::read(wasm)?, Path::new(native), seed.parse()?);
    let [means, minima] =
        measured.map_err(|outcome| outcome.reason().unwrap_or("the agent failed").to_owned())?;
    std::io::stdout().write_all(format!("{means:.4} {minima:.4}\n").as_bytes())?;
    Ok(())
}

/// The time of a call of the guest over that of the native build: by means of blocks, and by their
/// minima.
fn ratios(wasm: &[u8], native: &Path, seed: u64) -> Attempt<[f64; 2]> {
    let guest = WasmSubject::compile(wasm, EngineOptions::default())?;
    let library = NativeSubject::load(native)?;
    let mut sides: [Box<dyn AgentInstance>; 2] =
        [Box::new(guest.instantiate(None)?), Box::new(library.instantiate()?)];
    let message = sides[1].example(MESSAGE_SEED)?;
    let mut coins = seed.wrapping_mul(2).wrapping_add(1);
    let mut replies = Vec::new();
    let mut calls = [0_u32; 2];
    for (side, calls) in sides.iter_mut().zip(&mut calls) {
        // Where a message lies in its page is chance: an address alone can make a copy slow.
        let line = (0..6).fold(0, |line, _| line * 2 + usize::from(flip(&mut coins)));
        side.reserve(message.len(), line * 64)?;
        let start = now();
        while start.elapsed() < WARM_UP {
            side.call(&message)?;
            *calls += 1;
        }
        // As many as fill a part.
        *calls = (f64::from(*calls) * PART.as_secs_f64() / WARM_UP.as_secs_f64()).ceil() as u32;
        replies.push(side.reply().to_vec());
    }
    if replies[0] != replies[1] {
        return Err(Outcome::Failed("the two sides reply differently".to_owned()));
    }
    let (mut means, mut minima) = (Vec::new(), Vec::new());
    for _ in 0..PAIRS {
        let first = usize::from(flip(&mut coins));
        let mut taken = [[0.0; 2]; 2];
        for side in [first, 1 - first] {
            taken[side] = block(&mut *sides[side], &message, calls[side])?;
        }
        means.push(taken[0][0] / taken[1][0]);
        minima.push(taken[0][1] / taken[1][1]);
    }
    Ok([middle(means), middle(minima)])
}

/// Seconds of a call in a block: the mean, and the least mean of a part.
fn block(side: &mut dyn AgentInstance, message: &[u8], calls: u32) -> Attempt<[f64; 2]> {
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
