//! Stages of a command line that are good and bad.

use super::*;
use crate::plans::seconds;

#[test]
fn a_stage_is_read_from_a_flag() {
    let burst = Stage::parse("name=burst,role=burst,length=10s,rate=50000").unwrap();
    let rate = Rate::Constant { per_second: 50_000.0 };
    assert_eq!(burst, Stage::new("burst", Role::Burst, seconds(10), rate));
    let up = Stage::parse("rate = 0..10000, length = 1m, name = up").unwrap();
    let rate = Rate::Linear { from: 0.0, to: 10_000.0 };
    assert_eq!(up, Stage::new("up", Role::RampUp, seconds(60), rate));
    let role = |text: &str| Stage::parse(text).unwrap().role;
    assert_eq!(role("name=a,length=1s,rate=9..1"), Role::RampDown);
    assert_eq!(role("name=a,length=1s,rate=9"), Role::Hold);
}

/// A stage, and what is said of it.
const WRONG: &str = r#"
 | "" has no `=`: write name=NAME,length=10s,rate=1000, role=ROLE if it is not hold, kill=N if agents die at its start
name=a | rate is missing: write name=NAME,length=10s,rate=1000, role=ROLE if it is not hold, kill=N if agents die at its start
name=a,length=1s | rate is missing: write name=NAME,length=10s,rate=1000, role=ROLE if it is not hold, kill=N if agents die at its start
name=a,length=1s,rate=fast | rate=fast: write messages per second such as 1000, or 0..1000 for a ramp
name=a,length=1s,rate=-1 | stage "a": rate = -1: write messages per second, 0 to 1000000000
name=a,length=1s,rate=nan | stage "a": rate = NaN: write messages per second, 0 to 1000000000
name=a,length=1s,rate=0..inf | stage "a": to = inf: write messages per second, 0 to 1000000000
name=a,length=1s,rate=1..2..3 | rate=1..2..3: write messages per second such as 1000, or 0..1000 for a ramp
name=a,length=10,rate=1 | length = "10": expected a number with its unit, such as 100ms, 10s or 24h
name=a,length=0s,rate=1 | stage "a": length 0 ns: write a time above 0 and up to 100 days, such as 30s
name=a,length=3000h,rate=1 | stage "a": length 10800000 s: write a time above 0 and up to 100 days, such as 30s
name=,length=1s,rate=1 | a name is empty: write one, such as "hold"
name=a{b,length=1s,rate=1 | stage name "a{b": write it without '{'
name=a\nb,length=1s,rate=1 | the name "a\nb" has a control character: write it without
name=a,name=b,length=1s,rate=1 | name is there twice: write it once
name=a,role=peak,length=1s,rate=1 | "peak" is no role: write one of ramp-up, base, hold, burst, after, ramp-down
name=a,length=1s,rate=1,kill=x | kill=x: write a number of agents
name=a,speed=1 | "speed" is no key of a stage: write name=NAME,length=10s,rate=1000, role=ROLE if it is not hold, kill=N if agents die at its start
"#;

#[test]
fn what_is_wrong_is_named_with_a_fix() {
    let said = |text: &str| Stage::parse(text).unwrap_err().to_string();
    for row in WRONG.trim_matches('\n').lines() {
        let (text, why) = row.split_once(" | ").unwrap();
        let text = text.replace("\\n", "\n");
        assert_eq!(said(&text), format!("stage {text:?}: {why}"));
    }
    let long = said(&format!("name={},length=1s,rate=1", "x".repeat(10_000)));
    assert!(long.starts_with(&format!("stage \"name={}...\": the name", "x".repeat(55))), "{long}");
    assert!(long.ends_with("... has 10000 bytes: write up to 100"), "{long}");
}
