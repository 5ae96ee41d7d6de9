//! Of consents: each ends in one way.

use std::collections::BTreeSet;

use sqlx::PgPool;

use super::super::told::Told;

pub async fn a_consent_ends_once(pool: &PgPool, told: &Told) {
    let wrong: Vec<(String, String)> = sqlx::query_as(
        "select aggregate_id, string_agg(event_type, ', ' order by position) from events
         where aggregate_type = 'consent'
         group by aggregate_id
         having count(*) filter (where event_type in ('consent.expired', 'consent.approved', 'consent.rejected')) > 1
             or count(*) filter (where event_type in ('consent.expired', 'consent.revoked', 'consent.rejected')) > 1
         limit 5",
    )
    .fetch_all(pool)
    .await
    .unwrap();
    for (id, events) in wrong {
        told.broken("a consent ends once", format!("{id}: {events}"));
    }
}

pub async fn what_a_recipient_was_shown_is_in(pool: &PgPool, told: &Told) {
    let logged: Vec<(String, String)> = sqlx::query_as(
        "select aggregate_id, event_type from events where event_type in ('consent.approved', 'consent.rejected')",
    )
    .fetch_all(pool)
    .await
    .unwrap();
    let logged: BTreeSet<_> = logged.into_iter().collect();
    for (consent, event_type) in told.all_decided() {
        if !logged.contains(&(consent.clone(), event_type.to_owned())) {
            let how = format!("the page of {consent} said {event_type}, the log does not");
            told.broken("nothing acknowledged is lost", how);
        }
    }
}
