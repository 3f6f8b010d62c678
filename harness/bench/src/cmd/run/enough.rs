//! When a case was measured often enough: what the user says of it.

use super::values::{parse_seconds, parse_share};
use crate::measure::enough::Wish;
use caxton_model::paired::{Design, LOOKS, LOOKS_UNTIL_DECIDED};
use std::time::Duration;

/// Longest time for the launch pairs of a case, unless told otherwise.
const COMPARISON_S: f64 = 10.0;
/// Longest time for the launches of a case that go on until it is known or decided.
const PATIENT_S: f64 = 60.0;

/// When a case was measured often enough.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Measuring")]
pub(super) struct Enough {
    /// Measure each case until its ratios are known within this share, such as 2%: in fewer
    /// launches than usual, or in more, up to --budget
    #[arg(long, value_name = "SHARE", value_parser = parse_precision,
          conflicts_with_all = ["baseline", "between", "pack", "relink", "profile",
                                "profile_time"])]
    pub precision: Option<f64>,

    /// Seconds per case: for --precision, for launches that wait for a quiet core, or for launch
    /// pairs of a comparison after the first 16
    /// [default: 60 with --precision or --until-decided; 10 in another comparison]
    #[arg(hide_short_help = true, long, value_name = "SECONDS", value_parser = parse_seconds,
          conflicts_with_all = ["profile", "profile_time", "pack"])]
    pub budget: Option<f64>,

    /// In a comparison: add launch pairs until each metric is decided, up to --budget; changes of
    /// half a percent then need no luck, only time
    #[arg(hide_short_help = true, long, requires = "comparison",
          conflicts_with_all = ["relink", "counts"])]
    pub until_decided: bool,
}

impl Enough {
    pub(super) fn wish(&self) -> Wish {
        let budget_s = self.budget.or(self.precision.map(|_| PATIENT_S));
        Wish { precision: self.precision, budget: budget_s.map(Duration::from_secs_f64) }
    }

    /// The design of a comparison that is to find a change by the share `find` more than `margin`.
    pub(super) fn design(&self, find: f64, margin: f64) -> Design {
        let looks = if self.until_decided { LOOKS_UNTIL_DECIDED.to_vec() } else { LOOKS.to_vec() };
        Design { looks, until_decided: self.until_decided, ..Design::finding(find, margin) }
    }

    /// The longest time for the launch pairs of a case.
    pub(super) fn of_comparison(&self) -> Duration {
        let usual_s = if self.until_decided { PATIENT_S } else { COMPARISON_S };
        Duration::from_secs_f64(self.budget.unwrap_or(usual_s))
    }
}

fn parse_precision(text: &str) -> Result<f64, String> {
    match parse_share(text)? {
        0.0 => Err("expected more than 0".to_owned()),
        share => Ok(share),
    }
}
