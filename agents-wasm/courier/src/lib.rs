//! `courier`: checks a message, and passes it back to its sender. The agent behind every
//! measurement of mail.
//!
//! It hashes each body and compares, numbers what it sends on each of its links and expects the
//! same of the others, and keeps a ledger that it reports when asked: what got lost, doubled, out
//! of order or damaged on the way shows there. It also fails on request, in every way that a
//! runtime must survive.

use agent_abi::mail::{HOST, Header, Kind, LINKS, Ledger, MailAgent, body_hash, seal};
use agent_abi::{Agent, AgentError, Host, Reply, export_mail_agent, raw};
use std::hint::{black_box, spin_loop};

/// 1 KiB: the size of a usual agent message.
const MESSAGE_BYTES: usize = 1024;
const PAGE_BYTES: usize = 4096;
const MIB: usize = 1 << 20;

/// The agent's state.
#[derive(Debug, Clone, Default)]
pub struct Courier {
    ledger: Ledger,
    /// Per link, the number of the next message on it: those that come, those that go.
    links: [(u32, u32); LINKS],
    /// What it was asked to hold, in blocks of a MiB.
    held: Vec<Vec<u8>>,
}

impl Courier {
    /// The header of what `header` becomes, whose body is `body`.
    #[inline]
    fn pass(&mut self, header: &Header, body: &[u8]) -> Header {
        let hash = body_hash(body);
        let link = &mut self.links[usize::from(header.to_link) % LINKS];
        self.ledger.received += 1;
        self.ledger.checksum = self.ledger.checksum.wrapping_add(header.hash);
        self.ledger.corrupt += u64::from(seal(hash, header.hops) != header.hash);
        if !header.is_fresh {
            self.ledger.out_of_order += u64::from(header.sequence != link.0);
            link.0 = header.sequence.wrapping_add(1);
        }
        let back = header.returned();
        if header.hops == 0 {
            return Header { to: HOST, ..back };
        }
        let sequence = link.1;
        link.1 = sequence.wrapping_add(1);
        Header { sequence, hash: seal(hash, back.hops), ..back }
    }

    fn hold(&mut self, mebibytes: u32) -> Result<(), AgentError> {
        for _ in 0..mebibytes {
            let mut block = Vec::new();
            if self.held.try_reserve(1).is_err() || block.try_reserve_exact(MIB).is_err() {
                return Err(AgentError::new("no memory for what is to be held"));
            }
            block.resize(MIB, 1);
            self.held.push(block);
        }
        Ok(())
    }

    /// Writes `mark` to `pages` pages, evenly over what is held.
    fn touch(&mut self, pages: u32, mark: u8) {
        let held = self.held.len() * MIB;
        for page in 0..pages as usize {
            let at = held / PAGE_BYTES * page / pages as usize * PAGE_BYTES;
            if let Some(block) = self.held.get_mut(at / MIB) {
                block[at % MIB] = mark;
            }
        }
    }
}

impl MailAgent for Courier {
    #[inline]
    fn receive(&mut self, slot: &mut [u8]) -> Result<(), AgentError> {
        let Some(header) = Header::read(slot) else {
            return Err(AgentError::new("no message"));
        };
        let (_, body) = slot[..header.bytes as usize].split_at_mut(Header::BYTES);
        let answered = || Header { to: HOST, hops: header.hops, ..header.returned() };
        let next = match Kind::from_raw(header.kind) {
            Some(Kind::Pass) => self.pass(&header, body),
            Some(Kind::PassCopied) => {
                let copy = body.to_vec();
                let next = self.pass(&header, &copy);
                body.copy_from_slice(&copy);
                next
            }
            Some(Kind::Ask) => Header { hash: seal(body_hash(body), header.hops), ..answered() },
            Some(Kind::Report) => {
                if !self.ledger.write(body) {
                    return Err(AgentError::new("no room for a ledger"));
                }
                Header { hash: seal(body_hash(body), header.hops), ..answered() }
            }
            Some(Kind::Hold) => {
                self.hold(header.hops)?;
                answered()
            }
            Some(Kind::Touch) => {
                self.touch(header.hops, header.id as u8);
                answered()
            }
            Some(Kind::Trap) => raw::trap(),
            Some(Kind::Loop) => loop {
                spin_loop();
            },
            Some(Kind::Exhaust) => loop {
                black_box(vec![1u8; MIB].leak());
            },
            Some(Kind::Oversize) => Header { bytes: u32::MAX, ..answered() },
            Some(Kind::Stray) => Header { to: HOST - 1, ..answered() },
            Some(Kind::Wild) => raw::read_outside(),
            None => return Err(AgentError::new("a message of an unknown kind")),
        };
        next.write(slot);
        Ok(())
    }
}

impl Agent for Courier {
    fn new(_: Host) -> Self {
        Self::default()
    }

    fn handle(&mut self, inbox: &mut [u8], _: &mut Vec<u8>) -> Result<Reply, AgentError> {
        self.receive(inbox)?;
        Ok(Reply::Inbox { bytes: inbox.len() })
    }

    fn example(seed: u64) -> Vec<u8> {
        const HOPS: u32 = 7;
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut message: Vec<u8> = (0..MESSAGE_BYTES).map(|_| rng.u8(..)).collect();
        let header = Header {
            bytes: MESSAGE_BYTES as u32,
            hash: seal(body_hash(&message[Header::BYTES..]), HOPS),
            from: 1,
            to: 2,
            sequence: 0,
            hops: HOPS,
            to_link: 0,
            from_link: 1,
            kind: Kind::Pass as u8,
            is_fresh: true,
            id: 0,
        };
        header.write(&mut message);
        message
    }
}

export_mail_agent!(Courier);

#[cfg(test)]
mod tests {
    use super::*;

    fn courier() -> Courier {
        Courier::new(Host::detached())
    }

    fn message(kind: Kind, hops: u32) -> Vec<u8> {
        let mut message = Courier::example(1);
        let header = Header::read(&message).unwrap();
        let hash = seal(body_hash(&message[Header::BYTES..]), hops);
        Header { kind: kind as u8, hops, hash, ..header }.write(&mut message);
        message
    }

    fn report(courier: &mut Courier) -> Ledger {
        let mut message = message(Kind::Report, 0);
        courier.receive(&mut message).unwrap();
        assert_eq!(Header::read(&message).unwrap().to, HOST);
        Ledger::read(&message[Header::BYTES..]).unwrap()
    }

    #[test]
    fn two_couriers_pass_a_message_until_its_hops_are_used_up() {
        let mut couriers = [courier(), courier()];
        let mut mail = message(Kind::Pass, 3);
        let mut sum = 0u64;
        for hops in (0..=3).rev() {
            let header = Header::read(&mail).unwrap();
            assert_eq!((header.hops, header.to), (hops, if hops % 2 == 1 { 2 } else { 1 }));
            sum = sum.wrapping_add(header.hash);
            couriers[header.to as usize - 1].receive(&mut mail).unwrap();
        }
        assert_eq!(Header::read(&mail).unwrap().to, HOST);
        let [a, b] = &mut couriers;
        let total = report(a).plus(report(b));
        assert_eq!(total, Ledger { received: 4, checksum: sum, out_of_order: 0, corrupt: 0 });
    }

    #[test]
    fn what_is_doubled_skipped_or_damaged_shows() {
        let (mut sender, mut receiver) = (courier(), courier());
        let mut passed = || {
            let mut mail = message(Kind::Pass, 5);
            sender.receive(&mut mail).unwrap();
            mail
        };
        let (first, second, third) = (passed(), passed(), passed());
        receiver.receive(&mut first.clone()).unwrap();
        assert_eq!(report(&mut receiver).out_of_order, 0);
        receiver.receive(&mut first.clone()).unwrap();
        assert_eq!(report(&mut receiver).out_of_order, 1, "doubled");
        receiver.receive(&mut third.clone()).unwrap();
        assert_eq!(report(&mut receiver).out_of_order, 2, "the second was skipped");
        let mut damaged = second;
        damaged[100] ^= 1;
        receiver.receive(&mut damaged).unwrap();
        assert_eq!(report(&mut receiver).corrupt, 1);
    }

    #[test]
    fn it_holds_and_touches_what_it_is_told() {
        let mut courier = courier();
        courier.receive(&mut message(Kind::Hold, 2)).unwrap();
        courier.receive(&mut message(Kind::Touch, 4)).unwrap();
        let marked = |block: &Vec<u8>| block.iter().filter(|byte| **byte != 1).count();
        assert_eq!(courier.held.iter().map(marked).collect::<Vec<_>>(), [2, 2]);
    }

    #[test]
    fn what_is_no_message_is_refused() {
        assert!(courier().receive(&mut [0; 64]).is_err());
        let mut mail = message(Kind::Pass, 1);
        mail[34] = 99;
        assert!(courier().receive(&mut mail).is_err());
    }
}
