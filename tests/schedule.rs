//! What is offered, from end to end: the plan and the seed fix it, and nothing else does.

use crate::executable::{fresh_out, heard, suite};
use caxton_model::load::frame::LoadLine;
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

/// What came of each stage of the only load that the bench `scenarios` runs with `words`; none
/// where guests cannot be built.
fn stages_of(words: &[&str]) -> Option<Vec<OfStage>> {
    let (_folder, out) = fresh_out();
    let words = [&["--bench", "--scale", "quick", "--out", &out], words].concat();
    heard(suite("scenarios"), &words).if_guests_can_be_built()?;
    let record = RunFolder::load_record(Path::new(&out)).expect("a record");
    let [case] = &record.cases[..] else { panic!("{} cases", record.cases.len()) };
    let plan = &case.load.as_ref().expect("a load").plan;
    let mut all = vec![OfStage::default(); plan.stages.len()];
    let seconds = Path::new(&out).join(&case.profiles.folder).join(SECONDS_FILE);
    let lines = read(&seconds, plan, &mut |line| {
        let LoadLine::Second(frame) = line else { return };
        for (stage, seen) in &frame.stages {
            let of = &mut all[*stage as usize];
            of.offered += seen.counts.offered;
            of.sent_or_dropped += seen.counts.sent + seen.counts.dropped;
            of.due_sum_ns = of.due_sum_ns.wrapping_add(seen.due_sum_ns);
        }
    });
    lines.expect("seconds");
    Some(all)
}

#[test]
fn one_seed_offers_the_same_messages_at_the_same_instants_and_another_others() {
    let of = |seed: &str| {
        let stages = ["--stage", "name=up,length=1s,rate=0..900", "--stage"];
        let more = ["name=hold,length=1500ms,rate=700", "--arrivals", "poisson", "--agents", "3"];
        stages_of(&[&stages[..], &more, &["--seed", seed]].concat())
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
