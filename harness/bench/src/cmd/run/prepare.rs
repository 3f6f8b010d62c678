//! The agents' files: guests that were named, and what must be built for a plan.

use super::super::error::CommandError;
use super::super::output::note;
use super::session::{STOP, is_stopped, watch_for_ctrl_c};
use crate::guest::build::{BuildStep, Builder, BuiltAgent};
use crate::guest::catalog::{AgentSource, Workspace};
use crate::guest::digest::sha256_hex;
use crate::guest::files::{AgentFiles, BuiltFiles, VariantFiles};
use crate::guest::given::GivenProgram;
use crate::guest::toolchain::{Toolchain, Variant};
use crate::job::sides::SideSpec;
use crate::job::task::Task;
use caxton_model::case::Outcome;
use caxton_model::file;
use caxton_model::reading::{Missing, Reading};
use caxton_model::record::Artifact;
use caxton_model::units::Bytes;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// What was built for a plan.
#[derive(Debug, Default)]
pub(super) struct Prepared {
    pub files: BuiltFiles,
    /// What the record says of the files.
    pub artifacts: Vec<Artifact>,
    /// What the record says of the way they were built.
    pub warnings: Vec<String>,
}

/// A guest that was given as a file.
#[derive(Debug, Clone)]
pub(super) struct Guest {
    pub wasm: PathBuf,
    /// None where the user has no native build of it.
    pub native: Option<PathBuf>,
    pub given: GivenProgram,
    /// What it is compared by, if the user says so of it alone.
    pub sides: Vec<SideSpec>,
}

/// Builds what the tasks need. A build that fails is an outcome, not the end of the run, which only
/// Ctrl-C ends.
pub(super) fn prepare(
    workspace: &Workspace,
    tasks: &[Task],
    guests: &BTreeMap<String, Guest>,
) -> Result<Prepared, CommandError> {
    watch_for_ctrl_c();
    let needed = |name: &str| tasks.iter().any(|task| task.needs().any(|needs| needs == name));
    let sources: Vec<_> = workspace.agents.values().filter(|a| needed(&a.name)).collect();
    let Prepared { mut files, mut artifacts, mut warnings } = Prepared::default();
    let built = match &sources[..] {
        [] => Vec::new(),
        sources => build(workspace, sources, tasks, &mut warnings)?,
    };
    if is_stopped() {
        return Err(CommandError::Interrupted);
    }
    for (variant, name, BuiltAgent { wasm, native }) in built {
        for built in [&wasm, &native].into_iter().flatten() {
            keep(&mut artifacts, variant, built.artifact.clone());
        }
        let both = wasm.and_then(|wasm| native.map(|native| (wasm.path, native.path)));
        if variant == Variant::Measured {
            let expected = workspace.agents[&name].expected.clone();
            let entry = both.map_err(Outcome::Refused).map(|(wasm, native)| {
                let (name, native) = (name.clone(), Some(native));
                AgentFiles { name, wasm, native, expected, ..AgentFiles::default() }
            });
            files.insert(name, entry);
        } else if let Some(Ok(files)) = files.get_mut(&name) {
            let built = both.map(|(wasm, native)| VariantFiles::Built([wasm, native]));
            files.add(variant, built.unwrap_or_else(VariantFiles::Failed));
        }
    }
    for (name, guest) in guests.iter().filter(|(name, _)| needed(name)) {
        // What cannot be read costs its own cases.
        let read = |path: &Path, side: &str| {
            let read = file::read(path, file::MODULE_MAX).map(|bytes| given(name, side, &bytes));
            read.map_err(|error| Outcome::Refused(format!("{}: {error}", path.display())))
        };
        let Guest { wasm, native, given, .. } = guest.clone();
        let read = read(&wasm, "wasm").and_then(|wasm| {
            let native = native.as_deref().map(|native| read(native, "native")).transpose()?;
            Ok(std::iter::once(wasm).chain(native))
        });
        let guest = read.map(|read| {
            artifacts.extend(read);
            let (name, given) = (name.clone(), Some(given));
            AgentFiles { name, wasm, native, given, ..AgentFiles::default() }
        });
        files.insert(name.clone(), guest);
    }
    Ok(Prepared { files, artifacts, warnings })
}

/// Adds a file to those of the record, a variant's under its own name; a side that a variant does
/// not change is there already.
fn keep(artifacts: &mut Vec<Artifact>, variant: Variant, artifact: Artifact) {
    let is_known = |known: &Artifact| match &artifact.source_hash {
        Some(hash) => known.source_hash.as_ref() == Some(hash),
        None => known.agent == artifact.agent && known.sha256 == artifact.sha256,
    };
    if artifacts.iter().any(is_known) {
        return;
    }
    let side = match variant {
        Variant::Measured => artifact.side,
        Variant::Simd => format!("{}-simd", artifact.side),
        Variant::FramePointers => format!("{}-frame-pointers", artifact.side),
        Variant::Heap => format!("{}-heap", artifact.side),
    };
    artifacts.push(Artifact { side, ..artifact });
}

/// Builds `sources` as they are measured, then those variants that `tasks` ask of their agents.
fn build(
    workspace: &Workspace,
    sources: &[&AgentSource],
    tasks: &[Task],
    warnings: &mut Vec<String>,
) -> Result<Vec<(Variant, String, BuiltAgent)>, CommandError> {
    let toolchain = match workspace.user {
        Some(_) => Toolchain::find_for_user(&workspace.root, &note)?,
        None => Toolchain::find(&workspace.root, &note)?,
    };
    let builder = Builder::open(workspace, &toolchain, &STOP, &note)
        .map_err(|source| CommandError::Builder { path: workspace.target.clone(), source })?;
    warnings.extend(builder.warning());
    let of = |variant: Variant, sources: &[&AgentSource]| -> Vec<_> {
        let say = |step: BuildStep<'_>| {
            let (number, of, agent, side) = (step.number, step.of, step.agent, step.side);
            let is_cached = workspace.user.is_none();
            if number == 1 && of > 1 && is_cached {
                note(&format!("building {of} agent files, about 3 s each; the next run has them"));
            }
            // Only cargo knows whether a user's package has changed.
            let doing = if is_cached { "building" } else { "bringing up to date" };
            note(&format!("{doing} [{number}/{of}] {agent} ({side}{})", variant.words()));
        };
        let built = builder.build(sources, variant, &say).into_iter();
        built.map(|(name, built)| (variant, name, built)).collect()
    };
    let mut built = of(Variant::Measured, sources);
    let variants: BTreeSet<Variant> = tasks.iter().filter_map(Task::variant).collect();
    for variant in variants {
        let asks = |source: &&&AgentSource| {
            tasks.iter().any(|task| task.variant() == Some(variant) && task.agent() == source.name)
        };
        built.extend(of(variant, &sources.iter().filter(asks).copied().collect::<Vec<_>>()));
    }
    Ok(built)
}

/// What can be said of a file that was given.
fn given(name: &str, side: &str, bytes: &[u8]) -> Artifact {
    Artifact {
        agent: name.to_owned(),
        side: side.to_owned(),
        rustc: Reading::Missing(Missing::NotRequested("given as a file".to_owned())),
        target: "unknown".to_owned(),
        flags: Vec::new(),
        bytes: Bytes(bytes.len() as u64),
        sha256: sha256_hex(bytes),
        source_hash: None,
    }
}
