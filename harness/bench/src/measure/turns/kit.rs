//! Kits: what is kept to run a version again, made of what runs now, and checked before it is used.

use super::wire::TURNS;
use crate::guest::artifact::aligned_functions;
use crate::guest::digest::sha256_hex;
use crate::guest::files::{AgentFiles, BuiltFiles, VariantFiles};
use crate::guest::given::{GivenFile, GivenProgram};
use crate::job::launch::BENCH_ARGUMENT;
use caxton_model::baseline;
use caxton_model::file;
use caxton_model::record::Run;
use caxton_model::record::kit::{KIT, KIT_FILE, Kit, KitAgent, KitFile, KitGiven};
use caxton_model::record::store::StoreError;
use caxton_model::units::Bytes;
use caxton_sys::process;
use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// Name of the executable in each kit: paths of both versions are equally long.
const EXECUTABLE: &str = "bench";

/// Why a kit cannot be made or used.
#[derive(Debug, thiserror::Error)]
pub enum KitError {
    #[error(
        "{path} has no executable: it was kept by an earlier version, or is a run; keep it again \
         with --save-baseline",
        path = path.display()
    )]
    None { path: PathBuf },
    #[error(
        "{path} is not the file that was kept: {why}; keep the baseline again",
        path = path.display()
    )]
    Changed { path: PathBuf, why: String },
    /// It cannot run here or be understood.
    #[error("{path}: {why}", path = path.display())]
    Foreign { path: PathBuf, why: String },
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("{path}: {source}", path = path.display())]
    Io { path: PathBuf, source: io::Error },
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> KitError {
    move |source| KitError::Io { path: path.to_owned(), source }
}

/// Makes a kit in the empty folder `into`: of the executable `own`, and of the files of those
/// agents that have some.
pub fn pack(
    into: &Path,
    own: &Path,
    name: &str,
    run: &Run,
    files: &BuiltFiles,
) -> Result<Kit, KitError> {
    let executable = into.join(EXECUTABLE);
    fs::copy(own, &executable).map_err(at(&executable))?;
    make_executable(&executable).map_err(at(&executable))?;
    let aligned = aligned_functions(&executable).into();
    // Four fifths of it are line tables. Where there is no `strip` they stay.
    let _ = process::output(process::command("strip", into).args(["--strip-debug", EXECUTABLE]));
    let mut agents = BTreeMap::new();
    for (agent, files) in files {
        let Ok(files) = files else { continue };
        agents.insert(agent.clone(), pack_agent(into, files)?);
    }
    let kit = Kit {
        kit: KIT,
        name: name.to_owned(),
        suite: run.suite.clone(),
        revision: run.revision.clone(),
        made_utc: run.updated_utc.clone(),
        build: run.build.clone(),
        protocol: TURNS,
        executable: described(&executable)?,
        arguments: vec![BENCH_ARGUMENT.to_owned(), run.suite.clone()],
        aligned,
        agents,
    };
    let manifest = into.join(KIT_FILE);
    let json = serde_json::to_vec_pretty(&kit).map_err(io::Error::from).map_err(at(&manifest))?;
    fs::write(&manifest, json).map_err(at(&manifest))?;
    Ok(kit)
}

fn pack_agent(into: &Path, files: &AgentFiles) -> Result<KitAgent, KitError> {
    let copy = |from: &Path, ending: &str| {
        let file = format!("{}.{ending}", short(&files.name));
        let to = into.join(file);
        fs::copy(from, &to).map_err(at(from))?;
        described(&to)
    };
    let heap = match &files.heap {
        Some(VariantFiles::Built([wasm, native])) => {
            Some([copy(wasm, "heap.wasm")?, copy(native, "heap.so")?])
        }
        Some(VariantFiles::Failed(_)) | None => None,
    };
    Ok(KitAgent {
        wasm: copy(&files.wasm, "wasm")?,
        native: files.native.as_deref().map(|native| copy(native, "so")).transpose()?,
        heap,
        expected: files.expected.clone().map(Into::into),
        given: files.given.as_ref().map(|given| pack_given(given, copy)).transpose()?,
    })
}

fn pack_given(
    given: &GivenProgram,
    copy: impl Fn(&Path, &str) -> Result<KitFile, KitError>,
) -> Result<KitGiven, KitError> {
    let copy = |file: &Option<GivenFile>, ending| {
        file.as_ref().map(|file| copy(&file.0, ending)).transpose()
    };
    Ok(KitGiven {
        program: given.program.clone(),
        is_guessed: given.is_guessed,
        input: copy(&given.input, "input")?,
        answer: copy(&given.expected, "expected")?,
    })
}

/// The name of an agent as that of a file: a guest's may be too long.
fn short(name: &str) -> String {
    if name.len() <= 48 { name.to_owned() } else { sha256_hex(name.as_bytes())[..16].to_owned() }
}

/// Sets the executable bits of the file at `path` if they are not set, for archives lose them. Some
/// file systems can set none, and show all as set.
pub fn make_executable(path: &Path) -> io::Result<()> {
    const ALL: u32 = 0o111;
    let mode = fs::metadata(path)?.permissions().mode();
    if mode & ALL == ALL {
        return Ok(());
    }
    fs::set_permissions(path, fs::Permissions::from_mode(mode | 0o700 | ALL))
}

fn described(path: &Path) -> Result<KitFile, KitError> {
    let bytes = fs::read(path).map_err(at(path))?;
    let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Ok(KitFile { file, sha256: sha256_hex(&bytes), bytes: Bytes(bytes.len() as u64) })
}

/// Whether each file of the `kit` in `folder` is the one that was kept.
///
/// # Errors
/// [`KitError::Changed`]: one is missing, cut off or another one. Nothing of such a kit is run.
pub fn check(folder: &Path, kit: &Kit) -> Result<(), KitError> {
    kit.files().try_for_each(|file| kept(folder, file).map(drop))
}

/// The contents of a kit's file, which must be those that were kept.
fn kept(folder: &Path, file: &KitFile) -> Result<Vec<u8>, KitError> {
    let changed = |why: String| KitError::Changed { path: folder.join(&file.file), why };
    let unread = |error: io::Error| changed(error.to_string());
    let opened = file::open_within(folder, &file.file).map_err(unread)?;
    let (found, promised) = (opened.metadata().map_err(unread)?.len(), file.bytes.0);
    if found != promised {
        return Err(changed(format!("{found} bytes where {promised} were kept")));
    }
    let mut bytes = Vec::new();
    opened.take(promised).read_to_end(&mut bytes).map_err(unread)?;
    if sha256_hex(&bytes) != file.sha256 {
        return Err(changed("its SHA-256 is another one".to_owned()));
    }
    Ok(bytes)
}

/// A kit that was checked, and laid out to be run.
#[derive(Debug)]
pub struct OpenKit {
    pub about: Kit,
    /// Where its files are.
    folder: PathBuf,
}

impl OpenKit {
    /// Checks the kit in `from` and lays it out in the new folder `folder`.
    ///
    /// # Errors
    /// [`KitError`]: none there, changed files, made for another kind of machine.
    pub fn open(from: &Path, folder: &Path) -> Result<Self, KitError> {
        let none = || KitError::None { path: from.to_owned() };
        let about = baseline::load_kit(from)?.ok_or_else(none)?;
        let foreign = |why: String| KitError::Foreign { path: from.to_owned(), why };
        if about.protocol != TURNS {
            return Err(foreign(format!(
                "its executable speaks protocol {} of comparisons, this one {TURNS}: compare with \
                 the version that kept it, or keep it again",
                about.protocol
            )));
        }
        let (theirs, ours) = (about.build.get("target"), caxton_sys::build::TARGET);
        if theirs.is_some_and(|theirs| theirs != ours) {
            let theirs = theirs.map_or("", String::as_str);
            return Err(foreign(format!("built for {theirs}, which cannot run on {ours}")));
        }
        fs::create_dir_all(folder.join(SCRATCH)).map_err(at(folder))?;
        for file in about.files() {
            // A copy, not a link: what is checked must be what runs.
            let path = folder.join(&file.file);
            let rights = fs::metadata(from.join(&file.file)).map(|found| found.permissions());
            fs::write(&path, kept(from, file)?)
                .and_then(|()| fs::set_permissions(&path, rights?))
                .map_err(at(&path))?;
        }
        // A guest's native build may be an executable, too.
        let natives = about.agents.values().filter_map(|agent| agent.native.as_ref());
        for file in natives.chain([&about.executable]) {
            let path = folder.join(&file.file);
            make_executable(&path).map_err(at(&path))?;
        }
        Ok(Self { about, folder: folder.to_owned() })
    }

    pub fn executable(&self) -> PathBuf {
        self.folder.join(&self.about.executable.file)
    }

    /// Where its workers run, and write.
    pub fn scratch(&self) -> PathBuf {
        self.folder.join(SCRATCH)
    }

    /// The files of an agent; none if it has no such agent.
    pub fn files(&self, agent: &str) -> Option<AgentFiles> {
        let path = |file: &KitFile| self.folder.join(&file.file);
        let files = self.about.agents.get(agent)?;
        let heap = |files: &[KitFile; 2]| VariantFiles::Built(files.each_ref().map(path));
        Some(AgentFiles {
            name: agent.to_owned(),
            wasm: path(&files.wasm),
            native: files.native.as_ref().map(path),
            heap: files.heap.as_ref().map(heap),
            expected: files.expected.clone().map(Into::into),
            given: files.given.as_ref().map(|given| GivenProgram {
                program: given.program.clone(),
                is_guessed: given.is_guessed,
                input: given.input.as_ref().map(|file| GivenFile(path(file))),
                expected: given.answer.as_ref().map(|file| GivenFile(path(file))),
            }),
            ..AgentFiles::default()
        })
    }
}

/// The folder in which a kit's workers run.
const SCRATCH: &str = "scratch";
