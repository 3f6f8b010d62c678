//! Names of addresses: of guests as text, and of one with debug information, made by hand.

use super::watch_tests::Recorder;
use super::{EngineOptions, WasmSubject};
use caxton_fixture::guest::guest;
use caxton_model::profile::code::Code;
use caxton_model::profile::{Frame, Origin};
use std::collections::BTreeSet;
use std::sync::Arc;

fn code(wasm: &[u8]) -> Arc<dyn Code> {
    let watch = Arc::new(Recorder::default());
    let options = EngineOptions::default();
    let name = "made-up.wasm";
    WasmSubject::compile_watched(name, wasm, options, Some(watch.clone())).expect("valid");
    watch.code()
}

/// Each stack that some address has.
fn stacks(code: &dyn Code) -> BTreeSet<Vec<Frame>> {
    code.range().map(|address| code.frames(address)).filter(|frames| !frames.is_empty()).collect()
}

/// The stacks of the guest's own functions.
fn guest_stacks(code: &dyn Code) -> BTreeSet<Vec<Frame>> {
    let is_guest = |frames: &Vec<Frame>| frames.last().is_some_and(|f| f.origin == Origin::Guest);
    stacks(code).into_iter().filter(is_guest).collect()
}

/// Name and origin of all code that is there.
fn names(code: &dyn Code) -> BTreeSet<(String, Origin)> {
    stacks(code).into_iter().flatten().map(|frame| (frame.name, frame.origin)).collect()
}

#[test]
fn each_kind_of_code_has_its_name_and_origin() {
    let handle = "(drop (call $send (i64.const 1) (i32.const 0) (i32.const 0)))
        (drop (memory.grow (i32.const 1))) i32.const 0";
    let text = guest("i32.const 64", handle)
        .replace("(func (export \"agent_handle\")", "(func $think (export \"agent_handle\")");
    let names = names(&*code(text.as_bytes()));
    let is_there = |origin: Origin, part: &str| {
        assert!(names.iter().any(|(n, o)| *o == origin && n.contains(part)), "{part}: {names:?}");
    };
    is_there(Origin::Guest, "think");
    is_there(Origin::Guest, "wasm-function[1]");
    is_there(Origin::Boundary, "array_to_wasm_trampoline");
    is_there(Origin::Boundary, "wasm_to_array_trampoline");
    is_there(Origin::Wasmtime, "wasmtime_builtin_memory_grow");
}

#[test]
fn a_function_is_listed_with_its_bytes_and_where_they_come_from() {
    let code = code(
        b"(module (func $one (nop)) (func $two (export \"f\") (result i32)
        i32.const 7))",
    );
    let range = code.range();
    let two = range
        .clone()
        .find(|address| code.frames(*address).last().is_some_and(|frame| frame.name == "two"));
    let listing = code.listing(two.expect("it has code")).expect("a function");
    assert_eq!(listing.start, two.expect("it has code"), "from its first byte on");
    assert!(listing.bytes.windows(4).any(|bytes| bytes == [7, 0, 0, 0]), "{listing:?}");
    let at = |(offset, _): &(u32, u32)| (*offset as usize) < listing.bytes.len();
    assert!(!listing.positions.is_empty() && listing.positions.iter().all(at), "{listing:?}");
    assert_eq!(code.listing(range.end + 1), None);
}

#[test]
fn a_function_is_named_as_its_language_has_it_else_by_what_it_is_exported_as() {
    let names = names(&*code(
        b"(module
        (func $_ZN4shop5parseERKNSt3__112basic_stringIcEEi)
        (func $_RNvCs1234_7mycrate3foo)
        (func $main.work)
        (func (export \"answer\")))",
    ));
    let is_there = |name: &str| names.iter().any(|(known, _)| known == name);
    assert!(is_there("shop::parse(std::__1::basic_string<char> const&, int)"), "{names:?}");
    assert!(is_there("mycrate::foo"), "{names:?}");
    assert!(is_there("main.work"), "{names:?}");
    assert!(is_there("wasm-function[3] (answer)"), "{names:?}");
}

#[test]
fn the_whole_text_of_a_function_is_its_own() {
    let code = code(
        b"(module (func $first (param i32 i32) (result i32)
        (i32.div_u (local.get 0) (local.get 1))) (func $second))",
    );
    let names: Vec<String> =
        code.range().filter_map(|at| Some(code.frames(at).first()?.name.clone())).collect();
    let runs: Vec<&String> =
        names.chunk_by(|one, next| one == next).filter_map(|run| run.first()).collect();
    assert_eq!(runs.iter().filter(|name| **name == "first").count(), 1, "{runs:?}");
    assert!(runs.iter().any(|name| *name == "second"), "{runs:?}");
    let range = code.range();
    assert!(code.frames(range.start - 1).is_empty() && code.frames(range.end).is_empty());
}

#[test]
fn rust_names_are_without_hashes() {
    let names = names(&*code(
        b"(module (func $_RNvCsgWMOcLRLd8M_10agent_json5price)
            (func $_ZN4core3fmt5write17h0123456789abcdefE))",
    ));
    for name in ["agent_json::price", "core::fmt::write"] {
        assert!(names.contains(&(name.to_owned(), Origin::Guest)), "{names:?}");
    }
}

#[test]
fn a_stripped_guest_is_numbered_and_says_so() {
    let stripped = code(b"(module (func) (func))");
    let names: Vec<String> =
        guest_stacks(&*stripped).into_iter().map(|s| s[0].name.clone()).collect();
    assert_eq!(names, ["wasm-function[0]", "wasm-function[1]"]);
    assert_eq!(
        stripped.notes(),
        [
            "made-up.wasm has no debug information: no lines, no inlined frames",
            "made-up.wasm is stripped of names: its functions are numbered",
        ]
    );
}

#[test]
fn inlined_functions_and_lines_come_from_debug_information() {
    let code = code(&with_debug_information(&debug_info()));
    let frame = |name: &str, origin, line| Frame {
        name: name.to_owned(),
        origin,
        file: Some("a.rs".to_owned()),
        line: Some(line),
    };
    let outer = |line| frame("outer", Origin::Guest, line);
    let inner = frame("inner", Origin::GuestInlined, 20);
    // What sets the function's frame up stands for no line.
    let start = Frame { file: None, line: None, ..outer(10) };
    let expected = [vec![inner, outer(11)], vec![outer(12)], vec![start]];
    assert_eq!(guest_stacks(&*code), BTreeSet::from(expected));
    assert!(code.notes().is_empty(), "{:?}", code.notes());
}

#[test]
fn broken_debug_information_costs_the_lines_only() {
    let mut broken = debug_info();
    broken.truncate(9);
    let code = code(&with_debug_information(&broken));
    assert_eq!(guest_stacks(&*code).len(), 1);
    let notes = code.notes();
    assert!(notes[0].starts_with("debug information of made-up.wasm is broken ("), "{notes:?}");
    assert_eq!(notes.len(), 2);
}

fn section(id: u8, content: &[u8]) -> Vec<u8> {
    let bytes = u8::try_from(content.len()).ok().filter(|bytes| *bytes < 128);
    [&[id, bytes.expect("one byte of LEB128 is enough here")], content].concat()
}

fn custom(name: &str, content: &[u8]) -> Vec<u8> {
    section(0, &[&[name.len() as u8], name.as_bytes(), content].concat())
}

/// A module of one function, which divides its first argument twice by its second. Offsets in the
/// code section: its body begins at 2, its divisions are at 7 and 10, it ends at 12.
fn with_debug_information(info: &[u8]) -> Vec<u8> {
    let body = [0, 0x20, 0, 0x20, 1, 0x6e, 0x20, 1, 0x6e, 0x0b];
    [
        b"\0asm\x01\0\0\0".to_vec(),
        section(1, &[1, 0x60, 2, 0x7f, 0x7f, 1, 0x7f]),
        section(3, &[1, 0]),
        section(10, &[&[1, body.len() as u8], &body[..]].concat()),
        custom(".debug_abbrev", &abbreviations()),
        custom(".debug_info", info),
        custom(".debug_line", &lines()),
    ]
    .concat()
}

/// DWARF 4, section 7.5.3: a unit; a function without code, to be inlined; a function; a place
/// where one was inlined.
fn abbreviations() -> Vec<u8> {
    let unit = [1, 0x11, 1, 0x03, 0x08, 0x11, 0x01, 0x12, 0x06, 0x10, 0x17, 0, 0];
    let inlinable = [2, 0x2e, 0, 0x03, 0x08, 0x20, 0x0b, 0, 0];
    let function = [3, 0x2e, 1, 0x11, 0x01, 0x12, 0x06, 0x03, 0x08, 0, 0];
    let inlined = [4, 0x1d, 0, 0x31, 0x13, 0x11, 0x01, 0x12, 0x06, 0x58, 0x0b, 0x59, 0x0b, 0, 0];
    [&unit[..], &inlinable, &function, &inlined, &[0]].concat()
}

/// `outer` from 2 to 12, in which `inner` is inlined from 7 to 8, called from line 11.
fn debug_info() -> Vec<u8> {
    let word = |value: u32| value.to_le_bytes();
    let unit = [&[1][..], b"a.rs\0", &word(2), &word(10), &word(0)].concat();
    let inner_at = 11 + unit.len() as u32;
    let inner = [&[2][..], b"inner\0", &[1]].concat();
    let outer = [&[3][..], &word(2), &word(10), b"outer\0"].concat();
    let inlined = [&[4][..], &word(inner_at), &word(7), &word(1), &[1, 11]].concat();
    let entries = [unit, inner, outer, inlined, vec![0, 0]].concat();
    let head = [&[4, 0][..], &word(0), &[4]].concat();
    [&word((head.len() + entries.len()) as u32)[..], &head, &entries].concat()
}

/// Line 10 from address 2 on, 20 from 7, 12 from 8, all of `a.rs`.
fn lines() -> Vec<u8> {
    let tail =
        [&[1, 1, 1, 0xfb, 14, 13, 0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1, 0][..], b"a.rs\0\0\0\0\0"]
            .concat();
    let program = [
        &[0, 5, 2, 2, 0, 0, 0, 3, 9, 1][..],
        &[2, 5, 3, 10, 1],
        &[2, 1, 3, 0x78, 1],
        &[2, 4, 0, 1, 1],
    ]
    .concat();
    let rest = [&(tail.len() as u32).to_le_bytes()[..], &tail, &program].concat();
    [&(rest.len() as u32 + 2).to_le_bytes()[..], &[4, 0], &rest].concat()
}
