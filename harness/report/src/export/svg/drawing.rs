//! Where each thing of the chart stands, and in which colours. Widths of texts are estimated from
//! above: the font is the reader's.

use crate::chart::Drawn;
use crate::chart::paper::{
    self, ASIDE, Area, BLUE as AGENT, BORDER, CARD, Font, GREY as APPARATUS, GRID, Ink,
    PURPLE as GEOMEAN, RED as WITHOUT, SMALL_SIZE, Sheet, TEXT_SIZE, TITLE_SIZE, WORDS, fit, line,
    text, width,
};
use plotters::element::{Circle, DashedPathElement};
use plotters::prelude::{Color, IntoDrawingArea, IntoLogRange, LogCoord, Ranged, SVGBackend};
use plotters::style::text_anchor::HPos;

/// How a row is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// An agent with a ratio.
    Agent,
    /// An agent without one.
    Without,
    /// The mean of the agents.
    Geomean,
    /// The agent that does nothing.
    Apparatus,
}

/// A ratio on the axis.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Mark {
    pub(super) ratio: f64,
    pub(super) bounds: Option<(f64, f64)>,
    /// True for a figure that was not measured in quiet.
    pub(super) is_hollow: bool,
}

/// One line of the chart. Its texts are clean.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Row {
    pub(super) kind: Kind,
    pub(super) label: String,
    pub(super) mark: Option<Mark>,
    pub(super) figure: String,
}

/// All that is drawn. Its texts are clean.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Chart {
    pub(super) title: &'static str,
    pub(super) subtitles: [String; 2],
    pub(super) rows: Vec<Row>,
    pub(super) notes: Vec<String>,
}

/// Every colour that it may have.
pub(super) const INKS: [Ink; 9] =
    [CARD, BORDER, GRID, WORDS, ASIDE, AGENT, GEOMEAN, APPARATUS, WITHOUT];

const WIDTH: i32 = 880;
const MARGIN: i32 = 24;
/// From the top to the first row.
const HEAD: i32 = 116;
const ROW: i32 = 26;
/// From the last row to the notes: ticks, and what they count.
const AXIS: i32 = 54;
const NOTE: i32 = 18;
/// Room for figures, right of the axis.
const FIGURES: i32 = 184;
const LABEL_MAX: i32 = 200;
const GAP: i32 = 12;
/// Least distance of two ticks.
const TICK_GAP: f64 = 44.0;

const NO_RATIO: &str = "No agent of this run has a ratio of WASM to native.";

/// Where the rows are.
struct Layout {
    left: i32,
    right: i32,
    /// Below the last row.
    bottom: i32,
    /// The middle of the first note.
    notes: i32,
    height: i32,
    /// Without one the figures stand beside the labels.
    has_axis: bool,
}

impl Layout {
    fn of(chart: &Chart) -> Self {
        let widths = chart.rows.iter().map(|row| width(&row.label, TEXT_SIZE).ceil() as i32);
        let left = MARGIN + widths.max().unwrap_or(0).clamp(0, LABEL_MAX) + GAP;
        let is_ratio = |row: &Row| row.mark.is_some() && row.kind != Kind::Geomean;
        let has_axis = chart.rows.iter().any(is_ratio);
        let right = if has_axis { WIDTH - MARGIN - FIGURES - GAP } else { left };
        let bottom = HEAD + ROW * chart.rows.len() as i32;
        let notes = bottom + if has_axis { AXIS } else { NOTE };
        let height = notes + NOTE * chart.notes.len() as i32 + MARGIN / 2;
        Self { left, right, bottom, notes, height, has_axis }
    }

    /// The middle of row `index`.
    fn middle(index: usize) -> i32 {
        HEAD + ROW * index as i32 + ROW / 2
    }
}

/// The chart, drawn.
pub(super) fn draw(chart: &Chart) -> Drawn<Sheet> {
    let layout = Layout::of(chart);
    let mut svg = String::new();
    {
        let size = (WIDTH as u32, layout.height as u32);
        let area = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        paper::card(&area, WIDTH, layout.height)?;
        words(&area, chart, &layout)?;
        if layout.has_axis {
            let marks: Vec<Mark> = chart.rows.iter().filter_map(|row| row.mark).collect();
            let axis = Axis::over(&marks, &layout);
            axis.draw(&area, chart, &layout)?;
            for (index, row) in chart.rows.iter().enumerate() {
                axis.mark(&area, row, Layout::middle(index))?;
            }
        } else {
            let font = Font { size: TEXT_SIZE, ink: WORDS, ..Font::PLAIN };
            text(&area, NO_RATIO, (MARGIN, HEAD - ROW / 2), font)?;
        }
        area.present()?;
    }
    Ok(Sheet::new(chart.title, svg))
}

/// Everything that is read and needs no axis.
fn words(area: &Area, chart: &Chart, layout: &Layout) -> Drawn {
    let title = Font { size: TITLE_SIZE, ink: WORDS, is_bold: true, ..Font::PLAIN };
    text(area, chart.title, (MARGIN, 30), title)?;
    let whole = f64::from(WIDTH - 2 * MARGIN);
    for (subtitle, y) in chart.subtitles.iter().zip([54, 72]) {
        text(area, &fit(subtitle, SMALL_SIZE, whole), (MARGIN, y), Font::PLAIN)?;
    }
    for (index, row) in chart.rows.iter().enumerate() {
        let y = Layout::middle(index);
        let (label, figure) = inks(row);
        let is_bold = row.kind == Kind::Geomean;
        let font = Font { size: TEXT_SIZE, ink: label, is_bold, ..Font::PLAIN };
        let label = fit(&row.label, TEXT_SIZE, f64::from(LABEL_MAX));
        let at = (layout.left - GAP, y);
        text(area, &label, at, Font { anchor: HPos::Right, ..font })?;
        let words = fit(&row.figure, TEXT_SIZE, f64::from(FIGURES));
        text(area, &words, (layout.right + GAP, y), Font { ink: figure, ..font })?;
    }
    for (index, note) in chart.notes.iter().enumerate() {
        let y = layout.notes + NOTE * index as i32;
        text(area, &fit(note, SMALL_SIZE, whole), (MARGIN, y), Font::PLAIN)?;
    }
    Ok(())
}

/// The colours of a row's label and of its figure.
fn inks(row: &Row) -> (Ink, Ink) {
    match row.kind {
        Kind::Agent => (WORDS, WORDS),
        Kind::Without => (WORDS, WITHOUT),
        Kind::Geomean => (GEOMEAN, GEOMEAN),
        Kind::Apparatus => (APPARATUS, APPARATUS),
    }
}

/// From ratios to places.
struct Axis {
    scale: LogCoord<f64>,
    lower: f64,
    upper: f64,
    span: (i32, i32),
}

impl Axis {
    /// From a bit below native to a bit above every bound.
    fn over(marks: &[Mark], layout: &Layout) -> Self {
        let bounds = |mark: &Mark| mark.bounds.map_or([mark.ratio; 2], |(l, u)| [l, u]);
        let values = || marks.iter().flat_map(bounds).chain(marks.iter().map(|mark| mark.ratio));
        let lower = values().fold(1.0, f64::min) / 1.06;
        let upper = values().fold(1.5, f64::max) * 1.08;
        let scale = (lower..upper).log_scale().into();
        Self { scale, lower, upper, span: (layout.left, layout.right) }
    }

    fn x(&self, ratio: f64) -> i32 {
        self.scale.map(&ratio, self.span)
    }

    /// The round ratios that get a line: the most that leave room for their labels.
    fn ticks(&self) -> Vec<f64> {
        const STEPS: [&[&str]; 5] = [
            &[
                "1", "1.1", "1.2", "1.3", "1.4", "1.5", "1.6", "1.7", "1.8", "1.9", "2", "2.2",
                "2.4", "2.6", "2.8", "3", "3.5", "4", "4.5", "5", "6", "7", "8", "9",
            ],
            &["1", "1.2", "1.5", "2", "2.5", "3", "4", "5", "6", "8"],
            &["1", "1.5", "2", "3", "5", "7"],
            &["1", "2", "5"],
            &["1"],
        ];
        let decades = self.lower.log10().floor() as i32..=self.upper.log10().floor() as i32;
        let over = |steps: &[&str]| -> Vec<f64> {
            let ticks = decades
                .clone()
                .flat_map(|decade| steps.iter().map(move |step| format!("{step}e{decade}")));
            let ticks = ticks.map(|tick| tick.parse().expect("a number of ours"));
            ticks.filter(|tick| (self.lower..=self.upper).contains(tick)).collect()
        };
        let has_room = |ticks: &Vec<f64>| {
            ticks.windows(2).all(|two| f64::from(self.x(two[1]) - self.x(two[0])) >= TICK_GAP)
        };
        STEPS.iter().map(|steps| over(steps)).find(has_room).unwrap_or_default()
    }

    fn draw(&self, area: &Area, chart: &Chart, layout: &Layout) -> Drawn {
        let top = HEAD - 4;
        for tick in self.ticks() {
            let x = self.x(tick);
            line(area, [(x, top), (x, layout.bottom)], GRID.line(1))?;
            let font = Font { anchor: HPos::Center, ..Font::PLAIN };
            text(area, &format!("{tick}x"), (x, layout.bottom + 12), font)?;
        }
        for index in 0..chart.rows.len() {
            let y = Layout::middle(index);
            line(area, [(layout.left, y), (layout.right, y)], GRID.line(1))?;
        }
        line(area, [(layout.left, layout.bottom), (layout.right, layout.bottom)], BORDER.line(1))?;
        let native = self.x(1.0);
        line(area, [(native, top), (native, layout.bottom)], WORDS.line(2))?;
        let font = Font { ink: WORDS, anchor: HPos::Center, ..Font::PLAIN };
        text(area, "native", (native, top - 9), font)?;
        let geomean = chart.rows.iter().position(|row| row.kind == Kind::Geomean);
        if let Some((index, mark)) = geomean.and_then(|i| Some((i, chart.rows[i].mark?))) {
            let x = self.x(mark.ratio);
            let ends = [(x, top), (x, Layout::middle(index))];
            area.draw(&DashedPathElement::new(ends, 5, 4, GEOMEAN.line(1)))?;
        }
        let legend =
            "ratio of call times, WASM over native, on a logarithmic scale; less is better";
        text(area, legend, (layout.left, layout.bottom + 32), Font::PLAIN)
    }

    /// The dot and the whisker of a row, if it has them.
    fn mark(&self, area: &Area, row: &Row, y: i32) -> Drawn {
        let Some(mark) = row.mark else { return Ok(()) };
        let ink = match row.kind {
            Kind::Agent | Kind::Without => AGENT,
            Kind::Geomean => GEOMEAN,
            Kind::Apparatus => APPARATUS,
        };
        if let Some((lower, upper)) = mark.bounds {
            let (lower, upper) = (self.x(lower), self.x(upper));
            line(area, [(lower, y), (upper, y)], ink.line(2))?;
            for x in [lower, upper] {
                line(area, [(x, y - 6), (x, y + 6)], ink.line(2))?;
            }
        }
        let dot = (self.x(mark.ratio), y);
        if mark.is_hollow {
            area.draw(&Circle::new(dot, 4, CARD.light().filled()))?;
            return area.draw(&Circle::new(dot, 4, ink.line(2)));
        }
        area.draw(&Circle::new(dot, 4, ink.light().filled()))
    }
}
