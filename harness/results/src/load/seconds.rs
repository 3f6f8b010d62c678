//! The file of a load's seconds: one JSON value per line, only ever added to, so that a load that
//! was killed can be gone on with. What a kill cut off is left away.

use super::bounds::{LINE_BYTES, Lines};
use super::frame::Line;
use super::plan::LoadPlan;
use super::tally::Tally;
use crate::file::{self, if_it_can};
use crate::record::store::{StoreError, folder_of};
use std::fs::{self, File, OpenOptions};
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

/// Its name in a case's folder.
pub const SECONDS_FILE: &str = "seconds.jsonl";
/// Lines between two times that the file is waited for to be on disk.
const SYNC_EVERY: u32 = 5;

/// The file, to be added to.
#[derive(Debug)]
pub struct Seconds {
    path: PathBuf,
    file: File,
    unsynced: u32,
}

impl Seconds {
    /// The file in `folder`, which is made if it is not there. What is in it already goes to
    /// `tally`, line by line; a last line that is not whole is cut off.
    ///
    /// # Errors
    /// It cannot be read or written, or a line before the last one is no second of this load.
    pub fn open(folder: &Path, tally: &mut Tally) -> Result<Self, StoreError> {
        let path = folder.join(SECONDS_FILE);
        let failed = |source| StoreError::Write { path: path.clone(), source };
        fs::create_dir_all(folder).map_err(failed)?;
        let mut options = OpenOptions::new();
        let whole = match fs::symlink_metadata(&path) {
            // First read: nothing is cut off or added to outside of the folder.
            Ok(_) => {
                let plan = tally.plan().clone();
                read(&path, &plan, &mut |line| tally.push(&line))?
            }
            Err(error) if error.kind() == ErrorKind::NotFound => 0,
            Err(source) => return Err(failed(source)),
        };
        let file = options.read(true).append(true).create(true).open(&path).map_err(failed)?;
        file.set_len(whole).map_err(failed)?;
        Ok(Self { path, file, unsynced: 0 })
    }

    /// Adds a line.
    ///
    /// # Errors
    /// It cannot be written; what was written before is still there.
    pub fn append(&mut self, line: &Line) -> Result<(), StoreError> {
        let failed = |source| StoreError::Write { path: self.path.clone(), source };
        let mut text = serde_json::to_vec(line).map_err(|error| failed(error.into()))?;
        text.push(b'\n');
        self.file.write_all(&text).map_err(failed)?;
        self.unsynced += 1;
        let is_last = matches!(line, Line::Ended(_));
        if self.unsynced >= SYNC_EVERY || is_last {
            self.unsynced = 0;
            if_it_can(self.file.sync_data()).map_err(failed)?;
        }
        Ok(())
    }
}

/// Hands the lines of the file at `path` to `take`; how many bytes they are. What a line says is
/// held against `plan` first: see [`Lines`].
///
/// # Errors
/// It cannot be read, or a line before the last one is no second of this load.
pub fn read(path: &Path, plan: &LoadPlan, take: &mut dyn FnMut(Line)) -> Result<u64, StoreError> {
    let failed = |source| StoreError::Read { path: path.to_owned(), source };
    let opened = file::open_within(folder_of(path), path.file_name().unwrap_or_default());
    let mut reader = BufReader::new(opened.map_err(failed)?);
    let mut lines = Lines::of(plan);
    let (mut text, mut whole, mut number) = (Vec::new(), 0, 0);
    loop {
        text.clear();
        let mut limited = (&mut reader).take(LINE_BYTES);
        let bytes = limited.read_until(b'\n', &mut text).map_err(failed)?;
        number += 1;
        let bad = |why: String| StoreError::BadSample { path: path.to_owned(), line: number, why };
        if !text.ends_with(b"\n") {
            if bytes as u64 == LINE_BYTES {
                return Err(bad(format!("longer than {} MiB", LINE_BYTES >> 20)));
            }
            // The end of the file, or of what a kill let through.
            return Ok(whole);
        }
        let line = serde_json::from_slice(&text).map_err(|error| bad(error.to_string()))?;
        lines.check(&line).map_err(&bad)?;
        take(line);
        whole += bytes as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::fixture;
    use crate::load::frame::{Counts, Frame, Seen};
    use crate::load::plan::Arrivals;
    use std::collections::BTreeMap;

    fn plan() -> LoadPlan {
        fixture::plan(Arrivals::Constant, vec![fixture::steady("hold", fixture::seconds(9), 10.0)])
    }

    fn segment(number: u32, from_second: u64) -> Line {
        Line::Segment(fixture::segment(number, from_second))
    }

    fn second(second: u64, in_flight: u64) -> Line {
        let counts = Counts { offered: 10, sent: 10, ok: 10 - in_flight, ..Counts::default() };
        let stages = BTreeMap::from([(0, Seen { counts, ..Seen::default() })]);
        let length_ns = 1_000_000_000;
        Line::Second(Box::new(Frame { second, length_ns, stages, in_flight, ..Frame::default() }))
    }

    #[test]
    fn a_load_that_was_killed_goes_on_where_it_was_and_adds_up() {
        let folder = tempfile::tempdir().unwrap();
        let mut first = Seconds::open(folder.path(), &mut Tally::new(plan())).unwrap();
        for line in [segment(0, 0), second(0, 0), second(1, 3)] {
            first.append(&line).unwrap();
        }
        // A kill in the middle of a line.
        let path = folder.path().join(SECONDS_FILE);
        let mut file = OpenOptions::new().append(true).open(&path).unwrap();
        file.write_all(b"{\"second\":{\"sec").unwrap();
        let mut tally = Tally::new(plan());
        let mut again = Seconds::open(folder.path(), &mut tally).unwrap();
        assert_eq!(tally.next_second(), 2);
        for line in [segment(1, 2), second(2, 0)] {
            again.append(&line).unwrap();
            tally.push(&line);
        }
        let mut whole = Tally::new(plan());
        read(&path, &plan(), &mut |line| whole.push(&line)).unwrap();
        let [counts, once_more] = [tally.counts(), whole.counts()];
        assert_eq!(counts, once_more);
        let outcome = whole.outcome(None);
        assert_eq!((counts.offered, counts.ok, outcome.cut_off), (30, 27, 3));
        assert_eq!(counts.offered, counts.settled() + outcome.cut_off);
        assert_eq!(outcome.segments.len(), 2);
    }

    #[test]
    fn a_line_in_the_middle_that_is_none_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(SECONDS_FILE);
        fs::write(&path, "{\"nonsense\":1}\n").unwrap();
        let error = Seconds::open(folder.path(), &mut Tally::new(plan())).unwrap_err();
        assert!(error.to_string().contains("line 1"), "{error}");
    }
}
