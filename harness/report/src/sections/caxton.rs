//! What the crate caxton does, and each thing of the guide that it cannot do, with the reason. Its
//! router delivers nothing: no table here has a word that others have for delivered messages.

use crate::sections::figures::notes;
use crate::sections::grid::{Cell, Column, annotate, cases, label, noted, shown, tone};
use crate::table::{Table, Tone};
use caxton_model::case::{
    CAXTON, CONVERSATIONS, DEPLOYMENT, GRANTED_PAGES, LIMIT, Outcome, REDEPLOYMENT, ROUTER_LATENCY,
    ROUTER_RATE,
};
use caxton_model::record::{CaseRecord, Record};
use std::collections::BTreeMap;

const RATES: &[Column] = &[
    ("senders", Cell::Param("senders")),
    ("agents", Cell::Param("agents")),
    ("bytes", Cell::Param("bytes")),
    ("accepted", Cell::Estimate("accepted_rate")),
    ("95 % interval", Cell::Interval("accepted_rate")),
    ("route decision", Cell::Estimate("route_decision_rate")),
    ("95 % interval", Cell::Interval("route_decision_rate")),
    ("n", Cell::Launches("accepted_rate")),
];

/// What is timed, and its median and 99th percentile.
const ALONE: &[[&str; 3]] = &[
    ["accept", "accept_p50_ns", "accept_p99_ns"],
    ["route decision", "route_decision_p50_ns", "route_decision_p99_ns"],
];
const SPAWNS: &[[&str; 3]] =
    &[["deploy", "deploy_p50_ns", "deploy_p99_ns"], ["start", "start_p50_ns", "start_p99_ns"]];
const REDEPLOYMENTS: &[[&str; 3]] =
    &[["stop, remove, deploy, start", "redeploy_p50_ns", "redeploy_p99_ns"]];

const LEAK: &[Column] = &[
    ("conversations kept", Cell::Exact("kept_conversations")),
    ("memory of each", Cell::Estimate("conversation_rss_bytes")),
    ("95 % interval", Cell::Interval("conversation_rss_bytes")),
    ("n", Cell::Launches("conversation_rss_bytes")),
];

const MEMORY: &[Column] = &[
    ("agents", Cell::Param("agents")),
    ("RSS", Cell::Estimate("rss_per_agent_bytes")),
    ("95 % interval", Cell::Interval("rss_per_agent_bytes")),
    ("PSS + tables", Cell::Estimate("memory_per_agent_bytes")),
    ("page tables", Cell::Estimate("page_table_per_agent_bytes")),
    ("maps", Cell::Estimate("maps_per_agent")),
    ("n", Cell::Launches("rss_per_agent_bytes")),
];

const PAGES: &[Column] = &[
    ("limit", Cell::Param(LIMIT)),
    ("pages granted", Cell::Exact("granted_pages")),
    ("n", Cell::Launches("granted_pages")),
];

pub(crate) fn tables(record: &Record) -> Vec<Table> {
    let of = |workload| {
        let mut own = cases(record, CAXTON, &[workload]);
        own.retain(|case| !is_unsupported(case));
        own
    };
    let mut rates =
        noted("caxton: messages per second; none is delivered", RATES, &of(ROUTER_RATE));
    if !rates.rows.is_empty() {
        let text = "accepted: route_message returned Ok, the message is in a queue. Route \
                    decision: its receiver was looked up, and then it was dropped. Neither is \
                    to be held against messages that an agent got.";
        rates.note(Tone::Plain, text);
    }
    let title = "caxton: one message alone, from the call; none is delivered";
    vec![
        rates,
        times(title, ALONE, &of(ROUTER_LATENCY)),
        noted("caxton: what messages in conversations leave behind", LEAK, &of(CONVERSATIONS)),
        times("caxton: deploying and starting one agent", SPAWNS, &of(DEPLOYMENT)),
        noted("caxton: memory per agent", MEMORY, &of(DEPLOYMENT)),
        times("caxton: redeploying one agent", REDEPLOYMENTS, &of(REDEPLOYMENT)),
        noted("caxton: pages of 64 KiB under a memory limit", PAGES, &of(GRANTED_PAGES)),
        unsupported(record),
    ]
}

/// A row for each of `spans` of each case.
fn times(title: &str, spans: &[[&'static str; 3]], cases: &[&CaseRecord]) -> Table {
    let headings = ["agents", "<of", "p50", "95 % interval", "p99", "95 % interval", "n"];
    let mut table = Table::new(title, &headings);
    for case in cases {
        for [what, p50, p99] in spans {
            let cells = [
                Cell::Param("agents"),
                Cell::Estimate(p50),
                Cell::Interval(p50),
                Cell::Estimate(p99),
                Cell::Interval(p99),
                Cell::Launches(p50),
            ];
            let mut cells = cells.map(|cell| shown(case, cell)).to_vec();
            cells.insert(1, (*what).to_owned());
            table.row(tone(case), cells);
        }
    }
    notes(&mut table, cases, label);
    let metrics = spans.iter().flat_map(|[_, p50, p99]| [p50, p99]);
    let columns: Vec<Column> = metrics.map(|metric| ("", Cell::Interval(metric))).collect();
    annotate(&mut table, &columns, cases);
    table
}

fn is_unsupported(case: &CaseRecord) -> bool {
    matches!(case.outcome, Outcome::Unsupported(_))
}

/// A line per thing that cannot be done, and each reason whole below.
fn unsupported(record: &Record) -> Table {
    let columns = ["<of the guide", "<with", "<outcome"];
    let mut table = Table::new("caxton: what it cannot do", &columns);
    let mut reasons: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for case in record.cases.iter().filter(|case| case.key.suite == CAXTON) {
        let Outcome::Unsupported(why) = &case.outcome else { continue };
        let params = case.key.params.iter().map(|(name, value)| format!("{name}={value}"));
        let params = params.collect::<Vec<_>>().join(" ");
        let (few, rest) = why.split_once("; ").unwrap_or((why, ""));
        let told = format!("unsupported: {few}");
        table.row(Tone::Plain, [case.key.workload.as_str(), &params, &told]);
        if !rest.is_empty() {
            let label = format!("{} {params}", case.key.workload);
            reasons.entry(rest).or_default().push(label.trim_end().to_owned());
        }
    }
    for (rest, who) in reasons {
        table.note(Tone::Plain, &format!("{}: {rest}", who.join(", ")));
    }
    table
}
