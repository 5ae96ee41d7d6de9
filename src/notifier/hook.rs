//! A generic gateway behind HTTP: each message goes there as JSON, and any 2xx means that it was taken.
//!
//! User and password in the URL go along as basic authentication (RFC 7617). Redirects are not followed, for they would
//! hand codes to whoever is named there; proxy variables are ignored.

use std::error::Error;
use std::time::Duration;

use reqwest::{Client, redirect};
use url::Url;

use super::{Message, NotifierError, TIMEOUT};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

pub struct Hook {
    http: Client,
    url: Url,
}

impl Hook {
    pub fn new(url: Url) -> Result<Self, reqwest::Error> {
        let http = Client::builder()
            .user_agent(concat!("mobid/", env!("CARGO_PKG_VERSION")))
            .no_proxy()
            .redirect(redirect::Policy::none())
            .referer(false)
            .timeout(TIMEOUT)
            .connect_timeout(CONNECT_TIMEOUT)
            .build()?;
        Ok(Self { http, url })
    }

    pub async fn send(&self, message: &Message<'_>) -> Result<(), NotifierError> {
        let sent = self.http.post(self.url.clone()).json(message).send().await;
        let status = sent.map_err(|error| coarse(&error))?.status();
        if status.is_success() { Ok(()) } else { Err(NotifierError::Refused(status.as_u16())) }
    }
}

/// Without the URL, which may hold a secret.
fn coarse(error: &reqwest::Error) -> NotifierError {
    if error.is_timeout() {
        return NotifierError::TimedOut;
    }
    let mut cause = error.source();
    while let Some(current) = cause {
        if let Some(io) = current.downcast_ref::<std::io::Error>() {
            return NotifierError::Connection(match io.kind() {
                std::io::ErrorKind::ConnectionRefused => "refused",
                std::io::ErrorKind::InvalidData => "TLS",
                _ => "lost",
            });
        }
        cause = current.source();
    }
    NotifierError::Connection(if error.is_connect() { "not made" } else { "no HTTP" })
}
