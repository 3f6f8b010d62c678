//! What launches leave as files: written by a worker to a folder of its own, and taken from there
//! to the run's folder when the launch ran to its end.
//!
//! Of several launches the first one's files are kept.

use super::pictures::{Files, flame_graph, profiled, unwritable};
use crate::job::launch::Kept;
use caxton_model::case::CaseKey;
use caxton_model::file;
use caxton_model::profile::{About, ProfileError, SampleWeight};
use caxton_model::record::lock::HeldFolder;
use caxton_model::record::store::StoreError;
use caxton_profiler::dhat;
use caxton_report::profile::growth;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{fs, process};

/// The file of what a load was to be, in its case's folder.
pub const LOAD_FILE: &str = "load.json";

/// How the names of a run's folders begin among the temporary files of all programs.
pub const SHARED_PREFIX: &str = "caxton-run-";

/// Where launches write before it is known how they end.
#[derive(Debug, Default)]
pub struct Scratch {
    folder: Option<HeldFolder>,
    launches: u32,
}

impl Scratch {
    /// An empty folder for the next launch. It goes with this value.
    pub fn fresh(&mut self) -> Result<PathBuf, StoreError> {
        let folder = match self.folder.take() {
            Some(folder) => folder,
            None => HeldFolder::new_in(&std::env::temp_dir(), SHARED_PREFIX, process::id())?,
        };
        let folder = self.folder.insert(folder);
        self.launches += 1;
        // Paths of one length: they lie in the heap of what is counted.
        let next = folder.path().join(format!("{:06}", self.launches));
        fs::create_dir(&next).map_err(unwritable(&next))?;
        Ok(next)
    }
}

/// Keeps `what` in the folder of `run`, unless an earlier launch's is there; the names of what was
/// written, or why something was not.
pub fn keep(run: &Path, case: &CaseKey, what: &Kept) -> Result<Vec<String>, StoreError> {
    let folder = run.join(folder(case));
    fs::create_dir_all(&folder).map_err(unwritable(&folder))?;
    let mut files = Files { folder: &folder, names: Vec::new() };
    match what {
        Kept::HostHeap { phase, path } => {
            let name = format!("{phase}.dhat.json");
            let bytes = file::read(path, file::PAGE_MAX).map_err(unwritable(path))?;
            if write_new(&folder.join(&name), &bytes)? {
                files.names.push(name);
                host_pictures(&mut files, case, phase, &bytes)?;
            }
        }
        Kept::GuestHeap(profile) => {
            let name =
                if profile.weight == SampleWeight::PeakBytes { "guest-peak" } else { "guest" };
            if !folder.join(format!("{name}.profile.json")).exists() {
                profiled(&mut files, case, name, profile)?;
            }
        }
        Kept::Growth(growth) => {
            let title = format!("{}: linear memory by message", case.agent);
            if !folder.join("growth.svg").exists() {
                let cannot = |why| ProfileError::Cannot { what: "a chart", why };
                files.put("growth.svg", growth::svg(growth, &title).map_err(cannot))?;
            }
        }
    }
    Ok(files.names)
}

/// Where the files of a load's case lie in the folder of its run.
pub fn load_folder(case: &CaseKey) -> String {
    format!("load/{}", case.workload)
}

/// Where a case's files lie in the folder of its run.
pub fn folder(case: &CaseKey) -> String {
    format!("heap/{}", case.agent)
}

/// What is drawn from a file of dhat's: all that was allocated, and what was held at the peak.
fn host_pictures(
    files: &mut Files<'_>,
    case: &CaseKey,
    phase: &str,
    json: &[u8],
) -> Result<(), StoreError> {
    let (side, counters) = (format!("host, {phase}"), BTreeMap::new());
    let about = About { case: case.to_string(), side, messages: 0, counters };
    match dhat::parse(json, &about) {
        // A phase that allocates nothing has no picture: the table says so.
        Ok(heaps) if heaps.total.samples.is_empty() => Ok(()),
        Ok(heaps) => {
            flame_graph(files, case, phase, &heaps.total)?;
            flame_graph(files, case, &format!("{phase}-peak"), &heaps.peak)
        }
        Err(error) => files.put(&format!("{phase}.svg"), Err::<&[u8], _>(error)),
    }
}

/// True if it was written now.
fn write_new(path: &Path, bytes: &[u8]) -> Result<bool, StoreError> {
    if path.exists() {
        return Ok(false);
    }
    fs::write(path, bytes).map_err(unwritable(path))?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use caxton_model::profile::growth::{GrowthPoint, HeapGrowth};
    use caxton_model::units::Bytes;

    #[test]
    fn the_first_launch_is_kept_and_each_has_a_folder_of_its_own() {
        let run = tempfile::tempdir().expect("a temporary folder");
        let case = CaseKey::new("heap", "allocations", "wasmtime", "json");
        let mut scratch = Scratch::default();
        for text in ["first", "second"] {
            let path = scratch.fresh().expect("a temporary folder").join("run.dhat.json");
            fs::write(&path, text).expect("an empty folder");
            let what = Kept::HostHeap { phase: "run".to_owned(), path };
            keep(run.path(), &case, &what).expect("writable");
        }
        let kept = run.path().join("heap/json/run.dhat.json");
        assert_eq!(fs::read_to_string(kept).expect("kept"), "first");
        let points = vec![GrowthPoint { message: 0, bytes: Bytes(65_536) }];
        let growth = HeapGrowth { points, messages: 3, lost: 0 };
        keep(run.path(), &case, &Kept::Growth(growth)).expect("writable");
        let svg = fs::read_to_string(run.path().join("heap/json/growth.svg")).expect("kept");
        assert!(svg.contains("json: linear memory by message"), "{svg}");
    }
}
