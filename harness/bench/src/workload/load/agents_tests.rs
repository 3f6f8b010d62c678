//! Whom a plan kills, and what is made of incidents.

use super::*;
use caxton_fixture::plans::{SECOND, plan, seconds, steady};
use caxton_model::load::plan::Arrivals;
use caxton_model::units::Nanos;
use std::collections::BTreeSet;

#[test]
fn a_plan_kills_whom_its_seed_says_and_a_second_process_kills_nobody_again() {
    let stages = vec![
        steady("base", seconds(2), 10.0),
        steady("crash", seconds(3), 10.0).killing(4),
        steady("again", seconds(1), 10.0).killing(10),
    ];
    let mut plan = plan(Arrivals::Constant, stages);
    let all = kills(&plan, 0);
    let at = |at_s: u64, all: &VecDeque<Kill>| {
        let of = all.iter().filter(|kill| kill.at_ns == at_s * SECOND);
        of.map(|kill| kill.agent).collect::<BTreeSet<u32>>()
    };
    assert_eq!((all.len(), at(2, &all).len(), at(5, &all).len()), (14, 4, 10));
    assert_eq!(kills(&plan, 0), all);
    assert_eq!(kills(&plan, 2 * SECOND), all);
    assert_eq!(kills(&plan, 3 * SECOND).len(), 10);
    assert_eq!(kills(&plan, 6 * SECOND).len(), 0);
    plan.seed += 1;
    assert_ne!(at(2, &kills(&plan, 0)), at(2, &all));
}

fn incident(called_ns: u64, rest: [Option<u64>; 3]) -> Incident {
    let [restarted_ns, succeeded_ns, caught_up_ns] = rest;
    let (agent, why, seen_ns) = (0, String::new(), called_ns + 7);
    Incident { agent, why, called_ns, seen_ns, restarted_ns, succeeded_ns, caught_up_ns }
}

#[test]
fn incidents_are_told_by_the_middle_and_the_longest_and_who_stays_dead_has_no_restart() {
    let incidents = [
        incident(100, [Some(120), Some(130), Some(150)]),
        // Nothing waited for it.
        incident(200, [Some(217), None, Some(217)]),
        // It died again before it had handled anything.
        incident(250, [Some(267), None, None]),
        incident(300, [None; 3]),
    ];
    let stats = Stats { lost: 3, undeliverable: 5, ..Stats::default() };
    let crashes = told(3, &stats, &incidents);
    assert_eq!((crashes.died, crashes.back, crashes.lost), (4, 3, 5));
    let time = |n, p50, max| Reading::Known(CrashTime { n, p50: Nanos(p50), max: Nanos(max) });
    assert_eq!(crashes.detect, time(4, 7, 7));
    assert_eq!(crashes.restart, time(3, 10, 13));
    assert_eq!(crashes.caught_up, time(2, 17, 50));
    let dead = told(1, &stats, &incidents[3..]);
    assert!(dead.restart.known().is_none() && dead.caught_up.known().is_none());
}
