//! The marks and lines of one series on the axes of its plane.

use super::frame::Format;
use super::paper::Drawn;
use super::paper::{self, Area, CARD, GREY, Ink, SERIES};
use super::scale::Fitted;
use plotters::element::{Circle, DashedPathElement, PathElement, Polygon, Rectangle};
use plotters::prelude::Color;

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Point {
    pub(crate) x: f64,
    /// Up; no number at a place where nothing was measured, over which no line leads.
    pub(crate) y: f64,
    /// The interval of `y`.
    pub(crate) bounds: Option<(f64, f64)>,
    /// True for a value with a reservation, which words tell.
    pub(crate) is_hollow: bool,
}

impl Point {
    /// A value without an interval.
    pub(crate) const fn new(x: f64, y: f64) -> Self {
        Self { x, y, bounds: None, is_hollow: false }
    }

    /// Nothing was measured at `x`.
    pub(crate) const fn gap(x: f64) -> Self {
        Self::new(x, f64::NAN)
    }

    pub(crate) fn is_gap(&self) -> bool {
        !self.y.is_finite()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Look {
    /// A line with a mark at each point.
    Marks,
    /// A line alone: for many points.
    Line,
    /// Small dots without a line: for raw readings.
    Dots,
    /// A broken line: for what was computed and not measured, or lies on another line.
    Dashed,
    /// A broken line with a mark at each point: the other kind of what has the same hue.
    DashedMarks,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Series {
    pub(crate) label: String,
    pub(crate) points: Vec<Point>,
    pub(crate) look: Look,
    /// Which hue and mark it has; none for those of its place among the series.
    pub(crate) hue: Option<usize>,
}

/// Half the width of a mark on a sheet, in pixels.
const MARK: i32 = 4;
/// The most points that get marks: beyond, a line says it.
const MARKED_MAX: usize = 12;

impl Look {
    /// How a line of so many points looks.
    pub(crate) const fn of(points: usize) -> Self {
        if points > MARKED_MAX { Self::Line } else { Self::Marks }
    }

    /// How a broken line of so many points looks.
    pub(crate) const fn dashed(points: usize) -> Self {
        if points > MARKED_MAX { Self::Dashed } else { Self::DashedMarks }
    }

    const fn is_dashed(self) -> bool {
        matches!(self, Self::Dashed | Self::DashedMarks)
    }

    pub(super) const fn has_marks(self) -> bool {
        matches!(self, Self::Marks | Self::DashedMarks)
    }
}

impl Series {
    /// Without intervals; what is no number is a gap.
    pub(crate) fn new(label: &str, points: &[(f64, f64)], look: Look) -> Self {
        let points = points.iter().map(|(x, y)| Point::new(*x, *y));
        Self::of(label, points.collect(), look)
    }

    pub(crate) fn of(label: &str, points: Vec<Point>, look: Look) -> Self {
        Self { label: label.to_owned(), points, look, hue: None }
    }

    /// The same in the hue of series `hue`.
    pub(crate) fn with_hue(self, hue: usize) -> Self {
        Self { hue: Some(hue), ..self }
    }

    /// What was measured of it.
    pub(crate) fn known(&self) -> impl Iterator<Item = &Point> {
        self.points.iter().filter(|point| !point.is_gap())
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Size {
    /// A sheet: title, legend, axes and notes.
    Sheet,
    /// Beside many others on a page that tells the rest: no words but those of the vertical axis.
    Small,
}

/// Where the plot of a size lies, and how large its marks are.
pub(super) struct Room {
    pub(super) width: i32,
    pub(super) left: i32,
    pub(super) right: i32,
    pub(super) plot: i32,
    pub(super) radius: i32,
    /// Half the length of a whisker's end.
    pub(super) cap: i32,
}

impl Size {
    pub(super) const fn room(self, format: Format) -> Room {
        match self {
            Self::Sheet => Room {
                width: format.width(),
                left: if matches!(format, Format::Wide) { 92 } else { 78 },
                right: format.width() - format.margin() - 8,
                plot: 260,
                radius: MARK,
                cap: 5,
            },
            Self::Small => Room { width: 340, left: 72, right: 332, plot: 100, radius: 3, cap: 0 },
        }
    }
}

#[derive(Clone, Copy)]
pub(super) struct Grid {
    pub(super) x: Fitted,
    pub(super) y: Fitted,
    /// Pixels to the right.
    pub(super) shift: i32,
}

impl Grid {
    pub(super) fn shifted(&self, shift: i32) -> Self {
        Self { shift, ..*self }
    }

    pub(super) fn at(&self, x: f64, y: f64) -> Option<(i32, i32)> {
        Some((self.x.at(x)? + self.shift, self.y.at(y)?))
    }
}

/// More points than pixels say nothing more.
const POINTS_MAX: usize = 600;
/// Up to so many dots, each is a larger one.
const DOTS_MAX: usize = 100;

fn ink(index: usize, look: Look) -> Ink {
    match look {
        Look::Dots => GREY,
        _ => SERIES[index % SERIES.len()],
    }
}

/// A mark whose shape tells series apart without colour.
fn mark(area: &Area, index: usize, at: (i32, i32), r: i32, ink: Ink) -> Drawn {
    let (x, y) = at;
    let style = ink.light().filled();
    let far = r + 1;
    match index % 4 {
        0 => area.draw(&Circle::new(at, r, style)),
        1 => area.draw(&Rectangle::new([(x - r, y - r), (x + r, y + r)], style)),
        2 => {
            let corners = [(x, y - far), (x + far, y + r), (x - far, y + r)];
            area.draw(&Polygon::new(corners.to_vec(), style))
        }
        _ => {
            let corners = [(x, y - far), (x + far, y), (x, y + far), (x - far, y)];
            area.draw(&Polygon::new(corners.to_vec(), style))
        }
    }
}

pub(super) fn legend_mark(area: &Area, look: Look, index: usize, at: (i32, i32)) -> Drawn {
    let (x, y) = at;
    let ink = ink(index, look);
    let ends = [(x, y), (x + 24, y)];
    match look {
        Look::Dashed | Look::DashedMarks => {
            area.draw(&DashedPathElement::new(ends, 5, 4, ink.line(2)))?;
            if look.has_marks() { mark(area, index, (x + 12, y), MARK, ink) } else { Ok(()) }
        }
        Look::Line => paper::line(area, ends, ink.line(2)),
        Look::Dots => area.draw(&Circle::new((x + 12, y), 2, ink.light().filled())),
        Look::Marks => {
            paper::line(area, ends, ink.line(2))?;
            mark(area, index, (x + 12, y), MARK, ink)
        }
    }
}

pub(super) fn draw_series(
    area: &Area,
    grid: &Grid,
    room: &Room,
    series: &Series,
    index: usize,
) -> Drawn {
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
        for y in [lower, upper].into_iter().filter(|_| room.cap > 0) {
            paper::line(area, [(x - room.cap, y), (x + room.cap, y)], ink.line(1))?;
        }
    }
    if !series.look.has_marks() {
        return Ok(());
    }
    for point in runs.iter().flatten() {
        let Some(at) = place(point) else { continue };
        mark(area, index, at, room.radius, ink)?;
        if point.is_hollow {
            mark(area, index, at, (room.radius + 1) / 2, CARD)?;
        }
    }
    Ok(())
}

/// A line through `places`; a small dot where there is but one.
fn draw_line(area: &Area, look: Look, ink: Ink, places: Vec<(i32, i32)>) -> Drawn {
    match (look, places.as_slice()) {
        (look, [_]) if look.has_marks() => Ok(()),
        (_, [place]) => area.draw(&Circle::new(*place, 2, ink.light().filled())),
        (look, _) if look.is_dashed() => {
            area.draw(&DashedPathElement::new(places, 6, 5, ink.line(2)))
        }
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
