//! Connections: taken in until the server stops, and none of them held open for ever by who sends slowly or not at all.
//!
//! A stop drops nobody: while the server drains it takes everything, and closes each connection with the answer to its
//! next request; then it takes what has connected already, answers what is under way, and ends.

use std::net::SocketAddr;
use std::time::Duration;

use axum::extract::ConnectInfo;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use axum::serve::Listener;
use axum::{Extension, Router};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tower::Layer;

use super::refusal::Connection;
use crate::app::App;
use crate::config::Config;

/// Bytes of a head that are taken for sure. The last read may bring as many again, so twice this is never taken; it is
/// also what a connection holds of a body at a time.
const LARGEST_HEAD: usize = 32 << 10;
/// How long requests under way get once the server stops: more than an append may take, and less than the half minute
/// after which the server may be killed, so that what comes after them is still done in order.
const DRAIN: Duration = Duration::from_secs(25);

/// What a connection may take, and how it is reached.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// At a time, for each costs memory; whoever comes then waits to be taken in.
    connections: usize,
    /// How long it may be idle, take to send a head, or not take its answer.
    idle: Duration,
    https: bool,
}

impl Bounds {
    pub fn of(config: &Config) -> Self {
        let idle = Duration::from_secs(config.idle_seconds);
        Self { connections: config.max_connections, idle, https: config.is_https() }
    }
}

/// What has connected and waits to be taken in: the end of the listener would reset it. Ends the listener.
fn connected(listener: TcpListener) -> Vec<(TcpStream, SocketAddr)> {
    let Ok(listener) = listener.into_std() else { return vec![] };
    std::iter::from_fn(|| listener.accept().ok())
        .filter_map(|(stream, peer)| {
            stream.set_nonblocking(true).ok()?;
            Some((TcpStream::from_std(stream).ok()?, peer))
        })
        .collect()
}

/// An answer given while the server drains is its connection's last.
pub fn close_while_draining(app: &App, response: &mut Response) {
    if *app.draining.borrow() {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
}

/// Serves until told to stop, then answers what is under way.
pub async fn serve(
    mut listener: TcpListener,
    routes: Router,
    bounds: Bounds,
    mut stop: watch::Receiver<bool>,
) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(bounds.idle).max_buf_size(LARGEST_HEAD);
    let connections = GracefulShutdown::new();
    let mut tasks = JoinSet::new();
    let serve = |tasks: &mut JoinSet<_>, stream: TcpStream, peer: SocketAddr| {
        let service = TowerToHyperService::new(Extension(ConnectInfo(peer)).layer(routes.clone()));
        let stream = Connection::new(stream, bounds.https, bounds.idle);
        let connection = http.serve_connection(TokioIo::new(stream), service);
        // What a connection ended with is its peer's concern.
        tasks.spawn(connections.watch(connection));
    };
    loop {
        let (stream, peer) = tokio::select! {
            accepted = Listener::accept(&mut listener), if tasks.len() < bounds.connections => accepted,
            Some(_) = tasks.join_next() => continue,
            // A sender that is gone means the same.
            _ = stop.wait_for(|stop| *stop) => break,
        };
        serve(&mut tasks, stream, peer);
    }
    for (stream, peer) in connected(listener) {
        serve(&mut tasks, stream, peer);
    }
    if tokio::time::timeout(DRAIN, connections.shutdown()).await.is_err() {
        tracing::warn!("requests that are still not complete are cut");
    }
}
