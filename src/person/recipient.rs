//! Whether somebody is whom a client addressed.
//!
//! A client addresses a handle, and knows whoever holds it by an id of its own. Once somebody else holds the handle,
//! what was addressed before is still the former holder's, and never the new one's.

use mobid_domain::handle::Handle;
use mobid_domain::id::{ClientId, PersonId, UserId};

use super::{Trouble, holder};
use crate::app::App;

/// Whom a client addressed: by this handle, and known to it as this user.
#[derive(Debug, Clone, Copy)]
pub struct Addressee<'a> {
    pub client: ClientId,
    pub handle: &'a Handle,
    pub user: UserId,
}

impl Addressee<'_> {
    /// Whether the handle still leads to whom was meant.
    pub async fn is_reached(&self, app: &App) -> Result<bool, Trouble> {
        Ok(app.vault.find_person(self.client, self.handle).await? == Some(self.user))
    }

    /// Whether it is this person. Only their own record is looked at, and never who holds the handle: whoever shows a
    /// passkey of their own to somebody else's request finds out nothing, by no answer and by no time that it takes.
    pub async fn is(&self, app: &App, person: PersonId) -> Result<bool, Trouble> {
        let (reached, was) =
            (self.is_reached(app).await?, app.vault.was(person, self.client, self.user).await?);
        let holds = holder::holds(app, person, self.handle).await?;
        Ok(if reached { holds } else { was })
    }

    /// Whether whoever holds the handle has a passkey: then a code is not enough for what is theirs.
    pub async fn has_passkey(&self, app: &App) -> Result<bool, Trouble> {
        Ok(holder::find(app, self.handle).await?.is_some_and(|holder| holder.has_passkey()))
    }
}
