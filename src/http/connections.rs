//! Connections: taken in until the server stops, and none of them held open for ever by who sends slowly or not at all.

use std::time::Duration;

use axum::extract::ConnectInfo;
use axum::serve::Listener;
use axum::{Extension, Router};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tower::Layer;

/// How long a connection may be idle or take to send a head: longer than the minute that proxies keep theirs.
const HEAD: Duration = Duration::from_secs(75);
/// How long requests under way get once the server stops: less than the half minute after which it may be killed, so
/// that what comes after them is still done in order.
const DRAIN: Duration = Duration::from_secs(20);

/// Serves until told to stop, then answers what is under way.
pub async fn serve(mut listener: TcpListener, routes: Router, mut stop: watch::Receiver<bool>) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD);
    let connections = GracefulShutdown::new();
    let mut tasks = JoinSet::new();
    loop {
        let (stream, peer) = tokio::select! {
            accepted = Listener::accept(&mut listener) => accepted,
            Some(_) = tasks.join_next() => continue,
            // A sender that is gone means the same.
            _ = stop.wait_for(|stop| *stop) => break,
        };
        let service = TowerToHyperService::new(Extension(ConnectInfo(peer)).layer(routes.clone()));
        let connection = http.serve_connection(TokioIo::new(stream), service);
        // What a connection ended with is its peer's concern.
        tasks.spawn(connections.watch(connection));
    }
    drop(listener);
    if tokio::time::timeout(DRAIN, connections.shutdown()).await.is_err() {
        tracing::warn!("requests that are still not complete are cut");
    }
}
