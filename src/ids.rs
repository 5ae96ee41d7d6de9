//! Where ids come from: `UUIDv7` of this process's clock, ordered within a process.

use uuid::Uuid;

#[expect(clippy::disallowed_methods, reason = "this is the edge that ids come from")]
pub fn new_id() -> Uuid {
    Uuid::now_v7()
}
