//! A connection that appends, for as long as it takes to know what became of what was sent.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use mobid_projections::stream::lease::NOTICE_LOSS;
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection, Executor, PgConnection};
use tokio::time::timeout;

use crate::database::BY_KEY;

use super::appender::AppendError;
use super::batch::{self, Append, Outcome};

/// How long the database may take to answer before the connection counts as lost: a machine that is gone says
/// nothing. More than a statement may take there, so that those given up on do not pile up behind each other.
const ANSWERED_WITHIN: Duration = Duration::from_secs(6);

/// One batch at a time goes this way.
pub struct Line {
    options: PgConnectOptions,
    conn: Option<PgConnection>,
    reconnects: Arc<AtomicU64>,
}

impl Line {
    pub fn new(options: PgConnectOptions, reconnects: Arc<AtomicU64>) -> Self {
        Self { options, conn: None, reconnects }
    }

    /// Sends until the fate of each command is known.
    pub async fn settle(&mut self, all: &[&Append]) -> Vec<Result<Outcome, AppendError>> {
        match self.send(all).await {
            Ok(outcomes) => {
                metrics::histogram!("mobid_append_batch_commands")
                    .record(f64::from(u32::try_from(outcomes.len()).unwrap_or(u32::MAX)));
                outcomes.into_iter().map(Ok).collect()
            }
            // The database refuses the whole statement for what one command brings: find out which.
            Err(error) if all.len() == 1 => vec![Err(AppendError::Refused(error.to_string()))],
            Err(_) => {
                let mut outcomes = Vec::new();
                for append in all {
                    let outcome = self.send(&[append]).await;
                    outcomes.push(match outcome {
                        Ok(outcomes) => outcomes.into_iter().next().ok_or(AppendError::Unknown),
                        Err(error) => Err(AppendError::Refused(error.to_string())),
                    });
                }
                outcomes
            }
        }
    }

    /// Sends the same statement until the database answers it.
    async fn send(&mut self, batch: &[&Append]) -> Result<Vec<Outcome>, sqlx::Error> {
        let mut failures = 0;
        loop {
            match self.try_send(batch).await {
                Ok(outcomes) => return Ok(outcomes),
                Err(error) if is_refusal(&error) => return Err(error),
                Err(error) => {
                    failures += 1;
                    tracing::warn!(failures, error = %error, "append unsettled, sending it again");
                    metrics::counter!("mobid_append_resent_total").increment(1);
                    self.conn = None;
                    self.reconnects.fetch_add(1, Ordering::AcqRel);
                    back_off(failures).await;
                }
            }
        }
    }

    async fn try_send(&mut self, batch: &[&Append]) -> Result<Vec<Outcome>, sqlx::Error> {
        let answer = async {
            let conn = match &mut self.conn {
                Some(conn) => conn,
                // Whatever keeps us from connecting, it is not the events.
                None => self.conn.insert(connect(&self.options).await.map_err(io::Error::other)?),
            };
            batch::send(conn, batch).await
        };
        timeout(ANSWERED_WITHIN, answer)
            .await
            .unwrap_or_else(|_| Err(io::Error::from(io::ErrorKind::TimedOut).into()))
    }

    pub async fn close(self) {
        if let Some(conn) = self.conn {
            let _ = conn.close().await;
        }
    }
}

/// The connection that appends: an acknowledged commit is on disk, and look-ups go by index whatever the
/// statistics of a young table say.
async fn connect(options: &PgConnectOptions) -> Result<PgConnection, sqlx::Error> {
    let mut conn = options.connect().await?;
    conn.execute(NOTICE_LOSS).await?;
    conn.execute(BY_KEY).await?;
    conn.execute("set statement_timeout = '5s'").await?;
    sqlx::query!("set synchronous_commit = on").execute(&mut conn).await?;
    Ok(conn)
}

/// Whether the database answered that it will not take these events, as against not having answered for good.
fn is_refusal(error: &sqlx::Error) -> bool {
    let Some(database) = error.as_database_error() else {
        return !matches!(
            error,
            sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::Protocol(_) | sqlx::Error::WorkerCrashed
        );
    };
    // 08 connection, 40 rollback, 53 resources, 57 shutdown, 58 system, XX internal; the rest is about the data.
    let passing = ["08", "25006", "40", "53", "57", "58", "XX"];
    !database.code().is_some_and(|code| passing.iter().any(|class| code.starts_with(class)))
}

#[expect(
    clippy::disallowed_methods,
    reason = "the pace of asking a database that is away, not a time that matters"
)]
async fn back_off(failures: u32) {
    tokio::time::sleep(Duration::from_millis((10 << failures.min(6)).min(500))).await;
}
