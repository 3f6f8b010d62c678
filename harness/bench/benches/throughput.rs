//! `cargo bench --bench throughput`: how many messages do agents exchange per second?

mod shim;

fn main() -> std::process::ExitCode {
    shim::run("throughput")
}
