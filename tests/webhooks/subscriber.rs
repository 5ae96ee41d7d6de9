//! A subscriber that answers as a test says.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use serde_json::Value;
use tokio::sync::watch;

use crate::support::receiver::Received;

/// A status and the headers that go with it.
#[derive(Debug, Clone)]
pub struct Answer(pub u16, pub Vec<(&'static str, String)>);

#[derive(Clone)]
pub struct Subscriber {
    pub address: SocketAddr,
    state: Arc<Shared>,
}

struct Shared {
    /// The n-th request gets the n-th answer, those after the last get that one.
    script: Vec<Answer>,
    received: Mutex<Vec<Received>>,
    count: watch::Sender<usize>,
    /// No answer goes out before this is true.
    open: watch::Sender<bool>,
}

impl Subscriber {
    pub async fn start() -> Self {
        Self::answering(&[200]).await
    }

    pub async fn answering(statuses: &[u16]) -> Self {
        Self::scripted(statuses.iter().map(|status| Answer(*status, vec![])).collect()).await
    }

    pub async fn scripted(script: Vec<Answer>) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(Shared {
            script,
            received: Mutex::default(),
            count: watch::Sender::new(0),
            open: watch::Sender::new(true),
        });
        let routes = Router::new().fallback(receive).with_state(state.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        Self { address, state }
    }

    pub fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    /// Takes requests and answers none until let go.
    pub fn hold(&self) {
        self.state.open.send_replace(false);
    }

    pub fn let_go(&self) {
        self.state.open.send_replace(true);
    }

    pub fn received(&self) -> Vec<Received> {
        self.state.received.lock().unwrap().clone()
    }

    /// Bodies, in the order in which they came.
    pub fn bodies(&self) -> Vec<Value> {
        self.received().iter().map(|received| serde_json::from_str(&received.body).unwrap()).collect()
    }

    /// Waits until so many requests have come, and answers with them all.
    pub async fn has_received(&self, count: usize) -> Vec<Received> {
        let mut known = self.state.count.subscribe();
        let waited = tokio::time::timeout(Duration::from_secs(30), known.wait_for(|known| *known >= count));
        assert!(waited.await.is_ok(), "received {} of {count}", *self.state.count.borrow());
        self.received()
    }
}

async fn receive(State(state): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> impl IntoResponse {
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
    let mut open = state.open.subscribe();
    let _ = open.wait_for(|open| *open).await;
    let Answer(status, headers) = state.script[(count - 1).min(state.script.len() - 1)].clone();
    let headers: HeaderMap =
        headers.into_iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
    (StatusCode::from_u16(status).unwrap(), headers)
}
