//! How much a client may ask for.

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Plan {
    Free,
    Basic,
    Growth,
    Enterprise,
}

/// Requests: in a minute, in a day, at the same time. `None` is no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Limits {
    pub per_minute: Option<u32>,
    pub per_day: Option<u32>,
    pub concurrent: Option<u32>,
}

impl Limits {
    pub const NONE: Self = Self { per_minute: None, per_day: None, concurrent: None };
}

impl Plan {
    /// What the price list says; an enterprise's are its own, and none where nothing was agreed.
    pub fn limits(self) -> Limits {
        let some = |per_minute, per_day, concurrent| Limits {
            per_minute: Some(per_minute),
            per_day: Some(per_day),
            concurrent: Some(concurrent),
        };
        match self {
            Self::Free => some(60, 1_000, 5),
            Self::Basic => some(300, 50_000, 25),
            Self::Growth => some(1_000, 500_000, 50),
            Self::Enterprise => Limits::NONE,
        }
    }
}
