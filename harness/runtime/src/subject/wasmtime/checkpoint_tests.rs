//! What a checkpoint holds is the whole agent, whichever way it comes back, and nothing else does.

use super::{
    Allocation, Bounds, CheckpointError, EngineOptions, RestoreBy, WasmAgent, WasmSubject,
};
use crate::subject::AgentInstance;
use caxton_fixture::guest::guest;
use caxton_model::case::Outcome;
use caxton_model::units::Bytes;
use caxton_sys::clock::{Clock, Monotonic};
use caxton_sys::dirty::{Way, written_by};

const SLAB: Allocation = Allocation::Slab { agents: 4, slot_bytes: 8 << 20 };
const POOL: Allocation = Allocation::Pool { agents: 4, memory_bytes: 8 << 20 };
const EVERYWHERE: [Allocation; 3] = [SLAB, POOL, Allocation::OnDemand];

/// Globals of each type, and a table that grows: two functions and null to choose from, a place to
/// call from, two for a function of the host's, and at 6 those that are told. A message is three
/// numbers: what to do, and with what. The reply tells all that memory does not.
const STATE: &str = r#"
  (type $n (func (result i32)))
  (global $i (mut i32) (i32.const 1)) (global $l (mut i64) (i64.const 2))
  (global $f (mut f32) (f32.const 3)) (global $d (mut f64) (f64.const 4))
  (global $v (mut v128) (v128.const i64x2 5 6)) (global $fixed i32 (i32.const 7))
  (global $held (mut funcref) (ref.func $a)) (global $host (mut externref) (ref.null extern))
  (table $t 10 funcref) (elem (table $t) (i32.const 0) func $a $b)
  (elem (table $t) (i32.const 5) func $send $a)
  (func $a (result i32) i32.const 11)
  (func $b (result i32) i32.const 13)
  (func $is (param i32) (result i32) (i32.eq (i32.load (i32.const 4096)) (local.get 0)))
  (func $act (local $x i32) (local $y i32)
    (local.set $x (i32.load (i32.const 4100)))
    (local.set $y (i32.load (i32.const 4104)))
    (if (call $is (i32.const 1)) (then (i32.store (local.get $x) (local.get $y))))
    (if (call $is (i32.const 2)) (then (drop (memory.grow (local.get $x)))))
    (if (call $is (i32.const 3))
      (then (drop (table.grow $t (ref.func $b) (local.get $x)))))
    (if (call $is (i32.const 4))
      (then (table.set $t (i32.add (i32.const 6) (local.get $x)) (table.get $t (local.get $y)))))
    (if (call $is (i32.const 5)) (then
      (global.set $i (i32.add (global.get $i) (i32.const 1)))
      (global.set $l (i64.add (global.get $l) (i64.const 0x100000001)))
      (global.set $f (f32.mul (global.get $f) (f32.const 1.5)))
      (global.set $d (f64.mul (global.get $d) (f64.const 1.5)))
      (global.set $v (i64x2.add (global.get $v) (global.get $v)))))
    (if (call $is (i32.const 6)) (then (global.set $held (ref.func $b))))
    (if (call $is (i32.const 7)) (then
      (table.set $t (i32.const 4) (table.get $t (i32.const 5)))
      (table.set $t (i32.const 5) (ref.null func)))))
  (func $element (param i32) (result i32)
    (if (result i32) (ref.is_null (table.get $t (local.get 0)))
      (then i32.const 5) (else (call_indirect $t (type $n) (local.get 0)))))
  (func $elements (result i32) (local $at i32) (local $sum i32)
    (local.set $at (i32.const 6))
    (loop $next
      (local.set $sum (i32.add (i32.mul (local.get $sum) (i32.const 31))
        (call $element (local.get $at))))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (br_if $next (i32.lt_u (local.get $at) (table.size $t))))
    local.get $sum)
  (func $tell
    (i32.store (i32.const 8192) (global.get $i)) (i64.store (i32.const 8196) (global.get $l))
    (f32.store (i32.const 8204) (global.get $f)) (f64.store (i32.const 8208) (global.get $d))
    (v128.store (i32.const 8216) (global.get $v))
    (table.set $t (i32.const 3) (global.get $held))
    (i32.store (i32.const 8232) (call_indirect $t (type $n) (i32.const 3)))
    (i32.store (i32.const 8236) (table.size $t)) (i32.store (i32.const 8240) (call $elements))
    (i32.store (i32.const 8244) (ref.is_null (table.get $t (i32.const 4))))
    (i32.store (i32.const 8248) (ref.is_null (table.get $t (i32.const 5))))
    (i32.store (i32.const 8252) (memory.size))
    (i64.store (i32.const 88) (i64.const 8192)) (i64.store (i32.const 96) (i64.const 64)))
  "#;

fn stateful() -> String {
    let text = guest("i32.const 64", "(call $act) (call $tell) i32.const 0");
    text.replacen("(data", &format!("{STATE}(data"), 1)
}

fn subject(text: &str, allocation: Allocation) -> WasmSubject {
    let options = EngineOptions { checkpoints: true, allocation, ..EngineOptions::default() };
    WasmSubject::compile(text.as_bytes(), options).expect("valid")
}

pub(super) fn fresh(subject: &WasmSubject) -> WasmAgent {
    subject.instantiate(None).expect("valid")
}

/// What the agent answers when told to do this.
pub(super) fn told(agent: &mut WasmAgent, message: [u32; 3]) -> Vec<u8> {
    agent.reserve(64, 0).expect("room");
    let bytes: Vec<u8> = message.iter().flat_map(|number| number.to_le_bytes()).collect();
    agent.call(&bytes).expect("it does as told");
    agent.reply().to_vec()
}

pub(super) const NOTHING: [u32; 3] = [0; 3];

/// An agent whose every kind of state is another than at its birth.
fn lived(subject: &WasmSubject) -> WasmAgent {
    let mut agent = fresh(subject);
    for message in [
        [1, 20_000, 99],
        [2, 3, 0],
        [1, 65_536 * 4 + 8, 77],
        [3, 5, 0],
        [4, 2, 1],
        [4, 0, 2],
        [5, 0, 0],
        [6, 0, 0],
        [7, 0, 0],
    ] {
        told(&mut agent, message);
    }
    agent
}

fn memory(agent: &WasmAgent) -> Vec<u8> {
    agent.live.memory_bytes().to_vec()
}

#[test]
fn a_restored_agent_answers_as_the_one_before() {
    for allocation in EVERYWHERE {
        for by in [RestoreBy::Map, RestoreBy::Copy] {
            let subject = subject(&stateful(), allocation);
            let mut agent = lived(&subject);
            let saved = agent.checkpoint(None).expect("it can be saved");
            let (bytes, inbox) = (memory(&agent), agent.inbox().to_vec());
            let reply = agent.reply().to_vec();
            let answer = told(&mut agent, NOTHING);
            drop(agent);
            let mut next = fresh(&subject);
            assert_ne!(told(&mut next, NOTHING), answer);
            drop(next);
            let mut next = fresh(&subject);
            next.restore(&saved, by).expect("of this module");
            assert_eq!(memory(&next), bytes, "{allocation:?} {by:?}");
            assert_eq!((next.inbox(), next.reply()), (&inbox[..], &reply[..]));
            assert_eq!(told(&mut next, NOTHING), answer, "{allocation:?} {by:?}");
        }
    }
}

#[test]
fn an_agent_that_went_on_goes_back_in_a_fresh_instance_only_where_it_was() {
    let subject = subject(&stateful(), SLAB);
    let mut agent = lived(&subject);
    let saved = agent.checkpoint(None).expect("it can be saved");
    let answer = told(&mut agent, NOTHING);
    told(&mut agent, [5, 0, 0]);
    told(&mut agent, [1, 30_000, 1]);
    agent.restore(&saved, RestoreBy::Map).expect("as large");
    assert_eq!(told(&mut agent, NOTHING), answer);
    told(&mut agent, [2, 1, 0]);
    let end = agent.restore(&saved, RestoreBy::Map).expect_err("memory never shrinks");
    assert!(matches!(end, CheckpointError::Unfit { .. }), "{end}");
}

#[test]
fn the_next_checkpoint_of_a_restored_agent_copies_what_it_wrote() {
    let subject = subject(&stateful(), SLAB);
    let saved = lived(&subject).checkpoint(None).expect("it can be saved");
    assert_eq!(saved.dirty_pages(), None);
    assert_eq!(saved.memory_bytes, 5 << 16);
    let mut next = fresh(&subject);
    next.restore(&saved, RestoreBy::Map).expect("of this module");
    let unchanged = next.checkpoint(Some(&saved)).expect("it can be saved");
    assert_eq!(unchanged.dirty_pages(), Some(0));
    // The pages of channel, inbox and reply, and one more.
    told(&mut next, [1, 40_000, 5]);
    let changed = next.checkpoint(Some(&unchanged)).expect("it can be saved");
    assert_eq!(changed.dirty_pages(), Some(4));
    assert_eq!(changed.memory(), memory(&next));
    let anew = next.checkpoint(None).expect("it can be saved");
    assert_eq!(anew.dirty_pages(), None, "asked for in full");
    let mut copied = fresh(&subject);
    copied.restore(&changed, RestoreBy::Copy).expect("of this module");
    assert_eq!(memory(&copied), memory(&next));
    let after_copy = copied.checkpoint(Some(&changed)).expect("it can be saved");
    assert_eq!(after_copy.dirty_pages(), None, "nothing is mapped over its memory");
}

/// Some bytes somewhere beyond what the guest itself uses.
fn scribble(agent: &mut WasmAgent, random: &mut fastrand::Rng) {
    let memory = agent.live.memory_bytes_mut();
    for _ in 0..random.usize(0..24) {
        let at = random.usize(16_384..memory.len() - 8);
        memory[at..at + 8].copy_from_slice(&random.u64(..).to_le_bytes());
    }
    if random.u8(..8) == 0 {
        let page = random.usize(4..memory.len() / 4096) * 4096;
        memory[page..page + 4096].fill(0);
    }
}

#[test]
fn an_incremental_checkpoint_is_the_memory_byte_for_byte() {
    let text = stateful();
    let (mut incremental, mut full) = (0, 0);
    for seed in 0..6 {
        let mut random = fastrand::Rng::with_seed(seed);
        let subject = subject(&text, SLAB);
        let mut agent = fresh(&subject);
        told(&mut agent, [2, 10, 0]);
        let mut saved = agent.checkpoint(None).expect("it can be saved");
        for _ in 0..40 {
            scribble(&mut agent, &mut random);
            match random.u8(..6) {
                0 if agent.live.memory_bytes().len() < 6 << 20 => {
                    told(&mut agent, [2, random.u32(1..6), 0]);
                }
                1 => {
                    let by = if random.bool() { RestoreBy::Map } else { RestoreBy::Copy };
                    agent = fresh(&subject);
                    agent.restore(&saved, by).expect("of this module");
                    assert_eq!(memory(&agent), saved.memory());
                }
                _ => {}
            }
            saved = agent.checkpoint(Some(&saved)).expect("it can be saved");
            assert!(saved.memory() == memory(&agent), "seed {seed}");
            match saved.dirty_pages() {
                Some(pages) => {
                    assert!(pages * 4096 * 4 <= saved.memory_bytes, "a quarter at most");
                    incremental += 1;
                }
                None => full += 1,
            }
        }
    }
    assert!(incremental > 50 && full > 10, "{incremental} incremental, {full} full");
}

#[test]
fn both_ways_of_asking_find_the_same_pages() {
    let subject = subject(&stateful(), SLAB);
    let mut agent = fresh(&subject);
    told(&mut agent, [2, 60, 0]);
    agent.checkpoint(None).expect("it can be saved");
    let mut random = fastrand::Rng::with_seed(7);
    // More stretches than one scan tells.
    for page in (8..agent.live.memory_bytes().len() / 4096).filter(|_| random.bool()) {
        agent.live.memory_bytes_mut()[page * 4096] = 1;
    }
    told(&mut agent, [2, 2, 0]);
    let end = agent.live.memory_bytes().len();
    agent.live.memory_bytes_mut()[end - 1] = 1;
    let memory = agent.live.memory_bytes();
    let entries = written_by(Way::Entries, memory).expect("each Linux tells");
    assert!(entries.len() > 200 && entries.last().is_some_and(|last| last.end == end));
    // An older kernel does not scan.
    if let Ok(scanned) = written_by(Way::Scan, memory) {
        assert_eq!(scanned, entries);
    }
    assert!(written_by(Way::Scan, &memory[1..]).is_err(), "no page begins there");
}

#[test]
fn code_that_is_measured_is_compiled_as_it_is() {
    let text = stateful();
    let plain = WasmSubject::compile(text.as_bytes(), EngineOptions::default()).expect("valid");
    let mut agent = fresh(&plain);
    assert_eq!(agent.checkpoint(None).map(|_| ()), Err(CheckpointError::NotPrepared));
    let saved = lived(&subject(&text, SLAB)).checkpoint(None).expect("it can be saved");
    assert_eq!(agent.restore(&saved, RestoreBy::Copy), Err(CheckpointError::NotPrepared));
}

#[test]
fn a_guest_under_its_limit_is_not_restored_beyond_it() {
    let subject = subject(&stateful(), SLAB);
    let saved = lived(&subject).checkpoint(None).expect("it can be saved");
    let mut small = subject.instantiate(Some(Bytes(3 << 16))).expect("two pages");
    let end = small.restore(&saved, RestoreBy::Map).expect_err("five pages");
    assert!(matches!(end, CheckpointError::Unfit { ref place, .. } if place == "memory"), "{end}");
}

#[test]
fn a_module_whose_state_cannot_be_seen_is_refused() {
    let good = guest("i32.const 64", "i32.const 0");
    let options = EngineOptions { checkpoints: true, ..EngineOptions::default() };
    let passive = "(data $p \"x\") (func (data.drop $p)) (data";
    for (text, says) in [
        (good.replacen("(data", passive, 1), "it drops data segments"),
        (
            good.replacen("(data", "(elem $e func 0) (func (elem.drop $e)) (data", 1),
            "it drops element segments",
        ),
        (good.replacen("(data", "(func (export \"caxton:f1\")) (data", 1), "it exports caxton:f1"),
        ("(module".to_owned(), "no valid module"),
        ("(module (func (drop)))".to_owned(), "no valid module"),
        ("(component)".to_owned(), "no valid module"),
        (String::new(), "an empty file"),
    ] {
        let end = WasmSubject::compile(text.as_bytes(), options).map(|_| ());
        let Err(Outcome::Refused(why)) = end else { panic!("{text}: {end:?}") };
        assert!(why.contains(says) && why.lines().count() == 1, "{why}");
    }
}

#[test]
fn a_module_without_exports_of_its_own_or_with_passive_segments_that_stay_is_exposed() {
    let good = guest("i32.const 64", "i32.const 0");
    let used = "(data $p \"x\")
        (func (memory.init $p (i32.const 300) (i32.const 0) (i32.const 1))) (data";
    let mut agent = fresh(&subject(&good.replacen("(data", used, 1), SLAB));
    agent.checkpoint(None).expect("it can be saved");
    let bare = "(module (global (mut i32) (i32.const 1)) (func $f) (start $f))";
    let options = EngineOptions { checkpoints: true, ..EngineOptions::default() };
    let end = WasmSubject::compile(bare.as_bytes(), options).expect("valid").instantiate(None);
    assert!(matches!(end, Err(Outcome::Refused(why)) if why.contains("no memory")));
}

#[test]
fn each_of_several_tables_is_saved() {
    let tables = "(type $n (func (result i32)))
        (table 1 funcref) (table $s 2 4 funcref) (table $u 1 funcref) (table $x 1 externref)
        (elem (table $s) (i32.const 0) func $a) (elem (table $u) (i32.const 0) func $b)
        (func $a (result i32) i32.const 3) (func $b (result i32) i32.const 4)
        (func $swap (table.set $s (i32.const 0) (table.get $u (i32.const 0)))
          (table.set $u (i32.const 0) (ref.func $a)) (table.fill $s (i32.const 1) (ref.func $a)
          (i32.const 1))) (data";
    let act = "(if (i32.load (i32.const 4096)) (then (call $swap)))
        (i32.store (i32.const 4100) (call_indirect $s (type $n) (i32.const 0)))
        (i32.store (i32.const 4104) (call_indirect $u (type $n) (i32.const 0))) i32.const 0";
    let text = guest("i32.const 64", act).replacen("(data", tables, 1);
    let subject = subject(&text, SLAB);
    let mut agent = fresh(&subject);
    let answer = told(&mut agent, [1, 0, 0]);
    assert_eq!(answer[4..], [4, 0, 0, 0, 3, 0, 0, 0]);
    let saved = agent.checkpoint(None).expect("it can be saved");
    let tables = &saved.variables.tables;
    let lengths: Vec<usize> = tables.iter().map(Vec::len).collect();
    assert_eq!(lengths, [1, 2, 1, 1]);
    let mut next = fresh(&subject);
    next.restore(&saved, RestoreBy::Map).expect("of this module");
    assert_eq!(told(&mut next, NOTHING)[4..], answer[4..]);
}

#[test]
fn tables_that_no_instruction_writes_to_are_left_out() {
    let still = "(table 2 funcref) (elem (i32.const 0) func 0) (data";
    let text = guest("i32.const 64", "i32.const 0").replacen("(data", still, 1);
    let saved = fresh(&subject(&text, SLAB)).checkpoint(None).expect("it can be saved");
    assert!(saved.variables.tables.is_empty() && saved.variables.globals.is_empty());
}

#[test]
fn what_cannot_be_named_is_refused() {
    let object = "(global (mut i31ref) (ref.i31 (i32.const 5))) (data";
    let text = guest("i32.const 64", "i32.const 0").replacen("(data", object, 1);
    let end = fresh(&subject(&text, SLAB)).checkpoint(None).map(|_| ());
    let (place, what) = ("global 0".to_owned(), "a reference to an object");
    assert_eq!(end, Err(CheckpointError::Unnameable { place, what }));
}

#[test]
fn modules_with_explicit_bounds_and_fuel_are_saved_too() {
    let options = EngineOptions {
        checkpoints: true,
        fuel: true,
        bounds: Bounds::Explicit,
        ..EngineOptions::default()
    };
    let subject = WasmSubject::compile(stateful().as_bytes(), options).expect("valid");
    let mut agent = lived(&subject);
    let saved = agent.checkpoint(None).expect("it can be saved");
    let mut next = fresh(&subject);
    next.restore(&saved, RestoreBy::Map).expect("of this module");
    assert_eq!(told(&mut next, NOTHING), told(&mut agent, NOTHING));
}

/// Maps in the range of addresses.
fn maps_in(range: &std::ops::Range<usize>) -> usize {
    let text = std::fs::read_to_string("/proc/self/maps").expect("Linux tells");
    let ends = text.lines().filter_map(|line| line.split(' ').next()?.split_once('-'));
    let number = |text| usize::from_str_radix(text, 16).expect("an address");
    ends.filter(|(start, end)| number(start) < range.end && number(end) > range.start).count()
}

/// Open images of all tests of this process.
fn open_images() -> usize {
    let files = std::fs::read_dir("/proc/self/fd").expect("Linux tells");
    let links = files.filter_map(|file| std::fs::read_link(file.ok()?.path()).ok());
    links.filter(|link| link.to_string_lossy().contains("memfd:caxton-checkpoint")).count()
}

#[test]
fn checkpoints_and_restores_leave_nothing_behind() {
    let subject = subject(&stateful(), SLAB);
    let start = fresh(&subject).memory_range().start;
    let slots = start..start + 4 * (8 << 20);
    let cycle = || {
        let mut agent = lived(&subject);
        let full = agent.checkpoint(None).expect("it can be saved");
        told(&mut agent, [5, 0, 0]);
        let saved = agent.checkpoint(Some(&full)).expect("it can be saved");
        drop(agent);
        let mut next = fresh(&subject);
        next.restore(&saved, RestoreBy::Map).expect("of this module");
        let mut beside = fresh(&subject);
        beside.restore(&saved, RestoreBy::Copy).expect("of this module");
        assert!(told(&mut next, NOTHING) == told(&mut beside, NOTHING));
    };
    cycle();
    let (maps, images) = (maps_in(&slots), open_images());
    for _ in 0..500 {
        cycle();
    }
    assert_eq!(maps_in(&slots), maps);
    // Other tests have some open at the same time; a leak would be of 500 and more.
    assert!(open_images() < images + 100, "{} after {images}", open_images());
}

/// The least time of `rounds`, in microseconds.
fn least_us(rounds: u32, mut work: impl FnMut()) -> f64 {
    let times = (0..rounds).map(|_| {
        let start = Monotonic.now();
        work();
        (Monotonic.now().0 - start.0) as f64 / 1e3
    });
    times.fold(f64::INFINITY, f64::min)
}

#[test]
#[ignore = "a measurement"]
#[expect(clippy::print_stdout, reason = "it is what it is for")]
fn what_checkpoints_cost() {
    for mib in [1u32, 10, 100] {
        let (agents, slot_bytes) = (4, 256 << 20);
        let allocation = Allocation::Slab { agents, slot_bytes };
        let subject = subject(&stateful(), allocation);
        let mut agent = fresh(&subject);
        told(&mut agent, [2, mib * 16, 0]);
        agent.live.memory_bytes_mut()[1 << 16..].fill(0xa5);
        let mut buffer = memory(&agent);
        let copy = least_us(7, || buffer.copy_from_slice(agent.live.memory_bytes()));
        let mut saved = None;
        let full = least_us(7, || saved = agent.checkpoint(None).ok());
        let mut base = saved.expect("it can be saved");
        let step = agent.live.memory_bytes().len() / 20;
        for page in 1..=18 {
            agent.live.memory_bytes_mut()[page * step] ^= 1;
        }
        let mut last = None;
        let incremental = least_us(50, || last = agent.checkpoint(Some(&base)).ok());
        base = last.expect("it can be saved");
        let pages = base.dirty_pages().expect("incremental");
        let restored = |by| {
            least_us(7, || {
                let mut next = fresh(&subject);
                next.restore(&base, by).expect("of this module");
                assert_eq!(next.live.memory_bytes()[1 << 16], 0xa5);
            })
        };
        let (mapped, copied) = (restored(RestoreBy::Map), restored(RestoreBy::Copy));
        println!(
            "{mib} MiB: bare copy {copy:.0} us, full {full:.0} us, incremental {incremental:.1} us \
             ({pages} pages: {:.0}x, {:.0}x of a bare copy); spawn and restore by map {mapped:.0} \
             us, by copy {copied:.0} us",
            full / incremental,
            copy / incremental
        );
    }
}

#[test]
fn a_checkpoint_that_was_damaged_in_memory_is_refused() {
    let subject = subject(&stateful(), SLAB);
    let mut agent = lived(&subject);
    let full = agent.checkpoint(None).expect("it can be saved");
    told(&mut agent, [5, 0, 0]);
    let good = agent.checkpoint(Some(&full)).expect("it can be saved");
    let mut pages = good.clone();
    pages.written.bytes[4000] ^= 0x10;
    let mut variables = good.clone();
    variables.variables.tables[0][0] = Some(1_000);
    let mut channel = good.clone();
    channel.channel ^= 8;
    for damaged in [pages, variables, channel] {
        let end = fresh(&subject).restore(&damaged, RestoreBy::Map);
        assert!(matches!(end, Err(CheckpointError::Corrupt(_))), "{end:?}");
    }
    fresh(&subject).restore(&good, RestoreBy::Map).expect("whole");
}

#[test]
fn a_checkpoint_of_another_module_is_refused() {
    let other = stateful().replace("i32.const 13)", "i32.const 14)");
    let saved = lived(&subject(&stateful(), SLAB)).checkpoint(None).expect("it can be saved");
    let end = fresh(&subject(&other, SLAB)).restore(&saved, RestoreBy::Map);
    assert_eq!(end, Err(CheckpointError::OtherModule));
    fresh(&subject(&stateful(), Allocation::OnDemand))
        .restore(&saved, RestoreBy::Map)
        .expect("the same module, its memory elsewhere");
}
