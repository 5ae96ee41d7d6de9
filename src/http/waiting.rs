//! `?wait=`: an answer once the status of a resource is another than at first, or when the time is up.

use std::future::Future;

use chrono::{DateTime, TimeDelta, Utc};
use futures::future::select_all;

use super::error::ApiError;
use super::query::Query;
use crate::app::App;
use crate::changes::Waiting;

/// What a look at a resource found.
pub struct Seen<T> {
    pub found: T,
    /// Where it stands.
    pub status: &'static str,
    /// When it changes by time alone.
    pub changes_at: Option<DateTime<Utc>>,
    /// What can change no more is not worth waiting for.
    pub is_final: bool,
}

impl Query {
    /// `?wait=`, seconds.
    pub fn wait(&mut self) -> Option<u32> {
        self.take("wait", "a whole number of seconds from 0 to 30", |text| {
            text.parse::<u32>().ok().filter(|seconds| *seconds <= 30)
        })
    }
}

/// Looks, and looks again whenever one of those that are waited for has changed.
pub async fn for_change<T, F>(
    app: &App,
    mut places: Vec<Waiting>,
    seconds: u32,
    look: impl Fn() -> F,
) -> Result<T, ApiError>
where
    F: Future<Output = Result<Seen<T>, ApiError>>,
{
    let until = app.clock.now() + TimeDelta::seconds(i64::from(seconds));
    let (mut draining, mut first) = (app.draining.clone(), None);
    loop {
        places.iter_mut().for_each(Waiting::mark);
        let seen = look().await?;
        let now = app.clock.now();
        if now >= until || *first.get_or_insert(seen.status) != seen.status || seen.is_final {
            return Ok(seen.found);
        }
        let deadline = seen.changes_at.map_or(until, |at| until.min(at.max(now)));
        tokio::select! {
            () = app.clock.wait_until(deadline) => {}
            _ = draining.wait_for(|draining| *draining) => return Ok(seen.found),
            () = any_changed(&mut places) => {}
        }
    }
}

async fn any_changed(places: &mut [Waiting]) {
    select_all(places.iter_mut().map(|place| Box::pin(place.changed()))).await;
}
