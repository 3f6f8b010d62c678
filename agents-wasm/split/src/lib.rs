//! `split`: spends its time in shares that are known by construction, so that a profile of it can
//! be checked. A round is one step of a chain, each step waiting for the one before it, so that
//! its time depends on no data and hardly on where the code lies.
//!
//! | function | rounds | what is known |
//! |---|---|---|
//! | `work_a`, `work_b` | 3 and 1 | both call `kernel`, the same code: of the samples *below* them (inclusive time) `work_a` has 3 of 4. Their own time is nothing |
//! | `inlined_heavy`, `inlined_light` | 3 and 1 | inlined into `outer`: of the samples in these two, `inlined_heavy` has 3 of 4 |
//! | `planted` | 1, as WASM 4 | a slowdown of WASM that a comparison of both sides must find: four times its rounds, over what WASM costs anyway |
//!
//! Message: rounds (u64, even) and a seed (u64), little-endian. Reply: what `work_a`, `work_b`,
//! `outer` and `planted` came to (u64 each). That of `planted` is what was put in, on both sides:
//! its step undoes itself when it is done twice.

use agent_abi::{Agent, AgentError, Host, Reply, export_agent};
use std::hint::black_box;

/// Of the example: together about a tenth of a millisecond.
const ROUNDS: u64 = 4000;
const ROUNDS_MAX: u64 = 1 << 20;

/// How often `planted` does its rounds.
const PLANTED_TIMES: u64 = if cfg!(target_arch = "wasm32") { 4 } else { 1 };

struct Split;

/// One round: shifts and a multiplication, each waiting for the last. The first half of `mix64` in
/// Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators" (2014).
#[inline(always)]
fn step(x: u64) -> u64 {
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x ^ (x >> 27)
}

/// Where `work_a` and `work_b` spend their time. Once in the program, so that a round is equally
/// fast for both.
#[inline(never)]
fn kernel(x: u64, rounds: u64) -> u64 {
    (0..rounds).fold(x, |x, _| step(x))
}

/// Three quarters of the two.
#[inline(never)]
fn work_a(x: u64, rounds: u64) -> u64 {
    let x = kernel(kernel(kernel(x, rounds), rounds), rounds);
    // Something left to do: a call at the very end would take this function's place on the stack.
    x.rotate_left(1)
}

/// One quarter of the two.
#[inline(never)]
fn work_b(x: u64, rounds: u64) -> u64 {
    kernel(x, rounds).rotate_left(1)
}

/// Three quarters of `outer`.
#[inline(always)]
fn inlined_heavy(x: u64, rounds: u64) -> u64 {
    (0..3 * rounds).fold(x, |x, _| step(x))
}

/// One quarter of `outer`.
#[inline(always)]
fn inlined_light(x: u64, rounds: u64) -> u64 {
    (0..rounds).fold(x, |x, _| step(x))
}

/// Has no code of its own to speak of: what it does is inlined.
#[inline(never)]
fn outer(x: u64, rounds: u64) -> u64 {
    inlined_light(inlined_heavy(x, rounds), rounds)
}

/// `x` again, for any even number of rounds.
#[inline(never)]
fn planted(x: u64, rounds: u64) -> u64 {
    // A step is f(x) = x·A ^ M. x·A flips the top bit of an odd x, and M is even, so f(f(x)) = x.
    // The compiler must not know: it would leave out two steps at a time.
    let (a, m) = black_box(((1 << 63) | 1, 0x9e37_79b9_7f4a_7c14));
    (0..PLANTED_TIMES * rounds).fold(x, |x: u64, _| x.wrapping_mul(a) ^ m)
}

impl Agent for Split {
    fn new(_: Host) -> Self {
        Self
    }

    fn handle(&mut self, inbox: &mut [u8], outbox: &mut Vec<u8>) -> Result<Reply, AgentError> {
        let (rounds, seed) = match inbox.as_chunks::<8>() {
            ([rounds, seed], []) => (u64::from_le_bytes(*rounds), u64::from_le_bytes(*seed)),
            _ => return Err(AgentError::new("expected two numbers: rounds and a seed")),
        };
        if !rounds.is_multiple_of(2) || rounds > ROUNDS_MAX {
            return Err(AgentError::new("expected an even number of rounds, at most 1048576"));
        }
        let done = [
            work_a(seed, rounds),
            work_b(seed, rounds),
            outer(seed, rounds),
            planted(seed, rounds),
        ];
        for done in done {
            outbox.extend_from_slice(&done.to_le_bytes());
        }
        Ok(Reply::Outbox)
    }

    fn example(seed: u64) -> Vec<u8> {
        let mut message = ROUNDS.to_le_bytes().to_vec();
        message.extend_from_slice(&fastrand::Rng::with_seed(seed).u64(..).to_le_bytes());
        message
    }
}

export_agent!(Split);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_does_its_rounds() {
        let (x, rounds) = (0x0123_4567_89ab_cdef, 10);
        assert_eq!(work_b(x, rounds), kernel(x, 10).rotate_left(1));
        assert_eq!(work_a(x, rounds), kernel(x, 30).rotate_left(1));
        assert_eq!(outer(x, rounds), kernel(x, 40));
        assert_eq!(kernel(x, 1), step(x));
        assert_ne!(step(step(x)), x);
    }

    #[test]
    fn what_is_planted_changes_nothing_in_an_even_number_of_rounds() {
        for x in [0, 1, 2, u64::MAX, 0x0123_4567_89ab_cdef] {
            assert_eq!(planted(x, 2), x);
            assert_eq!(planted(x, 4000), x);
            assert_ne!(planted(x, 1), x);
        }
    }

    #[test]
    fn a_reply_is_four_numbers() {
        let mut outbox = Vec::new();
        Split::new(Host::detached()).handle(&mut Split::example(1), &mut outbox).unwrap();
        let numbers = outbox.as_chunks().0.iter().map(|word| u64::from_le_bytes(*word));
        let seed = fastrand::Rng::with_seed(1).u64(..);
        let expected = [work_a(seed, ROUNDS), work_b(seed, ROUNDS), outer(seed, ROUNDS), seed];
        assert_eq!(numbers.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn odd_and_endless_rounds_are_refused() {
        let mut agent = Split::new(Host::detached());
        let mut refused =
            |message: &[u8]| agent.handle(&mut message.to_vec(), &mut Vec::new()).is_err();
        let message = |rounds: u64| [rounds.to_le_bytes(), [0; 8]].concat();
        assert!(refused(&message(3)) && refused(&message(ROUNDS_MAX + 2)));
        assert!(refused(b"") && refused(&message(2)[..15]));
        assert!(!refused(&message(2)));
    }
}
