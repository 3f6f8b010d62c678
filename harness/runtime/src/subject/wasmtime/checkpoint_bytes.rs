//! A checkpoint as bytes: a header, the variables, the pages, the base, and a checksum (XXH64) of
//! everything before it. Numbers are little-endian. No damage of a single bit goes unseen.

use super::checkpoint::{Checkpoint, PAGE_BYTES, Written};
use super::checkpoint_error::CheckpointError;
use super::variables::{Reference, Value, Variables};
use caxton_sys::memfd::Image;
use std::hash::Hasher;
use std::sync::Arc;
use twox_hash::XxHash64;

const MAGIC: [u8; 4] = *b"CXCK";
/// Changes whenever an older reader would read something else.
pub(super) const FORM: u32 = 1;
/// Magic, form, and the length of all of it.
const START_BYTES: usize = 16;
const CHECKSUM_BYTES: usize = 8;
/// Stands for null among indices of functions.
const NULL: u32 = u32::MAX;

impl Checkpoint {
    /// All of it, to be kept elsewhere.
    ///
    /// # Errors
    /// The kernel does not let its image be read.
    pub fn to_bytes(&self) -> Result<Vec<u8>, CheckpointError> {
        let mut bytes = self.head();
        let base = bytes.len() + self.written.bytes.len();
        bytes.extend_from_slice(&self.written.bytes);
        bytes.resize(base + self.base.bytes(), 0);
        let copied = self.base.copy_to(&mut bytes[base..]);
        copied.map_err(|error| CheckpointError::System(error.to_string()))?;
        bytes.extend_from_slice(&XxHash64::oneshot(0, &bytes).to_le_bytes());
        Ok(bytes)
    }

    /// What [`Checkpoint::to_bytes`] made. All of it is checked, the base too.
    ///
    /// # Errors
    /// It is no checkpoint, one of another form, or damaged; no memory for its image.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CheckpointError> {
        let mut reader = Reader { rest: bytes };
        if reader.array() != Ok(MAGIC) {
            return Err(CheckpointError::NoCheckpoint);
        }
        let found = reader.u32()?;
        if found != FORM {
            return Err(CheckpointError::OtherForm { found, known: FORM });
        }
        let (told, found) = (reader.u64()?, bytes.len() as u64);
        let body = bytes.len().checked_sub(CHECKSUM_BYTES).filter(|_| told == found);
        let (body, checksum) =
            bytes.split_at(body.ok_or(CheckpointError::Truncated { told, found })?);
        if checksum != XxHash64::oneshot(0, body).to_le_bytes() {
            return Err(CheckpointError::Corrupt("its checksum is another"));
        }
        Self::read(Reader { rest: body.get(START_BYTES..).unwrap_or_default() })
    }

    /// Everything but the content of pages and base.
    fn head(&self) -> Vec<u8> {
        let mut head = Vec::with_capacity(256 + 4 * self.written.pages.len());
        head.extend_from_slice(&MAGIC);
        head.extend_from_slice(&FORM.to_le_bytes());
        head.extend_from_slice(&[0; 8]);
        head.extend_from_slice(&self.module);
        for number in [self.memory_bytes, self.base.bytes() as u64] {
            head.extend_from_slice(&number.to_le_bytes());
        }
        let Variables { globals, tables } = &self.variables;
        let counts = [globals.len(), tables.len(), self.written.pages.len()];
        let counts = counts.map(|count| count as u32);
        for number in [self.channel, u32::from(self.is_full)].into_iter().chain(counts) {
            head.extend_from_slice(&number.to_le_bytes());
        }
        for value in globals {
            let (kind, bits) = parts(*value);
            head.push(kind);
            head.extend_from_slice(&bits.to_le_bytes());
        }
        for table in tables {
            let elements = table.iter().map(|element| element.unwrap_or(NULL));
            for number in [table.len() as u32].into_iter().chain(elements) {
                head.extend_from_slice(&number.to_le_bytes());
            }
        }
        for page in &self.written.pages {
            head.extend_from_slice(&page.to_le_bytes());
        }
        let all = head.len() + self.written.bytes.len() + self.base.bytes() + CHECKSUM_BYTES;
        head[8..START_BYTES].copy_from_slice(&(all as u64).to_le_bytes());
        head
    }

    /// Over everything but the base.
    pub(super) fn sum(&self) -> u64 {
        let mut hasher = XxHash64::with_seed(0);
        hasher.write(&self.head());
        hasher.write(&self.written.bytes);
        hasher.finish()
    }

    fn read(mut reader: Reader<'_>) -> Result<Self, CheckpointError> {
        let module = reader.array()?;
        let (memory_bytes, base_bytes) = (reader.u64()?, reader.u64()?);
        let (channel, is_full) = (reader.u32()?, reader.u32()? != 0);
        let [globals, tables, pages] = [reader.u32()?, reader.u32()?, reader.u32()?];
        let globals = (0..globals).map(|_| reader.value()).collect::<Result<_, _>>()?;
        let tables = (0..tables).map(|_| reader.table()).collect::<Result<_, _>>()?;
        let pages: Vec<u32> = (0..pages).map(|_| reader.u32()).collect::<Result<_, _>>()?;
        let bytes = reader.take(pages.len() * PAGE_BYTES)?.to_vec();
        if reader.rest.len() as u64 != base_bytes {
            return Err(CheckpointError::Corrupt("size of its base"));
        }
        let base = Image::of(reader.rest);
        let base = base.map_err(|error| CheckpointError::System(error.to_string()))?;
        let mut read = Self {
            base: Arc::new(base),
            written: Written { pages, bytes },
            memory_bytes,
            channel,
            variables: Variables { globals, tables },
            module,
            is_full,
            checksum: 0,
        };
        read.check_shape()?;
        read.checksum = read.sum();
        Ok(read)
    }
}

/// A kind and its bits.
fn parts(value: Value) -> (u8, u128) {
    match value {
        Value::I32(value) => (0, u128::from(value as u32)),
        Value::I64(value) => (1, u128::from(value as u64)),
        Value::F32(bits) => (2, u128::from(bits)),
        Value::F64(bits) => (3, u128::from(bits)),
        Value::V128(bits) => (4, bits),
        Value::Reference(reference) => (5, u128::from(reference.unwrap_or(NULL))),
    }
}

/// Reads from the start of what is left.
struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn take(&mut self, bytes: usize) -> Result<&'a [u8], CheckpointError> {
        let (taken, rest) =
            self.rest.split_at_checked(bytes).ok_or(CheckpointError::Corrupt("too short"))?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], CheckpointError> {
        let taken = self.take(N)?;
        Ok(*taken.first_chunk().expect("as many were taken"))
    }

    fn u32(&mut self) -> Result<u32, CheckpointError> {
        self.array().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Result<u64, CheckpointError> {
        self.array().map(u64::from_le_bytes)
    }

    fn reference(&mut self) -> Result<Reference, CheckpointError> {
        Ok(Some(self.u32()?).filter(|index| *index != NULL))
    }

    fn table(&mut self) -> Result<Vec<Reference>, CheckpointError> {
        let elements = self.u32()?;
        (0..elements).map(|_| self.reference()).collect()
    }

    fn value(&mut self) -> Result<Value, CheckpointError> {
        let [kind] = self.array()?;
        let bits = u128::from_le_bytes(self.array()?);
        Ok(match kind {
            0 => Value::I32(bits as u32 as i32),
            1 => Value::I64(bits as u64 as i64),
            2 => Value::F32(bits as u32),
            3 => Value::F64(bits as u64),
            4 => Value::V128(bits),
            5 => Value::Reference(Some(bits as u32).filter(|index| *index != NULL)),
            _ => return Err(CheckpointError::Corrupt("kind of a global")),
        })
    }
}
