//! A target's own account of a load beside what the generator saw.

use caxton_model::load::outcome::LoadOutcome;
use caxton_model::load::scraped::Scraped;
use caxton_model::units::Unit;

/// One thing that both sides know of.
#[derive(Debug, Clone, PartialEq)]
pub struct AccountRow {
    pub what: &'static str,
    pub unit: Unit,
    /// What the target's series say, and which these are.
    pub target: f64,
    pub series: &'static str,
    pub generator: f64,
    /// Why both cannot be right; none where they can.
    pub contradiction: Option<String>,
}

const MESSAGES: &str = "caxton_messages_total";
const DURATION: &str = "caxton_message_duration_seconds";

/// Each thing that the target of `load` tells and its generator saw; nothing where the target was
/// not asked, or tells none of them.
pub fn account(load: &LoadOutcome) -> Vec<AccountRow> {
    let Some(scraped) = &load.scraped else { return Vec::new() };
    // A process that went on with a load saw a part of it.
    if load.segments.len() > 1 || !scraped.is_whole {
        return Vec::new();
    }
    [messages(scraped, load), right(scraped, load), duration(scraped, load)]
        .into_iter()
        .flatten()
        .collect()
}

/// What contradicts the generator, each as a sentence.
pub(super) fn disagreements(load: &LoadOutcome) -> Vec<String> {
    account(load).into_iter().filter_map(|row| row.contradiction).collect()
}

fn whole(count: f64) -> String {
    format!("{count:.0}")
}

/// Messages that the generator gave up: the target may have counted them, or not yet.
fn given_up(load: &LoadOutcome) -> f64 {
    load.whole.counts.timed_out.saturating_add(load.cut_off) as f64
}

fn is_right(name: &str) -> bool {
    name.starts_with(&format!("{MESSAGES}{{")) && name.contains("outcome=\"ok\"")
}

fn messages(scraped: &Scraped, load: &LoadOutcome) -> Option<AccountRow> {
    let target = scraped.grown(|name| name.starts_with(&format!("{MESSAGES}{{")))?;
    let generator = load.whole.counts.sent as f64;
    let can_be = generator - given_up(load) - 0.5..=generator + 0.5;
    Some(AccountRow {
        what: "messages taken",
        unit: Unit::Count,
        target,
        series: MESSAGES,
        generator,
        contradiction: (!can_be.contains(&target)).then(|| {
            let (target, generator) = (whole(target), whole(generator));
            format!("the target counts {target} messages, and was sent {generator}")
        }),
    })
}

fn right(scraped: &Scraped, load: &LoadOutcome) -> Option<AccountRow> {
    let target = scraped.grown(is_right)?;
    let generator = load.whole.counts.ok as f64;
    // An answer that came too late was right for the target.
    let can_be = generator - 0.5..=generator + given_up(load) + 0.5;
    Some(AccountRow {
        what: "answered rightly",
        unit: Unit::Count,
        target,
        series: "caxton_messages_total{outcome=\"ok\"}",
        generator,
        contradiction: (!can_be.contains(&target)).then(|| {
            let (target, generator) = (whole(target), whole(generator));
            format!("the target counts {target} right answers, and {generator} came")
        }),
    })
}

/// The target's mean lies within the generator's, who waits for the way there and back, too. Only
/// where both are of the same messages.
fn duration(scraped: &Scraped, load: &LoadOutcome) -> Option<AccountRow> {
    let sum_s = scraped.grown(|name| name.starts_with(&format!("{DURATION}_sum")))?;
    let count = scraped.grown(|name| name.starts_with(&format!("{DURATION}_count")))?;
    let target = sum_s / count * 1e9;
    let generator = *load.whole.response.mean_ns.known()?;
    if !target.is_finite() || load.whole.counts.ok != load.whole.counts.sent {
        return None;
    }
    Some(AccountRow {
        what: "mean time of an answer",
        unit: Unit::Nanos,
        target,
        series: DURATION,
        generator,
        contradiction: (target > generator).then(|| {
            let [target, generator] = [target, generator].map(|ns| Unit::Nanos.show(ns));
            format!("the target says a mean of {target}, and who asked waited {generator}")
        }),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::tally::LoadTally;
    use caxton_fixture::plans as fixture;
    use caxton_model::load::frame::{LoadLine, LoadSecond, MessageCounts, MessagesSeen};
    use caxton_model::load::plan::Arrivals;
    use std::collections::BTreeMap;

    fn said(pages: [&str; 2], is_whole: bool) -> Vec<AccountRow> {
        let stages = vec![fixture::steady("hold", fixture::seconds(1), 100.0)];
        let mut tally = LoadTally::new(fixture::plan(Arrivals::Constant, stages));
        tally.push(&LoadLine::Segment(fixture::segment(0, 0)));
        let mut seen = MessagesSeen::default();
        (0..100).for_each(|_| seen.response.record(2_000_000));
        (seen.counts.offered, seen.counts.sent, seen.counts.ok) = (100, 100, 100);
        let stages = BTreeMap::from([(0, seen)]);
        let second = LoadSecond { length_ns: fixture::SECOND, stages, ..LoadSecond::default() };
        tally.push(&LoadLine::Second(Box::new(second)));
        let mut scraped = Scraped::of("http://a/metrics");
        pages.into_iter().for_each(|page| scraped.take(&Ok(page.to_owned())));
        scraped.is_whole = is_whole;
        tally.push(&LoadLine::Scraped(scraped));
        let load = tally.outcome(None);
        let rows = account(&load);
        let told: Vec<String> = rows.iter().filter_map(|row| row.contradiction.clone()).collect();
        assert!(load.reasons.ends_with(&told), "{:?}", load.reasons);
        rows
    }

    fn page(ok: u64, errors: u64, sum_s: f64) -> String {
        format!(
            "caxton_messages_total{{outcome=\"ok\"}} {ok}\n\
             caxton_messages_total{{outcome=\"error\"}} {errors}\n\
             caxton_message_duration_seconds_sum {sum_s}\n\
             caxton_message_duration_seconds_count {ok}\n"
        )
    }

    #[test]
    fn a_target_that_counts_what_it_got_agrees() {
        let rows = said([&page(7, 0, 1.0), &page(107, 0, 1.1)], true);
        let told: Vec<_> = rows.iter().map(|row| (row.what, row.target, row.generator)).collect();
        assert_eq!(
            told[..2],
            [("messages taken", 100.0, 100.0), ("answered rightly", 100.0, 100.0)]
        );
        assert!((rows[2].target - 1e6).abs() < 1.0, "{rows:?}");
        assert!(rows.iter().all(|row| row.contradiction.is_none()), "{rows:?}");
    }

    #[test]
    fn what_cannot_be_is_said() {
        let rows = said([&page(0, 0, 0.0), &page(90, 2, 0.9)], true);
        let told: Vec<_> = rows.iter().map(|row| row.contradiction.as_deref()).collect();
        assert_eq!(
            told,
            [
                Some("the target counts 92 messages, and was sent 100"),
                Some("the target counts 90 right answers, and 100 came"),
                Some("the target says a mean of 10.0 ms, and who asked waited 2.00 ms"),
            ]
        );
    }

    #[test]
    fn what_was_given_up_may_be_counted_or_not() {
        let given_up = |sent, ok, timed_out| {
            let stages = vec![fixture::steady("hold", fixture::seconds(1), 100.0)];
            let mut load = LoadTally::new(fixture::plan(Arrivals::Constant, stages)).outcome(None);
            load.whole.counts = MessageCounts { sent, ok, timed_out, ..MessageCounts::default() };
            let mut scraped = Scraped { is_whole: true, ..Scraped::of("") };
            scraped.take(&Ok(page(0, 0, 0.0)));
            scraped.take(&Ok(page(95, 0, 9.5)));
            load.scraped = Some(scraped);
            disagreements(&load).len()
        };
        assert_eq!(given_up(100, 90, 10), 0, "5 of 10 came late");
        assert_eq!(given_up(100, 98, 2), 2, "3 are nowhere, and 3 answers were none");
    }

    #[test]
    fn a_target_with_other_series_or_without_a_last_word_says_nothing_to_compare() {
        assert_eq!(said(["a 1", "a 2"], true), []);
        assert_eq!(said([&page(0, 0, 0.0), &page(90, 2, 0.9)], false), []);
    }
}
