//! A command with its time and its giver, both from the edge: the domain has no clock.

use chrono::{DateTime, Utc};

use crate::actor::Actor;

#[derive(Debug, Clone, PartialEq)]
pub struct Stamped<C> {
    pub at: DateTime<Utc>,
    pub by: Actor,
    pub command: C,
}
