//! A hosted passkey as a device of a client's: one for each client that the person enrolled with.
//!
//! The client may block or deregister it, which binds that client alone. The device says nothing of the person: only
//! the keyed hash of client and passkey leads from one to the other.

use mobid_domain::actor::Actor;
use mobid_domain::device::{
    BlockedBecause, Device, DeviceCommand, DeviceError, DeviceEvent, Holder, Registered, Status, Use,
};
use mobid_domain::fido::Reason;
use mobid_domain::id::{ClientId, DeviceId, PasskeyId, PersonId, RequestId, UserId};
use mobid_domain::person::{Passkey, Person};
use mobid_projections::projection::ApplyError;

use super::passkey::{Kept, NotTaken, Shower};
use super::{Occasion, Trouble, turns};
use crate::app::App;
use crate::event_store::{Claim, CommandContext, ExecuteError, Terms};
use crate::vault::{DataKey, Known, Place};
use crate::webauthn::Shown;

const CLAIM: &str = "enrolled_device";

/// A client, and who somebody is to it, with the key that seals what is theirs there.
#[derive(Debug, Clone, Copy)]
pub struct Member<'a> {
    pub client: ClientId,
    pub user: UserId,
    pub key: &'a DataKey,
}

impl Member<'_> {
    fn command(&self, occasion: &Occasion) -> CommandContext {
        occasion.by(self.client, Actor::Recipient(self.user))
    }
}

/// The device that a passkey is to a client, registered if it is none yet.
pub async fn find_or_register(
    app: &App,
    member: Member<'_>,
    (person, passkey, kept): (PersonId, &Passkey, &Kept),
    occasion: &Occasion,
) -> Result<DeviceId, NotTaken> {
    loop {
        let turns = turns::of(app, CLAIM, |turn| claim_key(app, member.client, passkey.id, turn)).await?;
        if let Some(id) = turns.last {
            match status(app, &id).await? {
                Some(Status::Active) => return Ok(id.parse().map_err(|_| unreadable())?),
                Some(Status::Blocked) => return Err(NotTaken::Bad(Reason::DeviceBlocked)),
                Some(Status::Deregistered) | None => {}
            }
        }
        let id = DeviceId(crate::ids::new_id());
        let text = id.to_string();
        let register = registered(member, &text, (passkey, kept), occasion)?;
        let key = claim_key(app, member.client, passkey.id, turns.next);
        let terms = Terms { new: true, claims: vec![Claim { kind: CLAIM, key }], ..Terms::default() };
        let command = DeviceCommand::Register(Box::new(register));
        match app.store.execute::<Device>(&text, command, &member.command(occasion), terms).await {
            Ok(_) => return still_there(app, member, (person, passkey.id), id, occasion).await,
            // Twice at once: the other one's is there now.
            Err(ExecuteError::Claimed(_)) => {}
            Err(error) => return Err(Trouble::Device(error).into()),
        }
    }
}

/// The device, unless its passkey was dropped meanwhile: whoever drops one deregisters what they find afterwards, and this
/// looks after registering, so that one of the two sees the other.
async fn still_there(
    app: &App,
    member: Member<'_>,
    (person, passkey): (PersonId, PasskeyId),
    id: DeviceId,
    occasion: &Occasion,
) -> Result<DeviceId, NotTaken> {
    let state = app.store.load::<Person>(&person.to_string()).await.map_err(Trouble::from)?.state;
    if state.record().is_some_and(|record| record.active_passkey(passkey).is_some()) {
        return Ok(id);
    }
    let (text, context) = (id.to_string(), member.command(occasion));
    let gone = app.store.execute::<Device>(&text, DeviceCommand::Deregister, &context, Terms::default());
    gone.await.map_err(Trouble::Device)?;
    Err(NotTaken::Bad(Reason::UnknownCredential))
}

fn registered(
    member: Member<'_>,
    id: &str,
    (passkey, kept): (&Passkey, &Kept),
    occasion: &Occasion,
) -> Result<Registered, Trouble> {
    let place = Place {
        tenant: member.client,
        aggregate_id: id,
        event_type: DeviceEvent::REGISTERED,
        field: "credential",
    };
    let credential = kept.credential.to_json()?;
    Ok(Registered {
        holder: Holder::Person { client_id: member.client, user_id: member.user },
        reference: None,
        credential: member.key.seal(&place, &credential)?,
        name: None,
        aaguid: (!kept.aaguid.is_nil()).then(|| kept.aaguid.to_string()),
        transports: kept.transports.clone(),
        backup_eligible: kept.backup_eligible,
        backed_up: passkey.backed_up,
        sign_count: passkey.counter,
        // Not when the passkey was added: that is the same wherever the person enrolled, and would tell two clients that
        // they have the same one.
        at: occasion.at,
    })
}

/// The device that a passkey is to a client, whatever became of it.
pub async fn find(app: &App, client: ClientId, passkey: PasskeyId) -> Result<Option<DeviceId>, Trouble> {
    let turns = turns::of(app, CLAIM, |turn| claim_key(app, client, passkey, turn)).await?;
    turns.last.map(|id| id.parse().map_err(|_| unreadable())).transpose()
}

/// A passkey is dropped: to every client that somebody enrolled with by it, its device goes with it.
pub async fn deregister_all(app: &App, passkey: PasskeyId, known: &[Known]) -> Result<(), Trouble> {
    for (client, _) in known {
        let Some(id) = find(app, *client, passkey).await? else { continue };
        let text = id.to_string();
        let device = app.store.load::<Device>(&text).await?.state;
        let Some(Holder::Person { user_id, .. }) = device.known().map(|known| known.holder) else { continue };
        // An occasion for each: by one that is the same, two clients could tell that they have the same person.
        let request_id = RequestId(crate::ids::new_id()).to_string();
        let occasion = Occasion { at: app.clock.now(), request_id, lang: "" };
        let context = occasion.by(*client, Actor::Recipient(user_id));
        let done = app.store.execute::<Device>(&text, DeviceCommand::Deregister, &context, Terms::default());
        done.await.map_err(Trouble::Device)?;
    }
    Ok(())
}

/// Records that a passkey answered for a client, and what for, unless the client does not let it: because it blocked or
/// deregistered the device that the passkey is to it, or because it blocked another device of the same person, and this
/// passkey is none to it. Whoever holds a blocked one could have added the other by it.
pub async fn admit(
    app: &App,
    member: Member<'_>,
    (device, shower): (Option<DeviceId>, &Shower),
    (occasion, what): (&Occasion, &str),
) -> Result<(), NotTaken> {
    match device {
        Some(device) => answered(app, member, device, &shower.shown, (occasion, what)).await,
        None if has_blocked_another(app, member.client, shower).await? => {
            Err(NotTaken::Bad(Reason::DeviceBlocked))
        }
        None => Ok(()),
    }
}

/// Whether a client blocked a device of somebody, be it one whose passkey was dropped since.
async fn has_blocked_another(app: &App, client: ClientId, shower: &Shower) -> Result<bool, Trouble> {
    let state = app.store.newest::<Person>(&shower.person.to_string()).await?.state;
    let passkeys = state.record().into_iter().flat_map(|record| &record.passkeys);
    for other in passkeys.filter(|other| other.id != shower.passkey.id) {
        if let Some(device) = find(app, client, other.id).await?
            && stays_blocked(app, &device.to_string()).await?
        {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether whoever blocked a device has not taken that back, though it was deregistered since. That its counter went back
/// was nobody's decision.
async fn stays_blocked(app: &App, id: &str) -> Result<bool, Trouble> {
    if status(app, id).await? == Some(Status::Active) {
        return Ok(false);
    }
    let mut blocked = false;
    for event in app.store.events::<Device>(id, 0).await? {
        match event.decode::<Device>().map_err(ApplyError::from)? {
            DeviceEvent::Blocked { because: BlockedBecause::Requested, .. } => blocked = true,
            DeviceEvent::Unblocked { .. } => blocked = false,
            DeviceEvent::Blocked { because: BlockedBecause::CounterRegressed, .. }
            | DeviceEvent::Registered(_)
            | DeviceEvent::Used { .. }
            | DeviceEvent::Deregistered { .. } => {}
        }
    }
    Ok(blocked)
}

/// The same of what is a device to the client.
pub async fn answered(
    app: &App,
    member: Member<'_>,
    device: DeviceId,
    shown: &Shown,
    (occasion, what): (&Occasion, &str),
) -> Result<(), NotTaken> {
    let used = DeviceCommand::Use(Use {
        sign_count: shown.sign_count,
        backup_eligible: shown.backup_eligible,
        backed_up: shown.backed_up,
        user_verified: shown.user_verified,
    });
    let (id, mut context) = (device.to_string(), member.command(occasion));
    // Where nothing came of what it answered for, somebody went away in between: it did answer.
    context.causation = Some(what.to_owned());
    match app.store.execute::<Device>(&id, used, &context, Terms::default()).await {
        Ok(used) if used.state.known().is_some_and(|known| known.status() == Status::Active) => Ok(()),
        Ok(_) => Err(NotTaken::Bad(Reason::CounterRegressed)),
        Err(ExecuteError::Refused(DeviceError::Blocked)) => Err(NotTaken::Bad(Reason::DeviceBlocked)),
        Err(ExecuteError::Refused(_)) => Err(NotTaken::Bad(Reason::UnknownCredential)),
        Err(error) => Err(Trouble::Device(error).into()),
    }
}

async fn status(app: &App, id: &str) -> Result<Option<Status>, Trouble> {
    let device = app.store.load::<Device>(id).await?.state;
    Ok(device.known().map(mobid_domain::device::Known::status))
}

fn claim_key(app: &App, client: ClientId, passkey: PasskeyId, turn: u32) -> Vec<u8> {
    let (client, passkey, turn) = (client.to_string(), passkey.to_string(), turn.to_be_bytes());
    let parts: [&[u8]; 3] = [client.as_bytes(), passkey.as_bytes(), &turn];
    app.vault.master().hmac("mobid/enrolled-device", &parts).to_vec()
}

fn unreadable() -> Trouble {
    crate::vault::SealError::Malformed.into()
}
