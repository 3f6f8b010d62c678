//! One name for one function, whichever side it was compiled for: what compilers and linkers add to
//! a name goes, what tells functions apart stays. Generic arguments stay.
//!
//! It demangles nothing, and two sides built with different manglings do not match.

/// What compilers append to the name of a copy or a part of a function: LLVM and GCC.
const SUFFIXES: [&str; 8] =
    ["command_export", "llvm", "cold", "part", "isra", "constprop", "lto_priv", "specialized"];
/// Functions of C that a library has a copy of for each kind of processor, and what the copies'
/// names go on with.
const COPIED: [&str; 6] = ["memcpy", "memmove", "memset", "memcmp", "bcmp", "strlen"];
/// Functions of C that glibc has under further names, and how those begin without underscores.
const ALIASED: [&str; 5] = ["malloc", "calloc", "realloc", "free", "memalign"];
const ALIASES: [&str; 2] = ["GI___libc_", "libc_"];
const PROCESSORS: [&str; 5] = ["_avx", "_evex", "_erms", "_sse", "_ssse"];
/// Hexadecimal digits of a legacy symbol's hash.
const HASH_DIGITS: usize = 16;
/// The crate that newer compilers put the allocator's symbols into.
const RUSTC_CRATE: &str = "__rustc::";

/// The name of a function without what differs between builds of it: an origin's suffix such as
/// `_[j]`, wasmtime's `wasm[0]::function[12]::`, `.llvm.123`, `.cold`, `.command_export`, a legacy
/// hash, crate disambiguators, the underscores that a C name begins with, glibc's other names of
/// its allocator, and the processor that a copy of `memcpy` and its like is for.
pub fn normalised(name: &str) -> String {
    let name = without_origin(name.trim());
    let name = without_module(name);
    let name = without_suffixes(name);
    let name = without_hash(name);
    let name = without_disambiguators(name);
    let name = name.strip_prefix(RUSTC_CRATE).unwrap_or(&name);
    if name.contains("::") {
        return name.to_owned();
    }
    let bare = name.trim_start_matches('_');
    if bare.is_empty() {
        name.to_owned()
    } else {
        without_processor(without_alias(bare)).to_owned()
    }
}

/// `malloc` for `GI___libc_malloc`.
fn without_alias(name: &str) -> &str {
    let known = ALIASES.iter().find_map(|alias| name.strip_prefix(alias));
    known.filter(|known| ALIASED.contains(known)).unwrap_or(name)
}

/// `memcpy` for `memcpy_avx_unaligned_erms`.
fn without_processor(name: &str) -> &str {
    let is_copy = |of: &&str| {
        let rest = name.strip_prefix(of);
        rest.is_some_and(|rest| PROCESSORS.iter().any(|processor| rest.starts_with(processor)))
    };
    COPIED.iter().find(|of| is_copy(of)).copied().unwrap_or(name)
}

fn without_origin(name: &str) -> &str {
    let bare = name.strip_suffix(']').and_then(|name| name.get(..name.len().checked_sub(3)?));
    match bare {
        Some(bare) if name[bare.len()..].starts_with("_[") => bare,
        _ => name,
    }
}

/// Without `wasm[N]::` and `function[N]::`, where a name follows.
fn without_module(name: &str) -> &str {
    let mut rest = name;
    for part in ["wasm[", "function["] {
        let after = rest.strip_prefix(part).and_then(|rest| rest.split_once("]::"));
        if let Some((number, after)) = after
            && number.chars().all(|c| c.is_ascii_digit())
        {
            rest = after;
        }
    }
    rest
}

/// Without `.cold`, `.llvm.123` and their like, however many there are.
fn without_suffixes(name: &str) -> &str {
    let mut rest = name;
    loop {
        let unnumbered = rest.trim_end_matches(|c: char| c.is_ascii_digit());
        let unnumbered = unnumbered.strip_suffix('.').unwrap_or(rest);
        let shorter = SUFFIXES.iter().find_map(|suffix| {
            unnumbered.strip_suffix(suffix)?.strip_suffix('.').filter(|name| !name.is_empty())
        });
        match shorter {
            Some(shorter) => rest = shorter,
            None => return rest,
        }
    }
}

/// Without `::h0123456789abcdef` at the end.
fn without_hash(name: &str) -> &str {
    match name.rsplit_once("::h") {
        Some((bare, hash)) if hash.len() == HASH_DIGITS && is_hex(hash) => bare,
        _ => name,
    }
}

/// Without the `[0123abcd]` behind crates' names. A slice or an array type stands behind no name,
/// so its brackets are safe.
fn without_disambiguators(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    let mut rest = name;
    while let Some((before, after)) = rest.split_once('[') {
        out.push_str(before);
        let follows_name = before.ends_with(|c: char| c.is_alphanumeric() || c == '_');
        match after.split_once(']') {
            Some((digits, after)) if follows_name && is_of_crate(digits, after) => rest = after,
            _ => {
                out.push('[');
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
}

fn is_of_crate(digits: &str, after: &str) -> bool {
    digits.len() <= HASH_DIGITS && is_hex(digits) && after.starts_with("::")
}

fn is_hex(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_hexdigit() && !c.is_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use super::normalised;

    #[test]
    fn twins_names_become_the_same() {
        for (name, expected) in [
            ("serde_json::de::from_slice::h0f1e2d3c4b5a6978", "serde_json::de::from_slice"),
            (
                "<json[9c1e57ff0a1b2c3d]::Json as agent_abi[1f]::Agent>::handle",
                "<json::Json as agent_abi::Agent>::handle",
            ),
            (
                "core[846817f741e54dfd]::slice::sort::unstable::<[u8; 32], fn(&[u8]) -> [u8; 3]>",
                "core::slice::sort::unstable::<[u8; 32], fn(&[u8]) -> [u8; 3]>",
            ),
            ("agent_handle.command_export", "agent_handle"),
            ("vm::run.llvm.1234567890123456789", "vm::run"),
            ("vm::run.cold", "vm::run"),
            ("vm::run.cold.12", "vm::run"),
            ("grow_amortized.llvm.99.cold.1", "grow_amortized"),
            ("memcpy.isra.0.constprop.1", "memcpy"),
            ("__memcpy", "memcpy"),
            ("memcpy", "memcpy"),
            ("__memcpy_avx_unaligned_erms", "memcpy"),
            ("__memset_evex_unaligned", "memset"),
            ("___rust_alloc", "rust_alloc"),
            ("__GI___libc_malloc", "malloc"),
            ("__libc_free", "free"),
            ("free", "free"),
            ("__rustc[5224e6b81cd82a8f]::__rust_alloc", "rust_alloc"),
            ("agent_handle_[j]", "agent_handle"),
            ("sha256::compress_[i]", "sha256::compress"),
            ("wasm[0]::function[198]::json::price", "json::price"),
            ("wasm[0]::function[198]", "function[198]"),
            ("  json::price ", "json::price"),
        ] {
            assert_eq!(normalised(name), expected, "{name}");
            assert_eq!(normalised(expected), expected, "once is enough");
        }
    }

    #[test]
    fn what_tells_functions_apart_stays() {
        for name in [
            "<[u8] as core::slice::Sort>::sort",
            "<&[ab] as x::Y>::z",
            "alloc::vec::Vec<u8>::push",
            "foo::h0123456789abcde",
            "foo::h0123456789abcdeg",
            "foo::hash",
            "std::rt::lang_start::<()>::{closure#0}",
            "core::ptr::drop_in_place::<[alloc::string::String; 4]>",
            "x.lib",
            ".cold",
            "a.coldest",
            "v1.2",
            "memcpy_to_guest",
            "libc_start_main",
            "[unknown]",
            "[",
            "]",
            "array_to_wasm_trampoline[12]",
            "é[",
            "",
            "json::Größe[größe]",
        ] {
            assert_eq!(normalised(name), name);
        }
        assert_eq!(normalised("__"), "__");
    }
}
