//! Mutations of a seed: bytes that are flipped, cut, doubled and moved; and in a text, values in
//! place of other values: numbers at the ends of every type, other types, other parts of it.

use fastrand::Rng;
use std::ops::Range;

/// What stands in place of a whole number.
const WHOLE: &[&str] = &[
    "0",
    "1",
    "2",
    "7",
    "127",
    "128",
    "255",
    "256",
    "1000",
    "32768",
    "65535",
    "65536",
    "999999999",
    "2147483647",
    "2147483648",
    "4294967294",
    "4294967295",
    "4294967296",
    "9007199254740993",
    "9223372036854775807",
    "9223372036854775808",
    "18446744073709551614",
    "18446744073709551615",
    "18446744073709551616",
    "-1",
    "-9223372036854775808",
];

/// What stands in place of a number with a fraction.
const BROKEN: &[&str] = &[
    "0.0",
    "-0.0",
    "0.5",
    "1.0",
    "1.5",
    "-1.0",
    "99.99",
    "1e-9",
    "5e-324",
    "1e9",
    "1e15",
    "1e19",
    "1e300",
    "-1e300",
    "1.7976931348623157e308",
    "-1.7976931348623157e308",
    "1e309",
    "nan",
    "-inf",
];

/// What stands in place of a text.
const TEXTS: &[&str] = &[
    "\"\"",
    "\"0\"",
    "\"-\"",
    "\" \"",
    "\"ran\"",
    "\"..\"",
    "\"a/b/c/d/e=f,g=h\"",
    "\"\\u202e\\u0000\\u001b[2J\\n\"",
    "\"\u{10ffff}\u{fe0f}\u{300}\u{df}\"",
    "\"1ns\"",
    "\"99d\"",
    "\"18446744073709551615\"",
];

/// What stands in place of any value.
const VALUES: &[&str] =
    &["null", "true", "false", "[]", "{}", "[null]", "0", "-1", "\"\"", "\"x\"", ""];

/// What stands in place of bytes.
const NUMBERS: &[u64] = &[
    0,
    1,
    0x7f,
    0x80,
    0xff,
    0x100,
    0x7fff,
    0x8000,
    0xffff,
    0x1_0000,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_ffff,
    0x1_0000_0000,
    0x7fff_ffff_ffff_ffff,
    0x8000_0000_0000_0000,
    u64::MAX - 7,
    u64::MAX,
];

/// The most that an input may grow to.
const BYTES_MAX: usize = 1 << 20;

/// A seed, and where its values are.
#[derive(Debug)]
pub struct Seed {
    bytes: Vec<u8>,
    values: Vec<Range<usize>>,
}

impl Seed {
    /// Looks for values once, for all mutations.
    pub fn new(bytes: Vec<u8>) -> Self {
        let is_text = str::from_utf8(&bytes).is_ok();
        let values = if is_text { values(&bytes) } else { Vec::new() };
        Self { bytes, values }
    }

    /// The seed itself.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// A mutation of it; parts may come from `other`.
    pub fn mutated(&self, other: &Self, rng: &mut Rng) -> Vec<u8> {
        let by_value = !self.values.is_empty() && rng.u8(..10) < 8;
        let mut bytes = if by_value { self.with_values(other, rng) } else { self.bytes.clone() };
        if !by_value || rng.u8(..10) < 2 {
            for _ in 0..1 << rng.u32(..4) {
                edit(&mut bytes, &other.bytes, rng);
            }
        }
        for _ in 0..4 {
            if bytes == self.bytes {
                edit(&mut bytes, &other.bytes, rng);
            }
        }
        bytes.truncate(BYTES_MAX);
        bytes
    }

    /// The seed with some of its values replaced, dropped or doubled.
    fn with_values(&self, other: &Self, rng: &mut Rng) -> Vec<u8> {
        let mut bytes = self.bytes.clone();
        let count = if rng.bool() { 1 } else { rng.usize(2..5) };
        let mut places: Vec<&Range<usize>> =
            (0..count).filter_map(|_| rng.choice(&self.values)).collect();
        // From the end, and no two within each other, so that places stay where they are.
        places.sort_by_key(|place| std::cmp::Reverse(place.start));
        let mut limit = bytes.len();
        for place in places {
            if place.end > limit {
                continue;
            }
            limit = place.start;
            let own = &self.bytes[place.clone()];
            let new = self.replacement(own, other, rng);
            if bytes.len() + new.len() <= BYTES_MAX {
                bytes.splice(place.clone(), new);
            }
        }
        bytes
    }

    /// What stands in place of `own`: mostly something of its kind, so that it is still read.
    fn replacement(&self, own: &[u8], other: &Self, rng: &mut Rng) -> Vec<u8> {
        let any = |from: &Self, rng: &mut Rng| {
            let value = rng.choice(&from.values);
            value.map_or(Vec::new(), |value| from.bytes[value.clone()].to_vec())
        };
        let listed = |list: &[&str], rng: &mut Rng| {
            rng.choice(list).map_or(Vec::new(), |value| value.as_bytes().to_vec())
        };
        match (rng.u8(..16), kind(own)) {
            (0, _) => listed(VALUES, rng),
            (1, _) => any(self, rng),
            (2, _) => any(other, rng),
            (3, _) => [own, b",", own].concat(),
            (4, _) => own.repeat(rng.usize(..4)),
            (5..12, b'0') => listed(WHOLE, rng),
            (5..12, b'.') => listed(BROKEN, rng),
            (5..8, b'"') => listed(TEXTS, rng),
            (5.., kind_of_own) => {
                let from = if rng.u8(..4) == 0 { other } else { self };
                let found = (0..20).map(|_| any(from, rng));
                let alike = found.into_iter().find(|value| kind(value) == kind_of_own);
                alike.unwrap_or_else(|| own.to_vec())
            }
        }
    }
}

/// What a value is, by its first byte and its looks.
fn kind(value: &[u8]) -> u8 {
    match value.first() {
        Some(b'0'..=b'9' | b'-') if value.iter().any(|b| matches!(b, b'.' | b'e')) => b'.',
        Some(b'0'..=b'9' | b'-') => b'0',
        Some(byte) if byte.is_ascii_alphabetic() => b'a',
        Some(byte) => *byte,
        None => 0,
    }
}

/// Where the values of a text are: numbers, texts in quotation marks, words between separators, and
/// whatever stands in brackets.
fn values(text: &[u8]) -> Vec<Range<usize>> {
    let (mut found, mut open, mut at) = (Vec::new(), Vec::new(), 0);
    while at < text.len() {
        let start = at;
        at += 1;
        match text[start] {
            b'"' => {
                while at < text.len() && text[at] != b'"' && text[at] != b'\n' {
                    at += if text[at] == b'\\' { 2 } else { 1 };
                }
                at = (at + 1).min(text.len());
                // A key of JSON would be a field that nobody knows.
                if text.get(at) != Some(&b':') {
                    found.push(start..at);
                }
            }
            b'{' | b'[' | b'(' => open.push(start),
            b'}' | b']' | b')' => found.extend(open.pop().map(|start| start..at)),
            byte if is_word(byte) => {
                while at < text.len() && is_word(text[at]) {
                    at += 1;
                }
                found.push(start..at);
            }
            _ => {}
        }
    }
    found
}

const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'+' | b'_' | b'%')
}

/// One change of `bytes`.
fn edit(bytes: &mut Vec<u8>, other: &[u8], rng: &mut Rng) {
    if bytes.is_empty() {
        bytes.extend(other.iter().take(rng.usize(..=64)));
        return;
    }
    let at = rng.usize(..bytes.len());
    let end = at + rng.usize(..=(bytes.len() - at).min(64));
    match rng.u8(..10) {
        0 => bytes[at] ^= 1 << rng.u8(..8),
        1 => bytes[at] = rng.u8(..),
        2 => number(&mut bytes[at..], rng),
        3 => bytes.truncate(at),
        4 => drop(bytes.drain(at..end)),
        5 => {
            let chunk = bytes[at..end].to_vec();
            let to = rng.usize(..=bytes.len());
            bytes.splice(to..to, chunk.repeat(rng.usize(1..5)));
        }
        6 => {
            let random: Vec<u8> = (0..rng.usize(1..16)).map(|_| rng.u8(..)).collect();
            bytes.splice(at..at, random);
        }
        7 => bytes[at..end].reverse(),
        8 => bytes[at..end].fill(*rng.choice(&[0, 0xff, b'9', b'"', b'[', b'\n']).unwrap_or(&0)),
        _ => {
            let from = rng.usize(..=other.len());
            let chunk = &other[from..(from + rng.usize(..=256)).min(other.len())];
            bytes.splice(at..end, chunk.iter().copied());
        }
    }
}

/// A number of one, two, four or eight bytes, in either order, at the start of `bytes`.
fn number(bytes: &mut [u8], rng: &mut Rng) {
    let number = *rng.choice(NUMBERS).unwrap_or(&0);
    let width = (1 << rng.u32(..4)).min(bytes.len());
    let (little, big) = (number.to_le_bytes(), number.to_be_bytes());
    let number = if rng.bool() { &little[..width] } else { &big[8 - width..] };
    bytes[..width].copy_from_slice(number);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_found_in_every_form_of_text() {
        let found = |text: &str| {
            let found = values(text.as_bytes()).into_iter().map(|range| text[range].to_owned());
            found.collect::<Vec<_>>()
        };
        let whole = r#"{"a\"":["k",1,-2.5e3]}"#;
        assert_eq!(found(whole), [r#""k""#, "1", "-2.5e3", r#"["k",1,-2.5e3]"#, whole]);
        assert_eq!(found("rate = 10 # p(99)\n"), ["rate", "10", "p", "99", "(99)"]);
        assert_eq!(found("\"open\n]}1"), ["\"open\n", "1"]);
    }

    #[test]
    fn the_same_chance_makes_the_same_mutations_and_few_are_the_seed() {
        let seeds = [Seed::new(b"{\"a\":1,\"b\":[2,3]}".to_vec()), Seed::new(vec![0xff; 64])];
        for (seed, other) in [(&seeds[0], &seeds[1]), (&seeds[1], &seeds[0])] {
            let mutations = |from: u64| {
                let mut rng = Rng::with_seed(from);
                (0..200).map(|_| seed.mutated(other, &mut rng)).collect::<Vec<_>>()
            };
            assert_eq!(mutations(7), mutations(7));
            assert_ne!(mutations(7), mutations(8));
            let same = mutations(7).iter().filter(|bytes| *bytes == seed.bytes()).count();
            assert!(same < 5, "{same} of 200 are the seed");
        }
    }
}
