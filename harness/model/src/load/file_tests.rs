//! Files of load tests that are good and bad.

use super::*;
use crate::plans::{SECOND, seconds};

const GOOD: &str = r#"
name = "mine"
agents = 100
message_bytes = 1024
arrivals = "poisson"
slo = "50ms"
cap = 1000
timeout = "5s"
seed = 3
closed = 16

[[stage]]
name = "ramp"
length = "30s"
rate = { from = 0, to = 10000 }

[[stage]]
name = "hold"
role = "base"
length = "1m"
rate = 1000

[[stage]]
name = "wave"
length = "1m"
rate = { mean = 100.5, amplitude = 50, period = "10s" }

[[stage]]
name = "trace"
length = "3s"
rate = { trace = "trace.txt" }

[thresholds]
response_time = ["p(99)<100ms", { threshold = "p(99.9)<1s", abortOnFail = true, delayAbortEval = "10s" }]
"success{stage:hold}" = "rate>0.99"
"#;

fn read(name: &str) -> io::Result<String> {
    match name {
        "trace.txt" => Ok("0\n0.5\n\n1.000000001\n".to_owned()),
        "unsorted" => Ok("1\n0.5\n".to_owned()),
        "words" => Ok("1\nsoon\n".to_owned()),
        "late" => Ok("1\n10\n".to_owned()),
        "empty" => Ok("\n".to_owned()),
        _ => Err(io::ErrorKind::NotFound.into()),
    }
}

fn parse(text: &str) -> Result<LoadPlan, BadPlan> {
    LoadPlan::parse("load.toml", text, &read)
}

#[test]
fn a_file_is_read_whole() {
    let plan = parse(GOOD).unwrap();
    assert_eq!((plan.name.as_str(), plan.agents, plan.message_bytes), ("mine", 100, 1024));
    assert_eq!((plan.seed, plan.cap, plan.arrivals), (3, 1000, Arrivals::Poisson));
    assert_eq!((plan.slo, plan.timeout), (Nanos(50_000_000), seconds(5)));
    assert_eq!(plan.pacing, Pacing::Closed { in_flight: 16 });
    let sine = Rate::Sine { mean: 100.5, amplitude: 50.0, period: seconds(10) };
    let stages = [
        Stage::new("ramp", Role::RampUp, seconds(30), Rate::Linear { from: 0.0, to: 10_000.0 }),
        Stage::new("hold", Role::Base, seconds(60), Rate::Constant { per_second: 1000.0 }),
        Stage::new("wave", Role::Hold, seconds(60), sine),
        Stage::new("trace", Role::Hold, seconds(3), Rate::Trace(vec![0, SECOND / 2, SECOND + 1])),
    ];
    assert_eq!(plan.stages, stages);
    let told: Vec<String> = plan.thresholds.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        ["response_time p(99)<100ms", "response_time p(99.9)<1s", "success{stage:hold} rate>0.99"]
    );
    let aborts: Vec<(bool, Nanos)> =
        plan.thresholds.iter().map(|t| (t.abort_on_fail, t.delay_abort_eval)).collect();
    assert_eq!(aborts, [(false, Nanos(0)), (true, seconds(10)), (false, Nanos(0))]);
    let back: LoadPlan = serde_json::from_str(&serde_json::to_string(&plan).unwrap()).unwrap();
    assert_eq!(back, plan);
}

#[test]
fn what_is_not_written_has_a_usual_value() {
    let text = "name = 'a'\nagents = 1\nmessage_bytes = 1\n\
                [[stage]]\nname = 'b'\nlength = '1s'\nrate = 1\n";
    let plan = parse(text).unwrap();
    assert_eq!((plan.seed, plan.slo, plan.cap, plan.timeout), (SEED, SLO, CAP, TIMEOUT));
    assert_eq!((plan.arrivals, plan.pacing), (Arrivals::Constant, Pacing::Open));
}

/// A text of the good file, what stands in its place, and what is said of that.
const BAD: &str = r#"
name = "mine" | name = "" | line 2: a name is empty: write one, such as "hold"
name = "mine" | name = "a\u001bb" | line 2: the name "a\u{1b}b" has a control character: write it without
name = "mine" | title = "a" | line 2: unknown field `title`, expected one of `name`, `agents`, `message_bytes`, `seed`, `arrivals`, `slo`, `cap`, `timeout`, `closed`, `stage`, `thresholds`; a load test has name, agents, message_bytes and `[[stage]]` with name, length and rate
agents = 100 | agents = 0 | line 3: agents = 0: nobody takes the messages; write 1 or more
agents = 100 | agents = -1 | line 3: invalid value: integer `-1`, expected u32; a load test has name, agents, message_bytes and `[[stage]]` with name, length and rate
agents = 100 |  | line 1: missing field `agents`; a load test has name, agents, message_bytes and `[[stage]]` with name, length and rate
message_bytes = 1024 | message_bytes = 0 | line 4: message_bytes = 0: write 1 to 16777216
message_bytes = 1024 | message_bytes = 4000000000 | line 4: message_bytes = 4000000000: write 1 to 16777216
"poisson" | "random" | line 5: unknown variant `random`, expected one of `constant`, `poisson`, `uniform`; a load test has name, agents, message_bytes and `[[stage]]` with name, length and rate
slo = "50ms" | slo = "0s" | line 6: slo = 0: no response is that quick; write a time such as 100ms
slo = "50ms" | slo = "50" | line 6: slo = "50": expected a number with its unit, such as 100ms, 10s or 24h
slo = "50ms" | slo = "50s" | line 8: timeout is 5.00 s, less than the slo of 50.0 s: what misses the slo is then never seen; write a longer timeout
cap = 1000 | cap = 0 | line 7: cap = 0: every message is dropped; write 1 or more
closed = 16 | closed = 0 | line 10: closed = 0: write 1 to the cap of 1000
closed = 16 | closed = 5000 | line 10: closed = 5000: write 1 to the cap of 1000

name = "hold" | name = "ramp" | line 17: a second stage "ramp": give it a name of its own
name = "hold" | name = "a}b" | line 17: stage name "a}b": write it without '}'
role = "base" | role = "bas" | line 19: stage "hold": "bas" is no role: write one of ramp-up, base, hold, burst, after, ramp-down
role = "base" | rolle = "base" | line 19: unknown field `rolle`, expected one of `name`, `role`, `length`, `rate`, `kill`; a load test has name, agents, message_bytes and `[[stage]]` with name, length and rate
length = "30s" | length = "0s" | line 12: stage "ramp": length 0 ns: write a time above 0 and up to 100 days, such as 30s
length = "30s" | length = "-30s" | line 14: stage "ramp": length = "-30s": expected a number with its unit, such as 100ms, 10s or 24h
length = "30s" | length = "9999h" | line 12: stage "ramp": length 35996400 s: write a time above 0 and up to 100 days, such as 30s
rate = { from = 0, to = 10000 } | rate = -1 | line 12: stage "ramp": rate = -1: write messages per second, 0 to 1000000000
rate = { from = 0, to = 10000 } | rate = nan | line 12: stage "ramp": rate = NaN: write messages per second, 0 to 1000000000
rate = { from = 0, to = 10000 } | rate = "fast" | line 15: stage "ramp": this is no rate: write a number of messages per second, { from, to }, { mean, amplitude, period } or { trace }
rate = { from = 0, to = 10000 } | rate = { from = 0 } | line 15: stage "ramp": a rate of { from } is none: write a number of messages per second, { from, to }, { mean, amplitude, period } or { trace }
rate = { from = 0, to = 10000 } | rate = { from = 0, to = inf } | line 12: stage "ramp": to = inf: write messages per second, 0 to 1000000000
rate = { from = 0, to = 10000 } | rate = { from = 0, to = 1e10 } | line 12: stage "ramp": to = 10000000000: write messages per second, 0 to 1000000000
rate = { from = 0, to = 10000 } | rate = { mean = 1, amplitude = -1, period = "1s" } | line 12: stage "ramp": amplitude = -1: write messages per second, 0 to 1000000000
rate = { from = 0, to = 10000 } | rate = { mean = 1, amplitude = 1, period = "0s" } | line 12: stage "ramp": period 0 ns: write a time above 0 and up to 100 days, such as 60s
rate = { from = 0, to = 10000 } | rate = { mean = 1, amplitude = 1, period = 1 } | line 15: stage "ramp": period is missing or no text: write it in quotation marks
trace.txt | none | line 31: stage "trace": trace "none": entity not found; its place is beside the plan
trace.txt | unsorted | line 28: stage "trace": instant 2 of the trace, 500 ms, is before the one above it, 1.00 s: sort them
trace.txt | words | line 31: stage "trace": trace "words", line 2: "soon" is no instant: write seconds, as 1.25
trace.txt | late | line 28: stage "trace": the trace goes to 10.0 s, the stage ends at 3.00 s: make the stage longer
trace.txt | empty | line 31: stage "trace": trace "empty" is empty: write one instant in seconds per line

response_time = | respons_time = | line 34: threshold "respons_time": "respons_time" is no metric of a load test; write one of response_time, service_time, success, errors, dropped, messages, leak, degradation, recovery_time
"p(99)<100ms" | "p(99)<fast" | line 34: threshold "response_time": "p(99)<fast": "fast" is no time: expected a number with its unit, such as 100ms, 10s or 24h
"p(99)<100ms" | 7 | line 34: threshold "response_time": write a text such as "p(99)<100ms", or { threshold = ... }
"p(99)<100ms" | { threshold = 7 } | line 34: threshold "response_time": threshold is missing or no text: write it in quotation marks
"p(99)<100ms" | { abortOnFail = true } | line 34: threshold "response_time": threshold is missing or no text: write it in quotation marks
abortOnFail = true | abortOnFail = 1 | line 34: threshold "response_time": abortOnFail: write true or false
abortOnFail | abort_on_fail | line 34: threshold "response_time": "abort_on_fail" is no key of it: write threshold, abortOnFail, delayAbortEval
"10s" }] | 10 }] | line 34: threshold "response_time": delayAbortEval is missing or no text: write it in quotation marks
{stage:hold} | {stage:burst} | line 35: threshold success{stage:burst} rate>0.99: there is no stage "burst"; write one of ramp, hold, wave, trace
"#;

fn said(text: &str) -> String {
    parse(text).unwrap_err().to_string()
}

#[test]
fn what_is_bad_is_named_with_its_line_and_a_fix() {
    for row in BAD.lines().filter(|row| !row.is_empty()) {
        let [from, to, expected] = row.split(" | ").collect::<Vec<_>>()[..] else {
            panic!("{row}")
        };
        assert!(GOOD.contains(from), "{from}");
        let told = said(&GOOD.replacen(from, to, 1));
        assert_eq!(told, format!("load.toml, {expected}"), "{from} became {to}");
    }
    let long = GOOD.replacen("mine", &"x".repeat(10_000), 1);
    let expected = r#"the name "xxxxxxxxxxxxxxxxxxxx"... has 10000 bytes: write up to 100"#;
    assert_eq!(said(&long), format!("load.toml, line 2: {expected}"));
    let none = "name = 'a'\nagents = 1\nmessage_bytes = 1\n";
    assert_eq!(said(none), "load.toml, line 1: 0 stages: write 1 to 64 of `[[stage]]`");
    let silent = format!("{none}[[stage]]\nname = 'b'\nlength = '1s'\nrate = 0\n");
    let expected = "load.toml, line 1: no stage offers a message: give one a rate above 0";
    assert_eq!(said(&silent), expected);
}
