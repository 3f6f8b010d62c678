//! What is made of profiles once they are taken: folded stacks, flame graphs, the differential one,
//! and the forms that other tools open. Written beside the record, one folder per agent.

use caxton_model::case::{CaseKey, SIDES, THROUGHPUT};
use caxton_model::profile::changes::NATIVE_AND_WASM;
use caxton_model::profile::{Profile, ProfileError, SampleWeight, folded};
use caxton_model::record::store::StoreError;
use caxton_model::record::{CaseRecord, ProfileRecord, Profiles};
use caxton_profiler::dhat;
use caxton_report::profile::differential::{Caption, Differential};
use caxton_report::profile::{firefox, flame, listing, pb};
use std::path::Path;
use std::{fs, io};

/// Writes all that `profiles`, of one case, come to into the run's `folder`. In flame graphs what
/// calls the agent is one frame, unless `full_stacks`; all else has every frame.
pub(super) fn keep(
    folder: &Path,
    case: &CaseRecord,
    profiles: &[&Profile],
    full_stacks: bool,
) -> Result<Profiles, StoreError> {
    let is_of_messages = case.key.suite == THROUGHPUT;
    let is_by_sides = case.key.workload == SIDES || is_of_messages;
    let is_counted = profiles.iter().any(|profile| profile.weight == SampleWeight::Instructions);
    let kind = if is_counted { "instructions" } else { "cpu" };
    let name = match is_by_sides {
        true => {
            let params = case.key.params.iter().map(|(name, value)| format!("-{name}-{value}"));
            let subject = &case.key.subject;
            format!("{kind}/{}/{subject}{}", case.key.agent, params.collect::<String>())
        }
        false => format!("{kind}/{}", case.key.agent),
    };
    let mut files = Files { folder: &folder.join(&name), names: Vec::new() };
    fs::create_dir_all(files.folder).map_err(unwritable(files.folder))?;
    for profile in profiles {
        let side = profile.about.side.split([',', ' ']).next().unwrap_or_default().to_owned();
        // Of messages what calls the agent is what one wants to see.
        let is_whole = full_stacks || is_of_messages;
        let drawn = if is_whole { None } else { Some(profile.with_host_folded()) };
        flame_graph(&mut files, &case.key, &side, drawn.as_ref().unwrap_or(profile))?;
        exported(&mut files, &side, profile)?;
    }
    let side = |wanted: &str| profiles.iter().find(|p| p.about.side.starts_with(wanted));
    let pair = match (is_by_sides, profiles) {
        (true, [reference, side]) => Some((reference, side)),
        (true, _) => None,
        (false, _) => side("native").zip(side("wasm")),
    };
    let changes = match pair {
        Some((from, to)) => {
            let names = match is_by_sides {
                true => [&*from.about.side, &*to.about.side],
                false => NATIVE_AND_WASM,
            };
            let differential = Differential::between(names, [from, to]);
            let title = format!("{}: from {} to {}", case.key.agent, names[0], names[1]);
            let caption = Caption { title };
            let picture = differential.as_ref().map_err(Clone::clone);
            files.put("differential.svg", picture.and_then(|d| d.svg(&caption)))?;
            differential.ok().map(|differential| differential.changes())
        }
        _ => None,
    };
    let (reference, last) = match profiles {
        [reference, side] => (Some(*reference), Some(side)),
        _ => (None, profiles.last()),
    };
    if let Some(text) = last.and_then(|side| listing::text(side, reference)) {
        files.put("hot.txt", Ok(text))?;
    }
    let taken = profiles.iter().map(|profile| record(profile)).collect();
    Ok(Profiles { taken, changes, folder: name, files: files.names })
}

pub(super) fn profiled(
    files: &mut Files<'_>,
    case: &CaseKey,
    stem: &str,
    profile: &Profile,
) -> Result<(), StoreError> {
    flame_graph(files, case, stem, profile)?;
    exported(files, stem, profile)
}

/// Writes what other programs read.
fn exported(files: &mut Files<'_>, stem: &str, profile: &Profile) -> Result<(), StoreError> {
    files.put(&format!("{stem}.folded"), Ok(folded::text(profile)))?;
    files.put(&format!("{stem}.pb"), pb::encode(profile))?;
    match profile.weight {
        SampleWeight::CpuNs => {
            files.put(&format!("{stem}.firefox.json"), firefox::json(profile))?;
        }
        SampleWeight::Bytes | SampleWeight::PeakBytes => {
            files.put(&format!("{stem}.dhat.json"), dhat::write(profile))?;
        }
        SampleWeight::Instructions => {}
    }
    let raw = serde_json::to_vec(profile);
    let raw = raw.map_err(|error| ProfileError::Damaged(error.to_string()));
    files.put(&format!("{stem}.profile.json"), raw)
}

pub(super) fn flame_graph(
    files: &mut Files<'_>,
    case: &CaseKey,
    stem: &str,
    profile: &Profile,
) -> Result<(), StoreError> {
    let title = format!("{}: {}, {}", case.agent, profile.about.side, profile.weight.words());
    files.put(&format!("{stem}.svg"), flame::svg(profile, &Caption { title }))
}

fn record(profile: &Profile) -> ProfileRecord {
    ProfileRecord {
        about: profile.about.clone(),
        weight: profile.weight,
        total: profile.total(),
        health: profile.health.clone(),
        shares: profile.shares(),
    }
}

/// A folder, and what was written there.
pub(super) struct Files<'a> {
    pub(super) folder: &'a Path,
    /// Names of files; `no <name>: <why>` for one that could not be made.
    pub(super) names: Vec<String>,
}

impl Files<'_> {
    /// Writes a file, or notes why it could not be made.
    pub(super) fn put(
        &mut self,
        name: &str,
        bytes: Result<impl AsRef<[u8]>, ProfileError>,
    ) -> Result<(), StoreError> {
        let path = self.folder.join(name);
        match bytes {
            Ok(bytes) => {
                fs::write(&path, bytes).map_err(unwritable(&path))?;
                self.names.push(name.to_owned());
            }
            Err(why) => self.names.push(format!("no {name}: {why}")),
        }
        Ok(())
    }
}

/// For `map_err`: what keeps `path` from being written.
pub(super) fn unwritable(path: &Path) -> impl FnOnce(io::Error) -> StoreError {
    let path = path.to_owned();
    move |source| StoreError::Write { path, source }
}
