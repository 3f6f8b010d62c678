//! Options of the engine in the words of wasmtime's own command line: `-O opt-level=s`,
//! `-C compiler=winch`, `-W fuel=1000000`.

use crate::subject::words::one_line;
use clap::Parser;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use wasmtime::Config;
use wasmtime_cli_flags::CommonOptions;

/// Options that were read once and are known to be valid. Empty for wasmtime's defaults.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct EngineFlags(&'static str);

/// Each text once: options are compared, copied and kept for as long as the process lives.
static KNOWN: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());

impl EngineFlags {
    /// Reads `text`, words with blanks between.
    ///
    /// # Errors
    /// What is wrong with them, in wasmtime's words.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = one_line(text);
        config_of(&text)?;
        let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(text) = known.get(&*text) {
            return Ok(Self(text));
        }
        let text: &'static str = Box::leak(text.into_boxed_str());
        known.insert(text);
        Ok(Self(text))
    }

    /// Whether they ask for memories of 64 bits.
    pub(super) fn has_memory64(self) -> bool {
        self.0.contains("memory64")
    }

    /// Whether these are wasmtime's defaults.
    pub fn is_default(self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn config(self) -> Result<Config, String> {
        if self.is_default() { Ok(Config::new()) } else { config_of(self.0) }
    }
}

impl fmt::Display for EngineFlags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

fn config_of(text: &str) -> Result<Config, String> {
    // wasmtime's command line prints its help and exits.
    if text.split([' ', ',']).any(|word| word.trim_start_matches('-').starts_with("help")) {
        return Err(format!("`{text}`: `wasmtime -O help` tells of the options"));
    }
    let words = ["wasmtime"].into_iter().chain(text.split_whitespace());
    let parsed = CommonOptions::try_parse_from(words).map_err(|error| error.to_string());
    let config =
        parsed.and_then(|mut options| options.config(None).map_err(|error| format!("{error:#}")));
    config.map_err(|error| {
        let first = error.trim_start_matches("error: ").lines().next().unwrap_or_default();
        format!("`{text}`: {first}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_read_as_wasmtime_reads_them() {
        for text in [
            "",
            "-O opt-level=s",
            "-C compiler=winch",
            "-W fuel=1000",
            "-W epoch-interruption=y -O memory-reservation=0,memory-guard-size=0",
            "-O pooling-allocator",
            "--target pulley64",
        ] {
            let flags = EngineFlags::parse(&format!(" {text} ")).unwrap_or_else(|e| panic!("{e}"));
            assert_eq!((flags.to_string(), flags.is_default()), (text.to_owned(), text.is_empty()));
            assert!(std::ptr::eq(flags.0, EngineFlags::parse(text).expect("again").0));
        }
        for (text, why) in [
            ("-O opt-level=9", "`-O opt-level=9`: failed to parse -O option"),
            ("-O help", "`-O help`: `wasmtime -O help` tells"),
            ("-W fuel=1,help-long", "`-W fuel=1,help-long`: "),
            ("-Z x", "`-Z x`: unexpected argument '-Z'"),
            ("tool.wasm", "`tool.wasm`: unexpected argument 'tool.wasm'"),
        ] {
            let told = EngineFlags::parse(text).expect_err(text);
            assert!(told.starts_with(why), "{told}");
        }
    }
}
