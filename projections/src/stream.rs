//! Reading the log in order, and keeping the place.

pub mod ahead;
pub mod checkpoint;
pub mod copy;
pub mod failure;
pub mod fold;
pub mod lease;
pub mod reader;
pub mod rebuild;
pub mod recent;
pub mod runner;
pub mod wake;
