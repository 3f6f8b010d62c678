//! Whether a figure of a long run grows without end, and whether the run became slower.

mod degradation;
mod joint;
mod kendall;
mod leak;

pub use degradation::{Degradation, Ratio, SECONDS_MIN, Worse, degradation};
pub use joint::{SeriesClass, agree};
pub use leak::{
    GAPS_MAX, LeakOptions, SampledSeries, SeriesGrowth, Trend, WINDOW_SAMPLES_MIN, WINDOWS_MIN,
    leak,
};
