//! Why a command on a report is refused.

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReportError {
    #[error("the report exists already")]
    AlreadyExists,
    #[error("only the person themselves can do this")]
    NotThePerson,
}
