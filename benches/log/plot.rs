//! One picture: every ratio that stands next to another program, on a logarithmic scale around parity.

use std::path::Path;

use anyhow::Result;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::figures::{Measured, Spread};

const WIDTH: i32 = 1_100;
const LABELS: i32 = 520;
const RIGHT: i32 = 60;
const ROW: i32 = 20;
const TOP: i32 = 46;
/// From so many times slower to so many times faster.
const LEAST: f64 = 0.05;
const MOST: f64 = 32.0;
const GRID: [f64; 9] = [0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0];
const BEFORE: RGBColor = RGBColor(200, 110, 90);
const AHEAD: RGBColor = RGBColor(70, 130, 180);

/// Where a ratio is.
fn x(ratio: f64) -> i32 {
    let part = (ratio.clamp(LEAST, MOST) / LEAST).ln() / (MOST / LEAST).ln();
    #[expect(clippy::cast_possible_truncation, reason = "pixels of a picture of a known width")]
    let pixels = (part * f64::from(WIDTH - LABELS - RIGHT)).round() as i32;
    LABELS + pixels
}

pub fn draw(path: &Path, figures: &[Measured]) -> Result<()> {
    let rows: Vec<_> = figures.iter().filter(|measured| is_shown(measured)).collect();
    let height = TOP + ROW * i32::try_from(rows.len())? + ROW;
    let area = SVGBackend::new(path, (WIDTH.unsigned_abs(), height.unsigned_abs())).into_drawing_area();
    area.fill(&WHITE)?;
    let text = |size: i32| ("sans-serif", size).into_font().color(&BLACK);
    let title = "Our rate as a multiple of the other's: median, and from the least to the most of the rounds";
    area.draw(&Text::new(title, (10, 8), text(14)))?;
    for ratio in GRID {
        let line = [(x(ratio), TOP - 6), (x(ratio), height - ROW)];
        let color = if (ratio - 1.0).abs() < f64::EPSILON { BLACK } else { RGBColor(215, 215, 215) };
        area.draw(&PathElement::new(line, color))?;
        let centred = text(14).pos(Pos::new(HPos::Center, VPos::Bottom));
        area.draw(&Text::new(format!("{ratio}"), (x(ratio), TOP - 8), centred))?;
    }
    for (measured, top) in rows.iter().zip((TOP..).step_by(ROW.unsigned_abs() as usize)) {
        row(&area, measured, top)?;
    }
    Ok(area.present()?)
}

/// Another program beside it, not itself.
fn is_shown(measured: &Measured) -> bool {
    let against = measured.figure.against.as_deref().unwrap_or_default();
    ["stock", "pgbench", "the same route", "COPY"].iter().any(|other| against.starts_with(other))
}

fn row(
    area: &DrawingArea<SVGBackend<'_>, plotters::coord::Shift>,
    measured: &Measured,
    top: i32,
) -> Result<()> {
    let figure = &measured.figure;
    let Spread { min, median, max } = figure.spread();
    let middle = top + ROW / 2;
    let font = ("sans-serif", 14).into_font().color(&BLACK);
    let label =
        format!("{}: {} / {}", figure.section, figure.name, figure.against.as_deref().unwrap_or_default());
    let to_the_left = font.pos(Pos::new(HPos::Right, VPos::Center));
    area.draw(&Text::new(label, (LABELS - 8, middle), to_the_left))?;
    let color = if median < 1.0 { BEFORE } else { AHEAD };
    let (from, to) = (x(median.min(1.0)), x(median.max(1.0)));
    area.draw(&Rectangle::new([(from, top + 4), (to, top + ROW - 4)], color.filled()))?;
    area.draw(&PathElement::new([(x(min), middle), (x(max), middle)], BLACK))?;
    let font = ("sans-serif", 14).into_font().color(&BLACK);
    let beside = font.pos(Pos::new(HPos::Left, VPos::Center));
    area.draw(&Text::new(format!("{median:.2}"), (x(max.max(1.0)) + 5, middle), beside))?;
    Ok(())
}
