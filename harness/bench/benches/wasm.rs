//! `cargo bench --bench wasm`: what does WASM cost this agent?

mod shim;

fn main() -> std::process::ExitCode {
    shim::run("wasm")
}
