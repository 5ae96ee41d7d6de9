//! `GET /v1/service/consents/{id}/events`: its status as it changes, as server-sent events (HTML, 9.2).
//!
//! Each event's id says how much of the consent's history it knows, so that who comes back with `Last-Event-ID` is told
//! what was missed and nothing twice. The stream ends when the status can change no more; who then comes back, as
//! browsers do by themselves, gets a 204, which tells them to stop.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, TimeDelta, Utc};
use futures::stream::{Stream, StreamExt, iter, unfold};
use mobid_domain::client::Permission;
use mobid_domain::consent::{Consent, Status};
use mobid_domain::id::{ClientId, ConsentId};
use mobid_projections::stream::fold::Folded;
use tokio::sync::watch;

use super::retrieve::seen;
use crate::app::App;
use crate::changes::Waiting;
use crate::http::error::ApiError;
use crate::http::query::Query;
use crate::http::router::Id;
use crate::http::watching::{PARAMETER, Viewer};
use crate::presentation::consent::{ConsentWatched, is_final, watched};

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// Proxies that gather an answer before they pass it on (nginx) are told not to.
const BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");
/// How often a stream on which nothing happens says that it is there; also how soon one ends whose key was revoked.
const HEARTBEAT: TimeDelta = TimeDelta::seconds(15);
/// How soon a browser comes back when the stream ends before the lifecycle does.
const RETRY: Duration = Duration::from_secs(2);

pub async fn events(
    viewer: Viewer,
    Id(id): Id<ConsentId>,
    State(app): State<App>,
    headers: HeaderMap,
    mut query: Query,
) -> Result<Response, ApiError> {
    query.take(PARAMETER, "a watch token", |_| Some(()));
    query.finish()?;
    let found = app.current.consent(id).await?;
    let (_, session) = seen(&app, &viewer, found.as_ref()).await?;
    let client = session.request.client_id;
    let waiting = viewer.wait_for(&app, client, &id.to_string())?;
    viewer.give_place_back();
    let told = headers.get(LAST_EVENT_ID).and_then(|value| Mark::parse(value.to_str().ok()?));
    let draining = app.draining.clone();
    let mut following =
        Following { app, viewer, id, client, waiting, draining, told, falls_due: None, over: false };
    let first = following.news().await?;
    if first.is_empty() && following.over {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let mut response = Sse::new(following.stream(first)).into_response();
    response.headers_mut().insert(BUFFERING, HeaderValue::from_static("no"));
    Ok(response)
}

/// How much of a consent's history somebody knows: up to a sequence, and whether that it expired after that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Mark {
    sequence: i64,
    expired: bool,
}

const EXPIRED: &str = ".expired";

impl Mark {
    fn parse(text: &str) -> Option<Self> {
        let sequence = text.strip_suffix(EXPIRED);
        let expired = sequence.is_some();
        Some(Self { sequence: sequence.unwrap_or(text).parse().ok()?, expired })
    }

    fn text(self) -> String {
        format!("{}{}", self.sequence, if self.expired { EXPIRED } else { "" })
    }
}

struct Following {
    app: App,
    viewer: Viewer,
    id: ConsentId,
    client: ClientId,
    waiting: Waiting,
    draining: watch::Receiver<bool>,
    /// What was told already; nothing to who comes for the first time.
    told: Option<Mark>,
    /// When there is something to say by time alone.
    falls_due: Option<DateTime<Utc>>,
    /// Nothing more will come.
    over: bool,
}

impl Following {
    fn stream(self, first: Vec<Event>) -> impl Stream<Item = Result<Event, Infallible>> {
        let first = iter([Event::default().retry(RETRY)].into_iter().chain(first));
        let later = unfold(self, Self::next).flat_map(iter);
        first.chain(later).map(Ok)
    }

    /// What there is to say next; none once it is over.
    async fn next(mut self) -> Option<(Vec<Event>, Self)> {
        if self.over {
            return None;
        }
        let news = match self.wait().await? {
            Woken::ToLook => self.news().await,
            Woken::ToBeat => {
                let still = self.viewer.still_sees(&self.app, self.client, Permission::ConsentsRead).await;
                still.map(|()| vec![Event::default().comment("")])
            }
        };
        // Whoever may look no more comes back and is told so; what failed otherwise is in the log.
        Some((news.ok()?, self))
    }

    /// `None` when the server is going down: another instance, or the next one here, goes on.
    async fn wait(&mut self) -> Option<Woken> {
        let clock = &self.app.clock;
        let beat = match &self.viewer {
            Viewer::Client(_) => clock.now() + HEARTBEAT,
            Viewer::Watcher(watcher) => watcher.until.min(clock.now() + HEARTBEAT),
        };
        let due = self.falls_due.filter(|due| *due <= beat);
        tokio::select! {
            biased;
            _ = self.draining.wait_for(|draining| *draining) => None,
            () = self.waiting.changed() => Some(Woken::ToLook),
            () = clock.wait_until(due.unwrap_or(beat)) => {
                Some(if due.is_some() { Woken::ToLook } else { Woken::ToBeat })
            }
        }
    }

    /// What has happened since what was told last; to who knows nothing, how it stands.
    async fn news(&mut self) -> Result<Vec<Event>, ApiError> {
        self.waiting.mark();
        self.viewer.still_sees(&self.app, self.client, Permission::ConsentsRead).await?;
        let steps = self.steps().await?;
        let last = steps.last().map(|(_, last)| last);
        self.over = last.is_some_and(|last| is_final(last.status));
        self.falls_due = last.filter(|last| last.status == Status::Pending).map(|last| last.expires_at);
        let mut news: Vec<_> =
            steps.into_iter().filter(|(mark, _)| self.told.is_none_or(|told| *mark > told)).collect();
        if self.told.is_none() {
            news.drain(..news.len().saturating_sub(1));
        }
        self.told = news.last().map(|(mark, _)| *mark).or(self.told);
        news.into_iter().map(|(mark, now)| event(mark, &now)).collect()
    }

    /// Each way that it ever stood.
    async fn steps(&self) -> Result<Vec<(Mark, ConsentWatched)>, ApiError> {
        let id = self.id.to_string();
        let mut folded = Folded::<Consent>::empty("");
        let mut steps: Vec<(Mark, ConsentWatched)> = vec![];
        let mut step = |sequence, now: ConsentWatched| {
            if steps.last().is_none_or(|(_, last)| *last != now) {
                steps.push((Mark { sequence, expired: now.status == Status::Expired }, now));
            }
        };
        for event in self.app.store.events::<Consent>(&id, 0).await? {
            let before = folded.sequence;
            folded.take(&event)?;
            if let Some(session) = folded.state.session() {
                let now = watched(&id, session, session.updated_at);
                // That it expired was so, and may have been told, before anybody said so in the log.
                step(if now.status == Status::Expired { before } else { folded.sequence }, now);
            }
        }
        if let Some(session) = folded.state.session() {
            step(folded.sequence, watched(&id, session, self.app.clock.now()));
        }
        Ok(steps)
    }
}

enum Woken {
    ToLook,
    ToBeat,
}

fn event(mark: Mark, now: &ConsentWatched) -> Result<Event, ApiError> {
    let data = serde_json::to_string(now).map_err(|error| ApiError::internal(&error))?;
    Ok(Event::default().event("status").id(mark.text()).data(data))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_read_back_and_come_in_order() {
        let texts = ["1", "3", "3.expired", "4"];
        let marks: Vec<_> = texts.iter().map(|text| Mark::parse(text).unwrap()).collect();
        assert!(marks.is_sorted());
        assert!(marks.iter().zip(texts).all(|(mark, text)| mark.text() == text));
        for text in ["", "x", ".expired", "1.x", "99999999999999999999"] {
            assert_eq!(Mark::parse(text), None, "{text}");
        }
    }
}
