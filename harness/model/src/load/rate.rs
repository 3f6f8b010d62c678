//! A rate over the length of a stage, integrated: how many messages it has, and when it has had so
//! many.
//!
//! All of it is of operations that IEEE 754 rounds in one way, and of `libm`'s functions made of
//! them: a schedule is the same on every machine.

use crate::load::plan::Rate;
use std::f64::consts::{PI, TAU};

/// A rate, integrated over its stage.
#[derive(Debug)]
pub(super) struct Integral {
    curve: Curve,
    messages: f64,
    end: f64,
}

/// Rates per ns, lengths in ns.
#[derive(Debug)]
enum Curve {
    Constant { interval: f64 },
    Linear { from: f64, slope: f64 },
    Sine(Sine),
}

/// `max(0, mean + amplitude * sin(phase))`, where the phase is `TAU` times the time in periods.
#[derive(Debug)]
struct Sine {
    /// Mean and amplitude in messages per radian.
    mean: f64,
    amplitude: f64,
    period: f64,
    /// The phases between which the sine would be below 0.
    dry: Option<(f64, f64)>,
    /// Messages of one period.
    wave: f64,
}

/// How far a count of `messages` may be off by rounding.
fn slack(messages: f64) -> f64 {
    1e-9 + messages.abs() * 4.0 * f64::EPSILON
}

/// `value`, a difference of counts up to `messages`, or the whole number that it would be without
/// rounding.
pub(super) fn near_whole(value: f64, messages: f64) -> f64 {
    let whole = value.round();
    if (value - whole).abs() <= slack(messages) { whole } else { value }
}

impl Integral {
    /// `rate` over `length_ns`; nothing for a trace, which is no rate.
    pub(super) fn new(rate: &Rate, length_ns: u64) -> Self {
        const PER_NS: f64 = 1e-9;
        const NANOS: f64 = 1e9;
        let length = length_ns as f64;
        let (curve, messages) = match rate {
            Rate::Constant { per_second } => {
                (Curve::Constant { interval: NANOS / per_second }, per_second * length / NANOS)
            }
            Rate::Linear { from, to } => {
                let slope = (to - from) * PER_NS / length;
                let messages = (from + to) / 2.0 * length / NANOS;
                (Curve::Linear { from: from * PER_NS, slope }, messages)
            }
            Rate::Sine { mean, amplitude, period } => {
                let sine = Sine::new(*mean, *amplitude, period.0 as f64);
                let rest = TAU * (length_ns % period.0) as f64 / sine.period;
                let messages = (length_ns / period.0) as f64 * sine.wave + sine.until(rest);
                (Curve::Sine(sine), messages)
            }
            Rate::Trace(_) => (Curve::Constant { interval: 0.0 }, 0.0),
        };
        let messages = near_whole(messages, messages);
        Self { curve, messages, end: messages - slack(messages) }
    }

    /// How many messages there are; a part of one counts.
    pub(super) const fn messages(&self) -> f64 {
        self.messages
    }

    /// A count from here on is of the next stage.
    #[inline]
    pub(super) const fn end(&self) -> f64 {
        self.end
    }

    /// When the count is `messages`, in ns from the start.
    #[inline]
    pub(super) fn instant(&self, messages: f64) -> u64 {
        let messages = messages.max(0.0);
        let instant = match &self.curve {
            Curve::Constant { interval } => messages * interval,
            Curve::Linear { from, slope } => linear(*from, *slope, messages),
            Curve::Sine(sine) => sine.instant(messages),
        };
        (instant + 0.5) as u64
    }
}

/// When `from * t + slope * t^2 / 2` is `messages`: the form that loses no digits for any slope.
fn linear(from: f64, slope: f64, messages: f64) -> f64 {
    if messages == 0.0 {
        return 0.0;
    }
    let root = (from * from + 2.0 * slope * messages).max(0.0).sqrt();
    2.0 * messages / (from + root)
}

impl Sine {
    fn new(mean: f64, amplitude: f64, period: f64) -> Self {
        let per_radian = period / 1e9 / TAU;
        let dry = (amplitude > mean).then(|| {
            let below = libm::asin(mean / amplitude);
            (PI + below, TAU - below)
        });
        let wave = mean * period / 1e9;
        let (mean, amplitude) = (mean * per_radian, amplitude * per_radian);
        let mut sine = Self { mean, amplitude, period, dry, wave };
        if dry.is_some() {
            sine.wave = sine.until(TAU);
        }
        sine
    }

    /// The integral of the sine as it is, below 0 too.
    fn whole(&self, phase: f64) -> f64 {
        // `1 - cos` without the loss of digits near 0.
        let half = libm::sin(phase / 2.0);
        self.mean * phase + self.amplitude * 2.0 * half * half
    }

    /// Messages from phase 0 until `phase` of one wave.
    fn until(&self, phase: f64) -> f64 {
        match self.dry {
            Some((start, end)) if phase > start => {
                let after = if phase > end { self.whole(phase) - self.whole(end) } else { 0.0 };
                self.whole(start) + after
            }
            _ => self.whole(phase),
        }
    }

    /// Messages per radian at `phase`.
    fn slope(&self, phase: f64) -> f64 {
        (self.mean + self.amplitude * libm::sin(phase)).max(0.0)
    }

    /// When the count is `messages`, in ns.
    fn instant(&self, messages: f64) -> f64 {
        let waves = (messages / self.wave).floor();
        // In one rounding: after a day of waves the product alone would lose the rest's digits.
        let rest = waves.mul_add(-self.wave, messages).clamp(0.0, self.wave);
        (self.phase(rest) / TAU + waves) * self.period
    }

    /// The first phase with `messages`: Newton's steps, and a bisection where one leads out of the
    /// bracket, as it does where the rate is near 0.
    fn phase(&self, messages: f64) -> f64 {
        const STEPS: usize = 60;
        // In radians. The next step would be its square, far below the rounding of a phase.
        const CLOSE: f64 = 1e-12;
        if messages <= 0.0 {
            return 0.0;
        }
        let (mut low, mut high) = (0.0, TAU);
        let mut phase = TAU * messages / self.wave;
        for _ in 0..STEPS {
            let off = self.until(phase) - messages;
            if off < 0.0 {
                low = phase;
            } else {
                high = phase;
            }
            let newton = phase - off / self.slope(phase);
            // A slope of 0 makes it infinite or no number, which is in no bracket.
            let next = if newton >= low && newton <= high { newton } else { (low + high) / 2.0 };
            if (next - phase).abs() <= CLOSE {
                return next;
            }
            phase = next;
        }
        phase
    }
}

#[cfg(test)]
#[path = "rate_tests.rs"]
mod tests;
