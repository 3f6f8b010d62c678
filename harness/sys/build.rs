//! Bakes how the harness itself was built into it, so that each record can say so.

#[path = "src/lock_file.rs"]
#[allow(unreachable_pub, reason = "the library exports it")]
mod lock_file;

use std::env;
use std::process::Command;

fn main() {
    let rustc = env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    let version = Command::new(rustc).arg("-V").output().map_or_else(
        |error| format!("unknown: {error}"),
        |out| String::from_utf8_lossy(&out.stdout).trim().to_owned(),
    );
    let lock = std::fs::read_to_string(LOCK_FILE).unwrap_or_default();
    let of = |name: &str| env::var(name).unwrap_or_default();
    let flags = of("CARGO_ENCODED_RUSTFLAGS").replace('\x1f', " ");
    for (name, value) in [
        ("RUSTC", version),
        ("FLAGS", flags),
        ("TARGET", of("TARGET")),
        ("OPT_LEVEL", of("OPT_LEVEL")),
        ("PROFILE", of("PROFILE")),
        ("WASMTIME", lock_file::version(&lock, "wasmtime").to_owned()),
    ] {
        println!("cargo::rustc-env=CAXTON_BUILD_{name}={value}");
    }
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed={LOCK_FILE}");
}

const LOCK_FILE: &str = "../../Cargo.lock";
