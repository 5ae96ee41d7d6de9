//! A QR code together with what it refers to.

use chrono::{DateTime, Utc};
use mobid_domain::fido::Login;
use mobid_domain::id::QrId;
use mobid_domain::qr::{Code, Generation, Referred, Target};
use mobid_projections::consent::query as consents;
use mobid_projections::enrollment::query as enrollments;
use mobid_projections::stream::fold::{Folded, fold};
use mobid_projections::stream::reader::AsOf;

use crate::app::App;
use crate::http::error::ApiError;
use crate::http::watching::Viewer;
use crate::presentation::qr::{Reference, Shown, of_consent, of_enrollment, of_login};

pub struct Found {
    pub generation: Generation,
    pub reference: Reference,
    pub sequence: i64,
    pub now: DateTime<Utc>,
}

impl Found {
    /// As its client or who watches it is shown it.
    pub fn shown<'a>(&'a self, app: &App, id: QrId) -> Shown<'a> {
        Shown::new(app, id, &self.generation, &self.reference, self.now)
    }
}

/// The code as it is now, if there is one and they may see it.
pub async fn now(app: &App, viewer: &Viewer, id: QrId) -> Result<Found, ApiError> {
    let code = app.store.load::<Code>(&id.to_string()).await?;
    let generation = seen(app, viewer, code.state.generation()).await?;
    let now = app.clock.now();
    let reference = match generation.target {
        Target::Consent(id) => {
            let found = app.current.consent(id).await?;
            let session = found.as_ref().and_then(|folded| folded.state.session());
            session.map_or(Referred::Ended, |session| of_consent(session, now)).into()
        }
        Target::Enrollment(id) => {
            let found = enrollments::find(&app.pool, id, None).await?;
            let session = found.as_ref().and_then(|folded| folded.state.session());
            session.map_or(Referred::Ended, |session| of_enrollment(session, now)).into()
        }
        Target::Login(id) => {
            let login = app.store.load::<Login>(&id.to_string()).await?.state;
            of_login(&generation, login.attempt())
        }
    };
    Ok(Found { generation, reference, sequence: code.sequence, now })
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
    let reference = match generation.target {
        Target::Consent(id) => {
            let found = consents::as_of(&app.pool, id, as_of).await?;
            let session = found.as_ref().and_then(|folded| folded.state.session());
            session.map_or(Referred::Ended, |session| of_consent(session, moment)).into()
        }
        Target::Enrollment(id) => {
            let found = enrollments::find(&app.pool, id, Some(as_of)).await?;
            let session = found.as_ref().and_then(|folded| folded.state.session());
            session.map_or(Referred::Ended, |session| of_enrollment(session, moment)).into()
        }
        Target::Login(id) => {
            let mut events = app.store.events::<Login>(&id.to_string(), 0).await?;
            events.retain(|event| as_of.includes(event));
            let folded: Option<Folded<Login>> = fold(&events)?;
            of_login(&generation, folded.as_ref().and_then(|folded| folded.state.attempt()))
        }
    };
    Ok(Found { generation, reference, sequence: folded.sequence, now: moment })
}

async fn seen(app: &App, viewer: &Viewer, found: Option<&Generation>) -> Result<Generation, ApiError> {
    let generation = found.ok_or_else(ApiError::not_found)?;
    if viewer.sees(app, generation.client_id).await? {
        Ok(generation.clone())
    } else {
        Err(ApiError::not_found())
    }
}
