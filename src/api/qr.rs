//! `/v1/qr`.

pub mod described;
mod found;
pub mod generate;
pub mod image;
mod picture;
pub mod retrieve;
