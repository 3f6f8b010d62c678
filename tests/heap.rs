//! The bench that counts allocations, from end to end: its files, its numbers, and that no other
//! bench pretends to have them.

use crate::executable::{Kept, root, smoke_of_heap, word};
use caxton_analysis::sites::call_sites;
use caxton_model::case::Outcome;
use caxton_model::profile::{Profile, SampleWeight};
use serde_json::Value;
use std::fs;
use std::path::Path;

/// A small run of two agents and a guest that grows by a page per message.
fn run() -> Option<Kept> {
    let guest = word(&root().join("tests/fixtures/guests/growing.wat"));
    let kept = smoke_of_heap(&["--agent", "alloc", "--agent", "echo", "--guest", &guest])?;
    assert_eq!(kept.said.code, Some(0), "{}", kept.said.stderr);
    Some(kept)
}

fn json(path: &Path) -> Value {
    let text = fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_slice(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The sum of a field over the call sites of a DHAT file.
fn sum(dhat: &Value, field: &str) -> u64 {
    let sites = dhat["pps"].as_array().expect("call sites");
    sites.iter().map(|site| site[field].as_u64().expect("a number")).sum()
}

#[test]
fn phases_are_apart_and_their_files_say_what_the_record_says() {
    let Some(kept) = run() else { return };
    let Kept { record, samples, out, .. } = &kept;
    assert!(record.cases.iter().all(|case| case.outcome == Outcome::Ran), "{:?}", record.cases);
    for agent in ["alloc", "echo", "growing"] {
        let folder = Path::new(out).join("heap").join(agent);
        for phase in ["compile", "instantiate", "run"] {
            let dhat = json(&folder.join(format!("{phase}.dhat.json")));
            assert_eq!((&dhat["dhatFileVersion"], &dhat["mode"]), (&2.into(), &"rust-heap".into()));
            let metric = format!("heap_{phase}_total_bytes");
            let told =
                samples.iter().find(|s| s.metric.as_str() == metric && s.case.agent == agent);
            assert_eq!(sum(&dhat, "tb"), told.expect("one per phase").value, "{agent} {phase}");
        }
        let bytes = |phase| sum(&json(&folder.join(format!("{phase}.dhat.json"))), "tb");
        assert!(bytes("compile") > bytes("instantiate"), "{agent}");
        assert!(bytes("instantiate") > 0, "{agent}");
        // In steady state nothing is left to be allocated by the host; growing memory is mapped.
        assert_eq!(bytes("run"), 0, "{agent}");
        assert!(folder.join("growth.svg").is_file());
    }
}

#[test]
fn agents_that_opt_in_tell_their_call_sites_and_the_others_say_so() {
    let Some(kept) = run() else { return };
    let Kept { record, out, .. } = &kept;
    let of =
        |agent: &str| record.cases.iter().find(|case| case.key.agent == agent).expect("planned");
    let exact = |metric| of("alloc").metric(metric).expect("counted").estimate;
    // 400 nodes with a label, a block and a second block for every fourth, as its source says.
    assert!(exact("guest_heap_blocks") > 1200.0);
    assert_eq!(exact("guest_heap_blocks"), exact("native_heap_blocks"));
    assert!(of("alloc").metric("heap_counting_to_plain_time").expect("timed").estimate > 0.0);
    let path = Path::new(out).join("heap/alloc/guest.profile.json");
    let profile: Profile = serde_json::from_value(json(&path)).expect("a profile");
    let weight: u64 = profile.samples.iter().map(|sample| sample.weight).sum();
    let counted = exact("guest_heap_bytes") * profile.about.messages as f64;
    assert!((weight as f64 - counted).abs() <= 2048.0, "{weight} of {counted}");
    assert_eq!((profile.weight, profile.health.unresolved), (SampleWeight::Bytes, 0));
    let sites = call_sites(&profile);
    let own = |site: &&caxton_analysis::sites::CallSite<'_>| {
        let file = site.frame.and_then(|frame| frame.file.as_deref());
        file.is_some_and(|file| file.ends_with("agents-wasm/alloc/src/lib.rs"))
    };
    let own: u64 = sites.iter().filter(own).map(|site| site.weight).sum();
    assert!(own * 10 > weight * 9, "{own} of {weight} in its own source: {sites:?}");
    for agent in ["echo", "growing"] {
        let missing = of(agent).metric("guest_heap_bytes").expect_err("not counted");
        assert!(missing.to_string().len() > 20, "{agent}: {missing}");
    }
}

#[test]
fn a_guest_that_grows_is_told_page_by_page() {
    let Some(Kept { samples, .. }) = run() else { return };
    let growing = |metric: &str| -> Vec<u64> {
        let own = samples.iter().filter(|sample| sample.case.agent == "growing");
        own.filter(|sample| sample.metric.as_str() == metric).map(|sample| sample.value).collect()
    };
    assert_eq!(growing("guest_memory_new_bytes"), [2 << 16]);
    assert_eq!(growing("guest_memory_first_bytes"), [3 << 16]);
    assert_eq!(growing("guest_memory_end_bytes"), [102 << 16]);
    assert_eq!(growing("guest_growth_bytes"), [1 << 16; 100]);
    // What it never touched has no pages.
    assert!(growing("guest_resident_end_bytes")[0] < 2 << 16);
}
