//! What stands in a lock file of cargo's.

/// The version of `package` in the text of a lock file, else `unknown`: a crate's own version is in
/// none of its constants.
#[must_use]
pub fn version<'a>(lock_file: &'a str, package: &str) -> &'a str {
    let name = format!("name = \"{package}\"\n");
    let entry = lock_file.split("[[package]]").find(|entry| entry.contains(&name));
    let line = entry.and_then(|entry| entry.lines().find_map(|l| l.strip_prefix("version = ")));
    line.map_or("unknown", |version| version.trim_matches('"'))
}

#[cfg(test)]
mod tests {
    use super::version;

    #[test]
    fn a_version_is_that_of_the_whole_name() {
        let lock_file = "version = 4\n\n[[package]]\nname = \"ab\"\nversion = \"1.2.3\"\n\n\
                         [[package]]\nname = \"a\"\nversion = \"4.5.6\"\n";
        assert_eq!(
            ["a", "ab", "b"].map(|name| version(lock_file, name)),
            ["4.5.6", "1.2.3", "unknown"]
        );
    }
}
