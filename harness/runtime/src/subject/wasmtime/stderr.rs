//! What a guest writes to standard error: its last words are kept, all of it is counted, and no
//! write fails or costs more than another, however much was written before.

use caxton_model::metric::STDERR_KEPT;
use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use tokio::io::AsyncWrite;
use wasmtime_wasi::async_trait;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};

/// What is kept: enough for a panic message.
const KEPT_BYTES: usize = STDERR_KEPT.0 as usize;

/// Bytes that a guest may hand over in one write.
const WRITE_BYTES_MAX: usize = 64 << 10;

/// A guest's standard error. Clones are of the same.
#[derive(Debug, Clone, Default)]
pub(super) struct Stderr(Arc<Mutex<Written>>);

#[derive(Debug, Default)]
struct Written {
    /// The last of it.
    kept: VecDeque<u8>,
    /// All of it.
    bytes: u64,
}

impl Stderr {
    fn written(&self) -> MutexGuard<'_, Written> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The last [`KEPT_BYTES`] of what was written.
    pub(super) fn last_words(&self) -> Vec<u8> {
        self.written().kept.iter().copied().collect()
    }

    /// Bytes written so far.
    pub(super) fn bytes(&self) -> u64 {
        self.written().bytes
    }

    fn push(&self, bytes: &[u8]) {
        let mut written = self.written();
        written.bytes += bytes.len() as u64;
        let last = &bytes[bytes.len().saturating_sub(KEPT_BYTES)..];
        let dropped = (written.kept.len() + last.len()).saturating_sub(KEPT_BYTES);
        written.kept.drain(..dropped);
        written.kept.extend(last);
    }
}

impl IsTerminal for Stderr {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Stderr {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

#[async_trait]
impl Pollable for Stderr {
    async fn ready(&mut self) {}
}

impl OutputStream for Stderr {
    fn write(&mut self, bytes: bytes::Bytes) -> StreamResult<()> {
        self.push(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(WRITE_BYTES_MAX)
    }
}

impl AsyncWrite for Stderr {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.push(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// A chain of errors on one line.
pub(super) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_words_are_kept_and_all_are_counted() {
        let stderr = Stderr::default();
        stderr.push(b"first");
        assert_eq!((stderr.last_words(), stderr.bytes()), (b"first".to_vec(), 5));
        for _ in 0..10 {
            stderr.push(&[b'x'; 1000]);
        }
        stderr.push(b"last");
        let words = stderr.last_words();
        assert_eq!((words.len(), stderr.bytes()), (KEPT_BYTES, 10_009));
        assert!(words.ends_with(b"xlast"));
        stderr.push(&[b'y'; 2 * KEPT_BYTES]);
        assert_eq!(stderr.last_words(), [b'y'; KEPT_BYTES]);
    }
}
