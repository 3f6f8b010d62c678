//! Latency: responses at a fixed rate beside an idle twin's, and one request alone.

use crate::sections::grid::{Cell, Column, cases, further, noted};
use crate::table::{Table, Tone};
use caxton_model::case::{LATENCY, RESPONSE, ROUND_TRIP};
use caxton_model::record::Record;

const RESPONSES: &[Column] = &[
    ("<subject", Cell::Subject),
    ("agents", Cell::Param("agents")),
    ("rate", Cell::Param("rate")),
    ("<with", Cell::Others(&["agents", "rate"])),
    ("achieved", Cell::Estimate("achieved_rate")),
    ("p50", Cell::Estimate("subject_response_p50_ns")),
    ("p90", Cell::Estimate("subject_response_p90_ns")),
    ("p99", Cell::Estimate("subject_response_p99_ns")),
    ("p99.9", Cell::Estimate("subject_response_p999_ns")),
    ("max", Cell::Estimate("subject_response_max_ns")),
    ("n", Cell::Launches("subject_response_p50_ns")),
];

const OVER_PEER: &[Column] = &[
    ("<subject", Cell::Subject),
    ("<peer", Cell::Peer),
    ("agents", Cell::Param("agents")),
    ("rate", Cell::Param("rate")),
    ("over p50", Cell::Estimate("over_peer_p50_ns")),
    ("95 % interval", Cell::Interval("over_peer_p50_ns")),
    ("over p99", Cell::Estimate("over_peer_p99_ns")),
    ("95 % interval", Cell::Interval("over_peer_p99_ns")),
    ("n", Cell::Launches("over_peer_p99_ns")),
];

const SERVICE: &[Column] = &[
    ("<subject", Cell::Subject),
    ("<peer", Cell::Peer),
    ("agents", Cell::Param("agents")),
    ("rate", Cell::Param("rate")),
    ("service p50", Cell::Estimate("subject_service_p50_ns")),
    ("service p99", Cell::Estimate("subject_service_p99_ns")),
    ("peer p50", Cell::Estimate("peer_response_p50_ns")),
    ("p99", Cell::Estimate("peer_response_p99_ns")),
    ("lateness p99", Cell::Estimate("lateness_p99_ns")),
];

const ROUND_TRIPS: &[Column] = &[
    ("<subject", Cell::Subject),
    ("agents", Cell::Param("agents")),
    ("<with", Cell::Others(&["agents"])),
    ("p50", Cell::Estimate("round_trip_p50_ns")),
    ("95 % interval", Cell::Interval("round_trip_p50_ns")),
    ("p99", Cell::Estimate("round_trip_p99_ns")),
    ("95 % interval", Cell::Interval("round_trip_p99_ns")),
    ("p99.9", Cell::Estimate("round_trip_p999_ns")),
    ("n", Cell::Launches("round_trip_p50_ns")),
];

pub(crate) fn tables(record: &Record) -> Vec<Table> {
    let responses = cases(record, LATENCY, &[RESPONSE]);
    let alone = cases(record, LATENCY, &[ROUND_TRIP]);
    let title = "Latency: response from the intended start, open loop at a fixed rate";
    let first = noted(title, RESPONSES, &responses);
    let title = "Latency over the peer's: window beside window";
    let over = further(title, OVER_PEER, &responses);
    let title = "Latency: service from the send; the peer's response; how late requests went out";
    let mut service = further(title, SERVICE, &responses);
    if !responses.is_empty() {
        let text = "A response counts from when its request was due: a stall also counts for the \
                    requests that it held up.";
        service.note(Tone::Plain, text);
    }
    let title = "Latency: one request alone and its reply";
    vec![first, over, service, noted(title, ROUND_TRIPS, &alone)]
}
