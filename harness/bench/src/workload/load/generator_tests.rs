//! The generator against queues whose answers theory knows, in virtual time.

use super::*;
use crate::workload::load::queue::{Queue, VirtualTime};
use caxton_analysis::finding::LimitVerdict;
use caxton_analysis::load::tally::LoadTally;
use caxton_model::load::frame::{LoadLine, Segment};
use caxton_model::load::outcome::{LoadOutcome, LoadVerdict};
use caxton_model::load::plan::{Arrivals, Rate, Role, Stage};
use caxton_model::load::quiescence::{Ledger, LedgerRow, Thing};
use caxton_model::load::schedule::Schedule;
use caxton_model::load::threshold::Threshold;
use caxton_model::reading::Reading;
use caxton_model::units::Nanos;
use proptest::prelude::*;
use std::cell::RefCell;

const MS: u64 = 1_000_000;

fn stage(name: &str, role: Role, seconds: u64, per_second: f64) -> Stage {
    Stage::new(name, role, Nanos(seconds * SECOND_NS), Rate::Constant { per_second })
}

fn plan(stages: Vec<Stage>, thresholds: &[(&str, &str)]) -> LoadPlan {
    let threshold = |(metric, text): &(&str, &str)| Threshold::parse(metric, text).unwrap();
    LoadPlan {
        name: "scripted".to_owned(),
        agents: 1,
        message_bytes: 64,
        seed: 11,
        arrivals: Arrivals::Constant,
        stages,
        slo: Nanos(100 * MS),
        cap: 1_000_000,
        timeout: Nanos(100 * SECOND_NS),
        thresholds: thresholds.iter().map(threshold).collect(),
        pacing: Pacing::Open,
    }
}

fn segment(shared_core: Option<&str>) -> LoadLine {
    LoadLine::Segment(Segment {
        number: 0,
        started_utc: String::new(),
        started_unix_ms: 0,
        from_second: 0,
        target: String::new(),
        generators: 1,
        shared_core: shared_core.map(str::to_owned),
    })
}

fn drive(plan: &LoadPlan, queue: Queue<'_>) -> LoadOutcome {
    let (pace, stop) = (VirtualTime::default(), AtomicBool::new(false));
    let mut tally = LoadTally::new(plan.clone());
    tally.push(&segment(None));
    let bounds = Bounds { from_second: 0, for_ns: None, stop: &stop };
    let generator = Generator::new(plan, bounds, Schedule::new(plan), queue, &pace);
    let ran = generator.run(&mut |frame| tally.push(&LoadLine::Second(Box::new(frame))));
    assert!(ran.is_ok());
    let counted = Reading::Known(0);
    let rows = vec![LedgerRow { thing: Thing::InFlight, before: counted.clone(), after: counted }];
    tally.push(&LoadLine::Ended(Ledger { rows, messages: 0 }));
    tally.outcome(None)
}

fn ns(outcome: &LoadOutcome, is_response: bool, share: f64) -> f64 {
    let percentiles = if is_response { &outcome.whole.response } else { &outcome.whole.service };
    percentiles.find(share).unwrap().value.known().unwrap().0 as f64
}

#[test]
fn a_stall_is_felt_by_every_message_that_was_due_in_it() {
    // 200 a second for 100 s; one at a time, 1 ms each, and 1 s of every 10 s nothing.
    let mut plan =
        plan(vec![stage("hold", Role::Hold, 100, 200.0)], &[("response_time", "p(99)<1s")]);
    let queue = || Queue::new(|| MS as f64).with_room(1).stalling(SECOND_NS, 10 * SECOND_NS);
    let open = drive(&plan, queue());
    let (response, service) = (ns(&open, true, 0.99), ns(&open, false, 0.99));
    assert!((response / 921e6 - 1.0).abs() < 0.03, "response p99 {response} ns");
    assert!((service / 1e6 - 1.0).abs() < 0.01, "service p99 {service} ns");
    assert_eq!(open.whole.counts.offered, 20_000);
    // The same in a closed loop: the stall is felt by ten messages, and p99 shows nothing.
    plan.pacing = Pacing::Closed { in_flight: 1 };
    let closed = drive(&plan, queue());
    let hidden = ns(&closed, true, 0.99);
    assert!((hidden / 1e6 - 1.0).abs() < 0.01, "closed loop p99 {hidden} ns");
}

/// Mean response in services at `load`, by simulation.
fn mean_response(load: f64, is_exponential: bool) -> f64 {
    let service_ns = 100_000.0;
    let per_second = load * 1e9 / service_ns;
    let mut plan =
        plan(vec![stage("hold", Role::Hold, 200, per_second)], &[("response_time", "avg<1s")]);
    plan.arrivals = Arrivals::Poisson;
    let mut rng = fastrand::Rng::with_seed(5);
    let outcome = drive(
        &plan,
        Queue::new(move || match is_exponential {
            true => -(1.0 - rng.f64()).ln() * service_ns,
            false => service_ns,
        }),
    );
    let little = outcome.stages[0].little_residual.known().copied().unwrap();
    assert!(little.abs() < 0.001, "Little's law is missed by {little}");
    outcome.whole.response.mean_ns.known().unwrap() / service_ns
}

#[test]
fn queues_answer_as_theory_says() {
    for load in [0.5, 0.8] {
        // M/D/1 and M/M/1 (Pollaczek 1930, Khinchin 1932).
        let md1 = 1.0 + load / (2.0 * (1.0 - load));
        let mm1 = 1.0 / (1.0 - load);
        let (seen_md1, seen_mm1) = (mean_response(load, false), mean_response(load, true));
        assert!((seen_md1 / md1 - 1.0).abs() < 0.05, "M/D/1 at {load}: {seen_md1} for {md1}");
        assert!((seen_mm1 / mm1 - 1.0).abs() < 0.05, "M/M/1 at {load}: {seen_mm1} for {mm1}");
    }
}

/// The guide's burst at `capacity` messages per second.
fn burst(capacity: f64) -> LoadOutcome {
    let stages = vec![
        stage("base", Role::Base, 10, 1000.0),
        stage("burst", Role::Burst, 10, 50_000.0),
        stage("after", Role::After, 45, 1000.0),
    ];
    let plan = plan(stages, &[("recovery_time", "value<30s")]);
    drive(&plan, Queue::new(move || 1e9 / capacity))
}

#[test]
fn a_burst_is_got_over_in_time_from_13_250_a_second_on() {
    let slow = burst(13_000.0);
    assert_eq!(slow.verdict, LoadVerdict::Fail, "{:?}", slow.reasons);
    let quick = burst(14_000.0);
    assert_eq!(quick.verdict, LoadVerdict::Pass, "{:?}", quick.reasons);
    assert_eq!(quick.least_capacity_per_second, Some(13_250.0));
    let recovery = quick.recovery.as_ref().and_then(Reading::known).unwrap();
    // 360,000 in 13,000 a second; told in whole seconds.
    assert_eq!(recovery.took_s, Some(28.0));
    assert!((recovery.drain_s.unwrap() - 27.7).abs() < 0.1, "{recovery:?}");
    let capacity = recovery.capacity_per_second.unwrap();
    assert!((capacity - 14_000.0).abs() <= 1.0, "{capacity}");
}

#[test]
fn twice_what_it_can_do_never_passes() {
    for cap in [1000, 1_000_000] {
        let thresholds = [("response_time", "p(99)<100ms"), ("success", "rate>0.99")];
        let mut plan = plan(vec![stage("hold", Role::Hold, 10, 20_000.0)], &thresholds);
        plan.cap = cap;
        plan.timeout = Nanos(SECOND_NS);
        let outcome = drive(&plan, Queue::new(|| 100_000.0));
        assert_eq!(outcome.verdict, LoadVerdict::Fail, "{:?}", outcome.reasons);
        let counts = outcome.whole.counts;
        assert_eq!(counts.offered, 200_000);
        assert_eq!(counts.settled(), counts.offered, "{counts:?}");
        assert!(counts.failed() > 50_000, "{counts:?}");
    }
    // Without any threshold a run that dropped does not pass either.
    let mut plan =
        plan(vec![stage("hold", Role::Hold, 10, 20_000.0)], &[("response_time", "min<1s")]);
    plan.cap = 1000;
    assert_eq!(drive(&plan, Queue::new(|| 100_000.0)).verdict, LoadVerdict::Fail);
}

/// A clock that jumps ahead, as when the process is not run for a while.
#[derive(Default)]
struct Jumpy(VirtualTime);

impl Pace for Jumpy {
    fn now_ns(&self) -> u64 {
        self.0.now_ns()
    }

    fn wait(&self, until_ns: u64, _: bool) {
        self.0.wait(until_ns + 30 * MS, false);
    }
}

#[test]
fn a_generator_that_is_late_is_not_believed() {
    let plan =
        plan(vec![stage("hold", Role::Hold, 10, 1000.0)], &[("response_time", "p(99)<100ms")]);
    let (pace, stop) = (Jumpy::default(), AtomicBool::new(false));
    let mut tally = LoadTally::new(plan.clone());
    let bounds = Bounds { from_second: 0, for_ns: None, stop: &stop };
    let queue = Queue::new(|| 1000.0);
    let generator = Generator::new(&plan, bounds, Schedule::new(&plan), queue, &pace);
    let ran = generator.run(&mut |frame| tally.push(&LoadLine::Second(Box::new(frame))));
    assert!(ran.is_ok());
    let outcome = tally.outcome(None);
    assert_eq!(outcome.verdict, LoadVerdict::Invalid, "{:?}", outcome.reasons);
    assert_eq!(outcome.whole.counts.offered, 10_000, "none is skipped");
}

/// A clock that goes on by chance, at each look at it and in each sleep, by up to `most_ns`.
struct Erratic {
    time: VirtualTime,
    chance: RefCell<fastrand::Rng>,
    most_ns: u64,
}

impl Erratic {
    /// Later than `from_ns`, mostly by little and at times by much.
    fn later(&self, from_ns: u64) {
        let part: f64 = (0..4).map(|_| self.chance.borrow_mut().f64()).product();
        self.time.wait(from_ns + (part * self.most_ns as f64) as u64, false);
    }
}

impl Pace for Erratic {
    fn now_ns(&self) -> u64 {
        self.later(self.time.now_ns());
        self.time.now_ns()
    }

    fn wait(&self, until_ns: u64, _: bool) {
        self.later(until_ns);
    }
}

/// What was offered of each stage and when it was due in sum; and what was sent or dropped of it.
fn offered(plan: &LoadPlan, for_ns: Option<u64>, chance: u64, most_ns: u64) -> [Vec<u64>; 3] {
    let chance = RefCell::new(fastrand::Rng::with_seed(chance));
    let pace = Erratic { time: VirtualTime::default(), chance, most_ns };
    let stop = AtomicBool::new(false);
    let bounds = Bounds { from_second: 0, for_ns, stop: &stop };
    let queue = Queue::new(|| 500_000.0);
    let generator = Generator::new(plan, bounds, Schedule::new(plan), queue, &pace);
    let mut all = [(); 3].map(|()| vec![0_u64; plan.stages.len()]);
    let ran = generator.run(&mut |frame| {
        for (stage, seen) in &frame.stages {
            let (stage, counts) = (*stage as usize, seen.counts);
            all[0][stage] += counts.offered;
            all[1][stage] = all[1][stage].wrapping_add(seen.due_sum_ns);
            all[2][stage] += counts.sent + counts.dropped;
        }
    });
    assert!(ran.is_ok());
    all
}

/// The same, as the schedule has it.
fn scheduled(plan: &LoadPlan, until_ns: u64) -> [Vec<u64>; 3] {
    let mut all = [(); 3].map(|()| vec![0_u64; plan.stages.len()]);
    for due in Schedule::new(plan).take_while(|due| due.intended_ns < until_ns) {
        all[0][due.stage] += 1;
        all[1][due.stage] = all[1][due.stage].wrapping_add(due.intended_ns);
        all[2][due.stage] += 1;
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn what_is_offered_is_the_seeds_however_late_the_generator_is(
        (seed, rates) in (any::<u64>(), prop::collection::vec(0.0..3000.0_f64, 1..4)),
        arrivals in prop_oneof![Just(Arrivals::Poisson), Just(Arrivals::Uniform)],
        cap in prop_oneof![Just(20), Just(1_000_000_u64)],
        (chance, most_ns) in (any::<u64>(), 1..4 * SECOND_NS),
        part in 0.1..1.5_f64,
    ) {
        let named = |(index, rate): (usize, &f64)| {
            let length = 400 * MS + index as u64 * 777_777;
            let rate = Rate::Linear { from: *rate, to: rate / 2.0 + 1.0 };
            Stage::new(&format!("s{index}"), Role::Hold, Nanos(length), rate)
        };
        let mut plan = plan(rates.iter().enumerate().map(named).collect(), &[]);
        (plan.seed, plan.arrivals, plan.cap) = (seed, arrivals, cap);
        let whole = offered(&plan, None, chance, most_ns);
        prop_assert_eq!(&whole, &scheduled(&plan, u64::MAX));
        prop_assert_eq!(&whole, &offered(&plan, None, chance ^ 1, 1));
        // The same of a part of it.
        let until_ns = (plan.granted().0 as f64 * part) as u64;
        let of_part = offered(&plan, Some(until_ns), chance, most_ns);
        prop_assert_eq!(of_part, scheduled(&plan, until_ns));
    }
}

#[test]
fn generators_that_share_a_schedule_offer_what_one_does() {
    let mut plan = plan(vec![stage("hold", Role::Hold, 3, 5000.0)], &[]);
    plan.arrivals = Arrivals::Poisson;
    let whole = drive(&plan, Queue::new(|| 1000.0));
    let mut tally = LoadTally::new(plan.clone());
    let mut frames: Vec<Vec<LoadSecond>> = Vec::new();
    for worker in 0..4 {
        let (pace, stop) = (VirtualTime::default(), AtomicBool::new(false));
        let share = Schedule::new(&plan).share(worker, 4);
        let bounds = Bounds { from_second: 0, for_ns: None, stop: &stop };
        let queue = Queue::new(|| 1000.0);
        let generator = Generator::new(&plan, bounds, share, queue, &pace);
        let mut own = Vec::new();
        let ran = generator.run(&mut |frame| own.push(frame));
        assert!(ran.is_ok());
        frames.push(own);
    }
    let longest = frames.iter().map(Vec::len).max().unwrap();
    for second in 0..longest {
        let mut all = frames.iter().filter_map(|own| own.get(second));
        let mut sum = all.next().unwrap().clone();
        all.for_each(|frame| sum.add(frame));
        tally.push(&LoadLine::Second(Box::new(sum)));
    }
    let merged = tally.outcome(None);
    assert_eq!(merged.whole.counts, whole.whole.counts);
}

/// A target on the generator's own core: while it answers, its clock goes on.
struct Burning<'a> {
    time: &'a VirtualTime,
    burns_ns: u64,
    asked: Vec<u32>,
    least_ns: u64,
}

impl Target for Burning<'_> {
    fn offer(&mut self, id: u32, _: u64) -> Attempt<bool> {
        self.asked.push(id);
        Ok(true)
    }

    fn answers(&mut self, _: u64, answers: &mut Vec<Answer>) -> Attempt<()> {
        for id in self.asked.drain(..) {
            self.time.wait(self.time.now_ns() + self.burns_ns, true);
            answers.push(Answer { id, is_right: true, done_ns: None });
        }
        Ok(())
    }

    fn least_ns(&self) -> u64 {
        self.least_ns
    }

    fn words(&self) -> String {
        "a target on the generator's core".to_owned()
    }
}

/// A load on a target that burns `burns_ns` for each message and cannot answer within `least_ns`.
fn burn(burns_ns: u64, least_ns: u64) -> LoadOutcome {
    let plan = plan(vec![stage("hold", Role::Hold, 3, 60.0)], &[("service_time", "min>=2.99ms")]);
    let (time, stop) = (VirtualTime::default(), AtomicBool::new(false));
    let target = Burning { time: &time, burns_ns, asked: Vec::new(), least_ns };
    let bounds = Bounds { from_second: 0, for_ns: None, stop: &stop };
    let generator = Generator::new(&plan, bounds, Schedule::new(&plan), target, &time);
    let mut tally = LoadTally::new(plan.clone());
    tally.push(&segment(Some("1 core is allowed")));
    let ran = generator.run(&mut |frame| tally.push(&LoadLine::Second(Box::new(frame))));
    assert!(ran.is_ok());
    tally.outcome(None)
}

#[test]
fn an_answer_has_the_time_at_which_it_was_seen_and_a_shared_core_is_told() {
    let outcome = burn(3 * MS, 0);
    assert_eq!(outcome.whole.counts.ok, 180);
    let fastest = outcome.whole.service.find(0.5).unwrap().value.known().unwrap().0;
    assert!(fastest >= 3 * MS, "{fastest} ns");
    assert_eq!(outcome.thresholds[0].verdict, LimitVerdict::Met);
    let told = outcome.reasons.iter().any(|why| why.contains("no core of its own (1 core is"));
    assert!(told, "{:?}", outcome.reasons);
}

#[test]
fn a_time_that_cannot_be_is_not_booked_and_the_load_is_invalid() {
    let outcome = burn(500, 1000);
    let counts = outcome.whole.counts;
    assert_eq!((counts.impossible, counts.ok, outcome.whole.service.n), (180, 0, 0));
    assert_eq!(counts.settled(), counts.offered);
    assert_eq!(outcome.verdict, LoadVerdict::Invalid);
    assert!(outcome.reasons.iter().any(|why| why.contains("180 answers came sooner")));
    assert!(outcome.reasons.iter().any(|why| why.contains("no core of its own")));
}

/// When something is said in ms, and the number that is answered; none where the target dies.
type Says = [(u64, Option<u32>)];

/// Says what it was written, whatever it is asked.
struct Scripted {
    /// As [`Says`], in ns.
    says: VecDeque<(u64, Option<u32>)>,
}

impl Target for Scripted {
    fn offer(&mut self, _: u32, _: u64) -> Attempt<bool> {
        Ok(true)
    }

    fn answers(&mut self, now_ns: u64, answers: &mut Vec<Answer>) -> Attempt<()> {
        while self.says.front().is_some_and(|(at_ns, _)| *at_ns <= now_ns) {
            match self.says.pop_front() {
                Some((_, Some(id))) => {
                    answers.push(Answer { id, is_right: true, done_ns: None });
                }
                _ => return Err(Outcome::DiedInTheMiddle("it is gone".to_owned())),
            }
        }
        Ok(())
    }

    fn next_ns(&self) -> Option<u64> {
        self.says.front().map(|(at_ns, _)| *at_ns)
    }

    fn words(&self) -> String {
        "a script".to_owned()
    }
}

#[test]
fn what_was_not_asked_loses_the_load_and_what_came_before_counts() {
    // Ten a second; an answer is given up after half a second.
    let mut plan = plan(vec![stage("hold", Role::Hold, 1, 10.0)], &[]);
    plan.timeout = Nanos(500 * MS);
    plan.slo = Nanos(100 * MS);
    let unasked = |id: u32| format!("message {id}, which no answer was due to");
    let lost = |id: u32| Err::<(), _>(unasked(id));
    let gone = Err("it is gone".to_owned());
    let table: [(&str, &Says, Result<(), String>, u64); 7] = [
        ("all late", &[(700, Some(0)), (700, Some(1))], Ok(()), 0),
        ("in another order", &[(450, Some(3)), (450, Some(0))], Ok(()), 2),
        ("from the future", &[(50, Some(0)), (50, Some(7))], lost(7), 1),
        ("twice", &[(250, Some(1)), (260, Some(1))], lost(1), 1),
        ("twice, the first one", &[(50, Some(0)), (60, Some(0))], lost(0), 1),
        ("late, and one too many", &[(800, Some(0)); 4], lost(0), 0),
        ("death", &[(350, Some(1)), (350, Some(2)), (350, None)], gone, 2),
    ];
    for (what, says, expected, ok) in table {
        let (time, stop) = (VirtualTime::default(), AtomicBool::new(false));
        let says = says.iter().map(|(at_ms, id)| (at_ms * MS, *id)).collect();
        let bounds = Bounds { from_second: 0, for_ns: None, stop: &stop };
        let schedule = Schedule::new(&plan);
        let generator = Generator::new(&plan, bounds, schedule, Scripted { says }, &time);
        let mut answered = 0;
        let ran = generator.run(&mut |frame| answered += frame.counts().ok);
        assert_eq!(answered, ok, "{what}");
        match (ran, expected) {
            (Ok(_), Ok(())) => {}
            (Err(why), Err(part)) => {
                assert!(why.reason().is_some_and(|why| why.contains(&part)), "{what}: {why:?}");
            }
            (ran, expected) => panic!("{what}: {:?} for {expected:?}", ran.err()),
        }
    }
}
