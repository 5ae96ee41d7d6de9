//! `GET /docs`: the document in a browser. Swagger UI, bundled; nothing is loaded from elsewhere, no script is inline.

use std::sync::{Arc, LazyLock};

use axum::Router;
use axum::extract::Path;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use utoipa_swagger_ui::Config;

use crate::app::App;
use crate::http::error::ApiError;

/// `data:` for the small pictures that Swagger UI's style sheet holds.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
                                       connect-src 'self'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'";

/// What our page loads of what is bundled.
const BUNDLED: [&str; 4] =
    ["swagger-ui.css", "swagger-ui-bundle.js", "favicon-32x32.png", "favicon-16x16.png"];

static CONFIG: LazyLock<Arc<Config<'static>>> = LazyLock::new(|| Arc::new(Config::from("/openapi.json")));

pub fn routes() -> Router<App> {
    Router::new()
        .route("/docs", get(async || strict(Redirect::permanent("/docs/").into_response())))
        .route("/docs/", get(async || page("text/html; charset=utf-8", include_str!("docs/index.html"))))
        .route("/docs/{asset}", get(asset))
}

async fn asset(Path(name): Path<String>) -> Response {
    match name.as_str() {
        "docs.js" => page("text/javascript; charset=utf-8", include_str!("docs/docs.js")),
        "docs.css" => page("text/css; charset=utf-8", include_str!("docs/docs.css")),
        name => bundled(name).unwrap_or_else(|| ApiError::no_such_route().into_response()),
    }
}

fn bundled(name: &str) -> Option<Response> {
    let name = BUNDLED.into_iter().find(|known| *known == name)?;
    let file = utoipa_swagger_ui::serve(name, CONFIG.clone()).ok()??;
    let kind = HeaderValue::from_str(&file.content_type).ok()?;
    let mut response = strict(file.bytes.into_owned().into_response());
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=3600"));
    Some(response)
}

fn page(kind: &'static str, text: &'static str) -> Response {
    strict(([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "no-cache")], text).into_response())
}

fn strict(mut response: Response) -> Response {
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}
