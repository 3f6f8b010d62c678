//! `matmul`: C = A · diag(d) · B for two 96x96 matrices of f64.
//!
//! A and B are fixed; d comes from the message, an 8-byte seed, so that the call is the
//! multiplication and hardly anything else. The reply is the trace of C and a checksum of all of
//! C's bits. Sums run in one order on both sides and nothing is fused, so the bits are equal; the
//! twin may use SSE2 where a guest without SIMD cannot.

use agent_abi::{Agent, AgentError, Host, Reply, export_agent};

const SIDE: usize = 96;

struct Matmul {
    left: Vec<f64>,
    right: Vec<f64>,
    product: Vec<f64>,
}

impl Matmul {
    fn multiply(&mut self, diagonal: &[f64; SIDE]) {
        self.product.fill(0.0);
        let rows = self.product.chunks_exact_mut(SIDE).zip(self.left.chunks_exact(SIDE));
        for (sums, left_row) in rows {
            let right_rows = self.right.chunks_exact(SIDE);
            for ((left, scale), right_row) in left_row.iter().zip(diagonal).zip(right_rows) {
                let factor = left * scale;
                for (sum, right) in sums.iter_mut().zip(right_row) {
                    *sum += factor * right;
                }
            }
        }
    }
}

impl Agent for Matmul {
    fn new(_: Host) -> Self {
        let mut rng = fastrand::Rng::with_seed(96);
        let mut matrix = || (0..SIDE * SIDE).map(|_| rng.f64() - 0.5).collect();
        Self { left: matrix(), right: matrix(), product: vec![0.0; SIDE * SIDE] }
    }

    fn handle(&mut self, inbox: &mut [u8], outbox: &mut Vec<u8>) -> Result<Reply, AgentError> {
        let seed = <[u8; 8]>::try_from(&*inbox)
            .map_err(|_| AgentError::new("the message is not a seed of 8 bytes"))?;
        let mut rng = fastrand::Rng::with_seed(u64::from_le_bytes(seed));
        let diagonal = std::array::from_fn(|_| rng.f64() + 0.5);
        self.multiply(&diagonal);
        let trace: f64 = self.product.iter().step_by(SIDE + 1).sum();
        let check = self.product.iter().fold(0, |h: u64, x| h.rotate_left(5) ^ x.to_bits());
        outbox.extend_from_slice(&trace.to_bits().to_le_bytes());
        outbox.extend_from_slice(&check.to_le_bytes());
        Ok(Reply::Outbox)
    }

    fn example(seed: u64) -> Vec<u8> {
        fastrand::Rng::with_seed(seed).u64(..).to_le_bytes().to_vec()
    }
}

export_agent!(Matmul);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_product_is_the_textbook_one() {
        let mut agent = Matmul::new(Host::detached());
        let diagonal = std::array::from_fn(|k| 1.0 + k as f64 / 7.0);
        agent.multiply(&diagonal);
        for (i, j) in [(0, 0), (3, 90), (95, 95), (40, 7)] {
            let mut sum = 0.0;
            for (k, scale) in diagonal.iter().enumerate() {
                sum += agent.left[i * SIDE + k] * scale * agent.right[k * SIDE + j];
            }
            assert_eq!(agent.product[i * SIDE + j].to_bits(), sum.to_bits());
        }
    }

    #[test]
    fn only_a_seed_is_taken_and_the_same_seed_gives_the_same_reply() {
        let mut agent = Matmul::new(Host::detached());
        let mut ask = |message: &[u8]| {
            let mut outbox = Vec::new();
            agent.handle(&mut message.to_vec(), &mut outbox).map(|_| outbox)
        };
        let first = ask(&Matmul::example(1)).unwrap();
        assert_ne!(ask(&Matmul::example(2)).unwrap(), first);
        assert!(ask(b"short").is_err());
        assert!(ask(&[0; 9]).is_err());
        assert_eq!(ask(&Matmul::example(1)).unwrap(), first);
    }
}
