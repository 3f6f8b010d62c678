//! Which compiler builds guests and native builds: one for both, so that only the target differs.
//!
//! First choice is the rustup toolchain that built the harness, whose wasm32-wasip1 target is
//! added when it is missing. Where rustup cannot, Debian's `rustc-web` builds the standard library
//! from source. Neither there: one line that names the command which brings it.

use super::catalog::{cargo, cargo_at};
use super::digest::sha256_hex;
use caxton_sys::surroundings::{CARGO_VARIABLES, Fate};
use caxton_sys::{process, surroundings};
use serde::{Deserialize, Serialize};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{fmt, fs, io};

/// The guests' target.
pub const WASM_TARGET: &str = "wasm32-wasip1";

const DEBIAN_RUSTC: &str = "/usr/bin/rustc";
const DEBIAN_CARGO: &str = "/usr/bin/cargo";
const DEBIAN_LINKER: &str = "wasm-ld-14";
const DEBIAN_SYSROOT: &str = "/usr/lib/wasm32-wasi";

/// Where a guest's stack ends. Rust's default of 1 MiB cannot live under a limit of 1 MiB. The last
/// KiB of 65 lies in a page with the data behind it: what a small agent uses is one page less.
const GUEST_STACK_BYTES: u32 = 66560;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    Wasm,
    Native,
}

impl Side {
    /// `wasm` or `native`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Wasm => "wasm",
            Self::Native => "native",
        }
    }
}

/// What an agent is built for. A measured agent is built as it is; the others serve a profile and
/// are never timed against it.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Variant {
    #[default]
    Measured,
    /// The guest with SIMD instructions; the native build as measured. The standard library stays
    /// as the toolchain brought it.
    Simd,
    /// The native build with frame pointers, for CPU profiles; the guest as measured.
    FramePointers,
    /// Counts its allocations and lets the host look at them.
    Heap,
}

/// One side of an agent, as it is to be built.
#[derive(Debug, Clone, Copy)]
pub struct Build {
    pub side: Side,
    pub variant: Variant,
}

impl Variant {
    /// Cargo features beyond the default ones.
    pub const fn features(self) -> &'static [&'static str] {
        match self {
            Self::Heap => &["agent-abi/heap"],
            Self::Measured | Self::Simd | Self::FramePointers => &[],
        }
    }

    /// Compiler flags of a side beyond those of every variant.
    pub const fn flags(self, side: Side) -> &'static [&'static str] {
        match (self, side) {
            (Self::Simd, Side::Wasm) => &["-Ctarget-feature=+simd128"],
            (Self::FramePointers, Side::Native) => &["-Cforce-frame-pointers=yes"],
            _ => &[],
        }
    }

    /// What is said of a build, after its side.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Measured => "",
            Self::Simd => ", with SIMD",
            Self::FramePointers => ", with frame pointers",
            Self::Heap => ", with an allocator that counts",
        }
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A compiler that can build both sides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Toolchain {
    kind: Kind,
    /// `rustc -V`.
    pub version: String,
    /// What the build's hash rests on beside sources and flags: what the compiler says of itself,
    /// where it is, and what cargo's configuration and the variables that it is let see say.
    pub identity: String,
    native_target: String,
    /// The seed by which the linker shuffles a native build's sections; none leaves them in order.
    shuffle: Option<u32>,
}

/// What a linker is told to lay out the sections of what it links in an order that follows from
/// `seed`. Only lld knows it, and takes 0 for a seed of its own choice.
pub fn shuffle_flag(seed: u32) -> String {
    format!("-Clink-arg=-Wl,--shuffle-sections=*={seed}")
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    Rustup { rustc: String, crt1_reactor: PathBuf },
    Debian,
}

#[derive(Debug, thiserror::Error)]
#[error("no toolchain builds {WASM_TARGET} here ({why}): run {remedy}")]
pub struct NoToolchain {
    why: String,
    remedy: &'static str,
}

impl Toolchain {
    /// Finds a toolchain, adding the target by rustup when that is all that is missing; `say` is
    /// told what is being done.
    ///
    /// # Errors
    /// [`NoToolchain`], which names the command that brings one.
    pub fn find(root: &Path, say: &dyn Fn(&str)) -> Result<Self, NoToolchain> {
        Self::with_target(root, say).or_else(|why| {
            Self::debian(root).map_err(|error| {
                let why = format!("{why}; {error}");
                NoToolchain { why, remedy: "scripts/setup" }
            })
        })
    }

    /// The same for a user's workspace in `root`: its own toolchain builds it, or none does.
    ///
    /// # Errors
    /// [`NoToolchain`], which names the command that brings the target.
    pub fn find_for_user(root: &Path, say: &dyn Fn(&str)) -> Result<Self, NoToolchain> {
        let found = Self::with_target(root, say);
        found.map_err(|why| NoToolchain { why, remedy: "rustup target add wasm32-wasip1" })
    }

    /// The toolchain that is rustup's here, its target added if need be.
    fn with_target(root: &Path, say: &dyn Fn(&str)) -> Result<Self, String> {
        Self::rustup(root)
            .or_else(|why| Self::add_target(root, say).map_err(|error| format!("{why}; {error}")))
    }

    /// One that was not looked for.
    #[cfg(test)]
    pub(super) fn scripted() -> Self {
        Self {
            kind: Kind::Debian,
            version: "rustc 1.0.0".to_owned(),
            identity: String::new(),
            native_target: "x86_64-unknown-linux-gnu".to_owned(),
            shuffle: None,
        }
    }

    fn add_target(root: &Path, say: &dyn Fn(&str)) -> Result<Self, String> {
        let rustup = |args: &[&str]| process::output(process::command("rustup", root).args(args));
        rustup(&["--version"]).map_err(|error| format!("rustup: {}", last_line(&error)))?;
        say(&format!("adding the guests' target: rustup target add {WASM_TARGET}"));
        rustup(&["target", "add", WASM_TARGET])
            .map_err(|error| format!("rustup: {}", last_line(&error)))?;
        Self::rustup(root)
    }

    fn rustup(root: &Path) -> Result<Self, String> {
        let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
        let mut ask = process::command(&rustc, root);
        ask.args(["--print", "target-libdir", "--target", WASM_TARGET]);
        let libdir =
            process::output(&mut ask).map_err(|e| format!("{rustc}: {}", last_line(&e)))?;
        let crt1_reactor = Path::new(&libdir).join("self-contained/crt1-reactor.o");
        if !crt1_reactor.is_file() {
            return Err(format!("{rustc} has no {WASM_TARGET} target"));
        }
        let compiler = rustc.clone();
        Self::identified(Kind::Rustup { rustc, crt1_reactor }, &compiler, root)
    }

    fn debian(root: &Path) -> Result<Self, String> {
        for needed in [DEBIAN_RUSTC, DEBIAN_CARGO, "/usr/bin/wasm-ld-14"] {
            if !Path::new(needed).is_file() {
                return Err(format!("no {needed}"));
            }
        }
        if !Path::new(DEBIAN_SYSROOT).is_dir() {
            return Err(format!("no {DEBIAN_SYSROOT}"));
        }
        Self::identified(Kind::Debian, DEBIAN_RUSTC, root)
    }

    fn identified(kind: Kind, rustc: &str, root: &Path) -> Result<Self, String> {
        let identity = process::output(process::command(rustc, root).arg("-vV"))?;
        let field = |name: &str| {
            identity.lines().find_map(|line| line.strip_prefix(name)).map(str::to_owned)
        };
        let native_target = field("host: ").ok_or_else(|| format!("{rustc} -vV names no host"))?;
        let version = identity.lines().next().unwrap_or_default().to_owned();
        let mut identity = vec![identity];
        if let Kind::Rustup { crt1_reactor, .. } = &kind {
            // Two toolchains may say the same of themselves.
            identity.push(crt1_reactor.display().to_string());
        }
        // A script that a user put in the compiler's place says what the compiler says.
        identity.extend(fs::read(root.join(rustc)).ok().map(|program| sha256_hex(&program)));
        let settings = settings(root);
        identity.push(settings.map_err(|error| format!("cargo's configuration: {error}"))?);
        let identity = identity.join("\n");
        Ok(Self { kind, version, identity, native_target, shuffle: None })
    }

    /// The same, whose native builds are linked with their sections in the order of `seed`.
    #[must_use]
    pub fn relinked(&self, seed: u32) -> Self {
        Self { shuffle: Some(seed), ..self.clone() }
    }

    pub fn target(&self, side: Side) -> &str {
        match side {
            Side::Wasm => WASM_TARGET,
            Side::Native => &self.native_target,
        }
    }

    /// Compiler flags of a side, beyond the `guest` profile's.
    pub fn flags(&self, build: Build) -> Vec<String> {
        let Build { side, variant } = build;
        let mut flags = vec!["-Csymbol-mangling-version=v0".to_owned()];
        match side {
            // Without it a relink alone moves a function's speed by -6 … +22 %.
            Side::Native => flags.push("-Cllvm-args=-align-all-functions=6".to_owned()),
            Side::Wasm => flags.extend(self.link_flags(side)),
        }
        flags.extend(variant.flags(side).iter().map(|flag| (*flag).to_owned()));
        flags
    }

    /// What a guest's linker must be told. A cdylib is linked as a command unless told otherwise:
    /// its exports would run constructors and destructors on every call.
    pub fn link_flags(&self, side: Side) -> Vec<String> {
        if side == Side::Native {
            return Vec::new();
        }
        let crt1 = match &self.kind {
            Kind::Rustup { crt1_reactor, .. } => crt1_reactor.display().to_string(),
            Kind::Debian => format!("{DEBIAN_SYSROOT}/crt1-reactor.o"),
        };
        let mut flags = vec![
            format!("-Clink-arg={crt1}"),
            "-Clink-arg=--export=_initialize".to_owned(),
            format!("-Clink-arg=-zstack-size={GUEST_STACK_BYTES}"),
        ];
        if self.kind == Kind::Debian {
            flags.push("-Clink-self-contained=no".to_owned());
            flags.push(format!("-Lnative={DEBIAN_SYSROOT}"));
        }
        flags
    }

    /// What the linker of a side is told about its order; for what an agent needs it means nothing.
    fn relink_flag(&self, side: Side) -> Option<String> {
        self.shuffle.filter(|_| side == Side::Native).map(shuffle_flag)
    }

    /// All that a side's build is told: compiler flags, and the features as cargo takes them.
    pub fn words(&self, build: Build) -> Vec<String> {
        let mut words = self.flags(build);
        words.extend(self.relink_flag(build.side));
        words
            .extend(build.variant.features().iter().map(|feature| format!("--features={feature}")));
        words
    }

    /// `cargo build` of one package for one side, into `target_dir`.
    pub fn cargo_build(
        &self,
        package: &str,
        build: Build,
        root: &Path,
        target_dir: &Path,
    ) -> Command {
        let Build { side, variant } = build;
        let mut command = match self.kind {
            Kind::Rustup { .. } => cargo(root),
            Kind::Debian => cargo_at(OsStr::new(DEBIAN_CARGO), root),
        };
        keep_out_unhashed(&mut command);
        // What a tool sets for the harness itself: coverage, a cache.
        command.env_remove("RUSTC_WRAPPER").envs(CARGO_VARIABLES);
        let relink = self.relink_flag(build.side);
        let task = if relink.is_some() { "rustc" } else { "build" };
        command
            .args([task, "--quiet", "--lib", "--profile", "guest", "--package", package])
            .args(["--target", self.target(side)])
            .env("CARGO_TARGET_DIR", target_dir)
            .env("CARGO_ENCODED_RUSTFLAGS", self.flags(build).join("\x1f"));
        for feature in variant.features() {
            command.args(["--features", feature]);
        }
        match &self.kind {
            // Said, for a configuration may name another one.
            Kind::Rustup { rustc, .. } => {
                command.env("RUSTC", rustc);
            }
            Kind::Debian => {
                command.env("RUSTC", DEBIAN_RUSTC).env_remove("RUSTUP_TOOLCHAIN");
            }
        }
        if self.kind == Kind::Debian && side == Side::Wasm {
            command
                .arg("-Zbuild-std=std,panic_abort")
                .env("RUSTC_BOOTSTRAP", "1")
                .env("CARGO_TARGET_WASM32_WASIP1_LINKER", DEBIAN_LINKER);
        }
        if let Some(flag) = relink {
            command.args(["--", &flag]);
        }
        command
    }
}

/// What cargo's configuration for a build in `folder` and the variables that it is let see say.
pub fn settings(folder: &Path) -> io::Result<String> {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(Path::new(&std::env::var_os("HOME")?).join(".cargo")));
    let variables = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, text(&value))));
    surroundings::settings(folder, home.as_deref(), variables)
}

/// Keeps variables out of a build that no hash knows, or its cache would hold what another
/// surrounding made under the name of this one.
pub fn keep_out_unhashed(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        if surroundings::fate(&text(&name)) == Fate::Dropped {
            command.env_remove(name);
        }
    }
}

fn text(value: &OsStr) -> String {
    value.to_string_lossy().into_owned()
}

fn last_line(text: &str) -> &str {
    text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("no reason given").trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn toolchain(kind: Kind) -> Toolchain {
        Toolchain { kind, ..Toolchain::scripted() }
    }

    const fn build(side: Side, variant: Variant) -> Build {
        Build { side, variant }
    }

    fn rustup() -> Kind {
        let crt1_reactor = PathBuf::from("/x/crt1-reactor.o");
        Kind::Rustup { rustc: "rustc".to_owned(), crt1_reactor }
    }

    #[test]
    fn a_build_is_told_its_compiler_its_flags_and_no_colours() {
        for (kind, rustc) in [(Kind::Debian, DEBIAN_RUSTC), (rustup(), "rustc")] {
            let root = Path::new("/w");
            let what = build(Side::Native, Variant::Measured);
            let command = toolchain(kind).cargo_build("agent-x", what, root, root);
            let value = |name: &str| {
                let found = command.get_envs().find(|(given, _)| *given == name);
                found.and_then(|(_, value)| value?.to_str())
            };
            assert_eq!(value("RUSTC"), Some(rustc));
            let removed = command.get_envs().find(|(given, _)| *given == "RUSTC_WRAPPER");
            assert_eq!(removed.map(|(_, value)| value), Some(None));
            assert_eq!(value("CARGO_TERM_COLOR"), Some("never"));
            assert!(value("CARGO_ENCODED_RUSTFLAGS").is_some_and(|flags| flags.contains("v0")));
        }
    }

    #[test]
    fn both_sides_share_mangling_and_only_the_guest_is_a_reactor() {
        for kind in [Kind::Debian, rustup()] {
            let toolchain = toolchain(kind);
            let flags = |side| toolchain.flags(build(side, Variant::Measured));
            let (wasm, native) = (flags(Side::Wasm), flags(Side::Native));
            assert_eq!(wasm[0], native[0]);
            assert!(wasm.iter().any(|f| f.ends_with("crt1-reactor.o")), "{wasm:?}");
            assert!(wasm.contains(&"-Clink-arg=--export=_initialize".to_owned()), "{wasm:?}");
            assert!(!native.iter().any(|f| f.contains("link-arg")), "{native:?}");
        }
    }

    #[test]
    fn a_variant_differs_on_one_side_and_by_one_flag() {
        let toolchain = toolchain(Kind::Debian);
        let more = |side, variant| {
            let (all, base) = (toolchain.flags(build(side, variant)), Variant::Measured);
            all[toolchain.flags(build(side, base)).len()..].to_vec()
        };
        assert_eq!(more(Side::Wasm, Variant::Simd), ["-Ctarget-feature=+simd128"]);
        assert!(more(Side::Native, Variant::Simd).is_empty());
        assert_eq!(more(Side::Native, Variant::FramePointers), ["-Cforce-frame-pointers=yes"]);
        assert!(more(Side::Wasm, Variant::FramePointers).is_empty());
    }

    #[test]
    fn a_relink_differs_in_the_twin_and_by_its_seed_alone() {
        let toolchain = toolchain(Kind::Debian);
        let words = |toolchain: &Toolchain, side| toolchain.words(build(side, Variant::Measured));
        let relinked = toolchain.relinked(7);
        assert_eq!(words(&relinked, Side::Wasm), words(&toolchain, Side::Wasm));
        let mut expected = words(&toolchain, Side::Native);
        expected.push("-Clink-arg=-Wl,--shuffle-sections=*=7".to_owned());
        assert_eq!(words(&relinked, Side::Native), expected);
        assert_ne!(words(&toolchain.relinked(8), Side::Native), expected);
        // What the agent needs is the same as ever: only the agent itself is told.
        let root = Path::new("/w");
        let command = |side| {
            let what = build(side, Variant::Heap);
            let command = relinked.cargo_build("agent-x", what, root, root);
            command.get_args().map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>()
        };
        assert!(command(Side::Native).ends_with(&["--".to_owned(), shuffle_flag(7)]));
        assert_eq!(command(Side::Wasm)[0], "build");
        let flags = |toolchain: &Toolchain| toolchain.flags(build(Side::Native, Variant::Measured));
        assert_eq!(flags(&relinked), flags(&toolchain));
    }

    #[test]
    fn a_measured_agent_is_told_nothing_of_profiles() {
        let toolchain = toolchain(Kind::Debian);
        for side in [Side::Wasm, Side::Native] {
            let measured = toolchain.words(build(side, Variant::Measured));
            let heap = toolchain.words(build(side, Variant::Heap));
            assert_eq!(measured, toolchain.flags(build(side, Variant::Measured)));
            assert_eq!(heap, [&measured[..], &["--features=agent-abi/heap".to_owned()]].concat());
            let root = Path::new("/w");
            let command = toolchain.cargo_build("agent-x", build(side, Variant::Heap), root, root);
            let words: Vec<_> = command.get_args().filter_map(|word| word.to_str()).collect();
            assert!(words.windows(2).any(|two| two == ["--features", "agent-abi/heap"]));
        }
    }

    #[test]
    fn the_missing_toolchain_names_the_command_that_brings_it() {
        let why = "no rustc".to_owned();
        let error = NoToolchain { why, remedy: "scripts/setup" }.to_string();
        assert!(error.ends_with("run scripts/setup") && error.lines().count() == 1, "{error}");
    }
}
