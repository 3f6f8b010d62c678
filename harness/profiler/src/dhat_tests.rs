//! DHAT's files: one in the form that the `dhat` crate writes, read, and profiles written and read
//! back.

use super::*;
use caxton_fixture::profiles as fixture;
use caxton_model::profile::folded;
use expect_test::{expect, expect_file};

/// As `dhat` 0.3.3 writes it, cut down.
const FILE: &str = r#"{
"dhatFileVersion": 2, "mode": "rust-heap", "verb": "Allocated",
"bklt": true, "bkacc": false, "tu": "µs", "Mtu": "s", "tuth": 10,
"cmd": "wasm --bench", "pid": 4242, "tg": 1500, "te": 9000,
"pps": [
  {"tb": 8192, "tbk": 4, "tl": 77, "mb": 4096, "mbk": 2, "gb": 4096, "gbk": 2, "eb": 0, "ebk": 0,
   "fs": [1, 2, 3, 4, 5]},
  {"tb": 100, "tbk": 1, "tl": 9, "mb": 100, "mbk": 1, "gb": 0, "gbk": 0, "eb": 0, "ebk": 0,
   "fs": [6, 4, 4, 5]},
  {"tb": 0, "tbk": 3, "tl": 9, "mb": 0, "mbk": 1, "gb": 0, "gbk": 0, "eb": 0, "ebk": 0,
   "fs": [5]}
],
"ftbl": [
  "[root]",
  "0x5581: alloc::alloc::alloc (alloc/src/alloc.rs:95:9)",
  "0x5581: <alloc::vec::Vec<u8>>::with_capacity (alloc/src/vec/mod.rs:500:20)",
  "0x5581: cranelift_codegen::context::Context::new (src/context.rs:61:13)",
  "0x5600: wasmtime::runtime::module::Module::new (src/runtime/module.rs:0:0)",
  "0x5700: wasm::main (benches/wasm.rs:5:1)",
  "0x5800: ??? (???:0:0)"
]}"#;

fn about() -> About {
    fixture::wasm().about
}

#[test]
fn a_file_becomes_two_profiles() {
    let heaps = parse(FILE.as_bytes(), &about()).unwrap();
    expect![[r"
        wasm::main_[h];wasmtime::runtime::module::Module::new_[w];cranelift_codegen::context::Context::new_[w];<alloc::vec::Vec<u8>>::with_capacity_[h];alloc::alloc::alloc_[h] 8192
        wasm::main_[h];wasmtime::runtime::module::Module::new_[w];wasmtime::runtime::module::Module::new_[w];[unknown]_[?] 100
    "]]
    .assert_eq(&folded::text(&heaps.total));
    expect![[r"
        wasm::main_[h];wasmtime::runtime::module::Module::new_[w];cranelift_codegen::context::Context::new_[w];<alloc::vec::Vec<u8>>::with_capacity_[h];alloc::alloc::alloc_[h] 4096
    "]]
    .assert_eq(&folded::text(&heaps.peak));
    let (total, peak) = (&heaps.total, &heaps.peak);
    assert_eq!((total.weight, peak.weight), (SampleWeight::Bytes, SampleWeight::PeakBytes));
    assert_eq!((total.health.samples, total.health.unresolved, peak.health.samples), (2, 1, 1));
    assert!(total.health.notes[0].starts_with("8 blocks"), "{:?}", total.health.notes);
    let frame = total.frames.iter().find(|f| f.name == "wasm::main").unwrap();
    assert_eq!((frame.file.as_deref(), frame.line), (Some("benches/wasm.rs"), Some(5)));
    let nowhere = total.frames.iter().find(|f| f.name.ends_with("Module::new")).unwrap();
    assert_eq!(nowhere.line, None, "dhat writes 0 for a line that it does not know");
}

#[test]
fn frames_that_share_an_address_are_one_place_and_a_recursion_is_two() {
    let total = parse(FILE.as_bytes(), &about()).unwrap().total;
    let depth = |at: usize| total.stacks[total.samples[at].stack as usize].len();
    assert_eq!((depth(0), depth(1)), (3, 4));
    let innermost = *total.stacks[0].last().unwrap() as usize;
    assert_eq!(total.locations[innermost].frames.len(), 3);
    assert_eq!(total.locations[innermost].address, 0x5581);
}

#[test]
fn what_is_no_such_file_is_told_in_one_line() {
    let error = |text: &str| parse(text.as_bytes(), &about()).unwrap_err().to_string();
    let heapless = FILE.replace("\"gb\"", "\"xb\"");
    let errors = [
        error("{"),
        error("{\"dhatFileVersion\": 2}"),
        error(&FILE.replace("Version\": 2", "Version\": 3")),
        error(&FILE.replace("[6, 4, 4, 5]", "[7]")),
        error(&heapless),
        error(&FILE.replace("\"tb\": 100", "\"tb\": -1")),
    ];
    expect![[r#"
        cannot read a DHAT file: EOF while parsing an object at line 1 column 1
        cannot read a DHAT file: missing field `pid` at line 1 column 22
        cannot read a DHAT file: it is of version 3 and not of 2
        cannot read a DHAT file: stack 1 names a frame that is not there
        cannot read a DHAT file: it is of no heap: run with dhat's heap profiler
        cannot read a DHAT file: invalid value: integer `-1`, expected u64 at line 8 column 11"#]]
    .assert_eq(&errors.join("\n"));
    let huge = FILE.replace("\"tb\": 100", "\"tb\": 18446744073709551615");
    assert!(error(&huge).contains("more than 64 bits"), "{}", error(&huge));
}

#[test]
fn texts_of_another_form_are_names() {
    let parts = |text| {
        let parts = FrameText::of(text);
        (parts.address, parts.name.to_owned(), parts.file.map(str::to_owned), parts.line)
    };
    let named = |name: &str| (None, name.to_owned(), None, None);
    assert_eq!(parts("[root]"), named("[root]"));
    assert_eq!(parts("0xzz: f"), named("0xzz: f"));
    assert_eq!(parts("0x1f: f"), (Some(0x1f), "f".to_owned(), None, None));
    assert_eq!(parts("a (b)"), named("a (b)"));
    assert_eq!(parts(""), named(""));
}

#[test]
fn a_guest_s_heap_is_written_for_the_viewer() {
    let script = "3 g:agent_handle@abi/src/lib.rs:180 > i:json::price@json/src/lib.rs:101 > \
                  g:malloc\n2 g:agent_handle@abi/src/lib.rs:180";
    let mut profile = fixture::profile(SampleWeight::Bytes, script);
    let text = write(&profile).unwrap();
    expect_file!["goldens/guest-heap.dhat.json"].assert_eq(&text);
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    let points = value["pps"].as_array().unwrap();
    let sum: u64 = points.iter().map(|point| point["tb"].as_u64().unwrap()).sum();
    assert_eq!(sum, profile.total());

    profile.weight = SampleWeight::CpuNs;
    let error = write(&profile).unwrap_err().to_string();
    assert_eq!(error, "cannot make a DHAT file: the profile is of CPU time and of no heap");
    profile.weight = SampleWeight::PeakBytes;
    assert!(write(&profile).unwrap().contains("Held at the peak"));
    profile.samples.clear();
    assert!(write(&profile).unwrap_err().to_string().contains("has no samples"));
}

#[test]
fn what_was_written_reads_back_as_the_same_stacks() {
    let heaps = parse(FILE.as_bytes(), &about()).unwrap();
    let written = write(&heaps.total).unwrap();
    // The writer knows no peak, and the reader wants one.
    let with_peak = written.replace("\"fs\":", "\"gb\":1,\"gbk\":1,\"fs\":");
    let again = parse(with_peak.as_bytes(), &about()).unwrap().total;
    let lines = |profile: &Profile| folded::text(profile);
    assert_eq!(lines(&again), lines(&heaps.total));
}

#[test]
fn a_deep_stack_at_one_address_takes_no_longer_than_its_frames() {
    const FRAMES: usize = 100_000;
    let ftbl: Vec<String> = (0..FRAMES).map(|frame| format!("0x5581: f{frame} (a:1:1)")).collect();
    let fs: Vec<usize> = (0..FRAMES).collect();
    let file = serde_json::json!({
        "dhatFileVersion": 2, "pid": 1, "ftbl": ftbl,
        "pps": [{"tb": 8, "tbk": 1, "gb": 8, "gbk": 1, "fs": fs}],
    });
    let total = parse(file.to_string().as_bytes(), &about()).unwrap().total;
    assert_eq!((total.frames.len(), total.locations.len()), (FRAMES, 1));
}
