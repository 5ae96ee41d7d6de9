//! The log's head, asked for once by all who want to know it at the same time.

use std::sync::Arc;
use std::time::Duration;

use sqlx::PgPool;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

/// How long an answer may take: everybody waits behind one that never comes. More than the pool has to find a
/// connection.
const ANSWERED_WITHIN: Duration = Duration::from_secs(15);

type Reply = oneshot::Sender<Result<Heads, Arc<sqlx::Error>>>;

/// How far the log goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heads {
    /// The last position.
    pub log: i64,
    /// The last position of an event about any client.
    pub clients: i64,
}

/// Asks the primary; whoever comes while a question is under way shares the next one, so an answer is never older
/// than its question.
#[derive(Clone)]
pub struct HeadReader(mpsc::UnboundedSender<Reply>);

#[derive(Debug, thiserror::Error)]
#[error("the log's head could not be read: {0}")]
pub struct HeadError(String);

impl HeadReader {
    pub fn start(pool: PgPool) -> Self {
        let (questions, mut asked) = mpsc::unbounded_channel::<Reply>();
        tokio::spawn(async move {
            while let Some(first) = asked.recv().await {
                let mut replies = vec![first];
                while let Ok(reply) = asked.try_recv() {
                    replies.push(reply);
                }
                let heads = timeout(ANSWERED_WITHIN, read(&pool)).await;
                let heads = heads
                    .unwrap_or_else(|_| Err(sqlx::Error::Io(std::io::ErrorKind::TimedOut.into())))
                    .map_err(Arc::new);
                for reply in replies {
                    // Who does not wait any more needs no answer.
                    let _ = reply.send(heads.clone());
                }
            }
        });
        Self(questions)
    }

    pub async fn read(&self) -> Result<Heads, HeadError> {
        let (reply, answer) = oneshot::channel();
        self.0.send(reply).map_err(|_| HeadError("shutting down".to_owned()))?;
        match answer.await {
            Ok(Ok(heads)) => Ok(heads),
            Ok(Err(error)) => Err(HeadError(error.to_string())),
            Err(_) => Err(HeadError("shutting down".to_owned())),
        }
    }
}

async fn read(pool: &PgPool) -> Result<Heads, sqlx::Error> {
    sqlx::query_as!(
        Heads,
        r#"select coalesce((select max(position) from events), 0) as "log!",
                  coalesce((select max(position) from events where aggregate_type = 'client'), 0) as "clients!""#
    )
    .fetch_one(pool)
    .await
}
