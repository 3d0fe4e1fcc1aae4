//! The picture on the operator's page: bars, drawn as SVG.

use chrono::{DateTime, TimeDelta, Timelike, Utc};
use plotters::prelude::*;
use serde::Deserialize;

/// How the picture is to look; the page asks for the one that suits the screen.
#[derive(Clone, Copy, Default, Deserialize)]
pub(crate) struct Look {
    #[serde(default)]
    narrow: bool,
    #[serde(default)]
    dark: bool,
}

/// One bar for each hour of the clock; `now` lies in the last one.
pub(crate) fn bars(counts: &[u32], now: DateTime<Utc>, look: Look) -> Result<String, Box<dyn std::error::Error>> {
    let size = if look.narrow { (340, 260) } else { (960, 320) };
    let (ink, line, bar) = if look.dark {
        (RGBColor(0xc9, 0xc2, 0xb8), RGBColor(0x4a, 0x44, 0x3d), RGBColor(0xe0, 0x8a, 0x5b))
    } else {
        (RGBColor(0x5c, 0x53, 0x4a), RGBColor(0xe2, 0xda, 0xcf), RGBColor(0xb5, 0x53, 0x2a))
    };
    let hours = i32::try_from(counts.len())?;
    let top = counts.iter().copied().max().unwrap_or(0).max(4);
    let top = top.div_ceil(4) * 4;
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        let mut chart = ChartBuilder::on(&area)
            .margin_top(12)
            .margin_right(12)
            .x_label_area_size(34)
            .y_label_area_size(34)
            .build_cartesian_2d(0..hours, 0..top)?;
        let font = ("system-ui, sans-serif", 14).into_font().color(&ink);
        chart
            .configure_mesh()
            .disable_x_mesh()
            .bold_line_style(line)
            .light_line_style(TRANSPARENT)
            .axis_style(line)
            .y_labels(5)
            .x_labels(counts.len() + 1)
            .x_label_formatter(&|bar| {
                // Of the hours, those that a clock shows in large figures.
                let hour = (now - TimeDelta::hours(i64::from(hours - 1 - bar))).hour();
                if hour % (if look.narrow { 6 } else { 3 }) == 0 { format!("{hour:02}:00") } else { String::new() }
            })
            .x_label_style(font.clone())
            .y_label_style(font)
            .draw()?;
        chart.draw_series((0..hours).zip(counts).map(|(hour, count)| {
            let mut bar = Rectangle::new([(hour, 0), (hour + 1, *count)], bar.filled());
            let gap = if look.narrow { 1 } else { 4 };
            bar.set_margin(0, 0, gap, gap);
            bar
        }))?;
        area.present()?;
    }
    Ok(svg)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_picture_has_a_bar_for_each_hour() {
        let now = "2026-11-21T12:00:00Z".parse().unwrap();
        let counts: Vec<u32> = (0..24).collect();
        let svg = bars(&counts, now, Look::default()).unwrap();
        assert!(svg.starts_with("<svg") && svg.contains("viewBox"), "{svg}");
        assert_eq!(svg.matches("#B5532A").count(), 24);
        let dark = bars(&counts, now, Look { narrow: true, dark: true }).unwrap();
        assert!(dark.contains("#E08A5B") && !dark.contains("#B5532A"));
    }

    #[test]
    fn no_sessions_give_a_picture_too() {
        let now = "2026-11-21T12:00:00Z".parse().unwrap();
        assert!(bars(&[0; 24], now, Look::default()).unwrap().contains("</svg>"));
    }
}
