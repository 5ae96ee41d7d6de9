//! What the pages count before they send or compare a code.

use std::net::IpAddr;

use chrono::{DateTime, Utc};
use mobid_domain::handle::Handle;
use mobid_domain::id::ClientId;

use super::error::PageError;
use super::resource::Resource;
use crate::app::App;
use crate::ephemeral::cap::{self, Subjects, Use};

/// Whose use of a code it is, on what.
#[derive(Debug, Clone, Copy)]
pub struct Counted<'a> {
    pub resource: Resource,
    pub handle: &'a Handle,
    pub client: ClientId,
    /// `None` where the connection does not tell.
    pub address: Option<IpAddr>,
    pub now: DateTime<Utc>,
}

/// Counts a use of codes; refuses one too many.
pub async fn check(app: &App, of: Use, counted: Counted<'_>) -> Result<(), PageError> {
    let Counted { resource, handle, client, address, now } = counted;
    let subjects = Subjects {
        resource: &resource.to_string(),
        handle: &handle.normalized(),
        address,
        client: &client.to_string(),
    };
    match cap::count(&app.pool, app.vault.master(), of, &subjects, now).await? {
        Some(capped) => Err(PageError::Capped { resource, now, until: capped.until }),
        None => Ok(()),
    }
}
