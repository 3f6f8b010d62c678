//! Commands and functions, each written for what it must show.

use super::ProgramSubject;
use crate::subject::wasmtime::EngineOptions;
use crate::subject::{AgentInstance, Attempt};
use caxton_model::case::Outcome;
use caxton_model::program::{Entry, Preopen, ProgramSpec, UnknownImports};
use caxton_model::units::Bytes;
use std::fs;
use std::sync::Arc;

/// A command with its imports from WASI, a memory with room for text, and `$main`.
fn command(imports: &str, main: &str) -> String {
    format!(
        r#"(module
  (import "wasi_snapshot_preview1" "fd_read"
    (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write"
    (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (import "wasi_snapshot_preview1" "path_open"
    (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  {imports}
  (memory (export "memory") 2)
  ;; At 0 a buffer's address and length, at 8 how much of it was read or written.
  (data (i32.const 0) "\00\04\00\00\00\10\00\00")
  (data (i32.const 64) "data.txt")
  (data (i32.const 80) "../secret.txt")
  (func $print (param $bytes i32)
    (i32.store (i32.const 4) (local.get $bytes))
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))))
  (func $scan (param $file i32) (result i32)
    (i32.store (i32.const 4) (i32.const 4096))
    (drop (call $read (local.get $file) (i32.const 0) (i32.const 1) (i32.const 8)))
    (i32.load (i32.const 8)))
  (func (export "_start") {main}))"#
    )
}

const ECHO: &str = "(call $print (call $scan (i32.const 0)))";

fn compile(text: &str, program: &ProgramSpec, input: &[u8]) -> Attempt<ProgramSubject> {
    let (program, options) = (Arc::new(program.clone()), EngineOptions::default());
    let subject = ProgramSubject::compile("test.wasm", text.as_bytes(), options, program, None)?;
    Ok(subject.with_input(input))
}

/// The reply of `text`, run once as `program` says with `input`.
fn reply(text: &str, program: &ProgramSpec, input: &[u8]) -> Attempt<String> {
    let mut agent = compile(text, program, input)?.instantiate(None)?;
    let message = agent.example(1)?;
    agent.reserve(message.len(), 0)?;
    agent.call(&message)?;
    Ok(String::from_utf8_lossy(agent.reply()).into_owned())
}

/// How `text` fails.
fn failure(text: &str, program: &ProgramSpec) -> Outcome {
    reply(text, program, b"").expect_err("it must fail")
}

#[test]
fn a_command_gets_its_input_and_begins_anew_each_time() {
    let text = command("", ECHO);
    let subject = compile(&text, &ProgramSpec::default(), b"hello").expect("valid");
    let mut agent = subject.instantiate(None).expect("runs");
    let example = agent.example(1).expect("its input");
    agent.batch(&example, 3).expect("runs");
    assert_eq!(agent.reply(), b"hello");
    agent.call(b"other").expect("runs");
    assert_eq!(agent.reply(), b"other");
    let spent = agent.take_spent().expect("it tells");
    assert_eq!((spent.calls, spent.section), (4, None));
    assert_eq!(agent.take_spent().map(|spent| spent.calls), Some(0));
    // What a run leaves in memory is gone in the next.
    let counting = "(i32.store8 (i32.const 1024) (i32.add (i32.load8_u (i32.const 1024)) \
                    (i32.const 49))) (call $print (i32.const 1))";
    let mut agent = compile(&command("", counting), &ProgramSpec::default(), b"").expect("valid");
    let mut agent = agent_of(&mut agent);
    agent.batch(b"", 3).expect("runs");
    assert_eq!(agent.reply(), b"1");
}

fn agent_of(subject: &mut ProgramSubject) -> super::ProgramAgent {
    subject.instantiate(None).expect("runs")
}

#[test]
fn an_exit_code_is_right_or_wrong() {
    let three = ProgramSpec { exit: 3, ..ProgramSpec::default() };
    let text = command("", "(call $print (call $scan (i32.const 0))) (call $exit (i32.const 3))");
    assert_eq!(reply(&text, &three, b"said"), Ok("said".to_owned()));
    let wrong = Outcome::WrongAnswer("it exited with 3, not with 0".to_owned());
    assert_eq!(failure(&text, &ProgramSpec::default()), wrong);
    let wrong = Outcome::WrongAnswer("it exited with 0, not with 3".to_owned());
    assert_eq!(failure(&command("", ""), &three), wrong);
    let trap = failure(&command("", "unreachable"), &ProgramSpec::default());
    assert!(
        matches!(&trap, Outcome::DiedInTheMiddle(why) if why.contains("unreachable")),
        "{trap:?}"
    );
}

#[test]
fn marks_are_set_once_and_in_order() {
    const MARKS: &str =
        r#"(import "bench" "start" (func $start)) (import "bench" "end" (func $end))"#;
    let program = ProgramSpec::default();
    let subject = compile(&command(MARKS, "(call $start) (call $end)"), &program, b"");
    let mut agent = agent_of(&mut subject.expect("valid"));
    agent.batch(b"", 2).expect("runs");
    let spent = agent.take_spent().expect("it tells");
    let section = spent.section.expect("it is marked");
    assert!(section <= spent.run && spent.calls == 2, "{spent:?}");
    for (main, why) in [
        ("", "it never called bench.start"),
        ("(call $start)", "it never called bench.end"),
        ("(call $start) (call $start) (call $end)", "it called bench.start twice"),
        ("(call $start) (call $end) (call $end)", "it called bench.end twice"),
        ("(call $end) (call $start)", "it called bench.end before bench.start"),
    ] {
        let wrong = Outcome::WrongAnswer(why.to_owned());
        assert_eq!(failure(&command(MARKS, main), &program), wrong);
    }
}

#[test]
fn imports_that_the_host_lacks_are_named_at_once_or_stood_in_for() {
    const IMPORTS: &str = r#"(import "env" "price_of" (func $price (param i32) (result i32)))
      (import "env" "log" (func $log))"#;
    let text = command(IMPORTS, "(if (call $price (i32.const 7)) (then unreachable))");
    let refused = "it imports what the host does not have: env.price_of, env.log; \
                   `--unknown-imports trap` runs it until it calls one, `default` returns zeros";
    assert_eq!(failure(&text, &ProgramSpec::default()), Outcome::Refused(refused.to_owned()));
    let with = |unknown_imports| ProgramSpec { unknown_imports, ..ProgramSpec::default() };
    assert_eq!(reply(&text, &with(UnknownImports::Default), b""), Ok(String::new()));
    let trap = failure(&text, &with(UnknownImports::Trap));
    let why = "the program: it called env.price_of, which the host does not have";
    assert_eq!(trap, Outcome::DiedInTheMiddle(why.to_owned()));
    assert_eq!(reply(&command(IMPORTS, ""), &with(UnknownImports::Trap), b""), Ok(String::new()));
    let data = command(r#"(import "env" "base" (global i32))"#, "");
    let refused = "it imports what the host does not have: env.base (global); \
                   only functions can be stood in for";
    let failed = failure(&data, &with(UnknownImports::Default));
    assert_eq!(failed, Outcome::Refused(refused.to_owned()));
}

#[test]
fn only_promised_folders_are_read_and_only_writable_ones_written() {
    let root = tempfile::tempdir().expect("a folder");
    let inside = root.path().join("inside");
    fs::create_dir(&inside).expect("a folder");
    fs::write(inside.join("data.txt"), "inside").expect("a file");
    fs::write(root.path().join("secret.txt"), "secret").expect("a file");
    // The rights of fd_read and fd_write; the first folder is descriptor 3, the opened file 4.
    let open = |at: u32, bytes: u32, flags: u32, rights: u64| {
        format!(
            "(if (call $open (i32.const 3) (i32.const 0) (i32.const {at}) (i32.const {bytes}) \
             (i32.const {flags}) (i64.const {rights}) (i64.const 0) (i32.const 0) (i32.const 12)) \
             (then (call $exit (i32.const 9))))"
        )
    };
    let dir = |writable| Preopen { host: inside.clone(), guest: ".".to_owned(), writable };
    let read_only = ProgramSpec { dirs: vec![dir(false)], ..ProgramSpec::default() };
    let show =
        |open: &str| command("", &format!("{open} (call $print (call $scan (i32.const 4)))"));
    assert_eq!(reply(&show(&open(64, 8, 0, 2)), &read_only, b""), Ok("inside".to_owned()));
    let denied = Outcome::WrongAnswer("it exited with 9, not with 0".to_owned());
    assert_eq!(failure(&show(&open(80, 13, 0, 2)), &read_only), denied);
    assert_eq!(failure(&show(&open(64, 8, 0, 2)), &ProgramSpec::default()), denied);
    // Creating a file, and opening one to write.
    let create = open(67, 5, 1, 64);
    assert_eq!(failure(&command("", &create), &read_only), denied);
    assert_eq!(failure(&command("", &open(64, 8, 0, 64)), &read_only), denied);
    let writable = ProgramSpec { dirs: vec![dir(true)], ..ProgramSpec::default() };
    assert_eq!(reply(&command("", &create), &writable, b""), Ok(String::new()));
    assert!(inside.join("a.txt").exists());
    let absent = Preopen { host: root.path().join("absent"), ..dir(false) };
    let refused =
        failure(&command("", ""), &ProgramSpec { dirs: vec![absent], ..ProgramSpec::default() });
    assert!(matches!(&refused, Outcome::Refused(why) if why.contains("absent")), "{refused:?}");
}

#[test]
fn arguments_and_environment_are_those_that_were_given() {
    let text = r#"(module
      (import "wasi_snapshot_preview1" "args_sizes_get"
        (func $args (param i32 i32) (result i32)))
      (import "wasi_snapshot_preview1" "environ_sizes_get"
        (func $env (param i32 i32) (result i32)))
      (memory (export "memory") 1)
      (func (export "sizes") (result i32 i32 i32 i32)
        (drop (call $args (i32.const 0) (i32.const 4)))
        (drop (call $env (i32.const 8) (i32.const 12)))
        (i32.load (i32.const 0)) (i32.load (i32.const 4))
        (i32.load (i32.const 8)) (i32.load (i32.const 12))))"#;
    let program = ProgramSpec {
        entry: Entry::Function { name: "sizes".to_owned(), args: String::new() },
        args: vec!["-v".to_owned(), "a b".to_owned()],
        env: [("KEY".to_owned(), "value".to_owned())].into(),
        ..ProgramSpec::default()
    };
    // `main.wasm`, `-v`, `a b`; `KEY=value`; each ends with a zero byte.
    assert_eq!(reply(text, &program, b""), Ok("3\n17\n1\n10".to_owned()));
}

const FUNCTIONS: &str = r#"(module
  (memory (export "memory") 1)
  (global $calls (mut i32) (i32.const 0))
  (global $free (mut i32) (i32.const 1024))
  (func (export "_initialize") (global.set $calls (i32.const 10)))
  (func (export "count") (result i32)
    (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
    (global.get $calls))
  (func (export "mix") (param i32 i64 f32 f64) (result f64)
    (f64.add (f64.add (f64.convert_i32_s (local.get 0)) (f64.convert_i64_s (local.get 1)))
      (f64.add (f64.promote_f32 (local.get 2)) (local.get 3))))
  (func (export "malloc") (param i32) (result i32)
    (global.set $free (i32.add (global.get $free) (local.get 0)))
    (i32.sub (global.get $free) (local.get 0)))
  ;; The message without its first byte.
  (func (export "tail") (param i32 i32) (result i64)
    (i64.or (i64.shl (i64.extend_i32_u (i32.add (local.get 0) (i32.const 1))) (i64.const 32))
      (i64.extend_i32_u (i32.sub (local.get 1) (i32.const 1)))))
  (func (export "same") (param i32 i32) (result i32 i32) (local.get 0) (local.get 1))
  (func (export "lie") (param i32 i32) (result i32 i32) (i32.const 65530) (i32.const 100)))"#;

fn function(name: &str, args: &str) -> ProgramSpec {
    let entry = Entry::Function { name: name.to_owned(), args: args.to_owned() };
    ProgramSpec { entry, ..ProgramSpec::default() }
}

fn bytes(name: &str) -> ProgramSpec {
    let entry = Entry::Bytes { name: name.to_owned(), allocator: "malloc".to_owned() };
    ProgramSpec { entry, ..ProgramSpec::default() }
}

#[test]
fn a_function_gets_values_of_its_types_and_keeps_or_loses_its_instance() {
    let mix = function("mix", "1, -2, 0.5, 1e3");
    assert_eq!(reply(FUNCTIONS, &mix, b""), Ok("999.5".to_owned()));
    for (fresh, last) in [(false, &b"13"[..]), (true, b"11")] {
        let program = ProgramSpec { fresh, ..function("count", "") };
        let mut subject = compile(FUNCTIONS, &program, b"").expect("valid");
        let mut agent = agent_of(&mut subject);
        agent.batch(b"", 3).expect("runs");
        assert_eq!(agent.reply(), last);
    }
    let refused = |program: &ProgramSpec| failure(FUNCTIONS, program);
    for (program, why) in [
        (
            function("other", ""),
            "it exports no function other, only: _initialize, count, mix, malloc, tail, same, lie",
        ),
        (
            bytes("mix"),
            "mix is (i32, i64, f32, f64) -> (f64); a function of bytes is (i32, i32) -> (i64) or \
             (i32, i32) -> (i32, i32): address and length",
        ),
    ] {
        assert_eq!(refused(&program), Outcome::Refused(why.to_owned()));
    }
    for values in ["x, 2, 3, 4", "1", "1, 2, 3, 4, 5", "1, 2, 3,"] {
        let no_values = refused(&function("mix", values));
        let start = format!("mix({values}) is no call of mix(i32, i64, f32, f64): ");
        assert!(
            matches!(&no_values, Outcome::Refused(why) if why.starts_with(&start)),
            "{no_values:?}"
        );
    }
}

#[test]
fn bytes_are_handed_over_in_memory_and_a_lying_reply_is_refused() {
    for (name, expected) in [("tail", "essage"), ("same", "message")] {
        for fresh in [false, true] {
            let program = ProgramSpec { fresh, ..bytes(name) };
            assert_eq!(reply(FUNCTIONS, &program, b"message"), Ok(expected.to_owned()));
        }
    }
    let lie = failure(FUNCTIONS, &bytes("lie"));
    let why = "the program: its reply is 100 bytes at 0xfffa, outside its memory of 65536 bytes";
    assert_eq!(lie, Outcome::DiedInTheMiddle(why.to_owned()));
}

#[test]
fn a_program_that_floods_or_grows_is_ended() {
    let flood = command("", "(loop (call $print (i32.const 65536)) (br 0))");
    let outcome = failure(&flood, &ProgramSpec::default());
    let why = "it wrote more than 67108864 bytes to standard output";
    assert!(
        matches!(&outcome, Outcome::DiedInTheMiddle(told) if told.contains(why)),
        "{outcome:?}"
    );
    let grow = command(
        "",
        "(if (i32.eq (memory.grow (i32.const 9)) (i32.const -1)) \
                        (then (call $exit (i32.const 5))))",
    );
    let subject = compile(&grow, &ProgramSpec::default(), b"").expect("valid");
    let mut agent = subject.instantiate(Some(Bytes(4 << 16))).expect("it fits");
    let denied = agent.call(b"").expect_err("no room");
    assert_eq!(denied, Outcome::WrongAnswer("it exited with 5, not with 0".to_owned()));
}

#[test]
fn an_agent_is_no_command() {
    let refused = failure("(module (memory (export \"memory\") 1))", &ProgramSpec::default());
    assert_eq!(refused, Outcome::Refused("it exports no function _start, only:".to_owned()));
}

const COMPONENT: &str = r#"(component
  (core module $code
    (memory (export "memory") 1)
    (global $free (mut i32) (i32.const 1024))
    (func (export "room") (param i32 i32 i32 i32) (result i32)
      (global.set $free (i32.add (global.get $free) (local.get 3)))
      (i32.sub (global.get $free) (local.get 3)))
    (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
    ;; The text again, by address and length at 16.
    (func (export "same") (param i32 i32) (result i32)
      (i32.store (i32.const 16) (local.get 0)) (i32.store (i32.const 20) (local.get 1))
      (i32.const 16))
    (func (export "die") unreachable))
  (core instance $code (instantiate $code))
  (func $add (param "a" u32) (param "b" u32) (result u32) (canon lift (core func $code "add")))
  (func $same (param "text" string) (result string)
    (canon lift (core func $code "same") (memory $code "memory")
      (realloc (func $code "room"))))
  (func $die (canon lift (core func $code "die")))
  (instance $api (export "add" (func $add)) (export "same" (func $same)))
  (instance $other (export "add" (func $add)))
  (export "demo:text/api@1.2.3" (instance $api))
  (export "demo:text/other" (instance $other))
  (export "die" (func $die)))"#;

#[test]
fn a_components_function_gets_values_of_its_interface() {
    let reply = |name: &str, args: &str| reply(COMPONENT, &function(name, args), b"");
    for name in ["api.add", "demo:text/api@1.2.3#add", "demo:text/api.add", "other#add"] {
        assert_eq!(reply(name, "40, 2"), Ok("42".to_owned()), "{name}");
    }
    assert_eq!(reply("same", r#""a \"b\"""#), Ok(r#""a \"b\"""#.to_owned()));
    let names = "demo:text/api@1.2.3#add, demo:text/api@1.2.3#same, demo:text/other#add, die";
    for (name, how) in [("add", "more than one"), ("sub", "no")] {
        let why = format!("it exports {how} function {name}, of these: {names}");
        assert_eq!(reply(name, ""), Err(Outcome::Refused(why)));
    }
    for values in ["1", "1, 2, 3", "-1, 2", "\"x\", 2"] {
        let refused = reply("api.add", values).expect_err(values);
        let start = format!("add({values}) is no call of add: ");
        assert!(
            matches!(&refused, Outcome::Refused(why) if why.starts_with(&start)),
            "{refused:?}"
        );
    }
    let died = reply("die", "").expect_err("it dies");
    assert!(matches!(&died, Outcome::DiedInTheMiddle(why) if why.contains("unreachable")));
}

#[test]
fn crossings_tell_who_works_in_a_call() {
    let crossings = |text: &str, program: &ProgramSpec, input: &[u8]| {
        let mut agent = compile(text, program, input).expect("valid").instantiate(None);
        let agent = agent.as_mut().expect("runs");
        assert_eq!(agent.take_crossings(), None, "nobody watches yet");
        assert_eq!(agent.watch_crossings(), Ok(true));
        agent.batch(input, 3).expect("runs");
        agent.take_crossings().expect("watched")
    };
    // Its allocator for the text, then the function: two entries a call, nothing of the host.
    let same = crossings(COMPONENT, &function("same", "\"abc\""), b"");
    assert_eq!((same.entries, same.all, same.guest.count, same.host.count), (6, 12, 6, 0));
    // Each instance of a command is entered once, and reads and writes.
    let echo = crossings(&command("", ECHO), &ProgramSpec::default(), b"hello");
    assert_eq!((echo.entries, echo.all, echo.guest.count, echo.host.count), (3, 18, 9, 6));
}

/// A command whose `run` returns ok for 0 and err for 1.
fn component_command(returns: u32) -> String {
    format!(
        r#"(component
  (core module $code (func (export "run") (result i32) (i32.const {returns})))
  (core instance $code (instantiate $code))
  (func $run (result (result)) (canon lift (core func $code "run")))
  (instance $api (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $api)))"#
    )
}

#[test]
fn a_components_command_ends_well_or_not() {
    assert_eq!(reply(&component_command(0), &ProgramSpec::default(), b""), Ok(String::new()));
    let wrong = Outcome::WrongAnswer("it exited with 1, not with 0".to_owned());
    assert_eq!(failure(&component_command(1), &ProgramSpec::default()), wrong);
    let no_command = failure(COMPONENT, &ProgramSpec::default());
    let why = "a component without wasi:cli/run: name a function of it with --invoke; it has \
               demo:text/api@1.2.3#add, demo:text/api@1.2.3#same, demo:text/other#add, die";
    assert_eq!(no_command, Outcome::Refused(why.to_owned()));
    let bytes = failure(&component_command(0), &bytes("run"));
    let why = "a component takes values, not an address and a length";
    assert_eq!(bytes, Outcome::Refused(why.to_owned()));
    let imports = r#"(component (import "demo:shop/price" (func)))"#;
    let refused = failure(imports, &function("f", ""));
    let why = "it imports what the host does not have: ";
    assert!(matches!(&refused, Outcome::Refused(told) if told.starts_with(why)), "{refused:?}");
}
