//! Messages that wait for others: posted together when there are enough of them, or when the first
//! has waited long enough. Each wake-up of a shard then serves several; each message waits for it.

use super::{Orchestrator, PostError};

/// Messages on their way in.
#[derive(Debug)]
pub struct Batcher {
    size: usize,
    timeout_ns: u64,
    waiting: Vec<Vec<u8>>,
    /// Buffers of messages that were posted, to be used again.
    spare: Vec<Vec<u8>>,
    since_ns: u64,
}

impl Batcher {
    /// Posts when `size` messages wait, or one has for `timeout_ns`.
    pub fn new(size: usize, timeout_ns: u64) -> Self {
        let size = size.max(1);
        Self { size, timeout_ns, waiting: Vec::new(), spare: Vec::new(), since_ns: 0 }
    }

    /// Adds a message at `now_ns`.
    pub fn add(&mut self, message: &[u8], now_ns: u64) {
        if self.waiting.is_empty() {
            self.since_ns = now_ns;
        }
        let mut buffer = self.spare.pop().unwrap_or_default();
        buffer.clear();
        buffer.extend_from_slice(message);
        self.waiting.push(buffer);
    }

    /// True if it is time to post what waits.
    pub fn is_due(&self, now_ns: u64) -> bool {
        self.waiting.len() >= self.size
            || (!self.waiting.is_empty() && now_ns - self.since_ns >= self.timeout_ns)
    }

    /// Posts what waits, in order; how many. Where there is no room the rest goes on waiting.
    ///
    /// # Errors
    /// Any [`PostError`] but that there is no room.
    pub fn flush(&mut self, orchestrator: &mut dyn Orchestrator) -> Result<usize, PostError> {
        let mut posted = 0;
        let told = loop {
            let Some(message) = self.waiting.get(posted) else { break Ok(posted) };
            match orchestrator.post(message) {
                Ok(()) => posted += 1,
                Err(PostError::Full) => break Ok(posted),
                Err(error) => break Err(error),
            }
        };
        self.spare.extend(self.waiting.drain(..posted));
        told
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_due_by_number_or_by_time() {
        let mut batcher = Batcher::new(3, 100);
        assert!(!batcher.is_due(u64::MAX), "nothing waits");
        batcher.add(b"a", 1_000);
        assert!(!batcher.is_due(1_099));
        assert!(batcher.is_due(1_100), "the first has waited for long enough");
        batcher.add(b"b", 1_050);
        assert!(!batcher.is_due(1_099));
        batcher.add(b"c", 1_050);
        assert!(batcher.is_due(1_050), "there are enough");
    }
}
