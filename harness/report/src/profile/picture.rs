//! What flame graphs share: inferno draws the boxes, and a head of as many lines as are needed is
//! put above them, where inferno has room for one.

use crate::sections::wrap;
use caxton_model::profile::{Origin, ProfileError};
use caxton_model::sanitise::sanitise;
use inferno::flamegraph::color::{BackgroundColor, Color};
use inferno::flamegraph::{Options, TextTruncateDirection, from_lines};
use quick_xml::escape::escape;
use std::fmt::Write;

/// The width that inferno gives a picture until a browser knows better.
const WIDTH: usize = 1200;
/// Where text begins: inferno's own padding.
const LEFT: usize = 10;
const LINE: usize = 16;
/// Where the title stands, by inferno: twice its font size.
const TITLE_BOTTOM: usize = 24;
/// Width of a character: 12 pixels of a monospaced font.
const CHARACTER: f64 = 7.2;
/// Width of a character in a box, as a part of the font's size.
const FONT_WIDTH: f64 = 0.62;
/// Characters in a line, so that it is whole in a window of 900 pixels too.
const LINE_MAX: usize = 120;
/// A longer title would run into the buttons beside it.
const TITLE_MAX: usize = 90;
const SENTENCE_MAX: usize = 600;

/// What a picture is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caption {
    /// Its title, of up to 90 characters; a longer one is cut.
    pub title: String,
}

#[derive(Debug, Default)]
pub(super) struct Head {
    /// What nobody should overlook.
    pub(super) warnings: Vec<String>,
    pub(super) lines: Vec<String>,
    pub(super) legend: Vec<(Color, String)>,
}

/// The colours of origins: Okabe and Ito's, which people with any kind of colour vision can tell
/// apart ("Color Universal Design", 2008), and grey for what nobody knows.
pub(super) const ORIGINS: [(Origin, Color, &str); 6] = [
    (Origin::Host, Color { r: 86, g: 180, b: 233 }, "host"),
    (Origin::Wasmtime, Color { r: 220, g: 145, b: 190 }, "wasmtime"),
    (Origin::Boundary, Color { r: 230, g: 159, b: 0 }, "boundary"),
    (Origin::Guest, Color { r: 40, g: 180, b: 135 }, "agent"),
    (Origin::GuestInlined, Color { r: 240, g: 228, b: 66 }, "agent, inlined"),
    (Origin::Unknown, Color { r: 190, g: 190, b: 190 }, "unknown"),
];

/// A picture of `lines`, which stand in order with each stack beside those it shares its callers
/// with.
pub(super) fn draw(
    lines: &[String],
    mut options: Options<'_>,
    caption: &Caption,
    head: &Head,
) -> Result<String, ProfileError> {
    let cannot = |why: String| ProfileError::Cannot { what: "a flame graph", why };
    options.title = sanitise(&caption.title, TITLE_MAX);
    options.bgcolors = Some(BackgroundColor::Flat(Color { r: 250, g: 250, b: 250 }));
    // Most monospaced fonts are a little wider than inferno takes for granted.
    options.font_width = FONT_WIDTH;
    // inferno sorts whole lines, and `f::{closure}` comes between `f` and `f;g`: the box of `f`
    // would be in two parts. As a chart it takes lines as they come, from the last on.
    options.flame_chart = true;
    options.text_truncate_direction = TextTruncateDirection::Right;
    let mut svg = Vec::new();
    from_lines(&mut options, lines.iter().rev().map(String::as_str), &mut svg)
        .map_err(|e| cannot(e.to_string()))?;
    let svg = String::from_utf8(svg).map_err(|e| cannot(e.to_string()))?;
    let strange = || cannot("inferno's picture has changed its form".to_owned());
    let svg = readable(&svg).ok_or_else(strange)?;
    let mut svg = put_above(svg, head).ok_or_else(strange)?;
    svg.push('\n');
    Ok(svg)
}

/// How inferno's script takes a box's name from its words, where it writes it into the box.
const NAME: &str = r#"textContent.replace(/\([^(]*\)$/,"")"#;
/// The same without the modules of every path in it: `visit_map::<MapAccess>` for
/// `a::b::visit_map::<c::MapAccess>`. The words, with the whole name, are shown for the pointer.
const SHORT: &str =
    r#"textContent.replace(/\([^(]*\)$/,"").replace(/\b(?:[a-z_]\w*::)+(?=[A-Za-z_])/g,"")"#;
/// Where the pointer is not, the way to the search is nearly invisible.
const SEARCH: &str = "#search { text-anchor:end; opacity:0.1;";
const DARK: &str = "@media (prefers-color-scheme: dark) {
svg > rect[width=\"100%\"] { fill:#0d1117; }
svg > text { fill:#e6edf3; }
svg > text[font-weight] { fill:#ff7b72; }
}
</style>";

/// inferno's picture with short names in its boxes, and for dark pages too; none where it is no
/// longer built the way this relies on.
fn readable(svg: &str) -> Option<String> {
    let is_known = svg.matches(NAME).count() == 2 && svg.contains(SEARCH);
    let svg = svg.replace(NAME, SHORT).replace(SEARCH, "#search { text-anchor:end; opacity:0.8;");
    is_known.then(|| svg.replacen("</style>", DARK, 1))
}

/// Moves what inferno drew down and writes `head` above it; none where the picture is no longer
/// built the way this relies on.
fn put_above(mut svg: String, head: &Head) -> Option<String> {
    let (above, height) = written(head);
    // In the order in which they stand: the picture, its background, the line for what the pointer
    // is over, the line for what a search found. The boxes are a picture in the picture.
    let numbers = [
        ("<svg version=", " height=\""),
        ("<svg version=", "viewBox=\"0 0 1200 "),
        ("<rect x=\"0\" y=\"0\"", " height=\""),
        ("<text id=\"details\"", " y=\""),
        ("<text id=\"matched\"", " y=\""),
    ];
    for (element, attribute) in numbers {
        let at = svg.find(element)?;
        let start = at + svg[at..].find(attribute)? + attribute.len();
        let end = start + svg[start..].find(|c: char| !c.is_ascii_digit())?;
        let moved = svg[start..end].parse::<usize>().ok()? + height;
        svg.replace_range(start..end, &moved.to_string());
    }
    let boxes = "<svg id=\"frames\"";
    let at = svg.find(boxes)?;
    svg.replace_range(at..at + boxes.len(), &format!("{above}{boxes} y=\"{height}\""));
    Some(svg)
}

/// `head` as elements, and its height.
fn written(head: &Head) -> (String, usize) {
    let mut out = String::new();
    let mut y = TITLE_BOTTOM;
    let texts = head.warnings.iter().map(|text| (text, " fill=\"#b00020\" font-weight=\"bold\""));
    let texts = texts.chain(head.lines.iter().map(|text| (text, "")));
    for (text, how) in texts {
        for (i, line) in wrap(&sanitise(text, SENTENCE_MAX), LINE_MAX).iter().enumerate() {
            y += LINE;
            let x = LEFT + if i == 0 { 0 } else { 2 * LEFT };
            put(&mut out, format_args!("<text x=\"{x}\" y=\"{y}\"{how}>{}</text>", escape(line)));
        }
    }
    if !head.legend.is_empty() {
        y += LINE + 4;
        legend(&mut out, &head.legend, y);
    }
    (out, y - TITLE_BOTTOM)
}

/// Swatches with their words, on the line at `y`.
fn legend(out: &mut String, legend: &[(Color, String)], y: usize) {
    let mut x = LEFT as f64;
    for (Color { r, g, b }, words) in legend {
        let top = y - 10;
        put(out, format_args!("<rect x=\"{x:.0}\" y=\"{top}\" width=\"12\" height=\"12\" "));
        put(out, format_args!("fill=\"rgb({r},{g},{b})\" stroke=\"#808080\"/>"));
        put(out, format_args!("<text x=\"{:.0}\" y=\"{y}\">{}</text>", x + 18.0, escape(words)));
        x += 18.0 + words.chars().count() as f64 * CHARACTER + 22.0;
    }
    debug_assert!(x < WIDTH as f64, "a legend is one line");
}

fn put(out: &mut String, text: std::fmt::Arguments<'_>) {
    out.write_fmt(text).expect("a String takes every character");
}
