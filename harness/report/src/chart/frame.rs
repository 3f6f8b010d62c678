//! What stands on every sheet: a card, a title, how to read it, and notes below.

use super::paper::{self, Area, Font, SMALL_SIZE, Sheet, TITLE_SIZE, WORDS, text};
use super::paper::{ChartError, Drawn};
use plotters::prelude::{IntoDrawingArea, SVGBackend};

/// How wide a sheet is: texts keep their size on every one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// For files and pages.
    Wide,
    /// For the page on a telephone.
    Narrow,
}

impl Format {
    /// Pixels.
    pub(super) const fn width(self) -> i32 {
        match self {
            Self::Wide => 880,
            Self::Narrow => 374,
        }
    }

    /// What is left free on its sides, in pixels.
    pub(super) const fn margin(self) -> i32 {
        match self {
            Self::Wide => 24,
            Self::Narrow => 12,
        }
    }

    /// How long a line of text may be, in pixels.
    pub(super) fn room(self) -> f64 {
        f64::from(self.width() - 2 * self.margin())
    }
}

/// From one line of small text to the next.
pub(super) const LINE: i32 = 18;
const TITLE: i32 = 30;
const TITLE_LINE: i32 = 23;

/// A title and how to read what is below it, broken into lines.
pub(super) struct SheetHead {
    format: Format,
    title: Vec<String>,
    subtitle: Vec<String>,
}

impl SheetHead {
    pub(super) fn new(format: Format, title: &str, subtitle: &str) -> Self {
        // Letters of titles are narrower than what their width is estimated by.
        let title = paper::lines(title, TITLE_SIZE, format.room() * 1.1);
        Self { format, title, subtitle: paper::lines(subtitle, SMALL_SIZE, format.room()) }
    }

    fn first_line(&self) -> i32 {
        TITLE + 1 + TITLE_LINE * self.title.len() as i32
    }

    /// Where the line below it would have its middle.
    pub(super) fn end(&self) -> i32 {
        self.first_line() + LINE * self.subtitle.len() as i32
    }

    pub(super) fn draw(&self, area: &Area) -> Drawn {
        let font = Font { size: TITLE_SIZE, ink: WORDS, is_bold: true, ..Font::PLAIN };
        for (line, y) in self.title.iter().zip((TITLE..).step_by(TITLE_LINE as usize)) {
            text(area, line, (self.format.margin(), y), font)?;
        }
        lines(area, self.format, &self.subtitle, self.first_line())
    }
}

/// A sheet of that height with what `draw` puts on its card.
pub(super) fn sheet(
    title: &str,
    format: Format,
    height: i32,
    draw: impl FnOnce(&Area) -> Drawn,
) -> Result<Sheet, ChartError> {
    let width = format.width();
    bare_sheet(title, (width, height), |area| {
        paper::card(area, width, height)?;
        draw(area)
    })
}

pub(super) fn bare_sheet(
    title: &str,
    size: (i32, i32),
    draw: impl FnOnce(&Area) -> Drawn,
) -> Result<Sheet, ChartError> {
    let mut svg = String::new();
    {
        let size = (size.0 as u32, size.1 as u32);
        let area = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        draw(&area)?;
        area.present()?;
    }
    Ok(Sheet::new(title, svg))
}

pub(super) fn lines(area: &Area, format: Format, words: &[String], y: i32) -> Drawn {
    for (line, y) in words.iter().zip((y..).step_by(LINE as usize)) {
        text(area, line, (format.margin(), y), Font::PLAIN)?;
    }
    Ok(())
}
