//! Planted facts of a machine, and what must be said of them.

use super::*;
use caxton_model::reading::Missing;

const BEST: CoreRound = CoreRound { execution_ns: 20_000.0, latency_ns: 10_000.0, same_log: 0.0 };

/// A quiet machine of two cores that permits everything.
fn healthy() -> Facts {
    let known = |value: &str| Reading::Known(value.to_owned());
    let fingerprint = [
        ("governor", "performance"),
        ("hypervisor", "none"),
        ("max_map_count", "262144"),
        ("transparent_huge_pages", "always [madvise] never"),
    ];
    let fingerprint = fingerprint.map(|(name, value)| (name.to_owned(), known(value)));
    Facts {
        fingerprint: fingerprint.into(),
        rounds: [0, 1].map(|core| (core, vec![BEST; 600])).into(),
        siblings: [0, 1].map(|core| (core, Reading::Known(vec![core]))).into(),
        clock_read_ns: 25.0,
        clock_source: known("tsc"),
        steal: Reading::Known(0.001),
        load: Reading::Known(0.1),
        hardware_events: Reading::Known(()),
        sampling: Reading::Known(()),
        valgrind: known("valgrind-3.19.0"),
        memory: Reading::Known(Bytes(16 << 30)),
    }
}

fn check(facts: &Facts, name: &str) -> MachineCheck {
    let found = examine(facts).into_iter().find(|check| check.name == name);
    found.expect("one of the checks")
}

/// Only `name` is poor, and its advice has `words`.
#[track_caller]
fn assert_poor(facts: &Facts, name: &str, words: &str) {
    for check in examine(facts) {
        let wanted = if check.name == name { MachineState::Poor } else { MachineState::Good };
        assert_eq!(check.state, wanted, "{check:?}");
    }
    let advice = check(facts, name).advice.expect("a poor check has advice");
    assert!(advice.contains(words), "{advice}");
}

#[test]
fn a_quiet_machine_is_good_in_all() {
    for check in examine(&healthy()) {
        assert_eq!((check.state, &check.advice), (MachineState::Good, &None), "{check:?}");
    }
}

#[test]
fn a_neighbour_on_one_core_is_seen_there_and_a_slower_clock_is_not_one() {
    let mut facts = healthy();
    let shared = CoreRound { execution_ns: 30_000.0, ..BEST };
    facts.rounds.get_mut(&1).expect("a core")[..300].fill(shared);
    assert_poor(&facts, "quiet moments", "taskset");
    assert_eq!(check(&facts, "quiet moments").found, "core 0 100.00 %, core 1 50.00 %");

    let mut facts = healthy();
    let slower = CoreRound { execution_ns: 30_000.0, latency_ns: 15_000.0, ..BEST };
    facts.rounds.get_mut(&1).expect("a core").fill(slower);
    assert_poor(&facts, "clock speed", "cpupower");
}

#[test]
fn a_machine_on_which_equal_work_differs_has_a_high_floor() {
    let mut facts = healthy();
    for rounds in facts.rounds.values_mut() {
        for (place, round) in rounds.iter_mut().enumerate() {
            // Every launch of ten is 3 % to one side or to the other.
            round.same_log =
                if (place / ROUNDS_PER_LAUNCH).is_multiple_of(2) { 0.03 } else { -0.03 };
        }
    }
    assert_poor(&facts, "noise floor", "--scale full");
    assert!(check(&facts, "noise floor").found.starts_with("±3.00 % of 15 launches"));
    for rounds in facts.rounds.values_mut() {
        rounds.truncate(50);
    }
    assert_eq!(check(&facts, "noise floor").state, MachineState::Unknown, "too few rounds");
}

#[test]
fn what_the_kernel_and_the_host_do_is_told_with_its_mend() {
    let with = |name: &str, value: &str| {
        let mut facts = healthy();
        facts.fingerprint.insert(name.to_owned(), Reading::Known(value.to_owned()));
        facts
    };
    assert_poor(&with("governor", "powersave"), "governor", "cpupower");
    assert_poor(&with("max_map_count", "20000"), "memory maps", "vm.max_map_count=62500");
    let always = with("transparent_huge_pages", "[always] madvise never");
    assert_poor(&always, "huge pages", "echo madvise");
    let stolen = Facts { steal: Reading::Known(0.2), ..healthy() };
    assert_poor(&stolen, "stolen time", "the host");
    assert_poor(&Facts { clock_read_ns: 800.0, ..healthy() }, "clock", "tsc");
    assert_poor(&Facts { load: Reading::Known(3.0), ..healthy() }, "other work here", "top");
}

#[test]
fn siblings_are_named_and_where_nobody_tells_they_are_unknown() {
    let shared = [(0, vec![0, 2]), (1, vec![1, 3]), (2, vec![0, 2]), (3, vec![1, 3])];
    let facts = Facts {
        rounds: [0, 1, 2, 3].map(|core| (core, vec![BEST; 600])).into(),
        siblings: shared.map(|(core, of)| (core, Reading::Known(of))).into(),
        ..healthy()
    };
    assert_poor(&facts, "hyperthreads", "taskset -c 0,1 ");
    // A core whose sibling may not be used is alone.
    let mut alone = healthy();
    alone.siblings = [(0, Reading::Known(vec![0, 2])), (1, Reading::Known(vec![1, 3]))].into();
    assert_eq!(check(&alone, "hyperthreads").state, MachineState::Good);
    let mut facts = healthy();
    facts.fingerprint.insert("hypervisor".to_owned(), Reading::Known("KVM".to_owned()));
    assert_eq!(check(&facts, "hyperthreads").state, MachineState::Unknown);
}

#[test]
fn what_could_not_be_looked_at_is_unknown_or_poor_and_never_good() {
    let none = || Missing::Unsupported("no such file".to_owned());
    let facts = Facts {
        fingerprint: BTreeMap::new(),
        rounds: BTreeMap::new(),
        siblings: [(0, Reading::Missing(none()))].into(),
        clock_read_ns: f64::NAN,
        clock_source: Reading::Missing(none()),
        steal: Reading::Missing(none()),
        load: Reading::Missing(none()),
        hardware_events: Reading::Missing(none()),
        sampling: Reading::Missing(none()),
        valgrind: Reading::Missing(none()),
        memory: Reading::Missing(none()),
    };
    for check in examine(&facts) {
        assert_ne!(check.state, MachineState::Good, "{check:?}");
    }
}
