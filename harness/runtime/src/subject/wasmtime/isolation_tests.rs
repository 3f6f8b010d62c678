//! No guest reaches beyond its memory's size or sees what another left, however memory is had.

use super::checkpoint_tests::{NOTHING, fresh, told};
use super::{Allocation, Bounds, EngineOptions, RestoreBy, WasmAgent, WasmSubject};
use crate::subject::AgentInstance;
use caxton_fixture::guest::guest;
use caxton_model::case::Outcome;

const PAGE: u32 = 65_536;
const SLOT_BYTES: u32 = 192 << 10;
/// Room for a page, two pages, and one more each: a guest that stays below it has the rest of a
/// slot, or of a reservation, behind it.
const ALLOCATIONS: [Allocation; 3] = [
    Allocation::OnDemand,
    Allocation::Pool { agents: 1, memory_bytes: SLOT_BYTES as u64 },
    Allocation::Slab { agents: 1, slot_bytes: SLOT_BYTES as u64 },
];

/// Message words: what to do, where, and with what. The reply is what a load found, or memory's
/// size in pages.
const ACT: &str = r#"
  (func $is (param i32) (result i32) (i32.eq (i32.load (i32.const 4096)) (local.get 0)))
  (func $act (local $at i32) (local $with i32)
    (local.set $at (i32.load (i32.const 4100)))
    (local.set $with (i32.load (i32.const 4104)))
    (i32.store (i32.const 8192) (memory.size))
    (if (call $is (i32.const 1)) (then (i32.store (i32.const 8192) (i32.load (local.get $at)))))
    (if (call $is (i32.const 2)) (then (i32.store (local.get $at) (local.get $with))))
    (if (call $is (i32.const 3)) (then (drop (memory.grow (local.get $at)))))
    (if (call $is (i32.const 4))
      (then (memory.fill (local.get $at) (local.get $with) (i32.const 4))))
    (if (call $is (i32.const 5))
      (then (v128.store (i32.sub (local.get $at) (i32.const 12)) (v128.const i64x2 1 2))))
    (i64.store (i32.const 88) (i64.const 8192)) (i64.store (i32.const 96) (i64.const 4)))
  "#;
const LOAD: u32 = 1;
const STORE: u32 = 2;
const GROW: u32 = 3;
const FILL: u32 = 4;
const WIDE_STORE: u32 = 5;

fn subject(pages: u32, options: EngineOptions) -> WasmSubject {
    let text = guest("i32.const 64", "(call $act) i32.const 0")
        .replace("(memory (export \"memory\") 2)", &format!("(memory (export \"memory\") {pages})"))
        .replacen("(data", &format!("{ACT}(data"), 1);
    WasmSubject::compile(text.as_bytes(), options).expect("valid")
}

/// Every way in which guests get their memory.
fn every_way() -> Vec<EngineOptions> {
    let default = EngineOptions::default();
    let mut ways: Vec<EngineOptions> = ALLOCATIONS
        .into_iter()
        .flat_map(|allocation| {
            [false, true].map(|checkpoints| EngineOptions { allocation, checkpoints, ..default })
        })
        .collect();
    ways.push(EngineOptions { bounds: Bounds::Explicit, ..default });
    let [_, _, allocation] = ALLOCATIONS;
    ways.push(EngineOptions { allocation, epochs: true, fuel: true, ..default });
    ways
}

/// What is asked of an agent that may die of it.
fn asked(agent: &mut WasmAgent, message: [u32; 3]) -> Result<u32, Outcome> {
    let bytes: Vec<u8> = message.iter().flat_map(|number| number.to_le_bytes()).collect();
    agent.reserve(64, 0).expect("room");
    agent.call(&bytes)?;
    Ok(u32::from_le_bytes(agent.reply().try_into().expect("four bytes")))
}

/// Each access to `at` that is not wholly below it traps.
fn traps_beyond(make: &dyn Fn() -> WasmAgent, pages: u32, what: &str) {
    let end = pages * PAGE;
    for act in [LOAD, STORE, FILL, WIDE_STORE] {
        let last = asked(&mut make(), [act, end - 4, 7]);
        assert!(last.is_ok(), "{what}, {act} at the last word of {end}: {last:?}");
        for at in [end - 3, end, end + 64, SLOT_BYTES - 4, SLOT_BYTES, 1 << 30, u32::MAX - 15] {
            if at < end - 3 {
                continue;
            }
            let wild = asked(&mut make(), [act, at, 7]);
            let trap = "out of bounds memory access";
            assert!(
                matches!(&wild, Err(Outcome::DiedInTheMiddle(why)) if why.contains(trap)),
                "{what}, {act} at {at} of {end}: {wild:?}"
            );
        }
    }
}

#[test]
fn an_access_beyond_memory_traps() {
    for options in every_way() {
        for pages in [1, 2, 3] {
            let subject = subject(pages, options);
            traps_beyond(&|| fresh(&subject), pages, &format!("{options:?}"));
        }
    }
}

#[test]
fn an_access_beyond_memory_that_grew_traps() {
    for options in every_way() {
        let subject = subject(1, options);
        let grown = || {
            let mut agent = fresh(&subject);
            assert_eq!(asked(&mut agent, [GROW, 1, 0]), Ok(1));
            agent
        };
        traps_beyond(&grown, 2, &format!("grown, {options:?}"));
    }
}

#[test]
fn an_access_beyond_restored_memory_traps() {
    for options in every_way().into_iter().filter(|options| options.checkpoints) {
        for by in [RestoreBy::Map, RestoreBy::Copy] {
            let subject = subject(1, options);
            let mut first = fresh(&subject);
            told(&mut first, [GROW, 1, 0]);
            let saved = first.checkpoint(None).expect("it can be saved");
            drop(first);
            let restored = || {
                let mut agent = fresh(&subject);
                agent.restore(&saved, by).expect("of this module");
                agent
            };
            traps_beyond(&restored, 2, &format!("restored {by:?}, {options:?}"));
        }
    }
}

/// Every byte of memory beyond the guest's own data is zero.
fn is_fresh(agent: &WasmAgent) -> bool {
    const OWN: usize = 16_384;
    agent.live.memory_bytes()[OWN..].iter().all(|byte| *byte == 0)
}

#[test]
fn the_next_guest_finds_nothing_of_the_last_one() {
    for options in every_way() {
        for (pages, more) in [(1, 0), (1, 2), (2, 1), (3, 0)] {
            let subject = subject(pages, options);
            let mut first = fresh(&subject);
            told(&mut first, [GROW, more, 0]);
            // Each page of 4 KiB, and the last word.
            let end = (pages + more) * PAGE;
            for at in (16_384..end).step_by(4096).chain([end - 4]) {
                told(&mut first, [STORE, at, 0x5ec3_e701]);
            }
            if options.checkpoints {
                first.checkpoint(None).expect("it can be saved");
                told(&mut first, [STORE, end - 8, 0x5ec3_e702]);
            }
            let place = first.live.memory_range().start;
            drop(first);
            let mut next = fresh(&subject);
            if options.allocation != Allocation::OnDemand {
                assert_eq!(next.live.memory_range().start, place, "the same slot, {options:?}");
            }
            assert!(is_fresh(&next), "before it grows, {options:?}");
            told(&mut next, [GROW, 3 - pages, 0]);
            told(&mut next, NOTHING);
            assert!(is_fresh(&next), "after it grew, {options:?}");
        }
    }
}
