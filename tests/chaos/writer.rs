//! A client that creates consents and changes them, alone and in a crowd.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rand::RngExt;
use rand::rngs::StdRng;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::client::{Answer, Ask, Client};
use super::told::{Created, Done};
use crate::support::reference_body;

/// The shortest time between two consents of one writer.
const PACE: Duration = Duration::from_millis(60);

pub const CREATED: &str = "consent.created";
pub const UPDATED: &str = "consent.updated";
pub const REVOKED: &str = "consent.revoked";

pub struct Writer {
    pub number: u64,
    pub random: StdRng,
    pub client: Client,
    /// Consents that all writers change.
    pub crowded: Arc<Vec<String>>,
    pub callback: String,
    /// Those who decide.
    pub recipients: mpsc::Sender<String>,
    pub stop: Arc<AtomicBool>,
}

fn path(consent: &str) -> String {
    format!("/v1/service/consents/{consent}")
}

impl Writer {
    pub async fn run(mut self) {
        let mut pace = tokio::time::interval(PACE);
        let mut number = 0;
        while !self.stop.load(Ordering::Relaxed) {
            pace.tick().await;
            self.one(number).await;
            number += 1;
        }
    }

    fn server(&mut self) -> usize {
        self.random.random_range(0..2)
    }

    async fn one(&mut self, number: u64) {
        let key = format!("w{}-{number}", self.number);
        let recipient = format!("+49{:03}{number:06}", 100 + self.number);
        let manner = Manner::drawn(&mut self.random);
        let Some(consent) = self.create(&key, &recipient, manner).await else { return };
        self.read(&consent, 1).await;
        match self.random.random_range(0..100) {
            0..30 => {
                if let Some(sequence) = self.change(&consent, Some(1), &key).await
                    && self.random.random_bool(0.5)
                {
                    self.revoke(&consent, sequence).await;
                }
            }
            30..45 => {
                self.revoke(&consent, 1).await;
            }
            45..60 => {
                // With all recipients busy, nobody decides this one.
                let _ = self.recipients.try_send(consent);
            }
            60..90 => {
                let crowded = self.crowded[self.random.random_range(0..self.crowded.len())].clone();
                self.change(&crowded, None, &key).await;
            }
            _ => {}
        }
    }

    /// Creates a consent; its id.
    pub async fn create(&mut self, key: &str, recipient: &str, manner: Manner) -> Option<String> {
        let mut body = reference_body();
        body["recipient"] = json!(recipient);
        body["callbackUrl"] = if manner.with_callback { json!(self.callback) } else { Value::Null };
        body["expiresIn"] = json!(manner.minutes);
        body["notify"] = json!(manner.notify);
        let ask = Ask {
            method: Method::POST,
            path: "/v1/service/consents/search".to_owned(),
            key: Some(key),
            if_match: None,
            body: Some(&body),
        };
        let first = self.server();
        let answer = self.client.until_answered(first, &ask).await;
        if answer.status != 200 {
            self.unexpected(&ask, &answer);
            return None;
        }
        let consent = answer.data()["id"].as_str().unwrap_or_default().to_owned();
        let told = self.client.told.clone();
        told.done(Done {
            consent: consent.clone(),
            sequence: 1,
            event_type: CREATED,
            command: key.to_owned(),
        });
        if manner.notify {
            told.to_notify(consent.clone());
        }
        let created = Created { consent: consent.clone(), with_callback: manner.with_callback };
        told.created(key.to_owned(), created);
        if manner.asks_again {
            let again = self.client.until_answered(first + 1, &ask).await;
            if again.status != 200 || again.data() != answer.data() {
                let how = format!("key {key} got {:?} first, then {:?}", answer.body, again.body);
                told.broken("every retry gets the first answer", how);
            }
        }
        Some(consent)
    }

    /// Reads it anywhere: what was acknowledged is there.
    async fn read(&mut self, consent: &str, at_least: i64) -> Option<Answer> {
        let which = self.server();
        let answer = self.client.until_answered(which, &Ask::get(path(consent))).await;
        if answer.status != 200 || answer.sequence.unwrap_or(0) < at_least {
            let how = format!(
                "{consent} was acknowledged at {at_least}, and a read after that gives {} at {:?}",
                answer.status, answer.sequence
            );
            self.client.told.broken("reads see what was acknowledged", how);
            return None;
        }
        Some(answer)
    }

    /// Leaves its mark; the sequence that this made.
    async fn change(&mut self, consent: &str, if_match: Option<i64>, mark: &str) -> Option<i64> {
        let body = json!({ "metadata": { "mark": mark } });
        let ask = Ask { method: Method::PATCH, path: path(consent), key: None, if_match, body: Some(&body) };
        let first = self.server();
        let answer = self.client.until_answered(first, &ask).await;
        let sequence = match (answer.status, answer.sequence) {
            (200, Some(sequence)) if answer.data()["metadata"]["mark"] == mark => sequence,
            // The mark was there, left by an attempt whose answer was lost, and is gone: that attempt came first.
            (200, Some(_)) if answer.sent_again => return None,
            // Perhaps its own, the answer having been lost.
            (409, _) if answer.data()["etag"].is_string() => {
                let seen = self.read(consent, 1).await?;
                if seen.data()["metadata"]["mark"] != mark {
                    return None;
                }
                seen.sequence?
            }
            (409, _) if answer.refused_as().is_some() => return None,
            _ => {
                self.unexpected(&ask, &answer);
                return None;
            }
        };
        let done =
            Done { consent: consent.to_owned(), sequence, event_type: UPDATED, command: mark.to_owned() };
        self.client.told.done(done);
        self.read(consent, sequence).await.map(|_| sequence)
    }

    async fn revoke(&mut self, consent: &str, sequence: i64) {
        let ask = Ask {
            method: Method::DELETE,
            path: path(consent),
            key: None,
            if_match: Some(sequence),
            body: None,
        };
        let first = self.server();
        let answer = self.client.until_answered(first, &ask).await;
        let command = format!("revocation of {consent}");
        match (answer.status, answer.sequence) {
            (200, Some(sequence)) => {
                let done = Done { consent: consent.to_owned(), sequence, event_type: REVOKED, command };
                self.client.told.done(done);
                self.read(consent, sequence).await;
            }
            (409, _) if answer.refused_as().is_some() || answer.data()["etag"].is_string() => {}
            _ => self.unexpected(&ask, &answer),
        }
    }

    fn unexpected(&self, ask: &Ask<'_>, answer: &Answer) {
        let how = format!("{} {} got {}: {}", ask.method, ask.path, answer.status, answer.body);
        self.client.told.broken("answers make sense", how);
    }
}

/// How a consent is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Manner {
    pub with_callback: bool,
    pub notify: bool,
    pub minutes: i64,
    /// Whether the same is sent again after its answer.
    pub asks_again: bool,
}

impl Manner {
    fn drawn(random: &mut StdRng) -> Self {
        Self {
            with_callback: random.random_bool(0.3),
            notify: random.random_bool(0.03),
            minutes: if random.random_bool(0.1) { 1 } else { 1_440 },
            asks_again: random.random_bool(0.25),
        }
    }
}
