//! Bakes how the harness itself was built into it, so that each record can say so.

use std::env;
use std::process::Command;

fn main() {
    let rustc = env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    let version = Command::new(rustc).arg("-V").output().map_or_else(
        |error| format!("unknown: {error}"),
        |out| String::from_utf8_lossy(&out.stdout).trim().to_owned(),
    );
    let of = |name: &str| env::var(name).unwrap_or_default();
    let flags = of("CARGO_ENCODED_RUSTFLAGS").replace('\x1f', " ");
    for (name, value) in [
        ("RUSTC", version),
        ("FLAGS", flags),
        ("TARGET", of("TARGET")),
        ("OPT_LEVEL", of("OPT_LEVEL")),
        ("PROFILE", of("PROFILE")),
    ] {
        println!("cargo::rustc-env=CAXTON_BUILD_{name}={value}");
    }
    println!("cargo::rerun-if-changed=build.rs");
}
