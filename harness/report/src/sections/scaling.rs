//! One runtime by its number of agents: spawning, memory, messages, and the law of their rate.

use crate::sections::grid::{Cell, Column, cases, further, noted};
use crate::table::{Table, Tone, name};
use caxton_model::case::{SCALABILITY, SCALE};
use caxton_model::record::{CaseRecord, Record};
use caxton_model::units::Unit;
use caxton_model::words::NONE;
use caxton_stats::usl::{POINTS_MIN, R_SQUARED_MIN, Usl};

const RATE: &str = "message_rate";

const SPAWNING: &[Column] = &[
    ("<subject", Cell::Subject),
    ("agents", Cell::Param("agents")),
    ("<tier", Cell::Finding("tier")),
    ("spawn p50", Cell::Estimate("spawn_p50_ns")),
    ("p99", Cell::Estimate("spawn_p99_ns")),
    ("faults", Cell::Estimate("spawn_faults")),
    ("again p50", Cell::Estimate("respawn_p50_ns")),
    ("faults", Cell::Estimate("respawn_faults")),
    ("all up", Cell::Estimate("up_ns")),
    ("maps/agent", Cell::Estimate("maps_per_agent")),
    ("idle CPU", Cell::Estimate("idle_cpu_share")),
    ("n", Cell::Launches("spawn_p50_ns")),
];

const MEMORY: &[Column] = &[
    ("<subject", Cell::Subject),
    ("agents", Cell::Param("agents")),
    ("PSS + tables", Cell::Estimate("memory_per_agent_bytes")),
    ("95 % interval", Cell::Interval("memory_per_agent_bytes")),
    ("PSS", Cell::Estimate("pss_per_agent_bytes")),
    ("page tables", Cell::Estimate("page_table_per_agent_bytes")),
    ("RSS", Cell::Estimate("rss_per_agent_bytes")),
    ("linear memory", Cell::Estimate("linear_per_agent_bytes")),
    ("n", Cell::Launches("memory_per_agent_bytes")),
];

const MESSAGES: &[Column] = &[
    ("<subject", Cell::Subject),
    ("agents", Cell::Param("agents")),
    ("msg/s", Cell::Estimate(RATE)),
    ("95 % interval", Cell::Interval(RATE)),
    ("CPU/msg", Cell::Estimate("message_cpu_ns")),
    ("95 % interval", Cell::Interval("message_cpu_ns")),
    ("in flight", Cell::Exact("in_flight_messages")),
    ("n", Cell::Launches(RATE)),
    ("<checked", Cell::Checked),
];

pub(crate) fn tables(record: &Record) -> Vec<Table> {
    let cases = cases(record, SCALABILITY, &[SCALE]);
    let mut messages = further("Scaling: messages by the number of agents", MESSAGES, &cases);
    let mut subjects: Vec<&str> = cases.iter().map(|case| case.key.subject.as_str()).collect();
    subjects.dedup();
    for subject in subjects {
        let of = cases.iter().filter(|case| case.key.subject == subject);
        let points: Vec<(f64, f64)> = of.filter_map(|case| point(case)).collect();
        if let Some(line) = ideal(&points) {
            messages.note(Tone::Plain, &format!("{}: {line}", name(subject)));
        }
        let (tone, line) = law(&points);
        messages.note(tone, &format!("{}: {line}", name(subject)));
    }
    let mut memory = further("Scaling: memory per agent", MEMORY, &cases);
    if !cases.is_empty() {
        let text = "memory: by how much the process grew, over the number of agents; of few agents \
                    most of it is what all of them share";
        memory.note(Tone::Plain, text);
    }
    vec![
        noted("Scaling: spawning agents until all have answered", SPAWNING, &cases),
        memory,
        messages,
    ]
}

fn point(case: &CaseRecord) -> Option<(f64, f64)> {
    Some((case.key.param("agents")?.parse().ok()?, case.metric(RATE).ok()?.estimate))
}

/// How the rate at the most agents stands to as many times that of the fewest.
fn ideal(points: &[(f64, f64)]) -> Option<String> {
    let (few, at_few) = points.iter().min_by(|a, b| a.0.total_cmp(&b.0))?;
    let (most, at_most) = points.iter().max_by(|a, b| a.0.total_cmp(&b.0))?;
    (most > few).then(|| {
        let each = at_few / few;
        let show = |rate: f64| Unit::PerSecond.show(rate);
        format!(
            "ideal line: {} per agent, {} at {most} agents; measured there {}, {} of it",
            show(each),
            show(each * most),
            show(*at_most),
            Unit::Share.show(at_most / (each * most)),
        )
    })
}

/// The Universal Scalability Law of `points`, and how far it may be believed.
fn law(points: &[(f64, f64)]) -> (Tone, String) {
    let law = "Universal Scalability Law X(N) = λN / (1 + σ(N−1) + κN(N−1))";
    let Some(fit) = Usl::fit(points) else {
        let count = points.len();
        let text = format!("{law}: not fitted, {count} rates of the {POINTS_MIN} that it takes");
        return (Tone::Plain, text);
    };
    let Usl { lambda, sigma, kappa, r_squared } = fit;
    let peak = fit.peak().map_or("no peak".to_owned(), |n| format!("peak at {n:.0} agents"));
    let lambda = Unit::PerSecond.show(lambda);
    let explained = r_squared.map_or(NONE.to_owned(), |share| format!("{share:.3}"));
    let fitted =
        format!("{law}: λ = {lambda}, σ = {sigma:.4}, κ = {kappa:.2e}, {peak}, R² = {explained}");
    match r_squared {
        None => (Tone::Plain, format!("{fitted}: the rate does not vary")),
        Some(_) if !fit.is_good() => {
            let text = format!("{fitted}: a bad fit, do not rely on it (R² below {R_SQUARED_MIN})");
            (Tone::Bad, text)
        }
        Some(_) => (Tone::Plain, fitted),
    }
}
