//! What launches leave as files: written by a worker to a folder of its own, and taken from there
//! to the run's folder when the launch ran to its end.
//!
//! Of several launches the first one's files are kept.

use super::protocol::Kept;
use caxton_results::case::CaseKey;
use caxton_results::profile::{Profile, Weight};
use caxton_results::record::store::StoreError;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// Where launches write before it is known how they end.
#[derive(Debug, Default)]
pub struct Scratch {
    folder: Option<TempDir>,
    launches: u32,
}

impl Scratch {
    /// An empty folder for the next launch. It goes with this value.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn next(&mut self) -> io::Result<PathBuf> {
        let folder = match self.folder.take() {
            Some(folder) => folder,
            None => tempfile::tempdir()?,
        };
        let folder = self.folder.insert(folder);
        self.launches += 1;
        let next = folder.path().join(self.launches.to_string());
        fs::create_dir(&next)?;
        Ok(next)
    }
}

/// Keeps `what` in the folder of `run`, unless an earlier launch's is there.
///
/// # Errors
/// A file cannot be written.
pub fn keep(run: &Path, case: &CaseKey, what: &Kept) -> Result<(), StoreError> {
    let folder = run.join("heap").join(&case.agent);
    fs::create_dir_all(&folder).map_err(unwritable(&folder))?;
    match what {
        Kept::HostHeap { phase, path } => {
            let to = folder.join(format!("{phase}.dhat.json"));
            if !to.exists() {
                // Not renamed: it may lie on another disk.
                fs::copy(path, &to).map_err(unwritable(&to))?;
                pictures(&to);
            }
            Ok(())
        }
        Kept::GuestHeap(profile) => {
            let name = match profile.weight {
                Weight::PeakBytes => "guest-peak",
                _ => "guest",
            };
            let to = folder.join(format!("{name}.profile.json"));
            let json = serde_json::to_vec(profile.as_ref());
            let json = json.map_err(|error| unwritable(&to)(error.into()))?;
            if write_new(&to, &json)? {
                guest_pictures(&to, profile);
            }
            Ok(())
        }
        Kept::Growth(growth) => {
            let title = format!("{}: linear memory by message", case.agent);
            let to = folder.join("growth.svg");
            let svg = growth.svg(&title).map_err(|why| unwritable(&to)(io::Error::other(why)))?;
            write_new(&to, svg.as_bytes()).map(drop)
        }
    }
}

// INTEGRATION: from here on the pictures of a heap profile are made. `json` is a file in DHAT's
// format in the run's folder; what is drawn from it goes beside it, under the same stem.
fn pictures(json: &Path) {
    let _ = json;
}

// INTEGRATION: the same for what a guest's own allocator saw; `json` holds `profile`.
fn guest_pictures(json: &Path, profile: &Profile) {
    let _ = (json, profile);
}

/// True if it was written now.
fn write_new(path: &Path, bytes: &[u8]) -> Result<bool, StoreError> {
    if path.exists() {
        return Ok(false);
    }
    fs::write(path, bytes).map_err(unwritable(path))?;
    Ok(true)
}

fn unwritable(path: &Path) -> impl Fn(io::Error) -> StoreError {
    let path = path.to_owned();
    move |source| StoreError::Write { path: path.clone(), source }
}

#[cfg(test)]
mod tests {
    use super::*;
    use caxton_results::profile::growth::{Growth, Point};
    use caxton_results::units::Bytes;

    #[test]
    fn the_first_launch_is_kept_and_each_has_a_folder_of_its_own() {
        let run = tempfile::tempdir().expect("a temporary folder");
        let case = CaseKey::new("heap", "allocations", "wasmtime", "json");
        let mut scratch = Scratch::default();
        for text in ["first", "second"] {
            let path = scratch.next().expect("a temporary folder").join("run.dhat.json");
            fs::write(&path, text).expect("an empty folder");
            let what = Kept::HostHeap { phase: "run".to_owned(), path };
            keep(run.path(), &case, &what).expect("writable");
        }
        let kept = run.path().join("heap/json/run.dhat.json");
        assert_eq!(fs::read_to_string(kept).expect("kept"), "first");
        let points = vec![Point { message: 0, bytes: Bytes(65_536) }];
        let growth = Growth { points, messages: 3, lost: 0 };
        keep(run.path(), &case, &Kept::Growth(growth)).expect("writable");
        let svg = fs::read_to_string(run.path().join("heap/json/growth.svg")).expect("kept");
        assert!(svg.contains("json: linear memory by message"), "{svg}");
    }
}
