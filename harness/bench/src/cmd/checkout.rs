//! The checkout that the user stands in.

use crate::cmd::failure::Failure;
use crate::cmd::process::Job;
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// The root of the checkout at or above `start`.
///
/// # Errors
/// [`Failure::NoCheckout`].
pub(crate) fn root(start: &Path) -> Result<PathBuf, Failure> {
    let is_root = |dir: &&Path| dir.join("agents-wasm").is_dir() && dir.join("harness").is_dir();
    let found = start.ancestors().find(is_root);
    found.map(Path::to_owned).ok_or_else(|| Failure::NoCheckout { path: start.to_owned() })
}

/// The cargo that runs this, or the one on the path.
pub(crate) fn cargo() -> PathBuf {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()).into()
}

/// Where cargo builds the checkout at `root`.
///
/// # Errors
/// What cargo says.
pub(crate) fn target(root: &Path, cargo: &Path) -> Result<PathBuf, Failure> {
    #[derive(Deserialize)]
    struct Metadata {
        target_directory: PathBuf,
    }
    let words = ["metadata", "--no-deps", "--format-version", "1", "--offline"];
    let text = Job::cargo(cargo, root, words).output(false)?;
    let metadata: Metadata = serde_json::from_str(&text).map_err(|error| Failure::Revision {
        name: root.display().to_string(),
        why: format!("cargo metadata: {error}"),
    })?;
    Ok(metadata.target_directory)
}
