//! What a target of a load says of itself: the series of its `/metrics`, from before the first
//! message to after the last.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The most series that are kept; the first ones of a page.
pub const SERIES: usize = 100;
/// How the names of those begin that are compared with what a generator saw.
const COMPARED: &str = "caxton_message";
/// The longest name of a series with its labels, in bytes.
pub const NAME_BYTES: usize = 300;

/// A series while the load was on.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SeriesRange {
    /// Its value before the first message, or when it was first there.
    pub first: f64,
    pub last: f64,
    pub least: f64,
    pub most: f64,
}

/// What was read of a target.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Scraped {
    pub url: String,
    /// How often it answered, and how often not.
    pub scrapes: u32,
    pub failed: u32,
    /// Why not, the last time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// By name and labels, as the target writes them.
    pub series: BTreeMap<String, SeriesRange>,
    /// Whether it answered before the first message and after the last: else what it counted
    /// cannot be told.
    pub is_whole: bool,
    /// Whether there were more than [`SERIES`].
    pub is_cut: bool,
}

impl Scraped {
    /// Nothing yet.
    pub fn of(url: &str) -> Self {
        Self { url: url.to_owned(), ..Self::default() }
    }

    /// Adds what the target said this time, or why it said nothing.
    pub fn take(&mut self, said: &Result<String, String>) {
        let text = match said {
            Ok(text) => text,
            Err(why) => {
                self.failed = self.failed.saturating_add(1);
                self.why = Some(why.clone());
                return;
            }
        };
        let is_first = self.scrapes == 0;
        self.scrapes = self.scrapes.saturating_add(1);
        for (name, value) in samples(text) {
            if let Some(range) = self.series.get_mut(name) {
                range.last = value;
                range.least = range.least.min(value);
                range.most = range.most.max(value);
            } else if self.has_room_for(name) {
                // Clients make a counter when it first counts: before that it was 0.
                let first = if is_first || !counts(name) { value } else { 0.0 };
                let range = SeriesRange { first, last: value, least: value, most: value };
                self.series.insert(name.to_owned(), range);
            } else {
                self.is_cut = true;
            }
        }
    }

    /// What is compared has room of its own, whatever else the target tells.
    fn has_room_for(&self, name: &str) -> bool {
        let most = if name.starts_with(COMPARED) { 2 * SERIES } else { SERIES };
        self.series.len() < most
    }

    /// By how much the series grew whose names and labels `is_such`, all together; none where there
    /// is none.
    pub fn grown(&self, is_such: impl Fn(&str) -> bool) -> Option<f64> {
        let own = self.series.iter().filter(|(name, _)| is_such(name));
        own.map(|(_, range)| range.last - range.first).reduce(|sum, grown| sum + grown)
    }

    /// Whether this can have been read.
    ///
    /// # Errors
    /// What cannot.
    pub fn check(&self) -> Result<(), String> {
        let count = self.series.len();
        if count > 2 * SERIES {
            return Err(format!("{count} series of a target: up to {}", 2 * SERIES));
        }
        for (name, range) in &self.series {
            let is_finite =
                [range.first, range.last, range.least, range.most].iter().all(|v| v.is_finite());
            if name.len() > NAME_BYTES || !is_finite {
                return Err(format!("series {:?} of a target", name.get(..40).unwrap_or(name)));
            }
        }
        Ok(())
    }
}

/// Whether a series only grows, by the names that clients give.
fn counts(name: &str) -> bool {
    let plain = name.split('{').next().unwrap_or(name);
    ["_total", "_count", "_sum"].iter().any(|end| plain.ends_with(end))
}

/// The samples of a page in Prometheus' text format or OpenMetrics: name with labels, and value.
/// Buckets of histograms, what is no finite number and what is no sample are left out.
fn samples(page: &str) -> impl Iterator<Item = (&str, f64)> {
    page.lines().filter_map(|line| {
        let line = line.trim();
        let (name, rest) = line.split_at(end_of_name(line)?);
        let plain = name.split('{').next().unwrap_or(name);
        let is_kept = !line.starts_with('#')
            && name.len() <= NAME_BYTES
            && !plain.ends_with("_bucket")
            && !plain.ends_with("_created");
        let value: f64 = rest.split_whitespace().next()?.parse().ok()?;
        (is_kept && value.is_finite()).then_some((name, value))
    })
}

/// Where the name with its labels ends: at the brace that closes these, else at the first blank.
fn end_of_name(line: &str) -> Option<usize> {
    let (mut is_quoted, mut is_escaped, mut has_labels) = (false, false, false);
    for (at, c) in line.char_indices() {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' if is_quoted => is_escaped = true,
            '"' => is_quoted = !is_quoted,
            '{' if !is_quoted => has_labels = true,
            '}' if !is_quoted && has_labels => return Some(at + 1),
            c if c.is_whitespace() && !is_quoted && !has_labels => return Some(at),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = r#"# HELP a_total A.
# TYPE a_total counter
a_total 3
a_total{x="1 } \" {",y="2"} 4 1700000000
b_seconds_bucket{le="1"} 5
b_seconds_sum 0.5 # {run="r"} 0.4
c NaN
d
e not_a_number
caf\u00e9 7"#;

    #[test]
    fn samples_of_both_formats_are_read_and_the_rest_is_none() {
        let expected = [
            ("a_total", 3.0),
            (r#"a_total{x="1 } \" {",y="2"}"#, 4.0),
            ("b_seconds_sum", 0.5),
            (r"caf\u00e9", 7.0),
        ];
        assert_eq!(samples(PAGE).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn a_series_is_kept_from_before_the_first_message_to_after_the_last() {
        let mut scraped = Scraped::of("http://a/metrics");
        for text in [
            "m_total{o=\"ok\"} 5\ng 7",
            "m_total{o=\"ok\"} 9\nm_total{o=\"bad\"} 1\ng 3",
            "m_total{o=\"ok\"} 15\ng 6",
        ] {
            scraped.take(&Ok(text.to_owned()));
        }
        scraped.take(&Err("gone".to_owned()));
        let range = scraped.series["g"];
        assert_eq!((range.first, range.last, range.least, range.most), (7.0, 6.0, 3.0, 7.0));
        assert_eq!(
            scraped.grown(|name| name.starts_with("m_total{")),
            Some(11.0),
            "a late one began at 0"
        );
        assert_eq!(scraped.grown(|name| name == "n"), None);
        assert_eq!((scraped.scrapes, scraped.failed, scraped.why.as_deref()), (3, 1, Some("gone")));
    }

    #[test]
    fn a_page_without_end_is_cut_and_said_to_be() {
        let page: String = (0..2 * SERIES).map(|n| format!("s{n} 1\n")).collect();
        let mut scraped = Scraped::of("");
        scraped.take(&Ok(page));
        assert_eq!((scraped.series.len(), scraped.is_cut), (SERIES, true));
        assert!(scraped.check().is_ok());
    }
}
