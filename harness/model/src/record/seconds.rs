//! The file of a load's seconds: one JSON value per line, only ever added to, so that a load that
//! was killed can be gone on with. What a kill cut off is left away.

use crate::file::{self, if_it_can};
use crate::load::bounds::{LINE_BYTES, Lines};
use crate::load::frame::LoadLine;
use crate::load::plan::LoadPlan;
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
    /// The file of a load of `plan` in `folder`, which is made if it is not there. `take` is given
    /// what is in it already, line by line; a last line that is not whole is cut off.
    ///
    /// # Errors
    /// It cannot be read or written, or a line before the last one is no second of this load.
    pub fn open(
        folder: &Path,
        plan: &LoadPlan,
        take: &mut dyn FnMut(LoadLine),
    ) -> Result<Self, StoreError> {
        let path = folder.join(SECONDS_FILE);
        let failed = |source| StoreError::Write { path: path.clone(), source };
        fs::create_dir_all(folder).map_err(failed)?;
        let mut options = OpenOptions::new();
        let whole = match fs::symlink_metadata(&path) {
            // First read: nothing is cut off or added to outside of the folder.
            Ok(_) => read(&path, plan, take)?,
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
    pub fn append(&mut self, line: &LoadLine) -> Result<(), StoreError> {
        let failed = |source| StoreError::Write { path: self.path.clone(), source };
        let mut text = serde_json::to_vec(line).map_err(|error| failed(error.into()))?;
        text.push(b'\n');
        self.file.write_all(&text).map_err(failed)?;
        self.unsynced += 1;
        let is_last = matches!(line, LoadLine::Ended(_));
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
pub fn read(
    path: &Path,
    plan: &LoadPlan,
    take: &mut dyn FnMut(LoadLine),
) -> Result<u64, StoreError> {
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
