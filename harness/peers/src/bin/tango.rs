//! The kernel as a benchmark of tango. How many extra instructions it runs stands in the
//! executable: see `planted.rs`.

use caxton_peers::kernel::{Kernel, NAME};
use caxton_peers::planted;
use tango_bench::{IntoBenchmarks, benchmark_fn, tango_benchmarks};

fn kernel() -> impl IntoBenchmarks {
    [benchmark_fn(NAME, |bencher| {
        let mut kernel = Kernel::new(planted::extra_steps());
        bencher.iter(move || kernel.run())
    })]
}

tango_benchmarks!(kernel());
