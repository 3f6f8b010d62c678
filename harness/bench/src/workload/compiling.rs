//! Where the compiler's time goes, by pass and by function, as it logs its work; and how much code
//! each function becomes. Listening costs time: these figures are shares of a whole, and the whole
//! is timed elsewhere.

use super::sides::Loaded;
use crate::guest::toolchain::Side;
use crate::job::launch::Event;
use crate::timing::context::Context;
use caxton_model::compiled::{Compiled, CompiledFunction, CompilerPass, NAMED_MAX};
use caxton_runtime::subject::Attempt;
use caxton_runtime::subject::wasmtime::{
    FunctionCode, FunctionPasses, listen_to_compiler, take_compiled,
};
use std::cmp::Reverse;
use std::collections::BTreeMap;

const COMPILATIONS: u32 = 3;

/// Compiles the agent several times, and tells what that came to.
pub fn run(ctx: &mut Context<'_>) -> Attempt<()> {
    if let Err(why) = listen_to_compiler() {
        ctx.finding("no passes of the compiler", why);
        return Ok(());
    }
    let mut rounds = Vec::new();
    let mut code = Vec::new();
    for _ in 0..COMPILATIONS {
        let (loaded, _) = Loaded::load(ctx, ctx.agent, Side::Wasm)?;
        code = loaded.functions();
        rounds.push(take_compiled());
    }
    let compiled = Box::new(compiled(&rounds, &code));
    (ctx.tell)(Event::Compiled { case: ctx.case.clone(), compiled });
    Ok(())
}

/// What `rounds` of the same compilation came to, whose functions became `code`.
fn compiled(rounds: &[Vec<FunctionPasses>], code: &[FunctionCode]) -> Compiled {
    let mut passes: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
    let mut functions: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
    for (round, done) in rounds.iter().enumerate() {
        for function in done {
            let own = functions.entry(number(&function.symbol)).or_default();
            own.resize(rounds.len(), 0);
            own[round] += function.passes_ns.values().sum::<u64>();
            for (pass, ns) in &function.passes_ns {
                let all = passes.entry(pass).or_default();
                all.resize(rounds.len(), 0);
                all[round] += ns;
            }
        }
    }
    let pass = |(name, mut ns): (&str, Vec<u64>)| CompilerPass {
        name: name.to_owned(),
        least_ns: ns.iter().copied().min().unwrap_or(0),
        most_ns: ns.iter().copied().max().unwrap_or(0),
        ns: median(&mut ns),
    };
    let mut passes: Vec<CompilerPass> = passes.into_iter().map(pass).collect();
    passes.sort_by_key(|pass| Reverse(pass.ns));
    let by_number: BTreeMap<&str, &FunctionCode> =
        code.iter().map(|function| (function.symbol.as_str(), function)).collect();
    let function = |(symbol, mut ns): (&str, Vec<u64>)| {
        let code = by_number.get(symbol);
        CompiledFunction {
            // Of what the compiler adds it is the only name.
            name: code.map_or(symbol, |code| &code.name).to_owned(),
            compile_ns: median(&mut ns),
            code_bytes: code.map_or(0, |code| code.bytes),
        }
    };
    let mut functions: Vec<CompiledFunction> = functions.into_iter().map(function).collect();
    let (count, compile_ns) = (functions.len() as u64, passes.iter().map(|pass| pass.ns).sum());
    functions.sort_by_key(|function| Reverse(function.code_bytes));
    let largest = functions.iter().take(NAMED_MAX).filter(|f| f.code_bytes > 0).cloned().collect();
    functions.sort_by_key(|function| Reverse(function.compile_ns));
    functions.truncate(NAMED_MAX);
    Compiled {
        compilations: rounds.len() as u32,
        functions: count,
        compile_ns,
        code_bytes: code.iter().map(|function| function.bytes).sum(),
        passes,
        slowest: functions,
        largest,
    }
}

fn median(values: &mut [u64]) -> u64 {
    values.sort_unstable();
    values.get(values.len() / 2).copied().unwrap_or(0)
}

/// `wasm[0]::function[7]` of the compiler's `wasm[0]::function[7]::name`, whose name may be cut
/// off; all of what is no function of the module.
fn number(symbol: &str) -> &str {
    let end = symbol.match_indices(']').nth(1).map(|(at, _)| at + 1);
    end.filter(|_| symbol.contains("::function[")).map_or(symbol, |end| &symbol[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passes(symbol: &str, passes: &[(&str, u64)]) -> FunctionPasses {
        let passes_ns = passes.iter().map(|(name, ns)| ((*name).to_owned(), *ns)).collect();
        FunctionPasses { symbol: symbol.to_owned(), passes_ns }
    }

    #[test]
    fn time_is_by_pass_and_by_function_and_code_by_function() {
        let [big, small, glue] = [
            "wasm[0]::function[7]::big",
            "wasm[0]::function[8]::sm",
            "array_to_wasm_trampoline[0]",
        ];
        let round = |regalloc| {
            vec![
                passes(big, &[("Translate WASM function", 10)]),
                passes(big, &[("Register allocation", regalloc), ("VCode lowering", 5)]),
                passes(small, &[("Register allocation", 1)]),
                passes(glue, &[("VCode lowering", 2)]),
            ]
        };
        let code = [("wasm[0]::function[7]", "big", 90), ("wasm[0]::function[8]", "small", 400)];
        let code = code.map(|(symbol, name, bytes)| FunctionCode {
            symbol: symbol.to_owned(),
            name: name.to_owned(),
            bytes,
        });
        let compiled = compiled(&[round(80), round(100), round(90)], &code);
        assert_eq!((compiled.compilations, compiled.functions), (3, 3));
        assert_eq!((compiled.compile_ns, compiled.code_bytes), (91 + 10 + 7, 490));
        let first = &compiled.passes[0];
        assert_eq!((first.name.as_str(), first.ns), ("Register allocation", 91));
        assert_eq!([first.least_ns, first.most_ns], [81, 101]);
        let named = |functions: &[CompiledFunction]| -> Vec<(String, u64, u64)> {
            let told = |f: &CompiledFunction| (f.name.clone(), f.compile_ns, f.code_bytes);
            functions.iter().map(told).collect()
        };
        let [big, small, glue] = [
            ("big".to_owned(), 105, 90),
            ("small".to_owned(), 1, 400),
            ("array_to_wasm_trampoline[0]".to_owned(), 2, 0),
        ];
        assert_eq!(named(&compiled.slowest), [big.clone(), glue, small.clone()]);
        assert_eq!(named(&compiled.largest), [small, big]);
    }
}
