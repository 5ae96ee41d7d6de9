//! Times in JSON, to the byte as chrono writes and reads them, for fields that are written and read by the million:
//! `#[serde(with = "crate::rfc3339")]`.

use std::fmt;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::de::{self, Visitor};
use serde::{Deserializer, Serializer};

/// In one piece: chrono hands out one character after the other, each of which is looked at for escapes by itself.
pub fn serialize<S: Serializer>(at: &DateTime<Utc>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&at.to_rfc3339_opts(SecondsFormat::AutoSi, true))
}

/// As RFC 3339 has it, or else in the looser ways that chrono takes.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<DateTime<Utc>, D::Error> {
    struct Text;
    impl Visitor<'_> for Text {
        type Value = DateTime<Utc>;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an RFC 3339 formatted date and time string")
        }
        fn visit_str<E: de::Error>(self, text: &str) -> Result<DateTime<Utc>, E> {
            let strict = DateTime::parse_from_rfc3339(text).map(|at| at.to_utc());
            strict.or_else(|_| text.parse()).map_err(E::custom)
        }
    }
    deserializer.deserialize_str(Text)
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Utc};
    use serde::{Deserialize, Serialize};

    #[derive(Serialize, Deserialize)]
    struct At(#[serde(with = "crate::rfc3339")] DateTime<Utc>);

    #[test]
    fn it_reads_and_writes_what_chrono_does() {
        for text in [
            "2025-01-15T12:00:00Z",
            "2025-01-15T12:00:00.5Z",
            "2025-01-15T12:00:00.000001Z",
            "2025-01-15T12:00:00.123456789Z",
            "2025-01-15T12:00:00.1234567891Z",
            "2025-01-15t12:00:00z",
            "2025-01-15 12:00:00+01:30",
            "2025-01-15T12:00:00-00:00",
            "2025-1-5T1:2:3Z",
            "2016-12-31T23:59:60Z",
            "+12025-01-15T12:00:00Z",
            "-0001-01-15T12:00:00Z",
            " 2025-01-15T12:00:00Z",
            "2025-01-15T12:00:00+24:00",
            "2025-02-30T12:00:00Z",
            "2025-01-15T12:00:00",
            "2025-01-15",
            "",
        ] {
            let json = serde_json::to_string(text).unwrap();
            let ours = serde_json::from_str::<At>(&json).map_err(|error| error.to_string());
            let chronos = serde_json::from_str::<DateTime<Utc>>(&json).map_err(|error| error.to_string());
            assert_eq!(ours.as_ref().map(|at| at.0), chronos.as_ref().copied(), "{text}");
            let written = ours.map(|at| serde_json::to_string(&at).unwrap()).ok();
            assert_eq!(written, chronos.ok().map(|at| serde_json::to_string(&at).unwrap()), "{text}");
        }
    }
}
