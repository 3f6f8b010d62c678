//! What several generators saw, second by second: told once all of them are past a second.

use caxton_model::load::frame::LoadSecond;
use std::collections::BTreeMap;

/// A second that one of several generators saw; none once it has ended.
#[derive(Debug)]
pub(super) struct SeenBy {
    pub(super) generator: usize,
    pub(super) second: Option<LoadSecond>,
}

#[derive(Debug)]
pub(super) struct Joined {
    waiting: BTreeMap<u64, LoadSecond>,
    /// Of each generator: the second that it may tell next.
    next: Vec<u64>,
}

impl Joined {
    /// Nothing yet of so many generators.
    pub(super) fn of(generators: usize) -> Self {
        Self { waiting: BTreeMap::new(), next: vec![0; generators] }
    }

    /// Adds what one of them saw.
    pub(super) fn add(&mut self, seen: SeenBy) {
        let Some(second) = seen.second else {
            self.next[seen.generator] = u64::MAX;
            return;
        };
        self.next[seen.generator] = second.second + 1;
        match self.waiting.get_mut(&second.second) {
            Some(sum) => sum.add(&second),
            None => drop(self.waiting.insert(second.second, second)),
        }
    }

    /// The next second that nobody will add to, if there is one.
    pub(super) fn take(&mut self) -> Option<LoadSecond> {
        let least = self.next.iter().copied().min()?;
        let first = self.waiting.first_entry()?;
        (*first.key() < least).then(|| first.remove())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use caxton_model::load::frame::MessagesSeen;

    fn seen(generator: usize, second: u64, offered: u64) -> SeenBy {
        let mut all = LoadSecond { second, length_ns: 1, ..LoadSecond::default() };
        let mut seen = MessagesSeen::default();
        seen.counts.offered = offered;
        seen.lateness.record(offered);
        all.stages.insert(0, seen);
        SeenBy { generator, second: Some(all) }
    }

    fn told(joined: &mut Joined) -> Vec<[u64; 3]> {
        let next = std::iter::from_fn(|| joined.take());
        next.map(|all| [all.second, all.counts().offered, all.stages[&0].lateness.len()]).collect()
    }

    #[test]
    fn a_second_is_told_once_all_are_past_it_and_has_what_each_saw() {
        let mut joined = Joined::of(2);
        joined.add(seen(0, 0, 5));
        joined.add(seen(0, 1, 6));
        assert_eq!(told(&mut joined), Vec::<[u64; 3]>::new());
        joined.add(seen(1, 0, 7));
        assert_eq!(told(&mut joined), [[0, 12, 2]]);
        // It did not come to second 1, and so adds nothing to it.
        joined.add(seen(1, 2, 8));
        assert_eq!(told(&mut joined), [[1, 6, 1]]);
        joined.add(SeenBy { generator: 0, second: None });
        assert_eq!(told(&mut joined), [[2, 8, 1]]);
        joined.add(seen(1, 4, 1));
        joined.add(SeenBy { generator: 1, second: None });
        assert_eq!(told(&mut joined), [[4, 1, 1]]);
    }
}
