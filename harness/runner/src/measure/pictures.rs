//! What is made of profiles once they are taken: folded stacks, flame graphs, the differential one,
//! and the forms that other tools open. Written beside the record, one folder per agent.

use caxton_results::profile::differential::{Caption, Differential};
use caxton_results::profile::{Profile, ProfileError, Weight, dhat, firefox, flame, folded, pb};
use caxton_results::record::store::StoreError;
use caxton_results::record::{CaseRecord, ProfileRecord, Profiles};
use std::fs;
use std::path::Path;

/// Writes all that `profiles`, of one case, come to into the run's `folder`.
///
/// # Errors
/// The folder cannot be written. A picture that cannot be drawn costs itself: its reason stands in
/// place of its name.
pub(super) fn keep(
    folder: &Path,
    case: &CaseRecord,
    profiles: &[&Profile],
) -> Result<Profiles, StoreError> {
    let kind = if profiles.iter().any(|p| p.weight == Weight::CpuNs) { "cpu" } else { "heap" };
    let name = format!("{kind}/{}", case.key.agent);
    let mut files = Files { folder: &folder.join(&name), names: Vec::new() };
    fs::create_dir_all(files.folder)
        .map_err(|source| StoreError::Write { path: files.folder.to_owned(), source })?;
    for profile in profiles {
        one(&mut files, case, profile)?;
    }
    let side = |wanted: &str| {
        profiles.iter().find(|p| p.weight == Weight::CpuNs && p.about.side.starts_with(wanted))
    };
    let changes = match (side("native"), side("wasm")) {
        (Some(native), Some(wasm)) => {
            let differential = Differential::new(native, wasm);
            let title = format!("{}: from native to WASM", case.key.agent);
            let caption = Caption { title };
            let picture = differential.as_ref().map_err(Clone::clone);
            files.put("differential.svg", picture.and_then(|d| d.svg(&caption)))?;
            differential.ok().map(|differential| differential.changes())
        }
        _ => None,
    };
    let taken = profiles.iter().map(|profile| record(profile)).collect();
    Ok(Profiles { taken, changes, folder: name, files: files.names })
}

/// The files of one profile, named after its side.
fn one(files: &mut Files<'_>, case: &CaseRecord, profile: &Profile) -> Result<(), StoreError> {
    let side = profile.about.side.split([',', ' ']).next().unwrap_or_default().to_owned();
    let title = format!("{}: {}", case.key.agent, profile.about.side);
    files.put(&format!("{side}.folded"), Ok(folded::text(profile)))?;
    files.put(&format!("{side}.svg"), flame::svg(profile, &Caption { title }))?;
    files.put(&format!("{side}.pb"), pb::encode(profile))?;
    if profile.weight == Weight::CpuNs {
        files.put(&format!("{side}.firefox.json"), firefox::json(profile))?;
    } else {
        files.put(&format!("{side}.dhat.json"), dhat::write(profile))?;
    }
    let raw = serde_json::to_vec(profile);
    let raw = raw.map_err(|error| ProfileError::Damaged(error.to_string()));
    files.put(&format!("{side}.profile.json"), raw)
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

struct Files<'a> {
    folder: &'a Path,
    names: Vec<String>,
}

impl Files<'_> {
    fn put(
        &mut self,
        name: &str,
        bytes: Result<impl AsRef<[u8]>, ProfileError>,
    ) -> Result<(), StoreError> {
        let path = self.folder.join(name);
        match bytes {
            Ok(bytes) => {
                fs::write(&path, bytes).map_err(|source| StoreError::Write { path, source })?;
                self.names.push(name.to_owned());
            }
            Err(why) => self.names.push(format!("no {name}: {why}")),
        }
        Ok(())
    }
}
