//! Kits on disk: whether one is what its manifest says, and how one is run.

use crate::cmd::failure::Failure;
use crate::guest::digest::sha256_hex;
use caxton_model::baseline::load_kit;
use caxton_model::file;
use caxton_model::record::kit::{KIT_FILE, Kit, KitFile};
use std::fs;
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// The kit in `folder`, every file of it as its manifest says; none where there is no kit.
///
/// # Errors
/// A manifest that does not load, and a file that is missing, cut off or changed: nothing of such a
/// kit is run.
pub(crate) fn load(folder: &Path) -> Result<Option<Kit>, Failure> {
    let Some(kit) = load_kit(folder)? else { return Ok(None) };
    for file in kit.files() {
        check(folder, file).map_err(|why| Failure::BadKit { path: folder.to_owned(), why })?;
    }
    Ok(Some(kit))
}

fn check(folder: &Path, kept: &KitFile) -> Result<(), String> {
    let name = &kept.file;
    let wrong = |error: io::Error| format!("{name}: {error}");
    let opened = file::open_within(folder, name).map_err(wrong)?;
    let (found, promised) = (opened.metadata().map_err(wrong)?.len(), kept.bytes.0);
    if found != promised {
        return Err(format!("{name} has {found} bytes where {promised} belong"));
    }
    let mut bytes = Vec::new();
    opened.take(promised).read_to_end(&mut bytes).map_err(wrong)?;
    if sha256_hex(&bytes) == kept.sha256 {
        Ok(())
    } else {
        Err(format!("{name} is not what it was: its hash differs"))
    }
}

/// The SHA-256 of the manifest in `folder`, which has those of all other files: of the whole kit.
///
/// # Errors
/// It cannot be read.
pub(crate) fn hash(folder: &Path) -> Result<String, Failure> {
    let path = folder.join(KIT_FILE);
    let manifest = fs::read(&path).map_err(|source| Failure::Input { path, source })?;
    Ok(sha256_hex(&manifest))
}

/// The executable of the kit in `folder`, whose files were checked. Archives lose its executable
/// bit: then it is set again.
///
/// # Errors
/// It cannot be set.
pub(crate) fn executable(folder: &Path, kit: &Kit) -> Result<PathBuf, Failure> {
    let path = folder.join(&kit.executable.file);
    let set = fs::metadata(&path).and_then(|found| match found.permissions().mode() & ALL {
        ALL => Ok(()),
        _ => fs::set_permissions(&path, fs::Permissions::from_mode(0o755)),
    });
    set.map_err(|error| {
        let file = path.display();
        let why = format!("{file} has no executable bit ({error}): chmod +x it");
        Failure::BadKit { path: folder.to_owned(), why }
    })?;
    Ok(path)
}

/// The executable bits of owner, group and others.
const ALL: u32 = 0o111;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cmd::test_kit;
    use caxton_analysis::exit;
    use expect_test::expect;
    use std::fs;

    #[test]
    fn a_kit_that_was_changed_is_not_run() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = temporary.path().join("kit");
        let fresh = || {
            let _ = fs::remove_dir_all(&folder);
            test_kit::kit(&folder, "main", "exit 0");
        };
        assert!(load(temporary.path()).unwrap().is_none(), "no kit is no error");
        fresh();
        assert_eq!(load(&folder).unwrap().unwrap().name, "main");
        let manifest = fs::read_to_string(folder.join(KIT_FILE)).unwrap();
        let changes: [&dyn Fn(); 6] = [
            &|| fs::write(folder.join("bench"), "#!/bin/sh\nexit 1\n").unwrap(),
            &|| fs::write(folder.join("json.wasm"), "js").unwrap(),
            &|| fs::remove_file(folder.join("json.so")).unwrap(),
            &|| fs::write(folder.join(KIT_FILE), &manifest[..manifest.len() / 2]).unwrap(),
            &|| {
                fs::write(folder.join(KIT_FILE), manifest.replace("\"kit\": 1", "\"kit\": 9"))
                    .unwrap()
            },
            &|| {
                fs::write(folder.join(KIT_FILE), manifest.replace("json.so", "../json.so")).unwrap()
            },
        ];
        let said = changes.map(|change| {
            fresh();
            change();
            let failure = load(&folder).unwrap_err();
            assert_ne!(failure.code(), exit::FINE);
            let text = failure.to_string();
            format!("{} {}", failure.code(), text.replace(folder.to_str().unwrap(), "KIT"))
        });
        expect![[r#"
            4 kit KIT: bench is not what it was: its hash differs; save the baseline again
            4 kit KIT: json.wasm has 2 bytes where 4 belong; save the baseline again
            4 kit KIT: json.so: No such file or directory (os error 2); save the baseline again
            2 KIT/kit.json is no whole record: EOF while parsing a string at line 21 column 30; it was cut off, edited, or written by another version; take it from a backup or run again
            2 KIT/kit.json has schema 9, this version reads 1: read it with the version that wrote it
            2 "../json.so" is no name of a baseline: 1 to 64 of A-Z a-z 0-9 . _ -, and no dot in front"#]].assert_eq(&said.join("\n"));
    }
}
