//! Verdicts on two versions that were measured in launch pairs.
//!
//! A launch pair comes to one log-ratio per metric ([`statistic`]); those are tested at fixed
//! counts of launches by an exact test ([`decide`]). Counts that the program alone decides need no
//! statistics ([`exact`]). Figures of which only a record is left are judged by what earlier
//! sessions say the machine does by itself ([`predict`]), for information.
//!
//! If both versions behave alike, swapping their labels within a launch pair changes nothing, and
//! order and core were coin flips: given their sizes, the signs of the log-ratios are fair coins,
//! whatever the noise, drift or tails. So the chance that any metric of a run is called a
//! regression is at most [`caxton_model::paired::Design::alpha`], at any count of launches and on
//! any machine.

pub mod contest;
pub mod decide;
pub mod exact;
pub mod judge;
pub mod predict;
pub mod relink;
pub mod statistic;
