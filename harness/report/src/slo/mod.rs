//! What watches service level objectives in production: rules for Prometheus, and a dashboard.
//!
//! Both rest on one counter that the watched program keeps by itself,
//! `caxton_slo_events_total{slo, outcome="good"|"bad"}`: buckets of a histogram are written in two
//! ways by two formats, and are gone where native histograms are on.

mod dashboard;
mod rules;

pub use dashboard::dashboard;
pub use rules::{RuleOptions, rules};
