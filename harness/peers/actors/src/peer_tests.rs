//! Each framework delivers every message.

use super::*;
use crate::frameworks::actix::Actix;
use crate::frameworks::channel::Channel;
use crate::frameworks::kameo::Kameo;
use crate::frameworks::ractor::Ractor;
use caxton_bench::job::MailLoad;
use caxton_bench::workload::mail::traffic::Traffic;
use caxton_runtime::subject::mail::Shape;

const BYTES: u32 = 256;

fn load(agents: u32, per_agent: u32) -> MailLoad {
    MailLoad { agents, per_agent, bytes: BYTES, slots: 32, batch: 1 }
}

fn peer<F: Framework>(agents: u32) -> Peer<F> {
    let shape = Shape::of(32, BYTES);
    let setup = Setup { agents, shards: 2, shape, batch: 1 };
    Peer::start(setup).unwrap()
}

fn delivers<F: Framework>() {
    for (agents, hops) in [(1, 3), (7, 21), (300, 5)] {
        let mut peer = peer::<F>(agents);
        let mut rng = fastrand::Rng::with_seed(u64::from(agents));
        let mut traffic = Traffic::new(load(agents, 8), &mut rng);
        traffic.set_hops(hops);
        for _ in 0..3 {
            traffic.window(&mut peer).unwrap();
        }
        let ledger = traffic.verify(&mut peer).unwrap();
        assert_eq!(ledger.received, 3 * traffic.deliveries());
        assert_eq!((ledger.out_of_order, ledger.corrupt), (0, 0));
        assert_eq!(peer.stats().finished, 3 * traffic.in_flight());
    }
}

#[test]
fn channels_deliver_every_message() {
    delivers::<Channel>();
}

#[test]
fn ractor_delivers_every_message() {
    delivers::<Ractor>();
}

#[test]
fn kameo_delivers_every_message() {
    delivers::<Kameo>();
}

#[test]
fn actix_delivers_every_message() {
    delivers::<Actix>();
}

#[test]
fn a_message_that_was_not_sent_is_missed() {
    let mut peer = peer::<Channel>(4);
    let mut rng = fastrand::Rng::with_seed(1);
    let mut traffic = Traffic::new(load(4, 2), &mut rng);
    traffic.window(&mut peer).unwrap();
    let mut other = Traffic::new(load(4, 2), &mut rng);
    other.window(&mut peer).unwrap();
    assert!(matches!(traffic.verify(&mut peer), Err(Outcome::WrongAnswer(_))));
}

#[test]
fn what_is_no_message_is_not_taken() {
    let mut peer = peer::<Channel>(2);
    assert_eq!(peer.post(&[0; 64]), Err(PostError::NoMessage));
}
