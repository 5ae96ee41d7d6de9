//! A QR code as a picture: dark modules on white, with the quiet zone of four modules around them that ISO/IEC 18004
//! asks for, so that it also reads on a dark page.

use std::fmt::Write;

use qrcode::types::QrError;
use qrcode::{Color, EcLevel, QrCode};

const QUIET: usize = 4;

/// Which modules are dark, quiet zone included; as many rows as columns.
pub struct Matrix {
    width: usize,
    dark: Vec<bool>,
}

impl Matrix {
    fn is_dark(&self, row: usize, column: usize) -> bool {
        let inner = self.width - 2 * QUIET;
        let within = |at: usize| at.checked_sub(QUIET).filter(|at| *at < inner);
        match (within(row), within(column)) {
            (Some(row), Some(column)) => self.dark[row * inner + column],
            _ => false,
        }
    }
}

pub fn matrix(text: &str, level: EcLevel) -> Result<Matrix, QrError> {
    let code = QrCode::with_error_correction_level(text.as_bytes(), level)?;
    let width = code.width() + 2 * QUIET;
    Ok(Matrix { width, dark: code.to_colors().into_iter().map(|color| color == Color::Dark).collect() })
}

/// Each module as large as whole pixels allow, the rest white around it: blurred edges are hard to read.
pub fn png(matrix: &Matrix, size: u32) -> Result<Vec<u8>, png::EncodingError> {
    let pixels = usize::try_from(size).unwrap_or(usize::MAX);
    let module = (pixels / matrix.width).max(1);
    let margin = pixels.saturating_sub(module * matrix.width) / 2;
    let place = |pixel: usize| pixel.checked_sub(margin).map(|pixel| pixel / module);
    let row_bytes = pixels.div_ceil(8);
    let mut bits = vec![0xff_u8; row_bytes * pixels];
    for y in 0..pixels {
        for x in 0..pixels {
            if let (Some(row), Some(column)) = (place(y), place(x))
                && matrix.is_dark(row, column)
            {
                bits[y * row_bytes + x / 8] &= !(0x80 >> (x % 8));
            }
        }
    }
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, size, size);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::One);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&bits)?;
    writer.finish()?;
    Ok(bytes)
}

/// One path: a rectangle for each run of dark modules in a row.
pub fn svg(matrix: &Matrix, size: u32) -> String {
    let width = matrix.width;
    let mut path = String::new();
    for row in 0..width {
        let mut column = 0;
        while column < width {
            let run = (column..width).take_while(|at| matrix.is_dark(row, *at)).count();
            if run > 0 {
                // Text in memory takes whatever is written.
                let _ = write!(path, "M{column} {row}h{run}v1h-{run}z");
            }
            column += run.max(1);
        }
    }
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{size}\" height=\"{size}\" viewBox=\"0 0 {width} {width}\" \
         shape-rendering=\"crispEdges\"><path fill=\"#fff\" d=\"M0 0h{width}v{width}H0z\"/>\
         <path fill=\"#000\" d=\"{path}\"/></svg>"
    )
}
