//! `cargo bench --bench scenarios`: does it hold under load?

mod shim;

fn main() -> std::process::ExitCode {
    shim::run("scenarios")
}
