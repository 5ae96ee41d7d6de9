//! `/v1/qr`.

pub mod described;
pub mod evidence;
mod found;
pub mod generate;
pub mod image;
mod picture;
pub mod retrieve;
