//! Questions that many ask at the same time go to the database together.
//!
//! While one round is under way the next one gathers, so what a round costs is shared by all who came meanwhile, and
//! an answer is never older than its question. A round that fails fails for all who are in it, and says nothing of the
//! next one.

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::time::timeout;

/// How long a round may take: everybody waits behind one that never ends. More than the pool has to find a
/// connection.
const ANSWERED_WITHIN: Duration = Duration::from_secs(15);
/// A round that takes longer waits for a disk: the next one does not wait for it, so that the disk gets more to do at
/// once. Rounds that only wait for a busy core are quicker, and more of them would not help.
const SLOW: Duration = Duration::from_millis(10);
/// Slow rounds that are under way besides the others, at the most: each takes a connection.
const SLOW_ROUNDS: usize = 8;
/// How often a round lets others run before it goes, at the most.
const GATHERED: usize = 3;
static SLOW_PLACES: Semaphore = Semaphore::const_new(SLOW_ROUNDS);

type Reply<A> = oneshot::Sender<Result<A, sqlx::Error>>;

/// Whom to ask.
pub struct Rounds<Q, A>(mpsc::UnboundedSender<(Q, Reply<A>)>);

impl<Q, A> Clone for Rounds<Q, A> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<Q: Send + 'static, A: Send + 'static> Rounds<Q, A> {
    /// `ask` answers up to `most` questions, each at the place of its question; up to `lanes` rounds are under way at
    /// once, besides those that are slow.
    pub fn start<F, T>(lanes: usize, most: usize, ask: F) -> Self
    where
        F: Fn(Vec<Q>) -> T + Send + 'static,
        T: Future<Output = Result<Vec<A>, sqlx::Error>> + Send + 'static,
    {
        let (questions, mut asked) = mpsc::unbounded_channel::<(Q, Reply<A>)>();
        let lanes = Arc::new(Semaphore::new(lanes));
        tokio::spawn(async move {
            let mut round = Vec::new();
            // Neither is ever closed: this ends when nobody is left who could ask.
            while let Ok(lane) = lanes.clone().acquire_owned().await
                && asked.recv_many(&mut round, most).await > 0
            {
                gather(&mut round, &mut asked, most).await;
                // Who has gone meanwhile is not to keep the others waiting.
                let waiting = round.drain(..).filter(|(_, reply)| !reply.is_closed());
                let (questions, replies): (Vec<Q>, Vec<Reply<A>>) = waiting.unzip();
                if questions.is_empty() {
                    continue;
                }
                let answers = ask(questions);
                // A task of its own, so that a panic fails one round and not all that would come after it.
                tokio::spawn(async move {
                    let answers = timeout(ANSWERED_WITHIN, under_way(answers, lane)).await;
                    let late = |_| Err(io::Error::from(io::ErrorKind::TimedOut).into());
                    tell(replies, answers.unwrap_or_else(late));
                });
            }
        });
        Self(questions)
    }

    pub async fn ask(&self, question: Q) -> Result<A, sqlx::Error> {
        let (reply, answer) = oneshot::channel();
        // The task only ends with the runtime.
        self.0.send((question, reply)).map_err(|_| sqlx::Error::WorkerCrashed)?;
        answer.await.unwrap_or(Err(sqlx::Error::WorkerCrashed))
    }
}

/// Lets those come along who are about to ask: whoever can run does so, a few times if that brings more.
async fn gather<T>(round: &mut Vec<T>, asked: &mut mpsc::UnboundedReceiver<T>, most: usize) {
    for _ in 0..GATHERED {
        let before = round.len();
        tokio::task::yield_now().await;
        round.extend(std::iter::from_fn(|| asked.try_recv().ok()).take(most.saturating_sub(before)));
        if round.len() == before {
            return;
        }
    }
}

/// Keeps its lane from others while it is quick.
async fn under_way<T: Future>(round: T, lane: OwnedSemaphorePermit) -> T::Output {
    tokio::pin!(round);
    if let Ok(answers) = timeout(SLOW, &mut round).await {
        return answers;
    }
    let aside = SLOW_PLACES.try_acquire().ok();
    let _lane = aside.is_none().then_some(lane);
    round.await
}

/// Who does not wait any more needs no answer.
fn tell<A>(replies: Vec<Reply<A>>, answers: Result<Vec<A>, sqlx::Error>) {
    match answers {
        Ok(answers) => {
            for (reply, answer) in replies.into_iter().zip(answers) {
                let _ = reply.send(Ok(answer));
            }
        }
        Err(error) => {
            let error = Arc::new(error);
            for reply in replies {
                let _ = reply.send(Err(io::Error::other(error.clone()).into()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures::StreamExt;
    use futures::future::join_all;
    use futures::stream::FuturesUnordered;

    use super::*;

    #[tokio::test]
    async fn who_comes_while_a_round_is_under_way_shares_the_next_one() {
        let rounds = Arc::new(AtomicUsize::new(0));
        let counted = rounds.clone();
        let doubles = Rounds::start(1, 100, move |numbers: Vec<i32>| {
            counted.fetch_add(1, Ordering::Relaxed);
            async move {
                tokio::task::yield_now().await;
                Ok(numbers.into_iter().map(|number| number * 2).collect())
            }
        });
        let answers = join_all((0..50).map(|number| doubles.ask(number))).await;
        let answers: Vec<_> = answers.into_iter().map(Result::unwrap).collect();
        assert_eq!(answers, (0..50).map(|number| number * 2).collect::<Vec<_>>());
        assert!(rounds.load(Ordering::Relaxed) <= 2);
    }

    #[tokio::test]
    async fn a_round_that_waits_for_a_disk_does_not_hold_up_the_next_one() {
        let disk = Arc::new(Semaphore::new(0));
        let busy = disk.clone();
        let rounds = Rounds::start(1, 1, move |asked: Vec<bool>| {
            let disk = busy.clone();
            async move {
                if asked[0] {
                    let _ = disk.acquire().await;
                }
                Ok(asked)
            }
        });
        let mut stuck: FuturesUnordered<_> = (0..SLOW_ROUNDS).map(|_| rounds.ask(true)).collect();
        tokio::select! {
            biased;
            _ = stuck.next() => panic!("answered without a disk"),
            answered = rounds.ask(false) => assert!(!answered.unwrap()),
        }
        disk.close();
        assert!(stuck.all(|answer| async move { answer.is_ok() }).await);
    }

    #[tokio::test]
    async fn a_round_that_fails_fails_for_those_in_it_only() {
        let picky = Rounds::start(1, 1, |questions: Vec<bool>| async move {
            if questions[0] { Ok(questions) } else { Err(sqlx::Error::PoolTimedOut) }
        });
        assert!(picky.ask(false).await.is_err());
        let panics = Rounds::start(1, 1, |questions: Vec<bool>| async move {
            assert!(questions[0], "a question that its round does not survive");
            Ok(questions)
        });
        assert!(panics.ask(false).await.is_err());
        assert!(panics.ask(true).await.unwrap());
        assert!(picky.ask(true).await.unwrap());
    }
}
