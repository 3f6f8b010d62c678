//! Paths on the wire, for `#[serde(with = …)]`: as text, and as bytes where they are no UTF-8.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// Writes `path`.
pub fn serialize<P: AsRef<Path>, S: Serializer>(
    path: &P,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let path = path.as_ref().as_os_str();
    match path.to_str() {
        Some(text) => serializer.serialize_str(text),
        None => path.as_bytes().serialize(serializer),
    }
}

/// Reads what [`serialize`] wrote.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<PathBuf, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Told {
        Text(String),
        Bytes(Vec<u8>),
    }
    Ok(match Told::deserialize(deserializer)? {
        Told::Text(text) => text.into(),
        Told::Bytes(bytes) => OsString::from_vec(bytes).into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Line(#[serde(with = "super")] PathBuf);

    #[test]
    fn any_path_survives_the_wire_and_text_stays_text() {
        for (path, written) in [
            (&b"/a/b c.wasm"[..], r#""/a/b c.wasm""#),
            ("/é".as_bytes(), r#""/é""#),
            (b"caf\xe9", "[99,97,102,233]"),
        ] {
            let line = Line(OsString::from_vec(path.to_vec()).into());
            assert_eq!(serde_json::to_string(&line).unwrap(), written);
            assert_eq!(serde_json::from_str::<Line>(written).unwrap(), line);
        }
    }
}
