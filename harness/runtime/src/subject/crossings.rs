//! Who works while a program is called: its own code, the functions of its host, or what lies
//! between them.

use caxton_model::units::Nanos;
use std::ops::AddAssign;

/// Where control goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Crossing {
    IntoGuest,
    OutOfGuest,
    /// From guest code into a function of the host.
    IntoHost,
    /// And back.
    OutOfHost,
}

/// Time in guest code and in host functions, noted each time that control crosses between them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Crossings {
    /// In guest code.
    pub guest: Stretches,
    /// In functions that the guest imports, without guest code that they call in turn.
    pub host: Stretches,
    /// How often the host entered guest code.
    pub entries: u64,
    /// Crossings in all. Each reads the clock once.
    pub all: u64,
    /// Since when, and who works.
    last: Option<(Nanos, InControl)>,
    /// Entries that have not returned.
    depth: u32,
}

/// Time that one of them had, in so many stretches between two crossings.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stretches {
    pub time: Nanos,
    pub count: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum InControl {
    Guest,
    Host,
}

impl Crossings {
    /// Control goes `to` at `now`.
    pub fn cross(&mut self, to: Crossing, now: Nanos) {
        if let Some((since, worker)) = self.last {
            let stretches = match worker {
                InControl::Guest => &mut self.guest,
                InControl::Host => &mut self.host,
            };
            stretches.time.0 += now.0.saturating_sub(since.0);
            stretches.count += 1;
        }
        self.all += 1;
        let worker = match to {
            Crossing::IntoGuest => {
                self.depth += 1;
                self.entries += 1;
                Some(InControl::Guest)
            }
            Crossing::OutOfGuest => {
                self.depth = self.depth.saturating_sub(1);
                (self.depth > 0).then_some(InControl::Host)
            }
            Crossing::IntoHost => Some(InControl::Host),
            Crossing::OutOfHost => Some(InControl::Guest),
        };
        self.last = worker.map(|worker| (now, worker));
    }

    /// What was noted up to now. A call that ended inside a host function, as by an exit, has no
    /// last crossing: the next one begins anew.
    pub fn take(&mut self) -> Self {
        std::mem::take(self)
    }
}

impl AddAssign for Crossings {
    fn add_assign(&mut self, more: Self) {
        for (sum, more) in [(&mut self.guest, more.guest), (&mut self.host, more.host)] {
            sum.time.0 += more.time.0;
            sum.count += more.count;
        }
        self.entries += more.entries;
        self.all += more.all;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Crossing::{IntoGuest, IntoHost, OutOfGuest, OutOfHost};

    #[test]
    fn each_stretch_belongs_to_who_worked_in_it() {
        let mut crossings = Crossings::default();
        let crossed = [
            // An allocator for an argument.
            (10, IntoGuest),
            (13, OutOfGuest),
            // The function, which calls the host, which calls the guest's allocator.
            (20, IntoGuest),
            (50, IntoHost),
            (51, IntoGuest),
            (55, OutOfGuest),
            (58, OutOfHost),
            (100, OutOfGuest),
        ];
        for (at, to) in crossed {
            crossings.cross(to, Nanos(at));
        }
        // 3 + 30 + 4 + 42 of the guest, 1 + 3 of the host.
        assert_eq!(crossings.guest, Stretches { time: Nanos(79), count: 4 });
        assert_eq!(crossings.host, Stretches { time: Nanos(4), count: 2 });
        assert_eq!((crossings.entries, crossings.all), (3, 8));
    }

    #[test]
    fn a_call_that_ends_in_the_host_leaves_nothing_to_the_next() {
        let mut crossings = Crossings::default();
        crossings.cross(IntoGuest, Nanos(0));
        crossings.cross(IntoHost, Nanos(5));
        let first = crossings.take();
        crossings.cross(IntoGuest, Nanos(1_000));
        crossings.cross(OutOfGuest, Nanos(1_002));
        let mut both = crossings.take();
        both += first;
        assert_eq!(both.guest, Stretches { time: Nanos(7), count: 2 });
        assert_eq!(both.host, Stretches::default());
    }
}
