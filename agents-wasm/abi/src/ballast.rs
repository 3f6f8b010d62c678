//! What the `ballast` agent and its callers say to each other.
//!
//! A request raises or lowers how much memory the agent holds, or asks for one message of work at
//! that level. It is three little-endian u64 (operation and two arguments, 0 where unused), which
//! the body of [`Request::Work`] follows. The agent writes its [`Answer`], as long as the
//! shortest request, over the request: an answer never needs memory, however full the heap is.

pub mod linear_memory;

/// Length of an encoded request without a body, and of an encoded [`Answer`].
pub const WORDS_BYTES: usize = 24;

/// The most that the steps of one [`Request::Work`] may be.
pub const STEPS_MAX: u64 = 1 << 24;

/// One message to the `ballast` agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Request<'a> {
    /// Take and fill one block; a refusal by the allocator is an answer (`granted` 0).
    Hold {
        /// Length of the block.
        bytes: u64,
    },
    /// Take one block without writing to it and free it at once; `granted` tells whether it came.
    Probe {
        /// Length of the block.
        bytes: u64,
    },
    /// Take and fill one block; a refusal by the allocator ends the agent.
    HoldOrDie {
        /// Length of the block.
        bytes: u64,
    },
    /// Take and fill blocks until the allocator refuses one; `granted` is how many there were.
    /// The agent keeps a little room aside meanwhile, so that it can still work afterwards.
    Fill {
        /// Length of each block; 0 is refused.
        block_bytes: u64,
    },
    /// Take blocks of 256 to 4096 bytes, then free every other one; `granted` is how many stay.
    Fragment {
        /// How much to take, before any is freed.
        bytes: u64,
        /// Chooses the lengths.
        seed: u64,
    },
    /// Free all blocks. Pages of [`Request::Grow`] cannot be given back.
    Release,
    /// Grow linear memory page by page, past the allocator; `granted` is how many pages came.
    Grow {
        /// Pages of 64 KiB.
        pages: u64,
    },
    /// Write to each 4 KiB of grown pages that was not written to; `granted` is how many.
    TouchGrown,
    /// One message of work: hash the body, take and free 256 bytes, change bytes of the ballast.
    Work {
        /// Bytes to change, at pseudo-random places; at most [`STEPS_MAX`].
        steps: u64,
        /// Hashed; the answer's `check` is [`check`] of it.
        body: &'a [u8],
    },
}

impl<'a> Request<'a> {
    /// The request as a message.
    pub fn encode(&self) -> Vec<u8> {
        let (words, body): ([u64; 3], &[u8]) = match *self {
            Self::Hold { bytes } => ([0, bytes, 0], &[]),
            Self::HoldOrDie { bytes } => ([1, bytes, 0], &[]),
            Self::Probe { bytes } => ([8, bytes, 0], &[]),
            Self::Fill { block_bytes } => ([2, block_bytes, 0], &[]),
            Self::Fragment { bytes, seed } => ([3, bytes, seed], &[]),
            Self::Release => ([4, 0, 0], &[]),
            Self::Grow { pages } => ([5, pages, 0], &[]),
            Self::TouchGrown => ([6, 0, 0], &[]),
            Self::Work { steps, body } => ([7, steps, body.len() as u64], body),
        };
        [words.map(u64::to_le_bytes).as_flattened(), body].concat()
    }

    /// The request in a message, if there is exactly one.
    pub fn decode(message: &'a [u8]) -> Option<Self> {
        let (words, body) = message.split_first_chunk::<WORDS_BYTES>()?;
        let request = match from_words(words) {
            [0, bytes, 0] => Self::Hold { bytes },
            [1, bytes, 0] => Self::HoldOrDie { bytes },
            [8, bytes, 0] => Self::Probe { bytes },
            [2, block_bytes, 0] if block_bytes > 0 => Self::Fill { block_bytes },
            [3, bytes, seed] => Self::Fragment { bytes, seed },
            [4, 0, 0] => Self::Release,
            [5, pages, 0] => Self::Grow { pages },
            [6, 0, 0] => Self::TouchGrown,
            [7, steps, body_bytes] => {
                let sound = steps <= STEPS_MAX && body_bytes == body.len() as u64;
                return sound.then_some(Self::Work { steps, body });
            }
            _ => return None,
        };
        body.is_empty().then_some(request)
    }
}

/// What the `ballast` agent answers to a [`Request`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Answer {
    /// What was done, in the request's own unit.
    pub granted: u64,
    /// Bytes of all blocks held now; 0 for [`Request::Work`].
    pub bytes: u64,
    /// [`check`] of the body of [`Request::Work`], else 0.
    pub check: u64,
}

impl Answer {
    /// The answer as a reply.
    pub fn encode(&self) -> [u8; WORDS_BYTES] {
        let words = [self.granted, self.bytes, self.check].map(u64::to_le_bytes);
        std::array::from_fn(|i| words[i / 8][i % 8])
    }

    /// The answer in a reply, if it is one.
    pub fn decode(reply: &[u8]) -> Option<Self> {
        let [granted, bytes, check] = from_words(reply.try_into().ok()?);
        Some(Self { granted, bytes, check })
    }
}

const ODD: u64 = 0x9e37_79b9_7f4a_7c15;

/// The hash of a body of work: eight bytes at a time, the last ones filled up with zeros.
pub fn check(body: &[u8]) -> u64 {
    let (words, rest) = body.as_chunks::<8>();
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    let start = (body.len() as u64).wrapping_mul(ODD);
    words.iter().chain([&last]).fold(start, |check, word| {
        (check ^ u64::from_le_bytes(*word)).wrapping_mul(ODD).rotate_left(23)
    })
}

fn from_words(bytes: &[u8; WORDS_BYTES]) -> [u64; 3] {
    std::array::from_fn(|word| {
        u64::from_le_bytes(std::array::from_fn(|byte| bytes[word * 8 + byte]))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const REQUESTS: [Request<'static>; 10] = [
        Request::Probe { bytes: 7 },
        Request::Hold { bytes: 1 << 40 },
        Request::HoldOrDie { bytes: 5 },
        Request::Fill { block_bytes: 4096 },
        Request::Fragment { bytes: 77, seed: u64::MAX },
        Request::Release,
        Request::Grow { pages: 16 },
        Request::TouchGrown,
        Request::Work { steps: 3, body: b"body" },
        Request::Work { steps: 0, body: b"" },
    ];

    #[test]
    fn requests_and_answers_round_trip() {
        for request in REQUESTS {
            let message = request.encode();
            assert!(message.len() >= WORDS_BYTES);
            assert_eq!(Request::decode(&message), Some(request));
        }
        let answer = Answer { granted: 1, bytes: 1 << 33, check: u64::MAX };
        assert_eq!(Answer::decode(&answer.encode()), Some(answer));
        assert_eq!(Answer::decode(&[0; 23]), None);
    }

    #[test]
    fn malformed_requests_are_none() {
        for request in REQUESTS {
            let mut message = request.encode();
            message.push(0);
            assert_eq!(Request::decode(&message), None, "{request:?} and a stray byte");
            assert_eq!(Request::decode(&message[..WORDS_BYTES - 1]), None);
        }
        for request in
            [Request::Fill { block_bytes: 0 }, Request::Work { steps: STEPS_MAX + 1, body: b"" }]
        {
            assert_eq!(Request::decode(&request.encode()), None);
        }
        assert_eq!(Request::decode(&[255; WORDS_BYTES]), None);
    }

    #[test]
    fn the_check_sees_each_byte_and_the_length() {
        let checks = [&b""[..], b"a", b"b", b"a\0", b"12345678", b"12345678\0"].map(check);
        for (i, check) in checks.iter().enumerate() {
            assert!(!checks[..i].contains(check));
        }
    }
}
