//! A webhook receiver that remembers what came, and fails when told to.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use tokio::sync::watch;

/// One request as it came.
#[derive(Debug, Clone)]
pub struct Received {
    pub headers: BTreeMap<String, String>,
    pub body: String,
}

impl Received {
    pub fn id(&self) -> &str {
        self.headers.get("webhook-id").map_or("", String::as_str)
    }
}

#[derive(Clone)]
pub struct Receiver {
    pub address: SocketAddr,
    state: Arc<Shared>,
}

struct Shared {
    received: Mutex<Vec<Received>>,
    count: watch::Sender<usize>,
    /// Every n-th request is answered with 500; 0 means none.
    fails_every: AtomicU32,
}

impl Receiver {
    pub async fn start() -> Self {
        Self::failing_every(0).await
    }

    /// Answers every n-th request with 500, having remembered it.
    pub async fn failing_every(n: u32) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(Shared {
            received: Mutex::default(),
            count: watch::Sender::new(0),
            fails_every: AtomicU32::new(n),
        });
        let routes = Router::new().route("/hook", post(receive)).with_state(state.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        Self { address, state }
    }

    pub fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    pub fn received(&self) -> Vec<Received> {
        self.state.received.lock().unwrap().clone()
    }

    /// Waits until so many requests have come.
    pub async fn has_received(&self, count: usize) {
        let mut known = self.state.count.subscribe();
        let waited = known.wait_for(|known| *known >= count);
        let _ = tokio::time::timeout(std::time::Duration::from_secs(60), waited)
            .await
            .unwrap_or_else(|_| panic!("received {} of {count}", *self.state.count.borrow()));
    }
}

async fn receive(State(state): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let headers = headers
        .iter()
        .map(|(name, value)| (name.as_str().to_owned(), value.to_str().unwrap_or_default().to_owned()))
        .collect();
    let count = {
        let mut received = state.received.lock().unwrap();
        received.push(Received { headers, body: String::from_utf8(body.to_vec()).unwrap() });
        received.len()
    };
    state.count.send_replace(count);
    let n = state.fails_every.load(Ordering::Relaxed);
    if n > 0 && count.is_multiple_of(n as usize) { StatusCode::INTERNAL_SERVER_ERROR } else { StatusCode::OK }
}
