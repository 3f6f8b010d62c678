//! Counts of messages. Each thread that gets answers has a recorder of its own, which nobody else
//! writes to: no lock and no locked instruction, but for a message that was too slow, which is
//! noted by its number. Whoever asks adds all of them up.
//!
//! What is good is decided by the edges of one histogram, which has an edge at the limit of each
//! objective. So a message costs the same however many objectives there are, and every count is
//! exact.

use crate::burn::SloCounts;
use crate::host::{HostFigures, RestartReason};
use caxton_model::slo::{GoodMessage, Slo};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

/// The most edges, the last of which is that of everything longer.
const EDGES_MAX: usize = 32;
/// Edges that a histogram has whatever is asked: 1, 2.5 and 5 of each power of ten from 10 us to
/// 10 s.
const USUAL_NS: [u64; 19] = [
    10_000,
    25_000,
    50_000,
    100_000,
    250_000,
    500_000,
    1_000_000,
    2_500_000,
    5_000_000,
    10_000_000,
    25_000_000,
    50_000_000,
    100_000_000,
    250_000_000,
    500_000_000,
    1_000_000_000,
    2_500_000_000,
    5_000_000_000,
    10_000_000_000,
];
/// How many objectives can have a limit of their own.
const LIMITS_MAX: usize = EDGES_MAX - USUAL_NS.len() - 1;
type Counts = [u64; EDGES_MAX];

/// How a message came to nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// It was answered wrongly, or refused.
    Error,
    /// It was not answered in time.
    TimedOut,
    /// It was not sent, because there was no room.
    Dropped,
    /// It was in the hands of an agent that died.
    Lost,
}

impl Failure {
    pub(crate) const ALL: [Self; 4] = [Self::Error, Self::TimedOut, Self::Dropped, Self::Lost];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::TimedOut => "timeout",
            Self::Dropped => "dropped",
            Self::Lost => "lost",
        }
    }
}

/// More limits than a histogram has edges for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0} different limits of response times: up to {LIMITS_MAX} can be counted exactly")]
pub struct TooManyObjectives(usize);

/// What this process says of who it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Labels {
    /// Names slow messages beside their sequence numbers: the run, or the release.
    pub run: String,
    /// Of `caxton_build_info`, such as `version` and `wasmtime`.
    pub build: Vec<(String, String)>,
}

/// A message that took longer than the strictest objective allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SlowMessage {
    pub sequence: u64,
    pub response_ns: u64,
}

/// By limit, in the order of the limits.
type SlowMessages = [Option<SlowMessage>; EDGES_MAX];

/// What one recorder counts. On cache lines of its own: a neighbour's would travel between cores.
#[derive(Debug)]
#[repr(align(128))]
struct Cells {
    /// Good answers by the first edge that is not below their time.
    answered: [AtomicU64; EDGES_MAX],
    failed: [AtomicU64; Failure::ALL.len()],
    redelivered: AtomicU64,
    /// The sum of all times, in nanoseconds.
    sum_ns: AtomicU64,
    /// The last message above each limit; not waited for where somebody reads it.
    slow: Mutex<SlowMessages>,
}

impl Cells {
    fn new() -> Self {
        Self {
            answered: [const { AtomicU64::new(0) }; EDGES_MAX],
            failed: [const { AtomicU64::new(0) }; Failure::ALL.len()],
            redelivered: AtomicU64::new(0),
            sum_ns: AtomicU64::new(0),
            slow: Mutex::new([None; EDGES_MAX]),
        }
    }
}

/// Edges of a histogram, and where to begin to look for one.
#[derive(Debug)]
struct Edges {
    /// Ascending; the last one is above every time.
    edges_ns: Vec<u64>,
    /// By leading zeros of a time, the first edge that can be its.
    first: [u8; 65],
}

impl Edges {
    fn new(limits_ns: &BTreeSet<u64>) -> Self {
        let all: BTreeSet<u64> = USUAL_NS.into_iter().chain(limits_ns.iter().copied()).collect();
        let edges_ns: Vec<u64> = all.into_iter().chain([u64::MAX]).collect();
        let first = std::array::from_fn(|zeros| {
            let least = u64::MAX.checked_shr(zeros as u32).map_or(0, |most| most / 2 + 1);
            let at = edges_ns.partition_point(|edge| *edge < least);
            u8::try_from(at).expect("few edges")
        });
        Self { edges_ns, first }
    }

    /// The first edge that is not below `time_ns`.
    #[inline]
    fn of(&self, time_ns: u64) -> usize {
        let mut at = usize::from(self.first[time_ns.leading_zeros() as usize]);
        while self.edges_ns[at] < time_ns {
            at += 1;
        }
        at
    }
}

/// Times as Prometheus' histogram has them.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Distribution {
    /// Edges in nanoseconds, the last one above every time, and what lies between each and the one
    /// before.
    pub buckets: Vec<(u64, u64)>,
    pub sum_ns: u64,
}

impl Distribution {
    pub(crate) fn count(&self) -> u64 {
        self.buckets.iter().map(|(_, count)| count).sum()
    }

    /// How many are not above `limit_ns`, which is an edge.
    fn within(&self, limit_ns: u64) -> u64 {
        self.buckets.iter().filter(|(edge, _)| *edge <= limit_ns).map(|(_, count)| count).sum()
    }
}

/// All counts at one moment.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Totals {
    pub answered: Distribution,
    pub failed: [u64; Failure::ALL.len()],
    pub redelivered: u64,
    /// The last message above each limit, in nanoseconds.
    pub slow: BTreeMap<u64, SlowMessage>,
}

/// What is rare: restarts and recoveries.
#[derive(Debug, Clone, Default)]
struct Rare {
    restarts: BTreeMap<RestartReason, u64>,
    recovered: Counts,
    recovered_sum_ns: u64,
}

/// Those that count, and what others counted that are gone.
#[derive(Debug)]
struct Recorders {
    live: Vec<Arc<Cells>>,
    retired: Cells,
}

/// All that is counted of a host.
#[derive(Debug)]
pub struct Metrics {
    pub(crate) slos: Vec<Slo>,
    pub(crate) labels: Labels,
    edges: Edges,
    /// What response times are held against, ascending.
    limits_ns: Vec<u64>,
    /// A message above this is a slow one.
    slow_ns: u64,
    recorders: RwLock<Recorders>,
    rare: Mutex<Rare>,
    host: Mutex<HostFigures>,
}

pub(crate) fn held<T>(what: &Mutex<T>) -> MutexGuard<'_, T> {
    what.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Metrics {
    /// Counts for `slos`, of which there may be none.
    ///
    /// # Errors
    /// There are too many limits to count all of them exactly.
    pub fn new(slos: Vec<Slo>, labels: Labels) -> Result<Arc<Self>, TooManyObjectives> {
        let limits_ns: BTreeSet<u64> = slos
            .iter()
            .filter_map(|slo| match slo.good {
                GoodMessage::AnsweredWithin(limit) => Some(limit.0),
                GoodMessage::Answered => None,
            })
            .collect();
        let own = limits_ns.iter().filter(|limit| !USUAL_NS.contains(limit)).count();
        if own > LIMITS_MAX {
            return Err(TooManyObjectives(own));
        }
        Ok(Arc::new(Self {
            slos,
            labels,
            edges: Edges::new(&limits_ns),
            slow_ns: limits_ns.first().copied().unwrap_or(u64::MAX),
            limits_ns: limits_ns.into_iter().collect(),
            recorders: RwLock::new(Recorders { live: Vec::new(), retired: Cells::new() }),
            rare: Mutex::default(),
            host: Mutex::default(),
        }))
    }

    /// The objectives.
    pub fn slos(&self) -> &[Slo] {
        &self.slos
    }

    /// A recorder for one thread. What it counted stays when it is dropped.
    pub fn recorder(self: &Arc<Self>) -> Recorder {
        let cells = Arc::new(Cells::new());
        let mut all = self.recorders.write().unwrap_or_else(PoisonError::into_inner);
        all.live.push(Arc::clone(&cells));
        drop(all);
        Recorder { cells, metrics: Arc::clone(self) }
    }

    /// Notes that an agent was started again, and how long after its death it was there; none where
    /// that is not known.
    pub fn restarted(&self, reason: RestartReason, recovery_ns: Option<u64>) {
        let mut rare = held(&self.rare);
        *rare.restarts.entry(reason).or_default() += 1;
        if let Some(recovery_ns) = recovery_ns {
            rare.recovered[self.edges.of(recovery_ns)] += 1;
            rare.recovered_sum_ns = rare.recovered_sum_ns.wrapping_add(recovery_ns);
        }
    }

    /// Takes what the host says of itself now, in place of what it said before.
    pub fn set_host(&self, figures: HostFigures) {
        *held(&self.host) = figures;
    }

    pub(crate) fn host_figures(&self) -> HostFigures {
        held(&self.host).clone()
    }

    pub(crate) fn restarts(&self) -> BTreeMap<RestartReason, u64> {
        held(&self.rare).restarts.clone()
    }

    pub(crate) fn recoveries(&self) -> Distribution {
        let rare = held(&self.rare);
        self.distribution(&rare.recovered, rare.recovered_sum_ns)
    }

    fn distribution(&self, counts: &Counts, sum_ns: u64) -> Distribution {
        let buckets = self.edges.edges_ns.iter().copied().zip(counts.iter().copied()).collect();
        Distribution { buckets, sum_ns }
    }

    /// What all recorders counted. Each count only ever grows, from one call to the next.
    pub(crate) fn totals(&self) -> Totals {
        let (mut answered, mut failed) = ([0; EDGES_MAX], [0; Failure::ALL.len()]);
        let (mut redelivered, mut sum_ns, mut slow) = (0, 0_u64, BTreeMap::new());
        let all = self.recorders.read().unwrap_or_else(PoisonError::into_inner);
        for cells in all.live.iter().map(Arc::as_ref).chain([&all.retired]) {
            let add = |sums: &mut [u64], cells: &[AtomicU64]| {
                sums.iter_mut().zip(cells).for_each(|(sum, cell)| *sum += cell.load(Relaxed));
            };
            add(&mut answered, &cells.answered);
            add(&mut failed, &cells.failed);
            redelivered += cells.redelivered.load(Relaxed);
            sum_ns = sum_ns.wrapping_add(cells.sum_ns.load(Relaxed));
            for (limit_ns, message) in self.limits_ns.iter().zip(held(&cells.slow).iter()) {
                let Some(message) = *message else { continue };
                let last = slow.entry(*limit_ns).or_insert(message);
                if message.sequence > last.sequence {
                    *last = message;
                }
            }
        }
        Totals { answered: self.distribution(&answered, sum_ns), failed, redelivered, slow }
    }

    /// Good and bad messages of each objective, in their order.
    pub fn slo_counts(&self) -> Vec<SloCounts> {
        let totals = self.totals();
        self.slos.iter().map(|slo| totals.of(slo)).collect()
    }
}

impl Totals {
    pub(crate) fn of(&self, slo: &Slo) -> SloCounts {
        let answered = self.answered.count();
        let good = match slo.good {
            GoodMessage::Answered => answered,
            GoodMessage::AnsweredWithin(limit) => self.answered.within(limit.0),
        };
        SloCounts { good, bad: answered - good + self.failed.iter().sum::<u64>() }
    }
}

/// Counts the messages of one thread.
#[derive(Debug)]
pub struct Recorder {
    cells: Arc<Cells>,
    metrics: Arc<Metrics>,
}

/// One more. Only the recorder writes to its cells: nothing comes between the two.
#[inline]
fn add(cell: &AtomicU64, more: u64) {
    cell.store(cell.load(Relaxed).wrapping_add(more), Relaxed);
}

impl Recorder {
    /// A good answer, `response_ns` nanoseconds after the message was due. `sequence` is where the
    /// message stands in its schedule or log: a slow one is named by it.
    #[inline]
    pub fn answered(&mut self, response_ns: u64, sequence: u64) {
        let edge = self.metrics.edges.of(response_ns);
        add(&self.cells.answered[edge], 1);
        add(&self.cells.sum_ns, response_ns);
        if response_ns > self.metrics.slow_ns {
            self.slow(SlowMessage { sequence, response_ns });
        }
    }

    /// A message that came to nothing.
    #[inline]
    pub fn failed(&mut self, how: Failure) {
        add(&self.cells.failed[how as usize], 1);
    }

    /// A message that was handed out again after its agent's death: what becomes of it is counted
    /// when it is known.
    #[inline]
    pub fn redelivered(&mut self) {
        add(&self.cells.redelivered, 1);
    }

    #[cold]
    fn slow(&self, message: SlowMessage) {
        let Ok(mut slow) = self.cells.slow.try_lock() else { return };
        for (limit_ns, last) in self.metrics.limits_ns.iter().zip(slow.iter_mut()) {
            if message.response_ns > *limit_ns {
                *last = Some(message);
            }
        }
    }
}

impl Drop for Recorder {
    /// What it counted goes to those that are gone: a host may have as many threads as it likes.
    fn drop(&mut self) {
        let mut all = self.metrics.recorders.write().unwrap_or_else(PoisonError::into_inner);
        all.live.retain(|cells| !Arc::ptr_eq(cells, &self.cells));
        let (own, sums) = (&self.cells, &all.retired);
        let both = |own: &[AtomicU64], sums: &[AtomicU64]| {
            own.iter().zip(sums).for_each(|(own, sum)| add(sum, own.load(Relaxed)));
        };
        both(&own.answered, &sums.answered);
        both(&own.failed, &sums.failed);
        add(&sums.redelivered, own.redelivered.load(Relaxed));
        add(&sums.sum_ns, own.sum_ns.load(Relaxed));
        for (own, last) in held(&own.slow).iter().zip(held(&sums.slow).iter_mut()) {
            *last = own.or(*last);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::objectives;
    use std::thread;

    fn metrics(conditions: &[&str]) -> Arc<Metrics> {
        Metrics::new(objectives(conditions).unwrap(), Labels::default()).unwrap()
    }

    #[test]
    fn an_edge_is_found_wherever_a_time_lies() {
        let limits = BTreeSet::from([1, 12_000_000, u64::MAX - 1]);
        let edges = Edges::new(&limits);
        let all = edges.edges_ns.clone();
        let around =
            all.iter().flat_map(|edge| [edge.saturating_sub(1), *edge, edge.wrapping_add(1)]);
        for time_ns in around.chain((0..64).map(|bit| 1 << bit)) {
            let expected = all.iter().position(|edge| *edge >= time_ns).unwrap();
            assert_eq!(edges.of(time_ns), expected, "{time_ns}");
        }
    }

    #[test]
    fn good_and_bad_are_exact_at_the_limit_of_each_objective() {
        let asked = ["response_time p(99)<12ms", "response_time p(50)<1ms", "success rate>0.9"];
        let metrics = metrics(&asked);
        let mut recorder = metrics.recorder();
        for ns in [1, 1_000_000, 1_000_001, 12_000_000, 12_000_001, u64::MAX] {
            recorder.answered(ns, 0);
        }
        recorder.failed(Failure::Lost);
        recorder.failed(Failure::Dropped);
        recorder.redelivered();
        let counts = |good, bad| SloCounts { good, bad };
        assert_eq!(metrics.slo_counts(), [counts(4, 4), counts(2, 6), counts(6, 2)]);
    }

    #[test]
    fn recorders_of_many_threads_add_up_and_what_they_counted_stays() {
        let metrics = metrics(&["response_time p(99)<10ms"]);
        thread::scope(|scope| {
            for _ in 0..4 {
                let mut recorder = metrics.recorder();
                scope.spawn(move || (0..1000).for_each(|ns| recorder.answered(ns, ns)));
            }
        });
        assert_eq!(metrics.slo_counts(), [SloCounts { good: 4000, bad: 0 }]);
        assert_eq!(metrics.totals().answered.sum_ns, 4 * 999 * 500);
        assert_eq!(metrics.recorders.read().unwrap().live.len(), 0, "none of those that are gone");
    }

    #[test]
    fn a_slow_message_can_be_named() {
        let metrics = metrics(&["response_time p(99)<10ms"]);
        let mut recorder = metrics.recorder();
        recorder.answered(5, 1);
        recorder.answered(20_000_000, 17);
        recorder.answered(24_000_000, 18);
        let last = |sequence, response_ns| {
            BTreeMap::from([(10_000_000, SlowMessage { sequence, response_ns })])
        };
        assert_eq!(metrics.totals().slow, last(18, 24_000_000));
        drop(recorder);
        assert_eq!(metrics.totals().slow, last(18, 24_000_000), "it is remembered");
        // One that was far slower does not stand in its way.
        let mut recorder = metrics.recorder();
        recorder.answered(20_000_000_000, 19);
        recorder.answered(11_000_000, 20);
        assert_eq!(metrics.totals().slow, last(20, 11_000_000));
    }

    #[test]
    fn more_limits_than_edges_are_refused() {
        let asked: Vec<String> =
            (0..=LIMITS_MAX).map(|n| format!("response_time p(99)<{}us", 11 + n)).collect();
        let asked: Vec<&str> = asked.iter().map(String::as_str).collect();
        let slos = objectives(&asked).unwrap();
        let error = Metrics::new(slos, Labels::default()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "13 different limits of response times: up to 12 can be counted exactly"
        );
    }
}
