//! A load's histograms in the formats that others read: HdrHistogram's interval log (`.hlog`,
//! version 1.3: one histogram per second and stage, with the stage as its tag) and its percentile
//! distribution (`.hgrm`).

use caxton_model::load::frame::{LoadLine, MessagesSeen, Segment};
use caxton_model::load::times::Times;
use hdrhistogram::serialization::V2DeflateSerializer;
use hdrhistogram::serialization::interval_log::{
    IntervalLogWriterBuilder, IntervalLogWriterError, Tag,
};
use std::fmt::Write as _;
use std::io::{self, Write};
use std::time::{Duration, UNIX_EPOCH};

/// What of a frame a log is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeKind {
    /// From the intended start.
    Response,
    /// From the send.
    Service,
}

impl TimeKind {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Response => "response",
            Self::Service => "service",
        }
    }

    pub const fn of(self, seen: &MessagesSeen) -> &Times {
        match self {
            Self::Response => &seen.response,
            Self::Service => &seen.service,
        }
    }
}

/// Nanoseconds in a millisecond, the unit of what is there for people.
const PER_MS: f64 = 1e6;
/// Lines of a distribution for each halving of what is beyond.
const TICKS_PER_HALF: u32 = 5;

/// Writes the seconds that `feed` hands over as an interval log, `names` being those of the stages,
/// and the first of them beginning at `start_unix_ms`; all of their times together.
///
/// Each segment's seconds lie where they did in time: a gap stays one.
pub fn hlog<E: From<io::Error>>(
    kind: TimeKind,
    names: &[&str],
    start_unix_ms: u64,
    to: &mut impl Write,
    feed: impl FnOnce(&mut dyn FnMut(LoadLine)) -> Result<(), E>,
) -> Result<Times, E> {
    let mut serializer = V2DeflateSerializer::new();
    let start = UNIX_EPOCH + Duration::from_millis(start_unix_ms);
    let mut builder = IntervalLogWriterBuilder::new();
    // The crate leaves the version to its users.
    builder
        .add_comment("[Histogram log format version 1.3]")
        .with_start_time(start)
        .with_base_time(start)
        .with_max_value_divisor(PER_MS);
    let mut log = builder.begin_log_with(to, &mut serializer)?;
    let (mut all, mut segment, mut ended) = (Times::new(), None::<Segment>, Ok(()));
    feed(&mut |line| match (line, &segment) {
        (LoadLine::Segment(next), _) => segment = Some(next),
        (LoadLine::Second(frame), Some(segment)) if ended.is_ok() => {
            let since_ms = segment.started_unix_ms.saturating_sub(start_unix_ms);
            let second = frame.second.saturating_sub(segment.from_second);
            let at = Duration::from_millis(since_ms).saturating_add(Duration::from_secs(second));
            let length = Duration::from_nanos(frame.length_ns);
            for (stage, seen) in &frame.stages {
                let times = kind.of(seen);
                let tag = tag(names.get(*stage as usize).copied().unwrap_or_default());
                all.add(times);
                if ended.is_ok() && !times.is_empty() {
                    ended = log.write_histogram(times.histogram(), at, length, Tag::new(&tag));
                }
            }
        }
        _ => {}
    })?;
    ended.map_err(|error| match error {
        IntervalLogWriterError::IoError(error) => error,
        IntervalLogWriterError::SerializeError(error) => io::Error::other(error.to_string()),
    })?;
    Ok(all)
}

/// The name without what the format ends a tag by.
fn tag(name: &str) -> String {
    name.replace([',', ' ', '\r', '\n'], "_")
}

/// The percentile distribution of `times`, in milliseconds.
pub fn hgrm(times: &Times) -> String {
    let histogram = times.histogram();
    let mut text = format!(
        "{:>12} {:>14} {:>10} {:>14}\n\n",
        "Value", "Percentile", "TotalCount", "1/(1-Percentile)"
    );
    let mut total = 0;
    for step in histogram.iter_quantiles(TICKS_PER_HALF) {
        total += step.count_since_last_iteration();
        let (value, share) =
            (step.value_iterated_to() as f64 / PER_MS, step.quantile_iterated_to());
        let beyond = match share {
            share if share < 1.0 => format!("{:14.2}", 1.0 / (1.0 - share)),
            _ => String::new(),
        };
        let _ = writeln!(text, "{value:12.6} {share:14.12} {total:10} {beyond}");
    }
    let (mean, spread) = (histogram.mean() / PER_MS, histogram.stdev() / PER_MS);
    let _ = writeln!(text, "#[Mean    = {mean:12.6}, StdDeviation   = {spread:12.6}]");
    let (max, count) = (histogram.max() as f64 / PER_MS, histogram.len());
    let _ = writeln!(text, "#[Max     = {max:12.6}, Total count    = {count:12}]");
    let (buckets, sub) = (histogram.buckets(), histogram.distinct_values());
    let _ = writeln!(text, "#[Buckets = {buckets:12}, SubBuckets     = {sub:12}]");
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use caxton_model::load::frame::LoadSecond;
    use hdrhistogram::serialization::interval_log::{IntervalLogIterator, LogEntry};
    use std::collections::BTreeMap;

    fn segment(number: u32, started_unix_ms: u64, from_second: u64) -> Segment {
        Segment { started_unix_ms, ..caxton_fixture::plans::segment(number, from_second) }
    }

    fn frame(second: u64) -> LoadSecond {
        let mut seen = MessagesSeen::default();
        (1..=1000).for_each(|ns| seen.response.record(ns * (second + 1)));
        let stages = BTreeMap::from([(0, MessagesSeen::default()), (1, seen)]);
        LoadSecond { second, length_ns: 1_000_000_000, stages, ..LoadSecond::default() }
    }

    #[test]
    fn a_log_has_a_histogram_per_second_and_stage_and_keeps_gaps() {
        let lines = [
            LoadLine::Segment(segment(0, 1_000_000, 0)),
            LoadLine::Second(Box::new(frame(0))),
            LoadLine::Segment(segment(1, 1_060_000, 1)),
            LoadLine::Second(Box::new(frame(1))),
        ];
        let mut text = Vec::new();
        let names = ["up", "hold on"];
        let all = hlog::<io::Error>(TimeKind::Response, &names, 1_000_000, &mut text, |take| {
            lines.into_iter().for_each(take);
            Ok(())
        });
        assert_eq!(all.unwrap().len(), 2000);
        let shown = String::from_utf8(text.clone()).unwrap();
        assert!(shown.starts_with("#[Histogram log format version 1.3]\n#[StartTime: 1000.000"));
        let entries: Vec<_> = IntervalLogIterator::new(&text)
            .filter_map(|entry| match entry.unwrap() {
                LogEntry::Interval(interval) => Some(interval),
                _ => None,
            })
            .collect();
        let at: Vec<u64> = entries.iter().map(|e| e.start_timestamp().as_secs()).collect();
        assert_eq!(at, [0, 60]);
        assert_eq!(entries[0].tag().map(|tag| tag.as_str().to_owned()), Some("hold_on".to_owned()));
    }

    #[test]
    fn a_distribution_ends_with_all() {
        let text = hgrm(&frame(0).stages[&1].response);
        assert!(text.contains("Percentile TotalCount"), "{text}");
        let last = text.lines().rfind(|line| !line.starts_with('#')).unwrap();
        assert_eq!(
            last.split_whitespace().collect::<Vec<_>>(),
            ["0.001000", "1.000000000000", "1000"]
        );
        assert!(text.contains("Total count    =         1000]"), "{text}");
    }
}
