//! A QR code together with what it refers to.

use chrono::{DateTime, Utc};
use mobid_domain::id::QrId;
use mobid_domain::qr::{Code, Generation, Referred, Target};
use mobid_projections::consent::query as consents;
use mobid_projections::stream::fold::{Folded, fold};
use mobid_projections::stream::reader::AsOf;

use crate::app::App;
use crate::http::error::ApiError;
use crate::http::watching::Viewer;
use crate::presentation::qr::referred;

pub struct Found {
    pub generation: Generation,
    pub referred: Referred,
    pub sequence: i64,
    pub now: DateTime<Utc>,
}

/// The code as it is now, if there is one and they may see it.
pub async fn now(app: &App, viewer: &Viewer, id: QrId) -> Result<Found, ApiError> {
    let code = app.store.load::<Code>(&id.to_string()).await?;
    let generation = seen(app, viewer, code.state.generation()).await?;
    let now = app.clock.now();
    let referred = match generation.target {
        Target::Consent(id) => {
            let found = app.current.consent(id).await?;
            let session = found.as_ref().and_then(|folded| folded.state.session());
            session.map_or(Referred::Ended, |session| referred(session, now))
        }
    };
    Ok(Found { generation, referred, sequence: code.sequence, now })
}

/// The code as it was, with what it referred to as that was.
pub async fn then(app: &App, viewer: &Viewer, id: QrId, as_of: AsOf) -> Result<Found, ApiError> {
    let mut events = app.store.events::<Code>(&id.to_string(), 0).await?;
    events.retain(|event| as_of.includes(event));
    let folded: Option<Folded<Code>> = fold(&events)?;
    let folded = folded.ok_or_else(ApiError::not_found)?;
    let generation = seen(app, viewer, folded.state.generation()).await?;
    let now = app.clock.now();
    let moment = if let AsOf::Time(time) = as_of { time.min(now) } else { now };
    let referred = match generation.target {
        Target::Consent(id) => {
            let found = consents::as_of(&app.pool, id, as_of).await?;
            let session = found.as_ref().and_then(|folded| folded.state.session());
            session.map_or(Referred::Ended, |session| referred(session, moment))
        }
    };
    Ok(Found { generation, referred, sequence: folded.sequence, now: moment })
}

async fn seen(app: &App, viewer: &Viewer, found: Option<&Generation>) -> Result<Generation, ApiError> {
    let generation = found.ok_or_else(ApiError::not_found)?;
    if viewer.sees(app, generation.client_id).await? {
        Ok(generation.clone())
    } else {
        Err(ApiError::not_found())
    }
}
