//! Death and return, exact: a held agent's mail is as many messages as the test posted.

use super::shared::SHARE;
use super::*;
use crate::orchestrator::contract::{
    LONG, PATIENT, SETUP, SHORT, answers, hold, in_time, ledger, message, passed, post,
    take_replies,
};
use crate::orchestrator::supervision::{Delivery, Intensity};
use crate::subject::mail::Shape;
use crate::subject::scripted_mail::ScriptedMail;
use agent_abi::mail::Kind;

type It = Reference<ScriptedMail>;

const ONCE: Supervision =
    Supervision { delivery: Delivery::AtMostOnce, checkpoint_every: None, ..PATIENT };
const AGAIN: Supervision = Supervision { checkpoint_every: None, ..PATIENT };

/// Runs `test` on what these make; fails if it does not end.
fn with(setup: Setup, supervision: Supervision, test: fn(&mut It, &ScriptedMail)) {
    in_time(&format!("{supervision:?} with {setup:?}"), move || {
        let subject = ScriptedMail::default();
        let started = Reference::start(&subject, setup, supervision);
        test(&mut started.expect("all agents are there"), &subject);
        assert_eq!(subject.desk.lives.load(Ordering::SeqCst), 0, "agents outlive it");
    });
}

/// The same with batches that hold all, some, or one of the messages, and with mailboxes that are
/// too small for what is handed out again.
fn with_all(supervision: Supervision, test: fn(&mut It, &ScriptedMail)) {
    for (batch, slots) in [(16, 16), (1, 16), (3, 16), (3, 2), (1, 1)] {
        let shape = Shape { slots, ..SETUP.shape };
        with(Setup { batch, shape, ..SETUP }, supervision, test);
    }
}

/// Holds agent 0 while it gets three messages, one of `fatal`, and four more.
fn three_fatal_four(it: &mut It, subject: &ScriptedMail, fatal: Kind) {
    hold(it, 0, subject);
    (1..=3).for_each(|id| post(it, &message(0, Kind::Pass, id)));
    post(it, &message(0, fatal, 4));
    (5..=8).for_each(|id| post(it, &message(0, Kind::Pass, id)));
    subject.desk.open();
}

#[test]
fn each_fault_costs_one_agent_one_message() {
    with(SETUP, ONCE, |it, _| {
        for (n, kind) in (1..).zip([Kind::Trap, Kind::Oversize, Kind::Wild]) {
            post(it, &message(1, kind, 1));
            assert_eq!(it.wait_for(n, LONG), n);
            assert!((0..3).all(|agent| answers(it, agent)));
            let stats = it.stats();
            assert_eq!((stats.failures, stats.restarts), (n, n), "{kind:?}");
            assert_eq!((stats.lost, stats.gone(), stats.escalated), (n, n, 0));
        }
    });
}

#[test]
fn an_agent_may_die_so_often_and_no_more() {
    let intensity = Intensity { restarts: 2, period_ns: u64::MAX };
    with(SETUP, Supervision { intensity, ..ONCE }, |it, _| {
        (1..=3).for_each(|id| post(it, &message(1, Kind::Trap, id)));
        assert_eq!(it.wait_for(3, LONG), 3);
        post(it, &message(1, Kind::Ask, 4));
        assert_eq!(it.wait_for(4, LONG), 4);
        let stats = it.stats();
        assert_eq!((stats.failures, stats.restarts, stats.escalated), (3, 2, 1));
        assert_eq!((stats.lost, stats.undeliverable), (3, 1));
        assert!(answers(it, 0) && answers(it, 2));
        assert!(it.with_agent(1, |_| ()).is_err() && it.with_agent(0, |_| ()).is_ok());
    });
}

#[test]
fn what_waits_for_an_agent_that_stays_dead_is_lost() {
    for delivery in [Delivery::AtMostOnce, Delivery::AtLeastOnce] {
        with_all(Supervision { delivery, ..Supervision::NONE }, |it, subject| {
            three_fatal_four(it, subject, Kind::Trap);
            assert_eq!(it.wait_for(8, LONG), 8);
            let stats = it.stats();
            assert_eq!((stats.finished, stats.lost + stats.undeliverable), (3, 5), "{stats:?}");
            assert_eq!((stats.delivered, stats.redelivered), (4, 0));
            assert_eq!((stats.failures, stats.escalated), (1, 1));
        });
    }
}

#[test]
fn at_most_once_loses_the_message_that_killed_and_no_other() {
    with_all(ONCE, |it, subject| {
        three_fatal_four(it, subject, Kind::Trap);
        assert_eq!(it.wait_for(8, LONG), 8);
        let stats = it.stats();
        assert_eq!((stats.finished, stats.delivered), (7, 1 + 7));
        assert_eq!((stats.lost, stats.gone()), (1, 1));
        assert_eq!((stats.redelivered, stats.duplicated), (0, 0));
        assert_eq!((stats.failures, stats.restarts), (1, 1));
        assert_eq!(take_replies(it, 1), [3_000_000]);
        assert_eq!(ledger(it, 0).received, 4, "a fresh agent got the rest");
    });
}

#[test]
fn at_least_once_hands_out_all_since_the_checkpoint() {
    with_all(AGAIN, |it, subject| {
        post(it, &message(0, Kind::Pass, 100));
        post(it, &message(0, Kind::Pass, 101));
        assert_eq!(it.wait_for(2, LONG), 2);
        it.checkpoint(0).unwrap();
        subject.desk.deaths.store(1, Ordering::SeqCst);
        three_fatal_four(it, subject, Kind::Exhaust);
        // Before the checkpoint, before the death, those again, and after it.
        assert_eq!(it.wait_for(12, LONG), 2 + 3 + 3 + 4);
        // The held one is answered twice, the one that killed at the second time.
        let mut replies = take_replies(it, 3);
        replies.sort_unstable();
        assert_eq!(replies, [4, 3_000_000, 3_000_000]);
        let stats = it.stats();
        assert_eq!((stats.redelivered, stats.duplicated, stats.gone()), (5, 4, 0));
        assert_eq!((stats.finished, stats.delivered), (12, 2 + 4 + 5 + 4));
        assert_eq!((stats.failures, stats.restarts), (1, 1));
        assert_eq!(ledger(it, 0).received, 9, "in the state each is there once");
    });
}

#[test]
fn a_message_that_kills_twice_is_not_handed_out_again() {
    for (kind, delivered) in [(Kind::Trap, 0), (Kind::Wild, 2)] {
        in_time(&format!("{kind:?}"), move || {
            let subject = &ScriptedMail::default();
            let it = &mut Reference::start(subject, SETUP, AGAIN).unwrap();
            post(it, &message(0, Kind::Pass, 1));
            assert_eq!(it.wait_for(1, LONG), 1);
            post(it, &message(0, kind, 2));
            assert_eq!(it.wait_for(4, LONG), 4);
            assert_eq!(ledger(it, 0).received, 1);
            let stats = it.stats();
            assert_eq!((stats.lost, stats.gone(), stats.failures), (1, 1, 2), "{kind:?}");
            // The first one twice, and once the one that killed.
            assert_eq!((stats.redelivered, stats.duplicated), (3, 2), "{kind:?}");
            assert_eq!((stats.finished, stats.delivered), (3, 3 + 1 + delivered), "{kind:?}");
        });
    }
}

#[test]
fn a_twice_fatal_message_among_others_is_lost_alone() {
    with_all(AGAIN, |it, subject| {
        three_fatal_four(it, subject, Kind::Trap);
        // Three before each of two deaths, and again after the second one; then four, and the lost.
        assert_eq!(it.wait_for(14, LONG), 3 + 3 + 3 + 4 + 1);
        assert_eq!(ledger(it, 0).received, 7);
        let stats = it.stats();
        assert_eq!((stats.failures, stats.restarts, stats.lost), (2, 2, 1));
        assert_eq!((stats.redelivered, stats.duplicated), (5 + 4, 4 + 4));
        assert_eq!((stats.finished, stats.gone()), (13, 1));
    });
}

#[test]
fn mail_that_is_handed_out_again_keeps_its_order() {
    with_all(AGAIN, |it, subject| {
        subject.desk.deaths.store(1, Ordering::SeqCst);
        // Agent 1 numbers what it passes to agent 0, which finds each number in its turn.
        for id in 0..40 {
            post(it, &passed(1, 0, Kind::Pass, 1, id));
            if id % 10 == 9 {
                post(it, &message(0, Kind::Exhaust, 1000 + id));
            }
            if id == 19 {
                while it.stats().failures < 1 {
                    thread::yield_now();
                }
                subject.desk.deaths.store(1, Ordering::SeqCst);
            }
        }
        while ledger(it, 0).received < 40 || it.stats().failures < 2 {
            thread::yield_now();
        }
        let told = ledger(it, 0);
        assert_eq!((told.received, told.out_of_order, told.corrupt), (40, 0, 0));
        let stats = it.stats();
        assert_eq!((stats.failures, stats.restarts, stats.gone()), (2, 2, 0));
    });
}

#[test]
fn much_mail_again_does_not_make_agents_wait_for_each_other() {
    for shards in [1, 2] {
        let shape = Shape { slots: 4, ..SETUP.shape };
        with(Setup { shards, shape, ..SETUP }, AGAIN, |it, subject| {
            let hops = 200;
            (0..4).for_each(|id| post(it, &passed(0, 1, Kind::Pass, hops, id)));
            assert_eq!(it.wait_for(4, LONG), 4);
            subject.desk.deaths.store(1, Ordering::SeqCst);
            (4..7).for_each(|id| post(it, &passed(0, 1, Kind::Pass, hops, id)));
            post(it, &message(0, Kind::Exhaust, 9));
            assert_eq!(take_replies(it, 1), [9]);
            let again = it.stats().duplicated;
            assert!(again >= 4 * u64::from(hops) / 2, "{again}");
            // What was handled before goes the rest of its way once more.
            assert_eq!(it.wait_for(7 + again, LONG), 7 + again);
            assert!(it.stats().gone() == 0 && answers(it, 0) && answers(it, 1));
        });
    }
}

#[test]
fn a_checkpoint_brings_the_state_back() {
    with(SETUP, ONCE, |it, _| {
        (0..3).for_each(|id| post(it, &message(0, Kind::Pass, id)));
        assert_eq!(it.wait_for(3, LONG), 3);
        it.checkpoint(0).unwrap();
        (3..5).for_each(|id| post(it, &message(0, Kind::Pass, id)));
        assert_eq!((it.wait_for(5, LONG), ledger(it, 0).received), (5, 5));
        post(it, &message(0, Kind::Trap, 9));
        assert_eq!((it.wait_for(6, LONG), ledger(it, 0).received), (6, 3));
        assert!(it.checkpoint(9).is_err(), "there is no such agent");
    });
}

#[test]
fn checkpoints_are_taken_every_so_many_messages() {
    let every = Supervision { checkpoint_every: Some(2), ..ONCE };
    with(SETUP, every, |it, _| {
        for id in 1..=5 {
            post(it, &message(0, Kind::Pass, id));
            assert_eq!(it.wait_for(id.into(), LONG), u64::from(id));
        }
        post(it, &message(0, Kind::Trap, 6));
        assert_eq!((it.wait_for(6, LONG), ledger(it, 0).received), (6, 4));
    });
}

#[test]
fn an_agent_that_cannot_be_had_again_stays_dead() {
    with(SETUP, AGAIN, |it, subject| {
        it.checkpoint(1).unwrap();
        subject.desk.is_bare.store(true, Ordering::SeqCst);
        post(it, &message(0, Kind::Trap, 1));
        assert_eq!(it.wait_for(1, LONG), 1);
        let stats = it.stats();
        assert_eq!((stats.failures, stats.restarts, stats.escalated), (1, 0, 1));
        assert_eq!((stats.lost, stats.redelivered), (1, 0));
        assert!(it.checkpoint(0).is_err(), "it is not run any more");
        assert!(it.checkpoint(1).is_ok());
        assert!(answers(it, 2));
    });
}

#[test]
fn a_death_is_told_with_its_times() {
    with(SETUP, ONCE, |it, subject| {
        three_fatal_four(it, subject, Kind::Trap);
        assert_eq!(it.wait_for(8, LONG), 8);
        assert!(answers(it, 0));
        let incidents = it.incidents();
        let [incident] = &incidents[..] else { panic!("{incidents:?}") };
        assert_eq!((incident.agent, &incident.why[..]), (0, "trap"));
        let times = [
            Some(incident.called_ns),
            Some(incident.seen_ns),
            incident.restarted_ns,
            incident.succeeded_ns,
            incident.caught_up_ns,
        ];
        assert!(times.is_sorted() && times.iter().all(Option::is_some), "{incident:?}");
        assert_eq!(it.incidents(), []);
        post(it, &message(2, Kind::Oversize, 1));
        assert_eq!(it.wait_for(9, LONG), 9);
        assert!(answers(it, 2) && it.incidents()[0].why.contains("left no message"));
    });
}

/// How agent 0 stands in its shard.
#[derive(Debug, PartialEq, Eq)]
struct Standing {
    is_blocked: bool,
    has_mail: bool,
    /// Agents that its shard will come to next.
    queued: usize,
    journal: usize,
}

fn standing(it: &It) -> Standing {
    let told = it.ask(0, |shard| Standing {
        is_blocked: shard.books[0].is_blocked,
        has_mail: !shard.books[0].mail.is_empty(),
        queued: shard.queue.len(),
        journal: shard.agents[0].file.journal.len(),
    });
    told.recv().expect("the shard runs")
}

/// Has agent 0 answer until nothing more fits the lane to the host, of whom nobody takes replies.
fn blocked(it: &mut It) -> Standing {
    let mut id = 0;
    loop {
        match it.post(&message(0, Kind::Ask, id)) {
            Ok(()) => id += 1,
            Err(PostError::Full) => {
                let standing = standing(it);
                if standing.is_blocked && standing.has_mail {
                    return standing;
                }
            }
            Err(why) => panic!("{why}"),
        }
    }
}

#[test]
fn a_shard_does_not_come_to_an_agent_that_waits_for_room() {
    with(SETUP, Supervision::NONE, |it, _| {
        assert_eq!(blocked(it).queued, 0);
        assert!(!take_replies(it, LANE).is_empty());
        assert!(answers(it, 0), "it goes on when there is room");
    });
}

#[test]
fn an_agent_that_always_waits_is_checkpointed_too() {
    with(SETUP, PATIENT, |it, _| {
        let journal = blocked(it).journal;
        let every = PATIENT.checkpoint_every.expect("it has checkpoints") as usize;
        assert!(journal < every + SETUP.batch as usize, "{journal} messages for a successor");
    });
}

#[test]
fn an_agent_that_stays_dead_loses_what_it_spoilt_besides() {
    for delivery in [Delivery::AtMostOnce, Delivery::AtLeastOnce] {
        with(SETUP, Supervision { delivery, ..Supervision::NONE }, |it, subject| {
            hold(it, 0, subject);
            (1..=3).for_each(|id| post(it, &message(0, Kind::Wild, id)));
            subject.desk.open();
            // The reply to the one that it was held in is no message that is waited for.
            assert_eq!(it.wait_for(3, LONG), 3);
            let stats = it.stats();
            assert_eq!((stats.lost + stats.undeliverable, stats.finished), (3, 0), "{stats:?}");
            assert_eq!((stats.failures, stats.escalated, stats.duplicated), (1, 1, 0));
        });
    }
}

#[test]
fn what_was_spoilt_is_not_handled_twice() {
    with(SETUP, AGAIN, |it, subject| {
        hold(it, 0, subject);
        (1..=3).for_each(|id| post(it, &message(0, Kind::Wild, id)));
        subject.desk.open();
        assert_eq!(it.wait_for(3, LONG), 3);
        assert!(answers(it, 0));
        let stats = it.stats();
        // Each of them was lost, none handled; the held one was answered before each death.
        assert_eq!((stats.lost, stats.finished), (3, 0), "{stats:?}");
        assert_eq!(stats.duplicated, stats.failures, "{stats:?}");
    });
}

#[test]
fn a_request_finds_its_reply_among_others() {
    with(SETUP, Supervision::NONE, |it, _| {
        (0..5).for_each(|id| post(it, &message(1, Kind::Ask, id)));
        let reply = it.request(&message(1, Kind::Ask, 77), LONG).unwrap();
        assert_eq!(Header::read(&reply).unwrap().id, 77);
        assert_eq!(take_replies(it, 5), [0, 1, 2, 3, 4], "in the order in which they were sent");
    });
}

#[test]
fn a_request_without_an_answer_ends() {
    with(SETUP, Supervision::NONE, |it, _| {
        let silent = message(0, Kind::Pass, 1);
        assert_eq!(it.request(&silent, SHORT), Err(RequestError::TimedOut(SHORT)));
        let stranger = Err(RequestError::Post(PostError::NoSuchAgent(3)));
        assert_eq!(it.request(&message(3, Kind::Ask, 1), LONG), stranger);
        assert!(answers(it, 0));
    });
}

#[test]
fn one_agent_more_is_like_the_others() {
    for supervision in [Supervision::NONE, PATIENT] {
        with(SETUP, supervision, |it, subject| {
            for agent in 3..80 {
                let early = it.post(&message(agent, Kind::Ask, 1));
                assert_eq!(early, Err(PostError::NoSuchAgent(agent)));
                assert_eq!((it.spawn().unwrap(), it.agents()), (agent, agent + 1));
                post(it, &passed(0, agent, Kind::Pass, 3, agent));
            }
            assert_eq!(it.wait_for(77, LONG), 77);
            assert!((0..80).all(|agent| answers(it, agent)));
            assert!((3..80).all(|agent| ledger(it, agent).received == 2));
            subject.desk.is_bare.store(true, Ordering::SeqCst);
            assert_eq!(it.spawn(), Err(Outcome::Refused("no more agents".to_owned())));
            assert!(it.agents() == 80 && answers(it, 2));
        });
    }
}

#[test]
fn letters_are_used_again_whatever_became_of_their_messages() {
    for supervision in [ONCE, AGAIN, PATIENT, Supervision::NONE] {
        with(SETUP, supervision, |it, _| {
            let is_supervised = it.shared.supervision != Supervision::NONE;
            for round in 1..=300 {
                for kind in [Kind::Pass, Kind::Stray, Kind::Trap] {
                    (0..3).for_each(|agent| post(it, &message(agent, kind, round)));
                }
                it.wait_for(u64::from(round) * 9, LONG);
                for agent in (0..3).filter(|_| is_supervised) {
                    assert!(answers(it, agent) && it.checkpoint(agent).is_ok());
                }
            }
            // Each of three threads may keep a share that nobody else needs.
            let letters = it.shared.arena.letters() as usize;
            assert!(letters < 3 * SHARE + 100, "{letters} letters for rounds of nine messages");
        });
    }
}
