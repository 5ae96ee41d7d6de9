//! Sends what the outbox holds: signed, to public addresses only, again and again until it arrives or its schedule is
//! used up.
//!
//! Promises: each delivery is attempted at least once, under the same id every time; a sender that dies loses
//! nothing, since its claims end; a receiver is sent more at a time for as long as it keeps up, and one that does not
//! takes a small share of the attempts that run at a time.
//! Leaves to others: which deliveries there are (the outbox reactor), what an endpoint is (domain).

mod address;
mod message;
mod request;
mod running;
mod schedule;
mod signature;

use std::convert::Infallible;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use futures::future::join_all;
use mobid_domain::id::{ClientId, EventId};
use mobid_domain::webhook::{DisabledReason, Endpoint, EndpointCommand, EndpointError};
use mobid_projections::webhook::delivery::{self, CALLBACK, Claimed, Lane, Outcome, Room, Settled};
use mobid_projections::webhook::outbox;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, InvalidHeaderValue};
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval, interval_at, timeout};
use uuid::Uuid;

use crate::app::App;
use crate::event_store::{CommandContext, ExecuteError, Terms};
use crate::rounds::Rounds;
use message::{Message, NoMessage};
use request::{Courier, Reply};
use running::Running;
use signature::MalformedSecret;

/// Attempts at a time.
const AT_A_TIME: usize = 2_048;
/// Who answers within it keeps up, and is sent more at a time.
const PROMPT: Duration = Duration::from_secs(1);
/// How long a delivery is left to a sender that says nothing: what one that died had begun is soon another's.
const LEASE: Duration = Duration::from_secs(7);
/// How often a sender says that it is still at it.
const RENEWED: Duration = Duration::from_secs(2);
/// How long an attempt may take, four times what its request may: a database that does not answer is not to hold up the
/// sender, nor its end.
const ATTEMPT: Duration = Duration::from_mins(1);
/// How long a look may take. More than the pool has to find a connection.
const ANSWERED_WITHIN: Duration = Duration::from_secs(30);
/// How often to look without having heard of anything.
const POLL: Duration = Duration::from_secs(1);
/// The shortest time between two looks.
const PACE: Duration = Duration::from_millis(5);
/// How much longer than a look that finds nothing the time until the next one is.
const SELDOM: u32 = 9;
/// An endpoint that has been failing for so long is disabled.
const GIVEN_UP_AFTER: TimeDelta = TimeDelta::days(5);

const NAME: &str = "webhook_sender";

#[derive(Clone)]
pub struct Sender {
    app: App,
    courier: Courier,
    /// One commit settles what came to an end meanwhile.
    settled: Rounds<Settled, ()>,
    /// One keeps what lasts.
    kept: Rounds<(String, Uuid), ()>,
}

/// Why an attempt could not be brought to its end: the claim ends, and it is made again.
#[derive(Debug, thiserror::Error)]
enum Interrupted {
    #[error(transparent)]
    NoMessage(#[from] NoMessage),
    #[error(transparent)]
    Disable(#[from] ExecuteError<EndpointError>),
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// A request that cannot be made.
#[derive(Debug, thiserror::Error)]
enum Unsendable {
    #[error(transparent)]
    Secret(#[from] MalformedSecret),
    #[error(transparent)]
    Header(#[from] InvalidHeaderValue),
}

impl Sender {
    pub fn new(app: App) -> Result<Self, reqwest::Error> {
        let courier = Courier::new(app.config.webhook_allow_private)?;
        let (settles, keeps) = (app.pool.clone(), app.pool.clone());
        let settled = Rounds::start(1, AT_A_TIME, move |settled: Vec<Settled>| {
            let pool = settles.clone();
            async move {
                delivery::settle(&pool, &settled).await?;
                Ok(vec![(); settled.len()])
            }
        });
        let kept = Rounds::start(1, AT_A_TIME, move |claims: Vec<_>| {
            let pool = keeps.clone();
            async move {
                delivery::renew(&pool, &claims, LEASE).await?;
                Ok(vec![(); claims.len()])
            }
        });
        Ok(Self { app, courier, settled, kept })
    }

    /// Sends what is due, and what becomes due meanwhile, until told to stop; then finishes what it has begun.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        let mut news = self.app.followers.named(outbox::NAME).map(|progress| progress.position.clone());
        let mut running = Running::default();
        let mut pace = interval(PACE);
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while !*stop.borrow() {
            pace.tick().await;
            running.forget_finished();
            // Before the look, so that what comes during it is heard of after it.
            let seen = news.as_ref().map(|news| *news.borrow());
            let looked = Instant::now();
            let begun = self.begin(&mut running).await;
            // Looking in vain takes a tenth of the time, however many targets there are to look at; the more there was
            // to do, the sooner there is more, up to half of the time.
            let pause = looked.elapsed() * SELDOM / (begun + 1).min(SELDOM);
            pace.reset_after(pause.clamp(PACE, POLL));
            tokio::select! {
                stopped = stop.changed() => if stopped.is_err() { break },
                () = running.some_finished(), if !running.is_empty() => {}
                () = heard(&mut news, seen), if running.room() > 0 => {}
            }
        }
        running.all_finished().await;
    }

    /// Claims as much as there is room for and begins to send it; answers how many attempts that makes.
    async fn begin(&self, running: &mut Running) -> u32 {
        let claimed = self.claim(running.room(), &running.rooms()).await.unwrap_or_else(|error| {
            tracing::warn!(error = %error, "deliveries could not be claimed");
            vec![]
        });
        let begun = u32::try_from(claimed.len()).unwrap_or(u32::MAX - 1);
        for delivery in claimed {
            let sender = self.clone();
            running.spawn(delivery.lane(), async move { sender.deliver(&delivery).await });
        }
        running.forget_idle();
        begun
    }

    /// Sends everything that is due now; answers how many attempts that took.
    pub async fn send_due(&self) -> Result<usize, sqlx::Error> {
        let mut attempted = 0;
        loop {
            let claimed = self.claim(AT_A_TIME, &[]).await?;
            if claimed.is_empty() {
                return Ok(attempted);
            }
            attempted += claimed.len();
            join_all(claimed.iter().map(|delivery| self.deliver(delivery))).await;
        }
    }

    async fn claim(&self, deliveries: usize, lanes: &[(Lane, i64)]) -> Result<Vec<Claimed>, sqlx::Error> {
        if deliveries == 0 {
            return Ok(vec![]);
        }
        let now = self.app.clock.now();
        let deliveries = i64::try_from(deliveries).unwrap_or(i64::MAX);
        let room = Room { deliveries, per_lane: running::FIRST, lanes };
        let claim = (crate::ids::new_id(), LEASE);
        let claimed = timeout(ANSWERED_WITHIN, delivery::claim(&self.app.pool, now, claim, &room)).await;
        claimed.unwrap_or_else(|_| Err(std::io::Error::from(std::io::ErrorKind::TimedOut).into()))
    }

    /// Makes an attempt; answers whether its target keeps up.
    async fn deliver(&self, delivery: &Claimed) -> bool {
        // Once the claim has ended, it is made again.
        let (delivery_id, to) = (&delivery.id, &delivery.target);
        let attempt = tokio::select! {
            attempt = timeout(ATTEMPT, self.attempt(delivery)) => attempt,
            never = self.keep(delivery) => match never {},
        };
        match attempt {
            Ok(Ok(kept_up)) => return kept_up,
            Ok(Err(error)) => {
                tracing::warn!(delivery = delivery_id, to, error = %error, "attempt interrupted");
            }
            Err(_) => tracing::warn!(
                delivery = delivery_id,
                to,
                "attempt interrupted: the database does not answer"
            ),
        }
        false
    }

    /// Keeps a claim while its attempt lasts.
    async fn keep(&self, delivery: &Claimed) -> Infallible {
        let mut beat = interval_at(Instant::now() + RENEWED, RENEWED);
        loop {
            beat.tick().await;
            if let Err(error) = self.kept.ask((delivery.id.clone(), delivery.claim_id)).await {
                // Another may make the attempt again, then: each is made at least once.
                tracing::debug!(delivery = delivery.id, error = %error, "claim not renewed");
            }
        }
    }

    /// Makes one attempt and settles the delivery; answers whether it was taken, and soon.
    async fn attempt(&self, delivery: &Claimed) -> Result<bool, Interrupted> {
        let message = match message::of(&self.app, delivery).await {
            Ok(message) => message,
            Err(NoMessage::NowhereToGo(why)) => {
                tracing::info!(delivery = delivery.id, to = delivery.target, why, "delivery cancelled");
                self.settle(delivery, &Outcome::Cancelled, None, Some(why)).await?;
                return Ok(true);
            }
            Err(error) if error.is_passing() => return Err(error.into()),
            Err(error) => return self.failed_here(delivery, &error).await,
        };
        let now = self.app.clock.now();
        let headers = match headers(delivery, &message, now) {
            Ok(headers) => headers,
            Err(error) => return self.failed_here(delivery, &error).await,
        };
        let asked = Instant::now();
        let reply = self.courier.post(message.url, headers, message.body, now).await;
        let kept_up = matches!(reply, Reply::Taken(_)) && asked.elapsed() < PROMPT;
        let (status, error) = (reply.status(), reply.error());
        let error = error.as_deref();
        tracing::info!(delivery = delivery.id, to = delivery.target, status, error, "delivery attempted");
        metrics::counter!("mobid_webhook_attempts", "outcome" => outcome_label(&reply)).increment(1);
        let outcome = self.outcome(delivery, &reply, message.client).await?;
        self.settle(delivery, &outcome, status, error).await?;
        Ok(kept_up)
    }

    /// What follows from a reply; an endpoint that wants no more, or has wanted nothing for days, is disabled first.
    async fn outcome(
        &self,
        delivery: &Claimed,
        reply: &Reply,
        client: ClientId,
    ) -> Result<Outcome, Interrupted> {
        let retry_after = match reply {
            Reply::Taken(_) => return Ok(Outcome::Succeeded),
            Reply::Gone => {
                self.disable(delivery, client, DisabledReason::Gone).await?;
                return Ok(Outcome::Failed);
            }
            Reply::Declined(_, retry_after) => *retry_after,
            Reply::Nothing(_) => None,
        };
        let outcome = self.again_or_failed(delivery, retry_after);
        let now = self.app.clock.now();
        if outcome == Outcome::Failed
            && delivery::is_failing_since(&self.app.pool, &delivery.target, now - GIVEN_UP_AFTER).await?
        {
            self.disable(delivery, client, DisabledReason::Failing).await?;
        }
        Ok(outcome)
    }

    fn again_or_failed(&self, delivery: &Claimed, retry_after: Option<DateTime<Utc>>) -> Outcome {
        let made = usize::try_from(delivery.attempts).unwrap_or_default() + 1;
        let schedule = &self.app.config.webhook_schedule_seconds;
        schedule::next_attempt(schedule, made, self.app.clock.now(), retry_after)
            .map_or(Outcome::Failed, Outcome::Retry)
    }

    /// It failed on our side; another version or a mended key may do better.
    async fn failed_here(
        &self,
        delivery: &Claimed,
        error: &(dyn std::error::Error + Sync),
    ) -> Result<bool, Interrupted> {
        tracing::error!(delivery = delivery.id, to = delivery.target, error = %error, "delivery cannot be made");
        self.settle(delivery, &self.again_or_failed(delivery, None), None, Some("internal")).await?;
        Ok(false)
    }

    async fn settle(
        &self,
        delivery: &Claimed,
        outcome: &Outcome,
        status: Option<u16>,
        error: Option<&str>,
    ) -> Result<(), Interrupted> {
        let settled = Settled {
            id: delivery.id.clone(),
            claim_id: delivery.claim_id,
            outcome: outcome.clone(),
            status_code: status,
            error: error.map(str::to_owned),
            at: self.app.clock.now(),
        };
        // One of many in a commit: what keeps another's from being settled is not to make this one go out again.
        match self.settled.ask(settled.clone()).await {
            Ok(()) => Ok(()),
            Err(_) => Ok(self.settled.ask(settled).await?),
        }
    }

    /// A `callbackUrl` cannot be disabled: the next consent may name another.
    async fn disable(
        &self,
        delivery: &Claimed,
        client: ClientId,
        reason: DisabledReason,
    ) -> Result<(), Interrupted> {
        if delivery.target == CALLBACK {
            return Ok(());
        }
        let now = self.app.clock.now();
        let context = CommandContext::system(NAME, client, now, Some(delivery.id.clone()));
        let command = EndpointCommand::Disable { reason };
        self.app.store.execute::<Endpoint>(&delivery.target, command, &context, Terms::default()).await?;
        tracing::info!(endpoint = delivery.target, reason = ?reason, "endpoint disabled");
        Ok(())
    }
}

/// Until the outbox has got further than was seen, or it is time to look anyway.
async fn heard(news: &mut Option<watch::Receiver<i64>>, seen: Option<i64>) {
    let grown = async {
        // Where nobody tells, or nobody does any more, only the clock is left.
        if let (Some(news), Some(seen)) = (news, seen)
            && news.wait_for(|position| *position > seen).await.is_ok()
        {
            return;
        }
        std::future::pending::<()>().await;
    };
    // Either way it is time to look.
    let _ = timeout(POLL, grown).await;
}

fn headers(delivery: &Claimed, message: &Message, now: DateTime<Utc>) -> Result<HeaderMap, Unsendable> {
    let (id, timestamp) = (EventId(delivery.event_id).to_string(), now.timestamp());
    let body = message.body.as_bytes();
    // Space-separated, while a secret and the one that follows it overlap.
    let signatures = message.secrets.iter().map(|secret| signature::standard(secret, &id, timestamp, body));
    let signature = signatures.collect::<Result<Vec<_>, _>>()?.join(" ");
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    for (name, value) in [
        ("webhook-id", id),
        ("webhook-timestamp", timestamp.to_string()),
        ("webhook-signature", signature),
        ("x-webhook-signature", signature::vendor(&message.callback_secret, body)),
        ("x-client-id", message.client.to_string()),
    ] {
        headers.insert(HeaderName::from_static(name), HeaderValue::try_from(value)?);
    }
    Ok(headers)
}

fn outcome_label(reply: &Reply) -> &'static str {
    match reply {
        Reply::Taken(_) => "taken",
        Reply::Gone => "gone",
        Reply::Declined(..) => "declined",
        Reply::Nothing(_) => "no_answer",
    }
}
