//! What WASM costs each function, as a table.

use crate::table::{ColumnOf, Table, Tone};
use caxton_model::profile::SampleWeight;
use caxton_model::profile::changes::{Changes, FunctionRow, NORMAL_95};
use caxton_model::words::NONE;
use std::collections::HashMap;

/// Longest name in the table; of a longer one its last words are shown, which tell more.
const NAME_MAX: usize = 36;

/// The functions that changed most between native and WASM, for a report on `agent`.
pub(crate) fn table(changes: &Changes, agent: &str) -> Table {
    let [from, to] = changes.names();
    let (from_all, to_all) = (format!("{from}, all"), format!("{to}, all"));
    let title = format!("{agent}: {} per message, by function", changes.weight.words());
    let unit = changes.weight.unit();
    let within = |text: String, error: Option<String>| match error {
        Some(error) => format!("{text} ±{error}"),
        None => text,
    };
    let names = told_apart(changes.grown.iter().chain(&changes.shrunk));
    let columns: &[ColumnOf<'_, &FunctionRow>] = &[
        ("<function", &|row| names[row.name.as_str()].clone()),
        (from, &|row| unit.show(row.native.own)),
        (to, &|row| unit.show(row.wasm.own)),
        ("growth", &|row| {
            let error = row.growth_error().map(|error| unit.show(NORMAL_95 * error));
            within(unit.show(row.growth()), error)
        }),
        ("ratio", &|row| {
            let error = row.ratio_error().map(|error| format!("{:.2}", NORMAL_95 * error));
            row.ratio().map_or(NONE.to_owned(), |ratio| within(format!("{ratio:.2}x"), error))
        }),
        (&from_all, &|row| unit.show(row.native.inclusive)),
        (&to_all, &|row| unit.show(row.wasm.inclusive)),
    ];
    let mut table = Table::of(&title, changes.grown.iter().map(|row| (Tone::Plain, row)), columns);
    if changes.others > 0 {
        let (others, grown) = (changes.others, unit.show(changes.others_growth));
        table.note(Tone::Plain, &format!("{others} other functions together: growth {grown}"));
    }
    let show =
        |row: &FunctionRow| format!("{} {}", names[row.name.as_str()], unit.show(row.growth()));
    let shrunk: Vec<String> = changes.shrunk.iter().map(show).collect();
    if !shrunk.is_empty() {
        table.note(Tone::Plain, &format!("less as {to}, the most: {}", shrunk.join(", ")));
    }
    let text = format!("{from}, {to} and growth: in the function itself; all: with what it calls");
    table.note(Tone::Plain, &text);
    if changes.weight == SampleWeight::CpuNs {
        let text = "± half a 95 % interval for the number of samples (Poisson), and for \
                    nothing else: not for how runs differ";
        table.note(Tone::Plain, text);
    }
    table.note(Tone::Plain, &changes.matched.words(changes.names()));
    for warning in &changes.warnings {
        table.note(Tone::Bad, warning);
    }
    table
}

/// The short names of `rows`; of two that would be called alike, the ends of their whole names.
fn told_apart<'a>(rows: impl Iterator<Item = &'a FunctionRow>) -> HashMap<&'a str, String> {
    let mut of: HashMap<&str, String> = HashMap::new();
    let mut count: HashMap<String, u32> = HashMap::new();
    for FunctionRow { name, .. } in rows {
        if of.insert(name, short(name)).is_none() {
            *count.entry(short(name)).or_default() += 1;
        }
    }
    for (name, shown) in &mut of {
        let length = name.chars().count();
        if count[shown] > 1 && length > NAME_MAX {
            let end: String = name.chars().skip(length - NAME_MAX + 1).collect();
            *shown = format!("…{end}");
        }
    }
    of
}

/// `name` in at most [`NAME_MAX`] characters: whole if it fits, else without generic arguments and
/// the paths of types, then without the first words of its own path.
pub(crate) fn short(name: &str) -> String {
    let fits = |name: &str| name.chars().count() <= NAME_MAX;
    if fits(name) {
        return name.to_owned();
    }
    let words = words_of(name).into_iter().map(without_arguments).collect::<Vec<_>>();
    for from in 0..words.len() {
        let rest = words[from..].join("::");
        let start = if from == 0 { "" } else { "…::" };
        if fits(&format!("{start}{rest}")) {
            return format!("{start}{rest}");
        }
    }
    let last = words.last().map_or(name, String::as_str);
    format!("{}…", last.chars().take(NAME_MAX - 1).collect::<String>())
}

/// The words of a path: `a`, `b<c::d>` and `e` of `a::b<c::d>::e`.
fn words_of(path: &str) -> Vec<&str> {
    let (mut words, mut depth, mut start) = (Vec::new(), 0_usize, 0);
    let bytes = path.as_bytes();
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            b'<' | b'(' | b'[' | b'{' => depth += 1,
            // Of `->` it is no bracket.
            b'>' if at > 0 && bytes[at - 1] == b'-' => {}
            b'>' | b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            // `::<_>` goes with the word before it.
            b':' if depth == 0
                && bytes[at..].starts_with(b"::")
                && (at == 0 || !bytes[at..].starts_with(b"::<")) =>
            {
                words.push(&path[start..at]);
                start = at + 2;
            }
            _ => {}
        }
    }
    words.push(&path[start..]);
    words
}

/// `name<_>` for `name<A, B>`, and `<A as B>` for `<a::A<C> as b::B>`: a word of a path.
fn without_arguments(word: &str) -> String {
    let Some((name, rest)) = word.split_once('<') else { return word.to_owned() };
    if !name.is_empty() {
        return format!("{name}<_>");
    }
    let Some(own) = rest.strip_suffix('>') else { return word.to_owned() };
    let last = |path: &str| {
        let words = words_of(path);
        words.last().map_or(String::new(), |word| without_arguments(word))
    };
    match own.split_once(" as ") {
        Some((of, contract)) => format!("<{} as {}>", last(of), last(contract)),
        None => format!("<{}>", last(own)),
    }
}

#[cfg(test)]
mod tests {
    use super::short;

    #[test]
    fn a_name_keeps_its_last_words() {
        for (name, shown) in [
            ("work_a", "work_a"),
            ("__GI___libc_malloc", "__GI___libc_malloc"),
            (
                "serde_json::ser::format_escaped_str_contents<&mut Vec<u8>, CompactFormatter>",
                "…::format_escaped_str_contents<_>",
            ),
            (
                "serde_json::ser::format_escaped_str_contents::<&mut Vec<u8>, CompactFormatter>",
                "…::format_escaped_str_contents::<_>",
            ),
            (
                "<serde_json::value::Value as serde_core::de::Deserialize>::deserialize",
                "<Value as Deserialize>::deserialize",
            ),
            (
                "<serde_json::de::Deserializer<serde_json::read::SliceRead>>::parse_object",
                "<Deserializer<_>>::parse_object",
            ),
            (
                "core::ops::function::FnOnce::call_once<fn(u32) -> u64, (u32,)>::{closure#0}",
                "…::FnOnce::call_once<_>::{closure#0}",
            ),
            (&"a_long_name".repeat(5), "a_long_namea_long_namea_long_namea_…"),
        ] {
            assert_eq!(short(name), shown);
        }
    }
}
