//! `memcpy`: copies 512 KiB between two buffers in pieces of 64 B to 64 KiB.
//!
//! Message: three u64 per copy: from, to, length, all in lines of 64 bytes. The reply is a
//! checksum of the first, middle and last line of each copy and the number of lines copied. The
//! source never changes, so a reply does not depend on earlier messages. Source and target of the
//! example lie 2 KiB apart modulo 4 KiB: no copy meets the slow case where both fall on the same
//! place in a page.

use agent_abi::{Agent, AgentError, Host, Reply, export_agent};

/// 64 bytes; aligned, so that every copy starts on a cache line.
#[repr(align(64))]
#[derive(Clone, Copy)]
struct Line([u64; 8]);

const LINES_OF_PAGE: u32 = 64;
/// Of each buffer: 64 KiB and a page, so that the longest copy can lie apart from its source.
const BUFFER_LINES: u32 = 1024 + LINES_OF_PAGE;
const TRAFFIC_LINES: u32 = (512 << 10) / 64;
const COPIES_MAX: usize = 1 << 14;
const COPY_BYTES: usize = 24;

/// Both buffers in one block: the distance between them is the same in each run.
struct Copier {
    lines: Vec<Line>,
}

struct Copy {
    from: usize,
    to: usize,
    lines: usize,
}

impl Copy {
    fn decode(bytes: &[u8; COPY_BYTES]) -> Option<Self> {
        let word = |at: usize| u64::from_le_bytes(std::array::from_fn(|i| bytes[at + i]));
        let (from, to, lines) = (word(0), word(8), word(16));
        let fits =
            |start: u64| start.checked_add(lines).is_some_and(|end| end <= BUFFER_LINES.into());
        let sound = lines > 0 && fits(from) && fits(to);
        sound.then_some(Self { from: from as usize, to: to as usize, lines: lines as usize })
    }
}

impl Agent for Copier {
    fn new(_: Host) -> Self {
        let mut rng = fastrand::Rng::with_seed(64);
        let mut line = || Line(std::array::from_fn(|_| rng.u64(..)));
        Self { lines: (0..BUFFER_LINES * 2).map(|_| line()).collect() }
    }

    fn handle(&mut self, inbox: &mut [u8], outbox: &mut Vec<u8>) -> Result<Reply, AgentError> {
        let (copies, rest) = inbox.as_chunks::<COPY_BYTES>();
        if !rest.is_empty() || copies.len() > COPIES_MAX {
            return Err(AgentError::new("the message is not a list of at most 16384 copies"));
        }
        let (source, target) = self.lines.split_at_mut(BUFFER_LINES as usize);
        let (mut check, mut lines) = (0u64, 0u64);
        for copy in copies {
            let copy = Copy::decode(copy)
                .ok_or_else(|| AgentError::new("a copy is empty or leaves the buffers"))?;
            let target = &mut target[copy.to..copy.to + copy.lines];
            target.copy_from_slice(&source[copy.from..copy.from + copy.lines]);
            for at in [0, copy.lines / 2, copy.lines - 1] {
                check = check.rotate_left(5) ^ target[at].0[at % 8];
            }
            lines += copy.lines as u64;
        }
        outbox.extend_from_slice(&lines.to_le_bytes());
        outbox.extend_from_slice(&check.to_le_bytes());
        Ok(Reply::Outbox)
    }

    fn example(seed: u64) -> Vec<u8> {
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut message = Vec::new();
        let mut left = TRAFFIC_LINES;
        while left > 0 {
            let lines = left.min(1 << rng.u32(..=10));
            let from = rng.u32(..=BUFFER_LINES - LINES_OF_PAGE / 2 - lines);
            let first = (from + LINES_OF_PAGE / 2) % LINES_OF_PAGE;
            let to =
                first + LINES_OF_PAGE * rng.u32(..=(BUFFER_LINES - lines - first) / LINES_OF_PAGE);
            for number in [from, to, lines] {
                message.extend_from_slice(&u64::from(number).to_le_bytes());
            }
            left -= lines;
        }
        message
    }
}

export_agent!(Copier);

#[cfg(test)]
mod tests {
    use super::*;

    fn copies(list: &[[u64; 3]]) -> Vec<u8> {
        list.as_flattened().iter().flat_map(|word| word.to_le_bytes()).collect()
    }

    fn words(agent: &mut Copier, message: &[u8]) -> Result<Vec<u64>, AgentError> {
        let mut outbox = Vec::new();
        agent.handle(&mut message.to_vec(), &mut outbox)?;
        Ok(outbox.as_chunks().0.iter().map(|word| u64::from_le_bytes(*word)).collect())
    }

    #[test]
    fn the_target_holds_what_the_source_held() {
        let mut agent = Copier::new(Host::detached());
        let got = words(&mut agent, &copies(&[[3, 70, 9]])).unwrap();
        let source = |line: usize| agent.lines[line].0[(line - 3) % 8];
        let check = [3, 7, 11].iter().fold(0u64, |h, line| h.rotate_left(5) ^ source(*line));
        assert_eq!(got, [9, check]);
        for line in 0..9 {
            let target = agent.lines[BUFFER_LINES as usize + 70 + line].0;
            assert_eq!(target, agent.lines[3 + line].0);
        }
    }

    #[test]
    fn examples_copy_512_kib_and_stay_apart_in_their_page() {
        let mut agent = Copier::new(Host::detached());
        for seed in 0..50 {
            let message = Copier::example(seed);
            let got = words(&mut agent, &message).unwrap();
            assert_eq!(got[0], TRAFFIC_LINES.into());
            for copy in message.as_chunks().0 {
                let copy = Copy::decode(copy).unwrap();
                assert_eq!((copy.to + 64 - copy.from % 64) % 64, 32);
            }
            assert_eq!(words(&mut agent, &message).unwrap(), got);
        }
    }

    #[test]
    fn copies_outside_the_buffers_are_refused() {
        let mut agent = Copier::new(Host::detached());
        let end = u64::from(BUFFER_LINES);
        for copy in [[0, 0, 0], [0, 0, end + 1], [end, 0, 1], [0, end, 1], [u64::MAX, 0, 1]] {
            assert!(words(&mut agent, &copies(&[copy])).is_err());
        }
        assert!(words(&mut agent, &[0; 23]).is_err());
        assert_eq!(words(&mut agent, &[]), Ok(vec![0, 0]));
    }
}
