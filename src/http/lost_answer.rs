//! The answer to a client's own `regenerate-key`, had again with the key that it replaced.
//!
//! Who loses that answer has lost its only key: the old one is dead (or in its grace, and shut out of the client routes),
//! the new one was shown once. So this one answer, and nothing else, can be had again with the old key.
//!
//! Why that gives nobody a key who should not have it: it takes the old key, the `Idempotency-Key`, the path and the
//! body of the request itself, for the record is sealed under the first two and found by all four; so what another key
//! asked for, the owner's among them, is never told. Who had the old key alone could have regenerated it before, and now
//! has to guess an `Idempotency-Key` with the shield counting. Who reads the client's requests sees the new key at its
//! first use in any case, and from its first use on this door is closed: then the answer has arrived. It also closes
//! ten minutes after the request, and with the next regeneration.

use axum::extract::Request;
use axum::http::request::Parts;
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use chrono::TimeDelta;
use mobid_domain::client::{Account, Status};

use super::authentication::{self, ApiKey, hex};
use super::error::ApiError;
use super::{body, idempotency};
use crate::app::App;
use crate::ephemeral::idempotency::{Found, StoredAnswer};

/// How long after the request.
const OPEN: TimeDelta = TimeDelta::minutes(10);

/// That answer, if this is that request again; else the error.
pub async fn or(app: &App, request: Request, error: ApiError) -> Response {
    if !matches!(error.status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
        return error.into_response();
    }
    match find(app, request).await {
        Ok(Some(answer)) => idempotency::replayed(answer),
        Ok(None) => error.into_response(),
        Err(failed) => failed.into_response(),
    }
}

async fn find(app: &App, request: Request) -> Result<Option<StoredAnswer>, ApiError> {
    let (parts, body) = request.into_parts();
    let (Some(old), Ok(Some(key))) = (presented(&parts), idempotency::key(&parts.headers)) else {
        return Ok(None);
    };
    let Some(account) = app.keys.once_of(&old).await? else { return Ok(None) };
    if account.status != Status::Active || !regenerates(&account, &parts) {
        return Ok(None);
    }
    let Ok(body) = body::read(body, app.config.body_arrival()).await else { return Ok(None) };
    let id = account.client_id;
    let asked = idempotency::identify(id, &old, &parts, &key, &body, app.clock.now()).within(OPEN);
    let Found::Same(answer) = app.idempotency.find(&asked).await? else { return Ok(None) };
    let key_id = account.key.key_id;
    let is_used = !app.keys.uses.last(&app.pool, [key_id]).await?.is_empty();
    Ok((tells_newest(&answer, &account) && !is_used).then_some(answer))
}

fn presented(parts: &Parts) -> Option<ApiKey> {
    ApiKey::parse(parts.headers.get(authentication::HEADER)?.to_str().ok()?)
}

fn regenerates(account: &Account, parts: &Parts) -> bool {
    parts.method == Method::POST
        && parts.uri.path() == format!("/clients/{}/regenerate-key", account.client_id)
}

fn tells_newest(answer: &StoredAnswer, account: &Account) -> bool {
    let told: Option<serde_json::Value> = serde_json::from_str(&answer.body).ok();
    let told = told.as_ref().and_then(|body| ApiKey::parse(body["data"]["apiKey"].as_str()?));
    told.is_some_and(|key| crate::secret::equal(hex(&key.hash()).as_bytes(), account.key.key_hash.as_bytes()))
}
