//! The log itself: what it holds, who may write it, and that cqrs-es and stock postgres-es read it.

mod append_only;
mod appending;
mod cqrs;
mod stale;
mod stored;
