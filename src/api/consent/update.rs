//! `PUT` and `PATCH /v1/service/consents/{id}`: change the fields that are present.

use axum::extract::State;
use mobid_domain::consent::{Consent, ConsentCommand, ConsentEvent, Update};
use mobid_domain::id::ConsentId;
use mobid_projections::consent::query as consents;

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
use crate::http::router::Id;
use crate::http::version::IfMatch;
use crate::http::web_url::web_url;
use crate::vault::{Place, Subject};

pub async fn update(
    client: ApiClient,
    Id(id): Id<ConsentId>,
    State(app): State<App>,
    if_match: IfMatch,
    JsonObject(object): JsonObject,
) -> ApiResult {
    let found = consents::current(&app.pool, id).await?;
    let (_, session) = own(&client, found.as_ref())?;
    let mut fields = Fields::of(object);
    let purpose = fields.replace("purpose", values::purpose);
    let scope = fields.replace("scope", values::scope);
    let callback_url = fields.patch("callbackUrl", |value| web_url(value, "invalid_callback_url"));
    let minutes = fields.replace("expiresIn", |value| integer(value, "invalid_expires_in", 1, MAX_MINUTES));
    let metadata = fields.patch("metadata", values::metadata);
    fields.finish()?;

    let context = client.command(&app);
    let subject = Subject::Person(session.request.user_id);
    let key = app.vault.key(client.id, subject).await?;
    let key = key.ok_or_else(|| ApiError::conflict("The person's data was erased."))?;
    let id = id.to_string();
    let place = Place { tenant: client.id, aggregate_id: &id, event_type: ConsentEvent::UPDATED, field: "" };
    let update = Update {
        purpose,
        scope,
        callback_url: match callback_url {
            None => None,
            Some(None) => Some(None),
            Some(Some(url)) => Some(Some(key.seal(&place.field("callbackUrl"), url.as_bytes())?)),
        },
        metadata: match metadata {
            None => None,
            Some(metadata) => Some(seal_metadata(metadata.filter(|m| !m.is_empty()).as_ref(), &key, &place)?),
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
