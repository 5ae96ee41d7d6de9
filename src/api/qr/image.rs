//! `GET /v1/qr/{id}/image`: what to show to whoever is to scan it.

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;
use mobid_domain::id::QrId;
use qrcode::EcLevel;

use super::{found, picture};
use crate::app::App;
use crate::http::error::ApiError;
use crate::http::query::Query;
use crate::http::router::Id;
use crate::http::watching::{PARAMETER, Viewer};
use crate::presentation::qr::says;

/// Pixels along a side.
pub(super) const SMALLEST: u32 = 128;
pub(super) const LARGEST: u32 = 2_048;
pub(super) const USUAL: u32 = 512;

/// The picture of an id never changes. It is no secret, but a cache that many share has no use for it.
const KEPT: HeaderValue = HeaderValue::from_static("private, max-age=3600");

#[derive(Clone, Copy, PartialEq, Eq)]
enum Format {
    Png,
    Svg,
}

impl Format {
    fn parse(text: &str) -> Option<Self> {
        match text {
            "png" => Some(Self::Png),
            "svg" => Some(Self::Svg),
            _ => None,
        }
    }

    /// The one that `Accept` ranks higher (RFC 9110, 12.5.1); PNG, where it does not say.
    fn accepted(headers: &HeaderMap) -> Self {
        let all = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
        let ranges: Vec<_> = all.flat_map(|line| line.split(',')).filter_map(range).collect();
        let weight = |exact: &str| {
            let of = |wanted: &str| ranges.iter().find(|(name, _)| name == wanted).map(|(_, weight)| *weight);
            of(exact).or_else(|| of("image/*")).or_else(|| of("*/*")).unwrap_or(0.0)
        };
        if weight("image/svg+xml") > weight("image/png") { Self::Svg } else { Self::Png }
    }
}

fn range(text: &str) -> Option<(String, f32)> {
    let mut parts = text.split(';').map(str::trim);
    let name = parts.next()?.to_ascii_lowercase();
    let weight = parts.find_map(|part| part.strip_prefix("q=")?.parse().ok()).unwrap_or(1.0);
    Some((name, weight))
}

fn level(text: &str) -> Option<EcLevel> {
    match text {
        "L" => Some(EcLevel::L),
        "M" => Some(EcLevel::M),
        "Q" => Some(EcLevel::Q),
        "H" => Some(EcLevel::H),
        _ => None,
    }
}

pub async fn image(
    viewer: Viewer,
    Id(id): Id<QrId>,
    State(app): State<App>,
    headers: HeaderMap,
    mut query: Query,
) -> Result<Response, ApiError> {
    let format = query.take("format", "png or svg", Format::parse);
    let size =
        query.take("size", &format!("a whole number of pixels from {SMALLEST} to {LARGEST}"), |text| {
            text.parse().ok().filter(|size| (SMALLEST..=LARGEST).contains(size))
        });
    let level = query.take("ecc", "L, M, Q or H", level);
    query.take(PARAMETER, "a watch token", |_| Some(()));
    query.finish()?;
    found::now(&app, &viewer, id).await?;
    let text = says(&app.config.public_origin(), &id.to_string());
    let (size, level) = (size.unwrap_or(USUAL), level.unwrap_or(EcLevel::M));
    let matrix = picture::matrix(&text, level).map_err(|error| ApiError::internal(&error))?;
    let (content_type, body) = match format.unwrap_or_else(|| Format::accepted(&headers)) {
        Format::Png => {
            let png = picture::png(&matrix, size).map_err(|error| ApiError::internal(&error))?;
            ("image/png", Body::from(png))
        }
        Format::Svg => ("image/svg+xml", Body::from(picture::svg(&matrix, size))),
    };
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(header::CACHE_CONTROL, KEPT);
    headers.insert(header::VARY, HeaderValue::from_static("accept, x-mobid-key, x-mobid-watch-token"));
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_picture_is_of_the_kind_that_is_liked_best() {
        for (accept, svg) in [
            ("*/*", false),
            ("image/svg+xml", true),
            ("image/png, image/svg+xml;q=0.9", false),
            ("image/png;q=0.5, image/svg+xml", true),
            ("image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8", false),
            ("application/json", false),
            ("text/html, image/svg+xml;q=0.1", true),
        ] {
            let headers = HeaderMap::from_iter([(header::ACCEPT, accept.parse().unwrap())]);
            assert_eq!(Format::accepted(&headers) == Format::Svg, svg, "{accept}");
        }
        assert!(Format::accepted(&HeaderMap::new()) == Format::Png);
    }
}
