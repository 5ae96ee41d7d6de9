//! Watch tokens: what lets a page that has no API key see where one resource stands, and nothing else of it.
//!
//! A token is made from the resource's id and the token's end under a key of ours, so no row holds one, every instance
//! knows it, and the same question within an hour gets the same token. Whose resource it is does not matter here: ids
//! are never given twice.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, DurationRound, TimeDelta, Utc};

use crate::vault::MasterKey;

const PREFIX: &str = "wt_";
/// A token lives for this long at least, and an hour longer at most.
const AT_LEAST: TimeDelta = TimeDelta::hours(1);
/// Tokens end on the full hour.
const STEP: TimeDelta = TimeDelta::hours(1);

/// A new token for a resource; within an hour the same one.
pub fn token(master: &MasterKey, resource: &str, now: DateTime<Utc>) -> String {
    let begun = now.duration_trunc(STEP).unwrap_or(now);
    write(master, resource, (begun + STEP + AT_LEAST).timestamp())
}

/// When a token for this very resource ends, if it is one and has not ended yet.
pub fn good_until(
    master: &MasterKey,
    resource: &str,
    presented: &str,
    now: DateTime<Utc>,
) -> Option<DateTime<Utc>> {
    let (end, _) = presented.strip_prefix(PREFIX)?.split_once('.')?;
    let end: i64 = end.parse().ok()?;
    let genuine = crate::secret::equal(write(master, resource, end).as_bytes(), presented.as_bytes());
    DateTime::from_timestamp(end, 0).filter(|end| genuine && now < *end)
}

fn write(master: &MasterKey, resource: &str, end: i64) -> String {
    let mac = master.hmac("mobid/watch-token", &[resource.as_bytes(), &end.to_be_bytes()]);
    format!("{PREFIX}{end}.{}", URL_SAFE_NO_PAD.encode(mac))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn a_token_is_good_for_one_resource_and_for_an_hour_or_two() {
        let (master, now) = (MasterKey::random(), at("2025-01-15T12:59:59Z"));
        let good = |resource: &str, text: &str, now| good_until(&master, resource, text, now);
        let text = token(&master, "cs_1", now);
        assert_eq!(good("cs_1", &text, now), Some(at("2025-01-15T14:00:00Z")));
        assert_eq!(good("cs_1", &text, at("2025-01-15T13:59:59Z")), Some(at("2025-01-15T14:00:00Z")));
        assert_eq!(good("cs_1", &text, at("2025-01-15T14:00:00Z")), None);
        assert_eq!(good("cs_2", &text, now), None);
        assert_eq!(good_until(&MasterKey::random(), "cs_1", &text, now), None);
        assert_eq!(token(&master, "cs_1", at("2025-01-15T12:00:00Z")), text, "the same within an hour");
    }

    #[test]
    fn nobody_can_make_one_last_longer() {
        let (master, now) = (MasterKey::random(), at("2025-01-15T12:00:00Z"));
        let text = token(&master, "cs_1", now);
        let (end, mac) = text[PREFIX.len()..].split_once('.').unwrap();
        let later = end.parse::<i64>().unwrap() + 1;
        for wrong in [
            format!("{PREFIX}{later}.{mac}"),
            format!("{PREFIX}0{end}.{mac}"),
            format!("{PREFIX}+{end}.{mac}"),
            format!("{PREFIX}{end}."),
            format!("{end}.{mac}"),
            format!("{PREFIX}{}.{mac}", i64::MAX),
            String::new(),
        ] {
            assert_eq!(good_until(&master, "cs_1", &wrong, now), None, "{wrong}");
        }
    }
}
