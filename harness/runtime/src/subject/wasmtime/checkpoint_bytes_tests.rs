//! Checkpoints that go elsewhere and come back, and those that were damaged or never fitted.

use super::checkpoint_tests::{NOTHING, SLAB, fresh, lived, memory, stateful, subject, told};
use super::{Allocation, Checkpoint, CheckpointError, RestoreBy};
use std::hash::Hasher;
use twox_hash::XxHash64;

#[test]
fn a_checkpoint_goes_through_bytes() {
    let subject = subject(&stateful(), SLAB);
    let mut agent = lived(&subject);
    let full = agent.checkpoint(None).expect("it can be saved");
    told(&mut agent, [1, 50_000, 3]);
    let incremental = agent.checkpoint(Some(&full)).expect("it can be saved");
    assert!(incremental.dirty_pages().is_some());
    for saved in [full, incremental] {
        let bytes = saved.to_bytes().expect("it can be read");
        let read = Checkpoint::from_bytes(&bytes).expect("ours");
        assert_eq!(read.dirty_pages(), saved.dirty_pages());
        assert_eq!(read.memory(), saved.memory());
        assert_eq!(read.to_bytes().expect("it can be read"), bytes);
        for by in [RestoreBy::Map, RestoreBy::Copy] {
            let mut next = fresh(&subject);
            next.restore(&read, by).expect("of this module");
            assert_eq!(memory(&next), saved.memory());
            let mut like = fresh(&subject);
            like.restore(&saved, by).expect("of this module");
            assert_eq!(told(&mut next, NOTHING), told(&mut like, NOTHING));
        }
    }
}

/// Bytes of a small incremental checkpoint.
fn some_bytes() -> Vec<u8> {
    let subject = subject(&stateful(), SLAB);
    let mut agent = fresh(&subject);
    let full = agent.checkpoint(None).expect("it can be saved");
    told(&mut agent, [5, 0, 0]);
    let incremental = agent.checkpoint(Some(&full)).expect("it can be saved");
    assert!(incremental.dirty_pages().is_some_and(|pages| pages > 0));
    incremental.to_bytes().expect("it can be read")
}

#[test]
fn a_flipped_bit_is_refused_wherever_it_is() {
    let mut bytes = some_bytes();
    let mut random = fastrand::Rng::with_seed(11);
    let (header, all) = (160 * 8, bytes.len() * 8);
    let bits: Vec<usize> = (0..header)
        .chain((0..1500).map(|_| random.usize(header..all)))
        .chain(all - 64..all)
        .collect();
    for bit in bits {
        bytes[bit / 8] ^= 1 << (bit % 8);
        assert!(Checkpoint::from_bytes(&bytes).is_err(), "bit {bit}");
        bytes[bit / 8] ^= 1 << (bit % 8);
    }
    assert!(Checkpoint::from_bytes(&bytes).is_ok());
}

#[test]
fn what_is_not_one_of_our_checkpoints_is_refused_by_what_it_is() {
    let bytes = some_bytes();
    let end = |bytes: &[u8]| Checkpoint::from_bytes(bytes).expect_err("it is damaged");
    assert_eq!(end(b""), CheckpointError::NoCheckpoint);
    assert_eq!(end(b"\0asm\x01\0\0\0"), CheckpointError::NoCheckpoint);
    let all = bytes.len();
    for length in [16, 100, 200, all / 2, all - 1] {
        let (told, found) = (all as u64, length as u64);
        assert_eq!(end(&bytes[..length]), CheckpointError::Truncated { told, found });
    }
    for length in 0..16 {
        assert!(Checkpoint::from_bytes(&bytes[..length]).is_err());
    }
    let mut longer = bytes.clone();
    longer.push(0);
    assert!(matches!(end(&longer), CheckpointError::Truncated { .. }));
    let mut other = bytes.clone();
    other[4] = 2;
    assert_eq!(end(&other), CheckpointError::OtherForm { found: 2, known: 1 });
    let mut flipped = bytes;
    flipped[all - 20_000] ^= 1;
    assert!(matches!(end(&flipped), CheckpointError::Corrupt(_)));
}

#[test]
fn sizes_that_lie_are_refused_even_under_a_right_checksum() {
    let bytes = some_bytes();
    // Module, then sizes of memory and base, channel, kind, and three counts.
    for at in [48, 56, 72, 76, 80] {
        for value in [1u32, 0x7fff_ffff, u32::MAX] {
            let mut lie = bytes.clone();
            lie[at..at + 4].copy_from_slice(&value.to_le_bytes());
            if lie == bytes {
                continue;
            }
            let body = lie.len() - 8;
            let mut hasher = XxHash64::with_seed(0);
            hasher.write(&lie[..body]);
            lie[body..].copy_from_slice(&hasher.finish().to_le_bytes());
            let end = Checkpoint::from_bytes(&lie).map(|_| ());
            assert!(matches!(end, Err(CheckpointError::Corrupt(_))), "{at} {value}: {end:?}");
        }
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
