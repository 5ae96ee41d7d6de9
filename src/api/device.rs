//! `/v1/devices`.

pub mod block;
pub mod deregister;
pub mod described;
pub mod list;
pub mod retrieve;
pub mod unblock;

use mobid_domain::device::{Device, Known};
use mobid_domain::id::DeviceId;

use crate::app::App;
use crate::event_store::{Executed, Terms};
use crate::http::authentication::ApiClient;
use crate::http::envelope::{Answer, ApiResult, ok};
use crate::http::error::ApiError;
use crate::http::idempotency::Idempotency;
use crate::presentation::device::{body, holder};
use crate::vault::{DataKey, Subject};

/// The device, if it is there and this client's.
fn own<'a>(client: &ApiClient, device: &'a Device) -> Result<&'a Known, ApiError> {
    let known = device.known().filter(|known| holder(known).0 == client.id);
    known.ok_or_else(ApiError::not_found)
}

/// The key that opens what is sealed of a device.
async fn key_of(app: &App, device: &Known) -> Result<Option<DataKey>, ApiError> {
    let (client, user) = holder(device);
    Ok(app.vault.key(client, Subject::Person(user)).await?)
}

/// As it is now, or was.
async fn answer(app: &App, message: &str, id: &str, device: &Known, sequence: i64) -> ApiResult {
    let key = key_of(app, device).await?;
    Ok(ok(message, &body(id, device, key.as_ref())?)?.version(sequence))
}

/// What makes the answer to a command on a device, which may commit together with what the command does.
fn responder(
    message: &'static str,
    id: String,
    key: Option<DataKey>,
) -> impl Fn(&Device, i64) -> Result<Answer, ApiError> + Send + Sync {
    move |device, sequence| {
        let known = device.known().ok_or_else(ApiError::not_found)?;
        Ok(ok(message, &body(&id, known, key.as_ref())?)?.version(sequence))
    }
}

/// A POST on a device of this client's; what is asked for may be sealed under the key of the device's user.
async fn post(
    app: &App,
    client: &ApiClient,
    id: DeviceId,
    idempotency: &Idempotency,
    message: &'static str,
    command: impl FnOnce(&str, Option<&DataKey>) -> Result<mobid_domain::device::DeviceCommand, ApiError>,
) -> Result<(Executed<Device>, Answer), ApiError> {
    let id = id.to_string();
    let newest = app.store.newest::<Device>(&id).await?;
    let key = key_of(app, own(client, &newest.state)?).await?;
    let command = command(&id, key.as_ref())?;
    let respond = responder(message, id.clone(), key);
    let record = |device: &Device, sequence: i64| idempotency.record(|| respond(device, sequence));
    let terms = Terms { answer: Some(&record), ..Terms::default() };
    let executed = app.store.execute::<Device>(&id, command, &client.command(app), terms).await?;
    if executed.appended.is_some() {
        idempotency.recorded();
    }
    let answer = respond(&executed.state, executed.sequence)?;
    Ok((executed, answer))
}
