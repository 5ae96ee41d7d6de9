//! A login by QR code: what the passkey signs for it, who its holder is to the client, and what came of it.
//!
//! Promises: of a code there comes one login or none, decided by a claim in the log that whoever declines takes as well, and
//! whoever enters the last wrong number; what the passkey signed is kept with the login; the client learns of nobody but by the id that it knows, or will know, the person by anyway. Leaves to others: that
//! the right number was entered, and in this browser (pages).

use chrono::{DateTime, Utc};
use mobid_domain::actor::Actor;
use mobid_domain::event::canonical_text;
use mobid_domain::fido::{
    Failed, HOSTED_PAGE, Login, LoginCommand, LoginError, LoginEvent, Reason, Succeeded,
};
use mobid_domain::id::{ClientId, DeviceId, LoginId, PersonId, QrId, UserId};
use mobid_domain::person::{Person, Record, TENANT};
use mobid_domain::proof::Proof;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::decision::{challenge, sealed, seconds};
use super::device::{self, Member};
use super::passkey::{self, NotTaken, Shower};
use super::{Occasion, Trouble};
use crate::app::App;
use crate::event_store::{Claim, ExecuteError, Terms};
use crate::vault::{DataKey, Place, SealError, Subject};
use crate::webauthn::{Assertion, Authentication};

/// What tells the challenge of a login from any other.
pub const DOMAIN: &str = "mobid/qr-login/v1";
/// Of a code's end, which there is but one of.
const END: &str = "qr_login_end";

/// Who logs in where, by which code, as it was shown to them.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Text<'a> {
    pub action: &'static str,
    pub code: QrId,
    pub login: LoginId,
    pub client_id: ClientId,
    pub client_name: &'a str,
    pub matching_number: &'a str,
    #[serde(serialize_with = "seconds")]
    pub expires_at: DateTime<Utc>,
}

/// A passkey that was asked for.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Asked {
    text: String,
    nonce: [u8; 32],
    authentication: Authentication,
}

/// The login that may come of a code.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    pub code: QrId,
    pub login: LoginId,
    pub client: ClientId,
    /// When the code ends.
    pub until: DateTime<Utc>,
    pub occasion: &'a Occasion,
}

/// Why none came.
#[derive(Debug, thiserror::Error)]
pub enum NotDone {
    #[error("{0}")]
    Bad(Reason),
    /// There was one already, or somebody declined.
    #[error("the code has ended")]
    Over,
    #[error(transparent)]
    Trouble(#[from] Trouble),
}

/// What is known of an attempt so far.
#[derive(Default)]
struct Attempt {
    user: Option<UserId>,
    device: Option<DeviceId>,
}

impl Asked {
    /// Whether what was shown then is what stands there now.
    pub fn is_for(&self, text: &Text<'_>) -> Result<bool, Trouble> {
        Ok(canonical_text(text)? == self.text)
    }
}

/// What ends a code's login, one way or the other.
pub fn end(code: QrId) -> Claim {
    Claim { kind: END, key: code.0.as_bytes().to_vec() }
}

/// The options for whoever is at the device, and what is to be kept until they answer.
pub fn begin(app: &App, text: &Text<'_>) -> Result<(Value, Asked), Trouble> {
    let (text, nonce) = (canonical_text(text)?, crate::secret::random());
    let challenge = challenge(DOMAIN, &nonce, &text);
    let (options, authentication) = passkey::begin_showing(app, Some(challenge))?;
    Ok((options, Asked { text, nonce, authentication }))
}

/// Logs in whoever's passkey answered; else records why not.
pub async fn finish(
    app: &App,
    wanted: Wanted<'_>,
    asked: &Asked,
    answer: &Assertion,
) -> Result<UserId, NotDone> {
    let mut attempt = Attempt::default();
    match verify(app, wanted, asked, answer, &mut attempt).await {
        Ok((user, key, shower)) => {
            let login = wanted.login.to_string();
            let (tenant, event_type) = (wanted.client, LoginEvent::PROVED);
            let place = Place { tenant, aggregate_id: &login, event_type, field: "" };
            let proof = sealed((&asked.text, &asked.nonce), answer, &shower.kept, (place, &key))?;
            succeed(app, wanted, (user, attempt.device), shower.shown.user_verified, proof).await?;
            Ok(user)
        }
        Err(NotTaken::Bad(reason)) => Err(record(app, wanted, attempt, reason).await?),
        Err(NotTaken::PasskeyNeeded) => Err(record(app, wanted, attempt, Reason::UnknownCredential).await?),
        Err(NotTaken::Trouble(trouble)) => Err(trouble.into()),
    }
}

/// Records an attempt that failed before anybody looked at what the passkey answered.
pub async fn failed(app: &App, wanted: Wanted<'_>, reason: Reason) -> Result<(), Trouble> {
    record(app, wanted, Attempt::default(), reason).await.map(drop)
}

/// Who it is to the client, and what they showed.
async fn verify(
    app: &App,
    wanted: Wanted<'_>,
    asked: &Asked,
    answer: &Assertion,
    attempt: &mut Attempt,
) -> Result<(UserId, DataKey, Shower), NotTaken> {
    let shower = passkey::finish_showing(app, &asked.authentication, answer, wanted.occasion).await?;
    let (user, key) = known_as(app, wanted.client, &shower).await?;
    attempt.user = Some(user);
    // To a client that the person enrolled with it is a device, which the client may have blocked.
    attempt.device = device::find(app, wanted.client, shower.passkey.id).await?;
    let (member, login) = (Member { client: wanted.client, user, key: &key }, wanted.login.to_string());
    device::admit(app, member, (attempt.device, &shower), (wanted.occasion, &login)).await?;
    Ok((user, key, shower))
}

/// Who somebody is to a client: whom it addresses by their handle, whether or not it ever did; or, once the handle leads
/// to somebody else, whoever they were to it before.
async fn known_as(app: &App, client: ClientId, shower: &Shower) -> Result<(UserId, DataKey), NotTaken> {
    let person = shower.person;
    if let Some(known) = by_handle(app, client, person).await? {
        return Ok(known);
    }
    let user = app.vault.former(person, client).await.map_err(Trouble::from)?;
    let user = user.ok_or(NotTaken::Bad(Reason::UnknownCredential))?;
    let key = app.vault.key(client, Subject::Person(user)).await.map_err(Trouble::from)?;
    Ok((user, key.ok_or(SealError::KeyGone).map_err(Trouble::from)?))
}

/// The same by the handle alone, if it is theirs before and after the look: while it is being taken from them (see
/// `holder::begin_anew`) it leads to nobody that they were.
async fn by_handle(
    app: &App,
    client: ClientId,
    person: PersonId,
) -> Result<Option<(UserId, DataKey)>, Trouble> {
    let id = person.to_string();
    let state = app.store.load::<Person>(&id).await?.state;
    let Some(record) = state.record().filter(|record| record.holds_handle()) else { return Ok(None) };
    let own = app.vault.key(TENANT, Subject::Own(person)).await?.ok_or(SealError::KeyGone)?;
    let handle = own.open_text_in(TENANT, &id, "handle", &record.holding.handle)?;
    let handle = handle.parse().map_err(|_| SealError::Malformed)?;
    let known = app.vault.person_now(client, &handle).await?;
    let still = app.store.load::<Person>(&id).await?.state;
    let still = still.record().is_some_and(Record::holds_handle);
    let parted = app.vault.former(person, client).await?.is_some();
    Ok((still && !parted).then_some(known))
}

/// Takes what ends the code, unless it has ended. What was recorded of the passkey took a while, so the time is asked
/// again: a login is in time when it is appended, and not when somebody asked for it.
async fn succeed(
    app: &App,
    wanted: Wanted<'_>,
    (user_id, device_id): (UserId, Option<DeviceId>),
    user_verified: bool,
    proof: Proof,
) -> Result<(), NotDone> {
    let Wanted { code, login, client, until, .. } = wanted;
    let occasion = Occasion { at: app.clock.now(), ..wanted.occasion.clone() };
    let mut context = occasion.by(client, Actor::Recipient(user_id));
    context.causation = Some(code.to_string());
    let succeeded =
        Succeeded { client_id: client, user_id, reference: None, device_id, user_verified, at: occasion.at };
    let command = LoginCommand::Prove { proof: Box::new(proof), succeeded: Box::new(succeeded), until };
    let terms = Terms { new: true, claims: vec![end(code)], ..Terms::default() };
    match app.store.execute::<Login>(&login.to_string(), command, &context, terms).await {
        Ok(done) => {
            let position = done.appended.map(|appended| appended.position);
            tracing::info!(%login, qr = %code, position, "somebody logged in by QR code");
            Ok(())
        }
        Err(
            ExecuteError::Claimed(_) | ExecuteError::Refused(LoginError::AlreadyOver | LoginError::TooLate),
        ) => Err(NotDone::Over),
        Err(error) => Err(Trouble::Login(error).into()),
    }
}

/// Records what went wrong, as an attempt of its own: the code is good for another one.
async fn record(app: &App, wanted: Wanted<'_>, attempt: Attempt, reason: Reason) -> Result<NotDone, Trouble> {
    let Wanted { code, client, occasion, .. } = wanted;
    let id = LoginId(crate::ids::new_id()).to_string();
    let mut context = occasion.by(client, Actor::System(HOSTED_PAGE));
    context.causation = Some(code.to_string());
    let failed = Failed {
        client_id: client,
        user_id: attempt.user,
        reference: None,
        device_id: attempt.device,
        reason,
        at: occasion.at,
    };
    let terms = Terms { new: true, ..Terms::default() };
    let command = LoginCommand::Fail(Box::new(failed));
    app.store.execute::<Login>(&id, command, &context, terms).await.map_err(Trouble::Login)?;
    tracing::info!(login = id, qr = %code, reason = reason.as_str(), "a login by QR code failed");
    Ok(NotDone::Bad(reason))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As Python has it: `sha256(b"mobid/qr-login/v1" + b"\0" + b"\x07" * 32 + sha256(b"{}").digest())`.
    #[test]
    fn the_challenge_is_what_an_independent_program_computes() {
        let expected = "1641c13ae85988c427ee836766c964879c6df0fb66fb695226c837674d348398";
        assert_eq!(crate::hex::hex(&challenge(DOMAIN, &[7; 32], "{}")), expected);
    }

    #[test]
    fn what_is_signed_says_who_logs_in_where_by_which_code_and_number_and_until_when() {
        let text = Text {
            action: "login",
            code: QrId(uuid::Uuid::nil()),
            login: LoginId(uuid::Uuid::nil()),
            client_id: TENANT,
            client_name: "Example Bank",
            matching_number: "042",
            expires_at: DateTime::UNIX_EPOCH,
        };
        assert_eq!(
            canonical_text(&text).unwrap(),
            r#"{"action":"login","clientId":"cl_00000000000000000000000000","clientName":"Example Bank","code":"qr_00000000000000000000000000","expiresAt":"1970-01-01T00:00:00Z","login":"lgn_00000000000000000000000000","matchingNumber":"042"}"#
        );
    }
}
