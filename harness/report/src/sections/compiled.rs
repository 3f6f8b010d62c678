//! Where the compiler's time goes and what code it makes, by pass and by function.

use crate::sections::functions::short;
use crate::sections::overhead::{label, ran};
use crate::table::{Table, Tone, name};
use caxton_model::compiled::{Compiled, CompiledFunction, CompilerPass};
use caxton_model::record::{CaseRecord, Record};
use caxton_model::sanitise::sanitise;
use caxton_model::units::Unit;
use caxton_model::words::NONE;

/// Of several agents so many functions are named; of one all that are known.
const NAMED_OF_MANY: usize = 3;
/// A pass with less than this share of every agent's compilation is told with the others.
const SHARE_MIN: f64 = 0.02;
const NAME_MAX: usize = 36;

pub(crate) fn tables(record: &Record) -> Vec<Table> {
    let cases: Vec<(&CaseRecord, &Compiled)> = ran(record)
        .into_iter()
        .filter_map(|case| Some((case, case.compiled.as_deref()?)))
        .collect();
    if cases.is_empty() {
        return Vec::new();
    }
    vec![passes(&cases), functions(&cases)]
}

fn share(part: u64, of: u64) -> f64 {
    part as f64 / of.max(1) as f64
}

fn passes(cases: &[(&CaseRecord, &Compiled)]) -> Table {
    let of = |compiled: &Compiled, pass: &str| {
        compiled.passes.iter().find(|own| own.name == pass).cloned()
    };
    let mut heavy: Vec<&str> = Vec::new();
    for (_, compiled) in cases {
        let large = |pass: &&CompilerPass| share(pass.ns, compiled.compile_ns) >= SHARE_MIN;
        for pass in compiled.passes.iter().filter(large) {
            if !heavy.contains(&pass.name.as_str()) {
                heavy.push(&pass.name);
            }
        }
    }
    let shown: Vec<String> = heavy.iter().map(|pass| name(pass)).collect();
    let columns = ["<agent", "compiling", "functions"].into_iter();
    let columns: Vec<&str> =
        columns.chain(shown.iter().map(String::as_str)).chain(["others", "n"]).collect();
    let mut table = Table::new("Compiling, by pass of the compiler", &columns);
    for (case, compiled) in cases {
        let all = compiled.compile_ns;
        let own = heavy.iter().map(|pass| {
            let known = of(compiled, pass);
            known.map_or_else(|| NONE.to_owned(), |pass| Unit::Share.show(share(pass.ns, all)))
        });
        let others = compiled.passes.iter().filter(|pass| !heavy.contains(&pass.name.as_str()));
        let others = others.map(|pass| pass.ns).sum();
        let cells = [label(case), Unit::Nanos.show(all as f64), compiled.functions.to_string()];
        let cells = cells.into_iter().chain(own);
        let rest = [Unit::Share.show(share(others, all)), compiled.compilations.to_string()];
        table.row(Tone::Plain, cells.chain(rest));
    }
    let text = "compiling: time in all passes of all functions, on all cores, as the compiler logs \
                them, which costs it time: read shares, the time is under Phases; a pass without \
                those within it; median of n compilations in one process";
    table.note(Tone::Plain, text);
    table
}

fn functions(cases: &[(&CaseRecord, &Compiled)]) -> Table {
    let columns = ["<agent", "<slowest to compile", "time", "share", "<most code", "code", "share"];
    let mut table = Table::new("Compiling, by function", &columns);
    let most = if cases.len() == 1 { usize::MAX } else { NAMED_OF_MANY };
    for (case, compiled) in cases {
        let rows = compiled.slowest.len().max(compiled.largest.len()).min(most);
        for row in 0..rows {
            let named = |function: Option<&CompiledFunction>| {
                function
                    .map_or_else(String::new, |function| sanitise(&short(&function.name), NAME_MAX))
            };
            let (slow, large) = (compiled.slowest.get(row), compiled.largest.get(row));
            let time = |f: &CompiledFunction| {
                let part = share(f.compile_ns, compiled.compile_ns);
                [Unit::Nanos.show(f.compile_ns as f64), Unit::Share.show(part)]
            };
            let code = |f: &CompiledFunction| {
                let part = share(f.code_bytes, compiled.code_bytes);
                [Unit::Bytes.show(f.code_bytes as f64), Unit::Share.show(part)]
            };
            let who = if row == 0 { label(case) } else { String::new() };
            let [time, of_time] = slow.map(time).unwrap_or_default();
            let [bytes, of_code] = large.map(code).unwrap_or_default();
            let cells = [who, named(slow), time, of_time, named(large), bytes, of_code];
            table.row(Tone::Plain, cells);
        }
    }
    if cases.len() > 1 {
        let text = "the first three of each; run one agent alone for ten";
        table.note(Tone::Plain, text);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sections::tests::painted;
    use caxton_fixture as fixture;

    #[test]
    fn the_pass_that_takes_most_and_the_functions_are_named_with_their_shares() {
        let pass =
            |name: &str, ns| CompilerPass { name: name.to_owned(), ns, least_ns: ns, most_ns: ns };
        let function = |name: &str, compile_ns, code_bytes| CompiledFunction {
            name: name.to_owned(),
            compile_ns,
            code_bytes,
        };
        let compiled = Compiled {
            compilations: 3,
            functions: 2,
            compile_ns: 1000,
            code_bytes: 400,
            passes: vec![
                pass("Register allocation", 900),
                pass("VCode lowering", 90),
                pass("Dominator tree", 10),
            ],
            slowest: vec![function("slow", 750, 100), function("large", 250, 300)],
            largest: vec![function("large", 250, 300), function("slow", 750, 100)],
        };
        let (mut record, _) = fixture::run();
        assert!(tables(&record).is_empty(), "nobody looked");
        let case = record.cases.iter_mut().find(|case| case.key.is_overhead()).expect("a case");
        case.compiled = Some(Box::new(compiled));
        let agent = case.key.agent.clone();
        let text = painted(&tables(&record));
        let lines: Vec<String> =
            text.lines().map(|l| l.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
        let has = |line: &str| lines.iter().any(|own| own == line);
        let heading = "agent compiling functions Register allocation VCode lowering others n";
        assert!(has(heading), "{text}");
        assert!(has(&format!("{agent} 1.00 µs 2 90.00 % 9.00 % 1.00 % 3")), "{text}");
        assert!(has(&format!("{agent} slow 750 ns 75.00 % large 300 B 75.00 %")), "{text}");
        assert!(has("large 250 ns 25.00 % slow 100 B 25.00 %"), "{text}");
    }
}
