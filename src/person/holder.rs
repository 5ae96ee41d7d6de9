//! Who holds a handle.
//!
//! A handle is held in turns, each of which is a claim: the keyed hash of the handle and the number of the turn. Whoever
//! takes the turn after the last one is the holder, until they release it; of two who try at once one gets it. The log
//! itself never says a handle, nor a hash of one.

use mobid_domain::handle::Handle;
use mobid_domain::id::{HoldingId, PersonId};
use mobid_domain::person::{Person, PersonCommand, PersonEvent, Record, ReleaseReason, TENANT};

use super::{Occasion, Trouble, turns};
use crate::app::App;
use crate::event_store::{Claim, ExecuteError, Terms};
use crate::vault::{Place, SealError, Subject};

const CLAIM: &str = "handle";

/// Somebody who holds a handle now.
#[derive(Debug, Clone)]
pub struct Holder {
    pub id: PersonId,
    pub record: Record,
}

impl Holder {
    pub fn has_passkey(&self) -> bool {
        self.record.active().next().is_some()
    }
}

/// Who holds a handle, as of now.
pub async fn find(app: &App, handle: &Handle) -> Result<Option<Holder>, Trouble> {
    Ok(turns(app, handle).await?.1)
}

/// Whether somebody holds a handle, as of now, by what their own record says.
pub async fn holds(app: &App, person: PersonId, handle: &Handle) -> Result<bool, Trouble> {
    let Some(holder) = holding(app, &person.to_string()).await? else { return Ok(false) };
    let held = held_by(app, person, &holder.record).await?;
    Ok(held.is_some_and(|held| held.normalized() == handle.normalized()))
}

/// The handle that somebody holds, as their own record has it; none if they hold none any more, or everything of theirs
/// was erased.
pub async fn held_by(app: &App, person: PersonId, record: &Record) -> Result<Option<Handle>, Trouble> {
    let key = app.vault.key(TENANT, Subject::Own(person)).await?;
    let Some(key) = key.filter(|_| record.holds_handle()) else { return Ok(None) };
    let held = key.open_text_in(TENANT, &person.to_string(), "handle", &record.holding.handle)?;
    Ok(Some(held.parse().map_err(|_| SealError::Malformed)?))
}

/// Who holds a handle that was just proved; somebody new if nobody does.
pub async fn find_or_make(app: &App, handle: &Handle, occasion: &Occasion) -> Result<Holder, Trouble> {
    loop {
        let (next, holder) = turns(app, handle).await?;
        if let Some(holder) = holder {
            return Ok(holder);
        }
        let id = PersonId(crate::ids::new_id());
        match take_turn(app, handle, id, next, occasion).await {
            // Somebody else took it meanwhile.
            Err(Trouble::Person(ExecuteError::Claimed(_))) => {}
            made => return made,
        }
    }
}

/// Lets whoever proved a handle begin anew, since they have none of its holder's passkeys: a new person, who is nobody
/// that any client knew. Answers `None` if there is nothing to leave behind.
pub async fn begin_anew(app: &App, handle: &Handle, occasion: &Occasion) -> Result<Option<Holder>, Trouble> {
    let (next, holder) = turns(app, handle).await?;
    let Some(former) = holder.filter(Holder::has_passkey) else { return Ok(None) };
    let id = PersonId(crate::ids::new_id());
    // In this order, whatever is lost between two steps: the new one never meets what was addressed to the former.
    app.vault.part(handle, former.id, &tenants(app).await?).await?;
    let command = PersonCommand::ReleaseHandle { reason: ReleaseReason::Recovered };
    let context = occasion.command(id);
    app.store.execute::<Person>(&former.id.to_string(), command, &context, Terms::default()).await?;
    // Who logged in meanwhile, as whom a client had never met, was still the former one.
    app.vault.part(handle, former.id, &tenants(app).await?).await?;
    tracing::info!(person = %former.id, "a handle was recovered by somebody without its passkeys");
    match take_turn(app, handle, id, next, occasion).await {
        Err(Trouble::Person(ExecuteError::Claimed(_))) => find_or_make(app, handle, occasion).await.map(Some),
        made => made.map(Some),
    }
}

async fn take_turn(
    app: &App,
    handle: &Handle,
    id: PersonId,
    turn: u32,
    occasion: &Occasion,
) -> Result<Holder, Trouble> {
    let (text, key) = (id.to_string(), app.vault.key_or_new(TENANT, Subject::Own(id)).await?);
    let place = Place {
        tenant: TENANT,
        aggregate_id: &text,
        event_type: PersonEvent::HANDLE_VERIFIED,
        field: "handle",
    };
    let command = PersonCommand::VerifyHandle {
        holding_id: HoldingId(crate::ids::new_id()),
        handle: key.seal(&place, handle.as_str().as_bytes())?,
    };
    let claims = vec![Claim { kind: CLAIM, key: claim_key(app, handle, turn) }];
    let terms = Terms { new: true, claims, ..Terms::default() };
    let made = app.store.execute::<Person>(&text, command, &occasion.command(id), terms).await?;
    let record = made.state.record().cloned();
    record.map(|record| Holder { id, record }).ok_or(Trouble::Person(ExecuteError::Contended))
}

/// The turn that nobody has had, and who holds the handle.
async fn turns(app: &App, handle: &Handle) -> Result<(u32, Option<Holder>), Trouble> {
    let turns = turns::of(app, CLAIM, |turn| claim_key(app, handle, turn)).await?;
    let holder = match turns.last {
        Some(id) => holding(app, &id).await?,
        None => None,
    };
    Ok((turns.next, holder))
}

/// The person, if they have not released the handle.
async fn holding(app: &App, id: &str) -> Result<Option<Holder>, Trouble> {
    let person = app.store.load::<Person>(id).await?.state;
    let id = id.parse().map_err(|_| SealError::Malformed)?;
    let record = person.record().filter(|record| record.holds_handle()).cloned();
    Ok(record.map(|record| Holder { id, record }))
}

fn claim_key(app: &App, handle: &Handle, turn: u32) -> Vec<u8> {
    let (handle, turn) = (handle.normalized(), turn.to_be_bytes());
    app.vault.master().hmac("mobid/handle-holder", &[handle.as_bytes(), &turn]).to_vec()
}

/// Every client that there is or was.
pub(super) async fn tenants(app: &App) -> Result<Vec<mobid_domain::id::ClientId>, Trouble> {
    let ids = mobid_projections::client::all(&app.pool).await?;
    Ok(ids.iter().filter_map(|id| id.parse().ok()).collect())
}
