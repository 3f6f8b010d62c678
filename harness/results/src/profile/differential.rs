//! What WASM costs each function of an agent: the native side's profile against the WASM side's, as
//! a flame graph and as a table of functions.
//!
//! Both sides are scaled to one message and never to each other: that one side is slower as a whole
//! is part of the answer. Both are cut at the agent's entry, the outermost frame of the agent, for
//! what is below it differs by nature; stacks without such a frame are kept under `[host]`, so that
//! sums stay whole. Functions are the same when their normalised names are; whether a side inlined
//! them does not matter.

use super::folded::escaped;
use super::names::normalised;
use super::picture::{Head, draw};
use super::{Frame, Origin, Profile, ProfileError, Weight, health};
use crate::units::Unit;
use inferno::differential as inferno_differential;
use inferno::flamegraph::Options;
use inferno::flamegraph::color::{Color, StrokeColor};
use std::collections::BTreeMap;

pub use super::picture::Caption;

mod functions;
pub use functions::{Changes, FunctionRow, Matched, Share};

/// The frame that stands for all that runs outside the agent.
pub const HOST: &str = "[host]";
/// Boxes narrower than this share of the picture, in per cent, are left out: half a pixel.
const WIDTH_MIN: f64 = 0.04;
/// Parts of a unit in a line: inferno takes whole numbers, and a function may take less than one
/// nanosecond per message.
const PARTS: f64 = 1000.0;
/// The colour of boxes' edges.
const EDGE: Color = Color { r: 185, g: 185, b: 185 };
/// Colours of inferno's scale at its ends and in its middle.
const LEGEND: [(Color, &str); 3] = [
    (Color { r: 255, g: 100, b: 100 }, "WASM takes more in this very function"),
    (Color { r: 250, g: 250, b: 250 }, "the same"),
    (Color { r: 100, g: 100, b: 255 }, "WASM takes less"),
];

/// What a side's samples of one cut stack add up to, per message.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Cut {
    weight: f64,
    /// Variance of `weight`.
    variance: f64,
    samples: u64,
}

/// One side, cut and scaled.
#[derive(Debug)]
struct Side {
    name: &'static str,
    stacks: BTreeMap<Vec<String>, Cut>,
    /// Variance that one sample has, per message: what is known of a function without any.
    one_sample: f64,
    head: Vec<String>,
    warnings: Vec<String>,
}

/// Two profiles of the same agent, comparable.
#[derive(Debug)]
pub struct Differential {
    native: Side,
    wasm: Side,
    weight: Weight,
}

impl Differential {
    /// Puts `native` beside `wasm`.
    ///
    /// # Errors
    /// [`ProfileError`] when one of them is damaged, has no weight, does not say how many messages
    /// it handled, or counts something else than the other.
    pub fn new(native: &Profile, wasm: &Profile) -> Result<Self, ProfileError> {
        if native.weight != wasm.weight {
            let (native, wasm) = (native.weight.words(), wasm.weight.words());
            return Err(cannot(format!("native counts {native} and WASM {wasm}")));
        }
        Ok(Self {
            native: side("native", native)?,
            wasm: side("WASM", wasm)?,
            weight: native.weight,
        })
    }

    /// Flame graph of the WASM side: a box is as wide as the function's share of a message's time
    /// there, and red where the function itself takes more than natively. inferno scales colours to
    /// the largest difference, so that one function can whiten the rest: the table has them all.
    ///
    /// # Errors
    /// [`ProfileError`] when inferno cannot draw it.
    pub fn svg(&self, caption: &Caption) -> Result<String, ProfileError> {
        let mut both = Vec::new();
        let (before, after) = (self.native.folded(), self.wasm.folded());
        let options = inferno_differential::Options::default();
        inferno_differential::from_readers(options, before.as_bytes(), after.as_bytes(), &mut both)
            .map_err(|e| cannot(e.to_string()))?;
        let both = String::from_utf8(both).map_err(|e| cannot(e.to_string()))?;
        let mut lines: Vec<String> = both.lines().map(str::to_owned).collect();
        lines.sort_by_cached_key(|line| {
            let stack = line.rsplitn(3, ' ').last().unwrap_or_default();
            stack.split(';').map(str::to_owned).collect::<Vec<_>>()
        });
        let mut options = Options::default();
        options.factor = 1.0 / PARTS;
        options.count_name = match self.weight {
            Weight::CpuNs => "ns per message".to_owned(),
            Weight::Bytes | Weight::PeakBytes => "bytes per message".to_owned(),
        };
        options.min_width = WIDTH_MIN;
        // A box of what is the same is as white as the picture.
        options.stroke_color = StrokeColor::Color(EDGE);
        draw(&lines, options, caption, &self.head())
    }

    fn head(&self) -> Head {
        let total = |side: &Side| side.stacks.values().map(|cut| cut.weight).sum::<f64>();
        let (native, wasm) = (total(&self.native), total(&self.wasm));
        let unit = self.weight.unit();
        let mut lines = vec![
            format!(
                "{} per message: native {}, WASM {} ({})",
                self.weight.words(),
                unit.show(native),
                unit.show(wasm),
                Unit::Ratio.show(wasm / native),
            ),
            "a box is as wide as what WASM takes there: what only native does has no box"
                .to_owned(),
            self.matched().words(),
        ];
        for side in [&self.native, &self.wasm] {
            lines.extend(side.head.iter().map(|line| format!("{}: {line}", side.name)));
        }
        let warnings = [&self.native, &self.wasm].into_iter().flat_map(|side| {
            side.warnings.iter().map(|warning| format!("{warning} ({})", side.name))
        });
        Head { warnings: warnings.collect(), lines, legend: LEGEND.to_vec() }
    }
}

fn cannot(why: String) -> ProfileError {
    ProfileError::Cannot { what: "a comparison of profiles", why }
}

fn side(name: &'static str, profile: &Profile) -> Result<Side, ProfileError> {
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
    Ok(Side { name, stacks, one_sample, head, warnings })
}

impl Side {
    /// Folded stacks, in parts of the unit.
    fn folded(&self) -> String {
        let line = |(stack, cut): (&Vec<String>, &Cut)| {
            let parts = (cut.weight * PARTS).round();
            format!("{} {parts:.0}\n", stack.join(";"))
        };
        self.stacks.iter().map(line).collect()
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
mod tests {
    use super::super::fixture;
    use super::*;
    use crate::report::{Style, paint};
    use expect_test::{expect, expect_file};

    fn of(native: &str, wasm: &str) -> Differential {
        let profile = |script| fixture::profile(Weight::CpuNs, script);
        Differential::new(&profile(native), &profile(wasm)).unwrap()
    }

    fn scripted() -> Differential {
        Differential::new(&fixture::native(), &fixture::wasm()).unwrap()
    }

    /// Nanoseconds per message that `samples` samples make.
    fn ns(samples: f64) -> f64 {
        samples * fixture::PERIOD as f64 / 20_000.0
    }

    #[test]
    fn the_scripted_sides_compare_as_they_did() {
        let caption = Caption { title: "json: native to WASM".to_owned() };
        let svg = scripted().svg(&caption).unwrap();
        let (before, rest) = svg.split_once("<script").unwrap();
        let (_, after) = rest.split_once("</script>").unwrap();
        let drawn = format!("{before}{after}").replace("><", ">\n<");
        expect_file!["goldens/differential.svg.txt"].assert_eq(&drawn);
        let table = paint(&scripted().changes().table("json"), &Style::default());
        expect_file!["goldens/differential.txt"].assert_eq(&table);
    }

    #[test]
    fn nothing_is_lost_on_either_side() {
        let differential = scripted();
        let sum =
            |own: fn(&FunctionRow) -> f64| differential.functions().iter().map(own).sum::<f64>();
        assert!((sum(|row| row.native.own) - ns(522.0)).abs() < 1e-6);
        assert!((sum(|row| row.wasm.own) - ns(1000.0)).abs() < 1e-6);
    }

    #[test]
    fn wrappers_inlining_and_the_host_below_do_not_part_what_is_one() {
        let native = "h:main > g:agent_handle > i:f.cold > h:malloc\n1 h:main > h:pause";
        let wasm = "h:x > w:y > b:z > g:agent_handle.command_export > g:agent_handle > g:f > \
                    g:malloc\n3 w:set_tls";
        let differential = of(&format!("4 {native}"), &format!("5 {wasm}"));
        let stacks = |side: &Side| side.stacks.keys().map(|s| s.join(";")).collect::<Vec<_>>();
        assert_eq!(stacks(&differential.native), ["[host];pause", "agent_handle;f;malloc"]);
        assert_eq!(stacks(&differential.wasm), ["[host];set_tls", "agent_handle;f;malloc"]);
        let rows = differential.functions();
        let row = |name| rows.iter().find(|row| row.name == name).unwrap();
        assert_eq!(rows.len(), 4);
        assert!((row("malloc").growth() - ns(1.0)).abs() < 1e-9);
        assert!((row("malloc").ratio().unwrap() - 1.25).abs() < 1e-9);
        assert!((row("[host]").growth() - ns(2.0)).abs() < 1e-9);
        assert!((row("agent_handle").wasm.inclusive - ns(5.0)).abs() < 1e-9);
        assert_eq!(row("agent_handle").wasm.own, 0.0);
    }

    #[test]
    fn a_function_that_calls_itself_counts_once() {
        let differential = of("4 g:f > g:f > g:h", "4 g:f > g:f > g:f");
        let rows = differential.functions();
        let f = rows.iter().find(|row| row.name == "f").unwrap();
        assert!((f.native.inclusive - ns(4.0)).abs() < 1e-9);
        assert!((f.wasm.inclusive - ns(4.0)).abs() < 1e-9);
        assert_eq!((f.native.samples, f.wasm.samples), (0, 4));
        assert_eq!(differential.native.stacks.keys().next().unwrap().len(), 3);
    }

    #[test]
    fn errors_are_those_of_counts() {
        let rows = of("100 g:f", "400 g:f\n9 g:f > g:new").functions();
        let (f, new) = (&rows[0], &rows[1]);
        assert!((f.native.own_error.unwrap() - ns(10.0)).abs() < 1e-9);
        assert!((f.wasm.own_error.unwrap() - ns(20.0)).abs() < 1e-9);
        assert!((f.growth_error().unwrap() - ns(500_f64.sqrt())).abs() < 1e-9);
        assert!((f.ratio_error().unwrap() - 4.0 * (0.05_f64.hypot(0.1))).abs() < 1e-9);
        assert_eq!((new.ratio(), new.ratio_error()), (None, None));
        assert!((new.native.own_error.unwrap() - ns(1.0)).abs() < 1e-9, "one sample");
    }

    #[test]
    fn growth_is_red_where_it_happens() {
        let svg = of("9 g:f > g:same\n1 g:f > g:hot", "9 g:f > g:same\n8 g:f > g:hot")
            .svg(&Caption { title: String::new() })
            .unwrap();
        let colour = |name: &str| {
            let (_, after) = svg.split_once(&format!("<title>{name} (")).unwrap();
            after.split_once("fill=\"").unwrap().1.split_once('"').unwrap().0.to_owned()
        };
        assert_eq!(colour("hot"), "rgb(255,100,100)");
        assert_eq!(colour("same"), "rgb(250,250,250)");
        assert_eq!(colour("f"), "rgb(250,250,250)", "it grew only in what it calls");
    }

    #[test]
    fn what_does_not_match_is_told() {
        let table = of("3 g:f > g:only_native\n1 g:f", "1 g:f > g:only_wasm\n1 g:f")
            .changes()
            .table("json");
        let text = paint(&table, &Style::default());
        assert!(text.contains("25.00 % of native and 50.00 % of WASM"), "{text}");
    }

    #[test]
    fn what_cannot_be_compared_is_refused() {
        let profile = fixture::wasm;
        let error = |native: Profile, wasm: Profile| {
            Differential::new(&native, &wasm).unwrap_err().to_string()
        };
        let mut heap = profile();
        heap.weight = Weight::Bytes;
        let mut uncounted = profile();
        uncounted.about.messages = 0;
        let mut empty = profile();
        empty.samples.clear();
        let errors = [error(heap, profile()), error(profile(), uncounted), error(empty, profile())];
        expect![[r"
            cannot make a comparison of profiles: native counts bytes allocated and WASM CPU time
            cannot make a comparison of profiles: nobody counted the messages of the WASM profile
            cannot make a comparison of profiles: the native profile has no samples"]]
        .assert_eq(&errors.join("\n"));
    }

    #[test]
    fn heaps_compare_without_an_error() {
        let heap = |script| fixture::profile(Weight::Bytes, script);
        let differential = Differential::new(&heap("2 g:f"), &heap("3 g:f")).unwrap();
        assert_eq!(differential.functions()[0].growth_error(), None);
        let text = paint(&differential.changes().table("json"), &Style::default());
        assert!(text.contains("50.2 B") && !text.contains('±'), "{text}");
    }
}
