//! What cargo says, message by message, of the executables that it links.

use serde::Deserialize;
use std::path::PathBuf;

/// An executable that cargo linked.
#[derive(Debug, PartialEq, Eq)]
pub struct Linked {
    pub executable: PathBuf,
    /// Further crates that it built.
    pub others: u32,
}

/// The part of one of cargo's messages that is of interest.
#[derive(Debug, Deserialize)]
struct Message {
    #[serde(default)]
    executable: Option<PathBuf>,
    #[serde(default)]
    fresh: bool,
    target: MessageTarget,
}

#[derive(Debug, Deserialize)]
struct MessageTarget {
    name: String,
    kind: Vec<String>,
}

impl Linked {
    /// From cargo's `messages`, one JSON value per line: the executable `name`.
    pub fn parse(messages: &str, name: &str, kind: &str) -> Option<Self> {
        // What has no target is no product.
        let products = messages.lines().filter_map(|line| serde_json::from_str(line).ok());
        let (mut executable, mut others) = (None, 0);
        for Message { executable: made, fresh, target } in products {
            if target.name == name && target.kind.iter().any(|own| own == kind) {
                executable = made;
            } else {
                others += u32::from(!fresh);
            }
        }
        executable.map(|executable| Self { executable, others })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_executable_is_that_of_the_binary_and_not_of_a_namesake() {
        let made = |kind: &str, name: &str, executable: &str, fresh: bool| {
            let target = format!(r#"{{"kind":["{kind}"],"name":"{name}"}}"#);
            format!(
                r#"{{"reason":"x","target":{target},"executable":{executable},"fresh":{fresh}}}"#
            )
        };
        let messages = [
            r#"{"reason":"build-script-executed","package_id":"a","out_dir":"/t"}"#.to_owned(),
            made("lib", "wasm", "null", true),
            made("lib", "runner", "null", false),
            made("bench", "wasm", r#""/t/wasm-1""#, true),
            made("bin", "wasm", r#""/t/wasm-2""#, false),
            r#"{"reason":"build-finished","success":true}"#.to_owned(),
            "not json".to_owned(),
        ];
        let messages = &messages.join("\n");
        let linked = Linked { executable: PathBuf::from("/t/wasm-2"), others: 1 };
        assert_eq!(Linked::parse(messages, "wasm", "bin"), Some(linked));
        assert_eq!(Linked::parse(messages, "runner", "bin"), None);
        assert_eq!(Linked::parse("", "wasm", "bin"), None);
    }
}
