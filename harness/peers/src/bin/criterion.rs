//! The kernel as a benchmark of criterion. How many extra instructions it runs is read when it
//! starts, so that one executable is the old version and the new one.

use caxton_peers::kernel::{Kernel, NAME};
use caxton_peers::peer::EXTRA_STEPS_VARIABLE;
use criterion::{Criterion, criterion_group, criterion_main};
use std::env;

fn kernel(criterion: &mut Criterion) {
    let given = env::var(EXTRA_STEPS_VARIABLE).unwrap_or_default();
    let extra_steps = if given.is_empty() { Ok(0) } else { given.parse() };
    let mut kernel = Kernel::new(extra_steps.expect("a number of instructions"));
    criterion.bench_function(NAME, |bencher| bencher.iter(|| kernel.run()));
}

criterion_group!(benches, kernel);
criterion_main!(benches);
