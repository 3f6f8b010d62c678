//! Charts of a load that lasts: offered and achieved rate by stage, latency over time, the spectrum
//! of percentiles, the trend of memory. Times are nanoseconds since the start of the load.

use super::plane::{Plane, Stage};
use super::scale::{Axis, Scale};
use super::series::{Look, Point, Series};
use caxton_model::units::Unit;

/// A line by name; what is no number is a gap in it.
pub(crate) type Line<'a> = (&'a str, &'a [(f64, f64)]);

fn over_time() -> Axis {
    Axis::new("time since the start of the load", Scale::FromZero, Unit::Nanos)
}

/// The most points that get marks: beyond, a line says it.
const MARKED_MAX: usize = 12;

/// How a line of so many points looks.
const fn line(points: usize) -> Look {
    if points > MARKED_MAX { Look::Line } else { Look::Marks }
}

fn series(line: Line, look: Look) -> Series {
    let (label, points) = line;
    let points = points.iter().map(|(x, y)| Point::new(*x, *y));
    Series { label: label.to_owned(), points: points.collect(), look }
}

/// What was achieved, what was offered as a broken line, and what failed, each as far as there is
/// something of it: time, events per second.
pub(crate) fn rates(
    stages: &[Stage],
    offered: &[(f64, f64)],
    achieved: &[(f64, f64)],
    failed: &[(f64, f64)],
) -> Plane {
    let all = [
        series(("achieved", achieved), line(achieved.len())),
        series(("offered", offered), Look::Dashed),
        series(("failed, timed out or dropped", failed), line(failed.len())),
    ];
    let series = all.into_iter().filter(|series| !series.points.is_empty()).collect();
    let y = Axis::new("messages per second", Scale::FromZero, Unit::PerSecond);
    let subtitle = "Where achieved stays below offered, the load was not met: latency then counts \
                    the wait.";
    let plane = Plane::new("Offered and achieved rate", subtitle, over_time(), y, series);
    Plane { stages: stages.to_vec(), ..plane }
}

/// Percentiles over time, on a logarithmic scale: time, nanoseconds. Those of the service are
/// broken lines, for they often lie on those of the response.
pub(crate) fn latency(stages: &[Stage], responses: &[Line], services: &[Line]) -> Plane {
    let of = |one: &Line| series(*one, line(one.1.len()));
    let broken = |one: &Line| series(*one, Look::Dashed);
    let series = responses.iter().map(of).chain(services.iter().map(broken)).collect();
    let y = Axis::new("time, logarithmic", Scale::Log, Unit::Nanos);
    let subtitle = "Response: from when a message was due until it was answered. Service: from \
                    when it was sent.";
    let plane = Plane::new("Response times over time", subtitle, over_time(), y, series);
    Plane { stages: stages.to_vec(), ..plane }
}

/// Percentiles by log 1/(1−q): quantile between 0 and 1, nanoseconds. Few points get marks.
pub(crate) fn spectrum(title: &str, lines: &[(&str, Vec<Point>)]) -> Plane {
    let one = |(label, points): &(&str, Vec<Point>)| Series {
        label: (*label).to_owned(),
        points: points.clone(),
        look: line(points.len()),
    };
    let subtitle = "Of all messages 90 %, 99 %, 99.9 % were quicker than this; each step to the \
                    right leaves a tenth of those before it.";
    let x = Axis::new("share of messages that were quicker", Scale::Nines, Unit::Share);
    let y = Axis::new("time, logarithmic", Scale::Log, Unit::Nanos);
    Plane::new(title, subtitle, x, y, lines.iter().map(one).collect())
}

/// A straight line, from one end to the other, and how it is called.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Slope {
    /// Its words: `+1.2 MiB/h [0.8, 1.6]: grows`.
    pub(crate) words: String,
    /// Where it begins: time, value.
    pub(crate) from: (f64, f64),
    pub(crate) to: (f64, f64),
}

/// A quantity over a long time: what was read, and as far as they are known its envelope (time,
/// lower, upper), of which the lower one is judged, and its slope.
pub(crate) fn trend(
    title: &str,
    unit: Unit,
    readings: &[(f64, f64)],
    envelope: &[(f64, f64, f64)],
    slope: Option<&Slope>,
) -> Plane {
    let floor: Vec<(f64, f64)> = envelope.iter().map(|(x, lower, _)| (*x, *lower)).collect();
    let mut lines = Vec::new();
    if !floor.is_empty() {
        lines.push(series(("lower envelope, which is judged", &floor), Look::Line));
    }
    if let Some(slope) = slope {
        lines.push(series((&slope.words, &[slope.from, slope.to]), Look::Dashed));
    }
    lines.push(series(("readings", readings), Look::Dots));
    let subtitle = "A leak lifts the bottom of every cycle; what only its peaks do says little.";
    let y = Axis::new(&title.to_lowercase(), Scale::Linear, unit);
    let plane = Plane::new(title, subtitle, over_time(), y, lines);
    Plane { envelope: envelope.to_vec(), ..plane }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::paper::{BLUE, ORANGE};
    use caxton_fixture::drawing::Drawing;
    use expect_test::expect_file;

    const S: f64 = 1e9;

    fn stages() -> Vec<Stage> {
        let ends = [("warm-up", 0, 10), ("ramp", 10, 30), ("burst", 30, 40), ("hold", 40, 90)];
        let stage = |(name, from, to): (&str, i32, i32)| Stage {
            name: name.to_owned(),
            from: f64::from(from) * S,
            to: f64::from(to) * S,
        };
        ends.map(stage).to_vec()
    }

    fn seconds(value: impl Fn(f64) -> f64) -> Vec<(f64, f64)> {
        (0..90).map(f64::from).map(|s| (s * S, value(s))).collect()
    }

    fn offered(s: f64) -> f64 {
        match s {
            s if s < 10.0 => 1e3,
            s if s < 30.0 => 1e3 + (s - 10.0) * 200.0,
            s if s < 40.0 => 14e3,
            _ => 5e3,
        }
    }

    /// Every synthetic chart, by the name of its file.
    fn all() -> [(&'static str, Plane); 4] {
        let achieved = seconds(|s| offered(s).min(11e3) * (1.0 - 0.01 * (s * 7.0).sin().abs()));
        let p50 = seconds(|s| 1.2e5 * if (30.0..44.0).contains(&s) { 40.0 } else { 1.0 });
        let p99 = seconds(|s| 9e5 * if (30.0..48.0).contains(&s) { 300.0 } else { 1.0 });
        let service = seconds(|s| 1.1e5 * if (30.0..44.0).contains(&s) { 1.2 } else { 1.0 });
        let quantile = |i: i32| 1.0 - 10_f64.powf(-f64::from(i) / 8.0);
        let curve = |k: f64| -> Vec<Point> {
            let y = |i: i32| 1e5 * (f64::from(i) * k).exp();
            (0..33).map(|i| Point::new(quantile(i), y(i))).collect()
        };
        let mib = 1_048_576.0;
        let hour = 3600.0 * S;
        let at = |i: i32| f64::from(i) * hour / 12.0;
        let heap = |i: i32| mib * (100.0 + f64::from(i) * 0.03 + f64::from(i * 37 % 23));
        let readings: Vec<(f64, f64)> = (0..288).map(|i| (at(i), heap(i))).collect();
        let envelope: Vec<(f64, f64, f64)> = (0..24)
            .map(|i| (at(i * 12 + 6), mib * (100.2 + f64::from(i) * 0.36), heap(i * 12) + 9e6))
            .collect();
        let slope = Slope {
            words: "slope +368 KiB/h [310, 420]: grows".to_owned(),
            from: (0.0, 100.0 * mib),
            to: (24.0 * hour, 108.6 * mib),
        };
        [
            ("load-rates", rates(&stages(), &seconds(offered), &achieved, &[])),
            (
                "load-latency",
                latency(&stages(), &[("p50", &p50), ("p99", &p99)], &[("service p50", &service)]),
            ),
            (
                "load-spectrum",
                spectrum(
                    "Percentiles of response and service",
                    &[("response", curve(0.28)), ("service", curve(0.11))],
                ),
            ),
            ("load-trend", trend("Live bytes", Unit::Bytes, &readings, &envelope, Some(&slope))),
        ]
    }

    #[test]
    fn the_charts_of_a_made_up_load_look_as_they_did() {
        let mut told = String::new();
        for (name, plane) in all() {
            let drawn = Drawing::of(&plane.draw().unwrap().file()).told(true);
            told += &format!("{name}: {}\n{drawn}\n", plane.title);
        }
        expect_file!["goldens/load.txt"].assert_eq(&told);
        let (_, spectrum) = &all()[2];
        expect_file!["goldens/load-spectrum.svg"].assert_eq(&spectrum.draw().unwrap().file());
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
            (rates(&[], &[], &low, &high), linear),
            (latency(&[], &[("p50", &low), ("p99", &high)], &[]), f64::ln),
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
        let plane = trend("Live bytes", Unit::Bytes, &high, &[], None);
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
            let svg = spectrum("x", &[("service", points.to_vec())]).draw().unwrap().file();
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
        let table = spectrum("x", &[("service", parted.to_vec())]).table();
        assert_eq!(table.rows[1].cells[1], "", "a gap is no figure");
    }

    #[test]
    fn a_chart_of_nothing_says_so() {
        for plane in [rates(&[], &[], &[], &[]), latency(&[], &[], &[]), spectrum("x", &[])] {
            assert!(plane.draw().unwrap().file().contains("No figure that these axes can show"));
        }
        let bad = [(0.0, f64::NAN), (f64::INFINITY, 1.0), (1.0, 0.0)];
        let plane = latency(&[], &[("p50", &bad)], &[]);
        assert!(plane.draw().is_ok());
    }

    #[test]
    fn a_day_of_seconds_stays_small_and_keeps_its_peak() {
        let day: Vec<(f64, f64)> = (0..86_400)
            .map(|i| (f64::from(i) * S, if i == 50_000 { 1e9 } else { 1e6 + f64::from(i % 7) }))
            .collect();
        let plane = latency(&[], &[("p99", &day)], &[]);
        let svg = plane.draw().unwrap().file();
        assert!(svg.len() < 40_000, "{}", svg.len());
        let path = svg.lines().find(|line| line.starts_with("<polyline") && line.len() > 1000);
        let ys = path.unwrap().split('"').nth(9).unwrap().split_whitespace();
        let ys = ys.map(|place| place.split_once(',').unwrap().1.parse::<i32>().unwrap());
        let (low, high) = ys.fold((i32::MAX, 0), |(low, high), y| (low.min(y), high.max(y)));
        assert!(high - low > 200, "the peak is there: {low} to {high}");
        assert!(plane.table().rows.len() < 100);
    }
}
