//! Whose code a function of the host's executable is, told by its demangled name alone. It knows
//! nothing of addresses: a function of the agent has to be known by where it lies.

use super::Origin;

/// What the names of the engine's crates begin with.
const ENGINE: [&str; 10] = [
    "wasmtime",
    "cranelift",
    "regalloc2",
    "wasmparser",
    "wasm_encoder",
    "wasmprinter",
    "pulley_",
    "winch_",
    "wat::",
    "wast::",
];
/// What the names of crates begin with that stand between an engine and what an agent imports.
const BORDER: [&str; 5] = ["wasmtime_wasi", "wasi_common", "wasi_cap_std", "wiggle", "witx"];
/// Parts of the names of the engine's functions that carry a call across.
const CARRIERS: [&str; 3] = ["::array_call_trampoline", "::array_call_shim", "host_call"];
/// Parts of the names of compiled code that does.
const TRAMPOLINES: [&str; 3] =
    ["array_to_wasm_trampoline", "wasm_to_array_trampoline", "signatures_trampoline"];
/// Where the harness defines what agents import.
const HOST_FUNCTIONS: &str = "::host_functions::{closure";
/// Crates whose types and traits say nothing of whose code it is.
const STANDARD: [&str; 6] = ["core", "alloc", "std", "proc_macro", "test", "hashbrown"];

/// Whose code the host's function `name` is, demangled with or without disambiguators of crates.
///
/// A function belongs to the crate that its path begins with. One of an `impl` belongs to the crate
/// of its type or, where that is the standard library or a built-in type, to that of its trait.
pub fn origin_of_host(name: &str) -> Origin {
    let name = name.trim();
    let (own, of_trait) = crates(name);
    let paths = [Some(own), of_trait];
    let begins = |with: &[&str]| {
        paths.iter().flatten().any(|path| with.iter().any(|prefix| path.starts_with(prefix)))
    };
    let has = |parts: &[&str]| parts.iter().any(|part| path_of(name).contains(part));
    if begins(&BORDER) {
        return Origin::Boundary;
    }
    if begins(&ENGINE) {
        return if has(&CARRIERS) { Origin::Boundary } else { Origin::Wasmtime };
    }
    // Compiled code has a name of its own, or one behind `wasm[0]::`.
    let is_compiled = !name.contains("::") || name.starts_with("wasm[");
    if has(&[HOST_FUNCTIONS]) || is_compiled && has(&TRAMPOLINES) {
        return Origin::Boundary;
    }
    Origin::Host
}

/// `name` without generic arguments at its end: they are other functions' names.
fn path_of(name: &str) -> &str {
    name.split_once("::<").map_or(name, |(path, _)| path)
}

/// The path of `name` and, where that says nothing, the path of its trait.
fn crates(name: &str) -> (&str, Option<&str>) {
    let own = path(name);
    let of_trait = if is_silent(own) { trait_of(name).map(path) } else { None };
    (own, of_trait)
}

/// `text` from its first path on, without what can stand before one: brackets, references,
/// qualifiers.
fn path(text: &str) -> &str {
    const QUALIFIERS: [&str; 5] = ["mut ", "const ", "dyn ", "unsafe ", "for<'a> "];
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches(['<', '(', '[', '&', '*', ' ']);
        match QUALIFIERS.iter().find_map(|qualifier| rest.strip_prefix(qualifier)) {
            Some(shorter) => rest = shorter,
            None => return rest,
        }
    }
}

/// True of a path that begins with the standard library, and of what is no path: a built-in type.
fn is_silent(path: &str) -> bool {
    let end = path.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(path.len());
    let (head, rest) = path.split_at(end);
    let rest = match rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((_, rest)) => rest,
        None => rest,
    };
    STANDARD.contains(&head) || !rest.starts_with("::")
}

/// What stands behind ` as ` in the `<T as Trait>` that `name` begins with.
fn trait_of(name: &str) -> Option<&str> {
    if !name.starts_with('<') {
        return None;
    }
    let mut depth = 0_u32;
    let mut before = ' ';
    for (at, c) in name.char_indices() {
        match c {
            '<' => depth += 1,
            // The arrow of a function's type is no bracket.
            '>' if before != '-' => depth = depth.saturating_sub(1),
            ' ' if depth == 1 => {
                if let Some(after) = name[at..].strip_prefix(" as ") {
                    return Some(after);
                }
            }
            _ => {}
        }
        if depth == 0 {
            return None;
        }
        before = c;
    }
    None
}

/// `name` with its crate in front where it stands without a path: line tables name an inlined
/// function so, and its source file tells the crate.
pub fn with_crate(name: String, file: Option<&str>) -> String {
    let start = name.split('<').next().unwrap_or_default();
    if start.is_empty() || start.contains("::") {
        return name;
    }
    match file.and_then(crate_of) {
        Some(of) => format!("{of}::{name}"),
        None => name,
    }
}

/// The crate that a source file belongs to, by the folder that its `src` is in.
fn crate_of(file: &str) -> Option<String> {
    let folders: Vec<&str> = file.split('/').collect();
    let src = folders.iter().rposition(|folder| *folder == "src")?;
    let folder = folders.get(src.checked_sub(1)?)?;
    let is_version = |part: &&str| part.starts_with(|c: char| c.is_ascii_digit());
    let words = folder.split('-').take_while(|part| !is_version(part));
    Some(words.collect::<Vec<_>>().join("_"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all_are(origin: Origin, names: &[&str]) {
        for name in names {
            assert_eq!(origin_of_host(name), origin, "{name}");
        }
    }

    #[test]
    fn the_engine_and_its_compiler_are_known() {
        let names = [
            "wasmtime::runtime::vm::traphandlers::catch_traps::<(), wasmtime::X>",
            "<wasmtime::runtime::func::Func>::call_impl_do_call::<caxton_bench_runner::Host>",
            "<wasmtime[1f2e3d4c5b6a7988]::runtime::StoreOpaque as core[9a]::ops::Drop>::drop",
            "<cranelift_codegen::isa::x64::X64Backend as cranelift_codegen::isa::TargetIsa>::emit",
            "<regalloc2::ion::Env<cranelift_codegen::VCode>>::process_bundles",
            "wasmparser::validator::operators::validate",
            "<wasmparser::BinaryReader>::read_var_u32",
            "wasmtime_fiber_start",
            "wasmtime_fiber_switch_",
            "wasmtime_environ::compile::module_environ::translate",
            "<&mut wasmtime::runtime::vm::Instance as wasmtime::Y>::z",
            "<[u8] as wasmtime_environ::prelude::Hash>::hash",
            "<alloc::vec::Vec<fn(u8) -> u8> as wasmtime::runtime::WasmTy>::load",
            "<T as wasmtime::runtime::WasmTy>::load",
            "<core[1f]::option::Option<u8> as wasmtime[2e]::runtime::WasmTy>::load",
            "<dyn wasmtime::runtime::vm::VMStore>::gc",
            "<(A1, A2) as wasmtime::runtime::func::typed::WasmParams>::store",
            "<<wasmtime::A as core::B>::C as core::D>::e",
            "pulley_interpreter::interp::run",
            "<wasmtime::runtime::module::Module>::wasm_to_array_trampoline",
            "<wasmtime_internal_cranelift::compiler::Compiler>::compile_wasm_to_array_trampoline",
            "<wast::parser::Parser>::parens",
            "wasmtime::runtime::func::invoke::<x::array_call_trampoline>",
        ];
        all_are(Origin::Wasmtime, &names);
    }

    #[test]
    fn what_carries_a_call_across_is_the_boundary() {
        let names = [
            "wasmtime_wasi::p1::WasiP1Ctx::fd_write",
            "<wasmtime_wasi[3c]::p1::WasiP1Ctx as wasmtime_wasi[3c]::p1::types::X>::fd_write",
            "wasi_common::snapshots::preview_1::fd_write",
            "<wiggle::GuestMemory>::as_slice",
            "<alloc::boxed::Box<u8> as wiggle::GuestType>::read",
            "<wasmtime::runtime::func::HostFunc>::array_call_trampoline::<u8, caxton::F>",
            "<wasmtime::runtime::func::HostFunc>::array_call_trampoline::<u8>::{closure#0}",
            "wasmtime::runtime::vm::libcalls::raw::host_call_shim",
            "array_to_wasm_trampoline[4]",
            "wasm[0]::array_to_wasm_trampoline[197]",
            "wasm_to_array_trampoline",
            "caxton_runtime::subject::wasmtime::engine::host_functions::{closure#0}",
            "caxton_bench_runner[7d]::subject::wasmtime::engine::host_functions::{closure#2}",
        ];
        all_are(Origin::Boundary, &names);
    }

    #[test]
    fn everything_else_is_the_host() {
        let names = [
            "main",
            "__libc_start_main",
            "malloc",
            "std::sys::backtrace::__rust_begin_short_backtrace::<wasmtime::A, wasmtime::B>",
            "core::ptr::drop_in_place::<wasmtime::runtime::module::Module>",
            "<alloc::vec::Vec<wasmtime::Val> as core::clone::Clone>::clone",
            "<core::iter::Map<wasmtime::A, fn() -> cranelift::B> as core::iter::Iterator>::next",
            "caxton_runtime::subject::wasmtime::instance::WasmInstance::call",
            "<caxton_runtime::subject::wasmtime::instance::WasmInstance as \
             caxton_runtime::subject::AgentInstance>::call",
            "<caxton_runtime::subject::wasmtime::State as wasmtime::ResourceLimiter>::growing",
            "caxton_runtime::subject::wasmtime::engine::host_functions",
            "caxton_results::x::host_call",
            "tokio::runtime::task::raw::poll",
            "core::ptr::drop_in_place::<caxton::host_functions::{closure#0}>",
            "<u32 as core::fmt::Display>::fmt",
            "not_wasmtime::f",
            "<",
            "<a",
            "",
            "<é as ü>::x",
        ];
        all_are(Origin::Host, &names);
    }

    #[test]
    fn a_source_file_tells_its_crate() {
        for (file, name) in [
            ("registry/src/x/wasmtime-environ-48.0.8/src/a/b.rs", Some("wasmtime_environ")),
            ("/rustc/59807/library/core/src/ops/function.rs", Some("core")),
            ("src/lib.rs", None),
            ("lib.rs", None),
        ] {
            assert_eq!(crate_of(file).as_deref(), name, "{file}");
        }
    }

    #[test]
    fn a_name_without_a_path_gets_its_crate() {
        let file = Some("/x/wasmtime-48.0.8/src/runtime/func.rs");
        let named = |name: &str| with_crate(name.to_owned(), file);
        assert_eq!(named("array_call<(u32, u32)>"), "wasmtime::array_call<(u32, u32)>");
        assert_eq!(named("a::b<C>"), "a::b<C>");
        assert_eq!(named("<A as b::C>::d"), "<A as b::C>::d");
        assert_eq!(with_crate("main".to_owned(), None), "main");
    }
}
