//! An agent called as futures does what the same agent does when it is called as functions.

use super::{EngineOptions, WasmSubject};
use crate::subject::{AgentInstance, Attempt};
use caxton_fixture::guest::guest;
use caxton_model::case::Outcome;
use std::sync::Arc;
use tokio::runtime::{Builder, Runtime};

/// Options of an engine whose agents are called as futures.
fn asynchronous() -> EngineOptions {
    EngineOptions { asynchronous: true, ..EngineOptions::default() }
}

fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).build().expect("threads can be had")
}

/// One message to a fresh agent, called as a function.
fn reply(text: &str) -> Attempt<Vec<u8>> {
    let subject = WasmSubject::compile(text.as_bytes(), EngineOptions::default())?;
    let mut agent = subject.instantiate(None)?;
    agent.reserve(16, 0)?;
    agent.call(b"message")?;
    Ok(agent.reply().to_vec())
}

/// The same as a future, on a worker of a runtime.
fn reply_async(text: &str) -> Attempt<Vec<u8>> {
    let subject = WasmSubject::compile(text.as_bytes(), asynchronous())?;
    let messages = async move {
        let mut agent = subject.instantiate_async(None).await?;
        agent.reserve(16, 0).await?;
        agent.call(b"message").await?;
        Ok(agent.reply().to_vec())
    };
    let runtime = runtime();
    runtime.block_on(runtime.spawn(messages)).expect("the task does not panic")
}

#[test]
fn both_ways_of_calling_get_the_same_reply() {
    let echo = guest("i32.const 64", "i32.const 0");
    assert_eq!(reply_async(&echo), Ok(b"message".to_vec()));
    assert_eq!(reply_async(&echo), reply(&echo));
}

#[test]
fn both_ways_of_calling_see_the_same_ends() {
    let wild = "(i64.store (i32.const 88) (i64.const 0x20000)) i32.const 0";
    let good = guest("i32.const 64", "i32.const 0");
    let texts = [
        guest("i32.const 64", "unreachable"),
        guest("i32.const 64", wild),
        guest("i32.const 64", "i32.const 1"),
        guest("i32.const 0", "i32.const 0"),
        guest("unreachable", "i32.const 0"),
        good.replace("(data", "(func $boom unreachable) (start $boom) (data"),
        good.replace("(data", "(func (export \"_initialize\") unreachable) (data"),
        good.replace("i32.const 1)", "i32.const 9)"),
        good.replace("(i64.const 4096)", "(i64.const -1)"),
        "(module)".to_owned(),
    ];
    for text in texts {
        let end = reply(&text);
        assert!(end.is_err(), "{text}");
        assert_eq!(reply_async(&text), end, "{text}");
    }
}

#[test]
fn a_guest_may_print_in_both() {
    let text = guest(
        "i32.const 64",
        "(i32.store (i32.const 200) (i32.const 300)) (i32.store (i32.const 204) (i32.const 4))
         (i32.store (i32.const 300) (i32.const 0x73706f6f))
         (drop (call $print (i32.const 2) (i32.const 200) (i32.const 1) (i32.const 208)))
         unreachable",
    );
    let import = "(import \"wasi_snapshot_preview1\" \"fd_write\"
        (func $print (param i32 i32 i32 i32) (result i32))) (memory";
    let text = text.replace("(memory", import);
    let end = reply_async(&text).expect_err("it traps");
    let why = end.reason().unwrap_or_default();
    assert!(why.ends_with("; it said: oops"), "{why}");
    assert_eq!(reply(&text), Err(end));
}

#[test]
fn agents_of_one_subject_work_side_by_side() {
    let text = guest("i32.const 64", "i32.const 0");
    let subject = WasmSubject::compile(text.as_bytes(), asynchronous()).expect("valid");
    let subject = Arc::new(subject);
    let runtime = runtime();
    let tasks: Vec<_> = (0..32u8)
        .map(|number| {
            let subject = subject.clone();
            runtime.spawn(async move {
                let mut agent = subject.instantiate_async(None).await?;
                agent.reserve(1, 0).await?;
                for _ in 0..10 {
                    agent.call(&[number]).await?;
                    tokio::task::yield_now().await;
                }
                Attempt::Ok(agent.reply().to_vec())
            })
        })
        .collect();
    for (number, task) in (0..32u8).zip(tasks) {
        let reply = runtime.block_on(task).expect("the task does not panic");
        assert_eq!(reply, Ok(vec![number]));
    }
}

#[test]
fn a_subject_is_for_one_way_of_calling() {
    let text = guest("i32.const 64", "i32.const 0");
    let subject = WasmSubject::compile(text.as_bytes(), asynchronous()).expect("valid");
    assert!(matches!(subject.instantiate(None).err(), Some(Outcome::Failed(_))));
    let subject = WasmSubject::compile(text.as_bytes(), EngineOptions::default()).expect("valid");
    let end = runtime().block_on(subject.instantiate_async(None)).err();
    assert!(matches!(end, Some(Outcome::Failed(_))));
}
