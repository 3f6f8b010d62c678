//! Plans that are cut to a time.

use super::*;
use crate::plans::{plan, seconds, steady};

fn burst() -> LoadPlan {
    let stages = vec![
        steady("base", seconds(30), 1000.0),
        steady("burst", seconds(10), 50_000.0),
        steady("after", seconds(60), 1000.0),
    ];
    plan(Arrivals::Constant, stages)
}

fn granted(plan: &LoadPlan) -> Vec<u64> {
    plan.stages.iter().map(|stage| stage.granted.0).collect()
}

#[test]
fn a_cut_plan_keeps_what_it_wants_and_its_proportions() {
    let whole = burst();
    let cut = whole.scaled(seconds(10)).unwrap();
    assert_eq!(granted(&cut), [3, 1, 6].map(|s| s * 1_000_000_000));
    assert_eq!((cut.wanted(), cut.granted()), (seconds(100), seconds(10)));
    assert_eq!(whole.granted(), whole.wanted());
    let kept = |plan: &LoadPlan| -> Vec<(Nanos, Rate)> {
        plan.stages.iter().map(|stage| (stage.wanted, stage.rate.clone())).collect()
    };
    assert_eq!(kept(&cut), kept(&whole));
    // What was cut can be cut again, or made whole.
    assert_eq!(cut.scaled(seconds(1000)).unwrap(), whole);
}

#[test]
fn the_parts_add_up_to_the_time() {
    for total in [3, 7, 101, 999_999_999, 99_999_999_999] {
        let Ok(cut) = burst().scaled(Nanos(total)) else { continue };
        assert_eq!(cut.granted(), Nanos(total));
    }
}

#[test]
fn each_stage_can_be_granted_its_own_time() {
    let plan = burst();
    let own = plan.granting(&[seconds(5), seconds(10), seconds(60)]).unwrap();
    assert_eq!(own.granted(), seconds(75));
    let bad = [
        vec![seconds(5)],
        vec![seconds(5), Nanos(0), seconds(60)],
        vec![seconds(5), seconds(11), seconds(60)],
    ];
    let said = bad.map(|granted| plan.granting(&granted).unwrap_err().to_string());
    assert_eq!(
        said,
        [
            "1 lengths for 3 stages: give one for each",
            "stage \"burst\" gets no time at all: give the run more",
            "stage \"burst\" gets 11.0 s and wants 10.0 s: give it less",
        ]
    );
    assert!(plan.scaled(Nanos(1)).is_err());
}

#[test]
fn lengths_of_a_plan_that_nobody_checked_do_not_wrap() {
    let stages = ["a", "b"].map(|name| steady(name, Nanos(u64::MAX - 1), 1.0)).to_vec();
    let endless = plan(Arrivals::Constant, stages);
    assert_eq!([endless.wanted(), endless.granted()], [Nanos(u64::MAX); 2]);
    assert_eq!([0, u64::MAX - 1, u64::MAX].map(|at| endless.stage_at(at)), [0, 1, 1]);
    assert!(endless.check().is_err());
}
