//! Lines over two axes: series with whiskers, shaded stages, envelopes. A legend stands above, in
//! the order of the series, and each series has a mark of its own beside its colour.

use super::frame::{self, Format, LINE, SheetHead};
use super::paper::{
    self, ASIDE, Area, BORDER, Font, GREY, GRID, RED, SMALL_SIZE, STAGES, WORDS, fit, lines, text,
    width,
};
use super::paper::{ChartError, Drawn, Sheet};
use super::scale::{Axis, Fitted, Scale, words};
use super::series::{Grid, Point, Room, Series, Size, draw_series, legend_mark};
use crate::table::{Table, Tone};
use plotters::element::{DashedPathElement, Polygon};
use plotters::prelude::Color;
use plotters::style::text_anchor::HPos;

/// A stretch of the horizontal axis with a name.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Stage {
    pub(crate) name: String,
    pub(crate) from: f64,
    pub(crate) to: f64,
}

/// Words on a point, shown while the pointer is over it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Hint {
    pub(crate) x: f64,
    pub(crate) y: f64,
    pub(crate) words: String,
}

/// What is asked of the values: a line across.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Demand {
    pub(crate) y: f64,
    /// Where across it ends; none for all along.
    pub(crate) to: Option<f64>,
    pub(crate) words: String,
}

/// A chart of lines. Texts are cut to their room and escaped, not cleaned: give clean ones.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Plane {
    pub(crate) title: String,
    pub(crate) subtitle: String,
    pub(crate) x: Axis,
    pub(crate) y: Axis,
    pub(crate) stages: Vec<Stage>,
    /// An area between two lines: x, lower, upper.
    pub(crate) envelope: Vec<(f64, f64, f64)>,
    pub(crate) series: Vec<Series>,
    pub(crate) bounds: Vec<Demand>,
    /// On a sheet each point has one of its own beside these.
    pub(crate) hints: Vec<Hint>,
    pub(crate) notes: Vec<String>,
    pub(crate) size: Size,
}

const LEGEND_ROW: i32 = 20;
const ROWS_MAX: usize = 60;
/// Half of the distance between whiskers of neighbouring series.
const ASIDE_PX: i32 = 3;
const SMALL_EDGE: i32 = 8;

struct Layout {
    format: Format,
    room: Room,
    head: SheetHead,
    notes: Vec<String>,
    /// Middles of legend entries, with the index of the series.
    legend: Vec<(usize, i32, i32)>,
    top: i32,
    bottom: i32,
    height: i32,
}

impl Layout {
    fn of(plane: &Plane, format: Format) -> Self {
        let room = plane.size.room(format);
        let head = SheetHead::new(format, &plane.title, &plane.subtitle);
        if plane.size == Size::Small {
            let bottom = SMALL_EDGE + room.plot;
            let (legend, top, height) = (Vec::new(), SMALL_EDGE, bottom + SMALL_EDGE);
            return Self { format, room, head, notes: Vec::new(), legend, top, bottom, height };
        }
        let margin = format.margin();
        let mut y = head.end() + 4;
        let mut x = margin;
        let mut legend = Vec::new();
        for (i, series) in plane.series.iter().enumerate() {
            let wide = 44 + width(&series.label, SMALL_SIZE).ceil() as i32;
            if x > margin && x + wide > format.width() - margin {
                (x, y) = (margin, y + LEGEND_ROW);
            }
            legend.push((i, x, y));
            x += wide;
        }
        // The vertical axis' title, and names of stages.
        let top = y + 44 + if plane.stages.is_empty() { 0 } else { 16 };
        let bottom = top + room.plot;
        let notes: Vec<String> =
            plane.notes.iter().flat_map(|note| lines(note, SMALL_SIZE, format.room())).collect();
        let height = bottom + 48 + LINE * notes.len() as i32 + 12;
        Self { format, room, head, notes, legend, top, bottom, height }
    }
}

impl Plane {
    /// A sheet of `series` and nothing else.
    pub(crate) fn new(title: &str, subtitle: &str, x: Axis, y: Axis, series: Vec<Series>) -> Self {
        Self {
            title: title.to_owned(),
            subtitle: subtitle.to_owned(),
            x,
            y,
            stages: Vec::new(),
            envelope: Vec::new(),
            series,
            bounds: Vec::new(),
            hints: Vec::new(),
            notes: Vec::new(),
            size: Size::Sheet,
        }
    }

    /// The chart.
    ///
    /// # Errors
    /// The backend's.
    pub(crate) fn draw(&self) -> Result<Sheet, ChartError> {
        self.draw_on(Format::Wide)
    }

    pub(super) fn draw_on(&self, format: Format) -> Result<Sheet, ChartError> {
        let layout = Layout::of(self, format);
        let grid = self.axes(&layout);
        let plot = |area: &Area| {
            let Some(grid) = grid else {
                let at = (layout.room.left, (layout.top + layout.bottom) / 2);
                return text(area, "No figure that these axes can show.", at, Font::PLAIN);
            };
            self.stages(area, &grid, &layout)?;
            self.grid(area, &grid, &layout)?;
            self.envelope(area, &grid)?;
            self.bounds(area, &grid, &layout)?;
            let mut all = self.series.iter().zip(self.shifts()).enumerate();
            all.try_for_each(|(i, (series, shift))| {
                let hue = series.hue.unwrap_or(i);
                draw_series(area, &grid.shifted(shift), &layout.room, series, hue)
            })
        };
        let mut sheet = match self.size {
            Size::Sheet => frame::sheet(&self.title, format, layout.height, |area| {
                self.words(area, &layout)?;
                plot(area)
            }),
            Size::Small => frame::bare_sheet(&self.title, (layout.room.width, layout.height), plot),
        }?;
        let Some(grid) = grid else { return Ok(sheet) };
        for hint in &self.hints {
            if let Some(at) = grid.at(hint.x, hint.y) {
                sheet.hint(at, &hint.words);
            }
        }
        if self.size == Size::Sheet {
            for (series, shift) in self.series.iter().zip(self.shifts()) {
                self.hint_at_points(&mut sheet, &grid.shifted(shift), series);
            }
        }
        Ok(sheet)
    }

    /// What each point of `series` is, of many an even choice.
    fn hint_at_points(&self, sheet: &mut Sheet, grid: &Grid, series: &Series) {
        let known: Vec<&Point> = series.known().collect();
        for point in chosen(&known) {
            let Some(at) = grid.at(point.x, point.y) else { continue };
            let (place, figure) = (self.place(point.x), self.figure(point));
            sheet.hint(at, &format!("{}, at {place}: {figure}", series.label));
        }
    }

    fn axes(&self, layout: &Layout) -> Option<Grid> {
        let points = || self.series.iter().flat_map(|series| &series.points);
        let stages = self.stages.iter().flat_map(|stage| [stage.from, stage.to]);
        let xs = points().map(|point| point.x).chain(stages);
        let last = xs.clone().filter(|x| x.is_finite()).fold(0.0, f64::max);
        let bounds = points().filter_map(|point| point.bounds).flat_map(|(l, u)| [l, u]);
        let area = self.envelope.iter().flat_map(|(_, lower, upper)| [*lower, *upper]);
        let asked = self.bounds.iter().map(|bound| bound.y);
        let ys = points().map(|point| point.y).chain(bounds).chain(area).chain(asked);
        Some(Grid {
            x: Fitted::over(&self.x, xs.clone(), (layout.room.left, layout.room.right))?
                .tight(last),
            y: Fitted::over(&self.y, ys, (layout.bottom, layout.top))?,
            shift: 0,
        })
    }

    /// By how many pixels each series stands aside, so that whiskers do not hide each other.
    fn shifts(&self) -> Vec<i32> {
        let has_whiskers = |series: &Series| {
            self.size == Size::Sheet
                && series.look.has_marks()
                && series.points.iter().any(|p| p.bounds.is_some())
        };
        let count = self.series.iter().filter(|series| has_whiskers(series)).count() as i32;
        let mut next = 0;
        let mut shift = |series: &Series| {
            if !has_whiskers(series) {
                return 0;
            }
            next += 1;
            (2 * next - 1 - count) * ASIDE_PX
        };
        self.series.iter().map(&mut shift).collect()
    }

    fn words(&self, area: &Area, layout: &Layout) -> Drawn {
        layout.head.draw(area)?;
        for (i, x, y) in &layout.legend {
            let series = &self.series[*i];
            legend_mark(area, series.look, series.hue.unwrap_or(*i), (*x, *y))?;
            let font = Font { ink: WORDS, ..Font::PLAIN };
            let room = layout.format.room() - 30.0;
            text(area, &fit(&series.label, SMALL_SIZE, room), (x + 30, *y), font)?;
        }
        let font = Font { ink: ASIDE, ..Font::PLAIN };
        let above = if self.stages.is_empty() { 14 } else { 30 };
        text(area, &self.y.title, (layout.format.margin(), layout.top - above), font)?;
        let across = Font { anchor: HPos::Right, ..font };
        text(area, &self.x.title, (layout.room.right, layout.bottom + 36), across)?;
        frame::lines(area, layout.format, &layout.notes, layout.bottom + 58)
    }

    fn bounds(&self, area: &Area, grid: &Grid, layout: &Layout) -> Drawn {
        let Room { left, right, .. } = layout.room;
        for bound in &self.bounds {
            let Some(y) = grid.y.at(bound.y) else { continue };
            let end = bound.to.map_or(Some(right), |to| grid.x.at(to)).unwrap_or(right);
            let ends = [(left, y), (end, y)];
            area.draw(&DashedPathElement::new(ends, 2, 3, RED.line(1)))?;
            let words = fit(&bound.words, SMALL_SIZE, f64::from(right - left));
            text(area, &words, (left + 4, y - 9), Font { ink: RED, ..Font::PLAIN })?;
        }
        Ok(())
    }

    fn stages(&self, area: &Area, grid: &Grid, layout: &Layout) -> Drawn {
        for (i, stage) in self.stages.iter().enumerate() {
            let (Some(from), Some(to)) = (grid.x.at(stage.from), grid.x.at(stage.to)) else {
                continue;
            };
            let corners = [(from, layout.top), (to, layout.bottom)];
            paper::fill(area, corners, STAGES[i % STAGES.len()])?;
            let room = f64::from(to - from - 4);
            let name = fit(&stage.name, SMALL_SIZE, room);
            if name.chars().count() > 1 {
                let font = Font { anchor: HPos::Center, ..Font::PLAIN };
                text(area, &name, ((from + to) / 2, layout.top - 9), font)?;
            }
        }
        Ok(())
    }

    fn grid(&self, area: &Area, grid: &Grid, layout: &Layout) -> Drawn {
        let Room { left, right, .. } = layout.room;
        for (value, words) in grid.y.ticks(28.0) {
            let Some(y) = grid.y.at(value) else { continue };
            paper::line(area, [(left, y), (right, y)], GRID.line(1))?;
            let font = Font { anchor: HPos::Right, ..Font::PLAIN };
            text(area, &words, (left - 8, y), font)?;
        }
        let across = if self.size == Size::Small { Vec::new() } else { grid.x.ticks(64.0) };
        for (value, words) in across {
            let Some(x) = grid.x.at(value) else { continue };
            paper::line(area, [(x, layout.top), (x, layout.bottom)], GRID.line(1))?;
            let font = Font { anchor: HPos::Center, ..Font::PLAIN };
            text(area, &words, (x, layout.bottom + 14), font)?;
        }
        paper::line(area, [(left, layout.bottom), (right, layout.bottom)], BORDER.line(1))
    }

    fn envelope(&self, area: &Area, grid: &Grid) -> Drawn {
        let lower = self.envelope.iter().filter_map(|(x, lower, _)| grid.at(*x, *lower));
        let upper = self.envelope.iter().rev().filter_map(|(x, _, upper)| grid.at(*x, *upper));
        let outline: Vec<(i32, i32)> = lower.chain(upper).collect();
        if outline.len() < 3 {
            return Ok(());
        }
        area.draw(&Polygon::new(outline, GREY.light().mix(0.22).filled()))
    }

    /// Its numbers: a row per place across, of many an even choice.
    pub(crate) fn table(&self) -> Table {
        let mut xs: Vec<f64> =
            self.series.iter().flat_map(|series| &series.points).map(|point| point.x).collect();
        xs.sort_by(f64::total_cmp);
        xs.dedup();
        let all = xs.len();
        let xs = chosen(&xs);
        let mut columns = vec![format!("<{}", self.x.title)];
        columns.extend(self.series.iter().map(|series| series.label.clone()));
        let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
        let mut table = Table::new(&self.title, &columns);
        for x in xs {
            let cells = self.series.iter().map(|series| {
                let point = series.points.iter().find(|point| point.x == x);
                let point = point.filter(|point| !point.is_gap());
                point.map_or(String::new(), |point| self.figure(point))
            });
            table.row(Tone::Plain, std::iter::once(self.place(x)).chain(cells));
        }
        if all > ROWS_MAX {
            let text = format!("{ROWS_MAX} of {all} places, evenly chosen.");
            table.note(Tone::Plain, &text);
        }
        table
    }

    fn place(&self, x: f64) -> String {
        match self.x.scale {
            Scale::Nines => format!("{} %", rounded(x * 100.0)),
            _ => words(self.x.unit, x),
        }
    }

    fn figure(&self, point: &Point) -> String {
        let show = |value| self.y.unit.show(value);
        match point.bounds {
            Some((lower, upper)) => {
                format!("{} [{}, {}]", show(point.y), show(lower), show(upper))
            }
            None => show(point.y),
        }
    }
}

/// All of `values`, or of many [`ROWS_MAX`], evenly chosen, with the first and the last.
fn chosen<T: Copy>(values: &[T]) -> Vec<T> {
    let all = values.len();
    if all <= ROWS_MAX {
        return values.to_vec();
    }
    (0..ROWS_MAX).map(|i| values[i * (all - 1) / (ROWS_MAX - 1)]).collect()
}

fn rounded(value: f64) -> f64 {
    (value * 1e7).round() / 1e7
}

#[cfg(test)]
#[path = "plane_tests.rs"]
mod tests;
