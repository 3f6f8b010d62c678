//! A profile in pprof's format, `profile.pb`: for `go tool pprof` and what else reads it.
//! (`github.com/google/pprof/proto/profile.proto`; not compressed, which readers take too.)
//!
//! It has no time of day: a profile does not know when it was taken.

use caxton_model::profile::{Profile, ProfileError, SampleWeight, health};
use pprof::protos::{self, Message};
use std::collections::{BTreeMap, HashMap};

/// Where the first mapping starts, and what others are aligned to.
const PAGE: u64 = 0x1000;

/// `profile` as the bytes of `profile.pb`.
///
/// # Errors
/// [`ProfileError`] when it is damaged or has no samples.
pub fn encode(profile: &Profile) -> Result<Vec<u8>, ProfileError> {
    profile.check()?;
    if profile.samples.is_empty() {
        let why = "the profile has no samples".to_owned();
        return Err(ProfileError::Cannot { what: "profile.pb", why });
    }
    Ok(message(profile).encode_to_vec())
}

/// Texts by number; number 0 is the empty one.
struct Texts {
    numbers: HashMap<String, i64>,
    texts: Vec<String>,
}

impl Texts {
    fn new() -> Self {
        Self { numbers: HashMap::from([(String::new(), 0)]), texts: vec![String::new()] }
    }

    fn number(&mut self, text: &str) -> i64 {
        if let Some(number) = self.numbers.get(text) {
            return *number;
        }
        let number = signed(self.texts.len() as u64);
        self.texts.push(text.to_owned());
        self.numbers.insert(text.to_owned(), number);
        number
    }

    fn value_type(&mut self, ty: &str, unit: &str) -> protos::ValueType {
        protos::ValueType { ty: self.number(ty), unit: self.number(unit) }
    }
}

/// The format's numbers are signed.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn message(profile: &Profile) -> protos::Profile {
    let mut texts = Texts::new();
    let (ty, unit) = match profile.weight {
        SampleWeight::CpuNs => ("cpu", "nanoseconds"),
        SampleWeight::Bytes => ("alloc_space", "bytes"),
        SampleWeight::PeakBytes => ("inuse_space", "bytes"),
        SampleWeight::Instructions => ("instructions", "count"),
    };
    let sample_type = vec![texts.value_type("samples", "count"), texts.value_type(ty, unit)];
    let period_type = Some(texts.value_type(ty, unit));
    let mapping = mappings(profile, &mut texts);
    let (function, of_frames) = functions(profile, &mut texts);
    let sentences = health::lines(&profile.health).into_iter();
    let sentences = sentences.chain(health::warnings(&profile.health));
    let sentences = sentences.chain(health::counters(&profile.about));
    let comment = sentences.map(|text| texts.number(&text)).collect();
    protos::Profile {
        sample_type,
        sample: samples(profile, &mut texts),
        location: locations(profile, &mapping, &of_frames),
        mapping,
        function,
        duration_nanos: signed(profile.samples.last().map_or(0, |sample| sample.time_ns)),
        period_type,
        period: period(profile),
        comment,
        default_sample_type: texts.number(ty),
        // Last: everything else names texts.
        string_table: texts.texts,
        ..protos::Profile::default()
    }
}

/// What lies between two samples: nanoseconds of CPU time, or one of what is counted to the last
/// one.
fn period(profile: &Profile) -> i64 {
    match profile.weight {
        SampleWeight::CpuNs => signed(profile.total() / profile.samples.len() as u64),
        SampleWeight::Bytes | SampleWeight::PeakBytes | SampleWeight::Instructions => 1,
    }
}

/// The mappings, one behind the other: their true addresses are not known, and need not be.
fn mappings(profile: &Profile, texts: &mut Texts) -> Vec<protos::Mapping> {
    let mut ends: Vec<u64> = profile.mappings.iter().map(|mapping| mapping.bytes).collect();
    for location in &profile.locations {
        if let Some(mapping) = location.mapping {
            let end = &mut ends[mapping as usize];
            *end = (*end).max(location.address.saturating_add(1));
        }
    }
    let mut start = PAGE;
    let mut out = Vec::new();
    for (number, (mapping, bytes)) in (1..).zip(profile.mappings.iter().zip(ends)) {
        let limit = start.saturating_add(bytes.max(1));
        out.push(protos::Mapping {
            id: number,
            memory_start: start,
            memory_limit: limit,
            filename: texts.number(&mapping.name),
            // Or `pprof` would look for the file, and find another one of that name.
            has_functions: true,
            has_filenames: true,
            has_line_numbers: true,
            has_inline_frames: true,
            ..protos::Mapping::default()
        });
        start = limit.checked_next_multiple_of(PAGE).unwrap_or(limit);
    }
    out
}

/// The functions, and the function of each frame: frames that differ in the line share one.
fn functions(profile: &Profile, texts: &mut Texts) -> (Vec<protos::Function>, Vec<u64>) {
    let mut known: HashMap<(i64, i64), u64> = HashMap::new();
    let mut functions = Vec::new();
    let mut of_frames = Vec::new();
    for frame in &profile.frames {
        let name = texts.number(&readable(&frame.name));
        let filename = texts.number(frame.file.as_deref().unwrap_or_default());
        let id = *known.entry((name, filename)).or_insert_with(|| {
            let id = functions.len() as u64 + 1;
            // `system_name` stays empty: where it is the same as `name`, pprof takes it for a name
            // of C++ that is still to be made readable, and cuts out what is in angle brackets.
            functions.push(protos::Function { id, name, filename, ..Default::default() });
            id
        });
        of_frames.push(id);
    }
    (functions, of_frames)
}

fn locations(
    profile: &Profile,
    mappings: &[protos::Mapping],
    functions: &[u64],
) -> Vec<protos::Location> {
    let line = |frame: &u32| protos::Line {
        function_id: functions[*frame as usize],
        line: i64::from(profile.frames[*frame as usize].line.unwrap_or(0)),
    };
    let location = |(number, location): (u64, &caxton_model::profile::Location)| {
        let mapping = location.mapping.map(|mapping| &mappings[mapping as usize]);
        protos::Location {
            id: number,
            mapping_id: mapping.map_or(0, |mapping| mapping.id),
            address: location.address.saturating_add(mapping.map_or(0, |m| m.memory_start)),
            line: location.frames.iter().map(line).collect(),
            is_folded: false,
        }
    };
    (1..).zip(&profile.locations).map(location).collect()
}

/// One sample for each stack of each thread.
fn samples(profile: &Profile, texts: &mut Texts) -> Vec<protos::Sample> {
    let mut sums: BTreeMap<(u32, u32), (u64, u64)> = BTreeMap::new();
    for sample in &profile.samples {
        let (count, weight) = sums.entry((sample.thread, sample.stack)).or_default();
        *count += 1;
        *weight = weight.saturating_add(sample.weight);
    }
    let (thread_key, id_key) = (texts.number("thread"), texts.number("tid"));
    let sample = |((thread, stack), (count, weight)): ((u32, u32), (u64, u64))| {
        let thread = &profile.threads[thread as usize];
        let label = |key, str, num| protos::Label { key, str, num, num_unit: 0 };
        let stack = &profile.stacks[stack as usize];
        protos::Sample {
            location_id: stack.iter().rev().map(|location| u64::from(*location) + 1).collect(),
            value: vec![signed(count), signed(weight)],
            label: vec![
                label(thread_key, texts.number(&thread.name), 0),
                label(id_key, 0, i64::from(thread.id)),
            ],
        }
    };
    sums.into_iter().map(sample).collect()
}

/// `name` without angle brackets around a type at its start: `<T as Trait>::f` becomes
/// `T as Trait::f`. Readers that cut out what is in them would leave `::f`.
fn readable(name: &str) -> String {
    let mut depth = 0_u32;
    let mut before = ' ';
    if !name.starts_with('<') {
        return name.to_owned();
    }
    for (at, c) in name.char_indices() {
        match c {
            '<' => depth += 1,
            // The arrow of a function's type is no bracket.
            '>' if before != '-' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return format!("{}{}", &name[1..at], &name[at + 1..]);
        }
        before = c;
    }
    name.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use caxton_fixture::profiles as fixture;
    use caxton_model::profile::{Frame, Origin};
    use expect_test::expect_file;

    fn decoded(profile: &Profile) -> protos::Profile {
        protos::Profile::decode(encode(profile).unwrap().as_slice()).unwrap()
    }

    #[test]
    fn a_short_profile_is_written_as_it_was() {
        let script = "2 h:main > w:call > b:into > g:f@a.rs:7 > i:<T as b::G>::g@b.rs:9 > ?:0x12\n\
                      1 h:main > w:call > b:into > g:f@a.rs:8\n1 h:start > w:cranelift::f";
        let profile = decoded(&fixture::profile(SampleWeight::CpuNs, script));
        expect_file!["goldens/short.pb.txt"]
            .assert_eq(&fixture::compact(&format!("{profile:#?}\n")));
    }

    #[test]
    fn every_number_leads_somewhere_and_the_sums_are_the_profile_s() {
        let profile = fixture::wasm();
        let decoded = decoded(&profile);
        assert_eq!(decoded.string_table[0], "");
        let (texts, functions) = (decoded.string_table.len() as i64, decoded.function.len() as u64);
        for function in &decoded.function {
            assert!((1..texts).contains(&function.name) && function.filename < texts);
        }
        for location in &decoded.location {
            assert!(location.line.iter().all(|line| (1..=functions).contains(&line.function_id)));
            if location.mapping_id > 0 {
                let mapping = &decoded.mapping[location.mapping_id as usize - 1];
                let range = mapping.memory_start..mapping.memory_limit;
                assert!(range.contains(&location.address));
            }
        }
        let value = |at: usize| decoded.sample.iter().map(|s| s.value[at]).sum::<i64>();
        assert_eq!((value(0), value(1)), (1000, profile.total() as i64));
        let starts = decoded.mapping.windows(2).map(|w| (w[0].memory_limit, w[1].memory_start));
        assert!(starts.into_iter().all(|(limit, start)| limit <= start));
    }

    #[test]
    fn an_address_beyond_its_mapping_widens_it() {
        let mut profile = fixture::wasm();
        profile.mappings[0].bytes = 0;
        profile.locations[0].address = u64::MAX;
        let decoded = decoded(&profile);
        assert_eq!(decoded.mapping[0].memory_limit, u64::MAX);
    }

    #[test]
    fn types_before_a_function_lose_their_brackets_and_nothing_else_does() {
        for (name, expected) in [
            ("<T as Trait>::f", "T as Trait::f"),
            (
                "<json::Json as a::Agent<u8>>::handle::<u8>",
                "json::Json as a::Agent<u8>::handle::<u8>",
            ),
            ("<<A as B>::C as D>::e", "<A as B>::C as D::e"),
            ("<fn(u8) -> X as Y>::f", "fn(u8) -> X as Y::f"),
            ("<[u8]>::len", "[u8]::len"),
            ("a::<b>::c", "a::<b>::c"),
            ("<open", "<open"),
            ("main", "main"),
            ("", ""),
        ] {
            assert_eq!(readable(name), expected);
        }
    }

    #[test]
    fn heaps_are_in_bytes() {
        let mut profile = fixture::profile(SampleWeight::PeakBytes, "2 h:main > w:f");
        profile.frames.push(Frame {
            name: "unused".to_owned(),
            origin: Origin::Host,
            file: None,
            line: None,
        });
        let decoded = decoded(&profile);
        let name = |number: i64| decoded.string_table[number as usize].as_str();
        let types: Vec<_> =
            decoded.sample_type.iter().map(|t| (name(t.ty), name(t.unit))).collect();
        assert_eq!(types, [("samples", "count"), ("inuse_space", "bytes")]);
        assert_eq!(name(decoded.default_sample_type), "inuse_space");
        profile.samples.clear();
        assert!(encode(&profile).unwrap_err().to_string().contains("has no samples"));
    }
}
