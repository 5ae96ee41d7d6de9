//! Who is refused before their body was read gets to read why.
//!
//! A connection that is closed while its peer still sends is reset, and the answer may be lost with it. So what is
//! left of a large body is read and dropped, within bounds, before the answer goes out.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::extract::Request;
use axum::response::Response;
use futures::StreamExt;
use tokio::sync::Mutex;

/// Bytes that the sockets hold anyway.
const SMALL: u64 = 16 << 10;
/// Bytes that are read in vain at the most.
const DRAINED: usize = 32 << 20;
const PATIENCE: Duration = Duration::from_secs(10);

/// Answers a request, and reads what that has left of its body.
pub async fn read_the_rest<F>(request: Request, run: impl FnOnce(Request) -> F) -> Response
where
    F: Future<Output = Response>,
{
    if request.body().size_hint().upper().is_some_and(|bytes| bytes <= SMALL) {
        return run(request).await;
    }
    let (parts, body) = request.into_parts();
    let pieces = Arc::new(Mutex::new(body.into_data_stream()));
    let shared = futures::stream::unfold(pieces.clone(), |pieces| async {
        let piece = pieces.lock().await.next().await?;
        Some((piece, pieces))
    });
    let response = run(Request::from_parts(parts, Body::from_stream(shared))).await;
    let rest = async {
        let (mut pieces, mut length) = (pieces.lock().await, 0);
        while let Some(Ok(piece)) = pieces.next().await
            && length <= DRAINED
        {
            length += piece.len();
        }
    };
    // Who sends slower than that has had their chance.
    let _ = tokio::time::timeout(PATIENCE, rest).await;
    response
}
