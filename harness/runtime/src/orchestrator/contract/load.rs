//! Clauses under load: everything arrives, once, whole, and in order.

use super::*;

/// Agents in a circle, each with its neighbours on both sides; how often a message is passed on.
const HOPS: u32 = 40;
/// On each side of an agent: together they are as many as fit its mailbox.
const A_SIDE: u32 = 8;

/// The same number of messages between all neighbours; nothing is lost, doubled or out of order.
fn circle(it: &mut dyn Orchestrator, agents: u32) {
    let mut checksum = 0u64;
    for id in 0..agents * A_SIDE {
        let (to, from) = (id % agents, (id + 1) % agents);
        let message = passed(to, from, Kind::Pass, HOPS, id);
        let hash = body_hash(&message[Header::BYTES..]);
        checksum = (0..=HOPS).fold(checksum, |sum, hops| sum.wrapping_add(seal(hash, hops)));
        post(it, &message);
    }
    let posted = u64::from(agents * A_SIDE);
    assert_eq!(it.wait_for(posted, LONG), posted);
    let stats = it.stats();
    let handled = posted * u64::from(HOPS + 1);
    assert_eq!((stats.delivered, stats.finished, stats.gone()), (handled, posted, 0));
    assert!(stats.drains > 0 && stats.drains <= stats.delivered);
    assert_eq!((stats.failures, stats.restarts, stats.redelivered), (0, 0, 0));
    let all = (0..agents).map(|agent| ledger(it, agent)).fold(Ledger::default(), Ledger::plus);
    assert_eq!(all, Ledger { received: handled, checksum, out_of_order: 0, corrupt: 0 });
}

#[test]
fn every_message_arrives_in_order_on_any_number_of_shards() {
    for shards in 1..=3 {
        for agents in [1, 2, 5, 33] {
            each(Setup { agents, shards, ..SETUP }, move |it, _| circle(it, agents));
        }
    }
}

#[test]
fn every_message_arrives_in_order_in_batches_of_any_size() {
    for batch in [1, 3, 100] {
        each(Setup { agents: 7, batch, ..SETUP }, |it, _| circle(it, 7));
    }
}

#[test]
fn an_agent_writes_to_itself_even_when_its_mailbox_is_full() {
    let shape = Shape { slots: 1, ..SETUP.shape };
    each(Setup { agents: 1, shards: 1, shape, ..SETUP }, |it, _| {
        post(it, &passed(0, 0, Kind::Pass, 50, 1));
        assert_eq!(it.wait_for(1, LONG), 1);
        assert_eq!((it.stats().finished, it.stats().delivered), (1, 51));
        assert_eq!(ledger(it, 0).out_of_order, 0);
    });
}

#[test]
fn it_ends_with_messages_on_their_way() {
    for shards in 1..=3 {
        each(Setup { agents: 5, shards, ..SETUP }, |it, _| {
            for id in 0..20 {
                post(it, &passed(id % 5, (id + 1) % 5, Kind::Pass, u32::MAX, id));
            }
            assert_eq!(it.wait_for(1, SHORT), 0);
        });
    }
}

#[test]
fn it_ends_while_agents_wait_for_each_other() {
    let shape = Shape { slots: 1, ..SETUP.shape };
    each(Setup { agents: 2, shape, ..SETUP }, |it, _| {
        // More than both mailboxes hold: sooner or later each waits for room at the other.
        for id in 0..100 {
            let _ = it.post(&passed(id % 2, (id + 1) % 2, Kind::Pass, u32::MAX, id));
        }
        assert_eq!(it.wait_for(1, SHORT), 0);
    });
}

#[test]
fn it_ends_while_nobody_takes_its_replies() {
    each(SETUP, |it, _| {
        let mut posted = 0;
        while it.post(&message(posted % 3, Kind::Ask, posted)).is_ok() && posted < 100_000 {
            posted += 1;
        }
        assert!(posted < 100_000, "what waits is bounded");
    });
}
