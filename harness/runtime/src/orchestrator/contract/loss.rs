//! Clauses on full mailboxes and dead agents: nothing vanishes uncounted.

use super::*;

/// Mailboxes that are soon full, and such as are longer than a book of the reference orchestrator.
const SLOTS: [u32; 2] = [4, 40];

/// Fills the mailbox of agent 0 from the host and from agent 1, while it is held; how many messages
/// were taken.
fn flood(it: &mut dyn Orchestrator, subject: &ScriptedMail) -> u64 {
    hold(it, 0, subject);
    // Over agent 1 first: what is for agent 0 may stand in the way.
    (0..3).for_each(|id| post(it, &passed(1, 0, Kind::Pass, 1, id)));
    let more = (0..20_000).map_while(|id| it.post(&message(0, Kind::Pass, id)).ok());
    3 + more.count() as u64
}

#[test]
fn a_full_mailbox_lets_its_senders_wait_and_loses_nothing() {
    for (shards, slots) in (1..=3).flat_map(|shards| SLOTS.map(|slots| (shards, slots))) {
        let shape = Shape { slots, ..SETUP.shape };
        each(Setup { shards, shape, ..SETUP }, |it, subject| {
            let taken = flood(it, subject);
            assert!(taken < 20_003, "what waits is bounded");
            subject.desk.open();
            assert_eq!(it.wait_for(taken, LONG), taken);
            let stats = it.stats();
            assert_eq!((stats.finished, stats.gone()), (taken, 0));
            assert_eq!(stats.delivered, taken + 3 + 1);
            assert_eq!(ledger(it, 0).received, taken);
        });
    }
}

#[test]
fn an_agent_that_dies_costs_nobody_else() {
    for (name, start) in [ALL[0], ALL[2]] {
        for kind in [Kind::Trap, Kind::Oversize, Kind::Wild] {
            in_time(&format!("{name} with {kind:?}"), move || {
                let it = &mut *start(&ScriptedMail::default(), SETUP).unwrap();
                post(it, &message(1, kind, 1));
                assert_eq!(it.wait_for(1, LONG), 1);
                post(it, &message(1, Kind::Ask, 2));
                assert_eq!(it.wait_for(2, LONG), 2);
                let stats = it.stats();
                assert_eq!((stats.lost, stats.undeliverable, stats.gone()), (1, 1, 2));
                assert_eq!((stats.failures, stats.escalated, stats.restarts), (1, 1, 0));
                assert!(answers(it, 0) && answers(it, 2));
            });
        }
    }
}

#[test]
fn a_message_to_nobody_is_counted() {
    each(SETUP, |it, _| {
        post(it, &message(1, Kind::Stray, 1));
        assert_eq!(it.wait_for(1, LONG), 1);
        let stats = it.stats();
        assert_eq!((stats.undeliverable, stats.gone(), stats.failures), (1, 1, 0));
        assert!(answers(it, 1));
    });
}
