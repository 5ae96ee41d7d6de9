//! The committed test vectors of the leaf, made by `fixtures/leaf_vectors.py`, which shares no code with this crate.
//!
//! A verifier checks them before it trusts its own arithmetic.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use uuid::Uuid;

use super::leaf;
use crate::recorded::Recorded;

const VECTORS: &str = include_str!("../../fixtures/leaf-vectors.json");

/// Why this build cannot be trusted with leaves.
#[derive(Debug, thiserror::Error)]
pub enum Broken {
    #[error("the leaf of “{name}” is {computed}, not {expected}")]
    Leaf { name: String, expected: String, computed: String },
    #[error("the vectors do not read: {0}")]
    Unreadable(#[from] serde_json::Error),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Vector {
    name: String,
    log_id: Uuid,
    position: i64,
    event_id: Uuid,
    tenant: String,
    aggregate_type: String,
    aggregate_id: String,
    sequence: i64,
    event_type: String,
    event_version: String,
    payload: String,
    metadata: String,
    recorded_at: DateTime<Utc>,
    /// Lower-case hex.
    leaf: String,
}

/// Computes every committed vector; how many there are, or the first that differs.
pub fn check() -> Result<usize, Broken> {
    let vectors: Vec<Vector> = serde_json::from_str(VECTORS)?;
    let count = vectors.len();
    for vector in vectors {
        let event = Recorded {
            position: vector.position,
            event_id: vector.event_id,
            tenant: vector.tenant,
            aggregate_type: vector.aggregate_type,
            aggregate_id: vector.aggregate_id,
            sequence: vector.sequence,
            event_type: vector.event_type,
            event_version: vector.event_version,
            payload: vector.payload,
            metadata: vector.metadata,
            recorded_at: vector.recorded_at,
        };
        let computed = super::hex(&leaf(vector.log_id, &event));
        if computed != vector.leaf {
            return Err(Broken::Leaf { name: vector.name, expected: vector.leaf, computed });
        }
    }
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_leaf_is_what_an_independent_program_computes() {
        assert_eq!(check().unwrap(), 8);
    }

    #[test]
    fn every_vector_has_a_leaf_of_its_own() {
        let vectors: Vec<Vector> = serde_json::from_str(VECTORS).unwrap();
        let leaves: std::collections::BTreeSet<_> = vectors.iter().map(|vector| &vector.leaf).collect();
        assert_eq!(leaves.len(), vectors.len());
    }
}
