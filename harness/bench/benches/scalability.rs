//! `cargo bench --bench scalability`: how many agents fit, and what does each one more cost?

mod shim;

fn main() -> std::process::ExitCode {
    shim::run("scalability")
}
