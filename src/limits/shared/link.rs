//! Whether Redis is there: the one connection that all requests share, or since when there is none.
//!
//! It is a circuit: the first request that gets no answer in time opens it, and none tries again before the keeper has
//! found Redis answering.

use chrono::{DateTime, Utc};
use redis::RedisError;
use redis::aio::MultiplexedConnection;
use tokio::sync::watch;

/// Redis does not answer, or not as it should.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Away {
    pub since: DateTime<Utc>,
    pub error: String,
}

/// Cheap to clone.
#[derive(Clone)]
pub(super) struct Connection {
    pub(super) redis: MultiplexedConnection,
    /// Tells it from those before and after.
    number: u64,
}

enum State {
    Untried,
    There(Connection),
    Away(Away),
}

pub(super) struct Link(watch::Sender<State>);

impl Link {
    pub(super) fn new() -> Self {
        Self(watch::Sender::new(State::Untried))
    }

    pub(super) fn connection(&self) -> Option<Connection> {
        match &*self.0.borrow() {
            State::There(connection) => Some(connection.clone()),
            State::Untried | State::Away(_) => None,
        }
    }

    pub(super) fn away(&self) -> Option<Away> {
        match &*self.0.borrow() {
            State::Away(away) => Some(away.clone()),
            State::Untried | State::There(_) => None,
        }
    }

    pub(super) fn found(&self, redis: MultiplexedConnection, number: u64) {
        self.0.send_replace(State::There(Connection { redis, number }));
        tracing::info!("Redis is there: limits are shared with the other instances");
        metrics::gauge!("mobid_limits_shared").set(1);
    }

    /// A command failed. What a connection says that was given up before means nothing.
    pub(super) fn failed(&self, connection: &Connection, error: &RedisError, now: DateTime<Utc>) {
        let error = reason(error);
        let lost = self.0.send_if_modified(|state| {
            let current = matches!(state, State::There(there) if there.number == connection.number);
            if current {
                *state = State::Away(Away { since: now, error: error.clone() });
            }
            current
        });
        if lost {
            say_away(&error);
        }
    }

    /// There is no connection to be had. Said once, however often it is tried.
    pub(super) fn not_found(&self, error: &RedisError, now: DateTime<Utc>) {
        let error = reason(error);
        let mut first = false;
        self.0.send_modify(|state| {
            let since = if let State::Away(away) = state { away.since } else { now };
            first = matches!(state, State::Untried);
            *state = State::Away(Away { since, error: error.clone() });
        });
        if first {
            say_away(&error);
        }
    }

    /// Returns once it was tried, however it ended.
    pub(super) async fn tried(&self) {
        // The sender lives in this very link, so it cannot be gone.
        let _ = self.0.subscribe().wait_for(|state| !matches!(state, State::Untried)).await;
    }

    /// Returns when there is no connection.
    pub(super) async fn lost(&self) {
        let _ = self.0.subscribe().wait_for(|state| !matches!(state, State::There(_))).await;
    }
}

fn say_away(error: &str) {
    tracing::warn!(error, "Redis is away: this instance counts requests for itself");
    metrics::gauge!("mobid_limits_shared").set(0);
}

/// What happened, without what was sent or to whom: a URL holds a password.
fn reason(error: &RedisError) -> String {
    if error.is_timeout() {
        return "no answer in time".to_owned();
    }
    if error.is_connection_refusal() {
        return "connection refused".to_owned();
    }
    if error.is_connection_dropped() {
        return "connection lost".to_owned();
    }
    match error.code() {
        Some(code) => format!("Redis answers {code}"),
        None => error.category().to_owned(),
    }
}
