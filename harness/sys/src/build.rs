//! How this executable was built, so that each record can say so.

use crate::lock_file;
use std::collections::BTreeMap;

/// What the compiler calls itself.
pub const RUSTC: &str = env!("CAXTON_BUILD_RUSTC");
/// Flags that every crate was compiled with, as in `RUSTFLAGS`.
pub const FLAGS: &str = env!("CAXTON_BUILD_FLAGS");
pub const TARGET: &str = env!("CAXTON_BUILD_TARGET");
/// The optimisation level of the crates that measure.
pub const OPT_LEVEL: &str = env!("CAXTON_BUILD_OPT_LEVEL");
pub const PROFILE: &str = env!("CAXTON_BUILD_PROFILE");
/// Which versions of other crates are in it.
const LOCK_FILE: &str = include_str!("../../../Cargo.lock");

/// The version of wasmtime.
pub fn wasmtime() -> &'static str {
    lock_file::version(LOCK_FILE, "wasmtime")
}

/// What each record says of it, as `name -> value`.
pub fn entries() -> BTreeMap<String, String> {
    let entries = [
        ("rustc", RUSTC),
        ("flags", FLAGS),
        ("target", TARGET),
        ("opt_level", OPT_LEVEL),
        ("profile", PROFILE),
    ];
    entries.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}
