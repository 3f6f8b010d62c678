//! A profile as JSON for the Firefox Profiler (profiler.firefox.com): threads over time, a category
//! for each origin.
//!
//! The writer knows labels, which have neither file nor line: it is given the frames' numbers, and
//! functions, files and lines are put in their place. A function is its name: one of two lines is
//! one function.

use caxton_model::profile::{
    Frame, Origin, Profile, ProfileError, SampleWeight, StackSample, health,
};
use fxprof_processed_profile as fx;
use serde_json::{Value, json};
use std::collections::HashMap;

/// Process number of a profile that has none.
const PROCESS: u32 = 1;
/// Time between the samples of a profile without times, in nanoseconds, so that each has a place.
const STEP_NS: u64 = 1_000_000;

/// The Firefox Profiler's colours for origins; those of the flame graph, as far as it has them.
const CATEGORIES: [(Origin, &str, fx::CategoryColor); 6] = [
    (Origin::Host, "Host", fx::CategoryColor::LightBlue),
    (Origin::Wasmtime, "wasmtime", fx::CategoryColor::Magenta),
    (Origin::Boundary, "Boundary", fx::CategoryColor::Orange),
    (Origin::Guest, "Agent", fx::CategoryColor::Green),
    (Origin::GuestInlined, "Agent, inlined", fx::CategoryColor::Yellow),
    (Origin::Unknown, "Unknown", fx::CategoryColor::Gray),
];

/// `profile` as JSON, with a line end.
///
/// # Errors
/// [`ProfileError`] when it is damaged or has no samples.
pub fn json(profile: &Profile) -> Result<String, ProfileError> {
    let cannot = |why: String| ProfileError::Cannot { what: "a Firefox profile", why };
    profile.check()?;
    if profile.samples.is_empty() {
        return Err(cannot("the profile has no samples".to_owned()));
    }
    let mut value = serde_json::to_value(whole(profile)).map_err(|e| cannot(e.to_string()))?;
    put_weights(&mut value, profile)
        .ok_or_else(|| cannot("the writer's samples have changed their form".to_owned()))?;
    put_functions(&mut value, profile)
        .ok_or_else(|| cannot("the writer's frames have changed their form".to_owned()))?;
    let mut text = serde_json::to_string(&value).map_err(|e| cannot(e.to_string()))?;
    text.push('\n');
    Ok(text)
}

/// The profile with each sample's number in place of its weight, and each frame's in place of its
/// name.
fn whole(profile: &Profile) -> fx::Profile {
    let about = &profile.about;
    let name = format!("{}, {}", about.case, about.side);
    // The one text of a profile that is shown wherever it is looked at is the product's name.
    let sentences = health::warnings(&profile.health).into_iter();
    let sentences = sentences.chain(health::lines(&profile.health));
    let product = std::iter::once(name.clone()).chain(sentences).collect::<Vec<_>>().join("; ");
    let start = fx::ReferenceTimestamp::from_millis_since_unix_epoch(0.0);
    let mut out = fx::Profile::new(&product, start, interval(profile));
    out.set_symbolicated(true);
    let categories: HashMap<Origin, fx::CategoryPairHandle> = CATEGORIES
        .iter()
        .map(|(origin, name, colour)| (*origin, out.add_category(name, *colour).into()))
        .collect();
    let process = out.add_process(&name, PROCESS, fx::Timestamp::from_nanos_since_reference(0));
    let mut threads: HashMap<u32, fx::ThreadHandle> = HashMap::new();
    for (number, sample) in (0_i32..).zip(&profile.samples) {
        let time = fx::Timestamp::from_nanos_since_reference(time(profile, sample, number));
        let is_first = threads.is_empty();
        let thread = *threads.entry(sample.thread).or_insert_with(|| {
            let thread = &profile.threads[sample.thread as usize];
            let handle = out.add_thread(process, thread.id, time, is_first);
            out.set_thread_name(handle, &thread.name);
            handle
        });
        let frames: Vec<fx::FrameInfo> = profile
            .frame_numbers_of(sample.stack)
            .map(|number| fx::FrameInfo {
                frame: fx::Frame::Label(out.intern_string(&number.to_string())),
                category_pair: categories[&profile.frames[number as usize].origin],
                flags: fx::FrameFlags::empty(),
            })
            .collect();
        let stack = out.intern_stack_frames(thread, frames.into_iter());
        out.add_sample(thread, time, stack, cpu(profile, sample), number);
    }
    out
}

/// When `sample`, the one of that `number`, was taken, or stands in a profile without times.
fn time(profile: &Profile, sample: &StackSample, number: i32) -> u64 {
    match profile.weight {
        SampleWeight::CpuNs => sample.time_ns,
        _ => u64::from(number.unsigned_abs()) * STEP_NS,
    }
}

fn cpu(profile: &Profile, sample: &StackSample) -> fx::CpuDelta {
    match profile.weight {
        SampleWeight::CpuNs => fx::CpuDelta::from_nanos(sample.weight),
        _ => fx::CpuDelta::ZERO,
    }
}

fn interval(profile: &Profile) -> fx::SamplingInterval {
    fx::SamplingInterval::from_nanos(match profile.weight {
        SampleWeight::CpuNs => (profile.total() / profile.samples.len() as u64).max(1),
        _ => STEP_NS,
    })
}

/// Puts weights in the place of numbers: the format has room for any weight, while the writer takes
/// 32 bits, and it sorts threads and samples in its own way.
fn put_weights(value: &mut Value, profile: &Profile) -> Option<()> {
    let unit = match profile.weight {
        SampleWeight::CpuNs => "tracing-ms",
        // The format knows no other count.
        _ => "bytes",
    };
    for thread in value.get_mut("threads")?.as_array_mut()? {
        let samples = thread.get_mut("samples")?.as_object_mut()?;
        for number in samples.get_mut("weight")?.as_array_mut()? {
            let at = usize::try_from(number.as_u64()?).ok()?;
            let weight = profile.samples.get(at)?.weight;
            *number = match profile.weight {
                SampleWeight::CpuNs => Value::from(weight as f64 / 1e6),
                _ => Value::from(weight),
            };
        }
        samples.insert("weightType".to_owned(), Value::from(unit));
    }
    Some(())
}

/// Puts functions in the place of frames' numbers, and lines beside their frames.
fn put_functions(value: &mut Value, profile: &Profile) -> Option<()> {
    for thread in value.get_mut("threads")?.as_array_mut()? {
        let index = |value: &Value| usize::try_from(value.as_u64()?).ok();
        let frames: Vec<&Frame> = thread["frameTable"]["func"]
            .as_array()?
            .iter()
            .map(|func| {
                let string = index(&thread["funcTable"]["name"][index(func)?])?;
                profile.frames.get(thread["stringArray"][string].as_str()?.parse::<usize>().ok()?)
            })
            .collect::<Option<_>>()?;
        let mut functions = Functions::default();
        let numbers: Vec<usize> = frames.iter().map(|frame| functions.number(frame)).collect();
        let lines = frames.iter().zip(&numbers).map(|(frame, number)| {
            // A macro of another file: a line of that would be one of the function's file here.
            let is_there = frame.file.as_deref() == functions.files[*number];
            Value::from(frame.line.filter(|_| is_there))
        });
        thread["frameTable"]["line"] = lines.collect();
        thread["frameTable"]["func"] = json!(numbers);
        (thread["funcTable"], thread["stringArray"]) = functions.tables();
    }
    Some(())
}

#[derive(Default)]
struct Functions<'a> {
    by_name: HashMap<&'a str, usize>,
    names: Vec<&'a str>,
    /// The file in which each was seen first.
    files: Vec<Option<&'a str>>,
}

impl<'a> Functions<'a> {
    fn number(&mut self, frame: &'a Frame) -> usize {
        *self.by_name.entry(&frame.name).or_insert_with(|| {
            self.names.push(&frame.name);
            self.files.push(frame.file.as_deref());
            self.names.len() - 1
        })
    }

    /// The table of functions, and the strings that it names.
    fn tables(&self) -> (Value, Value) {
        let count = self.names.len();
        let mut strings = self.names.clone();
        let mut known: HashMap<&str, usize> = HashMap::new();
        let mut string = |text: &'a str| {
            *known.entry(text).or_insert_with(|| {
                strings.push(text);
                strings.len() - 1
            })
        };
        let files: Vec<Option<usize>> =
            self.files.iter().map(|file| file.map(&mut string)).collect();
        let all = |value: Value| vec![value; count];
        let table = json!({
            "length": count,
            "name": (0..count).collect::<Vec<_>>(),
            "isJS": all(false.into()),
            "relevantForJS": all(false.into()),
            "resource": all((-1).into()),
            "fileName": files,
            "lineNumber": all(Value::Null),
            "columnNumber": all(Value::Null),
        });
        (table, json!(strings))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use caxton_fixture::profiles as fixture;
    use expect_test::expect_file;

    fn parsed(profile: &Profile) -> Value {
        serde_json::from_str(&json(profile).unwrap()).unwrap()
    }

    fn sum(thread: &Value) -> f64 {
        thread["samples"]["weight"].as_array().unwrap().iter().map(|w| w.as_f64().unwrap()).sum()
    }

    #[test]
    fn a_short_profile_is_written_as_it_was() {
        let script = "2 h:main > w:call > b:into > g:f@a.rs:7 > i:g@b.rs:9 > ?:0x12\n\
                      1 h:start > w:cranelift::f";
        let profile = fixture::profile(SampleWeight::CpuNs, script);
        let text = serde_json::to_string_pretty(&parsed(&profile)).unwrap();
        expect_file!["goldens/firefox.json"].assert_eq(&fixture::compact(&(text + "\n")));
    }

    #[test]
    fn a_function_of_many_lines_is_one_function() {
        let script = "2 h:main@m.rs:1 > g:f@a.rs:7 > i:g@b.rs:9\n\
                      3 h:main@m.rs:2 > g:f@a.rs:8 > i:g@b.rs:9\n\
                      1 h:main@m.rs:2 > g:f@macro.rs:3";
        let value = parsed(&fixture::profile(SampleWeight::CpuNs, script));
        let thread = &value["threads"][0];
        let (functions, strings) = (&thread["funcTable"], &thread["stringArray"]);
        let texts = |column: &str| -> Vec<&str> {
            let cells = functions[column].as_array().unwrap().iter();
            cells.map(|cell| strings[cell.as_u64().unwrap() as usize].as_str().unwrap()).collect()
        };
        assert_eq!(texts("name"), ["main", "f", "g"]);
        assert_eq!(texts("fileName"), ["m.rs", "a.rs", "b.rs"]);
        assert_eq!(functions["length"], 3);
        let frames = &thread["frameTable"];
        assert_eq!(frames["func"], json!([0, 1, 2, 0, 1, 1]));
        assert_eq!(frames["line"], json!([1, 7, 9, 2, 8, null]), "none of a macro's file");
    }

    #[test]
    fn threads_times_and_weights_are_the_profile_s() {
        let profile = fixture::wasm();
        let value = parsed(&profile);
        let threads = value["threads"].as_array().unwrap();
        assert_eq!(threads.len(), 2);
        assert_eq!(threads[1]["name"], "compiler-0");
        let total: f64 = threads.iter().map(sum).sum();
        assert!((total - profile.total() as f64 / 1e6).abs() < 1e-6, "milliseconds");
        let deltas = threads[0]["samples"]["timeDeltas"].as_array().unwrap();
        let end: f64 = deltas.iter().map(|delta| delta.as_f64().unwrap()).sum();
        assert!((end - 1000.0 * fixture::PERIOD as f64 / 1e6).abs() < 1e-6, "{end}");
    }

    #[test]
    fn weights_stay_with_their_samples_where_the_writer_sorts() {
        let mut profile = fixture::profile(SampleWeight::CpuNs, "3 h:f\n1 h:g");
        let name = |name: &str| caxton_model::profile::Thread { id: 7, name: name.to_owned() };
        profile.threads = vec![name("main"), name("b"), name("a")];
        for (at, (thread, time, weight)) in
            [(0, 9, 1), (0, 8, 2), (1, 5, 3), (2, 5, 4)].into_iter().enumerate()
        {
            let sample = &mut profile.samples[at];
            (sample.thread, sample.time_ns) = (thread, time * 1_000_000);
            sample.weight = weight * 1_000_000;
        }
        let value = parsed(&profile);
        let threads = value["threads"].as_array().unwrap();
        let weights = |thread: &Value| thread["samples"]["weight"].to_string();
        assert_eq!(
            threads.iter().map(weights).collect::<Vec<_>>(),
            ["[2.0,1.0]", "[4.0]", "[3.0]"]
        );
        assert_eq!([&threads[1]["name"], &threads[2]["name"]], ["a", "b"]);
    }

    #[test]
    fn a_heap_of_more_than_32_bits_keeps_its_bytes() {
        let mut profile = fixture::profile(SampleWeight::Bytes, "2 h:main");
        profile.samples[0].weight = 1 << 40;
        let samples = parsed(&profile)["threads"][0]["samples"].clone();
        assert_eq!(samples["weight"][0], 1_u64 << 40);
        assert_eq!(samples["weightType"], "bytes");
        profile.samples.clear();
        assert!(json(&profile).unwrap_err().to_string().contains("has no samples"));
    }
}
