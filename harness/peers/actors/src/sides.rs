//! Who passes the messages on: our orchestrator, the suite's tokio tasks, and the frameworks.

use crate::frameworks::{actix::Actix, channel::Channel, kameo::Kameo, ractor::Ractor};
use crate::peer::{Framework, Peer};
use caxton_bench::guest::files::AgentFiles;
use caxton_bench::job::{Crew, Runtime, System};
use caxton_bench::workload::mail::runtime::{Started, start};
use caxton_runtime::orchestrator::Setup;
use caxton_runtime::subject::Attempt;
use serde::{Deserialize, Serialize};

/// One side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PeerSide {
    /// Guests on our orchestrator.
    Reference,
    /// Native builds on our orchestrator.
    NativeReference,
    /// Native builds on the suite's tokio tasks.
    NativeTokio,
    /// Tokio tasks and channels, without any framework.
    Channel,
    /// Actors of `ractor`.
    Ractor,
    /// Actors of `kameo`.
    Kameo,
    /// Actors of `actix`.
    Actix,
}

/// The side that all others are compared with.
pub const SUBJECT: PeerSide = PeerSide::Reference;

/// The others, in the order of the record.
pub const PEERS: [PeerSide; 6] = [
    PeerSide::NativeReference,
    PeerSide::NativeTokio,
    PeerSide::Channel,
    PeerSide::Ractor,
    PeerSide::Kameo,
    PeerSide::Actix,
];

impl PeerSide {
    /// Its name in case keys.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Reference => "reference",
            Self::NativeReference => "native-reference",
            Self::NativeTokio => "native-tokio",
            Self::Channel => Channel::NAME,
            Self::Ractor => Ractor::NAME,
            Self::Kameo => Kameo::NAME,
            Self::Actix => Actix::NAME,
        }
    }

    /// How often it copies a message on each hop, in the report's words.
    pub const fn copies(self) -> &'static str {
        match self {
            // From the arena into the agent's memory and back.
            // Or out of a vector into the agent's mailbox and back.
            Self::Reference | Self::NativeReference | Self::NativeTokio => "2",
            Self::Channel | Self::Ractor | Self::Kameo | Self::Actix => "0",
        }
    }

    /// Starts it with all agents of `setup`.
    ///
    /// # Errors
    /// What the first agent that could not be had says.
    pub fn start(self, files: &AgentFiles, setup: Setup) -> Attempt<Started> {
        let ours = |system, crew| start(Runtime::new(system, crew), files, setup);
        match self {
            Self::Reference => ours(System::Reference, Crew::Guests),
            Self::NativeReference => ours(System::Reference, Crew::Natives),
            Self::NativeTokio => ours(System::Tokio, Crew::Natives),
            Self::Channel => framework::<Channel>(setup),
            Self::Ractor => framework::<Ractor>(setup),
            Self::Kameo => framework::<Kameo>(setup),
            Self::Actix => framework::<Actix>(setup),
        }
    }
}

fn framework<F: Framework + 'static>(setup: Setup) -> Attempt<Started> {
    let tier = "the process' heap".to_owned();
    Ok(Started { orchestrator: Box::new(Peer::<F>::start(setup)?), tier })
}
