//! Rows over one axis: a name on the left, a mark with its interval, a figure on the right. Behind
//! the marks there may be grounds from good to bad.

use super::frame::{self, Format, LINE, SheetHead};
use super::paper::{
    self, ASIDE, Area, BLUE, BORDER, CARD, Font, GREEN, GREY, GRID, GROUNDS, Ink, ORANGE, PURPLE,
    RED, SMALL_SIZE, STAGES, TEXT_SIZE, WORDS, fit, lines, text, width,
};
use super::paper::{ChartError, Drawn, Sheet};
use super::scale::{Axis, Fitted, Scale};
use caxton_model::record::{Interval, Summary};
use caxton_model::units::Unit;
use plotters::element::{Circle, DashedPathElement, Rectangle};
use plotters::prelude::Color;
use plotters::style::text_anchor::HPos;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Paint {
    Plain,
    Good,
    Fair,
    Bad,
    Aside,
    /// A mean of the others: a line leads from it up through them.
    Mean,
}

impl Paint {
    const fn ink(self) -> Ink {
        match self {
            Self::Plain => BLUE,
            Self::Good => GREEN,
            Self::Fair => ORANGE,
            Self::Bad => RED,
            Self::Aside => GREY,
            Self::Mean => PURPLE,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Mark {
    pub(crate) value: f64,
    pub(crate) bounds: Option<(f64, f64)>,
    /// True for a value with a reservation, which the notes tell.
    pub(crate) is_hollow: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Row {
    /// On the left; a row without a figure and a mark is a heading.
    pub(crate) label: String,
    pub(crate) mark: Option<Mark>,
    /// Ends of the grounds good, fair and poor; the last one goes on from there.
    pub(crate) grounds: Option<[f64; 3]>,
    pub(crate) figure: String,
    pub(crate) paint: Paint,
}

impl Mark {
    pub(crate) fn of(summary: &Summary) -> Self {
        Self { bounds: bounds(summary.interval), ..Self::new(summary.estimate) }
    }

    pub(crate) const fn new(value: f64) -> Self {
        Self { value, bounds: None, is_hollow: false }
    }
}

/// The ends of an interval.
pub(crate) fn bounds(interval: Option<Interval>) -> Option<(f64, f64)> {
    interval.map(|interval| (interval.lower, interval.upper))
}

impl Row {
    pub(crate) const fn new(label: String, figure: String, paint: Paint) -> Self {
        Self { label, mark: None, grounds: None, figure, paint }
    }

    pub(crate) const fn heading(label: String) -> Self {
        Self::new(label, String::new(), Paint::Plain)
    }

    fn is_heading(&self) -> bool {
        self.mark.is_none() && self.figure.is_empty()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    Dot,
    /// A bar from the line of reference.
    Bar,
}

/// A chart of rows. Texts are cut to their room and escaped, not cleaned: give clean ones.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Rows {
    pub(crate) title: String,
    pub(crate) subtitle: String,
    /// The axis; its title stands below. Where no row has a mark, there is none.
    pub(crate) axis: Axis,
    pub(crate) shape: Shape,
    /// A line to hold marks against, and its name, if it needs one.
    pub(crate) reference: (f64, String),
    /// What lies between these does not matter: shaded, with words in the subtitle.
    pub(crate) band: Option<(f64, f64)>,
    /// What the grounds mean; empty where no row has any.
    pub(crate) grounds: Vec<String>,
    pub(crate) rows: Vec<Row>,
    pub(crate) notes: Vec<String>,
}

const ROW: i32 = 26;
/// Words and mark one below the other.
const TALL_ROW: i32 = 46;
const GAP: i32 = 12;
const LABEL_MAX: i32 = 290;
const FIGURE_MAX: i32 = 290;
const LEGEND_ROW: i32 = 20;

struct Layout {
    format: Format,
    head: SheetHead,
    notes: Vec<String>,
    /// Each ground: its left edge, and its middle.
    legend: Vec<(i32, i32)>,
    top: i32,
    bottom: i32,
    /// The middle of the first note.
    notes_top: i32,
    left: i32,
    right: i32,
    height: i32,
}

impl Layout {
    fn of(rows: &Rows, format: Format) -> Self {
        let head = SheetHead::new(format, &rows.title, &rows.subtitle);
        let margin = format.margin();
        let (mut x, mut y) = (margin, head.end() + 4);
        let mut legend = Vec::new();
        for words in &rows.grounds {
            let wide = 44 + width(words, SMALL_SIZE).ceil() as i32;
            if x > margin && x + wide > format.width() - margin {
                (x, y) = (margin, y + LEGEND_ROW);
            }
            legend.push((x, y));
            x += wide;
        }
        let top = y + if rows.grounds.is_empty() { 18 } else { 40 };
        // A heading goes over the whole width.
        let own = || rows.rows.iter().filter(|row| !row.is_heading());
        let widest = |of: fn(&Row) -> &String, most: i32| {
            let widths = own().map(|row| width(of(row), TEXT_SIZE).ceil() as i32);
            widths.max().unwrap_or(0).clamp(0, most)
        };
        let row = if format == Format::Wide { ROW } else { TALL_ROW };
        let bottom = top + row * rows.rows.len() as i32;
        let notes: Vec<String> =
            rows.notes.iter().flat_map(|note| lines(note, SMALL_SIZE, format.room())).collect();
        let notes_top = bottom + if rows.has_axis() { 60 } else { LINE };
        let height = notes_top - 6 + LINE * notes.len() as i32 + 12;
        let (left, right) = match format {
            Format::Narrow => (margin, format.width() - margin),
            Format::Wide => {
                let left = margin + widest(|row| &row.label, LABEL_MAX) + GAP;
                let figures = widest(|row| &row.figure, FIGURE_MAX);
                // Without an axis, figures stand beside their labels.
                let end = format.width() - margin - figures - GAP;
                (left, if rows.has_axis() { end } else { left })
            }
        };
        Self { format, head, notes, legend, top, bottom, notes_top, left, right, height }
    }

    /// The middle of a row's words.
    fn words(&self, index: usize) -> i32 {
        match self.format {
            Format::Wide => self.top + ROW * index as i32 + ROW / 2,
            Format::Narrow => self.top + TALL_ROW * index as i32 + 13,
        }
    }

    /// The middle of a row's mark.
    fn mark(&self, index: usize) -> i32 {
        self.words(index) + if self.format == Format::Wide { 0 } else { 19 }
    }
}

impl Rows {
    /// Dots on an axis of ratios, held against what is called `reference`.
    pub(crate) fn ratios(title: &str, reference: &str, scale: Scale, rows: Vec<Row>) -> Self {
        Self {
            title: title.to_owned(),
            subtitle: String::new(),
            axis: Axis::new("", scale, Unit::Ratio),
            shape: Shape::Dot,
            reference: (1.0, reference.to_owned()),
            band: None,
            grounds: Vec::new(),
            rows,
            notes: Vec::new(),
        }
    }

    /// The same with words on how to read it, and on its axis.
    pub(crate) fn read(mut self, subtitle: &str, axis: &str) -> Self {
        (self.subtitle, self.axis.title) = (subtitle.to_owned(), axis.to_owned());
        self
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
        frame::sheet(&self.title, format, layout.height, |area| {
            let axis = self.axis_over(&layout);
            // Below the words, which stand over it where they share the width.
            if let Some((from, to)) = self.band.and_then(|(a, b)| Some((axis.at(a)?, axis.at(b)?)))
            {
                paper::fill(area, [(from, layout.top), (to, layout.bottom)], STAGES[0])?;
            }
            self.words(area, &layout)?;
            if !self.has_axis() {
                return Ok(());
            }
            self.grounds(area, &axis, &layout)?;
            self.grid(area, &axis, &layout)?;
            let mut all = self.rows.iter().enumerate();
            all.try_for_each(|(index, row)| {
                let y = layout.mark(index);
                if let (Paint::Mean, Some(mark)) = (row.paint, row.mark)
                    && let Some(x) = axis.at(mark.value)
                {
                    let guide = [(x, layout.top), (x, y)];
                    let style = row.paint.ink().line(1);
                    area.draw(&DashedPathElement::new(guide, 5, 4, style))?;
                }
                self.mark(area, &axis, row, y)
            })
        })
    }

    fn has_axis(&self) -> bool {
        self.rows.iter().any(|row| row.mark.is_some())
    }

    fn axis_over(&self, layout: &Layout) -> Fitted {
        let marks = self.rows.iter().filter_map(|row| row.mark);
        let ends = |mark: Mark| {
            let (lower, upper) = mark.bounds.unwrap_or((mark.value, mark.value));
            [lower, mark.value, upper]
        };
        let grounds = self.rows.iter().filter_map(|row| row.grounds).flatten();
        let band = self.band.into_iter().flat_map(|(from, to)| [from, to]);
        let values = marks.flat_map(ends).chain(grounds).chain(band).chain([self.reference.0]);
        let span = (layout.left, layout.right);
        Fitted::over(&self.axis, values, span).expect("the reference has a place")
    }

    fn words(&self, area: &Area, layout: &Layout) -> Drawn {
        layout.head.draw(area)?;
        for ((ground, words), (x, y)) in GROUNDS.iter().zip(&self.grounds).zip(&layout.legend) {
            let corners = [(*x, y - 6), (x + 18, y + 6)];
            paper::fill(area, corners, *ground)?;
            area.draw(&Rectangle::new(corners, BORDER.line(1)))?;
            text(area, words, (x + 24, *y), Font { ink: WORDS, ..Font::PLAIN })?;
        }
        for (index, row) in self.rows.iter().enumerate() {
            row_words(area, layout, row, layout.words(index))?;
        }
        frame::lines(area, layout.format, &layout.notes, layout.notes_top)?;
        if !self.has_axis() {
            return Ok(());
        }
        let below = Font { ink: ASIDE, ..Font::PLAIN };
        let margin = layout.format.margin();
        // Half a line of it may be cut on a telephone; the whole is in the table of values.
        let title = fit(&self.axis.title, SMALL_SIZE, layout.format.room() * 1.1);
        let wide = width(&title, SMALL_SIZE).ceil() as i32;
        let left = layout.left.min(layout.format.width() - margin - wide).max(margin);
        text(area, &title, (left, layout.bottom + 34), below)
    }

    fn grounds(&self, area: &Area, axis: &Fitted, layout: &Layout) -> Drawn {
        for (index, row) in self.rows.iter().enumerate() {
            let Some(ends) = row.grounds else { continue };
            let y = layout.mark(index);
            let mut from = layout.left;
            let ends = ends.iter().filter_map(|end| axis.at(*end)).chain([layout.right]);
            for (ground, to) in GROUNDS.iter().zip(ends) {
                paper::fill(area, [(from, y - 10), (to, y + 10)], *ground)?;
                from = to;
            }
        }
        Ok(())
    }

    fn grid(&self, area: &Area, axis: &Fitted, layout: &Layout) -> Drawn {
        let has_grounds = !self.grounds.is_empty();
        let is_led = |row: &Row| self.shape == Shape::Dot && !has_grounds && !row.is_heading();
        for (index, _) in self.rows.iter().enumerate().filter(|(_, row)| is_led(row)) {
            let y = layout.mark(index);
            paper::line(area, [(layout.left, y), (layout.right, y)], GRID.line(1))?;
        }
        for (value, words) in axis.ticks(48.0) {
            let Some(x) = axis.at(value) else { continue };
            let ink = if has_grounds { BORDER } else { GRID };
            paper::line(area, [(x, layout.top), (x, layout.bottom)], ink.line(1))?;
            let font = Font { anchor: HPos::Center, ..Font::PLAIN };
            text(area, &words, (x, layout.bottom + 12), font)?;
        }
        let ends = [(layout.left, layout.bottom), (layout.right, layout.bottom)];
        paper::line(area, ends, BORDER.line(1))?;
        let (value, words) = &self.reference;
        let Some(x) = axis.at(*value) else { return Ok(()) };
        paper::line(area, [(x, layout.top - 2), (x, layout.bottom)], WORDS.line(2))?;
        let font = Font { ink: WORDS, anchor: HPos::Center, ..Font::PLAIN };
        text(area, words, (x, layout.top - 10), font)
    }

    fn mark(&self, area: &Area, axis: &Fitted, row: &Row, y: i32) -> Drawn {
        let Some(mark) = row.mark else { return Ok(()) };
        let Some(x) = axis.at(mark.value) else { return Ok(()) };
        let ink = row.paint.ink();
        let on_bar = self.shape == Shape::Bar;
        if let (true, Some(zero)) = (on_bar, axis.at(self.reference.0)) {
            let corners = [(zero.min(x), y - 7), (zero.max(x), y + 7)];
            area.draw(&Rectangle::new(corners, ink.light().mix(0.75).filled()))?;
        }
        let whisker = if on_bar { WORDS } else { ink };
        let bounds = mark.bounds.and_then(|(l, u)| Some((axis.at(l)?, axis.at(u)?)));
        if let Some((lower, upper)) = bounds {
            paper::line(area, [(lower, y), (upper, y)], whisker.line(2))?;
            for x in [lower, upper] {
                paper::line(area, [(x, y - 5), (x, y + 5)], whisker.line(2))?;
            }
        }
        if on_bar {
            return Ok(());
        }
        area.draw(&Circle::new((x, y), 4, ink.light().filled()))?;
        if mark.is_hollow {
            area.draw(&Circle::new((x, y), 2, CARD.light().filled()))?;
        }
        Ok(())
    }
}

/// The name and the figure of a row, whose middle is `y`.
fn row_words(area: &Area, layout: &Layout, row: &Row, y: i32) -> Drawn {
    let font = Font { size: TEXT_SIZE, ink: WORDS, ..Font::PLAIN };
    let margin = layout.format.margin();
    if row.is_heading() {
        let label = fit(&row.label, TEXT_SIZE, f64::from(layout.right - margin));
        return text(area, &label, (margin, y), Font { is_bold: true, ..font });
    }
    let is_bold = row.paint == Paint::Mean;
    let ink = match row.paint {
        Paint::Mean | Paint::Aside => row.paint.ink(),
        Paint::Plain | Paint::Good | Paint::Fair | Paint::Bad => WORDS,
    };
    let label = Font { is_bold, ink, ..font };
    let ink = if row.paint == Paint::Plain { WORDS } else { row.paint.ink() };
    let figure = Font { is_bold, ink, ..font };
    match layout.format {
        Format::Wide => {
            let name = fit(&row.label, TEXT_SIZE, f64::from(LABEL_MAX));
            let at = (layout.left - GAP, y);
            text(area, &name, at, Font { anchor: HPos::Right, ..label })?;
            let told = fit(&row.figure, TEXT_SIZE, f64::from(FIGURE_MAX));
            text(area, &told, (layout.right + GAP, y), figure)
        }
        Format::Narrow => {
            let told = fit(&row.figure, TEXT_SIZE, layout.format.room() * 0.8);
            let room = layout.format.room() - width(&told, TEXT_SIZE) * 0.85 - f64::from(GAP);
            text(area, &fit(&row.label, TEXT_SIZE, room), (margin, y), label)?;
            let at = (layout.right, y);
            text(area, &told, at, Font { anchor: HPos::Right, ..figure })
        }
    }
}
