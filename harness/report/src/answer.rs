//! What a run found, in a few lines: for whoever reads no table.

mod case;
mod doubts;

use crate::sections::figures::{
    UNCLEAR, as_found, estimate, interval, is_unclear, launches, too_few,
};
use crate::sections::grid::sides;
use crate::sections::{functions, load, overhead, parts, status};
use crate::table::{Table, Tone, name};
use case::{NATIVE, SIDE, WASM};
pub(crate) use case::{figures_of, label};
use caxton_analysis::finding::{Finding, LimitVerdict};
use caxton_analysis::reduce::{GEOMEAN, GEOMEAN_AS_FOUND, HEADLINE, Levels, counts_in_geomean};
use caxton_analysis::requirements;
use caxton_model::load::outcome::{LoadOutcome, LoadVerdict, StageOutcome};
use caxton_model::profile::changes::NORMAL_95;
use caxton_model::reading::{Missing, Reading};
use caxton_model::record::{CaseRecord, Record, Summary};
use caxton_model::sanitise::sanitise;
use caxton_model::units::Unit;
use caxton_model::words::{NONE, bounds, counted};
use std::collections::BTreeMap;

const LINE_MAX: usize = 300;
/// Sentences of a summary.
const FOUND_MAX: usize = 7;
const DOUBTS_MAX: usize = 4;
/// Guests and functions that are told one by one.
const EACH_MAX: usize = 3;

/// What a run found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answer {
    /// The most important first.
    pub found: Vec<String>,
    /// What to know before believing it.
    pub doubts: Vec<String>,
}

/// What `record` found, in sentences of a line or two.
pub fn answer(record: &Record) -> Answer {
    let found = [
        failures(record),
        overheads(record),
        compared_sides(record),
        own_code(record),
        memory_limits(record),
        ranges(record),
        loads(record),
        required(record),
        functions(record),
    ];
    let clean = |lines: Vec<String>| lines.iter().map(|line| sanitise(line, LINE_MAX)).collect();
    Answer { found: clean(found.concat()), doubts: clean(doubts::of(record)) }
}

/// [`answer`] as a table of a few lines.
pub fn summary(record: &Record) -> Table {
    let Answer { mut found, mut doubts } = answer(record);
    let run = &record.run;
    let title = format!("Suite {}, {}: {}", run.suite, run.scale, status(record));
    let mut table = Table::new(&title, &[]);
    for (lines, max) in [(&mut found, FOUND_MAX), (&mut doubts, DOUBTS_MAX)] {
        let more = lines.len().saturating_sub(max);
        lines.truncate(max);
        if more > 0 {
            lines.push(format!("and {more} more, in the tables"));
        }
    }
    found.iter().for_each(|line| table.note(Tone::Plain, line));
    doubts.iter().for_each(|line| table.note(Tone::Bad, &format!("doubt: {line}")));
    table
}

/// How a case came out that ran, in a line; none for one that only serves another.
pub fn case_line(case: &CaseRecord) -> Option<String> {
    let [(first, words), others @ ..] = figures_of(case)? else { return None };
    let others = others.iter().filter(|(metric, _)| case.metric(metric).is_ok());
    let others = others.map(|(metric, words)| format!(", {} {words}", estimate(case, metric)));
    let found = as_found(first);
    let told = if is_unclear(case, first) { &found } else { *first };
    let [figure, interval, n] = [estimate, interval, launches].map(|show| show(case, told));
    let interval = if interval == NONE { String::new() } else { format!(" {interval}") };
    let (name, others) = (label(case), others.collect::<String>());
    let figures = match (is_unclear(case, first), case.metric(&found).is_ok()) {
        (true, _) => format!("{UNCLEAR:>8} {words}, as found {figure}{interval}"),
        (false, true) => {
            format!("{figure:>8}{interval} {words}, as found {}", estimate(case, &found))
        }
        (false, false) => format!("{figure:>8}{interval} {words}"),
    };
    let line = format!("{name:<12}  {figures}{others}, n = {n}");
    Some(sanitise(&line, LINE_MAX))
}

fn failures(record: &Record) -> Vec<String> {
    let failed: Vec<&CaseRecord> = record.cases.iter().filter(|case| case.has_failed()).collect();
    let reason = |case: &&CaseRecord| {
        format!(
            "{}: {}: {}",
            label(case),
            case.outcome.name(),
            case.outcome.reason().unwrap_or_default()
        )
    };
    // A guest that fails also fails beside itself, which says no more.
    let is_repeated = |case: &&CaseRecord| {
        let same = |other: &&CaseRecord| !other.key.is_same_against_same();
        case.key.is_same_against_same()
            && failed.iter().any(|other| same(other) && other.key.agent == case.key.agent)
    };
    let mut told: Vec<String> =
        failed.iter().filter(|case| !is_repeated(case)).map(reason).collect();
    let more = told.len().saturating_sub(EACH_MAX);
    told.truncate(EACH_MAX);
    if more > 0 {
        told.push(format!("and {more} more that failed"));
    }
    told
}

/// The estimate of `metric`, its interval, and of how many launches it is.
fn figure(case: &CaseRecord, metric: &str) -> String {
    let [figure, interval, n] = [estimate, interval, launches].map(|show| show(case, metric));
    match interval == NONE {
        true => format!("{figure} (n = {n})"),
        false => format!("{figure} {interval} (n = {n})"),
    }
}

fn overheads(record: &Record) -> Vec<String> {
    let ran = overhead::ran(record);
    let mut compared = ascending(ran.iter().copied(), HEADLINE);
    let only_wasm: Vec<&CaseRecord> = ran
        .iter()
        .filter(|case| {
            let has_none = case.metric(HEADLINE).is_err() && !is_unclear(case, HEADLINE);
            has_none && case.metric(WASM).is_ok()
        })
        .copied()
        .collect();
    let call = |case: &&CaseRecord| {
        format!("{}: {} a call; no native build to compare with", label(case), figure(case, WASM))
    };
    let mut lines = Vec::new();
    // The agent that does nothing is told of where it is alone.
    if compared.len() > 1 {
        compared.retain(|(_, case)| counts_in_geomean(case));
    }
    if let [(_, case)] = compared[..] {
        let [wasm, native] = [WASM, NATIVE].map(|metric| estimate(case, metric));
        let (name, ratio) = (label(case), figure(case, HEADLINE));
        lines.push(format!(
            "{name}: WASM takes {ratio} of native's time: {wasm} a call, native {native}"
        ));
    }
    if let [(least, fastest), .., (most, slowest)] = compared[..]
        && let Some(mean) = geomean(record)
    {
        let show = |ratio: f64| Unit::Ratio.show(ratio);
        lines.push(format!(
            "WASM takes {mean}; {} {} to {} {}",
            label(fastest),
            show(least),
            label(slowest),
            show(most),
        ));
    }
    let unclear: Vec<&CaseRecord> =
        ran.iter().filter(|case| is_unclear(case, HEADLINE)).copied().collect();
    if compared.len() < 2 {
        lines.extend(unclear.iter().take(EACH_MAX).map(|case| {
            let found = figure(case, &as_found(HEADLINE));
            format!("{}: {UNCLEAR} in quiet, {found} of native's time as found", label(case))
        }));
    }
    lines.extend(only_wasm.iter().take(EACH_MAX).map(call));
    if let Some(more) = only_wasm.len().checked_sub(EACH_MAX).filter(|more| *more > 0) {
        lines.push(format!("and {more} more guests without a native build"));
    }
    lines
}

/// The mean over agents in words: in quiet, or why not and as found.
fn geomean(record: &Record) -> Option<String> {
    let counted_in = |case: &&CaseRecord| {
        let has_ratio = case.metric(HEADLINE).is_ok() || is_unclear(case, HEADLINE);
        counts_in_geomean(case) && has_ratio
    };
    let agents = counted(record.cases.iter().filter(counted_in).count(), "agent");
    let level = Levels::of_record(record).single;
    let words = |mean: &Summary| {
        let within = mean.interval.map_or_else(
            || format!("({})", too_few(mean.n, level)),
            |interval| format!("{} (n = {})", bounds(&interval, Unit::Ratio), mean.n),
        );
        format!("{} {within} of native's time", Unit::Ratio.show(mean.estimate))
    };
    match record.totals.get(GEOMEAN)? {
        Reading::Known(mean) => Some(format!("{}: geomean of {agents}", words(mean))),
        Reading::Missing(Missing::Unclear(_)) => {
            let found = record.totals.get(GEOMEAN_AS_FOUND)?.known()?;
            Some(format!("{} as found, {UNCLEAR} in quiet: geomean of {agents}", words(found)))
        }
        Reading::Missing(_) => None,
    }
}

fn compared_sides(record: &Record) -> Vec<String> {
    let mut by_agent: BTreeMap<&str, Vec<&CaseRecord>> = BTreeMap::new();
    let versus = record.cases.iter().filter(|case| case.key.is_of_sides());
    for (_, case) in ascending(versus, SIDE) {
        by_agent.entry(&case.key.agent).or_default().push(case);
    }
    let line = |(agent, cases): (&str, Vec<&CaseRecord>)| {
        let reference = sides(cases[0]).1.unwrap_or_default();
        let told = |case: &&CaseRecord| format!("{} {}", sides(case).0, figure(case, SIDE));
        let told: Vec<String> = cases.iter().map(told).collect();
        format!("{agent}, over {}: {}", name(reference), told.join("; "))
    };
    by_agent.into_iter().map(line).collect()
}

/// How much of a call is the agent's own code, by the parts of the call: where that can be told.
fn own_code(record: &Record) -> Vec<String> {
    let line = |case: &CaseRecord| {
        let (whole, agent) = (case.metric(parts::CALL).ok()?, &case.key.agent);
        let (_, metric) = parts::of(case).into_iter().find(|(name, _)| *name == parts::OWN)?;
        let (own, call) = (case.metric(metric).ok()?, figure(case, parts::CALL));
        let [own_in, whole_in] = [own.interval?, whole.interval?];
        // The widest that both intervals allow.
        let [least, most] =
            [own_in.lower / whole_in.upper, own_in.upper / whole_in.lower].map(share_of_all);
        Some(match own_in.lower > 0.0 {
            true => {
                let share = share_of_all(own.estimate / whole.estimate);
                format!(
                    "{agent}: {share} [{least}, {most}] of a call of {call} is the agent's own code"
                )
            }
            false => format!("{agent}: at most {most} of a call of {call} is the agent's own code"),
        })
    };
    record.cases.iter().filter(|case| case.key.is_parts()).filter_map(line).collect()
}

/// A share of a whole, which parts that were estimated on their own can exceed.
fn share_of_all(share: f64) -> String {
    Unit::Share.show(share.clamp(0.0, 1.0))
}

fn memory_limits(record: &Record) -> Vec<String> {
    let cases: Vec<&CaseRecord> =
        record.cases.iter().filter(|case| case.key.is_memory_limit()).collect();
    let told = |case: &&CaseRecord| {
        let limit = case.key.params.iter().map(|(_, value)| value.clone()).collect::<String>();
        match case.metric("total_bytes") {
            Ok(total) => format!("{limit} holds {}", Unit::Bytes.show(total.estimate)),
            Err(_) => format!("{limit} {}", case.outcome.name()),
        }
    };
    let told: Vec<String> = cases.iter().map(told).collect();
    let Some(first) = cases.first() else { return Vec::new() };
    vec![format!("{} under a memory limit: {}", first.key.agent, told.join(", "))]
}

/// Those of `cases` that have `metric`, the least first, with its estimate.
fn ascending<'a>(
    cases: impl Iterator<Item = &'a CaseRecord>,
    metric: &str,
) -> Vec<(f64, &'a CaseRecord)> {
    let with = cases.filter_map(|case| Some((case.metric(metric).ok()?.estimate, case)));
    let mut cases: Vec<(f64, &CaseRecord)> = with.collect();
    cases.sort_by(|(one, _), (other, _)| one.total_cmp(other));
    cases
}

/// The extremes of `metric` among the cases that have it, with their names.
fn extremes(record: &Record, metric: &str) -> Option<[(String, String); 2]> {
    let cases = ascending(record.cases.iter(), metric);
    let (least, most) = (cases.first()?, cases.last()?);
    Some([least, most].map(|(_, case)| (figure(case, metric), label(case))))
}

/// Rates and response times of the cases that have them, from the least to the most.
fn ranges(record: &Record) -> Vec<String> {
    const FIGURES: [[&str; 2]; 4] = [
        ["subject_to_peer_rate", "message rate over the peer's"],
        ["message_rate", "messages per second"],
        ["subject_response_p99_ns", "response from the intended start, p99"],
        ["round_trip_p50_ns", "one request alone, p50"],
    ];
    let line = |[metric, what]: [&str; 2]| {
        let [(least, at_least), (most, at_most)] = extremes(record, metric)?;
        Some(match at_least == at_most {
            true => format!("{what}: {most}, {at_most}"),
            false => format!("{what}: {least}, {at_least}, to {most}, {at_most}"),
        })
    };
    FIGURES.into_iter().filter_map(line).collect()
}

fn loads(record: &Record) -> Vec<String> {
    let loads = load::of(record);
    if loads.len() <= EACH_MAX {
        return loads.iter().map(|(_, load)| load_line(load)).collect();
    }
    let told: Vec<String> =
        loads.iter().map(|(_, load)| format!("{} {}", load::label(load), load.told())).collect();
    let bad = loads.iter().filter(|(_, load)| load.verdict != LoadVerdict::Pass);
    let each = bad.map(|(_, load)| load_line(load)).take(EACH_MAX);
    std::iter::once(format!("loads: {}", told.join(", "))).chain(each).collect()
}

/// How a load came out, with why it is no pass.
fn load_line(load: &LoadOutcome) -> String {
    let StageOutcome { counts, response, .. } = &load.whole;
    let mut words = vec![format!("{} of {} messages answered", counts.ok, counts.offered)];
    words.extend(load.per_second().map(|rate| Unit::PerSecond.show(rate)));
    let p99 = response.find(0.99).and_then(|p99| Some((p99.value.known()?, p99.interval)));
    words.extend(p99.map(|(value, interval)| {
        let [value, n] = [value.to_string(), response.n.to_string()];
        let within = interval.map_or(String::new(), |[a, b]| format!(" [{a}, {b}]"));
        format!("response p99 {value}{within} (n = {n})")
    }));
    let why = load.reasons.first().filter(|_| load.verdict != LoadVerdict::Pass);
    let why = why.map_or(String::new(), |why| format!("; {why}"));
    format!("{} {}: {}{why}", load::label(load), load.told(), words.join(", "))
}

fn required(record: &Record) -> Vec<String> {
    let all = requirements::grade(record);
    let (met, rest): (Vec<&Finding>, Vec<&Finding>) =
        all.iter().partition(|finding| finding.verdict == LimitVerdict::Met);
    let told = |finding: &&Finding| {
        let figure = finding.estimate.as_ref();
        let figure = figure.map_or(NONE.to_owned(), |own| finding.unit.show(own.estimate));
        let word = finding.verdict.word(&LimitVerdict::LIMIT);
        format!("{word}: {} {figure} ({})", finding.subject, finding.asked())
    };
    match all.len() {
        0 => Vec::new(),
        count => {
            let first =
                format!("{} of {count} requirements of the reference runtime are met", met.len());
            std::iter::once(first).chain(rest.iter().map(told).take(EACH_MAX)).collect()
        }
    }
}

/// The functions that a profile found to grow most.
fn functions(record: &Record) -> Vec<String> {
    let line = |case: &CaseRecord| {
        let changes = case.profiles.changes.as_ref()?;
        let [from, to] = changes.names();
        let unit = changes.weight.unit();
        let told = changes.grown.iter().take(EACH_MAX).map(|row| {
            let [growth, before] = [row.growth(), row.native.own].map(|own| unit.show(own));
            let error = row.growth_error().map(|error| unit.show(NORMAL_95 * error));
            let error = error.map_or(String::new(), |error| format!(" ±{error}"));
            format!("{} +{growth}{error} over {before}", functions::short(&row.name))
        });
        let (told, name) = (told.collect::<Vec<_>>().join("; "), label(case));
        Some(format!("{name}: what grew most from {from} to {to}, per message: {told}"))
    };
    record.cases.iter().filter_map(line).take(EACH_MAX).collect()
}

#[cfg(test)]
#[path = "answer_tests.rs"]
mod tests;
