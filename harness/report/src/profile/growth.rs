//! How an agent's linear memory grew, as a step chart: a pure function of points.

use crate::chart::plane::Plane;
use crate::chart::scale::{Axis, Scale};
use crate::chart::series::{Look, Series};
use caxton_model::profile::growth::HeapGrowth;
use caxton_model::units::Unit;

/// The corners of the steps, from message 0 to the last one.
fn corners(growth: &HeapGrowth) -> Vec<(f64, f64)> {
    let mut corners: Vec<(f64, f64)> = Vec::new();
    for point in &growth.points {
        let x = point.message as f64;
        if let Some((_, before)) = corners.last() {
            corners.push((x, *before));
        }
        corners.push((x, point.bytes.0 as f64));
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
pub fn svg(growth: &HeapGrowth, title: &str) -> Result<String, String> {
    if growth.points.is_empty() {
        return Err("no size of linear memory was noted".to_owned());
    }
    let corners = corners(growth);
    let series = Series::new("linear memory", &corners, Look::Line);
    let subtitle = "The size after each message. Linear memory grows and never shrinks.";
    let x = Axis::new("message", Scale::FromZero, Unit::Count);
    let y = Axis::new("linear memory", Scale::FromZero, Unit::Bytes);
    let mut plane = Plane::new(title, subtitle, x, y, vec![series]);
    plane.envelope = corners.iter().map(|(x, y)| (*x, 0.0, *y)).collect();
    if growth.lost > 0 {
        plane.notes.push(format!("{} later growths were not noted.", growth.lost));
    }
    let sheet = plane.draw().map_err(|error| format!("the chart cannot be drawn: {error}"))?;
    Ok(sheet.file())
}

#[cfg(test)]
mod tests {
    use super::*;
    use caxton_model::profile::growth::GrowthPoint as Size;
    use caxton_model::units::Bytes;

    fn growth(points: &[(u64, u64)], messages: u64) -> HeapGrowth {
        let point =
            |(message, pages): &(u64, u64)| Size { message: *message, bytes: Bytes(pages << 16) };
        HeapGrowth { points: points.iter().map(point).collect(), messages, lost: 0 }
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
        let lossy = HeapGrowth { lost: 3, ..growth };
        assert!(svg(&lossy, "x").expect("points").contains("3 later growths were not noted"));
    }

    #[test]
    fn the_steps_stand_where_the_sizes_say() {
        let drawn = svg(&growth(&[(0, 16), (50, 32)], 100), "x").expect("points");
        let (_, line) = drawn.rsplit_once("stroke-width=\"2\" points=\"").expect("a line");
        let (line, _) = line.split_once('"').expect("an attribute ends");
        let corners: Vec<[f64; 2]> = line
            .split_whitespace()
            .map(|at| at.split_once(',').expect("a place"))
            .map(|(x, y)| [x, y].map(|place| place.parse().expect("a number")))
            .collect();
        let [first, low, high, last] = corners.as_slice() else { panic!("{corners:?}") };
        assert!(first[1] == low[1] && low[0] == high[0] && high[1] == last[1], "{corners:?}");
        assert!((2.0 * (low[0] - first[0]) - (last[0] - first[0])).abs() < 2.0, "{corners:?}");
        // The foot of the plot is 0.
        let foot: f64 = {
            let (_, area) = drawn.split_once("<polygon ").expect("an area");
            let (_, area) = area.split_once("points=\"").expect("places");
            let (area, _) = area.split_once('"').expect("an attribute ends");
            let ys = area.split_whitespace().map(|at| at.split_once(',').expect("a place").1);
            ys.map(|y| y.parse().expect("a number")).fold(0.0, f64::max)
        };
        assert!((2.0 * (foot - low[1]) - (foot - high[1])).abs() < 2.0, "{foot} {corners:?}");
    }

    #[test]
    fn without_points_there_is_no_chart() {
        assert!(svg(&growth(&[], 1), "x").is_err());
        assert!(svg(&growth(&[(0, 1)], 0), "x").is_ok(), "no message");
    }
}
