//! One runtime by its number of agents: spawning, memory, messages, and the law of their rate.

use crate::sections::grid::{Cell, Column, cases, further, noted};
use crate::table::{ColumnOf, Table, Tone, name};
use caxton_model::case::{SCALABILITY, SCALE};
use caxton_model::record::{CaseRecord, Record, Summary};
use caxton_model::units::Unit;
use caxton_model::words::NONE;
use caxton_stats::usl::{POINTS_MIN, R_SQUARED_MIN, Usl};

const RATE: &str = "message_rate";
const MEMORY_EACH: &str = "memory_per_agent_bytes";

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

const SPAWN_PARTS: &[Column] = &[
    ("<subject", Cell::Subject),
    ("agents", Cell::Param("agents")),
    ("fresh p50", Cell::Estimate("spawn_p50_ns")),
    ("used slot", Cell::Estimate("respawn_p50_ns")),
    ("page faults", Cell::Estimate("spawn_paging_ns")),
    ("each", Cell::Estimate("page_fault_ns")),
    ("the rest", Cell::Estimate("spawn_rest_ns")),
    ("warm", Cell::Estimate("spawn_warm_p50_ns")),
    ("its faults", Cell::Estimate("spawn_warm_faults")),
    ("n", Cell::Launches("spawn_p50_ns")),
];

const MEMORY: &[Column] = &[
    ("<subject", Cell::Subject),
    ("agents", Cell::Param("agents")),
    ("PSS + tables", Cell::Estimate(MEMORY_EACH)),
    ("95 % interval", Cell::Interval(MEMORY_EACH)),
    ("with traffic", Cell::Estimate("memory_with_traffic_per_agent_bytes")),
    ("PSS", Cell::Estimate("pss_per_agent_bytes")),
    ("page tables", Cell::Estimate("page_table_per_agent_bytes")),
    ("linear memory", Cell::Estimate("linear_per_agent_bytes")),
    ("n", Cell::Launches(MEMORY_EACH)),
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
        if let Some(line) = ideal_words(&points, record.host.cores()) {
            messages.note(Tone::Plain, &format!("{}: {line}", name(subject)));
        }
        let (tone, line) = law(&points);
        messages.note(tone, &format!("{}: {line}", name(subject)));
    }
    let mut memory = further("Scaling: memory per agent", MEMORY, &cases);
    if !cases.is_empty() {
        let text = "memory: by how much the process grew, over the number of agents, after one \
                    message each, and after all traffic; of few agents most of it is what all share";
        memory.note(Tone::Plain, text);
    }
    let mut parts = further("Scaling: a spawn taken apart", SPAWN_PARTS, &cases);
    if !cases.is_empty() {
        let text = "fresh: a slot that nobody had; used: one that was left just before; warm: all \
                    slots had an agent once, and gave it up. The rest of a fresh one: mappings, \
                    page tables, and cold caches";
        parts.note(Tone::Plain, text);
    }
    vec![
        noted("Scaling: spawning agents until all have answered", SPAWNING, &cases),
        parts,
        memory,
        further_agents(&cases),
        messages,
    ]
}

/// What the agents between two sizes cost, each.
pub(crate) struct Marginal<'a> {
    pub(crate) subject: &'a str,
    /// From so many agents to so many.
    pub(crate) agents: [f64; 2],
    /// Bytes.
    pub(crate) each: f64,
    /// The widest that the intervals of both sizes allow.
    pub(crate) bounds: Option<(f64, f64)>,
    /// Launches of the size that has fewer.
    pub(crate) n: u32,
}

/// By how much the process grew from one size to the next, over the agents between them: without
/// what all agents share.
pub(crate) fn marginals<'a>(cases: &[&'a CaseRecord]) -> Vec<Marginal<'a>> {
    let sized = |case: &&'a CaseRecord| {
        let agents: f64 = case.key.param("agents")?.parse().ok()?;
        Some((agents, case.key.subject.as_str(), case.metric(MEMORY_EACH).ok()?))
    };
    let mut sizes: Vec<_> = cases.iter().filter_map(sized).collect();
    sizes.sort_by(|a, b| a.1.cmp(b.1).then(a.0.total_cmp(&b.0)));
    let marginal = |pair: &[(f64, &'a str, &Summary)]| {
        let [(few, subject, at_few), (many, other, at_many)] = pair else { return None };
        let over = |of_many: f64, of_few: f64| (of_many * many - of_few * few) / (many - few);
        let bounds = at_few.interval.zip(at_many.interval).map(|(at_few, at_many)| {
            (over(at_many.lower, at_few.upper), over(at_many.upper, at_few.lower))
        });
        (subject == other && few < many).then(|| Marginal {
            subject,
            agents: [*few, *many],
            each: over(at_many.estimate, at_few.estimate),
            bounds,
            n: at_few.n.min(at_many.n),
        })
    };
    sizes.windows(2).filter_map(marginal).collect()
}

fn further_agents(cases: &[&CaseRecord]) -> Table {
    let bytes = |value: f64| Unit::Bytes.show(value);
    let columns: &[ColumnOf<'_, &Marginal<'_>>] = &[
        ("<subject", &|of| name(of.subject)),
        ("from agents", &|of| Unit::Count.show(of.agents[0])),
        ("to", &|of| Unit::Count.show(of.agents[1])),
        ("PSS + tables each", &|of| bytes(of.each)),
        ("widest interval", &|of| {
            of.bounds.map_or(NONE.to_owned(), |(a, b)| format!("[{}, {}]", bytes(a), bytes(b)))
        }),
        ("n", &|of| of.n.to_string()),
    ];
    let marginals = marginals(cases);
    let rows = marginals.iter().map(|of| (Tone::Plain, of));
    let mut table = Table::of("Scaling: memory of each further agent", rows, columns);
    if !table.rows.is_empty() {
        let text = "the difference of two sizes over the agents between them: what all share is \
                    not in it; interval: the widest that both 95 % intervals allow";
        table.note(Tone::Plain, text);
    }
    table
}

fn point(case: &CaseRecord) -> Option<(f64, f64)> {
    Some((case.key.param("agents")?.parse().ok()?, case.metric(RATE).ok()?.estimate))
}

/// The rate that the cores allow: as the fewest agents have it, on each core.
pub(crate) struct Ideal {
    /// Messages per second.
    per_core: f64,
    pub(crate) cores: f64,
}

impl Ideal {
    /// From rates by the number of agents; none without a rate.
    pub(crate) fn of(points: &[(f64, f64)], cores: usize) -> Option<Self> {
        let (few, at_few) = points.iter().min_by(|a, b| a.0.total_cmp(&b.0))?;
        let cores = cores as f64;
        let per_core = at_few / few.min(cores);
        (per_core > 0.0 && per_core.is_finite()).then_some(Self { per_core, cores })
    }

    /// Messages per second of so many agents.
    pub(crate) fn rate(&self, agents: f64) -> f64 {
        self.per_core * agents.min(self.cores)
    }
}

/// How the rate at the most agents stands to what the cores allow.
fn ideal_words(points: &[(f64, f64)], cores: Option<usize>) -> Option<String> {
    let ideal = Ideal::of(points, cores?)?;
    let (most, rate) = points.iter().max_by(|a, b| a.0.total_cmp(&b.0))?;
    let show = |rate: f64| Unit::PerSecond.show(rate);
    (points.len() > 1).then(|| {
        format!(
            "ideal on {} cores, the rate of the fewest agents on each: {}; measured at {} agents \
             {}, {} of it",
            ideal.cores,
            show(ideal.rate(*most)),
            Unit::Count.show(*most),
            show(*rate),
            Unit::Share.show(rate / ideal.rate(*most)),
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
