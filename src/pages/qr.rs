//! `GET /qr/{id}`: what a QR code says. Leads on; records nothing, since a link preview comes here too.

use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use axum::response::Redirect;

use super::error::PageError;
use super::resource::Resource;

pub async fn follow(path: Result<Path<String>, PathRejection>) -> Result<Redirect, PageError> {
    let Path(id) = path.map_err(|_| PageError::NotFound)?;
    let id: Resource = id.parse()?;
    Ok(Redirect::to(&format!("/r/{id}?via=qr")))
}
