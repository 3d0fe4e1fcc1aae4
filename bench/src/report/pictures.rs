//! The pictures: curves over a common axis, drawn as SVG on white, which can be read on a dark page too.

use std::error::Error;

use plotters::coord::Shift;
use plotters::coord::ranged1d::{AsRangedCoord, Ranged, ValueFormatter};
use plotters::prelude::*;

use super::table::counted;
use crate::results::Picture;

/// In pixels, the names of the curves on the right included.
const SIZE: (u32, u32) = (960, 460);
const LEGEND: u32 = 250;
const TITLE: u32 = 48;

const INK: RGBColor = RGBColor(0x22, 0x22, 0x22);
const GRID: RGBColor = RGBColor(0xdd, 0xdd, 0xdd);
const FONT: &str = "sans-serif";

/// Told apart by people who see few colours too (Okabe and Ito's).
const CURVES: [RGBColor; 6] = [
    RGBColor(0x00, 0x72, 0xb2),
    RGBColor(0xd5, 0x5e, 0x00),
    RGBColor(0x00, 0x9e, 0x73),
    RGBColor(0xcc, 0x79, 0xa7),
    RGBColor(0xe6, 0x9f, 0x00),
    RGBColor(0x55, 0x55, 0x55),
];
const SPANS: [RGBColor; 3] = [RGBColor(0xe4, 0xe8, 0xee), RGBColor(0xf7, 0xee, 0xd3), RGBColor(0xe6, 0xf2, 0xe2)];

/// Curves of more points than this have no marks on them.
const MARKED: usize = 30;

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Outcome<T = ()> = Result<T, Box<dyn Error>>;

/// Draws a picture.
pub fn svg(picture: &Picture) -> Outcome<String> {
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
        area.fill(&WHITE)?;
        area.draw(&Text::new(picture.title.to_owned(), (20, 14), (FONT, 24).into_font().color(&INK)))?;
        let (_title, below) = area.split_vertically(TITLE);
        let (plot, legend) = below.split_horizontally(SIZE.0 - LEGEND);
        let (from, to) = across(picture);
        if picture.logarithmic {
            curves(picture, (&area, &plot), (from * 0.85..to * 1.18).log_scale())?;
        } else {
            curves(picture, (&area, &plot), from..to)?;
        }
        names(picture, &legend)?;
        area.present()?;
    }
    Ok(svg)
}

/// The least and the most on the axis across.
fn across(picture: &Picture) -> (f64, f64) {
    let points = picture.curves.iter().flat_map(|(_name, points)| points).map(|(across, _up)| *across);
    let spans = picture.spans.iter().flat_map(|(from, to, _name)| [*from, *to]);
    let (from, to) = points.chain(spans).fold((f64::MAX, f64::MIN), |(least, most), x| (least.min(x), most.max(x)));
    if from < to { (from, to) } else { (1.0, 2.0) }
}

/// What the axis upwards ends with.
fn top(picture: &Picture) -> f64 {
    let most = picture.curves.iter().flat_map(|(_name, points)| points).fold(0.0, |most: f64, (_across, up)| most.max(*up));
    if most > 0.0 { most * 1.08 } else { 1.0 }
}

/// Draws the curves into `area`, a part of the `whole`.
fn curves<X>(picture: &Picture, (whole, area): (&Area<'_>, &Area<'_>), range: X) -> Outcome
where
    X: AsRangedCoord<Value = f64>,
    X::CoordDescType: Ranged<ValueType = f64> + ValueFormatter<f64>,
{
    let top = top(picture);
    let mut chart = ChartBuilder::on(area)
        .margin_left(14)
        .margin_right(40)
        .margin_bottom(10)
        .x_label_area_size(54)
        .y_label_area_size(84)
        .build_cartesian_2d(range, 0.0..top)?;
    for (from, to, name) in &picture.spans {
        chart.draw_series([Rectangle::new([(*from, 0.0), (*to, top)], shade(picture, name).filled())])?;
    }
    let font = |size: i32| (FONT, size).into_font().color(&INK);
    chart
        .configure_mesh()
        .disable_x_mesh()
        .bold_line_style(GRID)
        .light_line_style(TRANSPARENT)
        .axis_style(INK)
        .x_labels(8)
        .y_labels(10)
        .x_label_formatter(&|value| counted(*value))
        .y_label_formatter(&|value| counted(*value))
        .label_style(font(17))
        .axis_desc_style(font(18))
        .x_desc(picture.across)
        .y_desc(picture.up)
        .draw()?;
    for (which, (_name, points)) in picture.curves.iter().enumerate() {
        chart.draw_series(LineSeries::new(points.iter().copied(), colour(which).stroke_width(2)))?;
        if points.len() <= MARKED {
            for point in points {
                whole.draw(&mark(chart.plotting_area().map_coordinate(point), which))?;
            }
        }
    }
    Ok(())
}

/// What the curves and the spans are, on the right: curves from the top as they are given.
fn names(picture: &Picture, area: &Area<'_>) -> Outcome {
    const LINE: i32 = 18;
    let mut y = 14;
    let text = |name: &str, y: &mut i32| -> Outcome {
        for line in wrapped(name, 24) {
            area.draw(&Text::new(line, (46, *y - 7), (FONT, 17).into_font().color(&INK)))?;
            *y += LINE;
        }
        *y += 7;
        Ok(())
    };
    for (which, (name, points)) in picture.curves.iter().enumerate() {
        area.draw(&PathElement::new([(8, y), (36, y)], colour(which).stroke_width(2)))?;
        if points.len() <= MARKED {
            area.draw(&mark((22, y), which))?;
        }
        text(name, &mut y)?;
    }
    for name in shaded(picture) {
        area.draw(&Rectangle::new([(8, y - 7), (36, y + 7)], shade(picture, name).filled()))?;
        text(name, &mut y)?;
    }
    Ok(())
}

/// The names of the spans, each once.
fn shaded(picture: &Picture) -> Vec<&str> {
    let mut names: Vec<&str> = Vec::new();
    for (_from, _to, name) in &picture.spans {
        if !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
    names
}

fn shade(picture: &Picture, name: &str) -> RGBColor {
    let place = shaded(picture).into_iter().position(|other| other == name).unwrap_or_default();
    SPANS[place % SPANS.len()]
}

fn colour(which: usize) -> RGBColor {
    CURVES[which % CURVES.len()]
}

/// A mark of the curve's own shape: its corners, around a point of the picture.
fn mark((x, y): (i32, i32), which: usize) -> Polygon<(i32, i32)> {
    const ROUND: [(i32, i32); 8] = [(-4, -2), (-2, -4), (2, -4), (4, -2), (4, 2), (2, 4), (-2, 4), (-4, 2)];
    const SQUARE: [(i32, i32); 4] = [(-4, -4), (4, -4), (4, 4), (-4, 4)];
    const TRIANGLE: [(i32, i32); 3] = [(0, -6), (5, 4), (-5, 4)];
    const DIAMOND: [(i32, i32); 4] = [(0, -6), (6, 0), (0, 6), (-6, 0)];
    let corners: [&[_]; 4] = [&ROUND, &SQUARE, &TRIANGLE, &DIAMOND];
    let corners = corners[which % corners.len()].iter().map(|(right, down)| (x + right, y + down));
    Polygon::new(corners.collect::<Vec<_>>(), colour(which).filled())
}

/// Lines of at most `most` characters, where the words let that be.
fn wrapped(text: &str, most: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= most => *line = format!("{line} {word}"),
            _full => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture() -> Picture {
        Picture {
            file: "a",
            title: "Title",
            across: "sessions",
            up: "µs",
            logarithmic: true,
            spans: vec![(20_000.0, 30_000.0, "a purge".into()), (50_000.0, 60_000.0, "a purge".into())],
            curves: vec![("load".into(), vec![(10_000.0, 1.0), (1_000_000.0, 2_000.0)])],
        }
    }

    #[test]
    fn a_picture_says_what_it_shows() {
        for logarithmic in [true, false] {
            let svg = svg(&Picture { logarithmic, ..picture() }).unwrap();
            for text in ["Title", "sessions", "µs", "load", "a purge", "1,500", "1,000,000"] {
                assert!(svg.contains(text), "{text}");
            }
            assert_eq!(svg.matches("a purge").count(), 1);
        }
    }

    #[test]
    fn a_picture_of_nothing_can_be_drawn() {
        assert!(svg(&Picture { spans: Vec::new(), curves: Vec::new(), ..picture() }).unwrap().contains("</svg>"));
    }

    #[test]
    fn long_names_are_broken_between_words() {
        assert_eq!(
            wrapped("a writer of one row while nothing else runs", 20),
            ["a writer of one row", "while nothing else", "runs"]
        );
    }
}
