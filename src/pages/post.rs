//! A form that this browser got from us: whatever else arrives is refused before anything is looked at.
//!
//! Three checks, each enough on its own: where the browser says the form came from (`Origin`, `Sec-Fetch-Site`), the
//! cookie, which a strange site cannot make a browser send (`SameSite=Strict`), and the form's token.

use std::net::IpAddr;

use axum::extract::{FromRequest, Path, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};

use super::browser::BrowserSession;
use super::error::{PageError, Way};
use super::form::Form;
use crate::app::App;
use crate::http::address;

/// What was posted, by whom, about what.
pub struct Posted {
    /// As it stood in the path; may name nothing.
    pub resource: String,
    pub browser: BrowserSession,
    /// `None` where the connection does not tell.
    pub address: Option<IpAddr>,
    pub form: Form,
}

impl FromRequest<App> for Posted {
    type Rejection = PageError;
    async fn from_request(request: Request, app: &App) -> Result<Self, PageError> {
        let (mut parts, body) = request.into_parts();
        let resource = resource(&mut parts).await?;
        if !from_here(&parts.headers, &app.config.public_origin()) {
            return Err(PageError::CrossSite);
        }
        if !is_form(&parts.headers) {
            return Err(PageError::Form(super::form::FormError::Malformed));
        }
        let form = Form::read(body, app.config.body_arrival()).await?;
        // What is named there may be nothing: the way back says so then.
        let void = || PageError::FormVoid(resource.parse().map_or(Way::Nowhere, Way::To));
        let browser = BrowserSession::of(&parts.headers).ok_or_else(void)?;
        let expected = browser.csrf(app.vault.master(), &resource);
        if !crate::secret::equal(form.one("csrf")?.as_bytes(), expected.as_bytes()) {
            return Err(void());
        }
        let address = address::of(&parts.headers, &parts.extensions, &app.config.trusted_proxies);
        Ok(Self { resource, browser, address, form })
    }
}

async fn resource(parts: &mut Parts) -> Result<String, PageError> {
    use axum::extract::FromRequestParts;
    let path = Path::<String>::from_request_parts(parts, &()).await;
    path.map(|Path(text)| text).map_err(|_| PageError::NotFound)
}

/// What a browser says about where a request came from, it says truly; one that says nothing has the cookie and the
/// form's token to pass.
pub(super) fn from_here(headers: &HeaderMap, public_origin: &str) -> bool {
    let all = |name| headers.get_all(name).iter().map(|value| value.to_str().unwrap_or_default());
    all(header::ORIGIN).all(|origin| origin == public_origin)
        && all(header::HeaderName::from_static("sec-fetch-site"))
            .all(|site| matches!(site, "same-origin" | "none"))
}

pub(super) fn is_form(headers: &HeaderMap) -> bool {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = content_type.and_then(|text| text.split(';').next()).unwrap_or_default();
    essence.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        lines
            .iter()
            .map(|(name, value)| (header::HeaderName::from_static(name), value.parse().unwrap()))
            .collect()
    }

    #[test]
    fn only_our_own_pages_may_send_a_form() {
        let ours = "https://id.example";
        for good in [
            headers(&[]),
            headers(&[("origin", ours)]),
            headers(&[("origin", ours), ("sec-fetch-site", "same-origin")]),
            headers(&[("sec-fetch-site", "none")]),
        ] {
            assert!(from_here(&good, ours), "{good:?}");
        }
        for bad in [
            headers(&[("origin", "https://evil.example")]),
            headers(&[("origin", "null")]),
            headers(&[("origin", "http://id.example")]),
            headers(&[("origin", "https://id.example.evil.example")]),
            headers(&[("sec-fetch-site", "cross-site")]),
            headers(&[("sec-fetch-site", "same-site")]),
            headers(&[("origin", ours), ("sec-fetch-site", "cross-site")]),
        ] {
            assert!(!from_here(&bad, ours), "{bad:?}");
        }
    }
}
