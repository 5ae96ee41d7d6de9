//! Who is refused before their body was read gets to read why.
//!
//! A connection that is closed while its peer still sends is reset, and the answer may be lost with it. So what is
//! left of a large body is read and dropped, within bounds, before the answer goes out.
//!
//! The bounds: a client is told even of a body a hundred times too large. A stranger, who had no good key, gets four
//! times the largest body that there is: whoever speaks this API is told what is wrong with the key, and nobody else has
//! us read for them.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::extract::Request;
use axum::response::Response;
use futures::StreamExt;
use tokio::sync::Mutex;

use super::body::MAX_BYTES;

/// Bytes that the sockets hold anyway.
const SMALL: u64 = 16 << 10;
/// Bytes that are read in vain at the most: for a client, and for a stranger.
const FOR_A_CLIENT: usize = 32 << 20;
const FOR_A_STRANGER: usize = 4 * MAX_BYTES;
const PATIENCE: Duration = Duration::from_secs(10);

/// Marks the answer to a request with a good key, of which a body may be left.
#[derive(Clone, Copy)]
pub struct OfAClient;

/// Whether a request has a body that an answer may come before the end of.
pub fn may_be_left(request: &Request) -> bool {
    request.body().size_hint().upper().is_none_or(|bytes| bytes > SMALL)
}

/// Answers a request, and reads what that has left of its body.
pub async fn read_the_rest<F>(request: Request, run: impl FnOnce(Request) -> F) -> Response
where
    F: Future<Output = Response>,
{
    if !may_be_left(&request) {
        return run(request).await;
    }
    let (parts, body) = request.into_parts();
    let pieces = Arc::new(Mutex::new(body.into_data_stream()));
    let shared = futures::stream::unfold(pieces.clone(), |pieces| async {
        let piece = pieces.lock().await.next().await?;
        Some((piece, pieces))
    });
    let response = run(Request::from_parts(parts, Body::from_stream(shared))).await;
    let known = response.extensions().get::<OfAClient>().is_some();
    let bound = if known { FOR_A_CLIENT } else { FOR_A_STRANGER };
    let rest = async {
        let (mut pieces, mut length) = (pieces.lock().await, 0);
        while let Some(Ok(piece)) = pieces.next().await
            && length <= bound
        {
            length += piece.len();
        }
    };
    // Who sends slower than that has had their chance.
    let _ = tokio::time::timeout(PATIENCE, rest).await;
    response
}
