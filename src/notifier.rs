//! How links and codes reach a recipient: by mail, by a gateway behind HTTP, or, for development, as files.
//!
//! Promises: a message went out or an error says that it did not, within a bounded time; neither an error nor a log
//! line says to whom or what. Leaves to others: trying again (workers), saying so (pages).

mod hook;
mod outbox;
mod smtp;
mod way;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use mobid_domain::handle::Handle;
use serde::Serialize;

use crate::config::{Config, is_loopback};

use hook::Hook;
use smtp::Mail;
pub use way::{Way, WayError, shown};

/// From the first lookup to the last word of who takes the message: somebody waits in front of a page.
const TIMEOUT: Duration = Duration::from_secs(10);

/// A message to a recipient.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Message<'a> {
    pub to: &'a str,
    /// `sms` or `email`.
    pub channel: &'static str,
    pub subject: String,
    pub text: String,
    pub link: Option<String>,
    pub code: Option<String>,
    pub resource_id: String,
}

/// Says what happened without saying with whom: what a server answers often repeats the address.
#[derive(Debug, thiserror::Error)]
pub enum NotifierError {
    #[error("the outbox cannot be written: {0}")]
    Outbox(#[from] std::io::Error),
    #[error("the message cannot be written as JSON: {0}")]
    Json(#[from] serde_json::Error),
    #[error("mail reaches no phone number: MOBID_NOTIFIER must be an HTTP hook for that")]
    NoWayThere,
    #[error("the message cannot be written as a mail")]
    NoMail,
    #[error("no answer within {} s", TIMEOUT.as_secs())]
    TimedOut,
    #[error("refused with {0}")]
    Refused(u16),
    #[error("the connection failed: {0}")]
    Connection(&'static str),
}

/// Where messages go.
#[derive(Clone)]
pub enum Notifier {
    /// For development: a JSON file each.
    Outbox(PathBuf),
    Mail(Arc<Mail>),
    Hook(Arc<Hook>),
}

impl Notifier {
    /// Says in the log, too, what cannot be reached this way.
    pub fn from_config(config: &Config) -> Result<Self, WayError> {
        Ok(match Way::parse(&config.notifier)? {
            Way::Outbox => Self::Outbox(config.data_dir.join("outbox")),
            Way::Mail(url) => {
                let mail = Mail::new(&url, config.public_host())?;
                tracing::info!(server = mail.server, from = mail.from(), "links and codes go out by mail");
                tracing::warn!("phone numbers cannot be reached: mail takes email addresses only");
                Self::Mail(Arc::new(mail))
            }
            Way::Hook(url) => {
                tracing::info!(hook = shown(url.as_str()), "links and codes go out through an HTTP hook");
                if url.scheme() == "http" && !is_loopback(&url) {
                    tracing::warn!("the hook is plain HTTP: whoever is on the way can read every code");
                }
                Self::Hook(Arc::new(Hook::new(url).map_err(|_| WayError::Client)?))
            }
        })
    }

    /// Whether there is a way to such an address at all.
    pub fn reaches(&self, to: &Handle) -> bool {
        match self {
            Self::Mail(_) => matches!(to, Handle::Email(_)),
            Self::Outbox(_) | Self::Hook(_) => true,
        }
    }

    pub async fn send(&self, to: &Handle, message: Message<'_>) -> Result<(), NotifierError> {
        if !self.reaches(to) {
            return Err(NotifierError::NoWayThere);
        }
        let address = to.address();
        let message = Message { to: &address, channel: to.channel(), ..message };
        let sending = async {
            match self {
                Self::Outbox(directory) => outbox::put(directory, &message).await,
                Self::Mail(mail) => mail.send(&message).await,
                Self::Hook(hook) => hook.send(&message).await,
            }
        };
        tokio::time::timeout(TIMEOUT, sending).await.unwrap_or(Err(NotifierError::TimedOut))
    }
}
