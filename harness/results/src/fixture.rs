//! A made-up run for tests: the same bytes every time, and every kind of thing that a report must
//! be able to say.

use crate::case::{CaseKey, Check, NATIVE_VS_NATIVE, Outcome, WASM_VS_NATIVE, WASM_VS_WASM};
use crate::metric::MetricName;
use crate::quiet::Company;
use crate::reading::{Missing, Reading};
use crate::record::{
    Artifact, Budget, Calibration, CaseRecord, Host, Interval, Profiles, Record, Revision, Run,
    SCHEMA, Status, Summary,
};
use crate::reduce::{inherit_missing, resummarise};
use crate::samples::Sample;
use crate::units::{Bytes, Nanos};
use std::collections::{BTreeMap, BTreeSet};

pub(crate) mod drawing;
pub(crate) mod load;
pub(crate) mod mail;
pub(crate) mod paired;

const LAUNCHES: u32 = 12;
/// What a guest could call itself.
pub(crate) const HOSTILE: &str = "\u{202e}evil\u{1b}[2J\nagent with a name without end";

/// A metric by its name.
pub(crate) fn metric(name: &str) -> MetricName {
    MetricName::parse(name).unwrap()
}

/// The case that times the calls of `agent` on both sides.
pub(crate) fn calls(agent: &str) -> CaseKey {
    CaseKey::new("wasm", "overhead", WASM_VS_NATIVE, agent)
}

/// What was measured to lie between two bounds.
pub(crate) fn figure(lower: f64, upper: f64) -> Summary {
    let interval = Some(Interval { lower, upper, level: 0.95 });
    let (estimate, company) = (lower.midpoint(upper), Company::Unwatched);
    Summary { estimate, interval, n: 12, samples: 12, company }
}

/// A normal deviate (Box and Muller).
pub(crate) fn normal(random: &mut fastrand::Rng) -> f64 {
    (-2.0 * (1.0 - random.f64()).ln()).sqrt() * (std::f64::consts::TAU * random.f64()).cos()
}

/// Small whole numbers that look like noise: Knuth's 64-bit linear congruential generator.
struct Noise(u64);

impl Noise {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

/// Collects the samples of one case.
struct Case<'a> {
    key: CaseKey,
    noise: &'a mut Noise,
    samples: &'a mut Vec<Sample>,
}

impl Case<'_> {
    /// Samples of `metric` about `centre` with up to `spread` above, over `iterations` each.
    fn noisy(&mut self, metric: &str, centre: u64, spread: u64, iterations: u64) {
        for launch in 0..LAUNCHES {
            // What happens once per launch is read once.
            let reads = if iterations == 1 { 1 } else { 4 };
            for (block, index) in [(0, 0), (0, 1), (1, 0), (1, 1)].into_iter().take(reads) {
                let value = iterations * centre + self.noise.below(iterations * spread + 1);
                self.push((launch, block, index), metric, iterations, value);
            }
        }
    }

    /// The same reading in two launches.
    fn exact(&mut self, metric: &str, value: u64) {
        for launch in 0..2 {
            self.push((launch, 0, 0), metric, 1, value);
        }
    }

    fn push(&mut self, at: (u32, u32, u32), metric: &str, iterations: u64, value: u64) {
        let (launch, block, index) = at;
        let metric = MetricName::parse(metric).unwrap();
        let case = self.key.clone();
        self.samples.push(Sample { case, launch, metric, block, index, iterations, value });
    }
}

/// The run, and its samples.
pub(crate) fn run() -> (Record, Vec<Sample>) {
    let mut samples = Vec::new();
    let mut noise = Noise(1);
    let mut cases = Vec::new();
    for (agent, native, wasm) in
        [("noop", 20, 90), ("json", 10_000, 14_500), ("sha256", 4_000, 5_000)]
    {
        let key = CaseKey::new("wasm", "overhead", WASM_VS_NATIVE, agent);
        let case = Case { key: key.clone(), noise: &mut noise, samples: &mut samples };
        overhead(case, native, wasm);
        cases.push(case_record(key, Outcome::Ran));
        for subject in [NATIVE_VS_NATIVE, WASM_VS_WASM] {
            let key = CaseKey::new("wasm", "same-against-same", subject, agent);
            let mut case = Case { key: key.clone(), noise: &mut noise, samples: &mut samples };
            // One of them is off on purpose, so that the warning can be seen.
            let again = if agent == "sha256" && subject == WASM_VS_WASM { 5_200 } else { 5_000 };
            case.noisy("once_call_ns", 5_000, 50, 100);
            case.noisy("again_call_ns", again, 50, 100);
            cases.push(case_record(key, Outcome::Ran));
        }
    }
    let refused = Outcome::Refused("no valid module: \u{1b}]0;title\u{7} at\noffset 8".to_owned());
    cases.push(case_record(CaseKey::new("wasm", "overhead", WASM_VS_NATIVE, HOSTILE), refused));
    for (limit, bytes) in [("1MiB", 1 << 20), ("10MiB", 10 << 20)] {
        let key = CaseKey::new("wasm", "memory-limit", "wasmtime", "ballast").with("limit", limit);
        memory(Case { key: key.clone(), noise: &mut noise, samples: &mut samples }, bytes);
        let mut case = case_record(key, Outcome::Ran);
        let finding = "the allocator gives null; a trap follows if the guest writes to it";
        case.findings.insert("at the limit".to_owned(), finding.to_owned());
        cases.push(case);
    }
    let key = CaseKey::new("wasm", "memory-limit", "wasmtime", "ballast").with("limit", "64KiB");
    let small = Outcome::Refused("the module asks for 1.06 MiB at its start".to_owned());
    cases.push(case_record(key, small));
    let mut record = record(cases);
    resummarise(&mut record, &samples);
    for case in record.cases.iter_mut().filter(|case| case.outcome == Outcome::Ran) {
        without_counters(case);
    }
    (record, samples)
}

/// The pairs of `name=value name=value`.
pub(crate) fn pairs(text: &str) -> impl Iterator<Item = (&str, u64)> {
    fn pair(text: &str) -> Option<(&str, u64)> {
        let (name, value) = text.split_once('=')?;
        Some((name, value.parse().ok()?))
    }
    text.split_whitespace().map(|text| pair(text).unwrap_or_else(|| panic!("{text}")))
}

fn overhead(mut case: Case<'_>, native: u64, wasm: u64) {
    case.noisy("native_call_ns", native, native / 20, 100);
    case.noisy("wasm_call_ns", wasm, wasm / 20, 100);
    let metrics = format!(
        "wasm_compile_ns=20000000 native_load_ns=150000 wasm_instantiate_ns=60000 \
         native_instantiate_ns=900 wasm_first_call_ns=30000 native_first_call_ns=2000 \
         wasm_instance_rss_bytes=90000 native_instance_rss_bytes=4096 peak_rss_bytes=50000000 \
         apparatus_share=3000000 native_task_clock_ns={native} wasm_task_clock_ns={wasm}"
    );
    for (metric, centre) in pairs(&metrics) {
        case.noisy(metric, centre, centre / 50, 1);
    }
    case.noisy("native_page_faults", 0, 0, 100);
    case.noisy("wasm_page_faults", 0, 1, 100);
    let exact = format!(
        "wasm_file_bytes=83211 wasm_code_bytes=120044 native_file_bytes=400128 \
         native_code_bytes=33000 linear_memory_bytes={} wasm_fuel={}",
        17 << 16,
        wasm * 31
    );
    pairs(&exact).for_each(|(metric, value)| case.exact(metric, value));
}

/// A run with one case of each kind and one metric of each unit: for formats in which a row is like
/// any other.
pub(crate) fn few() -> (Record, Vec<Sample>) {
    const METRICS: [&str; 12] = [
        "wasm_call_ns",
        "wasm_to_native_time",
        "wasm_cycles",
        "apparatus_share",
        "wasm_fuel",
        "wasm_file_bytes",
        "empty_call_ns",
        "single_bytes",
        "total_fragmented_bytes",
        "subject_response_p99_ns",
        "achieved_rate",
        "aa_time",
    ];
    const CASES: [&str; 6] = [
        "wasm/overhead/wasmtime-vs-native/json",
        "wasm/same-against-same/native-vs-native/json",
        "wasm/memory-limit/wasmtime/ballast/limit=1MiB",
        "wasm/memory-limit/wasmtime/ballast/limit=64KiB",
        "latency/response/reference-vs-idle/courier/agents=100,rate=10000",
        "throughput/zero-copy/borrowed-vs-copied/courier/bytes=65536",
    ];
    let (mut record, samples) = run();
    record.cases.extend(mail::mail().cases);
    record
        .cases
        .retain(|case| CASES.contains(&case.key.to_string().as_str()) || case.key.agent == HOSTILE);
    for case in &mut record.cases {
        case.metrics.retain(|metric, _| METRICS.contains(&metric.as_str()));
    }
    (rounded(record), samples)
}

/// The same run with two agents' calls taken apart, the second of which changes its message.
pub(crate) fn parts() -> Record {
    let (mut record, mut samples) = run();
    let mut noise = Noise(2);
    let mut keys = Vec::new();
    for agent in ["json", "sort"] {
        let key = CaseKey::new("wasm", "parts", "wasmtime", agent);
        call_in_parts(Case { key: key.clone(), noise: &mut noise, samples: &mut samples });
        record.cases.push(case_record(key.clone(), Outcome::Ran));
        keys.push(key);
    }
    resummarise(&mut record, &samples);
    let name = |name| MetricName::parse(name).unwrap();
    let why = Missing::NotRequested("the agent changes the message where it lies".to_owned());
    let sort = record.cases.iter_mut().find(|case| case.key == keys[1]).unwrap();
    for name in ["part_in_place_ns", "part_guest_ns", "part_unexplained_ns"].map(name) {
        sort.metrics.insert(name, Reading::Missing(why.clone()));
    }
    record
}

fn call_in_parts(mut case: Case<'_>) {
    for (metric, centre, spread) in [
        ("part_call_ns", 14_500, 20),
        ("part_boundary_ns", 60, 2),
        ("part_copy_in_ns", 42, 2),
        ("part_in_place_ns", 14_440, 20),
        ("part_echo_ns", 105, 4),
        ("part_copy_out_ns", 31, 1),
        ("part_native_call_ns", 10_000, 50),
        ("part_native_echo_ns", 50, 2),
        ("option_bounds_call_ns", 17_000, 100),
        ("option_fuel_call_ns", 18_850, 100),
        ("option_epoch_call_ns", 16_500, 100),
        ("option_opt_none_call_ns", 61_000, 500),
        ("option_simd_call_ns", 14_480, 60),
    ] {
        case.noisy(metric, centre, spread, 100);
    }
    case.exact("part_memory_grows", 0);
    case.exact("part_wasi_calls", 0);
    case.exact("part_host_calls", 3);
}

fn memory(mut case: Case<'_>, limit: u64) {
    case.exact("single_bytes", limit - 70_001);
    case.exact("single_fragmented_bytes", limit / 2);
    case.exact("total_bytes", limit - 80_000);
    // Two launches that disagree, where they should not.
    case.exact("total_fragmented_bytes", limit / 2 - 16);
    case.push((2, 0, 0), "total_fragmented_bytes", 1, limit / 2 - 32);
    case.noisy("resident_bytes", limit + 300_000, 8_192, 1);
    case.noisy("grow_ns", 900, 90, 1);
    case.noisy("first_touch_ns", 400, 40, 1);
    case.noisy("empty_call_ns", 100, 5, 100);
    for (level, centre) in [("10", 110), ("50", 120), ("90", 130), ("99", 140)] {
        case.noisy(&format!("level_{level}_call_ns"), centre, 5, 100);
        case.noisy(&format!("level_{level}_writing_call_ns"), 5 * centre, 20, 100);
    }
}

fn case_record(key: CaseKey, outcome: Outcome) -> CaseRecord {
    let granted = if outcome == Outcome::Ran { LAUNCHES } else { 0 };
    let launches = Budget { wanted: 15, granted };
    let (metrics, findings, profiles) = (BTreeMap::new(), BTreeMap::new(), Profiles::default());
    let (engines, check, load) = (BTreeSet::new(), Some(Check::Manifest), None);
    CaseRecord { key, outcome, engines, check, launches, metrics, findings, profiles, load }
}

/// What a virtual machine without hardware counters says.
fn without_counters(case: &mut CaseRecord) {
    if !case.key.is_overhead() {
        return;
    }
    for counter in ["cycles", "instructions", "branches"] {
        for side in ["native", "wasm"] {
            let name = MetricName::parse(&format!("{side}_{counter}")).unwrap();
            let why =
                Missing::Unsupported("no hardware counters in this virtual machine".to_owned());
            case.metrics.insert(name, Reading::Missing(why));
        }
    }
    inherit_missing(&mut case.metrics);
}

fn text(value: &str) -> Reading<String> {
    Reading::Known(value.to_owned())
}

fn words(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn record(cases: Vec<CaseRecord>) -> Record {
    let governor = Missing::Unsupported("no cpufreq".to_owned());
    let fingerprint = BTreeMap::from([
        ("cpu_model".to_owned(), text("Example CPU @ 2.00GHz")),
        ("cores".to_owned(), text("2")),
        ("governor".to_owned(), Reading::Missing(governor)),
    ]);
    Record {
        schema: SCHEMA,
        run: Run {
            id: "20260102T030405Z-abc1234-wasm".to_owned(),
            suite: "wasm".to_owned(),
            scale: "quick".to_owned(),
            command: ["wasm", "--scale", "quick"].map(str::to_owned).to_vec(),
            started_utc: "2026-01-02T03:04:05Z".to_owned(),
            updated_utc: "2026-01-02T03:14:05Z".to_owned(),
            status: Status::Finished,
            seed: 42,
            revision: Revision { commit: text("abc1234"), dirty: Some(true) },
            build: words(&[("rustc", "rustc 1.95.0"), ("profile", "bench")]),
        },
        host: Host {
            fingerprint,
            memory_bytes: Reading::Known(Bytes(8 << 30)),
            load_at_start: Reading::Known(0.5),
            load_at_end: Reading::Known(1.25),
        },
        engine: words(&[("wasmtime", "48.0.0"), ("opt_level", "speed")]),
        calibration: Some(Calibration {
            yardstick_ns: None,
            clock_read_ns: 21.5,
            sample_ns: 48.25,
            loop_turn_ns: 0.75,
            batch_min: Nanos(5_000),
            launches: 3,
        }),
        artifacts: vec![
            artifact("json", "wasm", "rustc 1.95.0", "wasm32-wasip1"),
            artifact("json", "native", "rustc 1.94.0", "x86_64-unknown-linux-gnu"),
        ],
        cases,
        totals: BTreeMap::new(),
        warnings: vec!["the load average rose from 0.5 to 1.25".to_owned()],
        samples_bytes: 0,
    }
}

fn artifact(agent: &str, side: &str, rustc: &str, target: &str) -> Artifact {
    Artifact {
        agent: agent.to_owned(),
        side: side.to_owned(),
        rustc: text(rustc),
        target: target.to_owned(),
        flags: Vec::new(),
        bytes: Bytes(83_211),
        sha256: "00".repeat(32),
        source_hash: None,
    }
}

/// Changes each number of every known figure of `record`.
fn each_number(record: &mut Record, change: impl Fn(&mut f64)) {
    let of_cases = record.cases.iter_mut().flat_map(|case| case.metrics.values_mut());
    for reading in of_cases.chain(record.totals.values_mut()) {
        if let Reading::Known(Summary { estimate, interval, .. }) = reading {
            change(estimate);
            if let Some(interval) = interval {
                change(&mut interval.lower);
                change(&mut interval.upper);
            }
        }
    }
}

/// Makes every figure `factor` times as large.
pub(crate) fn scale(record: &mut Record, factor: f64) {
    each_number(record, |number| *number *= factor);
}

/// Rounds every summary to nine digits: the last bits of `exp` and `ln` are the platform's own, and
/// no golden file may depend on them.
pub(crate) fn rounded(mut record: Record) -> Record {
    each_number(&mut record, |number| *number = format!("{number:.8e}").parse().unwrap());
    record
}
