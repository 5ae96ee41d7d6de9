//! Deregisters the devices of passkeys that were dropped, where whoever dropped one went away before that was done.
//!
//! Twice: at once, and again when no request can be under way any more that began while the passkey was still good, and
//! that may have made a device of it since.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use mobid_projections::dropped_passkey::{self, Dropped};
use tokio::sync::watch;
use tokio::time::timeout;

use crate::app::App;
use crate::person::{Trouble, passkey};

/// How many are seen to in one look.
const BATCH: i64 = 50;
/// How long one waits that could not be seen to.
const AGAIN: TimeDelta = TimeDelta::minutes(1);
/// How long a look and what it finds may take, should the database not answer.
const LONGEST: Duration = Duration::from_mins(2);
/// How often to look for new ones.
const LOOK: Duration = Duration::from_secs(1);

/// Sees to what is due, again and again, until stopped.
pub async fn run(app: App, mut stop: watch::Receiver<bool>) {
    loop {
        match timeout(LONGEST, settle_due(&app)).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => {
                tracing::warn!(error = %error, "devices of dropped passkeys were not looked for, the next look goes on");
            }
            Err(_) => tracing::warn!("devices of dropped passkeys took too long, the next look goes on"),
        }
        // Told to stop, or nobody left to tell: either way it is over.
        if timeout(LOOK, stop.wait_for(|stop| *stop)).await.is_ok() {
            return;
        }
    }
}

/// Sees to what is due; answers how many passkeys that were.
pub async fn settle_due(app: &App) -> Result<usize, sqlx::Error> {
    let due = dropped_passkey::due(&app.pool, app.clock.now(), BATCH).await?;
    for dropped in &due {
        match settle(app, dropped).await {
            Ok(None) => dropped_passkey::done(&app.pool, dropped).await?,
            Ok(Some(again)) => dropped_passkey::put_off(&app.pool, dropped, again).await?,
            Err(error) => {
                tracing::warn!(error = %error, passkey = dropped.passkey_id, "devices of a dropped passkey are still there");
                dropped_passkey::put_off(&app.pool, dropped, app.clock.now() + AGAIN).await?;
            }
        }
    }
    Ok(due.len())
}

/// Deregisters what there is; answers when to look again, if there may be more.
async fn settle(app: &App, dropped: &Dropped) -> Result<Option<DateTime<Utc>>, Trouble> {
    let (Ok(person), Ok(id)) = (dropped.person_id.parse(), dropped.passkey_id.parse()) else {
        // An id that this program wrote.
        tracing::error!(passkey = dropped.passkey_id, "a dropped passkey cannot be read");
        return Ok(None);
    };
    let now = app.clock.now();
    passkey::deregister_everywhere(app, person, id).await?;
    let bound = TimeDelta::seconds(i64::try_from(app.config.request_seconds).unwrap_or(i64::from(u32::MAX)));
    let last = dropped.dropped_at + bound + bound;
    Ok((now < last).then_some(last))
}
