//! What a comparison and its workers say to each other: one JSON value per line, version 1.
//!
//! Small and apart from the protocol of runs, so that executables of different ages understand each
//! other: metrics and cases are text, unknown fields are ignored, and what a version does not know
//! it refuses in words.
//!
//! ```text
//! comparison                              worker
//! Order (one case, one launch)     →
//!                                  ←      Loaded | End
//! Prepare                          →
//!                                  ←      Reading…, Ready { lanes, reply } | End
//! Block { lane, iterations, … }    →                                      (any number of times)
//!                                  ←      Times | End
//! Finish                           →
//!                                  ←      Reading…, End
//! ```
//!
//! Before anything is counted or timed, both versions are asked for their reply: `Prepare` and
//! `Finish`, and no block between. A worker of an earlier version tells none.
//!
//! A worker that is asked for counts says `Loaded`, its readings and `End` at once.

use crate::guest::files::AgentFiles;
use caxton_model::case::{CaseKey, Outcome};
use caxton_model::paired::answers::Reply;
use caxton_model::profile::Profile;
use caxton_model::units::Nanos;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Version of this protocol; a worker refuses an order of another one.
pub const TURNS: u32 = 1;

/// The first argument that makes a bench executable a worker of a comparison.
pub const TURNS_ARGUMENT: &str = "__turns";

/// What one launch is to do: the first line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Order {
    /// [`TURNS`].
    pub turns: u32,
    /// Number of the launch, from 0.
    pub launch: u32,
    pub seed: u64,
    /// The CPU to stay on.
    pub core: Option<usize>,
    pub case: CaseKey,
    /// What is wanted of it.
    pub want: Want,
    pub agent: AgentFiles,
    pub example_seed: u64,
    /// An existing folder for compiled code and for what a workload writes.
    pub scratch: PathBuf,
    /// Where callgrind writes, if it runs the worker.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counts: Option<PathBuf>,
}

/// What is wanted of a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Want {
    /// Blocks, one at a time.
    Turns {
        block: Nanos,
        /// Samples in it, at most.
        samples_max: u32,
        /// Instances whose creation and first call are timed, per side.
        instances: u32,
    },
    /// Counts that the program alone decides.
    Counts,
    /// The instructions of calls, where callgrind runs the worker; else the digest of the code.
    Instructions,
}

/// What is said to a worker after its order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// Make instances and warm them up.
    Prepare,
    Block {
        lane: u32,
        iterations: u64,
        samples: u32,
    },
    /// Tell what is left, and end.
    Finish,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// Code is loaded; agents are made from now on, and may take the process along.
    Loaded,
    Ready {
        /// What blocks can be of.
        lanes: Vec<Lane>,
        /// What it answers to the example message; none of a worker that does not tell.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reply: Option<Reply>,
    },
    /// The samples of one block, in nanoseconds over all iterations of a sample.
    Times(Vec<u64>),
    /// A reading that comes once per launch.
    Reading {
        metric: String,
        /// The reading's number, from 0.
        index: u32,
        /// Over how many iterations.
        iterations: u64,
        /// The reading over all of them, in the metric's unit.
        value: u64,
    },
    /// The instructions of one side, by stack.
    Profile(Box<Profile>),
    /// Digest of the machine code of the WASM side.
    Code(String),
    /// How the launch ended; nothing follows.
    End(Outcome),
}

/// What blocks can be of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Lane {
    pub metric: String,
    pub iterations: u64,
    pub samples: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As executables in the wild say them: changing one of these lines breaks every baseline.
    #[test]
    fn the_lines_of_version_1_stay_as_they_are() {
        let order = concat!(
            r#"{"turns":1,"launch":3,"seed":18446744073709551615,"core":1,"#,
            r#""case":"wasm/overhead/wasmtime-vs-native/echo","#,
            r#""want":{"turns":{"block":1000000,"samples_max":12,"instances":8}},"#,
            r#""agent":{"name":"echo","wasm":"echo.wasm","native":null,"heap":null,"#,
            r#""expected":["aa","bb"]},"example_seed":1,"scratch":"s"}"#
        );
        let parsed: Order = serde_json::from_str(order).expect("version 1");
        assert_eq!(serde_json::to_string(&parsed).expect("plain data"), order);
        let counted = order.replace(
            r#"{"turns":{"block":1000000,"samples_max":12,"instances":8}}"#,
            r#""instructions""#,
        );
        let counted = counted.replace(r#""scratch":"s""#, r#""scratch":"s","counts":"c""#);
        let parsed: Order = serde_json::from_str(&counted).expect("version 1");
        assert_eq!(serde_json::to_string(&parsed).expect("plain data"), counted);
        for line in
            [r#""prepare""#, r#"{"block":{"lane":0,"iterations":7,"samples":9}}"#, r#""finish""#]
        {
            let parsed: Command = serde_json::from_str(line).expect("version 1");
            assert_eq!(serde_json::to_string(&parsed).expect("plain data"), line);
        }
        for line in [
            r#""loaded""#,
            r#"{"ready":{"lanes":[{"metric":"wasm_call_ns","iterations":7,"samples":9}]}}"#,
            concat!(
                r#"{"ready":{"lanes":[],"reply":{"message_sha256":"aa","message_bytes":64,"#,
                r#""reply_sha256":"bb","reply_bytes":10,"sends":2}}}"#
            ),
            r#"{"times":[1,2]}"#,
            r#"{"reading":{"metric":"wasm_fuel","index":0,"iterations":16,"value":32}}"#,
            r#"{"end":"ran"}"#,
            r#"{"end":{"failed":"why"}}"#,
        ] {
            let parsed: Answer = serde_json::from_str(line).expect("version 1");
            assert_eq!(serde_json::to_string(&parsed).expect("plain data"), line);
        }
    }

    #[test]
    fn what_a_later_version_adds_is_ignored() {
        let line =
            r#"{"ready":{"lanes":[{"metric":"a","iterations":1,"samples":1,"new":2}],"more":3}}"#;
        assert!(serde_json::from_str::<Answer>(line).is_ok());
    }
}
