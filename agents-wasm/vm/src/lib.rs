//! `vm`: interprets bytecode: a loop around one `match`, with branches that depend on the data.
//!
//! Message: how many instructions to run (u64), then the program, 8 bytes an operation: code,
//! three register numbers, a 32-bit number. The machine has 16 registers of 64 bits and 16 KiB of
//! data; after the last operation comes the first. The reply is the registers, the place in the
//! program and a checksum of the data.
//!
//! The upper 32 bits of an example's seed are added to its number of instructions, which plants a
//! slow-down of known size in a test of the harness; the lower 32 bits alone decide the program.

use agent_abi::{Agent, AgentError, Host, Reply, export_agent};

const STEPS: u64 = 20_000;
const STEPS_MAX: u64 = 10_000_000;
const REGISTERS: usize = 16;
const DATA_WORDS: usize = 2048;
const OP_BYTES: usize = 8;
const OPS: u32 = 256;
const OPS_MAX: usize = 4096;

/// Register numbers are below [`REGISTERS`], targets below the program's length.
#[derive(Clone, Copy)]
enum Op {
    Set { to: u8, number: u32 },
    Move { to: u8, from: u8 },
    Add(Three),
    Sub(Three),
    Mul(Three),
    And(Three),
    Or(Three),
    Xor(Three),
    Rotate(Three),
    Shift(Three),
    Less(Three),
    Load { to: u8, base: u8, offset: u32 },
    Store { from: u8, base: u8, offset: u32 },
    Jump { target: u32 },
    JumpIfZero { test: u8, target: u32 },
    JumpIfOdd { test: u8, target: u32 },
}

#[derive(Clone, Copy)]
struct Three {
    to: u8,
    left: u8,
    right: u8,
}

/// Code of [`Op::Jump`]; it and the codes above it jump.
const JUMP: u8 = 13;

impl Op {
    fn decode(bytes: [u8; OP_BYTES], program_ops: usize) -> Option<Self> {
        let [code, to, left, right, ..] = bytes;
        let number = u32::from_le_bytes([bytes[4], bytes[5], bytes[6], bytes[7]]);
        if [to, left, right].iter().any(|r| usize::from(*r) >= REGISTERS) {
            return None;
        }
        if code >= JUMP && number as usize >= program_ops {
            return None;
        }
        let three = Three { to, left, right };
        Some(match code {
            0 => Self::Set { to, number },
            1 => Self::Move { to, from: left },
            2 => Self::Add(three),
            3 => Self::Sub(three),
            4 => Self::Mul(three),
            5 => Self::And(three),
            6 => Self::Or(three),
            7 => Self::Xor(three),
            8 => Self::Rotate(three),
            9 => Self::Shift(three),
            10 => Self::Less(three),
            11 => Self::Load { to, base: left, offset: number },
            12 => Self::Store { from: to, base: left, offset: number },
            JUMP => Self::Jump { target: number },
            14 => Self::JumpIfZero { test: to, target: number },
            15 => Self::JumpIfOdd { test: to, target: number },
            _ => return None,
        })
    }
}

/// An interpreter with the program it runs and that program's registers and data.
pub(crate) struct Machine {
    program: Vec<Op>,
    registers: [u64; REGISTERS],
    data: Vec<u64>,
    next: usize,
}

impl Machine {
    /// Replaces the program and clears the machine; false leaves the machine unfit to run.
    fn load(&mut self, code: &[u8]) -> bool {
        let (ops, rest) = code.as_chunks::<OP_BYTES>();
        if !rest.is_empty() || ops.is_empty() || ops.len() > OPS_MAX {
            return false;
        }
        self.program.clear();
        self.program.extend(ops.iter().map_while(|op| Op::decode(*op, ops.len())));
        self.registers = [0; REGISTERS];
        for (word, i) in self.data.iter_mut().zip(1u64..) {
            *word = i.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        }
        self.next = 0;
        self.program.len() == ops.len()
    }

    fn run(&mut self, steps: u64) {
        for _ in 0..steps {
            let op = self.program[self.next];
            self.next += 1;
            match op {
                Op::Set { to, number } => *self.at(to) = number.into(),
                Op::Move { to, from } => *self.at(to) = *self.at(from),
                Op::Add(three) => self.combine(three, u64::wrapping_add),
                Op::Sub(three) => self.combine(three, u64::wrapping_sub),
                Op::Mul(three) => self.combine(three, u64::wrapping_mul),
                Op::And(three) => self.combine(three, |l, r| l & r),
                Op::Or(three) => self.combine(three, |l, r| l | r),
                Op::Xor(three) => self.combine(three, |l, r| l ^ r),
                Op::Rotate(three) => self.combine(three, |l, r| l.rotate_left(r as u32)),
                Op::Shift(three) => self.combine(three, |l, r| l >> (r & 63)),
                Op::Less(three) => self.combine(three, |l, r| u64::from(l < r)),
                Op::Load { to, base, offset } => *self.at(to) = *self.word(base, offset),
                Op::Store { from, base, offset } => *self.word(base, offset) = *self.at(from),
                Op::Jump { target } => self.next = target as usize,
                Op::JumpIfZero { test, target } if *self.at(test) == 0 => {
                    self.next = target as usize;
                }
                Op::JumpIfOdd { test, target } if *self.at(test) & 1 == 1 => {
                    self.next = target as usize;
                }
                Op::JumpIfZero { .. } | Op::JumpIfOdd { .. } => {}
            }
            if self.next == self.program.len() {
                self.next = 0;
            }
        }
    }

    fn at(&mut self, register: u8) -> &mut u64 {
        &mut self.registers[usize::from(register) % REGISTERS]
    }

    fn word(&mut self, base: u8, offset: u32) -> &mut u64 {
        let place = self.at(base).wrapping_add(offset.into()) % DATA_WORDS as u64;
        &mut self.data[place as usize]
    }

    fn combine(&mut self, three: Three, with: impl Fn(u64, u64) -> u64) {
        *self.at(three.to) = with(*self.at(three.left), *self.at(three.right));
    }
}

impl Agent for Machine {
    fn new(_: Host) -> Self {
        Self { program: Vec::new(), registers: [0; REGISTERS], data: vec![0; DATA_WORDS], next: 0 }
    }

    fn handle(&mut self, inbox: &mut [u8], outbox: &mut Vec<u8>) -> Result<Reply, AgentError> {
        let (steps, code) = inbox
            .split_first_chunk()
            .map(|(steps, code)| (u64::from_le_bytes(*steps), code))
            .filter(|(steps, _)| *steps <= STEPS_MAX)
            .ok_or_else(|| AgentError::new("no number of steps, or more than ten million"))?;
        if !self.load(code) {
            return Err(AgentError::new("the program has a malformed operation"));
        }
        self.run(steps);
        let check = self.data.iter().fold(0u64, |h, word| h.rotate_left(5) ^ word);
        for word in self.registers.iter().chain([&(self.next as u64), &check]) {
            outbox.extend_from_slice(&word.to_le_bytes());
        }
        Ok(Reply::Outbox)
    }

    fn example(seed: u64) -> Vec<u8> {
        let (extra_steps, program_seed) = (seed >> 32, seed & u64::from(u32::MAX));
        let mut rng = fastrand::Rng::with_seed(program_seed);
        let mut message = (STEPS + extra_steps).to_le_bytes().to_vec();
        for at in 0..OPS {
            // First each register is set, so that what follows has something to chew on.
            let code = if at < REGISTERS as u32 { 0 } else { rng.u8(1..16) };
            let to = if code == 0 { at as u8 } else { rng.u8(..REGISTERS as u8) };
            // Jumps go a little forward: each round takes its own way through the whole program.
            let number = if code >= JUMP { (at + rng.u32(2..9)) % OPS } else { rng.u32(..) };
            message.extend_from_slice(&[code, to, rng.u8(..16), rng.u8(..16)]);
            message.extend_from_slice(&number.to_le_bytes());
        }
        message
    }
}

export_agent!(Machine);

#[cfg(test)]
mod tests {
    use super::*;

    fn message(steps: u64, ops: &[[u8; OP_BYTES]]) -> Vec<u8> {
        [&steps.to_le_bytes(), ops.as_flattened()].concat()
    }

    fn words(message: &[u8]) -> Result<Vec<u64>, AgentError> {
        let mut outbox = Vec::new();
        Machine::new(Host::detached()).handle(&mut message.to_vec(), &mut outbox)?;
        Ok(outbox.as_chunks().0.iter().map(|word| u64::from_le_bytes(*word)).collect())
    }

    #[test]
    fn a_loop_sums_the_numbers_down_from_ten() {
        let program = [
            [0, 1, 0, 0, 10, 0, 0, 0],
            [0, 2, 0, 0, 1, 0, 0, 0],
            [2, 0, 0, 1, 0, 0, 0, 0],
            [3, 1, 1, 2, 0, 0, 0, 0],
            [14, 1, 0, 0, 6, 0, 0, 0],
            [13, 0, 0, 0, 2, 0, 0, 0],
            [12, 0, 3, 0, 5, 0, 0, 0],
            [11, 4, 3, 0, 5, 0, 0, 0],
        ];
        let got = words(&message(2 + 4 * 10 - 1 + 2, &program)).unwrap();
        assert_eq!(got[..5], [55, 0, 1, 0, 55]);
        assert_eq!(got[REGISTERS], 0);
    }

    #[test]
    fn the_example_stays_busy() {
        let got = words(&Machine::example(1)).unwrap();
        let live = got[..REGISTERS].iter().filter(|register| **register > u32::MAX.into()).count();
        assert!(live >= 4, "{got:x?}");
        assert_ne!(got, words(&Machine::example(2)).unwrap());
    }

    #[test]
    fn the_upper_half_of_a_seed_adds_instructions_and_nothing_else() {
        let plain = Machine::example(1);
        let (steps, program) = plain.split_first_chunk().unwrap();
        assert_eq!(u64::from_le_bytes(*steps), STEPS);
        for extra in [200, 400, 1000] {
            let planted = Machine::example(1 | extra << 32);
            assert_eq!(planted, [&(STEPS + extra).to_le_bytes(), program].concat());
            assert_ne!(words(&planted).unwrap(), words(&plain).unwrap());
        }
        assert!(words(&Machine::example(1 | (STEPS_MAX - STEPS + 1) << 32)).is_err());
        assert_ne!(Machine::example(2)[8..], *program);
    }

    #[test]
    fn malformed_programs_are_refused() {
        let fine = [0; OP_BYTES];
        for op in [[16, 0, 0, 0, 0, 0, 0, 0], [2, 16, 0, 0, 0, 0, 0, 0], [13, 0, 0, 0, 2, 0, 0, 0]]
        {
            assert!(words(&message(1, &[fine, op])).is_err());
        }
        assert!(words(&message(1, &[])).is_err());
        assert!(words(&message(STEPS_MAX + 1, &[fine])).is_err());
        assert!(words(b"short").is_err());
        assert!(words(&Machine::example(1)[..1001]).is_err());
    }
}
