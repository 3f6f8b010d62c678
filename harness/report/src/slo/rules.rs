//! Rules for Prometheus: recorded burn rates, and alerts on them.

use caxton_model::slo::{BURN_ALERTS, BurnAlert, Severity, Slo};
use std::collections::BTreeSet;
use std::fmt::Write;

/// How the rules are to be.
#[derive(Debug, Clone, PartialEq)]
pub struct RuleOptions {
    /// The job that Prometheus scrapes the program as.
    pub job: String,
    /// Windows are shorter by this factor: 1 in production, more to see an alert fire soon.
    pub speed: u64,
    /// Messages in a window below which no alert fires: few messages say little.
    pub events_min: u64,
}

/// How often rules are evaluated, in seconds.
const EVERY_S: u64 = 30;
/// In which part of its window data must have begun, as a divisor.
const BEGUN: u64 = 10;

/// The rules of `slos` as YAML.
pub fn rules(slos: &[Slo], options: &RuleOptions) -> String {
    let mut text = String::new();
    let every = (EVERY_S / options.speed).max(1);
    line(&mut text, 0, "groups:");
    line(&mut text, 0, "- name: caxton-slo-burn");
    line(&mut text, 1, &format!("interval: {every}s"));
    line(&mut text, 1, "rules:");
    for slo in slos {
        record(&mut text, "caxton:slo_objective", &format!("vector({})", slo.objective));
        line(&mut text, 2, &format!("labels: {{slo: '{}'}}", slo.name));
    }
    for window in windows(options.speed) {
        recorded(&mut text, &shown(window));
    }
    line(&mut text, 0, "- name: caxton-slo-alerts");
    line(&mut text, 1, &format!("interval: {every}s"));
    line(&mut text, 1, "rules:");
    for severity in [Severity::Page, Severity::Ticket] {
        burning(&mut text, severity, options);
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

/// Every window of an alert, in seconds.
fn windows(speed: u64) -> BTreeSet<u64> {
    let both = |alert: BurnAlert| [alert.long_s, alert.short_s];
    BURN_ALERTS.into_iter().flat_map(both).map(|window| scaled(window, speed)).collect()
}

fn scaled(seconds: u64, speed: u64) -> u64 {
    (seconds / speed).max(1)
}

/// A duration as Prometheus writes it.
fn shown(seconds: u64) -> String {
    match seconds {
        s if s % 86_400 == 0 => format!("{}d", s / 86_400),
        s if s % 3_600 == 0 => format!("{}h", s / 3_600),
        s if s % 60 == 0 => format!("{}m", s / 60),
        s => format!("{s}s"),
    }
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
fn burning(text: &mut String, severity: Severity, options: &RuleOptions) {
    let own: Vec<BurnAlert> =
        BURN_ALERTS.into_iter().filter(|alert| alert.severity == severity).collect();
    let conditions: Vec<String> = own.iter().map(|alert| condition(alert, options)).collect();
    let expression = format!("max by (slo) (\n{}\n)", conditions.join("\nor\n"));
    let name = match severity {
        Severity::Page => "CaxtonSloBurnsFast",
        Severity::Ticket => "CaxtonSloBurns",
    };
    let short = own.iter().map(|alert| scaled(alert.short_s, options.speed)).min().unwrap_or(1);
    alert(text, name, &expression);
    // So that a rate that swings around the limit is one incident.
    line(text, 2, &format!("keep_firing_for: {}", shown(short)));
    line(text, 2, &format!("labels: {{severity: {}}}", severity.name()));
    line(text, 2, "annotations:");
    let times = "{{ $value | humanize }} times as fast as it may";
    line(text, 3, &format!("summary: '{{{{ $labels.slo }}}} burns its error budget {times}'"));
}

fn condition(alert: &BurnAlert, options: &RuleOptions) -> String {
    let BurnAlert { factor, .. } = alert;
    let [long, short] = [alert.long_s, alert.short_s].map(|s| scaled(s, options.speed));
    let [long_words, short_words] = [long, short].map(shown);
    let mut parts = vec![
        format!("  (caxton:slo_burn:rate{long_words} > {factor})"),
        format!("and on (slo) (caxton:slo_burn:rate{short_words} > {factor})"),
    ];
    let least = options.events_min;
    parts.extend(
        [&long_words, &short_words]
            .map(|window| format!("and on (slo) (caxton:slo_events:increase{window} >= {least})")),
    );
    if alert.severity == Severity::Ticket {
        // A window without its history is a shorter one: a young service would get its ticket
        // before its page.
        let first = (long / BEGUN).max(1);
        parts.push(format!(
            "and on (slo) present_over_time(caxton:slo_burn:rate{short_words}[{}] offset {})",
            shown(first),
            shown(long - first)
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
    line(text, 2, &format!("for: {}", shown(scaled(300, options.speed))));
    line(text, 2, &format!("labels: {{severity: page, slo: '{}'}}", slo.name));
    line(text, 2, "annotations:");
    line(text, 3, "summary: 'nobody counts messages of {{ $labels.slo }}'");
}

fn down(text: &mut String, options: &RuleOptions) {
    alert(text, "CaxtonDown", &format!("up{{job=\"{}\"}} == 0", options.job));
    line(text, 2, &format!("for: {}", shown(scaled(60, options.speed))));
    line(text, 2, "labels: {severity: page}");
    line(text, 2, "annotations:");
    line(text, 3, "summary: '{{ $labels.instance }} does not answer Prometheus'");
}
