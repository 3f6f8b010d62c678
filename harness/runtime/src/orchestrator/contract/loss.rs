//! Clauses on full mailboxes and dead agents: nothing vanishes uncounted.

use super::*;

const NARROW: Setup = Setup { shape: Shape { slots: 4, ..SETUP.shape }, ..SETUP };

/// Fills the mailbox of agent 0 from the host and from agent 1, while it is held; how many messages
/// were taken.
fn flood(it: &mut dyn Orchestrator, subject: &ScriptedMail) -> u64 {
    hold(it, 0, subject);
    // Over agent 1 first: what is for agent 0 may stand in the way.
    (0..3).for_each(|id| post(it, &passed(1, 0, (Kind::Pass, 1), id)));
    let more = (0..20_000).map_while(|id| it.post(&message(0, Kind::Pass, id)).ok());
    3 + more.count() as u64
}

#[test]
fn a_full_mailbox_lets_its_senders_wait_and_loses_nothing() {
    for shards in 1..=3 {
        each(Setup { shards, ..NARROW }, |it, subject| {
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

/// Each message that was taken is finished or counted; `gone` says as what.
fn loses(it: &mut dyn Orchestrator, subject: &ScriptedMail, gone: fn(&super::super::Stats) -> u64) {
    let mut taken = flood(it, subject);
    // Those that tell the host turn it back at the first message for which there is no room.
    taken += (0..50).filter(|id| it.post(&message(0, Kind::Pass, *id)).is_ok()).count() as u64;
    subject.desk.open();
    assert_eq!(it.wait_for(taken, LONG), taken);
    let stats = it.stats();
    assert_eq!(stats.finished + gone(&stats), taken);
    assert_eq!(stats.gone(), gone(&stats), "{stats:?}");
    assert_eq!(ledger(it, 0).received, stats.finished);
    assert!(stats.finished >= 4, "as many as fit get there");
}

#[test]
fn a_full_mailbox_drops_and_counts() {
    each(Setup { when_full: WhenFull::Drop, ..NARROW }, |it, subject| {
        loses(it, subject, |stats| stats.dropped);
        assert!(it.stats().dropped > 0);
    });
}

#[test]
fn a_full_mailbox_turns_back_and_counts() {
    each(Setup { when_full: WhenFull::Fail, ..NARROW }, |it, subject| {
        loses(it, subject, |stats| stats.refused);
    });
}

#[test]
fn a_killed_agent_gets_no_mail_and_others_go_on() {
    each(SETUP, |it, _| {
        it.kill(1).unwrap();
        post(it, &message(1, Kind::Ask, 1));
        post(it, &passed(2, 1, (Kind::Pass, 1), 2));
        assert_eq!(it.wait_for(2, LONG), 2);
        let stats = it.stats();
        assert_eq!((stats.undeliverable, stats.gone(), stats.delivered), (2, 2, 1));
        assert_eq!((stats.failures, it.agents()), (0, 3));
        assert!(answers(it, 0) && answers(it, 2));
        assert!(it.kill(1).is_err() && it.kill(3).is_err());
        assert_eq!((it.spawn().unwrap(), answers(it, 3)), (3, true));
    });
}

#[test]
fn what_waits_for_an_agent_goes_with_it() {
    each(SETUP, |it, subject| {
        hold(it, 1, subject);
        (0..5).for_each(|id| post(it, &message(1, Kind::Pass, id)));
        let desk = Arc::clone(&subject.desk);
        let opens = thread::spawn(move || desk.open());
        it.kill(1).unwrap();
        opens.join().unwrap();
        // How far it came is chance; the held message may have been answered.
        assert!(it.wait_for(5, LONG) >= 5);
        let stats = it.stats();
        let ends = stats.finished + stats.gone() + it.replies(&mut |_| ()) as u64;
        assert_eq!((ends, stats.dropped + stats.refused), (6, 0), "{stats:?}");
        assert!(answers(it, 0));
    });
}

#[test]
fn an_agent_that_waits_for_room_can_be_killed() {
    each(Setup { shards: 2, ..NARROW }, |it, subject| {
        hold(it, 0, subject);
        // They fill agent 0, then agent 1 waits with the rest.
        (0..8).for_each(|id| post(it, &passed(1, 0, (Kind::Pass, 1), id)));
        it.kill(1).unwrap();
        subject.desk.open();
        assert_eq!(it.wait_for(8, LONG), 8);
        let stats = it.stats();
        assert_eq!(stats.finished + stats.lost + stats.undeliverable, 8, "{stats:?}");
        assert!(answers(it, 0) && answers(it, 2));
    });
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
