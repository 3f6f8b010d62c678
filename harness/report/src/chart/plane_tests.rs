//! Where the points of a plane stand, and what it does without any.

use super::*;
use crate::chart::paper::{BLUE, ORANGE};
use crate::chart::series::Look;
use caxton_fixture::drawing::Drawing;
use caxton_model::units::Unit;

const S: f64 = 1e9;

fn seconds(value: impl Fn(f64) -> f64) -> Vec<(f64, f64)> {
    (0..90).map(f64::from).map(|s| (s * S, value(s))).collect()
}

/// Lines over time.
fn plane(scale: Scale, look: Look, lines: &[(&str, &[(f64, f64)])]) -> Plane {
    let series = lines.iter().map(|(label, points)| Series::new(label, points, look)).collect();
    let x = Axis::new("time", Scale::FromZero, Unit::Nanos);
    Plane::new("x", "", x, Axis::new("value", scale, Unit::Nanos), series)
}

/// Percentiles.
fn spectrum(points: &[Point]) -> Plane {
    let series = Series::of("service", points.to_vec(), Look::Marks);
    let x = Axis::new("share", Scale::Nines, Unit::Share);
    Plane::new("x", "", x, Axis::new("time", Scale::Log, Unit::Nanos), vec![series])
}

/// Asserts that `places` are where one straight line leads from `values` to pixels.
fn are_in_proportion(places: &[f64], values: &[f64], what: &str) {
    assert_eq!(places.len(), values.len(), "{what}");
    let by = |a: &usize, b: &usize| values[*a].total_cmp(&values[*b]);
    let low = (0..values.len()).min_by(by).unwrap();
    let high = (0..values.len()).max_by(by).unwrap();
    let step = (places[high] - places[low]) / (values[high] - values[low]);
    assert!(step.is_finite() && step != 0.0, "{what}");
    for (place, value) in places.iter().zip(values) {
        let expected = places[low] + (value - values[low]) * step;
        assert!((place - expected).abs() <= 1.5, "{what}: {value} at {place}, not {expected}");
    }
}

#[test]
fn each_point_stands_where_its_value_is() {
    let (low, high) = (|s: f64| 1e3 + 10.0 * s, |s: f64| 2e3 + 300.0 * (s * 0.3).sin());
    let [low, high] = [seconds(low), seconds(high)];
    let linear: fn(f64) -> f64 = |y| y;
    let shown = [
        (plane(Scale::FromZero, Look::Line, &[("low", &low), ("high", &high)]), linear),
        (plane(Scale::Log, Look::Line, &[("low", &low), ("high", &high)]), f64::ln),
    ];
    for (plane, scale) in shown {
        let drawing = Drawing::of(&plane.draw().unwrap().file());
        let lines = [BLUE, ORANGE].map(|ink| drawing.places("polyline", &ink.hex()[0]));
        // The first two points are the legend's.
        let drawn = lines.iter().flat_map(|line| &line[2..]);
        let (xs, ys): (Vec<f64>, Vec<f64>) = drawn.copied().unzip();
        let (times, values): (Vec<f64>, Vec<f64>) = low.iter().chain(&high).copied().unzip();
        let values: Vec<f64> = values.into_iter().map(scale).collect();
        are_in_proportion(&xs, &times, &plane.title);
        are_in_proportion(&ys, &values, &plane.title);
        assert!(ys[0] > ys[89], "{}: more is further up", plane.title);
    }
    let plane = plane(Scale::Linear, Look::Dots, &[("high", &high)]);
    let drawing = Drawing::of(&plane.draw().unwrap().file());
    // The last one is the legend's, or the first.
    let dots: Vec<_> = drawing.marks.iter().filter(|mark| mark.kind == "circle").collect();
    assert_eq!(dots.len(), 91);
    let (xs, ys): (Vec<f64>, Vec<f64>) = dots[1..].iter().map(|dot| dot.places[0]).unzip();
    let (times, values): (Vec<f64>, Vec<f64>) = high.iter().copied().unzip();
    are_in_proportion(&xs, &times, "dots");
    are_in_proportion(&ys, &values, "dots");
}

#[test]
fn no_line_leads_over_a_gap() {
    let point = Point::new;
    let whole = [point(0.5, 1e3), point(0.9, 2e3), point(0.99, 3e3), point(0.999, 4e3)];
    let lines = |points: &[Point]| -> Vec<usize> {
        let svg = spectrum(points).draw().unwrap().file();
        let drawn = svg.split("stroke-width=\"2\" points=\"").skip(1);
        drawn.map(|rest| rest.split('"').next().unwrap().split_whitespace().count()).collect()
    };
    // The first is the legend's.
    assert_eq!(lines(&whole), [2, 4]);
    let mut parted = whole;
    parted[1] = Point::gap(0.9);
    assert_eq!(lines(&parted), [2, 2], "from 99 % to 99.9 %, and none from 50 %");
    parted[3] = Point::gap(0.999);
    assert_eq!(lines(&parted), [2], "marks alone");
    parted[3] = point(0.999, 0.0);
    assert_eq!(lines(&parted), [2], "0 has no place on a logarithmic axis");
    let table = spectrum(&parted).table();
    assert_eq!(table.rows[1].cells[1], "", "a gap is no figure");
}

#[test]
fn a_point_says_its_figure_and_what_is_asked_stands_at_its_value() {
    let whiskers = Point { bounds: Some((8e6, 12e6)), ..Point::new(0.99, 10e6) };
    let mut plane = spectrum(&[Point::new(0.5, 1e6), whiskers, Point::gap(0.999)]);
    let words = "asked: p(99)<10ms".to_owned();
    plane.bounds.push(Demand { y: 10e6, to: Some(0.99), words });
    let svg = plane.draw().unwrap().file();
    assert!(svg.contains("<title>service, at 99 %: 10.0 ms [8.00 ms, 12.0 ms]</title>"), "{svg}");
    assert_eq!(svg.matches("<circle").count() - svg.matches("<title>service").count(), 2 + 1);
    let drawing = Drawing::of(&svg);
    let places = |ink: &str, kind: &str| drawing.places(kind, ink);
    let point = *places(&BLUE.hex()[0], "circle").last().unwrap();
    let asked = places(&RED.hex()[0], "polyline");
    assert!(asked.iter().all(|place| place.1 == point.1), "{asked:?} at {point:?}");
    let end = asked.iter().map(|place| place.0).fold(0.0, f64::max);
    assert!((end - point.0).abs() <= 5.0, "it ends at its percentile: {end}, {point:?}");
}

#[test]
fn a_chart_of_nothing_says_so() {
    for scale in [Scale::Linear, Scale::FromZero, Scale::Log, Scale::Nines] {
        let plane = plane(scale, Look::Line, &[]);
        assert!(plane.draw().unwrap().file().contains("No figure that these axes can show"));
    }
    let bad = [(0.0, f64::NAN), (f64::INFINITY, 1.0), (1.0, 0.0)];
    let plane = plane(Scale::Log, Look::Line, &[("bad", &bad)]);
    assert!(plane.draw().is_ok());
}

#[test]
fn a_day_of_seconds_stays_small_and_keeps_its_peak() {
    let day: Vec<(f64, f64)> = (0..86_400)
        .map(|i| (f64::from(i) * S, if i == 50_000 { 1e9 } else { 1e6 + f64::from(i % 7) }))
        .collect();
    let plane = plane(Scale::Log, Look::Line, &[("p99", &day)]);
    let svg = plane.draw().unwrap().file();
    assert!(svg.len() < 40_000, "{}", svg.len());
    let path = svg.lines().find(|line| line.starts_with("<polyline") && line.len() > 1000);
    let ys = path.unwrap().split('"').nth(9).unwrap().split_whitespace();
    let ys = ys.map(|place| place.split_once(',').unwrap().1.parse::<i32>().unwrap());
    let (low, high) = ys.fold((i32::MAX, 0), |(low, high), y| (low.min(y), high.max(y)));
    assert!(high - low > 200, "the peak is there: {low} to {high}");
    assert!(plane.table().rows.len() < 100);
}
