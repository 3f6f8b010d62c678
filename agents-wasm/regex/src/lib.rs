//! `regex`: searches about 4 KiB of log with six regular expressions that are compiled once.
//!
//! The reply is a count per pattern and a checksum of all spans (and of the groups of the last
//! pattern). Features are the same on both sides: no Unicode tables. The twin's `memchr` picks
//! SIMD at run time where the guest has none; that difference is part of what a user gets.

use agent_abi::{Agent, AgentError, Host, Reply, export_agent};
use regex::bytes::{Regex, RegexBuilder};

const MESSAGE_BYTES: usize = 4 << 10;
const MESSAGE_BYTES_MAX: usize = 1 << 20;

const PATTERNS: [&str; 5] = [
    r"\b\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z",
    r"\b(?:\d{1,3}\.){3}\d{1,3}\b",
    r"(?i)\b(?:error|warn(?:ing)?)\b",
    r"[a-z0-9._]+@[a-z0-9-]+(?:\.[a-z]+)+",
    r#""[^"\\]*(?:\\.[^"\\]*)*""#,
];
const DURATION: &str = r"\b([a-z_]+)=([0-9]+)ms\b";

struct Search {
    patterns: [Regex; 5],
    duration: Regex,
}

impl Agent for Search {
    fn new(_: Host) -> Self {
        Self { patterns: PATTERNS.map(compile), duration: compile(DURATION) }
    }

    fn handle(&mut self, inbox: &mut [u8], outbox: &mut Vec<u8>) -> Result<Reply, AgentError> {
        if inbox.len() > MESSAGE_BYTES_MAX {
            return Err(AgentError::new("the text is longer than 1 MiB"));
        }
        let mut check = 0;
        for pattern in &self.patterns {
            let mut count = 0u64;
            for found in pattern.find_iter(inbox) {
                count += 1;
                check = add_span(check, found.start(), found.end());
            }
            outbox.extend_from_slice(&count.to_le_bytes());
        }
        let mut count = 0u64;
        for groups in self.duration.captures_iter(inbox) {
            count += 1;
            for group in groups.iter().flatten() {
                check = add_span(check, group.start(), group.end());
            }
        }
        outbox.extend_from_slice(&count.to_le_bytes());
        outbox.extend_from_slice(&check.to_le_bytes());
        Ok(Reply::Outbox)
    }

    fn example(seed: u64) -> Vec<u8> {
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut text = String::new();
        while text.len() < MESSAGE_BYTES {
            text.push_str(&log_line(&mut rng));
        }
        text.into_bytes()
    }
}

fn compile(pattern: &str) -> Regex {
    RegexBuilder::new(pattern).unicode(false).build().expect("the patterns are constants")
}

fn add_span(check: u64, start: usize, end: usize) -> u64 {
    let span = (start as u64) << 32 | end as u64;
    (check ^ span).wrapping_mul(0x0000_0100_0000_01b3).rotate_left(23)
}

fn log_line(rng: &mut fastrand::Rng) -> String {
    let level = ["info", "debug", "WARN", "Error", "trace", "warning"][rng.u32(..6) as usize];
    let (day, hour, minute) = (rng.u32(1..29), rng.u32(..24), rng.u32(..60));
    let head = format!("2026-03-{day:02}T{hour:02}:{minute:02}:07Z [{level}] ");
    let tail = match rng.u32(..5) {
        0 => format!("peer 10.{}.{}.7 took wait={}ms", rng.u8(..), rng.u8(..), rng.u16(..)),
        1 => format!("mail from ann.{}@mail-{}.example.org", rng.u16(..), rng.u8(..)),
        2 => format!(r#"said "it\"s {} of 1.2.3" and left"#, rng.u16(..)),
        3 => format!("queue_depth={} run_time={}ms v{}", rng.u8(..), rng.u8(..), rng.u8(..)),
        _ => format!("nothing of note in terror or forewarned block {:x}", rng.u32(..)),
    };
    format!("{head}{tail}\n")
}

export_agent!(Search);
agent_abi::heap_sampled!();

#[cfg(test)]
mod tests {
    use super::*;

    fn words(message: &[u8]) -> Result<Vec<u64>, AgentError> {
        let mut outbox = Vec::new();
        Search::new(Host::detached()).handle(&mut message.to_vec(), &mut outbox)?;
        Ok(outbox.as_chunks().0.iter().map(|word| u64::from_le_bytes(*word)).collect())
    }

    #[test]
    fn each_pattern_finds_what_is_there() {
        let text =
            br#"2026-01-02T03:04:05Z 127.0.0.1 ERROR terror warning a.b@c-d.org "x\"y" t=5ms"#;
        let check = [(0, 20), (21, 30), (31, 36), (44, 51), (52, 63), (64, 70), (71, 76)]
            .into_iter()
            .chain([(71, 72), (73, 74)])
            .fold(0, |check, (start, end)| add_span(check, start, end));
        assert_eq!(words(text), Ok(vec![1, 1, 2, 1, 1, 1, check]));
        assert_eq!(words(b"\xff\x00"), Ok(vec![0; 7]));
    }

    #[test]
    fn an_absurd_message_is_refused() {
        assert!(words(&vec![b'a'; MESSAGE_BYTES_MAX + 1]).is_err());
    }
}
