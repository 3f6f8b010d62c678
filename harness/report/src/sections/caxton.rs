//! What the crate caxton does, and each thing of the guide that it cannot do, with the reason. Its
//! router delivers nothing: no table here has a word that others have for delivered messages.

use crate::sections::grid::{Cell, Column, cases, noted};
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

const ALONE: &[Column] = &[
    ("agents", Cell::Param("agents")),
    ("bytes", Cell::Param("bytes")),
    ("accept p50", Cell::Estimate("accept_p50_ns")),
    ("p99", Cell::Estimate("accept_p99_ns")),
    ("route decision p50", Cell::Estimate("route_decision_p50_ns")),
    ("95 % interval", Cell::Interval("route_decision_p50_ns")),
    ("p99", Cell::Estimate("route_decision_p99_ns")),
    ("95 % interval", Cell::Interval("route_decision_p99_ns")),
    ("n", Cell::Launches("route_decision_p50_ns")),
];

const LEAK: &[Column] = &[
    ("conversations kept", Cell::Exact("kept_conversations")),
    ("memory of each", Cell::Estimate("conversation_rss_bytes")),
    ("95 % interval", Cell::Interval("conversation_rss_bytes")),
    ("n", Cell::Launches("conversation_rss_bytes")),
];

const SPAWNS: &[Column] = &[
    ("agents", Cell::Param("agents")),
    ("deploy p50", Cell::Estimate("deploy_p50_ns")),
    ("95 % interval", Cell::Interval("deploy_p50_ns")),
    ("p99", Cell::Estimate("deploy_p99_ns")),
    ("95 % interval", Cell::Interval("deploy_p99_ns")),
    ("start p50", Cell::Estimate("start_p50_ns")),
    ("p99", Cell::Estimate("start_p99_ns")),
    ("n", Cell::Launches("deploy_p50_ns")),
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

const REDEPLOYMENTS: &[Column] = &[
    ("agents", Cell::Param("agents")),
    ("p50", Cell::Estimate("redeploy_p50_ns")),
    ("95 % interval", Cell::Interval("redeploy_p50_ns")),
    ("p99", Cell::Estimate("redeploy_p99_ns")),
    ("95 % interval", Cell::Interval("redeploy_p99_ns")),
    ("n", Cell::Launches("redeploy_p50_ns")),
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
        noted(title, ALONE, &of(ROUTER_LATENCY)),
        noted("caxton: what messages in conversations leave behind", LEAK, &of(CONVERSATIONS)),
        noted("caxton: deploying and starting one agent", SPAWNS, &of(DEPLOYMENT)),
        noted("caxton: memory per agent", MEMORY, &of(DEPLOYMENT)),
        noted("caxton: stop, remove, deploy and start one agent", REDEPLOYMENTS, &of(REDEPLOYMENT)),
        noted("caxton: pages of 64 KiB under a memory limit", PAGES, &of(GRANTED_PAGES)),
        unsupported(record),
    ]
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
