//! Suite `scenarios`: loads on guest agents as the guide wants them, and those of the user. Each is
//! a plan at its full size; below `--scale full` each stage is granted less, and says so.

use super::subjects::{Loads, Subjects, Suite};
use super::throughput::COURIER;
use crate::job::Job;
use crate::job::load::{LoadJob, LoadTarget};
use crate::job::scale::Scale;
use crate::job::task::Task;
use caxton_model::case::CaseKey;
use caxton_model::load::plan::{Arrivals, LoadPlan, Pacing, Rate, Role, Stage};
use caxton_model::load::threshold::Threshold;
use caxton_model::units::Nanos;
use caxton_sys::allocator::AllocationDetail;

/// The suite.
pub const SUITE: Suite =
    Suite { name: "scenarios", plan, counting: AllocationDetail::Held, agent: Some(COURIER) };

const SECOND_NS: u64 = 1_000_000_000;
const DAY_S: u64 = 86_400;
/// In flight in a closed loop: more than one core's agents handle between two turns of another.
const IN_FLIGHT: u64 = 1024;
/// The cap of the guide's loads: ten seconds of the highest rate.
const CAP: u64 = 1_000_000;

/// A load, and what smaller scales grant it.
struct Scenario {
    plan: LoadPlan,
    target: LoadTarget,
    /// Seconds of each stage at quick scale; of the whole in a closed loop.
    quick_s: &'static [u64],
}

fn seconds(seconds: u64) -> Nanos {
    Nanos(seconds * SECOND_NS)
}

fn stage(name: &str, role: Role, length_s: u64, per_second: f64) -> Stage {
    Stage::new(name, role, seconds(length_s), Rate::Constant { per_second })
}

fn guide(
    name: &str,
    agents: u32,
    message_bytes: u32,
    stages: Vec<Stage>,
    thresholds: &[(&str, &str)],
) -> LoadPlan {
    let threshold = |(metric, text): &(&str, &str)| {
        Threshold::parse(metric, text).expect("the guide's thresholds are in the grammar")
    };
    LoadPlan {
        name: name.to_owned(),
        agents,
        message_bytes,
        seed: 0,
        arrivals: Arrivals::Constant,
        stages,
        slo: Nanos(100_000_000),
        cap: CAP,
        timeout: seconds(10),
        thresholds: thresholds.iter().map(threshold).collect(),
        pacing: Pacing::Open,
    }
}

/// 1,000 agents, 100,000 messages a second for five minutes.
fn peak() -> Scenario {
    let to = 100_000.0;
    let ramp = Rate::Linear { from: 0.0, to };
    let stages = vec![
        Stage::new("ramp", Role::RampUp, seconds(10), ramp),
        stage("hold", Role::Hold, 300, to),
    ];
    let thresholds =
        [("success{stage:hold}", "rate>0.99"), ("response_time{stage:hold}", "p(99)<100ms")];
    let plan = guide("peak", 1000, 1024, stages, &thresholds);
    Scenario { plan, target: LoadTarget::Agents, quick_s: &[2, 10] }
}

/// 100 agents, 10,000 messages a second for a day.
fn sustained() -> Scenario {
    let stages = vec![stage("hold", Role::Hold, DAY_S, 10_000.0)];
    let thresholds =
        [("success", "rate>0.99"), ("leak", "value==0"), ("degradation", "value<0.05")];
    let plan = guide("sustained", 100, 512, stages, &thresholds);
    // Thirds of twenty seconds each, after four that are cold.
    Scenario { plan, target: LoadTarget::Agents, quick_s: &[66] }
}

/// From 1,000 to 50,000 messages a second for ten seconds, and back.
fn burst() -> Scenario {
    let stages = vec![
        stage("base", Role::Base, 10, 1000.0),
        stage("burst", Role::Burst, 10, 50_000.0),
        stage("after", Role::After, 40, 1000.0),
    ];
    let thresholds =
        [("recovery_time", "value<30s"), ("success", "rate>0.99"), ("dropped", "rate==0")];
    let plan = guide("burst", 100, 1024, stages, &thresholds);
    Scenario { plan, target: LoadTarget::Agents, quick_s: &[7, 3, 8] }
}

/// As many messages as in the sustained day, as fast as they go.
fn day_of_messages() -> Scenario {
    let mut scenario = sustained();
    scenario.plan.name = "24h-equivalent".to_owned();
    scenario.plan.pacing = Pacing::Closed { in_flight: IN_FLIGHT };
    scenario.plan.thresholds.retain(|threshold| threshold.text != "value<0.05");
    Scenario { quick_s: &[10], ..scenario }
}

/// A million times: spawned, asked, killed, spawned again.
fn churn() -> Scenario {
    let stages = vec![stage("churn", Role::Hold, 100, 10_000.0)];
    let thresholds = [("success", "rate>0.99"), ("leak", "value==0")];
    let mut plan = guide("churn", 100, 512, stages, &thresholds);
    plan.pacing = Pacing::Closed { in_flight: 64 };
    Scenario { plan, target: LoadTarget::Churn, quick_s: &[10] }
}

/// 10 of 100 agents are killed at one moment, under 20,000 messages a second.
fn crash() -> Scenario {
    let stages = vec![
        stage("base", Role::Base, 10, 20_000.0),
        stage("crash", Role::Hold, 40, 20_000.0).killing(10),
    ];
    let thresholds = [
        ("recovery_time", "value<30s"),
        ("success{stage:crash}", "rate>0.99"),
        ("dropped", "rate==0"),
    ];
    let mut plan = guide("crash", 100, 1024, stages, &thresholds);
    plan.arrivals = Arrivals::Poisson;
    Scenario { plan, target: LoadTarget::Agents, quick_s: &[7, 6] }
}

fn generator() -> Scenario {
    let stages = vec![stage("hold", Role::Hold, 10, 1_000_000.0)];
    let thresholds = [("messages", "rate>=999000"), ("dropped", "rate==0")];
    let plan = guide("generator", 1, 64, stages, &thresholds);
    Scenario { plan, target: LoadTarget::Nobody, quick_s: &[3] }
}

fn plan(subjects: &Subjects) -> Vec<Task> {
    if subjects.agents.is_empty() {
        return Vec::new();
    }
    let loads = &subjects.loads;
    let own = |plan: &LoadPlan| {
        let target = loads.target.clone().unwrap_or(LoadTarget::Agents);
        Scenario { plan: plan.clone(), target, quick_s: &[] }
    };
    let scenarios = match loads.own.is_empty() {
        true => the_guides(loads.seed),
        // With the seeds that they have, whatever the run's is.
        false => loads.own.iter().map(own).collect(),
    };
    scenarios.into_iter().map(|scenario| task(scenario, loads)).collect()
}

fn the_guides(seed: u64) -> Vec<Scenario> {
    let mut all =
        vec![peak(), sustained(), burst(), day_of_messages(), churn(), crash(), generator()];
    all.iter_mut().for_each(|scenario| scenario.plan.seed = seed);
    all
}

fn task(scenario: Scenario, loads: &Loads) -> Task {
    let Scenario { plan, target, quick_s } = scenario;
    let (plan, for_ns) = granted(plan, quick_s, loads);
    let rate = plan.stages.iter().filter_map(|stage| stage.rate.peak()).fold(0.0, f64::max);
    let mut case = CaseKey::new(SUITE.name, &case_name(&plan.name), target.name(), COURIER);
    if target == LoadTarget::Agents || target == LoadTarget::Churn {
        case = case.with("agents", plan.agents);
    }
    if plan.pacing == Pacing::Open && rate > 0.0 {
        case = case.with("rate", rate);
    }
    let planted_bytes = loads.planted_bytes;
    let scrape = loads.scrape.clone();
    let job = LoadJob {
        plan,
        target,
        from_second: 0,
        segment: 0,
        for_ns,
        planted_bytes,
        restarts: loads.restarts,
        generators: loads.generators,
        scrape,
    };
    Task::new(case, Job::Load(Box::new(job)))
}

/// A name of the user's as part of a case key and of a path: without their separators.
pub fn case_name(name: &str) -> String {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let name: String = name.chars().map(|c| if allowed(c) { c } else { '_' }).collect();
    // A path's own words.
    if name.chars().all(|c| c == '.') { name.replace('.', "_") } else { name }
}

/// The plan with what it is granted, and, in a closed loop, the time for it.
fn granted(plan: LoadPlan, quick_s: &[u64], loads: &Loads) -> (LoadPlan, Option<u64>) {
    const SMOKE: Nanos = Nanos(SECOND_NS / 2);
    let whole_s: u64 = quick_s.iter().sum();
    let (time, by_stage) = match (loads.time, loads.scale) {
        (Some(time), _) => (Some(time), false),
        (None, Some(Scale::Smoke)) => (Some(SMOKE), false),
        // A load of the user's own is as long as the user says.
        (None, Some(Scale::Quick)) if whole_s > 0 => (Some(seconds(whole_s)), true),
        (None, _) => (None, false),
    };
    let Some(time) = time else { return (plan, None) };
    if plan.pacing != Pacing::Open {
        return (plan, Some(time.0));
    }
    let stages: Vec<Nanos> = quick_s.iter().map(|s| seconds(*s)).collect();
    let cut = if by_stage { plan.granting(&stages) } else { plan.scaled(time) };
    // What cannot be cut any more stays whole.
    (cut.unwrap_or(plan), None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jobs(loads: Loads) -> Vec<LoadJob> {
        let agents = vec![COURIER.to_owned()];
        let tasks = plan(&Subjects { agents, loads, ..Subjects::default() });
        let job = |task: Task| match task.job {
            Job::Load(job) => *job,
            other => panic!("{other:?}"),
        };
        tasks.into_iter().map(job).collect()
    }

    #[test]
    fn the_guides_loads_have_the_guides_size_and_quick_ones_say_what_they_are_granted() {
        let full = jobs(Loads { scale: Some(Scale::Full), ..Loads::default() });
        let names: Vec<&str> = full.iter().map(|job| job.plan.name.as_str()).collect();
        let expected =
            ["peak", "sustained", "burst", "24h-equivalent", "churn", "crash", "generator"];
        assert_eq!(names, expected);
        assert!(
            full.iter().all(|job| job.plan.granted() == job.plan.wanted() && job.for_ns.is_none())
        );
        let messages: Vec<u64> = full.iter().map(|job| job.plan.wanted_messages()).collect();
        assert_eq!(messages[1..6], [864_000_000, 550_000, 864_000_000, 1_000_000, 1_000_000]);
        assert_eq!(messages[0], 30_500_000);
        let quick = jobs(Loads { scale: Some(Scale::Quick), ..Loads::default() });
        for (full, quick) in full.iter().zip(&quick) {
            assert_eq!(full.plan.wanted(), quick.plan.wanted());
            assert!(
                quick.plan.granted() < quick.plan.wanted() || quick.for_ns.is_some(),
                "{}",
                quick.plan.name
            );
            quick.plan.check().unwrap();
        }
    }

    #[test]
    fn a_given_time_is_for_each_load() {
        let minute = jobs(Loads { time: Some(seconds(60)), ..Loads::default() });
        assert_eq!(minute[0].plan.granted(), seconds(60));
        assert_eq!(minute[3].for_ns, Some(60 * SECOND_NS));
        // A load that wants less stays whole.
        assert_eq!(minute[5].plan.granted(), seconds(50));
    }
}
