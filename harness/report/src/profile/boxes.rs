//! Boxes of a flame graph, found again in inferno's picture by where they stand, so that each can
//! have words and a colour of its own: inferno chooses colours by a function's name, and its words
//! for differences are scaled wrongly where parts of a unit are drawn.

use inferno::flamegraph::color::Color;
use quick_xml::escape::escape;
use std::fmt::Write;

/// Height of a row, by inferno.
const ROW: u64 = 16;

#[derive(Debug)]
pub(super) struct Look {
    /// What stands there while the pointer is over it. inferno's script takes what the last pair of
    /// parentheses holds for figures and the rest for the name.
    pub(super) words: String,
    pub(super) fill: Color,
}

/// Gives each box of `svg` the look of its place: its row, from the root's 0 on, and where it
/// begins, in units of weight. None where `look` knows no such box, or where the picture is no
/// longer built the way this relies on.
pub(super) fn dress(svg: &str, look: impl Fn((usize, u64)) -> Option<Look>) -> Option<String> {
    let (above, boxes) = svg.split_at(svg.find("<svg id=\"frames\"")?);
    let mut parts = boxes.split("<title>");
    let mut out = format!("{above}{}", parts.next()?);
    let rects: Vec<&str> =
        parts.map(|part| Some(part.split_once("</title>")?.1)).collect::<Option<_>>()?;
    let tops: Vec<u64> = rects.iter().map(|rect| number(rect, " y=\"")).collect::<Option<_>>()?;
    let bottom = *tops.iter().max()?;
    for (rect, top) in rects.iter().zip(tops) {
        let row = usize::try_from((bottom - top) / ROW).ok()?;
        let look = look((row, number(rect, " fg:x=\"")?))?;
        let (before, rest) = rect.split_once(" fill=\"")?;
        let (_, after) = rest.split_once('"')?;
        let (words, Color { r, g, b }) = (escape(&look.words), look.fill);
        write!(out, "<title>{words}</title>{before} fill=\"rgb({r},{g},{b})\"{after}").ok()?;
    }
    Some(out)
}

/// The whole number behind the first `before`.
fn number(text: &str, before: &str) -> Option<u64> {
    let (_, rest) = text.split_once(before)?;
    rest.split_once('"')?.0.parse().ok()
}
