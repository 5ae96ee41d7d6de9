//! Old events read as today's. An upcaster changes what is read, never what is stored, hashed or proven.
//!
//! There is one version of every event so far, so the list is empty; a changed payload adds a version, an upcaster
//! here and an old sample in `fixtures/`.

use cqrs_es::persist::EventUpcaster;

/// Every upcaster, oldest version first.
pub fn upcasters() -> &'static [Box<dyn EventUpcaster>] {
    &[]
}
