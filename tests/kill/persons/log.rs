//! What is in the log, and what the API says, next to what persons were shown.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;
use sqlx::PgPool;

use super::Shown;
use crate::support::Api;

/// How often each thing happened to each aggregate.
struct Log(BTreeMap<String, BTreeMap<String, usize>>);

impl Log {
    async fn read(pool: &PgPool) -> Self {
        let rows: Vec<(i64, String, String)> =
            sqlx::query_as("select position, aggregate_id, event_type from events order by position")
                .fetch_all(pool)
                .await
                .unwrap();
        let mut log = Self(BTreeMap::new());
        for ((position, id, event_type), expected) in rows.into_iter().zip(1..) {
            assert_eq!(position, expected, "positions are 1…n");
            *log.0.entry(id).or_default().entry(event_type).or_default() += 1;
        }
        log
    }

    fn times(&self, id: &str, event_type: &str) -> usize {
        self.0.get(id).and_then(|happened| happened.get(event_type)).copied().unwrap_or_default()
    }

    /// To whom it happened; to nobody twice.
    fn once(&self, event_type: &str) -> BTreeSet<&str> {
        let to = self.0.iter().filter(|(_, happened)| happened.contains_key(event_type));
        to.map(|(id, happened)| {
            assert_eq!(happened[event_type], 1, "{event_type} of {id}");
            id.as_str()
        })
        .collect()
    }

    /// Exactly those had it happen to them, and at the most a few who gave up.
    fn is_of(&self, event_type: &str, shown: &BTreeSet<&str>, spare: usize) {
        let logged = self.once(event_type);
        assert!(shown.is_subset(&logged), "{event_type} was lost: {:?}", shown.difference(&logged));
        let more = logged.len() - shown.len();
        assert!(more <= spare, "{event_type} was never shown: {:?}", logged.difference(shown));
    }
}

pub async fn check(pool: &PgPool, shown: &Shown) {
    let log = Log::read(pool).await;
    let spare = shown.gave_up;
    let walks = |which: usize| shown.walks.iter().map(move |walk| walk[which].as_str());
    log.is_of("enrollment.device_registered", &walks(0).collect(), spare);
    log.is_of("enrollment.completed", &walks(0).collect(), spare);
    log.is_of("consent.proved", &walks(1).collect(), spare);
    let by_code = shown.by_code.iter().map(String::as_str);
    log.is_of("consent.approved", &walks(1).chain(by_code).collect(), spare);
    // Every number that is entered counts, one that was sent again as well.
    assert!(walks(2).all(|code| log.times(code, "qr.number_matched") >= 1));
    // One person, one passkey, one device for each who enrolled.
    let enrolled = shown.walks.len();
    for (event_type, least) in [
        ("person.handle_verified", enrolled),
        ("person.passkey_added", enrolled),
        ("device.registered", enrolled + shown.devices.len()),
        // One for each login that was answered, of either kind.
        ("auth.success", enrolled + shown.logins),
    ] {
        let logged = log.once(event_type).len();
        assert!((least..=least + spare).contains(&logged), "{logged} of {event_type}, {least} were shown");
    }
    for device in &shown.devices {
        assert_eq!((log.times(device, "device.registered"), log.times(device, "device.blocked")), (1, 0));
        assert!(log.times(device, "device.used") >= 2);
    }
    for event_type in ["device.blocked", "person.passkey_dropped", "enrollment.failed", "qr.ended"] {
        assert!(log.once(event_type).is_empty(), "nobody did anything wrong, and yet {event_type}");
    }
    logins_follow_their_codes(pool, shown).await;
}

/// Each code that somebody logged in by has its own login.
async fn logins_follow_their_codes(pool: &PgPool, shown: &Shown) {
    let of_codes: Vec<Option<String>> = sqlx::query_scalar(
        "select metadata ->> 'causation' from events where event_type = 'auth.success' and metadata ->> 'causation' is not null",
    )
    .fetch_all(pool)
    .await
    .unwrap();
    let distinct: BTreeSet<_> = of_codes.iter().flatten().map(String::as_str).collect();
    assert_eq!(distinct.len(), of_codes.len(), "a code logged somebody in twice");
    assert!(shown.walks.iter().all(|[_, _, code]| distinct.contains(code.as_str())));
}

/// The client reads what persons were shown.
pub async fn check_api(api: &Api, shown: &Shown) {
    let read = async |path: &str, id: &str| {
        let reply = api.get(&format!("{path}/{id}")).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        reply.data().clone()
    };
    for [enrollment, consent, code] in &shown.walks {
        let (enrolled, code) = (read("/v1/enrollments", enrollment).await, read("/v1/qr", code).await);
        let approved = read("/v1/service/consents", consent).await;
        assert_eq!(enrolled["status"], "completed");
        assert_eq!(
            (&approved["status"], &approved["assurance"]["method"]),
            (&json!("approved"), &json!("passkey"))
        );
        assert_eq!((&code["status"], &code["result"]["userId"]), (&json!("used"), &enrolled["userId"]));
        assert_eq!(approved["userId"], enrolled["userId"]);
    }
    for id in &shown.by_code {
        let approved = read("/v1/service/consents", id).await;
        assert_eq!(
            (&approved["status"], &approved["assurance"]["method"]),
            (&json!("approved"), &json!("one_time_code"))
        );
        assert_eq!(approved["grantedScope"], json!(["name"]));
    }
}
