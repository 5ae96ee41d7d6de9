//! One attempt over HTTP: what is sent, how long it may take, and in a coarse word what came of it.
//!
//! Neither addresses nor bodies get into a log line or a row: both may be personal.

use std::error::Error;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::{Client, Response, StatusCode, redirect};
use url::Url;

use super::address::{self, AddressError, Resolver};
use super::schedule;

/// From the first lookup to the last byte that is read of the answer.
const TIMEOUT: Duration = Duration::from_secs(15);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How much of an answer is read, for the connection's sake; what it says does not matter.
const READ: usize = 64 << 10;

/// What came of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// 2xx.
    Taken(u16),
    /// 410: it never wants to hear of us again.
    Gone,
    /// Any other status, redirects included, and when the receiver wants to be asked again.
    Declined(u16, Option<DateTime<Utc>>),
    /// There was no answer.
    Nothing(&'static str),
}

impl Reply {
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Taken(status) | Self::Declined(status, _) => Some(*status),
            Self::Gone => Some(StatusCode::GONE.as_u16()),
            Self::Nothing(_) => None,
        }
    }

    /// What went wrong, without saying where.
    pub fn error(&self) -> Option<String> {
        match self {
            Self::Taken(_) => None,
            Self::Gone => Some("status 410".to_owned()),
            Self::Declined(status, _) => Some(format!("status {status}")),
            Self::Nothing(error) => Some((*error).to_owned()),
        }
    }
}

/// Sends to public addresses, straight there, and follows no redirect.
#[derive(Clone)]
pub struct Courier {
    http: Client,
    allow_private: bool,
}

impl Courier {
    pub fn new(allow_private: bool) -> Result<Self, reqwest::Error> {
        let http = Client::builder()
            .user_agent(concat!("mobid/", env!("CARGO_PKG_VERSION")))
            .no_proxy()
            .redirect(redirect::Policy::none())
            .referer(false)
            .http1_only()
            .timeout(TIMEOUT)
            .connect_timeout(CONNECT_TIMEOUT)
            .dns_resolver(Arc::new(Resolver { allow_private }))
            .build()?;
        Ok(Self { http, allow_private })
    }

    pub async fn post(&self, url: Url, headers: HeaderMap, body: String, now: DateTime<Utc>) -> Reply {
        if address::check(&url, self.allow_private).is_err() {
            return Reply::Nothing("refused_address");
        }
        match self.http.post(url).headers(headers).body(body).send().await {
            Ok(response) => {
                let reply = read(&response, now);
                drain(response).await;
                reply
            }
            Err(error) => Reply::Nothing(coarse(&error)),
        }
    }
}

fn read(response: &Response, now: DateTime<Utc>) -> Reply {
    let status = response.status();
    if status.is_success() {
        return Reply::Taken(status.as_u16());
    }
    if status == StatusCode::GONE {
        return Reply::Gone;
    }
    let asks = matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE);
    let retry_after = response.headers().get(RETRY_AFTER).filter(|_| asks);
    let retry_after = retry_after.and_then(|value| schedule::retry_after(value.to_str().ok()?, now));
    Reply::Declined(status.as_u16(), retry_after)
}

/// Reads what is left of a short answer, so that the connection can serve again.
async fn drain(mut response: Response) {
    let mut left = READ;
    while let Ok(Some(chunk)) = response.chunk().await {
        match left.checked_sub(chunk.len()) {
            Some(rest) => left = rest,
            None => return,
        }
    }
}

fn coarse(error: &reqwest::Error) -> &'static str {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(current) = cause {
        match current.downcast_ref() {
            Some(AddressError::Refused) => return "refused_address",
            Some(AddressError::Unknown) => return "dns",
            None => {}
        }
        if current.downcast_ref().is_some_and(is_tls) {
            return "tls";
        }
        cause = current.source();
    }
    if error.is_timeout() {
        "timeout"
    } else if error.is_connect() {
        "connect"
    } else {
        "protocol"
    }
}

/// rustls speaks through `io::Error`: what it says of a peer is invalid data, however deep it is wrapped.
fn is_tls(error: &io::Error) -> bool {
    let inner = error.get_ref();
    (error.kind() == io::ErrorKind::InvalidData && inner.is_some())
        || inner.and_then(|inner| inner.downcast_ref()).is_some_and(is_tls)
}
