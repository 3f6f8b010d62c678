//! DHAT's files, version 2: what the `dhat` crate saw the host allocate becomes heap profiles, and
//! a heap profile becomes a file for dhat's viewer (`dh_view.html`).
//!
//! The format is described in the comments of Valgrind's `dhat/dh_main.c`. Lifetimes of blocks and
//! what is left at the end are not read, and not written, for a profile does not have them.

use caxton_model::profile::build::ProfileBuilder;
use caxton_model::profile::classify::{origin_of_host, with_crate};
use caxton_model::profile::{
    About, Frame, Health, Origin, Profile, ProfileError, SampleWeight, StackSample, Thread, health,
};
use caxton_model::reading::{Missing, Reading};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap, HashSet};

const VERSION: u32 = 2;
/// The first of a file's frames, which all stacks have and no stack names.
const ROOT: &str = "[root]";
/// What stands where a name or a file is not known.
const UNKNOWN: &str = "???";
const UNNAMED: &str = "[unknown]";

/// What is read of a file. What it has besides is not looked at.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ReadTrace {
    dhat_file_version: u32,
    pid: u32,
    pps: Vec<ReadPoint>,
    ftbl: Vec<String>,
}

/// A stack that allocated.
#[derive(Deserialize)]
struct ReadPoint {
    /// Bytes in all.
    tb: u64,
    /// Blocks in all.
    tbk: u64,
    /// Bytes when most bytes were held; a file without them is of no heap.
    gb: Option<u64>,
    /// Blocks then.
    gbk: Option<u64>,
    /// Numbers of frames, the innermost first.
    fs: Vec<usize>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Heaps {
    pub total: Profile,
    /// Bytes held at the moment when most were held.
    pub peak: Profile,
}

/// The heap profiles in `json`, a file of the `dhat` crate, about what `about` says.
///
/// # Errors
/// [`ProfileError::Unreadable`] when it is no such file, is of another version, is of no heap, or
/// names frames that it does not have.
pub fn parse(json: &[u8], about: &About) -> Result<Heaps, ProfileError> {
    let unreadable = |why: String| ProfileError::Unreadable { what: "a DHAT file", why };
    let read: ReadTrace = serde_json::from_slice(json).map_err(|e| unreadable(e.to_string()))?;
    if read.dhat_file_version != VERSION {
        let version = read.dhat_file_version;
        return Err(unreadable(format!("it is of version {version} and not of {VERSION}")));
    }
    let is_there = |frame: &usize| *frame < read.ftbl.len();
    if let Some(at) = read.pps.iter().position(|point| !point.fs.iter().all(is_there)) {
        return Err(unreadable(format!("stack {at} names a frame that is not there")));
    }
    if read.pps.iter().any(|point| point.gb.is_none() || point.gbk.is_none()) {
        return Err(unreadable("it is of no heap: run with dhat's heap profiler".to_owned()));
    }
    let total = heap(&read, SampleWeight::Bytes, about, |point| (point.tb, point.tbk));
    let held = |point: &ReadPoint| (point.gb.unwrap_or(0), point.gbk.unwrap_or(0));
    let peak = heap(&read, SampleWeight::PeakBytes, about, held);
    total.check()?;
    peak.check()?;
    Ok(Heaps { total, peak })
}

/// One of a file's profiles: `of` tells the bytes and blocks of a stack.
fn heap(
    read: &ReadTrace,
    weight: SampleWeight,
    about: &About,
    of: impl Fn(&ReadPoint) -> (u64, u64),
) -> Profile {
    let mut builder = ProfileBuilder::default();
    let thread = builder.thread(Thread { id: read.pid, name: "all threads".to_owned() });
    let (mut samples, mut blocks, mut unresolved) = (0, 0_u64, 0);
    for point in &read.pps {
        let (bytes, count) = of(point);
        blocks = blocks.saturating_add(count);
        if bytes == 0 {
            continue;
        }
        let locations = locations(&mut builder, point, &read.ftbl);
        let stack = builder.stack(locations);
        builder.sample(StackSample { time_ns: 0, thread, stack, weight: bytes });
        samples += 1;
        let innermost = point.fs.first().map(|frame| FrameText::of(&read.ftbl[*frame]));
        unresolved += u64::from(innermost.is_none_or(|frame| frame.name == UNKNOWN));
    }
    let none = Missing::NotRequested("a heap has no CPU time".to_owned());
    let health = Health {
        engine: "dhat".to_owned(),
        asked_hz: None,
        real_hz: None,
        cpu_ns: 0,
        kernel_ns: Reading::Missing(none),
        lost: 0,
        samples,
        unresolved,
        rootless: 0,
        mended: 0,
        notes: vec![
            format!("{blocks} blocks; a sample is all that one stack allocated"),
            "dhat cuts its stacks below main and above a depth: where they begin is not known"
                .to_owned(),
        ],
    };
    builder.finish(weight, about.clone(), health)
}

/// The locations of a stack, the root first: frames in a row that share an address were inlined
/// into the last of them.
fn locations(builder: &mut ProfileBuilder, point: &ReadPoint, ftbl: &[String]) -> Vec<u32> {
    let mut out = Vec::new();
    let mut at = 0;
    while at < point.fs.len() {
        let address = FrameText::of(&ftbl[point.fs[at]]).address;
        let mut seen = HashSet::new();
        let same = point.fs[at..].iter().take_while(|frame| {
            // A function that calls itself comes back to the same address.
            let is_new = seen.insert(**frame);
            let text = FrameText::of(&ftbl[**frame]);
            seen.len() == 1 && is_new || (address.is_some() && text.address == address && is_new)
        });
        let count = same.count();
        let frames =
            point.fs[at..at + count].iter().map(|frame| FrameText::of(&ftbl[*frame]).frame());
        let frames: Vec<Frame> = frames.collect();
        out.push(builder.location(address.unwrap_or(0), None, frames));
        at += count;
    }
    out.reverse();
    out
}

/// A frame's text in parts: `0x5581: name (file:line:column)`.
struct FrameText<'a> {
    address: Option<u64>,
    name: &'a str,
    file: Option<&'a str>,
    line: Option<u32>,
}

impl<'a> FrameText<'a> {
    /// Takes apart what has that form; any other text is a name.
    fn of(text: &'a str) -> Self {
        let mut parts = Self { address: None, name: text, file: None, line: None };
        if let Some((address, rest)) = text.split_once(": ")
            && let Some(digits) = address.strip_prefix("0x")
            && let Ok(address) = u64::from_str_radix(digits, 16)
        {
            (parts.address, parts.name) = (Some(address), rest);
        }
        if let Some((name, place)) = parts.name.strip_suffix(')').and_then(|t| t.rsplit_once(" ("))
            && let Some((place, _column)) = place.rsplit_once(':')
            && let Some((file, line)) = place.rsplit_once(':')
        {
            parts.name = name;
            parts.file = Some(file).filter(|file| *file != UNKNOWN);
            parts.line = line.parse().ok().filter(|line| *line > 0);
        }
        parts
    }

    fn frame(&self) -> Frame {
        let is_unknown = self.name == UNKNOWN;
        let name = with_crate(self.name.to_owned(), self.file);
        Frame {
            origin: if is_unknown { Origin::Unknown } else { origin_of_host(&name) },
            name: if is_unknown { UNNAMED.to_owned() } else { name },
            file: self.file.map(str::to_owned),
            line: self.line,
        }
    }
}

/// What is written. Names are the format's.
#[derive(Serialize)]
struct WrittenTrace<'a> {
    #[serde(rename = "dhatFileVersion")]
    version: u32,
    mode: &'a str,
    verb: &'a str,
    /// No lifetimes, and so no bytes at a peak or at the end.
    bklt: bool,
    /// No accesses.
    bkacc: bool,
    tu: &'a str,
    #[serde(rename = "Mtu")]
    mtu: &'a str,
    cmd: String,
    pid: u32,
    te: u64,
    pps: Vec<WrittenPoint>,
    ftbl: Vec<String>,
}

#[derive(Serialize)]
struct WrittenPoint {
    tb: u64,
    tbk: u64,
    fs: Vec<usize>,
}

/// The heap profile `profile` as a file for dhat's viewer. A block is a sample; stacks are told
/// apart by their frames.
///
/// # Errors
/// [`ProfileError`] when the profile is damaged, is of no heap, or is empty.
pub fn write(profile: &Profile) -> Result<String, ProfileError> {
    let cannot = |why: String| ProfileError::Cannot { what: "a DHAT file", why };
    profile.check()?;
    let (mode, verb) = match profile.weight {
        SampleWeight::CpuNs | SampleWeight::Instructions => {
            let what = profile.weight.words();
            return Err(cannot(format!("the profile is of {what} and of no heap")));
        }
        SampleWeight::Bytes => ("guest-heap", "Allocated"),
        SampleWeight::PeakBytes => ("guest-heap-peak", "Held at the peak"),
    };
    if profile.samples.is_empty() {
        return Err(cannot("the profile has no samples".to_owned()));
    }
    let mut ftbl = vec![ROOT.to_owned()];
    let mut numbers: HashMap<String, usize> = HashMap::new();
    // The viewer refuses a file in which two stacks are the same.
    let mut points: BTreeMap<Vec<usize>, (u64, u64)> = BTreeMap::new();
    for (stack, sum) in profile.by_stack() {
        let mut texts = texts(profile, stack);
        if texts.is_empty() {
            texts.push(format!("0x0: {UNKNOWN} ({UNKNOWN}:0:0)"));
        }
        let number = |text: String| {
            *numbers.entry(text).or_insert_with_key(|text| {
                ftbl.push(text.clone());
                ftbl.len() - 1
            })
        };
        let point = points.entry(texts.into_iter().map(number).collect()).or_default();
        *point = (point.0 + sum.weight, point.1 + sum.samples);
    }
    let sentences = health::warnings(&profile.health).into_iter();
    let sentences = sentences.chain(health::lines(&profile.health));
    let about = &profile.about;
    let named = std::iter::once(format!("{}, {}", about.case, about.side)).chain(sentences);
    let file = WrittenTrace {
        version: VERSION,
        mode,
        verb,
        bklt: false,
        bkacc: false,
        tu: "µs",
        mtu: "s",
        cmd: named.collect::<Vec<_>>().join("; "),
        pid: profile.threads.first().map_or(0, |thread| thread.id),
        te: profile.samples.last().map_or(0, |sample| sample.time_ns / 1000),
        pps: points.into_iter().map(|(fs, (tb, tbk))| WrittenPoint { tb, tbk, fs }).collect(),
        ftbl,
    };
    let mut text = serde_json::to_string(&file).map_err(|e| cannot(e.to_string()))?;
    text.push('\n');
    Ok(text)
}

/// The texts of a stack's frames, the innermost first, in the form that the `dhat` crate writes.
fn texts(profile: &Profile, stack: u32) -> Vec<String> {
    let locations = profile.stacks[stack as usize].iter().rev();
    let locations = locations.map(|location| &profile.locations[*location as usize]);
    let text = |address: u64, frame: u32| {
        let frame = &profile.frames[frame as usize];
        let file = frame.file.as_deref().unwrap_or(UNKNOWN);
        let is_named = frame.origin != Origin::Unknown || frame.name != UNNAMED;
        let name = if is_named { frame.name.as_str() } else { UNKNOWN };
        format!("0x{address:x}: {name} ({file}:{}:0)", frame.line.unwrap_or(0))
    };
    let all = locations.flat_map(|l| l.frames.iter().map(move |frame| text(l.address, *frame)));
    all.collect()
}

#[cfg(test)]
#[path = "dhat_tests.rs"]
mod tests;
