//! Tests that need something of the machine ask for it by name. Absent, the test says `SKIP` and
//! why; listed in `CAXTON_REQUIRE` (comma-separated, set in CI), absence fails.

use std::io::{ErrorKind, Write};
use std::process::{Command, Output};

/// Says that `name` is absent, and fails if it was required.
pub(crate) fn absent(name: &str, why: &str) {
    let required = std::env::var("CAXTON_REQUIRE").unwrap_or_default();
    assert!(!required.split(',').any(|word| word == name), "{name} is required: {why}");
    // Past the test's capture, so that a skipped test is seen.
    let _ = writeln!(std::io::stderr(), "SKIP {name}: {why}");
}

/// What `command` says; none where its program, of the package `name`, is absent.
pub(crate) fn output(command: &mut Command, name: &str, hint: &str) -> Option<Output> {
    match command.output() {
        Ok(output) => Some(output),
        // Denied: a folder of PATH is closed to this user, and no other one has the program.
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::PermissionDenied) => {
            absent(name, hint);
            None
        }
        Err(error) => panic!("{command:?}: {error}"),
    }
}
