//! The hottest functions of an agent as machine code: which instruction has which weight.

use crate::elf;
use crate::space::{CodePlace, CodeUnit, MapRole, Meaning, Space};
use caxton_model::profile::hot::{HotFunction, HotInstruction, InstructionKinds};
use caxton_model::profile::{Frame, Origin};
use std::collections::BTreeMap;
use std::ops::Range;

/// A function's code.
struct FunctionBytes {
    name: String,
    /// As its unit counts.
    range: Range<u64>,
    bytes: Vec<u8>,
    /// Addresses and the bytes of the .wasm file that they come from, in order.
    positions: Vec<(u64, u32)>,
}

/// The agent's functions with most of `weights`, at most `most`, the hottest first; none where this
/// processor's instructions cannot be read. `frames` names a place.
pub(super) fn functions(
    space: &Space,
    weights: &BTreeMap<CodePlace, u64>,
    most: usize,
    mut frames: impl FnMut(CodePlace) -> Vec<Frame>,
) -> Vec<HotFunction> {
    let mut by_function: BTreeMap<(usize, u64), (FunctionBytes, BTreeMap<u64, u64>)> =
        BTreeMap::new();
    let mut twins: BTreeMap<usize, Vec<elf::ElfSymbol>> = BTreeMap::new();
    let weights = weights.iter().filter(|_| most > 0);
    for (place, weight) in weights {
        let Meaning::Unit(unit, offset) = place.meaning() else { continue };
        let address = u64::from(offset);
        // The function of the place before is that of most.
        let known = by_function.range_mut(..=(unit, address)).next_back();
        if let Some(((of, _), (function, own))) = known
            && *of == unit
            && function.range.contains(&address)
        {
            *own.entry(address).or_default() += weight;
            continue;
        }
        let Some(function) = function(space, unit, address, &mut twins) else { continue };
        let own = BTreeMap::from([(address, *weight)]);
        by_function.insert((unit, function.range.start), (function, own));
    }
    let total = |own: &BTreeMap<u64, u64>| own.values().sum::<u64>();
    let mut hottest: Vec<_> = by_function.into_iter().collect();
    hottest.sort_by_key(|(_, (_, own))| std::cmp::Reverse(total(own)));
    hottest.truncate(most);
    let taken_apart = hottest.into_iter().map(|((unit, _), (function, own))| {
        let weight = total(&own);
        let instructions = decoded(&function, &own, |address| {
            let offset = u32::try_from(address).unwrap_or(u32::MAX);
            frames(CodePlace::in_unit(unit, offset))
        });
        HotFunction { name: function.name, weight, instructions }
    });
    taken_apart.filter(|function| !function.instructions.is_empty()).collect()
}

/// The agent's function at `address` of `unit`.
fn function(
    space: &Space,
    unit: usize,
    address: u64,
    twins: &mut BTreeMap<usize, Vec<elf::ElfSymbol>>,
) -> Option<FunctionBytes> {
    match &space.units[unit] {
        CodeUnit::File(file) if file.role == MapRole::Twin => {
            let symbols =
                twins.entry(unit).or_insert_with(|| elf::symbols(&file.source).unwrap_or_default());
            let symbol = elf::symbol_at(symbols, address)?;
            let range = symbol.start..symbol.end;
            let bytes = elf::code(&file.source, range.clone())?;
            let name = format!("{:#}", rustc_demangle::demangle(&symbol.name));
            Some(FunctionBytes { name, range, bytes, positions: Vec::new() })
        }
        CodeUnit::File(_) => None,
        CodeUnit::Made(made) => {
            let listing = made.listing(u32::try_from(address).ok()?)?;
            let is_agent = |frame: &Frame| frame.origin == Origin::Guest;
            let outer = made.frames(u32::try_from(address).ok()?).pop().filter(is_agent)?;
            let start = listing.start.checked_sub(usize::try_from(made.range.start).ok()?)? as u64;
            let range = start..start + listing.bytes.len() as u64;
            let at = |(at, wasm): (u32, u32)| (start + u64::from(at), wasm);
            let positions = listing.positions.into_iter().map(at).collect();
            Some(FunctionBytes { name: outer.name, range, bytes: listing.bytes, positions })
        }
    }
}

/// The instructions of `function` that have a weight in `own`.
#[cfg(target_arch = "x86_64")]
fn decoded(
    function: &FunctionBytes,
    own: &BTreeMap<u64, u64>,
    mut frames: impl FnMut(u64) -> Vec<Frame>,
) -> Vec<HotInstruction> {
    use iced_x86::{Decoder, DecoderOptions, Formatter, InstructionInfoFactory, IntelFormatter};
    let start = function.range.start;
    // From 0: the targets of branches are offsets in the function.
    let mut decoder = Decoder::with_ip(64, &function.bytes, 0, DecoderOptions::NONE);
    let (mut formatter, mut facts) = (IntelFormatter::new(), InstructionInfoFactory::new());
    formatter.options_mut().set_branch_leading_zeros(false);
    formatter.options_mut().set_show_branch_size(false);
    formatter.options_mut().set_space_after_operand_separator(true);
    formatter.options_mut().set_rip_relative_addresses(true);
    let mut instructions = Vec::new();
    // Only where something was executed: between the instructions lie tables of jumps.
    for (&address, &weight) in own {
        let offset = address - start;
        if decoder.set_position(usize::try_from(offset).unwrap_or(usize::MAX)).is_err() {
            continue;
        }
        decoder.set_ip(offset);
        let instruction = decoder.decode();
        let mut text = String::new();
        formatter.format(&instruction, &mut text);
        if instruction.is_call_near() {
            let called = frames(start.wrapping_add(instruction.near_branch_target())).pop();
            text = format!("call {}", called.map_or("?".to_owned(), |frame| frame.name));
        }
        let innermost = frames(address).into_iter().next();
        let before = function.positions.partition_point(|(at, _)| *at <= address);
        instructions.push(HotInstruction {
            offset: u32::try_from(offset).unwrap_or(u32::MAX),
            text,
            weight,
            kinds: kinds(&instruction, facts.info(&instruction)),
            wasm_offset: function.positions[..before].last().map(|(_, wasm)| *wasm),
            file: innermost.as_ref().and_then(|frame| frame.file.clone()),
            line: innermost.and_then(|frame| frame.line),
        });
    }
    instructions
}

#[cfg(target_arch = "x86_64")]
fn kinds(
    instruction: &iced_x86::Instruction,
    facts: &iced_x86::InstructionInfo,
) -> InstructionKinds {
    use iced_x86::{FlowControl, OpAccess};
    let reads = |access| {
        use OpAccess::{CondRead, Read, ReadCondWrite, ReadWrite};
        matches!(access, Read | CondRead | ReadWrite | ReadCondWrite)
    };
    let writes = |access| {
        use OpAccess::{CondWrite, ReadCondWrite, ReadWrite, Write};
        matches!(access, Write | CondWrite | ReadWrite | ReadCondWrite)
    };
    let memory = || facts.used_memory().iter().map(iced_x86::UsedMemory::access);
    let flow = instruction.flow_control();
    let branches = flow == FlowControl::ConditionalBranch;
    let has_vector = facts.used_registers().iter().any(|used| used.register().is_vector_register());
    // `addsd` works on one number, `addpd` and `paddd` on several.
    let name = format!("{:?}", instruction.mnemonic()).to_lowercase();
    let name = name.strip_prefix('v').unwrap_or(&name);
    let is_packed = name.starts_with('p') || name.ends_with("pd") || name.ends_with("ps");
    InstructionKinds {
        reads: memory().any(reads),
        writes: memory().any(writes),
        branches,
        jumps: !branches && flow != FlowControl::Next,
        is_packed: has_vector && is_packed,
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn decoded(
    _function: &FunctionBytes,
    _own: &BTreeMap<u64, u64>,
    _frames: impl FnMut(u64) -> Vec<Frame>,
) -> Vec<HotInstruction> {
    Vec::new()
}

#[cfg(all(test, target_arch = "x86_64"))]
mod tests {
    use super::*;
    use caxton_model::profile::code::{Code, Listing};
    use std::sync::Arc;

    /// `add [rdi], eax; dec ecx; jne 0; addpd xmm0, xmm1; ret` at 0x1000.
    const LOOP: [u8; 12] = [0x01, 0x07, 0xff, 0xc9, 0x75, 0xfa, 0x66, 0x0f, 0x58, 0xc1, 0xc3, 0xcc];

    struct Looping;

    impl Code for Looping {
        fn name(&self) -> &str {
            "loop.wasm"
        }

        fn range(&self) -> Range<usize> {
            0x1000..0x1000 + LOOP.len()
        }

        fn frames(&self, address: usize) -> Vec<Frame> {
            let line = Some(address as u32 - 0xfff);
            let file = Some("loop.rs".to_owned());
            vec![Frame { name: "turns".to_owned(), origin: Origin::Guest, file, line }]
        }

        fn listing(&self, _address: usize) -> Option<Listing> {
            let positions = vec![(0, 70), (4, 74)];
            Some(Listing { start: 0x1000, bytes: LOOP.to_vec(), positions })
        }
    }

    #[test]
    fn each_executed_instruction_has_its_weight_and_what_it_does() {
        let mut space = Space::default();
        space.loaded(Arc::new(Looping));
        let counts = [(0x1000, 9), (0x1002, 9), (0x1004, 9), (0x1006, 1)];
        let weights = counts.map(|(address, weight)| (space.place(address), weight));
        let code = Looping;
        let frames = |place: CodePlace| match place.meaning() {
            Meaning::Unit(_, offset) => code.frames(0x1000 + offset as usize),
            _ => Vec::new(),
        };
        let hot = functions(&space, &BTreeMap::from(weights), 10, frames);
        let [function] = &hot[..] else { panic!("one function: {hot:?}") };
        assert_eq!((function.name.as_str(), function.weight), ("turns", 28));
        let told: Vec<_> = function
            .instructions
            .iter()
            .map(|it| (it.offset, it.text.as_str(), it.weight, it.wasm_offset, it.line))
            .collect();
        assert_eq!(
            told,
            [
                (0, "add [rdi], eax", 9, Some(70), Some(1)),
                (2, "dec ecx", 9, Some(70), Some(3)),
                (4, "jne 0", 9, Some(74), Some(5)),
                (6, "addpd xmm0, xmm1", 1, Some(74), Some(7)),
            ],
            "and nothing of what nobody executed"
        );
        let [add, dec, jump, packed] = &function.instructions[..] else { panic!("four") };
        assert!(add.kinds.reads && add.kinds.writes && !add.kinds.is_packed);
        assert_eq!(dec.kinds, InstructionKinds::default());
        assert!(jump.kinds.branches && !jump.kinds.jumps);
        assert!(packed.kinds.is_packed && !packed.kinds.reads);
        assert_eq!(function.weight_of(|kinds| kinds.branches), 9);
    }
}
