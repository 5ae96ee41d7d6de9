//! A proxy that cuts the database's connection between statement and acknowledgement: no command is doubled, none is
//! answered wrongly.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use mobid::clock::Clock;
use serde_json::json;

use crate::support::proxy::{Judge, Proxy, Then, Upstream, socket_of, through_proxy};
use crate::support::{TestApp, fresh_database};

/// Which of the appender's answers are lost: every n-th. A new connection gets some about
/// types before it appends for the first time: n is more than that, or none would ever get so far.
const EVERY: usize = 11;

/// Of connections that call themselves the appender it loses every n-th answer, the statement having gone through.
struct EveryNth {
    is_appender: bool,
    answers: Arc<AtomicUsize>,
    cuts: Arc<AtomicUsize>,
    then: Then,
}

impl Judge for EveryNth {
    fn asked(&mut self, bytes: &[u8]) {
        self.is_appender |= bytes.windows(14).any(|bytes| bytes == b"mobid appender");
    }

    fn loses(&mut self, bytes: &[u8]) -> Option<Then> {
        // A DataRow in the answer means that the statement ran, and a ReadyForQuery that it committed.
        let committed = bytes.ends_with(b"Z\0\0\0\x05I") && bytes.contains(&b'D');
        if !(self.is_appender
            && committed
            && self.answers.fetch_add(1, Ordering::Relaxed) % EVERY == EVERY - 1)
        {
            return None;
        }
        self.cuts.fetch_add(1, Ordering::Relaxed);
        Some(self.then)
    }
}

async fn losing_proxy(database_url: &str, cuts: Arc<AtomicUsize>, then: Then) -> Proxy {
    let answers = Arc::new(AtomicUsize::new(0));
    let judge = move || EveryNth { is_appender: false, answers: answers.clone(), cuts: cuts.clone(), then };
    Proxy::with_judge(Upstream::Unix(socket_of(database_url)), judge).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_acknowledgement_doubles_nothing_and_lies_to_nobody() {
    let database = fresh_database().await;
    let cuts = Arc::new(AtomicUsize::new(0));
    let proxy = losing_proxy(&database, cuts.clone(), Then::Cut).await;
    #[expect(clippy::disallowed_methods, reason = "a manual clock starts somewhere")]
    let clock = Clock::manual(chrono::Utc::now());
    let app = Arc::new(TestApp::start_on(through_proxy(&database, proxy.port), clock, |_| {}).await);

    let mut ids = Vec::new();
    for _ in 0..12 {
        let round = (0..8).map(|_| {
            let app = app.clone();
            tokio::spawn(async move {
                let id = app.create_consent_with(json!({ "callbackUrl": null })).await;
                let path = format!("/v1/service/consents/{id}");
                let changed = app.api.patch(&path, &json!({ "purpose": "payment" })).await;
                assert_eq!(changed.status, 200, "{}", changed.body);
                assert_eq!(changed.data()["purpose"], "payment");
                let revoked = app.api.delete(&path).await;
                assert_eq!(revoked.status, 200, "{}", revoked.body);
                let again = app.api.delete(&path).await;
                assert_eq!(again.status, 409, "{}", again.body);
                id
            })
        });
        for made in futures::future::join_all(round).await {
            ids.push(made.unwrap());
        }
    }

    assert!(cuts.load(Ordering::Relaxed) >= 5, "the proxy cut {} times only", cuts.load(Ordering::Relaxed));
    let rows: Vec<(i64, String, i64, String)> =
        sqlx::query_as("select position, aggregate_id, sequence, event_type from events order by position")
            .fetch_all(app.pool())
            .await
            .unwrap();
    assert!(rows.iter().zip(1..).all(|(row, position)| row.0 == position), "positions are 1…n");
    let consents: Vec<_> = rows.iter().filter(|row| row.1.starts_with("cs_")).collect();
    assert_eq!(consents.len(), ids.len() * 3, "created, updated and revoked, once each");
    let distinct: BTreeSet<_> = consents.iter().map(|row| (&row.1, row.2)).collect();
    assert_eq!(distinct.len(), consents.len());
    assert_eq!(consents.iter().map(|row| &row.1).collect::<BTreeSet<_>>().len(), ids.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_never_comes_is_not_waited_for_for_ever() {
    let database = fresh_database().await;
    let cuts = Arc::new(AtomicUsize::new(0));
    let proxy = losing_proxy(&database, cuts.clone(), Then::Silence).await;
    #[expect(clippy::disallowed_methods, reason = "a manual clock starts somewhere")]
    let clock = Clock::manual(chrono::Utc::now());
    let app = TestApp::start_on(through_proxy(&database, proxy.port), clock, |_| {}).await;
    let mut ids = BTreeSet::new();
    while cuts.load(Ordering::Relaxed) == 0 {
        ids.insert(app.create_consent().await);
    }
    ids.insert(app.create_consent().await);
    let logged: Vec<String> =
        sqlx::query_scalar("select aggregate_id from events where event_type = 'consent.created'")
            .fetch_all(app.pool())
            .await
            .unwrap();
    assert_eq!(logged.len(), ids.len());
    assert_eq!(logged.into_iter().collect::<BTreeSet<_>>(), ids);
}
