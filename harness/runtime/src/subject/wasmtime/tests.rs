//! Hostile and broken guests, as text: no WASM toolchain is needed.

use super::{Bounds, CompilerEffort, EngineOptions, WasmSubject};
use crate::subject::{AgentInstance, Attempt, Step};
use caxton_fixture::guest::guest;
use caxton_model::case::Outcome;
use caxton_model::profile::{About, SampleWeight};
use caxton_model::units::Bytes;
use std::collections::BTreeMap;

fn compile(text: &str) -> Attempt<WasmSubject> {
    WasmSubject::compile(text.as_bytes(), EngineOptions::default())
}

/// What becomes of a guest that gets one message; the reply if it lives.
fn fate(text: &str) -> Attempt<Vec<u8>> {
    let mut agent = compile(text)?.instantiate(None)?;
    agent.reserve(16, 0)?;
    agent.call(b"message")?;
    Ok(agent.reply().to_vec())
}

fn why(outcome: Attempt<Vec<u8>>) -> String {
    let outcome = outcome.expect_err("a hostile guest gets nowhere");
    format!("{}: {}", outcome.name(), outcome.reason().unwrap_or_default())
}

#[test]
fn a_guest_that_keeps_the_contract_replies() {
    assert_eq!(fate(&guest("i32.const 64", "i32.const 0")), Ok(b"message".to_vec()));
}

#[test]
fn a_hostile_guest_dies_of_what_it_does() {
    let store =
        |field: u32, value: &str| format!("(i64.store (i32.const {field}) (i64.const {value}))");
    let inbox = |text: String| text.replace(&store(72, "4096"), &store(72, "131071"));
    let starts = |text: String| text.replace("(data", "(func $s unreachable) (start $s) (data");
    let handles = |body: &str| guest("i32.const 64", body);
    let replies = |field, value| handles(&format!("{} i32.const 0", store(field, value)));
    let is_born = |new: &str| guest(new, "i32.const 0");
    let send = "(drop (call $send (i64.const 1) (i32.const 131070) (i32.const 16))) i32.const 0";
    let (middle, before) = ("died in the middle: ", "died before work: ");
    for (text, ends, says) in [
        (handles("unreachable"), middle, "trap in agent_handle"),
        (replies(88, "0x20000"), middle, "wild pointer: reply"),
        (replies(88, "-1"), middle, "wild pointer: reply"),
        (replies(96, "131072"), middle, "wild pointer: reply"),
        (replies(96, "0x7fffffffffff"), middle, "over the limit of 67108864"),
        (inbox(handles("i32.const 0")), middle, "wild pointer: inbox"),
        (handles(send), middle, "send of 16 bytes at 0x1fffe, outside its memory"),
        (handles("i32.const 77"), middle, "the agent answered with unknown status 77"),
        (handles("i32.const 1"), middle, "the agent refused the message: message"),
        (is_born("i32.const 0"), before, "where no channel lies"),
        (is_born("i32.const 131060"), before, "wild pointer: channel"),
        (is_born("i32.const -8"), before, "wild pointer: channel"),
        (is_born("unreachable"), before, "trap in agent_new"),
        (starts(handles("i32.const 0")), before, "trap in start"),
    ] {
        let end = why(fate(&text));
        assert!(end.starts_with(ends) && end.contains(says), "{says}: {end}");
    }
}

#[test]
fn a_start_function_that_ends_its_process_is_a_death_before_work() {
    for (status, says) in [(0, "exit status 0"), (3, "exit status 3")] {
        let import = "(import \"wasi_snapshot_preview1\" \"proc_exit\" (func $e (param i32)))";
        let start = format!("(func $s (call $e (i32.const {status}))) (start $s)");
        let exit = guest("i32.const 64", "i32.const 0")
            .replace("(import", &format!("{import} (import"))
            .replace("(data", &format!("{start} (data"));
        let end = why(fate(&exit));
        assert!(end.starts_with("died before work: start: Exited with"), "{end}");
        assert!(end.ends_with(says), "{end}");
    }
    // What the host answers to it is its end too.
    let lie = "(func $s (drop (call $send (i64.const 1) (i32.const -8) (i32.const 16))))";
    let lies =
        guest("i32.const 64", "i32.const 0").replace("(data", &format!("{lie} (start $s) (data"));
    let end = why(fate(&lies));
    assert!(end.starts_with("died before work: start: send of 16 bytes"), "{end}");
}

/// A guest that writes 500 bytes to standard error for each message and traps if one write fails.
fn chatty() -> String {
    let write = "(if (call $write (i32.const 2) (i32.const 1024) (i32.const 1) (i32.const 1040))
        (then unreachable)) (if (i32.ne (i32.load (i32.const 1040)) (i32.const 500))
        (then unreachable)) i32.const 0";
    guest("i32.const 64", write)
        .replace(
            "(import",
            "(import \"wasi_snapshot_preview1\" \"fd_write\"
               (func $write (param i32 i32 i32 i32) (result i32))) (import",
        )
        .replacen("(data", "(data (i32.const 1024) \"\\00\\08\\00\\00\\f4\\01\\00\\00\") (data", 1)
}

#[test]
fn no_write_to_standard_error_fails_however_much_was_written() {
    let mut agent = compile(&chatty()).expect("valid").instantiate(None).expect("valid");
    agent.reserve(16, 0).expect("room");
    for messages in 1..=10_000u64 {
        agent.call(b"message").expect("every write succeeds");
        assert_eq!(agent.stderr_bytes(), Some(500 * messages));
    }
}

/// A guest that first makes its memory `grow` pages larger and then keeps `structs` of 8 MB on its
/// GC heap; it traps where it does not get them.
fn keeper(grow: u32, arrays: u32) -> String {
    let keep = format!(
        "(drop (memory.grow (i32.const 70000))) (drop (memory.grow (i32.const {grow})))
         (loop $more (if (i32.lt_u (global.get $kept) (i32.const {arrays})) (then
           (global.set $list (struct.new $cell
             (array.new $bytes (i64.const 1) (i32.const 1000000)) (global.get $list)))
           (global.set $kept (i32.add (global.get $kept) (i32.const 1))) (br $more))))
         i32.const 0"
    );
    guest("i32.const 64", &keep).replacen(
        "(memory",
        "(type $bytes (array (mut i64)))
         (type $cell (struct (field (ref null $bytes)) (field (ref null $cell))))
         (global $list (mut (ref null $cell)) (ref.null $cell))
         (global $kept (mut i32) (i32.const 0))
         (memory",
        1,
    )
}

/// What becomes of a guest that gets one message under a limit.
fn fate_under(text: &str, limit: Option<Bytes>) -> Attempt<()> {
    let mut agent = compile(text)?.instantiate(limit)?;
    agent.reserve(16, 0)?;
    agent.call(b"message")
}

#[test]
fn a_limit_holds_for_memory_and_gc_heap_together() {
    let limit = Some(Bytes(64 << 20));
    // 3 arrays alone, and 30 MiB of memory alone, fit.
    assert_eq!(fate_under(&keeper(0, 3), limit), Ok(()));
    assert_eq!(fate_under(&keeper(480, 1), limit), Ok(()));
    let end = fate_under(&keeper(0, 20), limit).expect_err("160 MB of arrays");
    assert!(end.reason().is_some_and(|why| why.contains("was denied")), "{end:?}");
    let end = fate_under(&keeper(800, 3), limit).expect_err("50 MiB and 24 MB");
    assert!(end.reason().is_some_and(|why| why.contains("was denied")), "{end:?}");
}

#[test]
fn a_guest_without_a_limit_has_the_machines() {
    let greedy = guest("i32.const 64", "(drop (memory.grow (i32.const 65500))) unreachable");
    let end = why(fate(&greedy));
    let most = caxton_sys::memory::usable().expect("Linux").0 / 8;
    // On a machine with more than 32 GiB four are allowed, and the guest dies of its own trap.
    let says = if most < 65_502 << 16 { "1/8 of this machine's memory" } else { "unreachable" };
    assert!(end.contains(says), "{end}");
}

#[test]
fn what_is_no_agent_is_refused_with_what_it_lacks() {
    for (text, says) in [
        ("(module)", "exports no memory"),
        ("(module (memory (export \"memory\") 1))", "agent_abi_version"),
        ("(module (import \"env\" \"f\" (func)))", "imports that no agent has"),
        ("(module (memory (export \"memory\") 99999999))", "no valid module"),
        ("(component)", "no valid module"),
        ("(module", "no valid module"),
    ] {
        let end = why(fate(text));
        assert!(end.starts_with("refused") && end.contains(says), "{text}: {end}");
        assert_eq!(end.lines().count(), 1);
    }
    let other = guest("i32.const 64", "i32.const 0").replace("i32.const 1)", "i32.const 9)");
    assert_eq!(why(fate(&other)), "refused: agent contract 9, this harness speaks 1");
}

#[test]
fn a_component_and_a_truncated_module_are_refused() {
    let options = EngineOptions::default();
    let component = WasmSubject::compile(b"\0asm\x0d\0\x01\0", options).err();
    let why = component.as_ref().and_then(Outcome::reason).unwrap_or_default();
    assert!(why.starts_with("a component, not a core module"), "{why}");
    let truncated = WasmSubject::compile(b"\0asm\x01\0\0\0\x01\x7f", options).err();
    assert!(matches!(truncated, Some(Outcome::Refused(_))), "{truncated:?}");
}

#[test]
fn below_its_minimum_an_agent_is_refused_and_told_by_how_much() {
    let subject = compile(&guest("i32.const 64", "i32.const 0")).expect("valid");
    let refused = subject.instantiate(Some(Bytes(65_536))).err();
    let why = refused.as_ref().and_then(Outcome::reason).unwrap_or_default();
    assert_eq!(why, "its minimum memory of 128 KiB exceeds the limit of 64.0 KiB");
    assert!(subject.instantiate(Some(Bytes(131_072))).is_ok());
}

#[test]
fn a_denied_growth_is_counted_and_the_guest_goes_on() {
    let grow = "(drop (memory.grow (i32.const 100))) i32.const 0";
    let subject = compile(&guest("i32.const 64", grow)).expect("valid");
    let mut agent = subject.instantiate(Some(Bytes::mebi(1))).expect("fits");
    agent.reserve(16, 0).expect("room");
    agent.call(b"message").expect("goes on");
    let seen = agent.memory_use();
    assert_eq!((seen.denied, seen.last_denied), (1, Bytes(102 * 65_536)));
    assert_eq!(agent.linear_memory(), Some(Bytes(131_072)));
}

#[test]
fn fuel_is_counted_only_where_it_is_metered_and_is_exact() {
    let text = guest("i32.const 64", "i32.const 0");
    let used = |fuel: bool| {
        let subject = WasmSubject::compile(
            text.as_bytes(),
            EngineOptions { fuel, ..EngineOptions::default() },
        )
        .expect("valid");
        let mut agent = subject.instantiate(None).expect("valid");
        agent.reserve(16, 0).expect("room");
        let before = agent.fuel_used();
        agent.call(b"message").expect("echo");
        agent.fuel_used() - before
    };
    assert_eq!(used(false), 0);
    assert!(used(true) > 0);
    assert_eq!(used(true), used(true));
}

#[test]
fn a_message_longer_than_the_inbox_is_refused_by_the_host() {
    let subject = compile(&guest("i32.const 64", "i32.const 0")).expect("valid");
    let mut agent = subject.instantiate(None).expect("valid");
    agent.reserve(4, 0).expect("room");
    let end = agent.call(b"too long").expect_err("no room");
    assert_eq!(end.reason(), Some("the message does not fit the agent's inbox"));
}

/// Adds one to each byte of the message, in place.
const INCREMENT: &str = "(local $i i32)
    (block $done (loop $next
      (br_if $done (i32.ge_u (local.get $i) (local.get 1)))
      (i32.store8 (i32.add (local.get $i) (i32.const 4096))
        (i32.add (i32.const 1) (i32.load8_u (i32.add (local.get $i) (i32.const 4096)))))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br $next)))
    i32.const 0";

/// A guest whose handler has locals, which must come before all else.
fn incrementing() -> String {
    let (locals, body) = INCREMENT.split_once('\n').expect("locals, then the body");
    guest("i32.const 64", body).replace(
        "(func (export \"agent_handle\") (param i32 i32) (result i32)",
        &format!("(func (export \"agent_handle\") (param i32 i32) (result i32) {locals}"),
    )
}

#[test]
fn every_option_gives_the_same_answer_by_other_code() {
    let default = EngineOptions::default();
    let options = [
        default,
        EngineOptions { bounds: Bounds::Explicit, ..default },
        EngineOptions { fuel: true, ..default },
        EngineOptions { epochs: true, ..default },
        EngineOptions { effort: CompilerEffort::None, ..default },
    ];
    let text = incrementing();
    let mut codes = std::collections::BTreeSet::new();
    for option in options {
        let subject = WasmSubject::compile(text.as_bytes(), option).expect("valid");
        assert!(codes.insert(subject.code().to_vec()), "{option:?} changes no code");
        let mut agent = subject.instantiate(None).expect("valid");
        agent.reserve(16, 0).expect("room");
        for _ in 0..3 {
            agent.call(b"HAL").expect("increments");
            assert_eq!(agent.reply(), b"IBM", "{option:?}");
        }
    }
    let trap = guest("i32.const 64", "(i32.load (i32.const -4))");
    let explicit = EngineOptions { bounds: Bounds::Explicit, ..default };
    let subject = WasmSubject::compile(trap.as_bytes(), explicit).expect("valid");
    let mut agent = subject.instantiate(None).expect("valid");
    agent.reserve(16, 0).expect("room");
    let end = agent.call(b"x").expect_err("outside memory");
    assert!(end.reason().is_some_and(|why| why.contains("out of bounds")), "{end:?}");
}

#[test]
fn the_steps_of_a_call_do_what_they_say() {
    let subject = compile(&incrementing()).expect("valid");
    let mut agent = subject.instantiate(None).expect("valid");
    agent.reserve(16, 0).expect("room");
    agent.batch_of(Step::Whole, b"AAA", 5).expect("increments");
    assert_eq!(agent.reply(), b"BBB", "each call gets the message anew");
    agent.batch_of(Step::InPlace, b"AAA", 5).expect("increments");
    assert_eq!(agent.reply(), b"GGG", "what lies in the inbox is handled again and again");
    agent.batch_of(Step::CopyOut, b"AAA", 2).expect("copies");
    assert_eq!(agent.reply(), b"GGG");
    agent.batch_of(Step::CopyIn, b"XYZ", 2).expect("copies");
    assert!(agent.inbox().starts_with(b"XYZ"), "copied, not handled");
    let end = agent.batch_of(Step::CopyIn, b"a message of more bytes", 1).expect_err("no room");
    assert_eq!(end.reason(), Some("the message does not fit the agent's inbox"));
}

#[test]
fn calls_to_the_host_and_growths_are_counted_one_by_one() {
    let handle = "(drop (call $clock (i32.const 0) (i64.const 0) (i32.const 8)))
        (drop (call $clock (i32.const 1) (i64.const 0) (i32.const 8)))
        (drop (memory.grow (i32.const 1)))
        (drop (call $send (i64.const 1) (i32.const 0) (i32.const 16)))
        i32.const 0";
    let import = r#"(import "wasi_snapshot_preview1" "clock_time_get"
        (func $clock (param i32 i64 i32) (result i32)))
        (import "caxton" "send""#;
    let text = guest("i32.const 64", handle).replace(r#"(import "caxton" "send""#, import);
    let mut agent = compile(&text).expect("valid").instantiate(None).expect("valid");
    agent.reserve(16, 0).expect("room");
    let seen = |agent: &super::WasmAgent| {
        (agent.wasi_calls(), agent.memory_use().asked, agent.host_counts().sent)
    };
    let before = seen(&agent);
    for _ in 0..3 {
        agent.call(b"message").expect("calls its host");
    }
    let after = seen(&agent);
    assert_eq!((after.0 - before.0, after.1 - before.1, after.2 - before.2), (6, 3, 3));
}

#[test]
fn each_growth_is_noted_with_what_was_before_and_after() {
    let grow = "(drop (memory.grow (i32.const 3))) i32.const 0";
    let mut agent =
        compile(&guest("i32.const 64", grow)).and_then(|s| s.instantiate_watched()).expect("valid");
    agent.reserve(16, 0).expect("room");
    agent.call(b"one").expect("grows");
    agent.call(b"two").expect("grows");
    let growths = agent.take_growths().expect("asked for");
    let pages: Vec<_> = growths.seen.iter().map(|g| (g.old.0 >> 16, g.new.0 >> 16)).collect();
    assert_eq!((pages, growths.lost), (vec![(0, 2), (2, 5), (5, 8)], 0));
    assert!(growths.seen.is_sorted_by_key(|growth| growth.at));
    assert_eq!(agent.take_growths().map(|growths| growths.seen), Some(Vec::new()));
    assert_eq!(agent.memory_range().len(), 8 << 16);
    let unwatched = compile(&guest("i32.const 64", grow)).and_then(|s| s.instantiate(None));
    assert_eq!(unwatched.expect("valid").take_growths(), None);
}

/// A guest whose heap can be watched: each message is told as a block of 24 bytes at 5000 that
/// stands for `$interval`, by `$inner` for `$outer`; the block of the message before is freed.
fn allocating() -> String {
    let handle = "(call $outer) i32.const 0";
    guest("i32.const 64", handle)
        .replace(
            r#"(import "caxton" "send""#,
            r#"(import "caxton" "heap_alloc" (func $heap_alloc (param i32 i64 i64) (result i32)))
  (import "caxton" "heap_free" (func $heap_free (param i32) (result i32)))
  (import "caxton" "send""#,
        )
        .replace(
            r#"(func (export "agent_drop")"#,
            r#"(global $interval (mut i64) (i64.const 0))
  (func $inner
    (drop (call $heap_free (i32.const 5000)))
    (drop (call $heap_alloc (i32.const 5000) (i64.const 24) (global.get $interval))))
  (func $outer (call $inner))
  (func (export "agent_heap_start") (param i32 i64)
    (global.set $interval (i64.extend_i32_u (local.get 0))))
  (func (export "agent_heap_counts") (result i32) i32.const 131064)
  (func (export "agent_drop")"#,
        )
}

#[test]
fn a_watched_heap_is_told_by_stack_and_only_while_it_is_watched() {
    let text = allocating();
    let subject = compile(&text).expect("valid");
    let mut agent = subject.instantiate(None).expect("valid");
    agent.reserve(16, 0).expect("room");
    agent.call(b"unseen").expect("replies");
    assert_eq!(agent.start_heap(512, 1), Ok(true));
    agent.call(b"one").expect("replies");
    agent.call(b"two").expect("replies");
    let mut log = agent.take_heap().expect("watched");
    agent.call(b"unseen").expect("replies");
    assert!(agent.take_heap().is_none());
    let seen: Vec<_> = log.sites.iter().map(|s| (s.looks, s.bytes, s.live, s.peak)).collect();
    assert_eq!(seen, [(2, 1024, 512, 512)]);
    let about = About {
        case: "heap/allocations/wasmtime/text".to_owned(),
        side: "wasm".to_owned(),
        messages: 2,
        counters: BTreeMap::new(),
    };
    let profile = log.profile(text.as_bytes(), about, SampleWeight::Bytes);
    let stack = profile.stacks[profile.samples[0].stack as usize].iter();
    let frames = stack
        .map(|location| &profile.frames[profile.locations[*location as usize].frames[0] as usize]);
    let names: Vec<_> = frames.map(|frame| frame.name.as_str()).collect();
    assert_eq!(names[1..], ["outer", "inner"], "root first, without the host: {names:?}");
    assert_eq!((profile.samples[0].weight, profile.health.lost), (1024, 0));
}

#[test]
fn a_guest_that_does_not_count_has_no_counts_and_one_that_lies_is_caught() {
    let mut agent = compile(&guest("i32.const 64", "i32.const 0"))
        .and_then(|s| s.instantiate(None))
        .expect("valid");
    assert_eq!(agent.start_heap(512, 1), Ok(false));
    assert_eq!(agent.heap_counts(), Ok(None));
    let mut liar = compile(&allocating()).and_then(|s| s.instantiate(None)).expect("valid");
    let lie = liar.heap_counts().expect_err("counts beyond the end of memory");
    let why = lie.reason().unwrap_or_default();
    assert!(why.starts_with("wild pointer: agent_heap_counts of 32 bytes"), "{why}");
}
