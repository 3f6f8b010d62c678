//! A profile as JSON for the Firefox Profiler (profiler.firefox.com): threads over time, a category
//! for each origin.
//!
//! Its frames are labels, which have no field for a source: file and line stand in the label.

use super::{Frame, Origin, Profile, ProfileError, StackSample, Weight, health};
use fxprof_processed_profile as fx;
use serde_json::Value;
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
    let (whole, weights) = whole(profile);
    let mut value = serde_json::to_value(&whole).map_err(|e| cannot(e.to_string()))?;
    put_weights(&mut value, profile.weight, &weights)
        .ok_or_else(|| cannot("the writer's threads have changed their form".to_owned()))?;
    let mut text = serde_json::to_string(&value).map_err(|e| cannot(e.to_string()))?;
    text.push('\n');
    Ok(text)
}

/// The profile with all but its weights, and the weights of each thread that has samples.
fn whole(profile: &Profile) -> (fx::Profile, Vec<Vec<u64>>) {
    let about = &profile.about;
    let name = format!("{}, {}", about.case, about.side);
    let start = fx::ReferenceTimestamp::from_millis_since_unix_epoch(0.0);
    let mut out = fx::Profile::new(&name, start, interval(profile));
    out.set_symbolicated(true);
    let categories: HashMap<Origin, fx::CategoryPairHandle> = CATEGORIES
        .iter()
        .map(|(origin, name, colour)| (*origin, out.add_category(name, *colour).into()))
        .collect();
    let zero = fx::Timestamp::from_nanos_since_reference(0);
    // The one text of a profile that everybody sees is its process's name.
    let sentences = health::warnings(&profile.health).into_iter();
    let sentences = sentences.chain(health::lines(&profile.health));
    let named = std::iter::once(name).chain(sentences).collect::<Vec<_>>().join("; ");
    let process = out.add_process(&named, PROCESS, zero);
    let mut weights = Vec::new();
    for (number, thread) in (0..).zip(&profile.threads) {
        let own = profile.samples.iter().zip(0_u64..).filter(|(sample, _)| sample.thread == number);
        let mut samples: Vec<(u64, &StackSample)> =
            own.map(|(sample, at)| (time(profile, sample, at), sample)).collect();
        if samples.is_empty() {
            continue;
        }
        // The writer would sort them, and the weights would be another sample's.
        samples.sort_by_key(|(time, _)| *time);
        let first = fx::Timestamp::from_nanos_since_reference(samples[0].0);
        let handle = out.add_thread(process, thread.id, first, weights.is_empty());
        out.set_thread_name(handle, &thread.name);
        weights.push(samples.iter().map(|(_, sample)| sample.weight).collect());
        for (time, sample) in samples {
            let frames: Vec<fx::FrameInfo> = profile
                .frames_of(sample.stack)
                .map(|frame| fx::FrameInfo {
                    frame: fx::Frame::Label(out.intern_string(&label(frame))),
                    category_pair: categories[&frame.origin],
                    flags: fx::FrameFlags::empty(),
                })
                .collect();
            let stack = out.intern_stack_frames(handle, frames.into_iter());
            let time = fx::Timestamp::from_nanos_since_reference(time);
            out.add_sample(handle, time, stack, cpu(profile, sample), 1);
        }
    }
    (out, weights)
}

/// When `sample`, the one number `at`, was taken, or stands in a profile without times.
fn time(profile: &Profile, sample: &StackSample, at: u64) -> u64 {
    match profile.weight {
        Weight::CpuNs => sample.time_ns,
        Weight::Bytes | Weight::PeakBytes => at * STEP_NS,
    }
}

fn cpu(profile: &Profile, sample: &StackSample) -> fx::CpuDelta {
    match profile.weight {
        Weight::CpuNs => fx::CpuDelta::from_nanos(sample.weight),
        Weight::Bytes | Weight::PeakBytes => fx::CpuDelta::ZERO,
    }
}

fn interval(profile: &Profile) -> fx::SamplingInterval {
    fx::SamplingInterval::from_nanos(match profile.weight {
        Weight::CpuNs => (profile.total() / profile.samples.len() as u64).max(1),
        Weight::Bytes | Weight::PeakBytes => STEP_NS,
    })
}

fn label(frame: &Frame) -> String {
    match (&frame.file, frame.line) {
        (Some(file), Some(line)) => format!("{}  {file}:{line}", frame.name),
        (Some(file), None) => format!("{}  {file}", frame.name),
        (None, _) => frame.name.clone(),
    }
}

/// Puts the true weights in: the format has room for any number, and the writer takes 32 bits.
fn put_weights(value: &mut Value, weight: Weight, weights: &[Vec<u64>]) -> Option<()> {
    let threads = value.get_mut("threads")?.as_array_mut()?;
    if threads.len() != weights.len() {
        return None;
    }
    for (thread, weights) in threads.iter_mut().zip(weights) {
        let samples = thread.get_mut("samples")?.as_object_mut()?;
        let (unit, numbers): (_, Vec<Value>) = match weight {
            Weight::CpuNs => {
                let milliseconds = |ns: &u64| Value::from(*ns as f64 / 1e6);
                ("tracing-ms", weights.iter().map(milliseconds).collect())
            }
            Weight::Bytes | Weight::PeakBytes => {
                ("bytes", weights.iter().copied().map(Value::from).collect())
            }
        };
        let count = samples.get("length")?.as_u64()?;
        if count != numbers.len() as u64 {
            return None;
        }
        samples.insert("weight".to_owned(), Value::from(numbers));
        samples.insert("weightType".to_owned(), Value::from(unit));
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::*;
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
        let profile = fixture::profile(Weight::CpuNs, script);
        let text = serde_json::to_string_pretty(&parsed(&profile)).unwrap();
        expect_file!["goldens/firefox.json"].assert_eq(&(text + "\n"));
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
    fn weights_stay_with_their_samples_where_time_goes_backwards() {
        let mut profile = fixture::profile(Weight::CpuNs, "1 h:first\n1 h:second");
        profile.samples[0].time_ns = 9_000_000;
        profile.samples[0].weight = 7_000_000;
        let value = parsed(&profile);
        assert_eq!(value["threads"][0]["samples"]["weight"][1], 7.0);
    }

    #[test]
    fn a_heap_of_more_than_32_bits_keeps_its_bytes() {
        let mut profile = fixture::profile(Weight::Bytes, "2 h:main");
        profile.samples[0].weight = 1 << 40;
        let samples = parsed(&profile)["threads"][0]["samples"].clone();
        assert_eq!(samples["weight"][0], 1_u64 << 40);
        assert_eq!(samples["weightType"], "bytes");
        profile.samples.clear();
        assert!(json(&profile).unwrap_err().to_string().contains("has no samples"));
    }
}
