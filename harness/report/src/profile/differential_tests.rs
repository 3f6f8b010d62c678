//! Sides, boxes and functions of scripted profiles.

use super::*;
use crate::paint::paint;
use crate::sections::{Style, functions};
use caxton_fixture::profiles as fixture;
use caxton_model::profile::changes::FunctionRow;
use caxton_model::profile::changes::NATIVE_AND_WASM;
use expect_test::{expect, expect_file};

fn of(native: &str, wasm: &str) -> Differential {
    let profile = |script| fixture::profile(SampleWeight::CpuNs, script);
    Differential::between(NATIVE_AND_WASM, [&profile(native), &profile(wasm)]).unwrap()
}

fn scripted() -> Differential {
    Differential::between(NATIVE_AND_WASM, [&fixture::native(), &fixture::wasm()]).unwrap()
}

/// Nanoseconds per message that `samples` samples make.
fn ns(samples: f64) -> f64 {
    samples * fixture::PERIOD as f64 / 20_000.0
}

#[test]
fn the_scripted_sides_compare_as_they_did() {
    let caption = Caption { title: "json: native to WASM".to_owned() };
    let svg = scripted().svg(&caption).unwrap();
    expect_file!["goldens/differential.svg.txt"].assert_eq(&fixture::drawn(&svg));
    let table = paint(&functions::table(&scripted().changes(), "json"), &Style::default());
    expect_file!["goldens/differential.txt"].assert_eq(&table);
}

/// Words and colour of each box.
fn boxes(svg: &str) -> Vec<(String, String)> {
    let boxes = svg.split("<title>").skip(1).filter_map(|text| {
        let (words, rest) = text.split_once("</title>")?;
        let fill = rest.split_once("fill=\"")?.1.split_once('"')?.0;
        Some((words.to_owned(), fill.to_owned()))
    });
    boxes.collect()
}

#[test]
fn a_box_says_what_its_samples_come_to() {
    let svg = scripted().svg(&Caption { title: String::new() }).unwrap();
    let boxes = boxes(&svg);
    let show = |samples: f64| Unit::Nanos.show(ns(samples.abs()));
    // Samples on each side with the function on top and below others, by the two scripts.
    for (name, wasm, native, own) in [
        ("all", 1000.0, 522.0, None),
        ("agent_handle", 897.0, 498.0, None),
        ("memcpy", 80.0, 17.0, Some((80.0, 17.0))),
        ("json::price", 103.0, 40.0, Some((70.0, 40.0))),
        ("itoa::Buffer::format::&lt;u64&gt;", 66.0, 27.0, Some((66.0, 27.0))),
        (
            "serde_json::ser::format_escaped_str::&lt;&amp;mut alloc::vec::Vec&lt;u8&gt;, \
             serde_json::ser::CompactFormatter&gt;",
            125.0,
            78.0,
            Some((45.0, 61.0)),
        ),
    ] {
        let share = Unit::Share.show(wasm / 1000.0);
        let mut says =
            format!("{name} (WASM {} per message, {share}; native {}", show(wasm), show(native));
        if let Some((of_wasm, of_native)) = own {
            let growth: f64 = of_wasm - of_native;
            let than = if growth < 0.0 { "less" } else { "more" };
            // Counts of samples are Poisson's: their variance is their mean.
            let error = 1.96 * (of_wasm + of_native).sqrt();
            says += &format!("; in itself {} {than} ±{}", show(growth), show(error));
        }
        says.push(')');
        let fill = boxes.iter().find(|(words, _)| *words == says).map(|(_, fill)| fill.as_str());
        // The reddest grew by 63 samples, as `memcpy` did.
        let pale = |growth: f64| (100.0 + 150.0 * (1.0 - growth / 63.0)) as u8;
        let expected = match own.map(|(of_wasm, of_native)| of_wasm - of_native) {
            None => "rgb(250,250,250)".to_owned(),
            Some(growth) if growth > 0.0 => {
                format!("rgb(255,{},{})", pale(growth), pale(growth))
            }
            Some(growth) => format!("rgb({},{},255)", pale(-growth), pale(-growth)),
        };
        assert_eq!(fill, Some(expected.as_str()), "{says}: {boxes:#?}");
    }
    let alone = boxes.iter().filter(|(words, _)| words.contains("native has no such call"));
    let alone: Vec<_> = alone.collect();
    assert!(alone.iter().any(|(words, _)| words.starts_with("mprotect (WASM 602 ns")));
    let growths = ["rgb(245,205,120)", "rgb(250,250,250)"];
    assert!(alone.iter().all(|(_, fill)| growths.contains(&fill.as_str())), "{alone:?}");
    assert!(boxes.iter().all(|(words, _)| !words.contains('+')), "growth is no share");
}

#[test]
fn sides_that_do_not_match_are_told_and_not_drawn_as_growth() {
    let differential = of("9 g:abi::f > g:hot", "9 g:f > g:hot");
    let svg = differential.svg(&Caption { title: String::new() }).unwrap();
    assert!(svg.contains("calls do not match"), "{svg}");
    let fills: Vec<String> = boxes(&svg).into_iter().map(|(_, fill)| fill).collect();
    assert!(!fills.iter().any(|fill| fill.starts_with("rgb(255")), "{fills:?}");
    assert_eq!(fills.iter().filter(|fill| *fill == "rgb(245,205,120)").count(), 1);
    let table = paint(&functions::table(&differential.changes(), "json"), &Style::default());
    let table = table.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(table.contains("100.00 % of native and 100.00 % of WASM"), "by function: {table}");
    assert!(table.contains("0.00 % and 0.00 % under the same callers"), "{table}");
    assert!(table.contains("calls do not match"), "{table}");
    let strangers = functions::table(&of("9 g:f", "9 g:g").changes(), "json");
    assert!(paint(&strangers, &Style::default()).contains("the two sides do not match"));
}

#[test]
fn nothing_is_lost_on_either_side() {
    let differential = scripted();
    let sum = |own: fn(&FunctionRow) -> f64| differential.functions().iter().map(own).sum::<f64>();
    assert!((sum(|row| row.native.own) - ns(522.0)).abs() < 1e-6);
    assert!((sum(|row| row.wasm.own) - ns(1000.0)).abs() < 1e-6);
}

#[test]
fn wrappers_inlining_and_the_host_below_do_not_part_what_is_one() {
    let native = "h:main > g:agent_handle > i:f.cold > h:malloc\n1 h:main > h:pause";
    let wasm = "h:x > w:y > b:z > g:agent_handle.command_export > g:agent_handle > g:f > \
                g:malloc\n3 w:set_tls";
    let differential = of(&format!("4 {native}"), &format!("5 {wasm}"));
    let stacks = |side: &Side| side.stacks.keys().map(|s| s.join(";")).collect::<Vec<_>>();
    assert_eq!(stacks(&differential.native), ["[host];pause", "agent_handle;f;malloc"]);
    assert_eq!(stacks(&differential.wasm), ["[host];set_tls", "agent_handle;f;malloc"]);
    let rows = differential.functions();
    let row = |name| rows.iter().find(|row| row.name == name).unwrap();
    assert_eq!(rows.len(), 4);
    assert!((row("malloc").growth() - ns(1.0)).abs() < 1e-9);
    assert!((row("malloc").ratio().unwrap() - 1.25).abs() < 1e-9);
    assert!((row("[host]").growth() - ns(2.0)).abs() < 1e-9);
    assert!((row("agent_handle").wasm.inclusive - ns(5.0)).abs() < 1e-9);
    assert_eq!(row("agent_handle").wasm.own, 0.0);
}

#[test]
fn a_function_that_calls_itself_counts_once() {
    let differential = of("4 g:f > g:f > g:h", "4 g:f > g:f > g:f");
    let rows = differential.functions();
    let f = rows.iter().find(|row| row.name == "f").unwrap();
    assert!((f.native.inclusive - ns(4.0)).abs() < 1e-9);
    assert!((f.wasm.inclusive - ns(4.0)).abs() < 1e-9);
    assert_eq!((f.native.samples, f.wasm.samples), (0, 4));
    assert_eq!(differential.native.stacks.keys().next().unwrap().len(), 3);
}

#[test]
fn errors_are_those_of_counts() {
    let rows = of("100 g:f", "400 g:f\n9 g:f > g:new").functions();
    let (f, new) = (&rows[0], &rows[1]);
    assert!((f.native.own_error.unwrap() - ns(10.0)).abs() < 1e-9);
    assert!((f.wasm.own_error.unwrap() - ns(20.0)).abs() < 1e-9);
    assert!((f.growth_error().unwrap() - ns(500_f64.sqrt())).abs() < 1e-9);
    assert!((f.ratio_error().unwrap() - 4.0 * (0.05_f64.hypot(0.1))).abs() < 1e-9);
    assert_eq!((new.ratio(), new.ratio_error()), (None, None));
    assert!((new.native.own_error.unwrap() - ns(1.0)).abs() < 1e-9, "one sample");
}

#[test]
fn growth_is_red_where_it_happens() {
    let svg = of("9 g:f > g:same\n1 g:f > g:hot", "9 g:f > g:same\n8 g:f > g:hot")
        .svg(&Caption { title: String::new() })
        .unwrap();
    let colour = |name: &str| {
        let (_, after) = svg.split_once(&format!("<title>{name} (")).unwrap();
        after.split_once("fill=\"").unwrap().1.split_once('"').unwrap().0.to_owned()
    };
    assert_eq!(colour("hot"), "rgb(255,100,100)");
    assert_eq!(colour("same"), "rgb(250,250,250)");
    assert_eq!(colour("f"), "rgb(250,250,250)", "it grew only in what it calls");
}

#[test]
fn what_does_not_match_is_told() {
    let table = functions::table(
        &of("3 g:f > g:only_native\n1 g:f", "1 g:f > g:only_wasm\n1 g:f").changes(),
        "json",
    );
    let text = paint(&table, &Style::default());
    assert!(text.contains("25.00 % of native and 50.00 % of WASM"), "{text}");
}

#[test]
fn what_cannot_be_compared_is_refused() {
    let profile = fixture::wasm;
    let error = |native: Profile, wasm: Profile| {
        Differential::between(NATIVE_AND_WASM, [&native, &wasm]).unwrap_err().to_string()
    };
    let mut heap = profile();
    heap.weight = SampleWeight::Bytes;
    let mut uncounted = profile();
    uncounted.about.messages = 0;
    let mut empty = profile();
    empty.samples.clear();
    let errors = [error(heap, profile()), error(profile(), uncounted), error(empty, profile())];
    expect![[r"
        cannot make a comparison of profiles: native counts bytes allocated and WASM CPU time
        cannot make a comparison of profiles: nobody counted the messages of the WASM profile
        cannot make a comparison of profiles: the native profile has no samples"]]
    .assert_eq(&errors.join("\n"));
}

#[test]
fn heaps_compare_without_an_error() {
    let heap = |script| fixture::profile(SampleWeight::Bytes, script);
    let differential =
        Differential::between(NATIVE_AND_WASM, [&heap("2 g:f"), &heap("3 g:f")]).unwrap();
    assert_eq!(differential.functions()[0].growth_error(), None);
    let text = paint(&functions::table(&differential.changes(), "json"), &Style::default());
    assert!(text.contains("50.2 B") && !text.contains('±'), "{text}");
}
