//! `cargo bench --bench resources`: what do agents take, and what becomes of those that die?

mod shim;

fn main() -> std::process::ExitCode {
    shim::run("resources")
}
