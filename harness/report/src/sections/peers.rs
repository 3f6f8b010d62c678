//! The reference runtime and other frameworks' actors, all in one process and in turns: a row per
//! population and peer.

use crate::sections::grid::{Cell, Column, cases, further, noted};
use crate::table::{Table, Tone, name};
use caxton_model::case::{PEERS, ROUTE};
use caxton_model::record::{CaseRecord, Record};
use caxton_model::words::list;

const RATES: &[Column] = &[
    ("<peer", Cell::Peer),
    ("copies/hop", Cell::Finding("copies")),
    ("agents", Cell::Param("agents")),
    ("bytes", Cell::Param("bytes")),
    ("msg/s", Cell::Estimate("subject_message_rate")),
    ("peer's", Cell::Estimate("peer_message_rate")),
    ("rate", Cell::Estimate("subject_to_peer_rate")),
    ("95 % interval", Cell::Interval("subject_to_peer_rate")),
    ("n", Cell::Launches("subject_to_peer_rate")),
    ("<checked", Cell::Checked),
];

const CPU: &[Column] = &[
    ("<peer", Cell::Peer),
    ("agents", Cell::Param("agents")),
    ("bytes", Cell::Param("bytes")),
    ("CPU/msg", Cell::Estimate("subject_message_cpu_ns")),
    ("peer's", Cell::Estimate("peer_message_cpu_ns")),
    ("CPU", Cell::Estimate("subject_to_peer_cpu")),
    ("95 % interval", Cell::Interval("subject_to_peer_cpu")),
    ("n", Cell::Launches("subject_to_peer_cpu")),
    ("in flight", Cell::Exact("in_flight_messages")),
];

/// What the record's engine may name beside the engine itself.
const FRAMEWORKS: [&str; 4] = ["actix", "kameo", "ractor", "tokio"];

pub(crate) fn tables(record: &Record) -> Vec<Table> {
    let mut routed = cases(record, PEERS, &[ROUTE]);
    routed.sort_by_key(|case| agents(case));
    let mut rates = noted(
        "Peers: messages delivered per second, by guests on ours and by a peer",
        RATES,
        &routed,
    );
    let mut cpu = further("Peers: CPU time of the process per message", CPU, &routed);
    if !routed.is_empty() {
        let text = "rate: ours over the peer's, all sides in one process and in turns; above 1, \
                    ours is faster. CPU: below 1, ours takes less.";
        rates.note(Tone::Plain, text);
        let text = "copies/hop: how often the peer copies a message on each hop. Ours copies it \
                    twice, into a guest's own memory and back. 0 is one vector, handled where it lies \
                    and handed on, as a good Rust programmer writes it: channel is plain tokio. \
                    native-tokio copies into its agent's mailbox and back.";
        rates.note(Tone::Plain, text);
        let versions = versions(record);
        if !versions.is_empty() {
            rates.note(Tone::Plain, &format!("Measured versions: {}.", list(&versions)));
        }
        let text = "In flight: messages under way at any time of the closed loop.";
        cpu.note(Tone::Plain, text);
    }
    vec![rates, cpu]
}

/// The size of its population; of one that says none, as if it were the largest.
fn agents(case: &CaseRecord) -> u32 {
    case.key.param("agents").and_then(|agents| agents.parse().ok()).unwrap_or(u32::MAX)
}

fn versions(record: &Record) -> Vec<String> {
    let told = FRAMEWORKS.into_iter().filter_map(|framework| {
        let version = record.engine.get(framework)?;
        Some(format!("{framework} {}", name(version)))
    });
    told.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sections::tests::painted;
    use caxton_fixture::{mail, rounded};

    #[test]
    fn rows_are_by_population_and_a_rate_is_the_peers_time_over_ours() {
        let tables = tables(&rounded(mail::peers()));
        let [rates, cpu] = &tables[..] else { panic!("two tables") };
        // By the times that the fixture has.
        let own = [("10", 250.0), ("1000", 300.0), ("10000", 500.0)];
        let peers = [
            ("native-tokio", "2", 520.0),
            ("channel", "0", 300.0),
            ("ractor", "0", 1_100.0),
            ("kameo", "0", 700.0),
            ("actix", "0", 400.0),
        ];
        let expected = own.iter().flat_map(|own| peers.iter().map(move |peer| (own, peer)));
        assert_eq!((rates.rows.len(), cpu.rows.len()), (15, 15));
        for (row, ((agents, own), (peer, copies, ns))) in rates.rows.iter().zip(expected) {
            let [shown @ .., _, _, _, rate, _, n, checked] = &row.cells[..] else {
                panic!("{row:?}")
            };
            assert_eq!(*shown, [*peer, *copies, *agents]);
            if (*peer, *agents) == ("actix", "1000") || (*peer, *agents) == ("actix", "10000") {
                assert_eq!((row.tone, rate.as_str()), (Tone::Bad, "—"));
                continue;
            }
            let rate: f64 = rate.trim_end_matches('x').parse().expect("a ratio");
            assert!((rate / (ns / own) - 1.0).abs() < 0.02, "{row:?}");
            assert_eq!((n.as_str(), checked.as_str()), ("12", "yes"));
        }
        let text = painted(&tables);
        for words in [
            "Measured versions: actix 0.13.5, kameo 0.22.2, ractor 0.16.5, tokio 1.",
            "reference-vs-actix agents=10000 bytes=1024: wrong answer: agents report 80 messages",
        ] {
            assert!(text.contains(words), "{text}");
        }
        assert!(text.lines().all(|line| line.chars().count() <= 112), "{text}");
    }
}
