//! Reading the log in order, and keeping the place.

pub mod ahead;
pub mod checkpoint;
pub mod copy;
pub mod copy_in;
pub mod failure;
pub mod fold;
pub mod lease;
pub mod load;
pub mod loader;
pub mod progress;
pub mod reader;
pub mod rebuild;
pub mod recent;
pub mod runner;
pub mod set_aside;
pub mod wake;
pub mod warm;
