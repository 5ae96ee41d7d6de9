//! Hosted passkeys: adding one to a person, and finding out whose was shown.
//!
//! They live under the host of the public URL, and are found by a claim of their own: a passkey that a client's own
//! page registered is not among them, and the other way round.

pub mod product;

use mobid_domain::fido::Reason;
use mobid_domain::handle::Handle;
use mobid_domain::id::{PasskeyId, PersonId};
use mobid_domain::person::{
    DropReason, Passkey, Person, PersonCommand, PersonError, PersonEvent, Record, TENANT,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::holder::{self, Holder};
use super::told::{self, News};
use super::{Occasion, Trouble, consents, device};
use crate::app::App;
use crate::ephemeral::proof;
use crate::event_store::{Claim, ExecuteError, Terms};
use crate::vault::{DataKey, Known, Place, SealError, Subject};
use crate::webauthn::{
    self, Assertion, Attestation, Authentication, Credential, NewUser, Registration, RelyingParty, Shown,
};

const CLAIM: &str = "hosted_passkey";
/// What hashes of hosted credentials and handles of their users belong to.
const SCOPE: &str = "hosted";
/// Whom an authenticator says that its passkeys are for.
const NAME: &str = "mobid";

/// What is kept of a passkey, sealed.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Kept {
    pub credential: Credential,
    pub aaguid: Uuid,
    pub transports: Vec<String>,
    pub backup_eligible: bool,
}

/// A passkey that answered, and whose it is.
#[derive(Debug, Clone)]
pub struct Shower {
    pub person: PersonId,
    pub passkey: Passkey,
    pub kept: Kept,
    pub shown: Shown,
}

/// Why a passkey was not taken.
#[derive(Debug, thiserror::Error)]
pub enum NotTaken {
    #[error("{0}")]
    Bad(Reason),
    #[error("the person has a passkey already")]
    PasskeyNeeded,
    #[error(transparent)]
    Trouble(#[from] Trouble),
}

impl From<Reason> for NotTaken {
    fn from(reason: Reason) -> Self {
        Self::Bad(reason)
    }
}

/// That of the hosted pages.
pub fn relying_party(app: &App) -> Result<RelyingParty, Trouble> {
    Ok(RelyingParty::hosted(&app.config, NAME)?)
}

/// The options for a new passkey, and what is to be kept until it comes. A device that has one of those that are excluded
/// makes none.
pub fn begin_adding(
    app: &App,
    holder: &Holder,
    handle: &Handle,
    exclude: Vec<Vec<u8>>,
) -> Result<(Value, Registration), Trouble> {
    let user = NewUser {
        handle: webauthn::user_handle(app.vault.master(), SCOPE, &holder.id.to_string()),
        name: handle.as_str(),
        display_name: handle.as_str(),
    };
    let (mut options, registration) = relying_party(app)?.begin_registration(user, exclude, None)?;
    // A page asks for a passkey before it knows whose it would be, so the authenticator has to find it by itself.
    options["authenticatorSelection"]["residentKey"] = json!("required");
    options["authenticatorSelection"]["requireResidentKey"] = json!(true);
    Ok((options, registration))
}

/// Adds a passkey to a person; `with` is the one that was used for it, which whoever has one needs.
pub async fn add(
    app: &App,
    holder: &Holder,
    (registration, answer): (Registration, &Attestation),
    with: Option<PasskeyId>,
    occasion: &Occasion,
) -> Result<Passkey, NotTaken> {
    let registered = relying_party(app)?.finish_registration(registration, answer)?;
    let passkey_id = PasskeyId(crate::ids::new_id());
    let claims = vec![Claim { kind: CLAIM, key: claim_key(app, &registered.credential.id) }];
    let kept = Kept {
        credential: registered.credential,
        aaguid: registered.aaguid,
        transports: registered.transports,
        backup_eligible: registered.backup_eligible,
    };
    let id = holder.id.to_string();
    let json = serde_json::to_vec(&kept).map_err(Trouble::from)?;
    let sealed = own_key(app, holder.id).await?.seal(&place(&id), &json).map_err(Trouble::from)?;
    let command = PersonCommand::AddPasskey {
        passkey_id,
        credential: sealed,
        counter: registered.sign_count,
        backed_up: registered.backed_up,
        with,
    };
    let terms = Terms { claims, ..Terms::default() };
    let added = app.store.execute::<Person>(&id, command, &occasion.command(holder.id), terms).await;
    match added {
        Ok(added) => {
            if let Some(record) = added.state.record() {
                told::tell(app, holder.id, record, News::Added, occasion);
            }
            let added = added.state.record().and_then(|record| record.active_passkey(passkey_id)).cloned();
            added.ok_or(NotTaken::Trouble(Trouble::Person(ExecuteError::Contended)))
        }
        Err(ExecuteError::Refused(PersonError::PasskeyNeeded)) => Err(NotTaken::PasskeyNeeded),
        // It is somebody's already.
        Err(ExecuteError::Claimed(_)) => Err(NotTaken::Bad(Reason::UnknownCredential)),
        Err(error) => Err(NotTaken::Trouble(error.into())),
    }
}

/// The options for being shown a passkey, whosever it is: they say nothing of anybody.
pub fn begin_showing(
    app: &App,
    challenge: Option<webauthn::Challenge>,
) -> Result<(Value, Authentication), Trouble> {
    Ok(relying_party(app)?.begin_authentication(&[], challenge))
}

/// Whose passkey answered, and that it did so for what was asked. Recorded, and its counter with it.
pub async fn finish_showing(
    app: &App,
    authentication: &Authentication,
    answer: &Assertion,
    occasion: &Occasion,
) -> Result<Shower, NotTaken> {
    let person = owner(app, answer).await?.ok_or(NotTaken::Bad(Reason::UnknownCredential))?;
    let id = person.to_string();
    let state = app.store.load::<Person>(&id).await.map_err(Trouble::from)?.state;
    let key = own_key(app, person).await?;
    let active = state.record().into_iter().flat_map(Record::active);
    let (passkey, kept) = active
        .filter_map(|passkey| Some((passkey.clone(), open(&key, &id, passkey).ok()?)))
        .find(|(_, kept)| kept.credential.id == answer.credential_id())
        .ok_or(NotTaken::Bad(Reason::UnknownCredential))?;
    let eligible = kept.backup_eligible;
    let shown =
        relying_party(app)?.finish_authentication(authentication, answer, &kept.credential, eligible)?;
    let (passkey_id, counter, backed_up) = (passkey.id, shown.sign_count, shown.backed_up);
    let command = PersonCommand::UsePasskey { passkey_id, counter, backed_up };
    let used = app.store.execute::<Person>(&id, command, &occasion.command(person), Terms::default()).await;
    let used = match used {
        Ok(used) => used,
        Err(ExecuteError::Refused(PersonError::NoPasskey)) => {
            return Err(NotTaken::Bad(Reason::UnknownCredential));
        }
        Err(error) => return Err(NotTaken::Trouble(error.into())),
    };
    let Some(record) = used.state.record() else {
        return Err(NotTaken::Bad(Reason::UnknownCredential));
    };
    if record.active_passkey(passkey_id).is_none() {
        told::tell(app, person, record, News::Copied, occasion);
        tracing::warn!(%person, passkey = %passkey_id, "a passkey's counter did not go on, so it was dropped");
        let known = deregister_everywhere(app, person, passkey_id).await?;
        let users = consents::users(&known);
        proof::end_all_by_passkey(&app.pool, &users).await.map_err(Trouble::from)?;
        return Err(NotTaken::Bad(Reason::CounterRegressed));
    }
    Ok(Shower { person, passkey, kept, shown })
}

/// Drops a passkey for good: to clients first, so that whatever is lost in between, the person still sees it and can
/// drop it again. And once more afterwards, since they may have enrolled with it meanwhile; who went away before that is
/// stood in for (`workers::dropped_passkeys`).
pub async fn drop(
    app: &App,
    person: PersonId,
    passkey_id: PasskeyId,
    occasion: &Occasion,
) -> Result<(), Trouble> {
    deregister_everywhere(app, person, passkey_id).await?;
    let command = PersonCommand::DropPasskey { passkey_id, reason: DropReason::Removed };
    let (id, context) = (person.to_string(), occasion.command(person));
    let dropped = app.store.execute::<Person>(&id, command, &context, Terms::default()).await?;
    if let Some(record) = dropped.state.record().filter(|_| dropped.appended.is_some()) {
        told::tell(app, person, record, News::Removed, occasion);
    }
    let known = deregister_everywhere(app, person, passkey_id).await?;
    proof::end_all(&app.pool, &consents::users(&known)).await?;
    tracing::info!(%person, passkey = %passkey_id, "a person dropped a passkey");
    Ok(())
}

/// Deregisters what a passkey is to clients; answers as whom they know its person.
pub async fn deregister_everywhere(
    app: &App,
    person: PersonId,
    passkey_id: PasskeyId,
) -> Result<Vec<Known>, Trouble> {
    let state = app.store.load::<Person>(&person.to_string()).await?.state;
    let handle = match state.record() {
        Some(record) => holder::held_by(app, person, record).await?,
        None => None,
    };
    let known = consents::known_as(app, person, handle.as_ref()).await?;
    device::deregister_all(app, passkey_id, &known).await?;
    Ok(known)
}

/// Whose passkey it says it is; it must not say that it is somebody else's.
async fn owner(app: &App, answer: &Assertion) -> Result<Option<PersonId>, Trouble> {
    let owner = app.store.holder_of(CLAIM, &claim_key(app, answer.credential_id())).await?;
    let person: Option<PersonId> = owner.and_then(|id| id.parse().ok());
    Ok(person.filter(|person| {
        let handle = webauthn::user_handle(app.vault.master(), SCOPE, &person.to_string());
        answer.user_handle().is_none_or(|shown| shown == handle.as_bytes())
    }))
}

/// A passkey of a person, as it was added.
pub async fn kept(app: &App, person: PersonId, passkey: &Passkey) -> Result<Kept, Trouble> {
    Ok(open(&own_key(app, person).await?, &person.to_string(), passkey)?)
}

/// The same with the key at hand.
pub fn open(key: &DataKey, person: &str, passkey: &Passkey) -> Result<Kept, SealError> {
    let json = key.open_in(TENANT, person, "credential", &passkey.credential)?;
    serde_json::from_slice(&json).map_err(|_| SealError::Malformed)
}

async fn own_key(app: &App, person: PersonId) -> Result<DataKey, Trouble> {
    let key = app.vault.key(TENANT, Subject::Own(person)).await?;
    Ok(key.ok_or(SealError::KeyGone)?)
}

fn place(person: &str) -> Place<'_> {
    let event_type = PersonEvent::PASSKEY_ADDED;
    Place { tenant: TENANT, aggregate_id: person, event_type, field: "credential" }
}

fn claim_key(app: &App, credential_id: &[u8]) -> Vec<u8> {
    webauthn::credential_hash(app.vault.master(), SCOPE, credential_id).to_vec()
}
