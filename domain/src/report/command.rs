//! What can be asked of a report.

use super::event::Filed;

#[derive(Debug, Clone, PartialEq)]
pub enum ReportCommand {
    File(Box<File>),
}

/// The new report, but for `at`, which is the stamp's.
pub type File = Filed;
