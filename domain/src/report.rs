//! A report of abuse: a person says that a client's request was wrong, and the owner of the service reads it.
//!
//! ```text
//! (file) filed
//! ```
//!
//! Promises: only the person themselves files a report, and what was said stays said. It is nobody's tenant's, as persons
//! are not: the client that it is about comes upon it nowhere. Which request it is about, and what the person says in
//! their own words, is sealed under the person's own key.
//! Leaves to others: how many reports there may be (pages), who reads them (http), sealing (vault).

mod aggregate;
mod command;
mod error;
mod event;
#[cfg(test)]
mod spec;

pub use aggregate::{Filing, Report};
pub use command::{File, ReportCommand};
pub use error::ReportError;
pub use event::{Filed, Reason, ReportEvent};
