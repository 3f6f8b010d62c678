//! Rules for Prometheus: recorded burn rates, and alerts on them.

use caxton_model::slo::{AlertOptions, BurnAlert, SEVERITIES, Severity, Slo, window_name};
use std::fmt::Write;

/// How the rules are to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleOptions {
    /// The job that Prometheus scrapes the program as.
    pub job: String,
    pub alerts: AlertOptions,
}

/// The rules of `slos` as YAML.
pub fn rules(slos: &[Slo], options: &RuleOptions) -> String {
    let mut text = String::new();
    let every = options.alerts.every_s();
    line(&mut text, 0, "groups:");
    line(&mut text, 0, "- name: caxton-slo-burn");
    line(&mut text, 1, &format!("interval: {every}s"));
    line(&mut text, 1, "rules:");
    for slo in slos {
        record(&mut text, "caxton:slo_objective", &format!("vector({})", slo.objective));
        line(&mut text, 2, &format!("labels: {{slo: '{}'}}", slo.name));
    }
    for window in options.alerts.windows_s() {
        recorded(&mut text, &window_name(window));
    }
    line(&mut text, 0, "- name: caxton-slo-alerts");
    line(&mut text, 1, &format!("interval: {every}s"));
    line(&mut text, 1, "rules:");
    for severity in SEVERITIES {
        burning(&mut text, severity, options.alerts);
    }
    for slo in slos {
        absent(&mut text, slo, options);
    }
    down(&mut text, options);
    text
}

fn line(text: &mut String, depth: usize, words: &str) {
    writeln!(text, "{}{words}", "  ".repeat(depth)).expect("a String takes every character");
}

fn record(text: &mut String, name: &str, expression: &str) {
    line(text, 1, &format!("- record: {name}"));
    line(text, 2, "expr: |-");
    expression.lines().for_each(|words| line(text, 3, words));
}

/// Of each objective: messages in `window`, and how fast they burn its budget.
fn recorded(text: &mut String, window: &str) {
    let events = format!("sum by (slo) (increase(caxton_slo_events_total[{window}]))");
    record(text, &format!("caxton:slo_events:increase{window}"), &events);
    let burn = format!(
        "sum by (slo) (rate(caxton_slo_events_total{{outcome=\"bad\"}}[{window}]))\n\
         / sum by (slo) (rate(caxton_slo_events_total[{window}]))\n\
         / on (slo) (1 - caxton:slo_objective)"
    );
    record(text, &format!("caxton:slo_burn:rate{window}"), &burn);
}

/// One alert for all rates of `severity`: with a window in its labels an incident that goes on
/// would become another one.
fn burning(text: &mut String, severity: Severity, options: AlertOptions) {
    let conditions: Vec<String> =
        options.alerts(severity).map(|alert| condition(alert, options.events_min)).collect();
    let expression = format!("max by (slo) (\n{}\n)", conditions.join("\nor\n"));
    alert(text, severity.alert(), &expression);
    line(text, 2, &format!("keep_firing_for: {}", window_name(options.keep_firing_s(severity))));
    line(text, 2, &format!("labels: {{severity: {}}}", severity.name()));
    line(text, 2, "annotations:");
    let times = "{{ $value | humanize }} times as fast as it may";
    line(text, 3, &format!("summary: '{{{{ $labels.slo }}}} burns its error budget {times}'"));
}

fn condition(alert: BurnAlert, events_min: u64) -> String {
    let BurnAlert { factor, long_s, short_s, .. } = alert;
    let [long, short] = [long_s, short_s].map(window_name);
    let mut parts = vec![
        format!("  (caxton:slo_burn:rate{long} > {factor})"),
        format!("and on (slo) (caxton:slo_burn:rate{short} > {factor})"),
    ];
    parts.extend([&long, &short].map(|window| {
        format!("and on (slo) (caxton:slo_events:increase{window} >= {events_min})")
    }));
    if let Some(first_s) = alert.begun_within_s() {
        parts.push(format!(
            "and on (slo) present_over_time(caxton:slo_burn:rate{short}[{}] offset {})",
            window_name(first_s),
            window_name(long_s - first_s)
        ));
    }
    parts.join("\n")
}

fn alert(text: &mut String, name: &str, expression: &str) {
    line(text, 1, &format!("- alert: {name}"));
    line(text, 2, "expr: |-");
    expression.lines().for_each(|words| line(text, 3, words));
}

/// Silence is no health.
fn absent(text: &mut String, slo: &Slo, options: &RuleOptions) {
    let expression = format!("absent(caxton_slo_events_total{{slo=\"{}\"}})", slo.name);
    alert(text, "CaxtonSloAbsent", &expression);
    line(text, 2, &format!("for: {}", window_name(options.alerts.scaled_s(300))));
    line(text, 2, &format!("labels: {{severity: page, slo: '{}'}}", slo.name));
    line(text, 2, "annotations:");
    line(text, 3, "summary: 'nobody counts messages of {{ $labels.slo }}'");
}

fn down(text: &mut String, options: &RuleOptions) {
    alert(text, "CaxtonDown", &format!("up{{job=\"{}\"}} == 0", options.job));
    line(text, 2, &format!("for: {}", window_name(options.alerts.scaled_s(60))));
    line(text, 2, "labels: {severity: page}");
    line(text, 2, "annotations:");
    line(text, 3, "summary: '{{ $labels.instance }} does not answer Prometheus'");
}
