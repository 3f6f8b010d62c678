//! What caxton 0.1.4 cannot do, each tried as far as it can be. A trial ends in the reason. One
//! that succeeds is a failed case, because the row is then to be measured.
//!
//! A reason is a few words for the cell of a table, then `; ` and what was seen.

use crate::agents::{module, pages, runtime};
use crate::report::failed;
use crate::router::Router;
use crate::signal::{self, Heard};
use caxton::WasmRuntime;
use caxton::hot_reload_manager::RuntimeManager;
use caxton_model::case::Outcome;
use std::fmt::Display;
use std::marker::PhantomData;
use std::time::Duration;

/// Why something is unsupported, or another outcome.
pub(crate) type Tried = Result<String, Outcome>;

/// How long something is waited for that should not come.
const PATIENCE: Duration = Duration::from_millis(300);
/// Messages that are sent to see whether one arrives.
const MESSAGES: usize = 1_000;

/// A function that exists and must trap if it is ever called.
const TRAPPING: &str = r#"(module (memory (export "memory") 1)
    (func (export "handle") unreachable))"#;
/// Imports what an agent needs that shall get messages.
const RECEIVING: &str = r#"(module (import "env" "receive_message"
    (func (param i32 i32) (result i32))) (memory (export "memory") 1))"#;
/// Sends a message as it starts, and traps unless that is said to have worked.
const SENDING: &str = r#"(module
    (import "env" "send_message" (func $send (param i32 i32 i32) (result i32)))
    (memory (export "memory") 1)
    (func $start (if (call $send (i32.const 1) (i32.const 0) (i32.const 64)) (then unreachable)))
    (start $start))"#;
/// Imports what every agent of the suite imports: Rust's standard library on wasm32-wasip1.
const OF_WASI: &str = r#"(module (import "wasi_snapshot_preview1" "environ_get"
    (func (param i32 i32) (result i32))) (memory (export "memory") 1))"#;
/// Works for 10,000 iterations as it starts.
const WORKING: &str = r#"(module (memory (export "memory") 1)
    (func $start (local $left i32) (local.set $left (i32.const 10000))
        (loop $again
            (br_if $again (local.tee $left (i32.sub (local.get $left) (i32.const 1))))))
    (start $start))"#;
const TRAPS_AS_IT_STARTS: &str = r#"(module (memory (export "memory") 1)
    (func $start unreachable) (start $start))"#;

/// The case fails until somebody measures the row.
fn works(what: impl Display) -> Outcome {
    Outcome::Failed(format!("caxton 0.1.4 could not do this, and now {what}: measure it"))
}

/// An error of caxton's with its causes, which are behind what it says first.
fn whole(error: &impl Display) -> String {
    format!("{error:#}").split_whitespace().collect::<Vec<_>>().join(" ")
}

/// That a module which is `what` cannot be deployed, because its `import` is not there. Any other
/// error says nothing of that.
async fn refused(wat: &str, what: &str, import: &str) -> Tried {
    let mut runtime = runtime(None)?;
    let Err(error) = runtime.deploy_agent("tried", &module(wat)?).await else {
        return Err(works(format!("deploys a guest that imports {import}")));
    };
    match whole(&error) {
        why if why.contains("unknown import") && why.contains(import) => {
            Ok(format!("{what}; deploying a guest that imports {import}: {why}"))
        }
        why => Err(failed("deploy_agent", why)),
    }
}

/// A message that an agent gets.
pub(crate) async fn delivery() -> Tried {
    let mut router = Router::start(Heard::Drops).await?;
    let before = signal::dropped().0;
    let messages = router.messages(MESSAGES, None)?;
    router.send_all(vec![messages]).await?;
    let (dropped, first) = signal::dropped();
    match dropped - before {
        count if count == MESSAGES as u64 => Ok(format!(
            "no message reaches an agent; {count} of {MESSAGES} accepted messages to registered \
             agents ended in a warning: {first}"
        )),
        count => Err(works(format!("drops {count} of {MESSAGES} messages"))),
    }
}

/// A message that an agent gets, and its reply.
pub(crate) async fn round_trip() -> Tried {
    refused(RECEIVING, "no agent can receive a message", "env::receive_message").await
}

/// A reply of an agent.
pub(crate) async fn response() -> Tried {
    let router = Router::start(Heard::Decisions).await?;
    let before = signal::decided();
    let mut runtime = runtime(None)?;
    let sent = runtime.deploy_agent("sending", &module(SENDING)?).await;
    sent.map_err(|error| works(format!("refuses a guest's send_message: {}", whole(&error))))?;
    tokio::time::sleep(PATIENCE).await;
    let counted = router.stats().await?.total_messages_processed.into_inner();
    match signal::decided() - before {
        0 => Ok(format!(
            "no agent can reply; send_message returned 0 to the guest, which is success, and the \
             running router counted no message beside the {counted} of the host"
        )),
        count => Err(works(format!("a guest's send_message reaches the router {count} times"))),
    }
}

/// Work that an agent does for an answer.
pub(crate) async fn tasks() -> Tried {
    let mut runtime = runtime(None)?;
    let agent = runtime.deploy_agent("tried", &module(TRAPPING)?).await;
    let agent = agent.map_err(|error| failed("deploy_agent", error))?;
    let answer = runtime.execute_agent_with_fuel_tracking(agent, "handle", &[7; 64]).await;
    let answer = answer.map_err(|error| works(format!("answers a task: {}", whole(&error))))?;
    match answer.output {
        Some(bytes) if !bytes.is_empty() => {
            Err(works(format!("a task has an answer of {} bytes", bytes.len())))
        }
        _ => Ok(format!(
            "no agent does a task; one of 64 bytes has an answer of 0 bytes and {} fuel, though \
             the function traps",
            answer.fuel_consumed
        )),
    }
}

/// The call of an exported function.
pub(crate) async fn call() -> Tried {
    let mut runtime = runtime(None)?;
    let agent = runtime.deploy_agent("tried", &module(TRAPPING)?).await;
    let agent = agent.map_err(|error| failed("deploy_agent", error))?;
    runtime.start_agent(agent).map_err(|error| failed("start_agent", error))?;
    for function in ["nonexistent", "handle"] {
        if let Err(error) = runtime.execute_agent(agent, function, &[]).await {
            return Err(works(format!("execute_agent({function:?}) fails: {}", whole(&error))));
        }
    }
    let by_name = match runtime.execute_agent(agent, "infinite_loop", &[]).await {
        Ok(_) => "Ok".to_owned(),
        Err(error) => whole(&error),
    };
    Ok(format!(
        "no exported function is ever called; execute_agent says Ok for one that does not exist \
         and for one that traps, and decides by name: \"infinite_loop\", which does not exist \
         either: {by_name}"
    ))
}

/// The agents of this suite.
pub(crate) async fn overhead() -> Tried {
    // Each of them imports it.
    refused(OF_WASI, "no WASI, which all our agents need", "environ_get").await
}

/// An agent that somebody brings back.
pub(crate) async fn recovery() -> Tried {
    let mut runtime = runtime(None)?;
    let Err(error) = runtime.deploy_agent("tried", &module(TRAPS_AS_IT_STARTS)?).await else {
        return Err(works("a guest that traps as it starts is deployed"));
    };
    tokio::time::sleep(PATIENCE).await;
    match runtime.active_agent_count() {
        0 => Ok(format!(
            "nobody brings an agent back; {} ms after a trap 0 agents are there: {}",
            PATIENCE.as_millis(),
            whole(&error)
        )),
        count => Err(works(format!("{count} agents are there after a trap"))),
    }
}

/// The state of an agent, kept and restored: functions of a trait, of which the compiler tells
/// whether the runtime has them.
pub(crate) async fn checkpoint() -> Tried {
    trait Absent {
        #[allow(dead_code, reason = "the same")]
        const IS_THERE: bool = false;
    }
    impl<T> Absent for T {}
    struct StateOf<T>(PhantomData<T>);
    // Where the bound holds, a type's own constant is preferred to that of a trait.
    impl<T: RuntimeManager> StateOf<T> {
        #[allow(dead_code, reason = "one of both is used, and which one is the question")]
        const IS_THERE: bool = true;
    }
    match StateOf::<WasmRuntime>::IS_THERE {
        false => {
            Ok("no such feature; preserve_state and restore_state are functions of the trait \
                     RuntimeManager, which WasmRuntime does not implement"
                .to_owned())
        }
        true => Err(works("WasmRuntime implements preserve_state and restore_state")),
    }
}

/// The CPU time of an agent that works.
pub(crate) async fn busy_cpu() -> Tried {
    let mut runtime = runtime(None)?;
    let agent = runtime.deploy_agent("working", &module(WORKING)?).await;
    let agent = agent.map_err(|error| failed("deploy_agent", error))?;
    let fuel = runtime.get_agent_cpu_usage(agent);
    let fuel = fuel.map_err(|error| failed("get_agent_cpu_usage", error))?.into_inner();
    match fuel {
        0 => Ok("no agent is ever busy; guest code runs only as it starts, and after 10,000 \
                 iterations there get_agent_cpu_usage says 0"
            .to_owned()),
        fuel => Err(works(format!("get_agent_cpu_usage says {fuel}"))),
    }
}

/// A limit above what the type of limits allows.
pub(crate) async fn granted_pages(limit: u64) -> Tried {
    let mut runtime = runtime(Some(limit))?;
    match runtime.deploy_agent("tried", &module(crate::agents::MINIMAL)?).await {
        Ok(agent) => {
            let granted = pages(&runtime, agent)?;
            Err(works(format!("an agent of {granted} pages is deployed under this limit")))
        }
        Err(error) => match whole(&error) {
            why if why.contains("MaxAgentMemory") => {
                Ok(format!("the limit's type refuses more than 10 MiB; {why}"))
            }
            why => Err(failed("deploy_agent", why)),
        },
    }
}
