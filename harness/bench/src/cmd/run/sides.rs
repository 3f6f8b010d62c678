//! `--side`: what is compared, in the user's words.

use super::super::error::CommandError;
use super::super::place::started_in;
use crate::job::sides::{SideBuild, SideSpec};
use caxton_runtime::subject::wasmtime::EngineFlags;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Sides that are compared with the first of them.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Comparing")]
pub(super) struct SideArgs {
    /// Compare this side with the first one; given at least twice. [NAME=]BUILD [FLAGS]: BUILD is
    /// `native`, `wasm` or another module's file, FLAGS are wasmtime's: 'wasm -C compiler=winch'
    #[arg(long, value_name = "SIDE",
          conflicts_with_all = ["baseline", "save_baseline", "between", "pack", "relink",
                                "perf_map", "memory_limit"])]
    pub side: Vec<String>,
}

impl SideArgs {
    /// The sides; none where nobody asked for any.
    pub(super) fn sides(&self) -> Result<Vec<SideSpec>, CommandError> {
        sides(&self.side, started_in())
    }
}

/// The sides that `texts` say, files of the folder `home`.
pub(super) fn sides(texts: &[String], home: &Path) -> Result<Vec<SideSpec>, CommandError> {
    let bad = |text: &str, why: &str| CommandError::GivenFlag {
        flag: "--side".to_owned(),
        value: text.to_owned(),
        why: why.to_owned(),
    };
    if let [only] = texts {
        return Err(bad(only, "one side alone is compared with nothing: give two or more"));
    }
    let mut names = BTreeSet::new();
    let mut sides = Vec::new();
    for text in texts {
        let side = spec(text, home).map_err(|why| bad(text, &why))?;
        if !names.insert(side.name.clone()) {
            let why = format!("a second side named {}: call it NAME={text}", side.name);
            return Err(bad(text, &why));
        }
        sides.push(side);
    }
    Ok(sides)
}

fn spec(text: &str, home: &Path) -> Result<SideSpec, String> {
    let (named, rest) = match text.split_once('=') {
        Some((name, rest)) if is_name(name) => (Some(name), rest),
        _ => (None, text),
    };
    let (build, flags) = rest.trim().split_once(char::is_whitespace).unwrap_or((rest.trim(), ""));
    let flags = EngineFlags::parse(flags)?.to_string();
    let what = match build {
        "native" | "wasm" => build.to_owned(),
        file => Path::new(file)
            .file_stem()
            .map(|stem| stem.to_string_lossy().into_owned())
            .ok_or("expected native, wasm or a module's file")?,
    };
    let name = named.map_or_else(|| derived(&what, &flags), str::to_owned);
    if name.is_empty() || name.contains("-vs-") {
        return Err("call it by a name that is not empty and without `-vs-`: NAME=…".to_owned());
    }
    let build = match build {
        "native" if !flags.is_empty() => return Err("native code has no engine".to_owned()),
        "native" => SideBuild::Native,
        "wasm" => SideBuild::Wasm,
        file => {
            let path = fs::canonicalize(home.join(file));
            SideBuild::File(
                path.map_err(|error| format!("{error}: expected native, wasm or a file"))?,
            )
        }
    };
    Ok(SideSpec { name, build, flags })
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(is_of_names)
}

fn is_of_names(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || "._+-".contains(letter)
}

/// What is run and with which flags, short: `winch` would say too little, the flags' letters too
/// much.
fn derived(what: &str, flags: &str) -> String {
    let value = |word: &'_ str| -> String {
        match word.strip_prefix("--") {
            Some(long) => long.split_once('=').map_or("", |(_, value)| value).to_owned(),
            // A letter, and what may be glued to it.
            None if word.starts_with('-') => word.chars().skip(2).collect(),
            None => word.to_owned(),
        }
    };
    let values = flags.split_whitespace().map(value).filter(|word| !word.is_empty());
    let what = (what != "wasm" || flags.is_empty()).then_some(what);
    let words: Vec<String> = what.map(str::to_owned).into_iter().chain(values).collect();
    words.join("+").chars().map(|letter| if is_of_names(letter) { letter } else { '-' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sides_are_named_by_what_they_run_or_by_the_user() {
        for (text, name, build, flags) in [
            ("native", "native", SideBuild::Native, ""),
            ("wasm", "wasm", SideBuild::Wasm, ""),
            (" wasm  -C compiler=winch ", "compiler-winch", SideBuild::Wasm, "-C compiler=winch"),
            ("slow=wasm -O opt-level=0", "slow", SideBuild::Wasm, "-O opt-level=0"),
            ("x=/dev/null", "x", SideBuild::File("/dev/null".into()), ""),
        ] {
            let side = SideSpec { name: name.to_owned(), build, flags: flags.to_owned() };
            assert_eq!(spec(text, Path::new("/")), Ok(side), "{text}");
        }
        assert_eq!(
            derived("json-2", "-W fuel=1 -O pooling-allocator"),
            "json-2+fuel-1+pooling-allocator"
        );
        assert_eq!(
            derived("wasm", "-Ccompiler=winch --target=pulley64"),
            "compiler-winch+pulley64"
        );
        for (text, why) in [
            ("wasm -O opt-level=9", "`-O opt-level=9`: failed to parse"),
            ("native -W fuel=1", "native code has no engine"),
            ("a-vs-b=wasm", "call it by a name"),
            ("no-such.wasm", "No such file or directory"),
        ] {
            let told = spec(text, Path::new("/")).expect_err(text);
            assert!(told.starts_with(why), "{told}");
        }
    }

    #[test]
    fn sides_are_two_or_more_and_differ_in_name() {
        let sides = |side: &[&str]| {
            let side = side.iter().map(|&side| side.to_owned()).collect();
            SideArgs { side }.sides().map_err(|error| error.to_string())
        };
        assert_eq!(sides(&[]), Ok(Vec::new()));
        let told = sides(&["wasm"]).expect_err("one");
        assert!(told.contains("give two or more"), "{told}");
        let told = sides(&["wasm", "wasm"]).expect_err("twice");
        assert_eq!(told, "--side 'wasm': a second side named wasm: call it NAME=wasm");
        assert_eq!(sides(&["wasm", "again=wasm"]).map(|sides| sides.len()), Ok(2));
    }
}
