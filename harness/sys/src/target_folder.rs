//! Where cargo builds, if the environment says so by a relative path: cargo takes it from the
//! folder that it is started in, and so each cargo that is started from another folder is told the
//! whole path. Otherwise a second target folder would be filled there.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// The variables by which cargo is told where it builds.
const VARIABLES: [&str; 2] = ["CARGO_TARGET_DIR", "CARGO_BUILD_TARGET_DIR"];

/// Those variables that are set, each with the whole path for a user who stands in `folder`.
/// `variable` looks one up in the environment.
pub fn variables(
    folder: &Path,
    variable: impl Fn(&str) -> Option<OsString>,
) -> Vec<(&'static str, PathBuf)> {
    let set = |name: &str| variable(name).filter(|value| !value.is_empty());
    VARIABLES.iter().filter_map(|&name| Some((name, folder.join(set(name)?)))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relative_target_folder_is_of_the_users_folder_and_an_absolute_one_stays() {
        let found = |value: &'static str| {
            variables(Path::new("/w/checkout/harness"), |name| {
                (name == "CARGO_TARGET_DIR").then(|| value.into())
            })
        };
        let only = |path: &str| vec![("CARGO_TARGET_DIR", PathBuf::from(path))];
        assert_eq!(found("out"), only("/w/checkout/harness/out"));
        assert_eq!(found("/elsewhere/out"), only("/elsewhere/out"));
        assert_eq!(found(""), []);
    }
}
