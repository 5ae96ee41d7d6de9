//! Every request comes to an end: by its answer, or by one that says that there is none.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use axum::response::Response;
use futures::FutureExt;

/// The answer, or `failed` where it panics or takes longer than it may. What was begun by then may still happen: an
/// append that is under way is not taken back, and its idempotency record goes in with it.
pub async fn within(
    bound: Duration,
    answer: impl Future<Output = Response>,
    failed: impl FnOnce() -> Response,
) -> Response {
    // What a panic may leave half done goes with the request; what is shared is behind locks that pass over it.
    match AssertUnwindSafe(tokio::time::timeout(bound, answer)).catch_unwind().await {
        Ok(Ok(response)) => response,
        Ok(Err(_)) => {
            tracing::error!(seconds = bound.as_secs(), "request took too long");
            failed()
        }
        Err(_) => {
            // Where and why went to stderr by the panic's own way.
            tracing::error!("request panicked");
            failed()
        }
    }
}
