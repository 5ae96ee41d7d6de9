//! Sends recipients the links that their clients asked to have sent (`notify`).
//!
//! At least once: a notice is leased, not taken, so one whose sender died is sent by the next. Leaves to
//! others: who is to be sent one (projections), the way there (notifier).

use std::convert::Infallible;
use std::time::Duration;

use chrono::TimeDelta;
use futures::future::join_all;
use mobid_domain::client::{Client, Status as ClientStatus};
use mobid_domain::consent::{Session, Status};
use mobid_domain::handle::Handle;
use mobid_domain::id::{ClientId, ConsentId};
use mobid_projections::notice::{self, Notice};
use mobid_projections::projection::ApplyError;
use tokio::sync::watch;
use tokio::time::{Instant, interval_at, timeout};

use crate::app::App;
use crate::ephemeral::cap::{self, Capped, Subjects, Use};
use crate::notifier::{Message, NotifierError};
use crate::vault::{SealError, Subject, VaultError};
use crate::words::Words;

/// How many are claimed together.
const BATCH: i64 = 50;
/// How long notices are left to one who says nothing: what one that died had claimed is soon another's.
const LEASE: Duration = Duration::from_secs(7);
/// How often who sends them says that it is still at it.
const RENEWED: Duration = Duration::from_secs(2);
/// How many go out at the same time: one that nobody answers keeps few others waiting.
const ABREAST: usize = 8;
/// How long a notice waits that failed once, and then twice as long each time: it is tried for as long as its consent
/// waits.
const AGAIN: TimeDelta = TimeDelta::minutes(1);
const AGAIN_AT_LAST: TimeDelta = TimeDelta::hours(1);
/// How long a look and what it finds may take, should the database or the way out not answer.
const LONGEST: Duration = Duration::from_mins(2);
/// How often to look for new ones.
const LOOK: Duration = Duration::from_secs(1);

#[derive(Debug, thiserror::Error)]
pub enum NoticeError {
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    #[error(transparent)]
    Read(#[from] ApplyError),
    #[error(transparent)]
    Vault(#[from] VaultError),
    #[error(transparent)]
    Seal(#[from] SealError),
    #[error("a notice names a consent or a recipient that cannot be read")]
    Unreadable,
    #[error(transparent)]
    Notifier(#[from] NotifierError),
    #[error("its recipient, or its client, has been sent as many as there may be")]
    Capped(Capped),
}

/// Sends what is due, again and again, until stopped.
pub async fn run(app: App, mut stop: watch::Receiver<bool>) {
    loop {
        match timeout(LONGEST, send_due(&app)).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => {
                tracing::warn!(error = %error, "links could not be sent, the next look goes on");
            }
            Err(_) => tracing::warn!("sending links took too long, the next look goes on"),
        }
        // Told to stop, or nobody left to tell: either way it is over.
        if tokio::time::timeout(LOOK, stop.wait_for(|stop| *stop)).await.is_ok() {
            return;
        }
    }
}

/// Sends what is due; answers how many links went out.
pub async fn send_due(app: &App) -> Result<usize, NoticeError> {
    let notices = notice::claim(&app.pool, app.clock.now(), LEASE, BATCH).await?;
    tokio::select! {
        sent = send_all(app, &notices) => sent,
        never = keep(app, &notices) => match never {},
    }
}

/// Keeps the claims while the notices are sent, one after the other.
async fn keep(app: &App, notices: &[Notice]) -> Infallible {
    let mut beat = interval_at(Instant::now() + RENEWED, RENEWED);
    loop {
        beat.tick().await;
        if let Err(error) = notice::renew(&app.pool, notices, LEASE).await {
            // Another may send a link again, then: each is sent at least once.
            tracing::debug!(error = %error, "claims not renewed");
        }
    }
}

async fn send_all(app: &App, notices: &[Notice]) -> Result<usize, NoticeError> {
    let mut sent = 0;
    for few in notices.chunks(ABREAST) {
        for went_out in join_all(few.iter().map(|notice| see_to(app, notice))).await {
            sent += usize::from(went_out?);
        }
    }
    Ok(sent)
}

/// Sends a notice, or says when to try again, or that there is no use in that.
async fn see_to(app: &App, notice: &Notice) -> Result<bool, NoticeError> {
    let (consent, attempts) = (&notice.consent_id, notice.attempts);
    let sent = send(app, notice).await;
    match sent {
        Ok(went_out) => {
            notice::done(&app.pool, notice).await?;
            return Ok(went_out);
        }
        // No later try would read or reach it either.
        Err(
            NoticeError::Unreadable
            | NoticeError::Notifier(NotifierError::NoWayThere | NotifierError::NoMail),
        ) => {
            let error = sent.err().map(|error| error.to_string());
            tracing::error!(consent, error, "a link notice was dropped");
            notice::done(&app.pool, notice).await?;
        }
        Err(NoticeError::Capped(Capped { until })) => notice::put_off(&app.pool, notice, until).await?,
        Err(error) => {
            tracing::warn!(error = %error, consent, attempts, "a link could not be sent");
            notice::put_off(&app.pool, notice, app.clock.now() + again_after(attempts)).await?;
        }
    }
    Ok(false)
}

fn again_after(attempts: i32) -> TimeDelta {
    let doubled = 1 << attempts.saturating_sub(1).clamp(0, 10);
    (AGAIN * doubled).min(AGAIN_AT_LAST)
}

/// Whether the link went out: it does not if the consent waits no more, its person was erased or its client shut out.
async fn send(app: &App, notice: &Notice) -> Result<bool, NoticeError> {
    let id: ConsentId = notice.consent_id.parse().map_err(|_| NoticeError::Unreadable)?;
    let folded = app.current.consent(id).await?.ok_or(NoticeError::Unreadable)?;
    let session = folded.state.session().ok_or(NoticeError::Unreadable)?;
    if session.status_at(app.clock.now()) != Status::Pending {
        return Ok(false);
    }
    let Some(recipient) = recipient(app, &notice.consent_id, session).await? else { return Ok(false) };
    let request = &session.request;
    let client = app.store.load::<Client>(&request.client_id.to_string()).await?.state;
    let account = client.account().ok_or(NoticeError::Unreadable)?;
    if account.status != ClientStatus::Active {
        return Ok(false);
    }
    count(app, request.client_id, &notice.consent_id, &recipient).await?;
    let client = account.name.as_str();
    let words = Words::of(request.locale.as_deref());
    let link = format!("{}/r/{id}", app.config.public_origin());
    let purpose = words.purpose_in_message(request.purpose.as_str());
    let message = Message {
        to: "",
        channel: "",
        subject: (words.link_subject)(client),
        text: (words.link_text)(client, purpose, &(words.time)(request.expires_at), &link),
        link: Some(link.clone()),
        code: None,
        resource_id: id.to_string(),
    };
    app.notifier.send(&recipient, message).await?;
    Ok(true)
}

/// Nobody is buried in links, whoever wants them to be sent.
async fn count(app: &App, client: ClientId, consent: &str, recipient: &Handle) -> Result<(), NoticeError> {
    let subjects = Subjects {
        resource: consent,
        handle: &recipient.normalized(),
        address: None,
        client: &client.to_string(),
    };
    match cap::count(&app.pool, app.vault.master(), Use::Notify, &subjects, app.clock.now()).await? {
        Some(capped) => Err(NoticeError::Capped(capped)),
        None => Ok(()),
    }
}

/// `None` if the person's key was destroyed.
async fn recipient(app: &App, id: &str, session: &Session) -> Result<Option<Handle>, NoticeError> {
    let request = &session.request;
    let key = app.vault.key(request.client_id, Subject::Person(request.user_id)).await?;
    let Some(key) = key else { return Ok(None) };
    let text = key.open_text_in(request.client_id, id, "recipient", &request.recipient)?;
    text.parse().map(Some).map_err(|_| NoticeError::Unreadable)
}
