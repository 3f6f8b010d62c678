//! Names from outside in other programs' formats: harmless on their way, and still apart from each
//! other.

use super::known::ExportError;
use caxton_model::case::CaseKey;
use caxton_model::sanitise::short;
use serde::Serialize;

/// Longest name of a case: Bencher takes 1,024 characters, with a metric's beside it.
const ID_MAX: usize = 512;

/// The case as a clean name, of the same length at most for every reader.
pub(super) fn id(key: &CaseKey) -> String {
    short(&key.to_string(), ID_MAX)
}

/// The same without markup.
pub(super) fn plain_id(key: &CaseKey) -> String {
    short(&plain(&key.to_string()), ID_MAX)
}

/// `text` without what HTML or Markdown would take for more than words: those are spelt out too.
pub(super) fn plain(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '<' | '>' | '&' | '|' | '`' | '@' => out.extend(c.escape_unicode()),
            _ => out.push(c),
        }
    }
    out
}

/// `data` as pretty JSON, with a line end.
pub(super) fn json(format: &'static str, data: &impl Serialize) -> Result<Vec<u8>, ExportError> {
    let json = serde_json::to_string_pretty(data)
        .map_err(|e| ExportError { format, why: e.to_string() })?;
    Ok((quiet_json(&json) + "\n").into_bytes())
}

/// `json`, which says the same to every parser, in characters that hide nothing, start no tag of
/// HTML and are no command to a log.
fn quiet_json(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        // All of these stand only inside of strings.
        let is_command = c == '[' && out.ends_with("##");
        let is_hidden = !c.is_ascii() && c.escape_debug().count() > 1;
        if c == '<' || is_command || is_hidden {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quiet_json_says_the_same() {
        let text = "<b>\u{202e}\u{200d}\u{e0001}##[error] é \"\\";
        let json = serde_json::to_string(text).unwrap();
        let quiet = quiet_json(&json);
        assert_eq!(serde_json::from_str::<String>(&quiet).unwrap(), text);
        assert!(!quiet.contains(['<', '\u{202e}', '\u{200d}', '\u{e0001}']), "{quiet}");
        assert!(!quiet.contains("##["), "{quiet}");
    }

    #[test]
    fn markup_is_spelt_out() {
        assert_eq!(plain("a|<b>`"), r"a\u{7c}\u{3c}b\u{3e}\u{60}");
    }
}
