//! How good a profile is, in sentences: the same words stand in pictures, tables and exports.

use super::{About, COUNTED_BY, DEFECT_SHARE_MAX, Health};
use crate::metric::metrics;
use crate::reading::{Missing, Reading};
use crate::units::{Nanos, Unit};
use crate::words::{grouped, list};

/// So many different reasons for missing counters are told.
const REASONS_MAX: usize = 4;

/// What a reader of any profile is told, one sentence each.
pub fn lines(health: &Health) -> Vec<String> {
    let samples = grouped(health.samples as f64);
    let share = |share| Unit::Share.show(share);
    if health.engine == COUNTED_BY {
        let [unnamed, cut] = [health.unresolved_share(), 1.0 - health.rooted_share()].map(share);
        let counted = format!(
            "{COUNTED_BY}: {samples} instructions, each counted; without a name {unnamed}, callers \
             not known {cut}"
        );
        return std::iter::once(counted).chain(health.notes.iter().cloned()).collect();
    }
    let mut lines = match health.asked_hz {
        None => vec![format!("{}: {samples} samples", health.engine)],
        Some(asked) => vec![sampled(health, &samples, asked), kernel(health)],
    };
    let mut quality = format!(
        "lost {}, without a name {}, back to the thread's first function {}",
        share(health.lost_share()),
        share(health.unresolved_share()),
        share(health.rooted_share()),
    );
    if health.mended > 0 {
        quality.push_str(&format!("; {} stacks mended", grouped(health.mended as f64)));
    }
    lines.insert(1, quality);
    lines.extend(health.notes.iter().cloned());
    lines
}

fn sampled(health: &Health, samples: &str, asked: f64) -> String {
    let real = match health.real_hz {
        Some(real) => format!("at {real:.0} Hz of CPU time"),
        None => "at an unknown rate".to_owned(),
    };
    let cpu = Nanos(health.cpu_ns);
    format!(
        "{}: {samples} samples {real}, asked for {asked:.0} Hz; {cpu} of CPU time",
        health.engine
    )
}

fn kernel(health: &Health) -> String {
    match &health.kernel_ns {
        Reading::Known(ns) => format!("time in the kernel, not seen here: {}", Nanos(*ns)),
        Reading::Missing(why) => format!("time in the kernel, not seen here: unknown ({why})"),
    }
}

/// What is wrong with a profile so much that nobody should read it without knowing.
pub fn warnings(health: &Health) -> Vec<String> {
    if health.samples == 0 {
        return vec!["WARNING: there is no sample".to_owned()];
    }
    let defects = [
        (health.lost_share(), "of the samples were lost: what was running then is not known"),
        (health.unresolved_share(), "of the samples have no name for what was running"),
        (1.0 - health.rooted_share(), "of the stacks are cut: their callers are not known"),
    ];
    let grave = defects.into_iter().filter(|(share, _)| *share > DEFECT_SHARE_MAX);
    grave.map(|(share, what)| format!("WARNING: {} {what}", Unit::Share.show(share))).collect()
}

/// Counters of the same work: those that are there in one sentence, the others by why they are not.
pub fn counters(about: &About) -> Vec<String> {
    let mut known = Vec::new();
    let mut missing: Vec<(&Missing, Vec<String>)> = Vec::new();
    for (name, reading) in &about.counters {
        match reading {
            Reading::Known(value) => known.push(format!("{name} {}", unit(name).show(*value))),
            Reading::Missing(why) => match missing.iter_mut().find(|(told, _)| *told == why) {
                Some((_, names)) => names.push(name.clone()),
                None => missing.push((why, vec![name.clone()])),
            },
        }
    }
    let mut lines = Vec::new();
    if !known.is_empty() {
        lines.push(format!("per message, counted without the sampler: {}", known.join(", ")));
    }
    let reasons = missing.iter().take(REASONS_MAX);
    lines.extend(reasons.map(|(why, names)| format!("no {}: {why}", list(names))));
    lines
}

/// The unit of the counter `name`: that of the metric it is a part of.
fn unit(name: &str) -> Unit {
    let metric = metrics().find(|metric| metric.name.strip_prefix("wasm_") == Some(name));
    metric.map_or(Unit::Count, |metric| metric.unit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profiles as fixture;
    use expect_test::expect;

    #[test]
    fn a_good_profile_is_described_and_not_warned_of() {
        let profile = fixture::wasm();
        expect![[r"
            perf-clock: 1,000 samples at 985 Hz of CPU time, asked for 997 Hz; 1.00 s of CPU time
            lost 0.20 %, without a name 0.10 %, back to the thread's first function 99.50 %; 3 stacks mended
            time in the kernel, not seen here: 12.3 ms
            a note of the engine"]]
        .assert_eq(&lines(&profile.health).join("\n"));
        assert_eq!(warnings(&profile.health), [""; 0]);
    }

    #[test]
    fn a_defect_above_the_limit_is_a_warning_and_one_at_it_is_none() {
        let mut health = fixture::wasm().health;
        (health.samples, health.lost, health.unresolved, health.rootless) = (95, 5, 4, 4);
        assert_eq!(warnings(&health), [""; 0], "5 % is no warning");
        (health.lost, health.unresolved, health.rootless) = (6, 20, 95);
        expect![[r"
            WARNING: 5.94 % of the samples were lost: what was running then is not known
            WARNING: 21.05 % of the samples have no name for what was running
            WARNING: 100.00 % of the stacks are cut: their callers are not known"]]
        .assert_eq(&warnings(&health).join("\n"));
        health.samples = 0;
        assert_eq!(warnings(&health), ["WARNING: there is no sample"]);
    }

    #[test]
    fn what_is_not_known_is_said() {
        let mut health = fixture::wasm().health;
        health.real_hz = None;
        health.kernel_ns = Reading::Missing(Missing::Unsupported("no such file".to_owned()));
        let text = lines(&health).join("\n");
        assert!(text.contains("at an unknown rate"), "{text}");
        assert!(text.contains("unknown (not supported: no such file)"), "{text}");
        (health.asked_hz, health.engine) = (None, "dhat".to_owned());
        assert_eq!(lines(&health)[0], "dhat: 1,000 samples");
        assert!(!lines(&health).join("\n").contains("kernel"));
    }

    #[test]
    fn counters_share_a_line_and_so_do_those_that_miss_for_one_reason() {
        expect![[r"
            per message, counted without the sampler: page_faults 0.02, task_clock_ns 33.1 µs
            no branches, cycles, instructions: not supported: this machine has no counters (ENOENT)
            no l1d_misses: not permitted: perf_event_paranoid is 3"]]
        .assert_eq(&counters(&fixture::wasm().about).join("\n"));
        let mut about = fixture::wasm().about;
        about.counters.clear();
        assert_eq!(counters(&about), [""; 0]);
    }
}
