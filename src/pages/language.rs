//! Which language a page speaks: the one that the client asked for with its request, else the browser's, else English.
//!
//! Whatever goes wrong is said in the same one, also where nobody knows what request it is about: that is why the
//! language goes along with the task, like the request's id.

use std::cell::Cell;
use std::future::Future;

use axum::extract::Request;
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::Response;

use crate::words::Words;

tokio::task_local! {
    static SPOKEN: Cell<&'static Words>;
}

/// Middleware: begins with the browser's language.
pub async fn spoken(request: Request, next: Next) -> Response {
    speaking(of_browser(request.headers()), next.run(request)).await
}

async fn speaking<F: Future>(words: &'static Words, future: F) -> F::Output {
    SPOKEN.scope(Cell::new(words), future).await
}

/// The language of the page that this task answers with.
pub fn current() -> &'static Words {
    SPOKEN.try_with(Cell::get).unwrap_or_else(|_| Words::of(None))
}

/// Goes on in the language that a client asked for, if we speak it; answers with the one it is then.
pub fn asked_for(locale: Option<&str>) -> &'static Words {
    let Some(words) = Words::asked_for(locale) else { return current() };
    // Outside of a request there is nobody to speak to.
    let _ = SPOKEN.try_with(|spoken| spoken.set(words));
    words
}

fn of_browser(headers: &HeaderMap) -> &'static Words {
    let liked = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| Words::liked(value.to_str().ok()?));
    liked.unwrap_or_else(|| Words::of(None))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_a_client_asks_for_comes_before_what_the_browser_likes() {
        let german = Words::of(Some("de"));
        let lang =
            speaking(german, async { (asked_for(None).lang, asked_for(Some("en")).lang, current().lang) });
        assert_eq!(lang.await, ("de", "en", "en"));
        assert_eq!(speaking(german, async { asked_for(Some("fr")).lang }).await, "de");
        assert_eq!(current().lang, "en");
    }
}
