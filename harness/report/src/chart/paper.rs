//! What every chart is drawn on and with: inks for light and dark pages, texts and lines, and the
//! sheet that becomes a file or a part of a page. Widths of texts are estimated from above: the
//! font is the reader's.

use plotters::coord::Shift;
use plotters::drawing::DrawingAreaErrorKind;
use plotters::element::{PathElement, Rectangle, Text};
use plotters::prelude::{Color, DrawingArea, IntoFont, RGBColor, SVGBackend, ShapeStyle};
use plotters::style::FontStyle;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use quick_xml::escape::escape;
use std::fmt::Write;
use std::io;

pub(crate) type ChartError = DrawingAreaErrorKind<io::Error>;

pub(crate) type Drawn<T = ()> = Result<T, ChartError>;

pub(crate) type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// A colour on a light page and on a dark one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ink(u32, u32);

pub(crate) const CARD: Ink = Ink(0xFFFFFF, 0x161B22);
pub(crate) const BORDER: Ink = Ink(0xD0D7DE, 0x3D444D);
pub(crate) const GRID: Ink = Ink(0xE6EAEF, 0x2A313C);
pub(crate) const WORDS: Ink = Ink(0x1F2328, 0xE6EDF3);
pub(crate) const ASIDE: Ink = Ink(0x59636E, 0x9198A1);
pub(crate) const BLUE: Ink = Ink(0x0969DA, 0x58A6FF);
pub(crate) const PURPLE: Ink = Ink(0x8250DF, 0xBC8CFF);
pub(crate) const GREY: Ink = Ink(0x7B858F, 0x848D97);
pub(crate) const RED: Ink = Ink(0xCF222E, 0xFF7B72);
pub(crate) const ORANGE: Ink = Ink(0xBC4C00, 0xF0883E);
pub(crate) const GREEN: Ink = Ink(0x1A7F37, 0x3FB950);
pub(crate) const PINK: Ink = Ink(0xBF3989, 0xF778BA);
pub(crate) const TEAL: Ink = Ink(0x1B7C83, 0x39C5CF);
/// Grounds behind marks, from good to bad.
pub(crate) const GROUNDS: [Ink; 4] = [
    Ink(0xCDEFD6, 0x12401F),
    Ink(0xFBEFB3, 0x453A0C),
    Ink(0xFCDDC0, 0x532F14),
    Ink(0xFAD1D3, 0x5A1E22),
];
/// Grounds of stages, in turns.
pub(crate) const STAGES: [Ink; 2] = [Ink(0xE9EEF5, 0x252F3D), Ink(0xF8FAFC, 0x1A212A)];

/// Inks of series, in order: told apart by those who see no red or no green, too.
pub(crate) const SERIES: [Ink; 6] = [BLUE, ORANGE, PURPLE, TEAL, PINK, GREEN];

/// Every colour; the light ones differ, because the style finds things by them.
pub(crate) const INKS: [Ink; 19] = [
    CARD, BORDER, GRID, WORDS, ASIDE, BLUE, PURPLE, GREY, RED, ORANGE, GREEN, PINK, TEAL,
    GROUNDS[0], GROUNDS[1], GROUNDS[2], GROUNDS[3], STAGES[0], STAGES[1],
];

impl Ink {
    pub(crate) fn light(self) -> RGBColor {
        let [_, r, g, b] = self.0.to_be_bytes();
        RGBColor(r, g, b)
    }

    pub(crate) fn line(self, width: u32) -> ShapeStyle {
        self.light().stroke_width(width)
    }

    /// As hexadecimal digits: on a light page, and on a dark one.
    pub(crate) fn hex(self) -> [String; 2] {
        [self.0, self.1].map(|colour| format!("#{colour:06X}"))
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sheet {
    title: String,
    svg: String,
}

impl Sheet {
    pub(crate) fn new(title: &str, svg: String) -> Self {
        Self { title: title.to_owned(), svg }
    }

    /// Shows `words` while the pointer is near `at`.
    pub(crate) fn hint(&mut self, at: (i32, i32), words: &str) {
        let end = self.svg.rfind("</svg>").expect("the backend ends its picture");
        let ((x, y), words) = (at, escape(words));
        let hint = format!(
            "<circle cx=\"{x}\" cy=\"{y}\" r=\"6\" fill=\"transparent\">\
             <title>{words}</title></circle>\n"
        );
        self.svg.insert_str(end, &hint);
    }

    /// A file of its own, for pages light and dark, with a name for those who cannot see it.
    pub(crate) fn file(&self) -> String {
        let (head, body) = self.parts();
        let mut style = String::new();
        for ink in INKS.iter().filter(|ink| self.svg.contains(&ink.hex()[0])) {
            let [light, dark] = ink.hex();
            for property in ["fill", "stroke"] {
                let rule = format!("[{property}=\"{light}\"] {{ {property}: {dark} }}");
                writeln!(style, "  {rule}").expect("a String takes every character");
            }
        }
        format!(
            "{head}\n<title>{}</title>\n<style>\n\
             @media (prefers-color-scheme: dark) {{\n{style}}}\n</style>\n{body}",
            escape(&self.title)
        )
    }

    /// A part of an HTML page, which has the style ([`page_style`]), of the class `class` too.
    pub(crate) fn inline(&self, class: &str) -> String {
        let (head, body) = self.parts();
        let (_, size) = head.split_once("viewBox=\"").expect("the backend writes a viewBox");
        let (size, _) = size.split_once('"').expect("an attribute ends");
        let width = size.split(' ').nth(2).expect("a viewBox has four numbers");
        let label = escape(&self.title);
        format!(
            "<svg class=\"chart{class}\" viewBox=\"{size}\" width=\"{width}\" role=\"img\" \
             aria-label=\"{label}\">\n{body}"
        )
    }

    fn parts(&self) -> (&str, &str) {
        self.svg.split_once('\n').expect("the backend ends its first tag with its line")
    }
}

/// What a page with inline charts declares: values of variables for light and for dark pages, and
/// the rules that use them.
pub(crate) fn page_style() -> [String; 3] {
    let mut style = [const { String::new() }; 3];
    for (i, ink) in INKS.iter().enumerate() {
        let [light, dark] = ink.hex();
        for (text, value) in style.iter_mut().zip([&light, &dark]) {
            write!(text, "--ink-{i}:{value};").expect("a String takes every character");
        }
        for property in ["fill", "stroke"] {
            let rule = format!(".chart [{property}=\"{light}\"]{{{property}:var(--ink-{i})}}");
            writeln!(style[2], "{rule}").expect("a String takes every character");
        }
    }
    style
}

#[derive(Clone, Copy)]
pub(crate) struct Font {
    pub(crate) size: f64,
    pub(crate) ink: Ink,
    pub(crate) anchor: HPos,
    pub(crate) is_bold: bool,
}

pub(crate) const TITLE_SIZE: f64 = 18.0;
pub(crate) const TEXT_SIZE: f64 = 13.25;
pub(crate) const SMALL_SIZE: f64 = 12.0;

impl Font {
    pub(crate) const PLAIN: Self =
        Self { size: SMALL_SIZE, ink: ASIDE, anchor: HPos::Left, is_bold: false };
}

pub(crate) fn text(area: &Area, words: &str, at: (i32, i32), font: Font) -> Drawn {
    // The backend divides by this factor, and writes the quotient.
    let size = font.size * 1.24;
    let weight = if font.is_bold { FontStyle::Bold } else { FontStyle::Normal };
    let style = plotters::style::TextStyle::from(("sans-serif", size, weight).into_font());
    let colour = font.ink.light();
    let style = style.color(&colour).pos(Pos::new(font.anchor, VPos::Center));
    area.draw(&Text::new(words.to_owned(), at, style))
}

pub(crate) fn line(area: &Area, ends: [(i32, i32); 2], style: ShapeStyle) -> Drawn {
    area.draw(&PathElement::new(ends, style))
}

pub(crate) fn fill(area: &Area, corners: [(i32, i32); 2], ink: Ink) -> Drawn {
    area.draw(&Rectangle::new(corners, ink.light().filled()))
}

/// An opaque ground: the page's own may be of any colour.
pub(crate) fn card(area: &Area, width: i32, height: i32) -> Drawn {
    fill(area, [(0, 0), (width, height)], CARD)?;
    let corners = [(0, 0), (width - 1, height - 1)];
    area.draw(&Rectangle::new(corners, BORDER.light().stroke_width(1)))
}

/// How wide `text` is at most, in a sans-serif font of `size`, for what people write.
pub(crate) fn width(text: &str, size: f64) -> f64 {
    let em = |c: char| match c {
        'i' | 'j' | 'l' | ' ' | '.' | ',' | ';' | ':' | '\'' | '|' | '[' | ']' => 0.4,
        'm' | 'w' | 'A'..='Z' | '@' | '%' | '=' => 1.0,
        _ if c.is_ascii() => 0.65,
        _ => 1.0,
    };
    text.chars().map(em).sum::<f64>() * size
}

/// As much of `text` as fits into `room`.
pub(crate) fn fit(text: &str, size: f64, room: f64) -> String {
    if width(text, size) <= room {
        return text.to_owned();
    }
    let mut text = text.to_owned();
    while !text.is_empty() && width(&text, size) + size > room {
        text.pop();
    }
    text + "…"
}

/// The lines of `text`, each broken to fit into `room`.
pub(crate) fn lines(text: &str, size: f64, room: f64) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for text in text.lines() {
        let first = lines.len();
        for word in text.split(' ') {
            match lines[first..].last_mut() {
                Some(last) if width(last, size) + width(word, size) + size <= room => {
                    last.push(' ');
                    last.push_str(word);
                }
                _ => lines.push(word.to_owned()),
            }
        }
    }
    lines.iter().map(|line| fit(line, size, room)).collect()
}
