//! `compress`: compresses a text of 8 KiB, expands it again and compares.
//!
//! DEFLATE in its zlib wrapping at level 1, by `miniz_oxide` without its SIMD feature. The reply
//! is the zlib stream, which any other implementation can check; it ends in the text's Adler-32.
//! Coder, decoder and their buffers are kept from call to call.

use agent_abi::{Agent, AgentError, Host, Reply, export_agent};
use miniz_oxide::DataFormat;
use miniz_oxide::deflate::CompressionLevel;
use miniz_oxide::deflate::core::{CompressorOxide, TDEFLFlush, TDEFLStatus, compress};
use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::inflate_flags::{
    TINFL_FLAG_PARSE_ZLIB_HEADER, TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF,
};
use miniz_oxide::inflate::core::{DecompressorOxide, decompress};

const MESSAGE_BYTES: usize = 8 << 10;
const MESSAGE_BYTES_MAX: usize = 1 << 20;
const WORDS: [&str; 16] = [
    "agent", "and", "answer", "between", "bytes", "carries", "each", "host", "into", "mailbox",
    "message", "of", "router", "sends", "the", "waits",
];

struct Compress {
    coder: Box<CompressorOxide>,
    decoder: Box<DecompressorOxide>,
    expanded: Vec<u8>,
}

impl Compress {
    fn expand(&mut self, stream: &[u8], text_bytes: usize) -> Option<&[u8]> {
        self.expanded.resize(text_bytes, 0);
        self.decoder.init();
        let flags = TINFL_FLAG_PARSE_ZLIB_HEADER | TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF;
        let (status, _, bytes) =
            decompress(&mut self.decoder, stream, &mut self.expanded, 0, flags);
        (status == TINFLStatus::Done).then_some(&self.expanded[..bytes])
    }
}

impl Agent for Compress {
    fn new(_: Host) -> Self {
        Self {
            coder: Box::new(CompressorOxide::with_format_and_level(
                DataFormat::Zlib,
                CompressionLevel::BestSpeed,
            )),
            decoder: Box::default(),
            expanded: Vec::new(),
        }
    }

    fn handle(&mut self, inbox: &mut [u8], outbox: &mut Vec<u8>) -> Result<Reply, AgentError> {
        if inbox.len() > MESSAGE_BYTES_MAX {
            return Err(AgentError::new("the text is longer than 1 MiB"));
        }
        // Room for a text that does not compress.
        outbox.resize(inbox.len() + inbox.len() / 8 + 128, 0);
        self.coder.reset();
        let (status, _, bytes) = compress(&mut self.coder, inbox, outbox, TDEFLFlush::Finish);
        if status != TDEFLStatus::Done {
            return Err(AgentError::new("the text could not be compressed"));
        }
        outbox.truncate(bytes);
        if self.expand(outbox, inbox.len()) != Some(inbox) {
            return Err(AgentError::new("the text did not come back"));
        }
        Ok(Reply::Outbox)
    }

    fn example(seed: u64) -> Vec<u8> {
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut text = String::new();
        while text.len() < MESSAGE_BYTES {
            text.push_str(WORDS[rng.u32(..16) as usize]);
            match rng.u32(..12) {
                0 => text.push_str(".\n"),
                1 => text.push_str(&format!(" {} ", rng.u16(..))),
                _ => text.push(' '),
            }
        }
        text.truncate(MESSAGE_BYTES);
        text.into_bytes()
    }
}

export_agent!(Compress);
agent_abi::heap_sampled!();

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(agent: &mut Compress, text: &[u8]) -> Result<Vec<u8>, AgentError> {
        let mut outbox = Vec::new();
        agent.handle(&mut text.to_vec(), &mut outbox).map(|_| outbox)
    }

    #[test]
    fn the_stream_is_small_and_ends_in_the_sum_of_the_text() {
        let mut agent = Compress::new(Host::detached());
        let text = Compress::example(1);
        let stream = ask(&mut agent, &text).unwrap();
        assert!(stream.len() < MESSAGE_BYTES / 2, "{} bytes", stream.len());
        let sums = text.iter().fold((1u32, 0u32), |(low, high), byte| {
            let low = (low + u32::from(*byte)) % 65521;
            (low, (high + low) % 65521)
        });
        assert_eq!(stream[stream.len() - 4..], (sums.1 << 16 | sums.0).to_be_bytes());
        assert_eq!(ask(&mut agent, &text).unwrap(), stream);
    }

    #[test]
    fn what_does_not_compress_comes_back_too() {
        let mut agent = Compress::new(Host::detached());
        let mut rng = fastrand::Rng::with_seed(3);
        for bytes in [0, 1, 100, 10_000, 300_000] {
            let noise: Vec<u8> = (0..bytes).map(|_| rng.u8(..)).collect();
            assert!(ask(&mut agent, &noise).is_ok());
        }
    }

    #[test]
    fn an_absurd_message_is_refused() {
        let mut agent = Compress::new(Host::detached());
        assert!(ask(&mut agent, &vec![0; MESSAGE_BYTES_MAX + 1]).is_err());
    }
}
