//! `cargo bench --bench heap`: who allocates? The only executable whose own allocator counts: it
//! takes a lock for each block, even where nobody looks.

use std::process::ExitCode;

#[global_allocator]
static ALLOC: dhat::Alloc = dhat::Alloc;

fn main() -> ExitCode {
    caxton_bench::bench_main(&caxton_bench::suite::heap::SUITE)
}
