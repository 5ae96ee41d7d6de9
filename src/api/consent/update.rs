//! `PUT` and `PATCH /v1/service/consents/{id}`: change the fields that are present.

use std::collections::BTreeMap;

use axum::extract::State;
use mobid_domain::consent::{Consent, ConsentCommand, ConsentEvent, Update};
use mobid_domain::id::ConsentId;
use mobid_domain::sealed::SealedIn;

use super::create::{MAX_MINUTES, deadline, seal_metadata};
use super::retrieve::own;
use super::{present, values};
use crate::app::App;
use crate::event_store::Terms;
use crate::http::authentication::ApiClient;
use crate::http::body::JsonObject;
use crate::http::envelope::ApiResult;
use crate::http::error::ApiError;
use crate::http::fields::{Fields, integer};
use crate::http::query::Query;
use crate::http::router::Id;
use crate::http::version::IfMatch;
use crate::http::web_url::callback_url;
use crate::presentation::consent::Opener;
use crate::vault::{Place, SealError, Subject};

pub async fn update(
    client: ApiClient,
    Id(id): Id<ConsentId>,
    State(app): State<App>,
    if_match: IfMatch,
    query: Query,
    JsonObject(object): JsonObject,
) -> ApiResult {
    query.finish()?;
    let found = app.current.consent(id).await?;
    let (_, session) = own(&client, found.as_ref())?;
    let mut fields = Fields::of(object);
    let purpose = fields.replace("purpose", values::purpose);
    let scope = fields.replace("scope", values::scope);
    let callback_url =
        fields.patch("callbackUrl", |value| callback_url(value, &client.account.callback_hosts));
    let minutes = fields.replace("expiresIn", |value| integer(value, "invalid_expires_in", 1, MAX_MINUTES));
    let metadata = fields.patch("metadata", values::metadata);
    fields.finish()?;

    let context = client.command(&app);
    let subject = Subject::Person(session.request.user_id);
    let key = app.vault.key(client.id, subject).await?;
    let key = key.ok_or_else(|| ApiError::conflict("The person's data was erased."))?;
    let id = id.to_string();
    let place = Place { tenant: client.id, aggregate_id: &id, event_type: ConsentEvent::UPDATED, field: "" };
    // Sealed values cannot be compared by the rules. One that says what was there when it was read changes nothing,
    // also if somebody changes it meanwhile: then this came first.
    let opener = Opener { tenant: client.id, consent_id: &id, key: Some(&key) };
    let callback_changes = changes(callback_url.as_ref(), session.request.callback_url.as_ref(), |sealed| {
        Ok(opener.text("callbackUrl", sealed)?.as_str().map(str::to_owned))
    })?;
    let metadata = metadata.map(|metadata| metadata.filter(|metadata| !metadata.is_empty()));
    let metadata_changes = changes(metadata.as_ref(), session.request.metadata.as_ref(), |sealed| {
        Ok(serde_json::from_value(opener.json::<BTreeMap<String, String>>("metadata", sealed)?).ok())
    })?;
    let update = Update {
        purpose,
        scope,
        callback_url: match callback_url.filter(|_| callback_changes) {
            None => None,
            Some(None) => Some(None),
            Some(Some(url)) => Some(Some(key.seal(&place.field("callbackUrl"), url.as_bytes())?)),
        },
        metadata: match metadata.filter(|_| metadata_changes) {
            None => None,
            Some(metadata) => Some(seal_metadata(metadata.as_ref(), &key, &place)?),
        },
        expires_at: minutes.map(|minutes| deadline(context.at, minutes)),
    };
    let holds = |sequence| if_match.holds(sequence);
    let terms = Terms { precondition: Some(&holds), ..Terms::default() };
    let command = ConsentCommand::Update(Box::new(update));
    let executed = app.store.execute::<Consent>(&id, command, &context, terms).await?;
    let session = executed.state.session().ok_or_else(ApiError::not_found)?;
    present::answer(&app, "Consent session updated", &id, session, executed.sequence, context.at).await
}

/// Whether a patch says otherwise than what is sealed there.
fn changes<T: PartialEq>(
    patch: Option<&Option<T>>,
    sealed: Option<&SealedIn>,
    open: impl FnOnce(&SealedIn) -> Result<Option<T>, SealError>,
) -> Result<bool, SealError> {
    let Some(patch) = patch else { return Ok(false) };
    let known = sealed.map(open).transpose()?.flatten();
    Ok(*patch != known)
}
