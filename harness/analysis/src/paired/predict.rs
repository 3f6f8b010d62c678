//! What earlier sessions say of a number of which only a record is left.
//!
//! Nothing can be run again, so the session itself is the unit: machine, neighbours and layout
//! change from one to the next, and only other sessions tell by how much. The bound is the one for
//! a single future value of a normal sample: G. J. Hahn and W. Q. Meeker, "Statistical Intervals"
//! (1991), chapter 4; here of logarithms, because noise is in proportion. Unlike a verdict on
//! launch pairs it assumes that sessions are independent and nearly log-normal, so it informs.

use super::exact::NEAR_TOLERANCE;
use caxton_model::metric::Better;
use caxton_model::paired::comparison::Verdict;
use serde::{Deserialize, Serialize};
use statrs::distribution::{ContinuousCDF, StudentsT};
use statrs::statistics::Statistics;

/// Sessions below which nothing is said.
pub const SESSIONS_MIN: usize = 10;

/// What earlier sessions let one expect of a new one, and how it came out.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Prediction {
    /// Sessions it rests on.
    pub sessions: u32,
    /// The new figure over the sessions' geometric mean, as a ratio: above 1 is worse.
    pub worse: f64,
    /// The least ratio that can be told from what the machine does by itself.
    pub threshold: f64,
    /// `REGRESSED` above the threshold, `IMPROVED` below its inverse, else `OK`: no more than that
    /// nothing could be seen.
    pub verdict: Verdict,
}

/// Too few sessions that can be compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{usable} of {stored} stored sessions can be compared with, {SESSIONS_MIN} are needed")]
pub struct TooFew {
    /// Sessions whose figure, and the new one, is above zero.
    pub usable: usize,
    pub stored: usize,
}

/// Predicts from `sessions`, one figure for each stored session of the same machine, what a further
/// session can show if nothing changed, and judges `candidate` by it. `alpha`, between 0 and 1, is
/// the chance that a session without a change is called worse: one metric's share of it.
///
/// The threshold is exp(t(1 − `alpha`, H − 1) · s · √(1 + 1/H)), with s the standard deviation of
/// the H logarithms, but at least 1 + [`NEAR_TOLERANCE`]: sessions that agree to the last digit,
/// such as whole pages of memory, do not prove that no other will ever differ by one.
///
/// # Errors
/// [`TooFew`] below [`SESSIONS_MIN`] sessions whose figure has a logarithm.
pub fn predict(
    sessions: &[f64],
    candidate: f64,
    better: Better,
    alpha: f64,
) -> Result<Prediction, TooFew> {
    let is_usable = |figure: f64| figure > 0.0 && figure.is_finite();
    let pairs = sessions.iter().filter(|figure| is_usable(**figure) && is_usable(candidate));
    let logs: Vec<f64> = pairs.map(|figure| figure.ln()).collect();
    if logs.len() < SESSIONS_MIN {
        return Err(TooFew { usable: logs.len(), stored: sessions.len() });
    }
    let count = logs.len() as f64;
    let t = StudentsT::new(0.0, 1.0, count - 1.0).expect("nine degrees of freedom or more");
    // The lower tail, turned: 1 − alpha would lose the digits of a small alpha.
    let quantile = -t.inverse_cdf(alpha.clamp(0.0, 1.0));
    let spread = (&logs).std_dev() * (1.0 + 1.0 / count).sqrt();
    let threshold = (quantile * spread).exp().max(1.0 + NEAR_TOLERANCE);
    let sign = if better == Better::Higher { -1.0 } else { 1.0 };
    let worse = (sign * (candidate.ln() - (&logs).mean())).exp();
    let verdict = match worse {
        _ if worse > threshold => Verdict::Regressed,
        _ if worse.recip() > threshold => Verdict::Improved,
        _ => Verdict::Ok,
    };
    Ok(Prediction { sessions: logs.len() as u32, worse, threshold, verdict })
}

#[cfg(test)]
#[path = "predict_tests.rs"]
mod tests;
