//! Everything that a person was ever asked for, over all clients.
//!
//! A client knows a person by an id of its own, and only the vault leads from the handle to these ids: so that is asked
//! first, of all clients there are, and then for consents of these ids alone. Whoever began anew has other ids, and meets
//! nothing of the former holder's; that one keeps what was theirs.

use mobid_domain::handle::Handle;
use mobid_domain::id::{PersonId, UserId};
use mobid_projections::consent::query::{self as consents, PageKey};

use super::Trouble;
use super::holder::tenants;
use crate::app::App;
use crate::vault::Known;

/// As whom clients know a person: by the handle that they hold, if they do, and by those that they held.
pub async fn known_as(app: &App, person: PersonId, holding: Option<&Handle>) -> Result<Vec<Known>, Trouble> {
    let mut known = app.vault.formerly_known_by(person).await?;
    if let Some(handle) = holding {
        known.extend(app.vault.known_by(&tenants(app).await?, handle).await?);
    }
    Ok(known)
}

/// The ids alone.
pub fn users(known: &[Known]) -> Vec<UserId> {
    known.iter().map(|(_, user)| *user).collect()
}

/// A page of what was addressed to them, newest first.
pub async fn page(
    app: &App,
    known: &[Known],
    after: Option<&PageKey>,
    limit: i64,
) -> Result<Vec<PageKey>, Trouble> {
    Ok(consents::of_users(&app.pool, known, after, limit).await?)
}

/// Whether anybody here has to do with a handle: it is held, or a client addressed it.
pub async fn is_known(app: &App, handle: &Handle) -> Result<bool, Trouble> {
    let held = super::holder::find(app, handle).await?.is_some();
    Ok(held || !app.vault.known_by(&tenants(app).await?, handle).await?.is_empty())
}
