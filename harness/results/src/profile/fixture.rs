//! Scripted profiles for tests: an agent that parses, prices and writes JSON, native and as WASM,
//! with the names and depths that such profiles have.

use super::build::Builder;
use super::{About, Frame, Health, Mapping, Origin, Profile, StackSample, Thread, Weight};
use crate::reading::{Missing, Reading};
use std::collections::BTreeMap;

/// Weight of a scripted sample: one period of 997 Hz in nanoseconds.
pub(crate) const PERIOD: u64 = 1_003_009;

/// The WASM side.
pub(crate) fn wasm() -> Profile {
    profile(Weight::CpuNs, include_str!("goldens/wasm.script"))
}

/// The native side.
pub(crate) fn native() -> Profile {
    let mut profile = profile(Weight::CpuNs, include_str!("goldens/native.script"));
    profile.about.side = "native".to_owned();
    profile
}

/// A profile from lines of `COUNT stack`; in a stack the frames, root first, stand between ` > `
/// and begin with a letter for their origin: `h` host, `w` wasmtime, `b` boundary, `g` guest, `i`
/// inlined into the frame before it, `?` unknown. `@file:line` may follow a name. A line
/// `NAME = stack` makes a beginning that `$NAME` stands for.
pub(crate) fn profile(weight: Weight, script: &str) -> Profile {
    let mut builder = Builder::default();
    let main = builder.thread(Thread { id: 4242, name: "wasm".to_owned() });
    let other = builder.thread(Thread { id: 4243, name: "compiler-0".to_owned() });
    let mut known: BTreeMap<String, String> = BTreeMap::new();
    let mut at = 0;
    for line in script.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (first, rest) = line.split_once(' ').unwrap();
        let rest = match rest.trim_start_matches("= ").strip_prefix('$') {
            None => rest.trim_start_matches("= ").to_owned(),
            Some(named) => {
                let (name, more) = named.split_once(" > ").unwrap();
                format!("{} > {more}", known[name])
            }
        };
        let Ok(count) = first.parse::<u64>() else {
            known.insert(first.to_owned(), rest);
            continue;
        };
        let stack = stack(&mut builder, &rest);
        let thread = if rest.contains("cranelift") { other } else { main };
        for _ in 0..count {
            at += 1;
            let time_ns = at * PERIOD;
            builder.sample(StackSample { time_ns, thread, stack, weight: PERIOD });
        }
    }
    builder.finish(weight, about(), health(at))
}

fn stack(builder: &mut Builder, text: &str) -> u32 {
    let frames: Vec<Frame> = text.split(" > ").map(frame).collect();
    let mut locations = Vec::new();
    let mut at = 0;
    while at < frames.len() {
        let is_inlined = |frame: &&Frame| frame.origin == Origin::GuestInlined;
        let inlined = frames[at + 1..].iter().take_while(is_inlined).count();
        let together: Vec<Frame> = frames[at..=at + inlined].iter().rev().cloned().collect();
        at += 1 + inlined;
        let file = match together[0].origin {
            Origin::Guest | Origin::GuestInlined => "json.wasm",
            Origin::Unknown => "",
            _ => "wasm-0123abcd",
        };
        let mapping = (!file.is_empty())
            .then(|| builder.mapping(Mapping { name: file.to_owned(), bytes: 0x10_0000 }));
        // Any address will do that is the same for the same frames.
        let address = together
            .iter()
            .flat_map(|frame| frame.name.bytes())
            .fold(7, |sum: u64, c| (sum * 31 + u64::from(c)) % 0x10_0000);
        locations.push(builder.location(address, mapping, together));
    }
    builder.stack(locations)
}

fn frame(text: &str) -> Frame {
    let (letter, name) = text.split_once(':').unwrap();
    let origin = match letter {
        "h" => Origin::Host,
        "w" => Origin::Wasmtime,
        "b" => Origin::Boundary,
        "g" => Origin::Guest,
        "i" => Origin::GuestInlined,
        "?" => Origin::Unknown,
        _ => panic!("no origin: {text}"),
    };
    let (name, place) = match name.split_once('@') {
        Some((name, place)) => (name, place.rsplit_once(':')),
        None => (name, None),
    };
    Frame {
        name: name.to_owned(),
        origin,
        file: place.map(|(file, _)| file.to_owned()),
        line: place.map(|(_, line)| line.parse().unwrap()),
    }
}

fn about() -> About {
    let unsupported = || {
        let why = "this machine has no counters (ENOENT)".to_owned();
        Reading::Missing(Missing::Unsupported(why))
    };
    let denied = Missing::NotPermitted("perf_event_paranoid is 3".to_owned());
    let counters = [
        ("branches", unsupported()),
        ("cycles", unsupported()),
        ("instructions", unsupported()),
        ("l1d_misses", Reading::Missing(denied)),
        ("page_faults", Reading::Known(0.02)),
        ("task_clock_ns", Reading::Known(33_100.0)),
    ];
    About {
        case: "wasm/overhead/wasmtime/json".to_owned(),
        side: "wasm".to_owned(),
        messages: 20_000,
        counters: counters.map(|(name, reading)| (name.to_owned(), reading)).into(),
    }
}

fn health(samples: u64) -> Health {
    Health {
        engine: "perf-clock".to_owned(),
        asked_hz: Some(997.0),
        real_hz: Some(985.2),
        cpu_ns: samples * PERIOD,
        kernel_ns: Reading::Known(12_300_000),
        lost: samples / 500,
        samples,
        unresolved: samples / 1000,
        rootless: samples / 200,
        mended: 3,
        notes: vec!["a note of the engine".to_owned()],
    }
}

/// The part of a flame graph that is no program: its head in lines, and each box in one.
pub(crate) fn drawn(svg: &str) -> String {
    let (before, rest) = svg.split_once("<script").unwrap();
    let (_, after) = rest.split_once("</script>").unwrap();
    let drawn = format!("{before}{after}").replace("><", ">\n<");
    let within = [("<g>\n", "<g>"), ("</title>\n", "</title>"), ("\n</g>", "</g>")];
    let drawn = within.iter().fold(drawn, |drawn, (lines, line)| drawn.replace(lines, line));
    drawn.replace("/>\n<text x=\"", "/><text x=\"").replace("\n</text>", "</text>")
}

/// A text in many lines with each list or struct that holds no other in one line.
pub(crate) fn compact(text: &str) -> String {
    let innermost = regex::Regex::new(r"[\[{(]\n\s*([^\[\]{}()]*?),?\s*\n\s*[\]})]").unwrap();
    let line = |found: &regex::Captures<'_>| {
        let (open, close) = (&found[0][..1], &found[0][found[0].len() - 1..]);
        format!("{open}{}{close}", found[1].split_whitespace().collect::<Vec<_>>().join(" "))
    };
    innermost.replace_all(text, line).into_owned()
}
