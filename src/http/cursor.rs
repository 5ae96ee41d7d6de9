//! Where a list goes on: opaque to clients, checked when it comes back.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Datelike, Utc};
use serde::{Deserialize, Serialize};

/// The last row of a page: by creation, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    #[serde(rename = "t")]
    micros: i64,
    #[serde(rename = "i")]
    pub id: String,
}

impl Cursor {
    pub fn after(created_at: DateTime<Utc>, id: &str) -> Self {
        Self { micros: created_at.timestamp_micros(), id: id.to_owned() }
    }

    pub fn created_at(&self) -> Option<DateTime<Utc>> {
        DateTime::from_timestamp_micros(self.micros)
    }

    pub fn encode(&self) -> String {
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(self).unwrap_or_default())
    }

    pub fn decode(text: &str) -> Option<Self> {
        let cursor: Self = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
        // Years that the database knows as well: what it refuses would be our error, not the caller's.
        let dated = cursor.created_at().is_some_and(|at| (0..10_000).contains(&at.year()));
        let plausible = dated && !cursor.id.contains('\0') && cursor.id.len() <= 64;
        plausible.then_some(cursor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_reads_back_and_nothing_else_is_one() {
        let cursor = Cursor::after(DateTime::from_timestamp_micros(1_736_942_400_123_456).unwrap(), "cs_1");
        assert_eq!(Cursor::decode(&cursor.encode()), Some(cursor));
        for bad in ["", "x", "e30", "%00", "eyJ0IjoxfQ"] {
            assert_eq!(Cursor::decode(bad), None, "{bad}");
        }
        for micros in [i64::MIN, -8_000_000_000_000_000_000, 8_000_000_000_000_000_000, i64::MAX] {
            let cursor = Cursor { micros, id: "cs_1".to_owned() };
            assert_eq!(Cursor::decode(&cursor.encode()), None, "{micros}");
        }
    }
}
