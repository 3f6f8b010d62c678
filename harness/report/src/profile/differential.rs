//! What WASM costs each function of an agent: the native side's profile against the WASM side's, as
//! a flame graph and as a table of functions.
//!
//! Both sides are scaled to one message and never to each other: that one side is slower as a whole
//! is part of the answer. Both are cut at the agent's entry, the outermost frame of the agent, for
//! what is below it differs by nature; stacks without such a frame are kept under `[host]`, so that
//! sums stay whole. Functions are the same when their normalised names are; whether a side inlined
//! them does not matter.

use super::boxes::{Look, dress};
use super::picture::{Head, draw};
use caxton_model::profile::changes::NORMAL_95;
use caxton_model::profile::folded::escaped;
use caxton_model::profile::names::normalised;
use caxton_model::profile::{Frame, HOST, Origin, Profile, ProfileError, SampleWeight, health};
use caxton_model::units::Unit;
use inferno::flamegraph::Options;
use inferno::flamegraph::color::{Color, StrokeColor};
use std::collections::BTreeMap;
use std::ops::Bound;

pub use super::picture::Caption;

mod functions;

/// Boxes narrower than this share of the picture, in per cent, are left out: half a pixel.
const WIDTH_MIN: f64 = 0.04;
/// Parts of a unit in a line: inferno takes whole numbers, and a function may take less than one
/// nanosecond per message.
const PARTS: f64 = 1000.0;
const EDGE: Color = Color { r: 185, g: 185, b: 185 };
/// What neither grew nor shrank, and what only calls.
const SAME: Color = Color { r: 250, g: 250, b: 250 };
/// What has nothing to be compared with: growth it is not.
const UNMATCHED: Color = Color { r: 245, g: 205, b: 120 };
/// Longest name of a side in the legend, in characters.
const LEGEND_NAME_MAX: usize = 16;
/// Colours at the ends of the scale.
const MORE: Color = Color { r: 255, g: 100, b: 100 };
const LESS: Color = Color { r: 100, g: 100, b: 255 };

/// What a side's samples of one cut stack add up to, per message.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Cut {
    weight: f64,
    variance: f64,
    samples: u64,
}

#[derive(Debug)]
struct Side {
    name: String,
    stacks: BTreeMap<Vec<String>, Cut>,
    /// Variance that one sample has, per message: what is known of a function without any.
    one_sample: f64,
    head: Vec<String>,
    warnings: Vec<String>,
}

/// Two profiles of the same agent, comparable: natively and as WASM, or two other sides in their
/// places.
#[derive(Debug)]
pub struct Differential {
    native: Side,
    wasm: Side,
    weight: SampleWeight,
}

impl Differential {
    /// Puts the second of `profiles` beside the first; they are called `names`.
    ///
    /// # Errors
    /// [`ProfileError`] when one of them is damaged, has no weight, does not say how many messages
    /// it handled, or counts something else than the other.
    pub fn between(names: [&str; 2], profiles: [&Profile; 2]) -> Result<Self, ProfileError> {
        let ([from, to], [native, wasm]) = (names, profiles);
        if native.weight != wasm.weight {
            let (native, wasm) = (native.weight.words(), wasm.weight.words());
            return Err(cannot(format!("{from} counts {native} and {to} {wasm}")));
        }
        Ok(Self { native: side(from, native)?, wasm: side(to, wasm)?, weight: native.weight })
    }

    /// What the colours mean.
    fn legend(&self) -> Vec<(Color, String)> {
        // A legend is one line.
        let short = |name: &str| match name.char_indices().nth(LEGEND_NAME_MAX) {
            Some((end, _)) => format!("{}…", &name[..end]),
            None => name.to_owned(),
        };
        let (from, to) = (short(&self.native.name), short(&self.wasm.name));
        vec![
            (MORE, format!("{to} takes more in this very function")),
            (SAME, "the same".to_owned()),
            (LESS, format!("{to} takes less")),
            (UNMATCHED, format!("{from} has no such call: not compared")),
        ]
    }

    /// Flame graph of the WASM side: a box is as wide as the function's share of a message's time
    /// there, and red where the function itself takes more than it does natively under the same
    /// callers. Colours are scaled to the box that changed most, so that one function can whiten
    /// the rest: the table has them all.
    ///
    /// # Errors
    /// [`ProfileError`] when inferno cannot draw it.
    pub fn svg(&self, caption: &Caption) -> Result<String, ProfileError> {
        // Boxes without a width would stand where others do.
        let drawn: Vec<(&[String], u64)> = self
            .wasm
            .stacks
            .iter()
            .map(|(stack, cut)| (stack.as_slice(), (cut.weight * PARTS).round() as u64))
            .filter(|(_, parts)| *parts > 0)
            .collect();
        let lines: Vec<String> =
            drawn.iter().map(|(stack, parts)| format!("{} {parts}", stack.join(";"))).collect();
        let mut options = Options::default();
        options.min_width = WIDTH_MIN;
        // A box of what is the same is as white as the picture.
        options.stroke_color = StrokeColor::Color(EDGE);
        let svg = draw(&lines, options, caption, &self.head())?;
        let places = places(&drawn);
        let most = places.values().map(|path| self.growth(path).abs()).fold(0.0, f64::max);
        let look = |at: (usize, u64)| Some(self.look(places.get(&at)?, most));
        dress(&svg, look)
            .ok_or_else(|| cannot("inferno's boxes have changed their form".to_owned()))
    }

    /// What the innermost function of `path` grew in itself; 0 where native has no such call.
    fn growth(&self, path: &[String]) -> f64 {
        if !self.native.has(path) {
            return 0.0;
        }
        self.wasm.own(path).weight - self.native.own(path).weight
    }

    /// The box of `path`, which is empty for the one below all others; `most` is the largest
    /// growth of any.
    fn look(&self, path: &[String], most: f64) -> Look {
        let unit = self.weight.unit();
        let (native, wasm) = (self.native.inclusive(path), self.wasm.inclusive(path));
        let share = Unit::Share.show(wasm / self.wasm.inclusive(&[]));
        let name = path.last().map_or("all", String::as_str);
        let (from, to) = (&self.native.name, &self.wasm.name);
        let mut words = format!("{name} ({to} {} per message, {share}; ", unit.show(wasm));
        let own = [self.native.own(path), self.wasm.own(path)];
        if !self.native.has(path) {
            words.push_str(&format!("{from} has no such call)"));
            let fill = if own[1].weight > 0.0 { UNMATCHED } else { SAME };
            return Look { words, fill };
        }
        words.push_str(&format!("{from} {}", unit.show(native)));
        let growth = self.growth(path);
        if own.iter().any(|own| own.weight > 0.0) {
            let than = if growth < 0.0 { "less" } else { "more" };
            words.push_str(&format!("; in itself {} {than}", unit.show(growth.abs())));
            if self.weight == SampleWeight::CpuNs {
                let variance = self.native.variance(own[0]) + self.wasm.variance(own[1]);
                words.push_str(&format!(" ±{}", unit.show(NORMAL_95 * variance.sqrt())));
            }
        }
        words.push(')');
        Look { words, fill: shade(growth, most) }
    }

    fn head(&self) -> Head {
        let total = |side: &Side| side.stacks.values().map(|cut| cut.weight).sum::<f64>();
        let (native, wasm) = (total(&self.native), total(&self.wasm));
        let unit = self.weight.unit();
        let (from, to) = (&self.native.name, &self.wasm.name);
        let mut lines = vec![
            format!(
                "{} per message: {from} {}, {to} {} ({})",
                self.weight.words(),
                unit.show(native),
                unit.show(wasm),
                Unit::Ratio.show(wasm / native),
            ),
            format!(
                "a box is as wide as what {to} takes there; what {from} does under calls that {to} \
                 has not, {}, has no box",
                unit.show(self.native.alone(&self.wasm)),
            ),
            self.matched().words([from, to]),
        ];
        for side in [&self.native, &self.wasm] {
            lines.extend(side.head.iter().map(|line| format!("{}: {line}", side.name)));
        }
        Head { warnings: self.warnings(), lines, legend: self.legend() }
    }

    /// What is wrong with the profiles, and whether they can be compared at all.
    fn warnings(&self) -> Vec<String> {
        let sides = [&self.native, &self.wasm].into_iter().flat_map(|side| {
            side.warnings.iter().map(|warning| format!("{warning} ({})", side.name))
        });
        self.matched().warning().into_iter().chain(sides).collect()
    }
}

/// Where each box begins and in which row it stands, from the root's 0 on; the box's path.
fn places<'a>(drawn: &[(&'a [String], u64)]) -> BTreeMap<(usize, u64), &'a [String]> {
    let mut places: BTreeMap<(usize, u64), &[String]> = BTreeMap::from([((0, 0), &[][..])]);
    let (mut start, mut last): (u64, &[String]) = (0, &[]);
    for (stack, parts) in drawn {
        let shared = stack.iter().zip(last).take_while(|(a, b)| a == b).count();
        for depth in shared..stack.len() {
            places.insert((depth + 1, start), &stack[..=depth]);
        }
        start = start.saturating_add(*parts);
        last = stack;
    }
    places
}

/// Red for growth, blue for its opposite, the paler the less of `most` it is.
fn shade(growth: f64, most: f64) -> Color {
    if growth == 0.0 {
        return SAME;
    }
    let pale = (100.0 + 150.0 * (1.0 - growth.abs() / most)) as u8;
    if growth > 0.0 {
        Color { r: 255, g: pale, b: pale }
    } else {
        Color { r: pale, g: pale, b: 255 }
    }
}

fn cannot(why: String) -> ProfileError {
    ProfileError::Cannot { what: "a comparison of profiles", why }
}

fn side(name: &str, profile: &Profile) -> Result<Side, ProfileError> {
    profile.check()?;
    if profile.total() == 0 {
        return Err(cannot(format!("the {name} profile has no samples")));
    }
    if profile.about.messages == 0 {
        return Err(cannot(format!("nobody counted the messages of the {name} profile")));
    }
    let messages = profile.about.messages as f64;
    let mut stacks: BTreeMap<Vec<String>, Cut> = BTreeMap::new();
    let mut squares = 0.0;
    for (stack, sum) in profile.by_stack() {
        let cut = stacks.entry(cut(profile.frames_of(stack))).or_default();
        cut.weight += sum.weight as f64 / messages;
        cut.variance += sum.squares / messages.powi(2);
        cut.samples += sum.samples;
        squares += sum.squares;
    }
    let one_sample = squares / profile.samples.len() as f64 / messages.powi(2);
    let head = health::lines(&profile.health).into_iter().take(2).collect();
    let warnings = health::warnings(&profile.health);
    Ok(Side { name: name.to_owned(), stacks, one_sample, head, warnings })
}

impl Side {
    fn below<'a>(&'a self, path: &'a [String]) -> impl Iterator<Item = (&'a Vec<String>, &'a Cut)> {
        let from = (Bound::Included(path), Bound::Unbounded);
        self.stacks.range::<[String], _>(from).take_while(move |(stack, _)| stack.starts_with(path))
    }

    fn has(&self, path: &[String]) -> bool {
        self.below(path).next().is_some()
    }

    fn inclusive(&self, path: &[String]) -> f64 {
        self.below(path).map(|(_, cut)| cut.weight).sum()
    }

    /// Of the innermost function of `path` itself.
    fn own(&self, path: &[String]) -> Cut {
        self.stacks.get(path).copied().unwrap_or_default()
    }

    /// Variance of `cut`, or of one sample where it has none.
    fn variance(&self, cut: Cut) -> f64 {
        if cut.samples == 0 { self.one_sample } else { cut.variance }
    }

    /// What runs in the agent under callers that `other` has not.
    fn alone(&self, other: &Self) -> f64 {
        let own = self.in_agent().filter(|(stack, _)| !other.has(stack));
        own.map(|(_, cut)| cut.weight).sum()
    }

    fn in_agent(&self) -> impl Iterator<Item = (&Vec<String>, &Cut)> {
        self.stacks.iter().filter(|(stack, _)| stack[0] != HOST)
    }
}

/// The names of a stack from the agent's entry on, the root first.
fn cut<'a>(frames: impl DoubleEndedIterator<Item = &'a Frame>) -> Vec<String> {
    let frames: Vec<&Frame> = frames.collect();
    let is_agent = |frame: &&Frame| matches!(frame.origin, Origin::Guest | Origin::GuestInlined);
    let Some(entry) = frames.iter().position(is_agent) else {
        let leaf = frames.last().map(|frame| escaped(&normalised(&frame.name)));
        return std::iter::once(HOST.to_owned()).chain(leaf).collect();
    };
    let mut names: Vec<String> = Vec::new();
    let mut before: Option<&Frame> = None;
    for frame in &frames[entry..] {
        let name = escaped(&normalised(&frame.name));
        // A wrapper such as `f.command_export` above `f` is no call; `f` above `f` is.
        let is_wrapped =
            names.last() == Some(&name) && before.is_some_and(|b| b.name != frame.name);
        if !is_wrapped {
            names.push(name);
        }
        before = Some(frame);
    }
    names
}

#[cfg(test)]
#[path = "differential_tests.rs"]
mod tests;
