//! The Merkle leaf of an event: what a proof is about. Frozen for ever; `fixtures/leaf-vectors.json` pins it.
//!
//! ```text
//! leaf   = SHA-256( header ‖ SHA-256(payload bytes) ‖ SHA-256(metadata bytes) )
//! header = "mobid/leaf/1" NUL ‖ field(log id, 16 bytes) ‖ field(position) ‖ field(aggregate type)
//!          ‖ field(aggregate id) ‖ field(sequence) ‖ field(event type) ‖ field(event version)
//!          ‖ field(event id, 16 bytes) ‖ field(tenant) ‖ field(recorded at, µs since the Unix epoch)
//! field  = length as 4 bytes big-endian ‖ bytes; a number is 8 bytes big-endian
//! ```
//!
//! The 32-byte leaf is the entry that goes into the RFC 6962 tree, which hashes it once more with its 0x00 prefix.

pub mod vectors;

use std::fmt::Write;

use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::recorded::Recorded;

const DOMAIN: &[u8] = b"mobid/leaf/1\0";

/// The leaf of an event in the log `log_id`.
pub fn leaf(log_id: Uuid, event: &Recorded) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(DOMAIN);
    field(&mut hash, log_id.as_bytes());
    field(&mut hash, &event.position.to_be_bytes());
    field(&mut hash, event.aggregate_type.as_bytes());
    field(&mut hash, event.aggregate_id.as_bytes());
    field(&mut hash, &event.sequence.to_be_bytes());
    field(&mut hash, event.event_type.as_bytes());
    field(&mut hash, event.event_version.as_bytes());
    field(&mut hash, event.event_id.as_bytes());
    field(&mut hash, event.tenant.as_bytes());
    field(&mut hash, &event.recorded_at.timestamp_micros().to_be_bytes());
    hash.update(Sha256::digest(event.payload.as_bytes()));
    hash.update(Sha256::digest(event.metadata.as_bytes()));
    hash.finalize().into()
}

/// Lower-case hex, as leaves and hashes are shown.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn field(hash: &mut Sha256, bytes: &[u8]) {
    // A field longer than 4 GiB cannot exist: a batch is at most 4 MiB.
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    hash.update(length.to_be_bytes());
    hash.update(bytes);
}
