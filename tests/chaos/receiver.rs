//! A subscriber that has bad days, and remembers which events it heard of.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use serde_json::Value;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Mood {
    Fine,
    /// Remembers, and answers 500.
    Fails,
    /// Takes its time.
    Slow,
}

/// What was heard of one event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    pub session: String,
    pub sequence: i64,
    /// Heard again, it said the same.
    pub consistent: bool,
    /// Answered with 2xx at least once.
    pub taken: bool,
    /// What answers with 2xx came after another one: allowed, but worth a number.
    pub again: usize,
}

#[derive(Clone)]
pub struct MoodyReceiver {
    pub address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    mood: AtomicU8,
    /// By path (an endpoint's, or a callback's) and `webhook-id`.
    heard: Mutex<BTreeMap<(String, String), Heard>>,
}

impl MoodyReceiver {
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared { mood: AtomicU8::new(Mood::Fine as u8), heard: Mutex::default() });
        let routes = Router::new()
            .route("/endpoint", post(|s, h, b| receive("endpoint", s, h, b)))
            .route("/callback", post(|s, h, b| receive("callback", s, h, b)))
            .with_state(shared.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        Self { address, shared }
    }

    pub fn is(&self, mood: Mood) {
        self.shared.mood.store(mood as u8, Ordering::Relaxed);
    }

    pub fn heard(&self) -> BTreeMap<(String, String), Heard> {
        self.shared.heard.lock().unwrap().clone()
    }
}

async fn receive(
    path: &'static str,
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    let mood = shared.mood.load(Ordering::Relaxed);
    if mood == Mood::Slow as u8 {
        super::lasting(Duration::from_secs(1)).await;
    }
    let taken = mood != Mood::Fails as u8;
    let id = headers.get("webhook-id").and_then(|id| id.to_str().ok()).unwrap_or_default().to_owned();
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let session = if path == "callback" { &body["sessionId"] } else { &body["data"]["id"] };
    let session = session.as_str().unwrap_or_default().to_owned();
    let sequence = body["data"]["sequence"].as_i64().unwrap_or_default();
    let mut heard = shared.heard.lock().unwrap();
    let known = heard.entry((path.to_owned(), id)).or_insert_with(|| Heard {
        session: session.clone(),
        sequence,
        consistent: true,
        taken: false,
        again: 0,
    });
    known.consistent &= known.session == session && known.sequence == sequence;
    known.again += usize::from(taken && known.taken);
    known.taken |= taken;
    if taken { StatusCode::OK } else { StatusCode::INTERNAL_SERVER_ERROR }
}
