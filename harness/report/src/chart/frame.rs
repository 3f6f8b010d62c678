//! What stands on every sheet: a card of one width, a title, how to read it, and notes below.

use super::paper::{self, Area, Font, Sheet, TITLE_SIZE, WORDS, fit, text};
use super::paper::{ChartError, Drawn};
use plotters::prelude::{IntoDrawingArea, SVGBackend};

pub(super) const WIDTH: i32 = 880;
/// What is left free on its sides.
pub(super) const MARGIN: i32 = 24;
/// From one line of small text to the next.
pub(super) const LINE: i32 = 18;
/// How long a line of text may be.
pub(super) const ROOM: f64 = (WIDTH - 2 * MARGIN) as f64;
/// Middle of the first line below the title.
pub(super) const FIRST_LINE: i32 = 54;

/// A sheet of that height with what `draw` puts on its card.
pub(super) fn sheet(
    title: &str,
    height: i32,
    draw: impl FnOnce(&Area) -> Drawn,
) -> Result<Sheet, ChartError> {
    bare_sheet(title, (WIDTH, height), |area| {
        paper::card(area, WIDTH, height)?;
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

pub(super) fn head(area: &Area, title: &str, subtitles: &[String]) -> Drawn {
    let font = Font { size: TITLE_SIZE, ink: WORDS, is_bold: true, ..Font::PLAIN };
    text(area, &fit(title, TITLE_SIZE, ROOM * 1.1), (MARGIN, 30), font)?;
    lines(area, subtitles, FIRST_LINE)
}

pub(super) fn lines(area: &Area, words: &[String], y: i32) -> Drawn {
    for (line, y) in words.iter().zip((y..).step_by(LINE as usize)) {
        text(area, line, (MARGIN, y), Font::PLAIN)?;
    }
    Ok(())
}
