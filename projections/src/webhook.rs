//! Endpoints as their clients read them, and the deliveries that follow from events.

pub mod apply;
pub mod delivery;
pub mod outbox;
pub mod query;
