//! What is measured: the cases, the launches that fill them, and what a launch tells.

use crate::sides::{PEERS, PeerSide, SUBJECT};
use caxton_bench::guest::files::AgentFiles;
use caxton_bench::job::cost::Cost;
use caxton_bench::suite::throughput::COURIER;
use caxton_model::case::{self, CaseKey, Outcome, ROUTE};
use caxton_model::samples::Sample;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What a run measures.
#[derive(Debug, Clone)]
pub struct PeersPlan {
    /// Populations.
    pub agents: Vec<u32>,
    /// Fresh processes for each population.
    pub launches: u32,
    /// How each launch measures.
    pub windows: PeerWindows,
    /// Seed of every random choice.
    pub seed: u64,
}

/// How a launch measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeerWindows {
    /// Length of a message.
    pub bytes: u32,
    /// How many windows each side gets.
    pub count: u32,
    /// How long the slowest side's windows are to be.
    pub ms: u32,
}

/// One launch of one population, as its process is told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PeersLaunch {
    /// Its number, from 0.
    pub number: u32,
    /// Seed of its own choices: links, bodies, order.
    pub seed: u64,
    /// How many agents pass messages.
    pub agents: u32,
    /// How it measures.
    pub windows: PeerWindows,
    /// Who takes part.
    pub sides: Vec<PeerSide>,
    /// The agent's guest and native build.
    pub files: AgentFiles,
}

/// What a launch tells, one line each.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PeersEvent {
    /// Whose turn it is: what goes wrong from now on is this side's.
    Turn(PeerSide),
    /// What the instrument costs in this launch.
    Cost(Cost),
    /// Where the guests live, in words.
    Tier(String),
    /// Each configuration of the engine that was used.
    Engines(BTreeSet<BTreeMap<String, String>>),
    /// A reading.
    Sample(Sample),
    /// How it ended; nothing follows.
    End(Outcome),
}

/// The case of the reference runtime in turns with `peer`.
pub fn case(peer: PeerSide, agents: u32, bytes: u32) -> CaseKey {
    let subject = format!("{}-vs-{}", SUBJECT.name(), peer.name());
    let key = CaseKey::new(case::PEERS, ROUTE, &subject, COURIER);
    key.with("agents", agents).with("bytes", bytes)
}

impl PeersPlan {
    /// Every case with its peer.
    pub fn cases(&self) -> Vec<(PeerSide, CaseKey)> {
        let of = |peer: PeerSide| {
            let one = move |&agents: &u32| (peer, case(peer, agents, self.windows.bytes));
            self.agents.iter().map(one)
        };
        PEERS.into_iter().flat_map(of).collect()
    }
}

impl PeersLaunch {
    /// The cases that it fills, with their peers.
    pub fn cases(&self) -> Vec<(PeerSide, CaseKey)> {
        let peers = self.sides.iter().filter(|side| **side != SUBJECT);
        peers.map(|peer| (*peer, case(*peer, self.agents, self.windows.bytes))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use caxton_analysis::requirements::{REQUIREMENTS, RequiredFigure};

    fn plan(agents: &[u32]) -> PeersPlan {
        let windows = PeerWindows { bytes: 1024, count: 5, ms: 200 };
        PeersPlan { agents: agents.to_vec(), launches: 6, windows, seed: 1 }
    }

    #[test]
    fn each_peer_has_a_case_per_population() {
        let cases = plan(&[10, 1_000, 10_000]).cases();
        let keys: BTreeSet<String> = cases.iter().map(|(_, key)| key.to_string()).collect();
        assert_eq!((cases.len(), keys.len()), (18, 18));
        assert!(keys.contains("peers/route/reference-vs-channel/courier/agents=10,bytes=1024"));
    }

    #[test]
    fn each_requirement_of_peers_is_of_a_case() {
        let cases = plan(&[10, 1_000, 10_000]).cases();
        let of_peers = REQUIREMENTS.iter().filter_map(|one| match one.figure {
            RequiredFigure::Of(selector) if selector.suite == case::PEERS => Some(selector),
            _ => None,
        });
        let has = |selector: &caxton_analysis::requirements::Selector| {
            let is_meant = |key: &CaseKey| {
                let mut params = selector.params.iter();
                key.subject == selector.subject
                    && key.workload == selector.workload
                    && params.all(|(name, value)| key.param(name) == Some(value))
            };
            cases.iter().any(|(_, key)| is_meant(key))
        };
        let of_peers: Vec<_> = of_peers.collect();
        assert_eq!(of_peers.len(), 12);
        assert!(of_peers.iter().all(has), "{of_peers:?}");
    }

    #[test]
    fn a_launch_comes_back_as_it_was() {
        let launch = PeersLaunch {
            number: 3,
            seed: 7,
            agents: 10,
            windows: plan(&[]).windows,
            sides: vec![SUBJECT, PeerSide::NativeTokio],
            files: AgentFiles::default(),
        };
        let line = serde_json::to_string(&launch).expect("plain data");
        assert!(line.contains(r#""sides":["reference","native-tokio"]"#), "{line}");
        assert_eq!(serde_json::from_str::<PeersLaunch>(&line).expect("its own"), launch);
        let filled = [(PeerSide::NativeTokio, case(PeerSide::NativeTokio, 10, 1024))];
        assert_eq!(launch.cases(), filled);
    }
}
