//! `GET /qr/{id}`: what a QR code says. Leads on; records nothing, since a link preview comes here too.
//!
//! The page takes along how somebody got there, and its first action records that.

use std::fmt;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::Redirect;
use mobid_domain::id::QrId;
use mobid_domain::qr::{Code, CodeCommand, CodeError, Target};

use super::error::PageError;
use super::resource::Resource;
use crate::app::App;
use crate::event_store::{CommandContext, ExecuteError, Terms};

/// The QR code by which somebody came: one that was generated, or one of the resource's own address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Via {
    Address,
    Code(QrId),
}

impl Via {
    pub fn parse(text: &str) -> Option<Self> {
        if text == "qr" { Some(Self::Address) } else { text.parse().ok().map(Self::Code) }
    }

    /// As the page's own address has it.
    pub fn of_query(query: Option<&str>) -> Option<Self> {
        query?.split('&').find_map(|pair| Self::parse(pair.strip_prefix("via=")?))
    }
}

impl fmt::Display for Via {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address => f.write_str("qr"),
            Self::Code(id) => id.fmt(f),
        }
    }
}

pub async fn follow(
    State(app): State<App>,
    path: Result<Path<String>, PathRejection>,
) -> Result<Redirect, PageError> {
    let Path(text) = path.map_err(|_| PageError::NotFound)?;
    let (target, via) = match text.parse::<QrId>() {
        Ok(id) => (target(&app, id).await?, Via::Code(id)),
        Err(_) => (text.parse::<Resource>()?, Via::Address),
    };
    match target {
        // Its page is the code's own.
        Resource::Login(code) => Ok(Redirect::to(&format!("/r/{code}"))),
        target => Ok(Redirect::to(&format!("/r/{target}?via={via}"))),
    }
}

/// Where a generated code leads, unless its time is over and nobody came by then.
async fn target(app: &App, id: QrId) -> Result<Resource, PageError> {
    let code = app.store.load::<Code>(&id.to_string()).await?.state;
    let generation = code.generation().ok_or(PageError::NotFound)?;
    if generation.scanned_at.is_none() && app.clock.now() >= generation.expires_at {
        return Err(PageError::CodeExpired);
    }
    match generation.target {
        Target::Consent(consent) => Ok(consent.into()),
        Target::Enrollment(enrollment) => Ok(enrollment.into()),
        Target::Login(_) => Ok(id.into()),
    }
}

/// Records that a generated code led to something. That it leads elsewhere, or that its time was over meanwhile, is no
/// reason to stop somebody who holds the other's own address by now. Anybody who has the code may have scanned it, so it
/// is not the recipient who is on record for it.
pub async fn record_scan(
    app: &App,
    id: QrId,
    led_to: Target,
    context: &CommandContext,
) -> Result<(), PageError> {
    let text = id.to_string();
    let code = app.store.load::<Code>(&text).await?.state;
    if !code.generation().is_some_and(|generation| generation.target == led_to) {
        return Ok(());
    }
    match app.store.execute::<Code>(&text, CodeCommand::Scan, context, Terms::default()).await {
        Ok(_) | Err(ExecuteError::Refused(CodeError::Expired)) => Ok(()),
        Err(error) => Err(PageError::internal(&error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_somebody_came_is_read_from_the_address_and_nothing_else_is() {
        let code = "qr_01kb0m2x9qe3r8s6t4v2w0y5zh";
        assert_eq!(Via::of_query(Some("via=qr")), Some(Via::Address));
        assert_eq!(Via::of_query(Some(&format!("a=b&via={code}"))).unwrap().to_string(), code);
        for query in [None, Some(""), Some("via="), Some("via=qr_"), Some("via=%71r"), Some("xvia=qr")] {
            assert_eq!(Via::of_query(query), None, "{query:?}");
        }
    }
}
