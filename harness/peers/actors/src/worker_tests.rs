//! Sides take turns, each window is told, and a side that delivers wrong is the last one named.

use super::*;
use crate::frameworks::channel::Channel;
use crate::frameworks::kameo::Kameo;
use crate::peer::{Framework, Peer};
use crate::plan::PeerWindows;
use caxton_bench::guest::files::AgentFiles;
use caxton_bench::job::MailLoad;
use caxton_runtime::orchestrator::{PostError, Setup, Stats};
use caxton_runtime::subject::mail::Shape;
use std::collections::BTreeMap;
use std::time::Duration;

const LOAD: MailLoad = MailLoad { agents: 3, per_agent: 2, bytes: 256, slots: 32, batch: 1 };

fn launch(sides: &[PeerSide]) -> PeersLaunch {
    PeersLaunch {
        number: 4,
        seed: 1,
        agents: LOAD.agents,
        windows: PeerWindows { bytes: LOAD.bytes, count: 2, ms: 1 },
        sides: sides.to_vec(),
        files: AgentFiles::default(),
    }
}

fn participant<F: Framework + 'static>(side: PeerSide) -> Participant {
    let shape = Shape::of(LOAD.slots, LOAD.bytes);
    let setup = Setup { agents: LOAD.agents, shards: 2, shape, batch: 1 };
    let orchestrator = Box::new(Peer::<F>::start(setup).expect("a framework starts"));
    let traffic = Traffic::new(LOAD, &mut Rng::with_seed(1));
    Participant { side, orchestrator, traffic }
}

/// Counts a message that nobody sent.
struct Miscounting(Box<dyn Orchestrator>);

impl Orchestrator for Miscounting {
    fn post(&mut self, message: &[u8]) -> Result<(), PostError> {
        self.0.post(message)
    }

    fn replies(&mut self, take: &mut dyn FnMut(&[u8])) -> usize {
        self.0.replies(take)
    }

    fn wait_for(&mut self, messages: u64, time: Duration) -> u64 {
        self.0.wait_for(messages, time)
    }

    fn stats(&mut self) -> Stats {
        let stats = self.0.stats();
        Stats { delivered: stats.delivered + 1, ..stats }
    }
}

fn played(participants: Vec<Participant>) -> (Attempt<()>, Vec<PeersEvent>) {
    let sides: Vec<PeerSide> = participants.iter().map(|one| one.side).collect();
    let mut events = Vec::new();
    let mut rng = Rng::with_seed(2);
    let ended = play(&launch(&sides), participants, &mut rng, &mut |event| events.push(event));
    (ended, events)
}

#[test]
fn each_window_of_the_subject_is_of_every_case_and_counts_are_exact() {
    let participants = vec![
        participant::<Channel>(SUBJECT),
        participant::<Channel>(PeerSide::Channel),
        participant::<Kameo>(PeerSide::Kameo),
    ];
    let (ended, events) = played(participants);
    assert_eq!(ended, Ok(()));
    let mut told: BTreeMap<(String, &str), Vec<u64>> = BTreeMap::new();
    for event in &events {
        let PeersEvent::Sample(sample) = event else { continue };
        assert_eq!(sample.launch, 4);
        let key = (sample.case.subject.clone(), sample.metric.as_str());
        told.entry(key).or_default().push(sample.value);
    }
    for subject in ["reference-vs-channel", "reference-vs-kameo"] {
        let of = |metric| told[&(subject.to_owned(), metric)].as_slice();
        for probe in [YARDSTICK, LATENCY] {
            assert_eq!(of(probe).len(), 3, "{subject}: {probe} around two windows");
        }
        for metric in [
            "subject_message_ns",
            "peer_message_ns",
            "subject_message_cpu_ns",
            "peer_message_cpu_ns",
        ] {
            assert_eq!(of(metric).len(), 2, "{subject}: {metric}");
        }
        for metric in ["dropped_messages", "out_of_order_messages", "corrupt_messages"] {
            assert_eq!(of(metric), [0], "{subject}: {metric}");
        }
        assert_eq!(of("in_flight_messages"), [6]);
    }
}

#[test]
fn a_side_that_counts_wrong_ends_the_launch_in_its_turn() {
    let mut wrong = participant::<Channel>(PeerSide::Channel);
    wrong.orchestrator = Box::new(Miscounting(wrong.orchestrator));
    let (ended, events) = played(vec![participant::<Kameo>(SUBJECT), wrong]);
    assert!(matches!(ended, Err(Outcome::WrongAnswer(_))), "{ended:?}");
    let turn = events.iter().rev().find(|event| matches!(event, PeersEvent::Turn(_)));
    assert_eq!(turn, Some(&PeersEvent::Turn(PeerSide::Channel)));
}
