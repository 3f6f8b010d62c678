//! How an agent's linear memory grew, as a step chart: a pure function of points.

use crate::units::Bytes;
use plotters::element::{PathElement, Polygon};
use plotters::prelude::{
    ChartBuilder, Color, IntoDrawingArea, IntoFont, RGBColor, SVGBackend, WHITE,
};
use plotters::style::TextStyle;
use serde::{Deserialize, Serialize};

/// Linear memory from a message on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Point {
    /// The message during which it came to this size, from 1; 0 is before the first.
    pub message: u64,
    /// Its size.
    pub bytes: Bytes,
}

/// What a chart shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Growth {
    /// Sizes in the order in which they came about. The first is that of the fresh agent.
    pub points: Vec<Point>,
    /// Messages handled.
    pub messages: u64,
    /// Growths that were not noted any more.
    pub lost: u64,
}

const SIZE: (u32, u32) = (880, 360);
const INK: RGBColor = RGBColor(0x09, 0x69, 0xDA);
const WORDS: RGBColor = RGBColor(0x1F, 0x23, 0x28);
const GRID: RGBColor = RGBColor(0xE6, 0xEA, 0xEF);
const TEXT: (&str, i32) = ("sans-serif", 13);

impl Growth {
    /// The corners of the steps, from message 0 to the last one.
    fn corners(&self) -> Vec<(f64, f64)> {
        let mut corners: Vec<(f64, f64)> = Vec::new();
        for Point { message, bytes } in &self.points {
            let x = *message as f64;
            if let Some((_, before)) = corners.last() {
                corners.push((x, *before));
            }
            corners.push((x, bytes.0 as f64));
        }
        if let Some((_, last)) = corners.last() {
            corners.push((self.messages.max(1) as f64, *last));
        }
        corners
    }

    /// The chart as an SVG file, under `title`.
    ///
    /// # Errors
    /// In a sentence: nothing to draw, or the drawing failed.
    pub fn svg(&self, title: &str) -> Result<String, String> {
        let corners = self.corners();
        let Some(top) = self.points.iter().map(|point| point.bytes.0).max() else {
            return Err("no size of linear memory was noted".to_owned());
        };
        let mut svg = String::new();
        let drawn = {
            let area = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
            let title = match self.lost {
                0 => title.to_owned(),
                lost => format!("{title} ({lost} later growths not noted)"),
            };
            let style = TextStyle::from(TEXT.into_font()).color(&WORDS);
            area.fill(&WHITE).and_then(|()| {
                let end = self.messages.max(1) as f64;
                let mut chart = ChartBuilder::on(&area)
                    .caption(&title, ("sans-serif", 16).into_font().color(&WORDS))
                    .margin(16)
                    .x_label_area_size(40)
                    .y_label_area_size(86)
                    .build_cartesian_2d(0.0..end, 0.0..top as f64 * 1.1)?;
                chart
                    .configure_mesh()
                    .light_line_style(GRID)
                    .bold_line_style(GRID)
                    .label_style(style)
                    .x_desc("message")
                    .max_light_lines(1)
                    .x_label_formatter(&|message| format!("{message:.0}"))
                    .y_desc("linear memory")
                    .y_label_formatter(&|bytes| Bytes(*bytes as u64).to_string())
                    .draw()?;
                let below = [&[(0.0, 0.0)], &corners[..], &[(end, 0.0)]].concat();
                chart.draw_series([Polygon::new(below, INK.mix(0.12))])?;
                chart.draw_series([PathElement::new(corners, INK.stroke_width(2))])?;
                area.present()
            })
        };
        drawn.map_err(|error| format!("the chart cannot be drawn: {error}"))?;
        Ok(svg)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn growth(points: &[(u64, u64)], messages: u64) -> Growth {
        let point =
            |(message, pages): &(u64, u64)| Point { message: *message, bytes: Bytes(pages << 16) };
        Growth { points: points.iter().map(point).collect(), messages, lost: 0 }
    }

    #[test]
    fn memory_stays_as_it_is_until_it_grows() {
        let page = 65_536.0;
        let corners = growth(&[(0, 2), (3, 4)], 10).corners();
        let expected = [(0.0, 2.0), (3.0, 2.0), (3.0, 4.0), (10.0, 4.0)];
        assert_eq!(corners, expected.map(|(x, pages)| (x, pages * page)));
        assert_eq!(growth(&[], 10).corners(), []);
    }

    #[test]
    fn a_chart_names_its_axes_and_is_the_same_each_time() {
        let growth = growth(&[(0, 17), (1, 18), (40, 30)], 100);
        let svg = growth.svg("json: linear memory").expect("points");
        for text in ["json: linear memory", "message", "MiB", "<polyline", "<svg "] {
            assert!(svg.contains(text), "{text}: {svg}");
        }
        assert_eq!(svg, growth.svg("json: linear memory").expect("points"));
        let lossy = Growth { lost: 3, ..growth };
        assert!(lossy.svg("x").expect("points").contains("x (3 later growths not noted)"));
    }

    #[test]
    fn without_points_there_is_no_chart() {
        assert!(growth(&[], 1).svg("x").is_err());
        assert!(growth(&[(0, 1)], 0).svg("x").is_ok(), "no message");
    }
}
