//! Somebody who talks to both servers and never takes no answer for an answer.

use std::sync::Arc;
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::Value;

use super::told::Told;
use crate::support::Api;

/// How long to wait for one answer: less than a server may take, so that both may be at it.
const PATIENCE: Duration = Duration::from_secs(8);
/// How long to go on asking: longer than the database may be away.
const GIVES_UP_AFTER: Duration = Duration::from_mins(3);

/// An answer that says something.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub sequence: Option<i64>,
    pub body: Value,
    /// Whether the same was sent before and got no answer.
    pub sent_again: bool,
}

impl Answer {
    pub fn data(&self) -> &Value {
        &self.body["data"]
    }

    /// The status that a refusal names.
    pub fn refused_as(&self) -> Option<&str> {
        if self.status == 409 { self.data()["status"].as_str() } else { None }
    }
}

/// What is asked for.
#[derive(Debug, Clone)]
pub struct Ask<'a> {
    pub method: Method,
    pub path: String,
    pub key: Option<&'a str>,
    pub if_match: Option<i64>,
    pub body: Option<&'a Value>,
}

impl Ask<'_> {
    pub fn get(path: String) -> Self {
        Self { method: Method::GET, path, key: None, if_match: None, body: None }
    }
}

#[derive(Clone)]
pub struct Client {
    pub servers: Arc<[Api; 2]>,
    pub told: Arc<Told>,
}

impl Client {
    /// One try; `None` where nobody answered, or nothing but that it is not known yet.
    pub async fn try_once(&self, which: usize, ask: &Ask<'_>) -> Option<Answer> {
        let mut request = self.servers[which % 2].request(ask.method.clone(), &ask.path).timeout(PATIENCE);
        if let Some(key) = ask.key {
            request = request.header("Idempotency-Key", key);
        }
        if let Some(sequence) = ask.if_match {
            request = request.header("If-Match", format!("\"{sequence}\""));
        }
        if let Some(body) = ask.body {
            request = request.json(body);
        }
        let response = request.send().await.ok()?;
        let status = response.status().as_u16();
        let sequence =
            response.headers().get("etag").and_then(|tag| tag.to_str().ok()?.trim_matches('"').parse().ok());
        let body: Value = response.json().await.ok()?;
        let says = body["message"].as_str().unwrap_or_default();
        let not_yet = status >= 500
            || status == 429
            || status == 409 && (says.contains("being answered") || says.contains("keeps changing"));
        (!not_yet).then_some(Answer { status, sequence, body, sent_again: false })
    }

    /// Asks one server after the other until one answers; where none does for all too long, that is the answer.
    pub async fn until_answered(&self, first: usize, ask: &Ask<'_>) -> Answer {
        let mut pace = tokio::time::interval(Duration::from_millis(25));
        let (mut which, begun) = (first, Instant::now());
        loop {
            pace.tick().await;
            if self.told.loses_patience(begun.elapsed(), GIVES_UP_AFTER) {
                self.told.broken("each request is answered in the end", format!("{ask:?} is not"));
                return Answer { status: 0, sequence: None, body: Value::Null, sent_again: true };
            }
            if let Some(answer) = self.try_once(which, ask).await {
                return Answer { sent_again: which > first, ..answer };
            }
            which += 1;
        }
    }
}
