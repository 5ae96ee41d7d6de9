//! A subscriber that takes whatever comes.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Result;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::routing::post;
use tokio::net::TcpListener;

pub struct Receiver {
    pub address: SocketAddr,
    taken: Arc<AtomicU64>,
}

impl Receiver {
    pub fn count(&self) -> u64 {
        self.taken.load(Ordering::Relaxed)
    }
}

/// Answers until this program ends.
pub async fn start() -> Result<Receiver> {
    let taken = Arc::new(AtomicU64::new(0));
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let address = listener.local_addr()?;
    let routes = Router::new().route("/hook", post(take)).with_state(taken.clone());
    tokio::spawn(async move { axum::serve(listener, routes).await });
    Ok(Receiver { address, taken })
}

async fn take(State(taken): State<Arc<AtomicU64>>, _body: Bytes) -> &'static str {
    taken.fetch_add(1, Ordering::Relaxed);
    "taken"
}
