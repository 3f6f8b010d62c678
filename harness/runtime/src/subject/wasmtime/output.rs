//! What a guest writes to its standard streams, kept up to a bound. No write costs more than
//! another, however much was written before.

use caxton_model::metric::STDERR_KEPT;
use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use tokio::io::AsyncWrite;
use wasmtime_wasi::async_trait;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamError, StreamResult};

/// What is kept of standard error: enough for a panic message.
const LAST_WORDS_BYTES: usize = STDERR_KEPT.0 as usize;

/// Bytes that a guest may hand over in one write.
const WRITE_BYTES_MAX: usize = 64 << 10;

/// A stream that a guest writes to. Clones are of the same.
#[derive(Debug, Clone)]
pub(super) struct GuestStream {
    keep: KeptPart,
    written: Arc<Mutex<Written>>,
}

/// Which part of a stream is kept.
#[derive(Debug, Clone, Copy)]
enum KeptPart {
    /// The last bytes; older ones are dropped.
    Last(usize),
    /// All of them; the guest ends when it writes more.
    All(usize),
}

#[derive(Debug, Default)]
struct Written {
    kept: VecDeque<u8>,
    bytes: u64,
}

impl GuestStream {
    /// Keeps a guest's last words and lets it write without end.
    pub(super) fn last_words() -> Self {
        Self { keep: KeptPart::Last(LAST_WORDS_BYTES), written: Arc::default() }
    }

    /// Keeps everything; a write beyond `bytes_max` ends the guest.
    pub(super) fn whole(bytes_max: usize) -> Self {
        Self { keep: KeptPart::All(bytes_max), written: Arc::default() }
    }

    fn written(&self) -> MutexGuard<'_, Written> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was kept.
    pub(super) fn kept(&self) -> Vec<u8> {
        self.written().kept.iter().copied().collect()
    }

    /// Takes what was kept; nothing is left.
    pub(super) fn take(&self) -> Vec<u8> {
        std::mem::take(&mut self.written().kept).into()
    }

    /// Bytes written so far.
    pub(super) fn bytes(&self) -> u64 {
        self.written().bytes
    }

    fn push(&self, bytes: &[u8]) -> Result<(), String> {
        let mut written = self.written();
        written.bytes += bytes.len() as u64;
        match self.keep {
            KeptPart::Last(most) => {
                let last = &bytes[bytes.len().saturating_sub(most)..];
                let dropped = (written.kept.len() + last.len()).saturating_sub(most);
                written.kept.drain(..dropped);
                written.kept.extend(last);
            }
            KeptPart::All(most) if written.kept.len() + bytes.len() > most => {
                return Err(format!("it wrote more than {most} bytes to standard output"));
            }
            KeptPart::All(_) => written.kept.extend(bytes),
        }
        Ok(())
    }
}

impl IsTerminal for GuestStream {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for GuestStream {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

#[async_trait]
impl Pollable for GuestStream {
    async fn ready(&mut self) {}
}

impl OutputStream for GuestStream {
    fn write(&mut self, bytes: bytes::Bytes) -> StreamResult<()> {
        self.push(&bytes).map_err(|why| StreamError::Trap(wasmtime::Error::msg(why)))
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(WRITE_BYTES_MAX)
    }
}

impl AsyncWrite for GuestStream {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(self.push(bytes).map(|()| bytes.len()).map_err(io::Error::other))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_words_are_kept_and_all_are_counted() {
        let stderr = GuestStream::last_words();
        let push = |bytes: &[u8]| stderr.push(bytes).expect("it has no end");
        push(b"first");
        assert_eq!((stderr.kept(), stderr.bytes()), (b"first".to_vec(), 5));
        for _ in 0..10 {
            push(&[b'x'; 1000]);
        }
        push(b"last");
        let words = stderr.kept();
        assert_eq!((words.len(), stderr.bytes()), (LAST_WORDS_BYTES, 10_009));
        assert!(words.ends_with(b"xlast"));
        push(&[b'y'; 2 * LAST_WORDS_BYTES]);
        assert_eq!(stderr.kept(), [b'y'; LAST_WORDS_BYTES]);
    }

    #[test]
    fn a_stream_that_is_kept_whole_ends_the_guest_at_its_bound() {
        let stdout = GuestStream::whole(8);
        assert_eq!(stdout.push(b"12345678"), Ok(()));
        assert_eq!(stdout.push(b"9"), Err("it wrote more than 8 bytes to standard output".into()));
        assert_eq!((stdout.take(), stdout.take()), (b"12345678".to_vec(), Vec::new()));
    }
}
