//! Decides commands on aggregates and appends what follows.

use std::collections::BTreeMap;

use cqrs_es::Aggregate;
use mobid_domain::event::Decider;
use mobid_domain::recorded::Recorded;
use mobid_projections::projection::ApplyError;
use mobid_projections::stream::fold::{Folded, fold};
use mobid_projections::stream::reader::{self, Tail};
use mobid_projections::stream::wake::Wake;
use mobid_projections::stream::warm::Warm;
use moka::sync::Cache;
use sqlx::PgPool;

use super::appender::{AppendError, Appended, Appender};
use super::batch::{Append, Claim, IdempotencyRecord, Outcome, new_events};
use super::cache::{StateCache, Versioned};
use super::claims::{self, Claimed};
use super::context::CommandContext;
use crate::rounds::Rounds;

/// Aggregates that one round reads at the most.
const ROUND: usize = 128;
/// How often a command that keeps losing races is decided again.
const ATTEMPTS: usize = 16;

/// The log, for those who append.
#[derive(Clone)]
pub struct EventStore {
    pool: PgPool,
    appender: Appender,
    cache: StateCache,
    tails: Rounds<Tail, Vec<Recorded>>,
    holders: Cache<Claimed, String>,
}

/// What came of a command.
#[derive(Debug, Clone)]
pub struct Executed<A: Aggregate> {
    pub state: A,
    pub sequence: i64,
    /// Where the first event is; `None` if nothing needed to happen.
    pub appended: Option<Appended>,
}

#[derive(Debug, thiserror::Error)]
pub enum ExecuteError<E: std::error::Error> {
    /// The rules refuse it.
    #[error(transparent)]
    Refused(E),
    #[error("the resource is at {found}, not at the expected version")]
    Stale { found: i64 },
    #[error("already taken: {0}")]
    Claimed(&'static str),
    /// The idempotency key got an answer from a twin of this request.
    #[error("the idempotency key has an answer already")]
    Answered,
    #[error("too many others changed the resource at the same time")]
    Contended,
    #[error(transparent)]
    Append(#[from] AppendError),
    #[error(transparent)]
    Read(#[from] ApplyError),
}

impl<E: std::error::Error> From<sqlx::Error> for ExecuteError<E> {
    fn from(error: sqlx::Error) -> Self {
        Self::Read(error.into())
    }
}

type Answer<'a, A> = &'a (dyn Fn(&A, i64) -> Option<IdempotencyRecord> + Send + Sync);
type Precondition<'a> = &'a (dyn Fn(i64) -> bool + Send + Sync);

/// On what terms a command is executed, besides its own rules.
#[derive(Clone, Default)]
pub struct Terms<'a, A> {
    /// The id was just made, so there is nothing to load.
    pub new: bool,
    /// Holds of the sequence that is decided on (`If-Match`).
    pub precondition: Option<Precondition<'a>>,
    pub claims: Vec<Claim>,
    /// Makes the answer that commits together with the events.
    pub answer: Option<Answer<'a, A>>,
}

impl EventStore {
    pub fn new(pool: PgPool, wake: Wake) -> Self {
        let appender = Appender::start((*pool.connect_options()).clone(), wake);
        let warm = Warm::new(pool.clone());
        let tails = Rounds::start(2, ROUND, move |asked: Vec<Tail>| {
            let warm = warm.clone();
            async move {
                let mut conn = warm.take().await?;
                // Many want the same at the same time, such as a client's account: it is read once.
                let mut distinct = asked.clone();
                distinct.sort();
                distinct.dedup();
                let tails = reader::tails(&mut conn, &distinct).await?;
                warm.keep(conn);
                let answer = |tail| distinct.binary_search(tail).ok().and_then(|place| tails.get(place));
                Ok(asked.iter().map(|tail| answer(tail).cloned().unwrap_or_default()).collect())
            }
        });
        let holders = Cache::new(claims::REMEMBERED);
        Self {
            pool,
            appender,
            cache: StateCache::new(remembered_bytes(crate::memory::total())),
            tails,
            holders,
        }
    }

    pub(super) fn holders(&self) -> &Cache<Claimed, String> {
        &self.holders
    }

    pub fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// The events of an aggregate after a sequence, in order.
    pub async fn events<A: Aggregate>(
        &self,
        id: &str,
        after_sequence: i64,
    ) -> Result<Vec<Recorded>, sqlx::Error> {
        self.tails.ask(Tail { aggregate_type: A::TYPE, aggregate_id: id.to_owned(), after_sequence }).await
    }

    /// The state of an aggregate from the log; the default state at sequence 0 if it has no event.
    pub async fn load<A: Decider>(&self, id: &str) -> Result<Versioned<A>, ApplyError> {
        self.refresh(id, Versioned::default()).await
    }

    /// A state that may be behind the log: for what of it cannot change, and for what an append decides anyway.
    pub async fn recent<A: Decider + 'static>(&self, id: &str) -> Result<Versioned<A>, ApplyError> {
        self.cache.follow(self.appender.reconnects());
        match self.cache.get::<A>(id) {
            Some(known) => Ok(known),
            None => self.newest(id).await,
        }
    }

    /// The state as of now: what is remembered, with whatever the log has after it.
    pub async fn newest<A: Decider + 'static>(&self, id: &str) -> Result<Versioned<A>, ApplyError> {
        self.cache.follow(self.appender.reconnects());
        let newest = self.refresh(id, self.cache.get::<A>(id).unwrap_or_default()).await?;
        if newest.sequence > 0 {
            self.cache.put(id, newest.clone());
        }
        Ok(newest)
    }

    /// A remembered state with the tail of the log on it.
    async fn refresh<A: Decider>(&self, id: &str, known: Versioned<A>) -> Result<Versioned<A>, ApplyError> {
        let tail = self.events::<A>(id, known.sequence).await?;
        let mut folded =
            Folded { tenant: String::new(), sequence: known.sequence, position: 0, state: known.state };
        for event in &tail {
            folded.take(event)?;
        }
        let read: usize = tail.iter().map(|event| event.payload.len()).sum();
        Ok(Versioned { state: folded.state, sequence: folded.sequence, bytes: known.bytes + read })
    }

    /// Decides a command and appends what follows, as often as others come in between.
    pub async fn execute<A: Decider + 'static>(
        &self,
        id: &str,
        order: A::Order,
        context: &CommandContext,
        terms: Terms<'_, A>,
    ) -> Result<Executed<A>, ExecuteError<A::Error>> {
        self.cache.follow(self.appender.reconnects());
        let remembered = if terms.new { Some(Versioned::default()) } else { self.cache.get::<A>(id) };
        let (mut known, mut looked) = match remembered {
            Some(known) => (known, false),
            None => (self.load(id).await?, true),
        };
        let command = context.stamp(order);
        for _ in 0..ATTEMPTS {
            // A condition counts only where the command would be taken without it (RFC 9110, section 13.2.1): so it
            // tells nothing of a resource to who may not see it.
            let decision = match (known.state.decide(&command), terms.precondition) {
                (Ok(_), Some(holds)) if known.sequence > 0 && !holds(known.sequence) => {
                    Err(ExecuteError::Stale { found: known.sequence })
                }
                (decided, _) => decided.map_err(ExecuteError::Refused),
            };
            match decision {
                Ok(events) if !events.is_empty() => {
                    match self.append(id, &known, events, context, &terms).await? {
                        Some(executed) => return Ok(executed),
                        // Who came first may have done so here, and then has left what there is now.
                        None => match self.cache.get::<A>(id) {
                            Some(newer) if newer.sequence > known.sequence => {
                                (known, looked) = (newer, false);
                            }
                            _ => (known, looked) = (self.load(id).await?, true),
                        },
                    }
                }
                // What appends nothing is only said of a state that was just read.
                _ if !looked => {
                    known = self.refresh(id, known).await?;
                    looked = true;
                }
                Ok(_) => {
                    self.cache.put(id, known.clone());
                    return Ok(Executed { state: known.state, sequence: known.sequence, appended: None });
                }
                Err(error) => return Err(error),
            }
        }
        Err(ExecuteError::Contended)
    }

    /// The same command to many aggregates, loaded together and appended together; answers how many it changed.
    ///
    /// One that others changed at the same time is left for the next time, as suits a sweep; one whose events cannot
    /// be read keeps the others from nothing.
    pub async fn execute_many<A: Decider + 'static>(
        &self,
        ids: &[String],
        order: A::Order,
        context: impl Fn(&Folded<A>) -> Option<CommandContext>,
    ) -> Result<usize, ExecuteError<A::Error>> {
        let events = {
            let mut conn = self.pool.acquire().await?;
            reader::of_aggregates(&mut conn, A::TYPE, ids).await?
        };
        let mut by_id: BTreeMap<&str, Vec<_>> = BTreeMap::new();
        for event in &events {
            by_id.entry(&event.aggregate_id).or_default().push(event.clone());
        }
        let mut appends = Vec::new();
        for (id, events) in by_id {
            let folded = match fold::<A>(&events) {
                Ok(Some(folded)) => folded,
                Ok(None) => continue,
                Err(error) => {
                    tracing::warn!(id, error = %error, "left out: its events cannot be read");
                    continue;
                }
            };
            let Some(context) = context(&folded) else { continue };
            match folded.state.decide(&context.stamp(order.clone())) {
                Ok(new) if !new.is_empty() => {
                    self.cache.forget::<A>(id);
                    let known = Versioned { state: folded.state, sequence: folded.sequence, bytes: 0 };
                    appends.push(to_append(id, &known, &new, &context, &Terms::default())?);
                }
                _ => {}
            }
        }
        let outcomes =
            futures::future::join_all(appends.into_iter().map(|append| self.appender.append(append))).await;
        let mut changed = 0;
        for outcome in outcomes {
            if let Outcome::Appended { .. } = outcome? {
                changed += 1;
            }
        }
        Ok(changed)
    }

    /// `None` if others came first.
    async fn append<A: Decider + 'static>(
        &self,
        id: &str,
        known: &Versioned<A>,
        events: Vec<A::Event>,
        context: &CommandContext,
        terms: &Terms<'_, A>,
    ) -> Result<Option<Executed<A>>, ExecuteError<A::Error>> {
        let mut append = to_append(id, known, &events, context, terms)?;
        let mut state = known.state.clone();
        for event in events {
            state.apply(event);
        }
        let bytes = known.bytes + append.events.iter().map(|event| event.payload.len()).sum::<usize>();
        let sequence = known.sequence + i64::try_from(append.events.len()).unwrap_or(0);
        append.idempotency = terms.answer.and_then(|answer| answer(&state, sequence));
        match self.appender.append(append).await? {
            Outcome::Appended { position, .. } => {
                self.cache.put(id, Versioned { state: state.clone(), sequence, bytes });
                Ok(Some(Executed { state, sequence, appended: Some(Appended { position }) }))
            }
            Outcome::Conflict => {
                self.cache.forget_up_to::<A>(id, known.sequence);
                Ok(None)
            }
            Outcome::Claimed => {
                Err(ExecuteError::Claimed(terms.claims.first().map_or("", |claim| claim.kind)))
            }
            Outcome::Answered => Err(ExecuteError::Answered),
        }
    }

    pub(super) fn appender(&self) -> &Appender {
        &self.appender
    }
}

/// What aggregates kept in memory may take, in bytes: of those that are usual, almost a thousand to a MiB. A part of the
/// machine's memory, since whoever is not in it is read from the log before each command.
fn remembered_bytes(memory: u64) -> u64 {
    (memory / 32).clamp(32 << 20, 512 << 20)
}

fn to_append<A: Decider>(
    id: &str,
    known: &Versioned<A>,
    events: &[A::Event],
    context: &CommandContext,
    terms: &Terms<'_, A>,
) -> Result<Append, ApplyError> {
    Ok(Append {
        tenant: context.tenant.to_string(),
        aggregate_type: A::TYPE,
        aggregate_id: id.to_owned(),
        expected: known.sequence,
        events: new_events::<A>(events)?,
        metadata: context.metadata_text()?,
        claims: terms.claims.clone(),
        idempotency: None,
    })
}
