//! A dashboard for Grafana, as JSON to import: what the rules record.

use serde_json::{Value, json};

/// Rows of a panel, of the 24 columns that Grafana has.
const HEIGHT: u32 = 8;

/// Burn rates, the budget that is left, messages, and alerts that fire.
pub fn dashboard() -> String {
    let bad = "sum by (slo) (increase(caxton_slo_events_total{outcome=\"bad\"}[30d]))";
    let all = "sum by (slo) (increase(caxton_slo_events_total[30d]))";
    let left = format!("1 - {bad} / {all} / on (slo) (1 - caxton:slo_objective)");
    let panels = [
        panel("Budget of 30 days that is left", "percentunit", &[(&left, "{{slo}}")]),
        panel(
            "Burn rate: 1 uses the budget up in 30 days",
            "none",
            &[("caxton:slo_burn:rate5m", "{{slo}} 5m"), ("caxton:slo_burn:rate1h", "{{slo}} 1h")],
        ),
        panel(
            "Messages per second",
            "reqps",
            &[("sum by (slo, outcome) (rate(caxton_slo_events_total[5m]))", "{{slo}} {{outcome}}")],
        ),
        panel(
            "Alerts that fire",
            "none",
            &[("ALERTS{alertname=~\"Caxton.*\",alertstate=\"firing\"}", "{{alertname}} {{slo}}")],
        ),
    ];
    let placed = panels.into_iter().zip(0_u32..).map(|(mut panel, at)| {
        let (x, y) = (at % 2 * 12, at / 2 * HEIGHT);
        panel["id"] = json!(at + 1);
        panel["gridPos"] = json!({ "h": HEIGHT, "w": 12, "x": x, "y": y });
        panel
    });
    let dashboard = json!({
        "title": "Caxton service level objectives",
        "uid": "caxton-slo",
        "schemaVersion": 39,
        "time": { "from": "now-6h", "to": "now" },
        "refresh": "30s",
        "templating": { "list": [{
            "name": "datasource",
            "type": "datasource",
            "query": "prometheus",
        }]},
        "panels": placed.collect::<Vec<Value>>(),
    });
    format!("{dashboard:#}\n")
}

/// A panel over time: expressions with their legends.
fn panel(title: &str, unit: &str, expressions: &[(&str, &str)]) -> Value {
    let targets = expressions.iter().zip('A'..).map(|((expression, legend), name)| {
        json!({ "refId": name.to_string(), "expr": expression, "legendFormat": legend })
    });
    json!({
        "title": title,
        "type": "timeseries",
        "datasource": { "type": "prometheus", "uid": "${datasource}" },
        "fieldConfig": { "defaults": { "unit": unit }, "overrides": [] },
        "targets": targets.collect::<Vec<Value>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::slo::{RuleOptions, rules};
    use caxton_model::slo::AlertOptions;

    #[test]
    fn what_it_shows_is_counted_or_recorded() {
        let options = RuleOptions { job: "caxton".to_owned(), alerts: AlertOptions::default() };
        let rules = rules(&[], &options);
        let dashboard: Value = serde_json::from_str(&dashboard()).unwrap();
        let panels = dashboard["panels"].as_array().unwrap();
        assert_eq!(panels.len(), 4);
        for target in panels.iter().flat_map(|panel| panel["targets"].as_array().unwrap()) {
            let expression = target["expr"].as_str().unwrap();
            let words = expression.split(|c: char| !c.is_alphanumeric() && c != '_' && c != ':');
            for name in words.filter(|word| word.starts_with("caxton:slo_burn")) {
                assert!(rules.contains(&format!("record: {name}\n")), "{name} is recorded");
            }
        }
    }
}
