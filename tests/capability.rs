//! Tests that need something of the machine ask for it by name. Absent, the test says `SKIP` and
//! why; listed in `CAXTON_REQUIRE` (comma-separated, set in CI), absence fails.

use std::io::Write;

/// Says that `name` is absent, and fails if it was required.
pub(crate) fn absent(name: &str, why: &str) {
    let required = std::env::var("CAXTON_REQUIRE").unwrap_or_default();
    assert!(!required.split(',').any(|word| word == name), "{name} is required: {why}");
    // Past the test's capture, so that a skipped test is seen.
    let _ = writeln!(std::io::stderr(), "SKIP {name}: {why}");
}
