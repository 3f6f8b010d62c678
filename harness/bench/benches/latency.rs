//! `cargo bench --bench latency`: how long do agents take to answer?

mod shim;

fn main() -> std::process::ExitCode {
    shim::run("latency")
}
