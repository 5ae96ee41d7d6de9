//! Reading the log in order, and keeping the place.

pub mod checkpoint;
pub mod failure;
pub mod fold;
pub mod lease;
pub mod reader;
pub mod rebuild;
pub mod runner;
pub mod wake;
