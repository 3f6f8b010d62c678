//! What is offered, from end to end: the plan and the seed fix it, and nothing else does.

use crate::executable::{Said, fresh_out, heard, suite};
use caxton_model::load::frame::LoadLine;
use caxton_model::load::outcome::LoadOutcome;
use caxton_model::record::seconds::{SECONDS_FILE, read};
use caxton_model::record::store::RunFolder;
use std::path::Path;

/// What came of a stage.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct OfStage {
    offered: u64,
    sent_or_dropped: u64,
    due_sum_ns: u64,
}

/// What came of the only load that the bench `scenarios` runs with some words.
struct Offered {
    stages: Vec<OfStage>,
    load: LoadOutcome,
    said: Said,
}

/// The same; none where guests cannot be built.
fn offered(words: &[&str]) -> Option<Offered> {
    let (_folder, out) = fresh_out();
    let words = [&["--bench", "--scale", "quick", "--out", &out], words].concat();
    let said = heard(suite("scenarios"), &words).if_guests_can_be_built()?;
    let record = RunFolder::load_record(Path::new(&out)).expect("a record");
    let [case] = &record.cases[..] else { panic!("{} cases", record.cases.len()) };
    let load = case.load.as_deref().expect("a load").clone();
    let mut stages = vec![OfStage::default(); load.plan.stages.len()];
    let seconds = Path::new(&out).join(&case.profiles.folder).join(SECONDS_FILE);
    let lines = read(&seconds, &load.plan, &mut |line| {
        let LoadLine::Second(frame) = line else { return };
        for (stage, seen) in &frame.stages {
            let of = &mut stages[*stage as usize];
            of.offered += seen.counts.offered;
            of.sent_or_dropped += seen.counts.sent + seen.counts.dropped;
            of.due_sum_ns = of.due_sum_ns.wrapping_add(seen.due_sum_ns);
        }
    });
    lines.expect("seconds");
    Some(Offered { stages, load, said })
}

#[test]
fn one_seed_offers_the_same_messages_at_the_same_instants_and_another_others() {
    let of = |seed: &str| {
        let stages = ["--stage", "name=up,length=1s,rate=0..900", "--stage"];
        let more = ["name=hold,length=1500ms,rate=700", "--arrivals", "poisson", "--agents", "3"];
        offered(&[&stages[..], &more, &["--seed", seed]].concat()).map(|offered| offered.stages)
    };
    let Some(first) = of("5") else { return };
    assert_eq!(Some(&first), of("5").as_ref());
    for stage in &first {
        assert!(stage.offered > 300, "{stage:?}");
        assert_eq!(stage.sent_or_dropped, stage.offered, "each is sent or counted as dropped");
    }
    let other = of("6").expect("the same guests");
    assert!(first.iter().zip(&other).all(|(a, b)| a.due_sum_ns != b.due_sum_ns), "{other:?}");
}

#[test]
fn two_generators_offer_exactly_what_one_does() {
    let nobody = ["generator", "--time", "1s"];
    let stage = "name=hold,length=2s,rate=2000";
    let cat = ["--program", "cat", "--stage", stage, "--arrivals", "poisson", "--slo", "10s"];
    for words in [&nobody[..], &cat] {
        let of = |number: &str| offered(&[words, &["--seed=9", "--generators", number]].concat());
        let (Some(one), Some(two)) = (of("1"), of("2")) else { return };
        assert_eq!(one.stages, two.stages);
        assert!(one.stages[0].offered > 3000, "{:?}", one.stages);
        let counts = two.load.whole.counts;
        assert_eq!(counts.ok + counts.dropped, counts.offered, "{counts:?}");
        let times = two.load.whole.response.n;
        assert_eq!(times, counts.ok, "the times of both are there");
        assert_eq!([&one, &two].map(|of| of.load.segments[0].generators), [1, 2]);
        assert!(two.said.stdout.contains("2 generators shared its schedule"), "{:?}", two.said);
    }
}

#[test]
fn where_one_thread_has_the_way_to_the_target_several_generators_are_refused() {
    let stage = ["--stage", "name=hold,length=1s,rate=5"];
    let table: [(&[&str], &str); 4] = [
        (&["--generators", "2"], "host side is one thread's"),
        (&["--generators", "0"], "write 1 to 64"),
        (&["--generators", "65", "--program", "cat"], "write 1 to 64"),
        (&["--generators", "2", "--closed", "5"], "--closed"),
    ];
    for (words, why) in table {
        let words = [&["--bench"], &stage[..], words].concat();
        let said = heard(suite("scenarios"), &words).ended(2);
        assert!(said.stderr.contains(why), "{words:?}: {}", said.stderr);
    }
}
