//! A run reads back as it was measured; a side that fails costs its own cases.

use super::*;
use caxton_analysis::requirements::grade;
use caxton_model::metric::MetricName;

fn plan(launches: u32) -> PeersPlan {
    let windows = crate::plan::PeerWindows { bytes: 1024, count: 3, ms: 200 };
    PeersPlan { agents: vec![10, 1_000], launches, windows, seed: 7 }
}

/// A launch in which a message takes the reference `own` ns, and each peer 300.
fn fine(order: &PeersLaunch, own: u64) -> LaunchEnd {
    let mut events = vec![PeersEvent::Tier("fast".to_owned())];
    events.extend(order.sides.iter().map(|side| PeersEvent::Turn(*side)));
    for (_, case) in order.cases() {
        let counts = ["dropped_messages", "out_of_order_messages", "corrupt_messages"];
        let counts = counts.map(|metric| (metric, 0, 0)).into_iter();
        // No two launches are quite the same.
        let noise = u64::from(order.number);
        let times = (0..order.windows.count).flat_map(|block| {
            [("subject_message_ns", block, own + noise), ("peer_message_ns", block, 300 + noise)]
        });
        for (metric, block, value) in times.chain(counts) {
            let metric = MetricName::parse(metric).expect("a row");
            let (case, launch) = (case.clone(), order.number);
            let sample = Sample { case, launch, metric, block, index: 0, iterations: 1, value };
            events.push(PeersEvent::Sample(sample));
        }
    }
    LaunchEnd { events, outcome: Outcome::Ran }
}

fn ends(side: PeerSide, outcome: Outcome) -> LaunchEnd {
    LaunchEnd { events: vec![PeersEvent::Turn(side)], outcome }
}

/// The record of a run, read back, and how many of its cases failed.
fn run(launches: u32, launcher: Launcher<'_>) -> (Record, usize) {
    let root = tempfile::tempdir().expect("a temporary folder");
    let record = first_page(root.path(), vec!["scripts/peers".to_owned()], 7);
    let path = root.path().join("run");
    let files = AgentFiles::default();
    let run = PeersRun::begin(&path, record, plan(launches), files, launcher);
    let mut run = run.expect("a fresh folder");
    let failed = run.all().expect("launches start");
    drop(run);
    let (record, samples) = RunFolder::load(&path).expect("a run of ours");
    assert!(!samples.is_empty());
    (record, failed)
}

fn of(record: &Record, peer: PeerSide, agents: u32) -> &CaseRecord {
    let key = crate::plan::case(peer, agents, 1024);
    record.cases.iter().find(|case| case.key == key).expect("a planned case")
}

#[test]
fn a_run_reads_back_with_an_interval_over_its_launches_and_judges_the_reference() {
    let (record, failed) = run(6, &|order| Ok(fine(order, 100)));
    assert_eq!((failed, record.run.status), (0, Status::Finished));
    assert_eq!(record.cases.len(), 12);
    for case in &record.cases {
        let rate = case.metric("subject_to_peer_rate").expect("both sides");
        let interval = rate.interval.expect("6 launches");
        assert!(rate.n == 6 && interval.lower > 2.8 && interval.upper < 3.01, "{rate:?}");
        assert_eq!(case.metric("dropped_messages").expect("counted").estimate, 0.0);
        assert_eq!(case.findings["tier"], "fast");
    }
    assert_eq!(of(&record, PeerSide::NativeTokio, 10).findings["copies"], "2");
    let versions = ["actix", "kameo", "ractor"].map(|name| record.engine[name].as_str());
    assert_eq!(versions, ["0.13.5", "0.22.2", "0.16.5"]);
    // Two sizes, four frameworks.
    let verdicts = grade(&record);
    assert_eq!(verdicts.len(), 8);
    assert!(verdicts.iter().all(|one| one.verdict.why().is_none()), "{verdicts:?}");
}

#[test]
fn a_side_that_delivers_wrong_costs_its_own_case() {
    let wrong = Outcome::WrongAnswer("1 message twice".to_owned());
    let (record, failed) = run(2, &|order| {
        let is_wrong = order.agents == 10 && order.number == 1;
        Ok(match order.sides.contains(&PeerSide::Kameo) && is_wrong {
            true => ends(PeerSide::Kameo, wrong.clone()),
            false => fine(order, 100),
        })
    });
    assert_eq!(failed, 1);
    let kameo = of(&record, PeerSide::Kameo, 10);
    assert_eq!((&kameo.outcome, kameo.metrics.len()), (&wrong, 0));
    for (peer, agents) in [(PeerSide::Kameo, 1_000), (PeerSide::Actix, 10)] {
        let case = of(&record, peer, agents);
        assert_eq!((&case.outcome, case.launches.granted), (&Outcome::Ran, 2));
    }
}

#[test]
fn without_the_reference_a_population_has_no_figures_and_the_next_one_is_run() {
    let (record, failed) = run(2, &|order| {
        let died = Outcome::DiedInTheMiddle("crashed (SIGSEGV)".to_owned());
        Ok(if order.agents == 10 { ends(SUBJECT, died) } else { fine(order, 100) })
    });
    assert_eq!(failed, PEERS.len());
    assert_eq!(of(&record, PeerSide::Channel, 1_000).outcome, Outcome::Ran);
}

#[test]
fn the_versions_are_those_of_the_lock_file() {
    assert!(lock_file::version(LOCK_FILE, "tokio").starts_with("1."));
    assert_eq!(lock_file::version(LOCK_FILE, "no-such-package"), "unknown");
}
