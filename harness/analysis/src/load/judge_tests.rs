//! Thresholds against figures that are there, and that are not.

use super::*;
use caxton_model::reading::Missing;

/// Figures of a load test; none of stage `short`.
struct Figures;

impl Figures {
    fn unless_short(stage: Option<&str>, value: f64) -> Reading<f64> {
        match stage {
            Some("short") => Reading::Missing(Missing::Failed("10 messages".to_owned())),
            _ => Reading::Known(value),
        }
    }
}

impl Observed for Figures {
    fn trend(&self, _: LoadMetric, stage: Option<&str>, aggregate: Aggregate) -> Reading<f64> {
        let value = match aggregate {
            Aggregate::P(percentile) => percentile * 1e6,
            Aggregate::Max => 1e9,
            _ => f64::NAN,
        };
        Self::unless_short(stage, value)
    }

    fn rate(&self, metric: LoadMetric, stage: Option<&str>) -> Reading<f64> {
        Self::unless_short(stage, if metric == LoadMetric::Success { 0.995 } else { 0.0 })
    }

    fn count(&self, _: LoadMetric, stage: Option<&str>) -> Reading<f64> {
        Self::unless_short(stage, 5000.0)
    }

    fn per_second(&self, _: LoadMetric, stage: Option<&str>) -> Reading<f64> {
        Self::unless_short(stage, 100.0)
    }

    fn gauge(&self, metric: LoadMetric) -> Reading<f64> {
        match metric {
            LoadMetric::RecoveryTime => Reading::Known(29e9),
            _ => Reading::Missing(Missing::NotRequested("too short a run".to_owned())),
        }
    }
}

fn judged(selector: &str, text: &str) -> ThresholdFinding {
    judge(&Threshold::parse(selector, text).unwrap(), &Figures)
}

#[test]
fn each_kind_of_metric_is_asked_for_its_own_figure() {
    let cases = [
        ("response_time", "p(99)<100ms", 99e6, true),
        ("response_time{stage:hold}", "p(99)<99ms", 99e6, false),
        ("service_time", "max<=1s", 1e9, true),
        ("success", "rate>0.99", 0.995, true),
        ("dropped", "rate<=0", 0.0, true),
        ("messages", "count>=5000", 5000.0, true),
        ("messages", "rate>=5000", 100.0, false),
        ("recovery_time", "value<30s", 29e9, true),
    ];
    for (selector, text, figure, is_met) in cases {
        let judged = judged(selector, text);
        assert_eq!(judged.observed, Reading::Known(figure), "{selector} {text}");
        let verdict = if is_met { LimitVerdict::Met } else { LimitVerdict::Missed };
        assert_eq!(judged.verdict, verdict, "{selector} {text}");
    }
}

#[test]
fn what_is_not_known_is_no_pass() {
    let cases = [
        ("response_time{stage:short}", "p(99)!=1", "failed: 10 messages"),
        ("leak", "value<1", "not measured: too short a run"),
        ("response_time", "avg!=1", "failed: the figure is NaN"),
    ];
    for (selector, text, why) in cases {
        let judged = judged(selector, text);
        assert_eq!(judged.verdict, LimitVerdict::Unknown(why.to_owned()));
        let back: ThresholdFinding =
            serde_json::from_str(&serde_json::to_string(&judged).unwrap()).unwrap();
        assert_eq!(back, judged);
    }
}
