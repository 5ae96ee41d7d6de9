//! When a delivery that did not arrive is tried again.

use std::time::SystemTime;

use chrono::{DateTime, TimeDelta, Utc};

/// The longest that a receiver can ask us to stay away.
const LONGEST_REQUEST: TimeDelta = TimeDelta::hours(24);
/// Waits are spread by ± a tenth, so that what failed together does not come back together.
const SPREAD_PERMILLE: u32 = 100;

/// The time of the next attempt after `made` attempts, or none if the schedule is used up.
///
/// `seconds` are the waits before each attempt, the first one's included. What the receiver asked for moves the
/// attempt later, never earlier.
pub fn next_attempt(
    seconds: &[u64],
    made: usize,
    now: DateTime<Utc>,
    retry_after: Option<DateTime<Utc>>,
) -> Option<DateTime<Utc>> {
    let wait = jittered(*seconds.get(made)?, crate::secret::random_below(2 * SPREAD_PERMILLE + 1));
    let planned = now.checked_add_signed(wait)?;
    Some(retry_after.map_or(planned, |asked| planned.max(asked.min(now + LONGEST_REQUEST))))
}

/// `drawn` is from 0 to twice the spread.
fn jittered(seconds: u64, drawn: u32) -> TimeDelta {
    let permille = u64::from(1_000 - SPREAD_PERMILLE + drawn);
    let millis = seconds.saturating_mul(permille);
    i64::try_from(millis).ok().and_then(TimeDelta::try_milliseconds).unwrap_or(TimeDelta::MAX)
}

/// A `Retry-After` as a moment: seconds or an HTTP date (RFC 9110, section 10.2.3). Anything else asks nothing.
pub fn retry_after(text: &str, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let text = text.trim();
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        let seconds = text.parse().unwrap_or(i64::MAX).min(LONGEST_REQUEST.num_seconds());
        return now.checked_add_signed(TimeDelta::seconds(seconds));
    }
    let date: SystemTime = httpdate::parse_http_date(text).ok()?;
    Some(DateTime::from(date))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCHEDULE: [u64; 8] = [0, 5, 300, 1_800, 7_200, 18_000, 36_000, 36_000];

    fn now() -> DateTime<Utc> {
        "2025-01-15T12:00:00Z".parse().unwrap()
    }

    #[test]
    fn each_attempt_waits_its_time_within_a_tenth() {
        for (made, seconds) in SCHEDULE.iter().enumerate().skip(1) {
            for _ in 0..200 {
                let wait = next_attempt(&SCHEDULE, made, now(), None).unwrap() - now();
                let planned = i64::try_from(*seconds).unwrap() * 1_000;
                assert!((planned * 9 / 10..=planned * 11 / 10).contains(&wait.num_milliseconds()), "{wait}");
            }
        }
    }

    #[test]
    fn after_the_last_attempt_there_is_none() {
        assert!(next_attempt(&SCHEDULE, 7, now(), None).is_some());
        assert_eq!(next_attempt(&SCHEDULE, 8, now(), None), None);
        assert_eq!(next_attempt(&SCHEDULE, 8, now(), retry_after("5", now())), None);
    }

    #[test]
    fn jitter_reaches_both_ends() {
        assert_eq!(jittered(10, 0), TimeDelta::seconds(9));
        assert_eq!(jittered(10, 100), TimeDelta::seconds(10));
        assert_eq!(jittered(10, 200), TimeDelta::seconds(11));
        assert_eq!(jittered(u64::MAX, 200), TimeDelta::MAX);
    }

    #[test]
    fn a_receiver_can_ask_for_later_and_not_for_earlier() {
        let asked = retry_after("120", now());
        assert_eq!(next_attempt(&SCHEDULE, 1, now(), asked), Some(now() + TimeDelta::seconds(120)));
        let wait = next_attempt(&SCHEDULE, 2, now(), asked).unwrap() - now();
        assert!(wait >= TimeDelta::seconds(270));
    }

    #[test]
    fn a_receiver_can_ask_for_a_day_at_the_most() {
        for text in ["999999", "99999999999999999999999", "Mon, 15 Jan 2125 12:00:00 GMT"] {
            let asked = retry_after(text, now());
            assert_eq!(
                next_attempt(&SCHEDULE, 1, now(), asked),
                Some(now() + TimeDelta::hours(24)),
                "{text}"
            );
        }
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let expected = Some(now() + TimeDelta::minutes(2));
        for text in [
            "120",
            " 120 ",
            "Wed, 15 Jan 2025 12:02:00 GMT",
            "Wednesday, 15-Jan-25 12:02:00 GMT",
            "Wed Jan 15 12:02:00 2025",
        ] {
            assert_eq!(retry_after(text, now()), expected, "{text}");
        }
        for text in ["", "soon", "-5", "1.5", "+5", "2025-01-15T12:02:00Z"] {
            assert_eq!(retry_after(text, now()), None, "{text}");
        }
    }
}
