//! The turns on a scripted clock: what is told must be exact to the digit.

use super::*;
use crate::job::launch::Event;
use crate::job::scale::Effort;
use crate::timing::scripted::{Scripted, ScriptedClock};
use caxton_analysis::reduce::{Levels, reduce};
use caxton_model::case::CaseKey;
use caxton_model::metric::MetricName;
use caxton_model::samples::Sample;
use caxton_model::units::Nanos;
use std::collections::BTreeMap;
use std::rc::Rc;

const MESSAGE: &[u8] = b"message";
const EFFORT: Effort = Effort {
    blocks: 4,
    samples_per_block: 3,
    block: Nanos(100_000),
    instances: 1,
    counting: Nanos(1),
    windows: 2,
    window: Nanos(5_000_000),
};

fn participant<'m>(agent: Scripted, message: &'m [u8], reply: &'m [u8]) -> Participant<'m> {
    Participant::new("wasm", Box::new(agent), message, reply)
}

/// Has `turns` of `participants` in one launch; the samples.
fn measured(
    clock: &ScriptedClock,
    participants: &mut [Participant<'_>],
    turns: Vec<BlockTurn<'_>>,
) -> Attempt<Vec<Sample>> {
    let mut samples = Vec::new();
    let mut tell = |event: Event| {
        if let Event::Sample(sample) = event {
            samples.push(sample);
        }
    };
    let rng = fastrand::Rng::with_seed(3);
    let case = &CaseKey::new("wasm", "parts", "wasmtime", "json");
    let agent = &AgentFiles::default();
    let (effort, tell) = (EFFORT, &mut tell);
    let mut ctx = Context { clock, rng, effort, launch: 0, core: None, agent, case, tell };
    let cost = Cost { clock_read_ns: 0.0, sample_ns: 0.0, loop_turn_ns: 0.0 };
    take_turns(&mut ctx, participants, Group::new(case, turns), cost)?;
    Ok(samples)
}

#[test]
fn parts_of_known_cost_are_told_apart() {
    let clock = Rc::new(ScriptedClock::default());
    let of = |call: u64| Scripted::new(&clock, &[call]);
    let mut participants = [
        participant(of(1000).with_steps([880, 100, 40]), MESSAGE, MESSAGE),
        participant(of(70).with_steps([60, 1, 1]), &[], &[]),
        participant(of(170), MESSAGE, MESSAGE),
        participant(of(500), MESSAGE, MESSAGE),
        participant(of(120), MESSAGE, MESSAGE),
        participant(of(1300), MESSAGE, MESSAGE),
    ];
    let turns = vec![
        BlockTurn::new(0, "part_call_ns", Step::Whole),
        BlockTurn::new(0, "part_in_place_ns", Step::InPlace),
        BlockTurn::new(0, "part_copy_in_ns", Step::CopyIn),
        BlockTurn::new(0, "part_copy_out_ns", Step::CopyOut),
        BlockTurn::new(1, "part_boundary_ns", Step::InPlace),
        BlockTurn::new(2, "part_echo_ns", Step::Whole),
        BlockTurn::new(3, "part_native_call_ns", Step::Whole),
        BlockTurn::new(4, "part_native_echo_ns", Step::Whole),
        BlockTurn::new(5, "option_fuel_call_ns", Step::Whole),
    ];
    let samples = measured(&clock, &mut participants, turns).expect("scripted");
    let readings = reduce(&samples, &Levels::for_run(1));
    let seen: BTreeMap<&str, String> = (readings.iter())
        .filter_map(|(name, reading)| Some((name.as_str(), reading.known()?.estimate)))
        .filter(|(name, _)| name.starts_with("part_") || name.starts_with("option_"))
        .map(|(name, estimate)| (name, format!("{estimate:.6}")))
        .collect();
    let expected = [
        ("option_fuel_call_ns", "1300.000000"),
        ("option_fuel_time", "1.300000"),
        ("option_fuel_time_as_found", "1.300000"),
        ("part_boundary_ns", "60.000000"),
        ("part_call_ns", "1000.000000"),
        ("part_copy_in_ns", "100.000000"),
        ("part_copy_out_ns", "40.000000"),
        ("part_echo_ns", "170.000000"),
        ("part_guest_by_echo_ns", "830.000000"),
        ("part_guest_ns", "820.000000"),
        ("part_guest_to_native_time", "2.184211"),
        ("part_guest_to_native_time_as_found", "2.184211"),
        ("part_in_place_ns", "880.000000"),
        ("part_native_call_ns", "500.000000"),
        ("part_native_echo_ns", "120.000000"),
        ("part_native_guest_ns", "380.000000"),
        ("part_unexplained_by_echo_ns", "10.000000"),
        ("part_unexplained_ns", "20.000000"),
    ];
    assert_eq!(seen, expected.map(|(name, value)| (name, value.to_owned())).into());
}

#[test]
fn every_turn_comes_once_per_round_in_an_order_of_chance() {
    let clock = Rc::new(ScriptedClock::default());
    let mut participants =
        [100, 200].map(|cost| participant(Scripted::new(&clock, &[cost]), MESSAGE, MESSAGE));
    let turns = vec![
        BlockTurn::new(0, "part_call_ns", Step::Whole),
        BlockTurn::new(1, "option_fuel_call_ns", Step::Whole),
    ];
    let samples = measured(&clock, &mut participants, turns).expect("scripted");
    let probe = MetricName::parse("yardstick_ns").expect("in the table");
    let mut orders = std::collections::BTreeSet::new();
    for number in 0..EFFORT.blocks {
        let round: Vec<&Sample> = samples.iter().filter(|s| s.block == number).collect();
        assert_eq!(round[0].metric, probe, "a round begins with the noise probe");
        let mut names: Vec<&str> = round[1..]
            .iter()
            .map(|s| s.metric.as_str())
            .filter(|name| name.ends_with("_call_ns"))
            .collect();
        assert_eq!(names.len(), 6, "three samples of each: {names:?}");
        names.dedup();
        assert_eq!(names.len(), 2, "one block of each: {names:?}");
        orders.insert(names);
    }
    assert_eq!(orders.len(), 2, "seed 3 gives both orders");
}

#[test]
fn a_participant_that_answers_otherwise_ends_the_launch() {
    let clock = Rc::new(ScriptedClock::default());
    let mut participants = [participant(Scripted::new(&clock, &[100]), MESSAGE, b"another")];
    let turns = vec![BlockTurn::new(0, "part_call_ns", Step::Whole)];
    let end = measured(&clock, &mut participants, turns).expect_err("a wrong answer");
    assert!(matches!(end, Outcome::WrongAnswer(_)), "{end:?}");
}
