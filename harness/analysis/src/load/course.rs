//! What a load says of itself as time goes on: whether something grew, whether something got
//! slower, when a burst was got over.

use super::recovery::recovery;
use super::tally::{LoadTally, SecondRow};
use crate::load::recovery::burst_of;
use caxton_model::load::frame::MachineFigure;
use caxton_model::load::outcome::{Degradations, Leak, Recovery};
use caxton_model::load::threshold::LoadMetric;
use caxton_model::reading::{Missing, Reading};
use caxton_stats::limit::LimitVerdict;
use caxton_stats::trend::{
    Degradation, LeakOptions, SampledSeries, SeriesClass, Worse, agree, degradation, leak,
};

/// The smallest growth that matters of bytes and of blocks: a table that doubles is more.
const FLOOR_BYTES: f64 = 64.0 * 1024.0;
const FLOOR_BLOCKS: f64 = 256.0;
/// Of memory as the kernel counts it: it comes in pages, and many at a time.
const FLOOR_RSS_BYTES: f64 = 1024.0 * 1024.0;
const DEGRADED: f64 = 0.05;
/// The part of the objective below which one response is as good as another.
const AS_GOOD: f64 = 0.01;
/// Seconds at the start of a steady load that are none yet: code and memory are cold.
const COLD_S: u64 = 4;

const SERIES: [(MachineFigure, SeriesClass, f64); 4] = [
    (MachineFigure::LiveBytes, SeriesClass::LiveBytes, FLOOR_BYTES),
    (MachineFigure::LiveBlocks, SeriesClass::LiveCount, FLOOR_BLOCKS),
    (MachineFigure::LinearBytes, SeriesClass::LinearMemory, FLOOR_BYTES),
    (MachineFigure::RssBytes, SeriesClass::Rss, FLOOR_RSS_BYTES),
];

impl LoadTally {
    pub(super) fn leak(&self) -> &Leak {
        self.leak.get_or_init(|| self.find_leak())
    }

    fn find_leak(&self) -> Leak {
        let series = SERIES.map(|(figure, class, floor)| (class, self.series(figure, floor)));
        let options = LeakOptions::default();
        let trends = series.map(|(class, series)| (class, leak(&series, &options)));
        // A series that this executable cannot read at all has no voice; what can be read must do.
        let with_voice =
            trends.iter().zip(SERIES).filter(|(_, (figure, ..))| self.is_read(*figure));
        let with_voice: Vec<_> = with_voice.map(|((class, trend), _)| (*class, trend)).collect();
        let verdict = agree(&with_voice);
        let judged_from = trends.iter().find_map(|(_, trend)| trend.judged).map(|j| j.from_s);
        let rows =
            self.seconds.iter().filter(|row| row.second as f64 >= judged_from.unwrap_or(0.0));
        let (ok, took_ns) = rows.fold((0_u64, 0_u64), |(ok, took_ns), row| {
            (ok.saturating_add(row.counts.ok), took_ns.saturating_add(row.length_ns))
        });
        Leak {
            verdict,
            messages_per_second: ok as f64 * 1e9 / (took_ns.max(1)) as f64,
            trends: trends.map(|(_, trend)| trend).into(),
        }
    }

    fn is_read(&self, figure: MachineFigure) -> bool {
        self.looks.iter().any(|look| look.figures.get(&figure).is_some_and(|r| r.known().is_some()))
    }

    /// What was read of `figure` while the load was on.
    fn series(&self, figure: MachineFigure, unit_floor: f64) -> SampledSeries {
        let end_ns = self.plan.granted().0;
        let looks = self.looks.iter().filter(|look| look.at_ns <= end_ns);
        let values = looks.clone().map(|look| {
            let read = look.figures.get(&figure).and_then(Reading::known);
            read.map(|value| *value as f64)
        });
        let values = values.collect();
        let at_s = looks.map(|look| look.at_ns as f64 / 1e9).collect();
        SampledSeries { name: figure.name().to_owned(), unit_floor, at_s, values }
    }

    pub(super) fn leak_gauge(&self) -> Reading<f64> {
        match &self.leak().verdict {
            LimitVerdict::Met => Reading::Known(0.0),
            LimitVerdict::Missed => Reading::Known(1.0),
            LimitVerdict::Unclear => {
                let why = "something grew and may have stopped: a longer run can tell";
                Reading::Missing(Missing::Undefined(why.to_owned()))
            }
            LimitVerdict::Unknown(why) => Reading::Missing(Missing::Undefined(why.clone())),
        }
    }

    /// What got slower over the steady stages, worst first. Responses within a hundredth of the
    /// objective are all alike.
    pub(super) fn degradations(&self) -> &Degradations {
        self.degradations.get_or_init(|| self.find_degradations())
    }

    fn find_degradations(&self) -> Degradations {
        let is_steady = |row: &&SecondRow| {
            self.plan.stages.get(row.stage as usize).is_some_and(|s| s.role.is_steady())
        };
        let rows: Vec<&SecondRow> =
            self.seconds.iter().filter(is_steady).skip_while(|row| row.second < COLD_S).collect();
        // The last one may be short.
        let rows: Vec<&SecondRow> =
            rows.into_iter().filter(|row| row.length_ns >= 990_000_000).collect();
        let third = rows.len() / 3;
        let (first, last) = (&rows[..third], &rows[rows.len() - third..]);
        let of = |name: &str, worse: Worse, value: &dyn Fn(&SecondRow) -> f64| {
            let values =
                |rows: &[&SecondRow]| rows.iter().map(|row| value(row)).collect::<Vec<f64>>();
            let told = degradation(&values(first), &values(last), worse, DEGRADED, self.plan.seed);
            (name.to_owned(), told)
        };
        let least_ns = self.plan.slo.0 as f64 * AS_GOOD;
        // A second without an answer has no time: it is no number, and nothing is judged by it.
        let time = |two: Option<[u64; 2]>, at: usize| {
            two.map_or(f64::NAN, |two| (two[at] as f64).max(least_ns))
        };
        let mut figures = vec![
            of("answers per second", Worse::Lower, &|row| {
                row.counts.ok as f64 * 1e9 / row.length_ns.max(1) as f64
            }),
            of("response p50", Worse::Higher, &|row| time(row.response_ns, 0)),
            of("response p99", Worse::Higher, &|row| time(row.response_ns, 1)),
        ];
        figures.sort_by_key(|(_, told)| rank(&told.verdict));
        Degradations { figures }
    }

    pub(super) fn degradation_gauge(&self) -> Reading<f64> {
        let figures = &self.degradations().figures;
        let worse = |told: &Degradation| {
            let ratio = told.ratio.as_ref()?;
            Some(match told.worse {
                Worse::Higher => ratio.estimate - 1.0,
                Worse::Lower => 1.0 - ratio.estimate,
            })
        };
        let missing = |why: String| Reading::Missing(Missing::Undefined(why));
        match figures.first() {
            None => missing("nothing to compare".to_owned()),
            Some((name, told)) => match &told.verdict {
                LimitVerdict::Unknown(why) => missing(format!("{name}: {why}")),
                LimitVerdict::Unclear => {
                    let ratio = told.ratio.as_ref();
                    let shown = ratio.map(|r| format!("{:.3}x to {:.3}x", r.lower, r.upper));
                    let shown = shown.unwrap_or_default();
                    missing(format!("{name}: {shown}, a longer run can tell"))
                }
                LimitVerdict::Missed | LimitVerdict::Met => {
                    let worst = figures.iter().filter_map(|(_, told)| worse(told));
                    worst
                        .reduce(f64::max)
                        .map_or_else(|| missing("none".to_owned()), Reading::Known)
                }
            },
        }
    }

    /// How the burst, or the deaths, were got over; none where there are none.
    pub(super) fn recovery(&self) -> Option<Reading<Recovery>> {
        let burst = burst_of(&self.plan)?;
        let end_s = (self.plan.granted().0 / 1_000_000_000) as f64;
        let end = self.seconds.partition_point(|second| second.at_s() < end_s);
        let told = recovery(&burst, &self.seconds[..end]);
        Some(told.map_err(Missing::Undefined).into())
    }

    /// The longest recovery that the plan allows.
    fn allowed_s(&self) -> f64 {
        let limits = self.plan.thresholds.iter().filter(|t| t.metric == LoadMetric::RecoveryTime);
        limits.map(|threshold| threshold.bound.limit / 1e9).fold(0.0, f64::max)
    }

    pub(super) fn recovery_gauge(&self) -> Reading<f64> {
        match self.recovery() {
            None => {
                let why = match self.plan.disruption() {
                    None => "the plan has no burst and kills nobody",
                    Some(_) => "no stage of a constant rate comes before the burst or the deaths",
                };
                Reading::Missing(Missing::NotRequested(why.to_owned()))
            }
            Some(Reading::Missing(why)) => Reading::Missing(why),
            Some(Reading::Known(Recovery { took_s: Some(took_s), .. })) => {
                Reading::Known(took_s * 1e9)
            }
            // Looked at for longer than is allowed: it took too long, however long.
            Some(Reading::Known(Recovery { looked_s, .. })) if looked_s >= self.allowed_s() => {
                Reading::Known(f64::INFINITY)
            }
            Some(Reading::Known(Recovery { looked_s, .. })) => {
                Reading::Missing(Missing::Undefined(format!(
                    "not recovered in the {looked_s:.0} s that were looked at"
                )))
            }
        }
    }
}

/// What fails first, then what cannot be told.
fn rank(verdict: &LimitVerdict) -> u8 {
    match verdict {
        LimitVerdict::Missed => 0,
        LimitVerdict::Unknown(_) => 1,
        LimitVerdict::Unclear => 2,
        LimitVerdict::Met => 3,
    }
}
