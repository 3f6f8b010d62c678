//! The same with a guest, as text: no WASM toolchain is needed.

use super::*;
use crate::subject::wasmtime::{EngineOptions, WasmMailSubject, WasmSubject};

/// Passes mail back as the courier does, without a look at its body; [`Kind::Trap`] is a trap. Its
/// channel is at 64, the size of its slots at 120, its mailbox at 4096.
const GUEST: &str = r#"(module
  (memory (export "memory") 2)
  (data (i32.const 64) "CXTN\01\00\00\00")
  (func (export "agent_abi_version") (result i32) i32.const 1)
  (func (export "agent_new") (param i32) (result i32) i32.const 64)
  (func (export "agent_reserve") (param i32 i32 i32) (result i32) i32.const 2)
  (func (export "agent_handle") (param i32 i32) (result i32) i32.const 2)
  (func (export "agent_example") (param i32 i64) (result i32) i32.const 2)
  (func (export "agent_drop") (param i32))
  (func (export "agent_mail_open") (param $channel i32) (param $slots i32) (param $bytes i32)
    (result i32)
    (i64.store (i32.const 72) (i64.const 4096))
    (i64.store (i32.const 80) (i64.extend_i32_u (i32.mul (local.get $slots) (local.get $bytes))))
    (i32.store (i32.const 120) (local.get $bytes))
    i32.const 0)
  (func $receive (param $slot i32) (local $from i32) (local $hops i32)
    (if (i32.eq (i32.load8_u offset=34 (local.get $slot)) (i32.const 5)) (then unreachable))
    (local.set $from (i32.load offset=16 (local.get $slot)))
    (local.set $hops (i32.load offset=28 (local.get $slot)))
    (i32.store offset=16 (local.get $slot) (i32.load offset=20 (local.get $slot)))
    (if (i32.or
          (i32.eqz (local.get $hops))
          (i32.ne (i32.load8_u offset=34 (local.get $slot)) (i32.const 0)))
      (then (i32.store offset=20 (local.get $slot) (i32.const -1)))
      (else
        (i32.store offset=20 (local.get $slot) (local.get $from))
        (i32.store offset=28 (local.get $slot) (i32.sub (local.get $hops) (i32.const 1))))))
  (func (export "agent_mail_drain") (param $channel i32) (param $first i32) (param $count i32)
    (result i32) (local $done i32)
    (i64.store (i32.const 96) (i64.const 0))
    (loop $next
      (call $receive (i32.add (i32.const 4096)
        (i32.mul (i32.load (i32.const 120)) (i32.add (local.get $first) (local.get $done)))))
      (local.set $done (i32.add (local.get $done) (i32.const 1)))
      (i64.store (i32.const 96) (i64.extend_i32_u (local.get $done)))
      (br_if $next (i32.lt_u (local.get $done) (local.get $count))))
    local.get $done))"#;

fn circle(it: &mut dyn Orchestrator) {
    for id in 0..24 {
        post(it, &passed(id % 3, (id + 1) % 3, Kind::Pass, 30, id));
    }
    assert_eq!(it.wait_for(24, LONG), 24);
    let stats = it.stats();
    assert_eq!((stats.delivered, stats.finished, stats.gone()), (24 * 31, 24, 0));
    assert!((0..3).all(|agent| answers(it, agent)));
    post(it, &message(1, Kind::Trap, 1));
    assert_eq!(it.wait_for(25, LONG), 25);
    assert_eq!((it.stats().failures, it.stats().lost), (1, 1));
    assert!(answers(it, 0) && answers(it, 2));
}

#[test]
fn a_guest_is_an_agent_like_any_other() {
    for shards in 1..=3 {
        in_time(&format!("{shards} shards"), move || {
            let setup = Setup { shards, ..SETUP };
            let subject = WasmSubject::compile(GUEST.as_bytes(), EngineOptions::default());
            let subject = WasmMailSubject::trusted(subject.unwrap());
            circle(&mut Tasks::start(&subject, setup).unwrap());
            let once = Supervision { delivery: Delivery::AtMostOnce, ..PATIENT };
            for supervision in [Supervision::NONE, once] {
                let mut it = Reference::start(&subject, setup, supervision).unwrap();
                circle(&mut it);
                let agent = it.spawn().unwrap();
                assert!(answers(&mut it, agent));
            }
        });
    }
}

#[test]
fn a_guest_that_trapped_tells_how_far_it_came() {
    in_time("reference", || {
        let subject = WasmSubject::compile(GUEST.as_bytes(), EngineOptions::default());
        let subject = WasmMailSubject::trusted(subject.unwrap());
        let once =
            Supervision { checkpoint_every: None, delivery: Delivery::AtMostOnce, ..PATIENT };
        let setup = Setup { shards: 1, ..SETUP };
        let it = &mut Reference::start(&subject, setup, once).unwrap();
        for id in 0..200 {
            let kind = if id % 10 == 4 { Kind::Trap } else { Kind::Pass };
            post(it, &message(1, kind, id));
        }
        assert_eq!(it.wait_for(200, LONG), 200);
        let stats = it.stats();
        assert_eq!((stats.finished, stats.lost, stats.restarts), (180, 20, 20));
        assert_eq!((stats.delivered, stats.gone(), stats.failures), (180, 20, 20));
    });
}
