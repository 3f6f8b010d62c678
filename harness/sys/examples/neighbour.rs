//! A neighbour: it takes from this machine what another tenant would, until it is killed.
//!
//! ```sh
//! cargo build --profile bench --workspace --example neighbour
//! target/release/examples/neighbour spin     # or stream, or on-off
//! ```

use caxton_sys::clock::{Clock, Monotonic};
use std::hint::black_box;
use std::thread;
use std::time::Duration;

/// Two seconds make a turn of on and off: 0.5 Hz.
const ON_NS: u64 = 1_000_000_000;
/// Twice what a last-level cache has.
const STREAMED_BYTES: usize = 64 << 20;

fn main() -> Result<(), String> {
    match std::env::args().nth(1).as_deref() {
        Some("spin") => loop {
            spin();
        },
        Some("stream") => stream(),
        Some("on-off") => loop {
            let start = Monotonic.now().0;
            while Monotonic.now().0 - start < ON_NS {
                spin();
            }
            thread::sleep(Duration::from_nanos(ON_NS));
        },
        other => Err(format!("expected spin, stream or on-off, and not {other:?}")),
    }
}

/// Keeps all execution units of a core busy for about a millisecond.
fn spin() {
    let mut chains: [u64; 8] = black_box([1, 2, 3, 4, 5, 6, 7, 8]);
    for turn in 0..400_000_u64 {
        for chain in &mut chains {
            *chain = (chain.rotate_left(7) ^ turn).wrapping_add(*chain >> 3);
        }
    }
    black_box(chains);
}

/// Copies memory to and fro.
fn stream() -> ! {
    let (mut one, mut other) = (vec![1_u8; STREAMED_BYTES], vec![2_u8; STREAMED_BYTES]);
    loop {
        one.copy_from_slice(black_box(&other));
        other.copy_from_slice(black_box(&one));
    }
}
