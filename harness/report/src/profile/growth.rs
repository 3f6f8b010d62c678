//! How an agent's linear memory grew, as a step chart: a pure function of points.

use caxton_model::profile::growth::{Growth, Point};
use caxton_model::units::Bytes;
use plotters::element::{PathElement, Polygon};
use plotters::prelude::{
    ChartBuilder, Color, IntoDrawingArea, IntoFont, RGBColor, SVGBackend, WHITE,
};
use plotters::style::TextStyle;

const SIZE: (u32, u32) = (880, 360);
const INK: RGBColor = RGBColor(0x09, 0x69, 0xDA);
const WORDS: RGBColor = RGBColor(0x1F, 0x23, 0x28);
const GRID: RGBColor = RGBColor(0xE6, 0xEA, 0xEF);
const TEXT: (&str, i32) = ("sans-serif", 13);

/// The corners of the steps, from message 0 to the last one.
fn corners(growth: &Growth) -> Vec<(f64, f64)> {
    let mut corners: Vec<(f64, f64)> = Vec::new();
    for Point { message, bytes } in &growth.points {
        let x = *message as f64;
        if let Some((_, before)) = corners.last() {
            corners.push((x, *before));
        }
        corners.push((x, bytes.0 as f64));
    }
    if let Some((_, last)) = corners.last() {
        corners.push((growth.messages.max(1) as f64, *last));
    }
    corners
}

/// The chart as an SVG file, under `title`.
///
/// # Errors
/// In a sentence: nothing to draw, or the drawing failed.
pub fn svg(growth: &Growth, title: &str) -> Result<String, String> {
    let corners = corners(growth);
    let Some(top) = growth.points.iter().map(|point| point.bytes.0).max() else {
        return Err("no size of linear memory was noted".to_owned());
    };
    let mut svg = String::new();
    let drawn = {
        let area = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
        let title = match growth.lost {
            0 => title.to_owned(),
            lost => format!("{title} ({lost} later growths not noted)"),
        };
        let style = TextStyle::from(TEXT.into_font()).color(&WORDS);
        area.fill(&WHITE).and_then(|()| {
            let end = growth.messages.max(1) as f64;
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
        let corners = corners(&growth(&[(0, 2), (3, 4)], 10));
        let expected = [(0.0, 2.0), (3.0, 2.0), (3.0, 4.0), (10.0, 4.0)];
        assert_eq!(corners, expected.map(|(x, pages)| (x, pages * page)));
        assert_eq!(super::corners(&growth(&[], 10)), []);
    }

    #[test]
    fn a_chart_names_its_axes_and_is_the_same_each_time() {
        let growth = growth(&[(0, 17), (1, 18), (40, 30)], 100);
        let drawn = svg(&growth, "json: linear memory").expect("points");
        for text in ["json: linear memory", "message", "MiB", "<polyline", "<svg "] {
            assert!(drawn.contains(text), "{text}: {drawn}");
        }
        assert_eq!(drawn, svg(&growth, "json: linear memory").expect("points"));
        let lossy = Growth { lost: 3, ..growth };
        assert!(svg(&lossy, "x").expect("points").contains("x (3 later growths not noted)"));
    }

    #[test]
    fn without_points_there_is_no_chart() {
        assert!(svg(&growth(&[], 1), "x").is_err());
        assert!(svg(&growth(&[(0, 1)], 0), "x").is_ok(), "no message");
    }
}
