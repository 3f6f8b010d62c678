//! Lines over two axes: series with whiskers, shaded stages, envelopes. A legend stands above, in
//! the order of the series, and each series has a mark of its own beside its colour.

use super::frame::{self, FIRST_LINE, LINE, MARGIN, ROOM, WIDTH};
use super::paper::{
    self, ASIDE, Area, BORDER, CARD, Font, GREY, GRID, Ink, SERIES, SMALL_SIZE, STAGES, WORDS, fit,
    lines, text, width,
};
use super::scale::{Axis, Fitted, Scale, words};
use super::{ChartError, Drawn, Sheet};
use crate::table::{Table, Tone};
use plotters::element::{Circle, DashedPathElement, PathElement, Polygon, Rectangle};
use plotters::prelude::Color;
use plotters::style::text_anchor::HPos;

/// A point.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// Across.
    pub x: f64,
    /// Up; no number at a place where nothing was measured, over which no line leads.
    pub y: f64,
    /// The interval of `y`.
    pub bounds: Option<(f64, f64)>,
}

impl Point {
    /// Nothing was measured at `x`.
    pub const fn gap(x: f64) -> Self {
        Self { x, y: f64::NAN, bounds: None }
    }

    /// True where nothing was measured.
    pub fn is_gap(&self) -> bool {
        !self.y.is_finite()
    }
}

/// How a series is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// A line with a mark at each point.
    Marks,
    /// A line alone: for many points.
    Line,
    /// Small dots without a line: for raw readings.
    Dots,
    /// A broken line: for what was computed and not measured, or lies on another line.
    Dashed,
}

/// Points that belong together.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// Its name.
    pub label: String,
    /// From left to right.
    pub points: Vec<Point>,
    /// How it is drawn.
    pub look: Look,
}

impl Series {
    /// What was measured of it.
    pub fn known(&self) -> impl Iterator<Item = &Point> {
        self.points.iter().filter(|point| !point.is_gap())
    }
}

/// A stretch of the horizontal axis with a name.
#[derive(Debug, Clone, PartialEq)]
pub struct Stage {
    /// Its name.
    pub name: String,
    /// Where it begins.
    pub from: f64,
    /// Where it ends.
    pub to: f64,
}

/// A chart of lines. Texts are cut to their room and escaped, not cleaned: give clean ones.
#[derive(Debug, Clone, PartialEq)]
pub struct Plane {
    /// What it shows.
    pub title: String,
    /// How to read it.
    pub subtitle: String,
    /// Across.
    pub x: Axis,
    /// Up.
    pub y: Axis,
    /// Shaded stretches.
    pub stages: Vec<Stage>,
    /// An area between two lines: x, lower, upper.
    pub envelope: Vec<(f64, f64, f64)>,
    /// The lines.
    pub series: Vec<Series>,
    /// Lines of text below.
    pub notes: Vec<String>,
}

const PLOT: i32 = 260;
const LEFT: i32 = 92;
const RIGHT: i32 = WIDTH - MARGIN - 8;
const LEGEND_ROW: i32 = 20;
/// More points than pixels say nothing more.
const POINTS_MAX: usize = 600;
/// Up to so many dots, each is a larger one.
const DOTS_MAX: usize = 100;
/// Rows of a data table.
const ROWS_MAX: usize = 60;
/// Half of the distance between whiskers of neighbouring series.
const ASIDE_PX: i32 = 3;
/// Half the length of a whisker's end.
const CAP: i32 = 5;

/// Where things stand.
struct Layout {
    subtitles: Vec<String>,
    notes: Vec<String>,
    /// Middles of legend entries, with the index of the series.
    legend: Vec<(usize, i32, i32)>,
    top: i32,
    bottom: i32,
    height: i32,
}

impl Layout {
    fn of(plane: &Plane) -> Self {
        let subtitles = lines(&plane.subtitle, SMALL_SIZE, ROOM);
        let mut y = FIRST_LINE + LINE * subtitles.len() as i32 + 4;
        let mut x = MARGIN;
        let mut legend = Vec::new();
        for (i, series) in plane.series.iter().enumerate() {
            let wide = 44 + width(&series.label, SMALL_SIZE).ceil() as i32;
            if x > MARGIN && x + wide > WIDTH - MARGIN {
                (x, y) = (MARGIN, y + LEGEND_ROW);
            }
            legend.push((i, x, y));
            x += wide;
        }
        // The vertical axis' title, and names of stages.
        let top = y + 44 + if plane.stages.is_empty() { 0 } else { 16 };
        let bottom = top + PLOT;
        let notes: Vec<String> =
            plane.notes.iter().flat_map(|note| lines(note, SMALL_SIZE, ROOM)).collect();
        let height = bottom + 48 + LINE * notes.len() as i32 + MARGIN / 2;
        Self { subtitles, notes, legend, top, bottom, height }
    }
}

/// The axes, fitted.
#[derive(Clone, Copy)]
struct Grid {
    x: Fitted,
    y: Fitted,
    /// Pixels to the right.
    shift: i32,
}

impl Grid {
    fn over(plane: &Plane, layout: &Layout) -> Option<Self> {
        let points = || plane.series.iter().flat_map(|series| &series.points);
        let stages = plane.stages.iter().flat_map(|stage| [stage.from, stage.to]);
        let xs = points().map(|point| point.x).chain(stages);
        let last = xs.clone().filter(|x| x.is_finite()).fold(0.0, f64::max);
        let bounds = points().filter_map(|point| point.bounds).flat_map(|(l, u)| [l, u]);
        let area = plane.envelope.iter().flat_map(|(_, lower, upper)| [*lower, *upper]);
        let ys = points().map(|point| point.y).chain(bounds).chain(area);
        Some(Self {
            x: Fitted::over(&plane.x, xs.clone(), (LEFT, RIGHT))?.tight(last),
            y: Fitted::over(&plane.y, ys, (layout.bottom, layout.top))?,
            shift: 0,
        })
    }

    fn shifted(&self, shift: i32) -> Self {
        Self { shift, ..*self }
    }

    fn at(&self, x: f64, y: f64) -> Option<(i32, i32)> {
        Some((self.x.at(x)? + self.shift, self.y.at(y)?))
    }
}

impl Plane {
    /// The chart.
    ///
    /// # Errors
    /// The backend's.
    pub fn draw(&self) -> Result<Sheet, ChartError> {
        let layout = Layout::of(self);
        frame::sheet(&self.title, layout.height, |area| {
            self.words(area, &layout)?;
            let Some(grid) = Grid::over(self, &layout) else {
                let at = (LEFT, (layout.top + layout.bottom) / 2);
                return text(area, "No figure that these axes can show.", at, Font::PLAIN);
            };
            self.stages(area, &grid, &layout)?;
            self.grid(area, &grid, &layout)?;
            self.envelope(area, &grid)?;
            let mut all = self.series.iter().zip(self.shifts()).enumerate();
            all.try_for_each(|(i, (series, shift))| {
                draw_series(area, &grid.shifted(shift), series, i)
            })
        })
    }

    /// By how many pixels each series stands aside, so that whiskers do not hide each other.
    fn shifts(&self) -> Vec<i32> {
        let has_whiskers = |series: &Series| {
            series.look == Look::Marks && series.points.iter().any(|p| p.bounds.is_some())
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

    /// Everything that is read and needs no axis.
    fn words(&self, area: &Area, layout: &Layout) -> Drawn {
        frame::head(area, &self.title, &layout.subtitles)?;
        for (i, x, y) in &layout.legend {
            let series = &self.series[*i];
            legend_mark(area, series.look, *i, (*x, *y))?;
            let font = Font { ink: WORDS, ..Font::PLAIN };
            text(area, &series.label, (x + 30, *y), font)?;
        }
        let font = Font { ink: ASIDE, ..Font::PLAIN };
        let above = if self.stages.is_empty() { 14 } else { 30 };
        text(area, &self.y.title, (MARGIN, layout.top - above), font)?;
        let across = Font { anchor: HPos::Right, ..font };
        text(area, &self.x.title, (RIGHT, layout.bottom + 36), across)?;
        frame::lines(area, &layout.notes, layout.bottom + 58)
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
        for (value, words) in grid.y.ticks(28.0) {
            let Some(y) = grid.y.at(value) else { continue };
            paper::line(area, [(LEFT, y), (RIGHT, y)], GRID.line(1))?;
            let font = Font { anchor: HPos::Right, ..Font::PLAIN };
            text(area, &words, (LEFT - 8, y), font)?;
        }
        for (value, words) in grid.x.ticks(64.0) {
            let Some(x) = grid.x.at(value) else { continue };
            paper::line(area, [(x, layout.top), (x, layout.bottom)], GRID.line(1))?;
            let font = Font { anchor: HPos::Center, ..Font::PLAIN };
            text(area, &words, (x, layout.bottom + 14), font)?;
        }
        paper::line(area, [(LEFT, layout.bottom), (RIGHT, layout.bottom)], BORDER.line(1))
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
    pub fn table(&self) -> Table {
        let mut xs: Vec<f64> =
            self.series.iter().flat_map(|series| &series.points).map(|point| point.x).collect();
        xs.sort_by(f64::total_cmp);
        xs.dedup();
        let all = xs.len();
        if all > ROWS_MAX {
            let chosen = (0..ROWS_MAX).map(|i| xs[i * (all - 1) / (ROWS_MAX - 1)]);
            xs = chosen.collect();
        }
        let mut columns = vec![format!("<{}", self.x.title)];
        columns.extend(self.series.iter().map(|series| series.label.clone()));
        let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
        let mut table = Table::new(&self.title, &columns);
        for x in xs {
            let place = match self.x.scale {
                Scale::Nines => format!("{} %", rounded(x * 100.0)),
                _ => words(self.x.unit, x),
            };
            let cells = self.series.iter().map(|series| {
                let point = series.points.iter().find(|point| point.x == x);
                let point = point.filter(|point| !point.is_gap());
                point.map_or(String::new(), |point| self.figure(point))
            });
            table.row(Tone::Plain, std::iter::once(place).chain(cells));
        }
        if all > ROWS_MAX {
            let text = format!("{ROWS_MAX} of {all} places, evenly chosen.");
            table.note(Tone::Plain, &text);
        }
        table
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

/// Without the digits that binary fractions add.
fn rounded(value: f64) -> f64 {
    (value * 1e7).round() / 1e7
}

fn ink(index: usize, look: Look) -> Ink {
    match look {
        Look::Dots => GREY,
        _ => SERIES[index % SERIES.len()],
    }
}

/// A mark whose shape tells series apart without colour.
fn mark(area: &Area, index: usize, (x, y): (i32, i32), ink: Ink) -> Drawn {
    let r = 4;
    let style = ink.light().filled();
    match index % 4 {
        0 => area.draw(&Circle::new((x, y), r, style)),
        1 => area.draw(&Rectangle::new([(x - r, y - r), (x + r, y + r)], style)),
        2 => area.draw(&Polygon::new(
            [(x, y - r - 1), (x + r + 1, y + r), (x - r - 1, y + r)].to_vec(),
            style,
        )),
        _ => {
            area.draw(&Circle::new((x, y), r, CARD.light().filled()))?;
            area.draw(&Circle::new((x, y), r, ink.line(2)))
        }
    }
}

fn legend_mark(area: &Area, look: Look, index: usize, (x, y): (i32, i32)) -> Drawn {
    let ink = ink(index, look);
    let ends = [(x, y), (x + 24, y)];
    match look {
        Look::Dashed => area.draw(&DashedPathElement::new(ends, 5, 4, ink.line(2))),
        Look::Line => paper::line(area, ends, ink.line(2)),
        Look::Dots => area.draw(&Circle::new((x + 12, y), 2, ink.light().filled())),
        Look::Marks => {
            paper::line(area, ends, ink.line(2))?;
            mark(area, index, (x + 12, y), ink)
        }
    }
}

fn draw_series(area: &Area, grid: &Grid, series: &Series, index: usize) -> Drawn {
    let ink = ink(index, series.look);
    let runs = series.points.split(Point::is_gap);
    let runs: Vec<Vec<Point>> = runs.map(|run| thinned(run, series.points.len())).collect();
    let place = |point: &Point| grid.at(point.x, point.y);
    if series.look == Look::Dots {
        let places: Vec<(i32, i32)> = runs.iter().flatten().filter_map(place).collect();
        let r = if places.len() > DOTS_MAX { 2 } else { 3 };
        let style = ink.light().mix(0.6).filled();
        return places.iter().try_for_each(|at| area.draw(&Circle::new(*at, r, style)));
    }
    for run in &runs {
        // What the axes cannot show, such as 0 on a logarithmic one, ends a line too.
        let places: Vec<Option<(i32, i32)>> = run.iter().map(place).collect();
        for line in places.split(Option::is_none).filter(|line| !line.is_empty()) {
            draw_line(area, series.look, ink, line.iter().flatten().copied().collect())?;
        }
    }
    if series.look == Look::Dashed {
        return Ok(());
    }
    for point in runs.iter().flatten() {
        let Some((lower, upper)) = point.bounds else { continue };
        let ends = [grid.at(point.x, lower), grid.at(point.x, upper)];
        let [Some((x, lower)), Some((_, upper))] = ends else { continue };
        paper::line(area, [(x, lower), (x, upper)], ink.line(1))?;
        for y in [lower, upper] {
            paper::line(area, [(x - CAP, y), (x + CAP, y)], ink.line(1))?;
        }
    }
    if series.look == Look::Marks {
        let places = runs.iter().flatten().filter_map(place);
        places.into_iter().try_for_each(|place| mark(area, index, place, ink))?;
    }
    Ok(())
}

/// A line through `places`; a small dot where there is but one.
fn draw_line(area: &Area, look: Look, ink: Ink, places: Vec<(i32, i32)>) -> Drawn {
    match (look, places.as_slice()) {
        (Look::Marks, [_]) => Ok(()),
        (_, [place]) => area.draw(&Circle::new(*place, 2, ink.light().filled())),
        (Look::Dashed, _) => area.draw(&DashedPathElement::new(places, 6, 5, ink.line(2))),
        _ => area.draw(&PathElement::new(places, ink.line(2))),
    }
}

/// Where a series has many points, `of` in all, the least and the greatest of each stretch of
/// `points`, so that no peak is lost.
fn thinned(points: &[Point], of: usize) -> Vec<Point> {
    if of <= POINTS_MAX {
        return points.to_vec();
    }
    let stretch = of.div_ceil(POINTS_MAX / 2);
    let ends = |points: &[Point]| {
        let by = |a: &(usize, &Point), b: &(usize, &Point)| a.1.y.total_cmp(&b.1.y);
        let (low, _) = points.iter().enumerate().min_by(by).expect("a stretch has points");
        let (high, _) = points.iter().enumerate().max_by(by).expect("a stretch has points");
        let mut both = vec![low.min(high), low.max(high)];
        both.dedup();
        both.into_iter().map(|i| points[i]).collect::<Vec<_>>()
    };
    points.chunks(stretch).flat_map(ends).collect()
}
