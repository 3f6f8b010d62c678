//! `cargo bench --bench heap`: who allocates?

mod shim;

fn main() -> std::process::ExitCode {
    shim::run("heap")
}
