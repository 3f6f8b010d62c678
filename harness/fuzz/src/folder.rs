//! A folder for what is read from files: the parsers that take a path get one.

use std::cell::OnceCell;
use std::fs;
use std::path::Path;
use tempfile::TempDir;

thread_local! {
    static FOLDER: OnceCell<TempDir> = const { OnceCell::new() };
}

/// What `read` makes of a folder that holds `files`, by name, beside those of earlier inputs.
pub(crate) fn with_files<R>(files: &[(&str, &[u8])], read: impl FnOnce(&Path) -> R) -> R {
    FOLDER.with(|folder| {
        let folder = folder.get_or_init(|| tempfile::tempdir().expect("a temporary folder"));
        for (name, bytes) in files {
            fs::write(folder.path().join(name), bytes).expect("a temporary file");
        }
        read(folder.path())
    })
}
