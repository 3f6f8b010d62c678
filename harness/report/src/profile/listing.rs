//! Hot instructions as text: the machine code of the hottest functions of a side, the weight of
//! each instruction, where in the .wasm file and in the source it comes from; and the same function
//! of the other side below it.

use caxton_model::profile::Profile;
use caxton_model::profile::hot::{HotFunction, HotInstruction, InstructionKinds};
use caxton_model::profile::names::normalised;
use caxton_model::sanitise::sanitise;
use caxton_model::units::Unit;
use caxton_model::words::NONE;
use std::fmt::Write as _;

/// An instruction with less than this share of its function's weight is left out.
const SHARE_MIN: f64 = 0.0005;
const NAME_MAX: usize = 160;
const TEXT_MAX: usize = 60;
/// Of a source file's path the last names.
const PATH_NAMES: usize = 2;

type KindColumn = (&'static str, fn(&InstructionKinds) -> bool);

const KINDS: [KindColumn; 6] = [
    ("all", |_| true),
    ("read memory", |kinds| kinds.reads),
    ("write memory", |kinds| kinds.writes),
    ("branch", |kinds| kinds.branches),
    ("jump, call", |kinds| kinds.jumps),
    ("packed (SIMD)", |kinds| kinds.is_packed),
];

/// The hottest functions of `side`, each above the one of the same name of `reference`, whose
/// hottest functions alone are known. None where no code was taken apart.
pub fn text(side: &Profile, reference: Option<&Profile>) -> Option<String> {
    if side.hot.is_empty() {
        return None;
    }
    let mut out = String::new();
    let _ = writeln!(
        out,
        "{}: the hottest functions of {}, instruction by instruction\n\
         Counts are per message. A function is what the compiler made one of: what is inlined into \
         it is part of\nit, what it calls is not. Left out: what is less than 0.05 % of the function, and what nobody \
         executed.\n",
        sanitise(&side.about.case, NAME_MAX),
        sanitise(&side.about.side, NAME_MAX),
    );
    for (number, function) in (1..).zip(&side.hot) {
        let share = Unit::Share.show(function.weight as f64 / side.total().max(1) as f64);
        let name = sanitise(&function.name, NAME_MAX);
        let _ = writeln!(out, "{number}. {name}: {share} of {}\n", side.weight.words());
        let same = reference.and_then(|other| Some((other, like(function, &other.hot)?)));
        out.push_str(&kinds(side, function, same));
        out.push_str(&code(side, function));
        match (reference, same) {
            (Some(other), Some((_, same))) => out.push_str(&code(other, same)),
            (Some(other), None) => {
                let other = sanitise(&other.about.side, NAME_MAX);
                let _ = writeln!(out, "   {other}: no function of this name among its hottest\n");
            }
            (None, _) => {}
        }
    }
    Some(out)
}

fn like<'a>(function: &HotFunction, others: &'a [HotFunction]) -> Option<&'a HotFunction> {
    let name = normalised(&function.name);
    others.iter().find(|other| normalised(&other.name) == name)
}

fn per_message(profile: &Profile, weight: u64) -> f64 {
    weight as f64 / profile.about.messages.max(1) as f64
}

/// How many of its instructions do what, and how that compares with the other side.
fn kinds(side: &Profile, function: &HotFunction, same: Option<(&Profile, &HotFunction)>) -> String {
    let mut out = format!("   {:<14}", "per message");
    for (heading, _) in KINDS {
        let _ = write!(out, "{heading:>14}");
    }
    out.push('\n');
    let counts = |profile: &Profile, function: &HotFunction| {
        KINDS.map(|(_, is_it)| per_message(profile, function.weight_of(is_it)))
    };
    let mut line = |name: &str, cells: [String; KINDS.len()]| {
        let _ = write!(out, "   {name:<14}");
        for cell in cells {
            let _ = write!(out, "{cell:>14}");
        }
        out.push('\n');
    };
    let own = counts(side, function);
    let name = |profile: &Profile| sanitise(&profile.about.side, 13);
    line(&name(side), own.map(|count| Unit::Count.show(count)));
    if let Some((other, same)) = same {
        let theirs = counts(other, same);
        line(&name(other), theirs.map(|count| Unit::Count.show(count)));
        let over = |at: usize| match theirs[at] {
            0.0 => NONE.to_owned(),
            count => format!("{:.2}x", own[at] / count),
        };
        line("ratio", std::array::from_fn(over));
    }
    out.push('\n');
    out
}

fn code(profile: &Profile, function: &HotFunction) -> String {
    let side = sanitise(&profile.about.side, NAME_MAX);
    let mut out = format!(
        "   {side:>12}   offset  {:<width$}  {:>8}  source\n",
        "instruction",
        "in .wasm",
        width = TEXT_MAX
    );
    let least = function.weight as f64 * SHARE_MIN;
    let mut is_gap = false;
    for instruction in &function.instructions {
        if (instruction.weight as f64) < least {
            is_gap = true;
            continue;
        }
        if std::mem::take(&mut is_gap) {
            let _ = writeln!(out, "   {:>12}", "…");
        }
        let HotInstruction { offset, text, weight, wasm_offset, .. } = instruction;
        let wasm = wasm_offset.map_or_else(|| NONE.to_owned(), |at| format!("{at:#x}"));
        let text = sanitise(text, TEXT_MAX);
        let count = format!("{:.1}", per_message(profile, *weight));
        let offset = format!("{offset:#x}");
        let source = source(instruction);
        let _ = writeln!(
            out,
            "   {count:>12}  {offset:>7}  {text:<width$}  {wasm:>8}  {source}",
            width = TEXT_MAX
        );
    }
    out.push('\n');
    out
}

/// `ser.rs:12` with the folder that it is in.
fn source(instruction: &HotInstruction) -> String {
    let (Some(file), Some(line)) = (&instruction.file, instruction.line) else {
        return NONE.to_owned();
    };
    let names: Vec<&str> = file.rsplit('/').take(PATH_NAMES).collect();
    let names: Vec<&str> = names.into_iter().rev().collect();
    sanitise(&format!("{}:{line}", names.join("/")), NAME_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use caxton_fixture::profiles as fixture;

    fn function(name: &str, counts: [u64; 2]) -> HotFunction {
        let instruction = |offset, text: &str, weight| HotInstruction {
            offset,
            text: text.to_owned(),
            weight,
            kinds: InstructionKinds { reads: text.contains('['), ..Default::default() },
            wasm_offset: Some(0x65e),
            file: Some("/a/crate/src/lib.rs".to_owned()),
            line: Some(7),
        };
        let [first, second] = counts;
        let instructions =
            vec![instruction(0, "mov eax, [rdi]", first), instruction(4, "inc eax", second)];
        HotFunction { name: name.to_owned(), weight: first + second, instructions }
    }

    #[test]
    fn a_function_stands_above_the_same_one_of_the_other_side() {
        let (mut native, mut wasm) = (fixture::native(), fixture::wasm());
        (native.about.messages, wasm.about.messages) = (10, 10);
        wasm.hot = vec![function("a::work", [60, 20]), function("a::only", [10, 0])];
        native.hot = vec![function("a::work", [20, 20])];
        let text = text(&wasm, Some(&native)).expect("two functions");
        let lines: Vec<Vec<&str>> =
            text.lines().map(|line| line.split_whitespace().collect()).collect();
        let has = |words: &str| lines.contains(&words.split(' ').collect());
        assert!(has("wasm 8 6 0 0 0 0"), "all, and those that read memory:\n{text}");
        assert!(has("native 4 2 0 0 0 0") && has("ratio 2.00x 3.00x — — — —"), "{text}");
        assert!(has("6.0 0x0 mov eax, [rdi] 0x65e src/lib.rs:7"), "{text}");
        assert!(has("2.0 0x4 inc eax 0x65e src/lib.rs:7"), "{text}");
        assert!(has("native: no function of this name among its hottest"), "{text}");
        wasm.hot.clear();
        assert_eq!(super::text(&wasm, None), None);
    }
}
