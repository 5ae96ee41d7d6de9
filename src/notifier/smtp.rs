//! Mail, through an operator's own server.
//!
//! Codes do not travel in the clear: `smtps://` speaks TLS from the first byte, `smtp://` asks for STARTTLS and goes no
//! further without it, unless the server is on this machine or `?tls=none` says that the way there is safe.

use std::error::Error;
use std::io;

use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MessageBuilder};
use lettre::transport::smtp::Error as SmtpError;
use lettre::transport::smtp::extension::ClientId;
use lettre::{Address, AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use url::Url;

use super::way::WayError;
use super::{Message, NotifierError, TIMEOUT};
use crate::config::is_loopback;

pub struct Mail {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    /// Host and port, for the log.
    pub server: String,
    host: String,
}

impl Mail {
    /// `host` is who we are: in the greeting, in the ids of messages, and in whom they are from if nothing else says so.
    pub fn new(url: &Url, host: &str) -> Result<Self, WayError> {
        let (mut from, mut tls) = (None, None);
        for (name, value) in url.query_pairs() {
            match name.as_ref() {
                "from" if from.is_none() => from = Some(value.parse().map_err(|_| WayError::MailOption)?),
                "tls" if tls.is_none() && ["required", "none"].contains(&value.as_ref()) => {
                    tls = Some(value == "required");
                }
                _ => return Err(WayError::MailOption),
            }
        }
        let encrypted = tls.unwrap_or_else(|| !is_loopback(&with_a_known_scheme(url)));
        let mut address = url.clone();
        address.set_path("");
        address.set_query(encrypted.then_some("tls=required"));
        let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(address.as_str())
            .map_err(|error| if error.is_tls() { WayError::Client } else { WayError::Url })?
            .timeout(Some(TIMEOUT))
            .hello_name(ClientId::Domain(host.to_owned()))
            .build();
        let from = from.map_or_else(|| sender(url, host), Ok)?;
        let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
        let server = format!("{}{port}", url.host_str().unwrap_or_default());
        Ok(Self { transport, from, server, host: host.to_owned() })
    }

    pub fn from(&self) -> &str {
        self.from.email.as_ref()
    }

    pub async fn send(&self, message: &Message<'_>) -> Result<(), NotifierError> {
        let mail = self.write(message).ok_or(NotifierError::NoMail)?;
        self.transport.send(mail).await.map_err(|error| coarse(&error))?;
        Ok(())
    }

    fn write(&self, message: &Message<'_>) -> Option<lettre::Message> {
        let to: Address = message.to.parse().ok()?;
        let automatic = HeaderName::new_from_ascii_str("Auto-Submitted");
        MessageBuilder::new()
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .subject(message.subject.as_str())
            .message_id(Some(format!("<{}@{}>", crate::ids::new_id(), self.host)))
            // RFC 3834: nobody's absence is to answer.
            .raw_header(HeaderValue::new(automatic, "auto-generated".to_owned()))
            .header(ContentType::TEXT_PLAIN)
            .body(message.text.clone())
            .ok()
    }
}

/// Who mails are from if the setting does not say: its user, where that is an address, or nobody at our own host.
fn sender(url: &Url, host: &str) -> Result<Mailbox, WayError> {
    let user = url.username().replace("%40", "@");
    let own = || format!("no-reply@{host}").parse();
    let address: Result<Address, _> = user.parse().or_else(|_| own());
    address.map(|address| Mailbox::new(None, address)).map_err(|_| WayError::MailOption)
}

/// Of a scheme that it does not know, `Url` does not read the host as an address.
fn with_a_known_scheme(url: &Url) -> Url {
    let host = url.host_str().unwrap_or_default();
    Url::parse(&format!("http://{host}")).unwrap_or_else(|_| url.clone())
}

/// Not what the server said: that often repeats the address.
fn coarse(error: &SmtpError) -> NotifierError {
    if let Some(code) = error.status() {
        return NotifierError::Refused(code.into());
    }
    if error.is_timeout() {
        return NotifierError::TimedOut;
    }
    NotifierError::Connection(match () {
        () if error.is_tls() || is_of_rustls(error) => "TLS",
        () if error.is_client() => "it offers less than is needed",
        () if error.is_response() => "no SMTP",
        () => "not made or lost",
    })
}

/// rustls speaks through `io::Error`: what it says of a peer is invalid data.
fn is_of_rustls(error: &SmtpError) -> bool {
    let mut cause = error.source();
    while let Some(current) = cause {
        if current.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::InvalidData)
        {
            return true;
        }
        cause = current.source();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mail(url: &str) -> Result<Mail, WayError> {
        Mail::new(&Url::parse(url).unwrap(), "id.example.com")
    }

    #[test]
    fn mails_are_from_whom_the_setting_says() {
        for (url, from) in [
            ("smtp://localhost?from=consent@example.com", "consent@example.com"),
            ("smtp://localhost?from=Consents%20%3Cconsent@example.com%3E", "consent@example.com"),
            ("smtp://ann%40example.com:pw@localhost", "ann@example.com"),
            ("smtp://ann:pw@localhost", "no-reply@id.example.com"),
        ] {
            assert_eq!(mail(url).unwrap_or_else(|error| panic!("{url}: {error}")).from(), from);
        }
        for url in ["smtp://localhost?from=nobody", "smtp://localhost?tls=maybe", "smtp://localhost?a=b"] {
            assert_eq!(mail(url).err(), Some(WayError::MailOption), "{url}");
        }
    }

    #[test]
    fn what_a_client_is_called_cannot_add_a_header() {
        let message = Message {
            to: "ann@example.com",
            channel: "email",
            subject: "Code for Evil\r\nBcc: mallory@example.com".to_owned(),
            text: "123456 ist Ihr Code für Öberg & Co.".to_owned(),
            link: None,
            code: None,
            resource_id: "cs_1".to_owned(),
        };
        let written = mail("smtp://localhost").unwrap().write(&message).unwrap().formatted();
        let text = String::from_utf8(written).unwrap();
        assert!(!text.lines().any(|line| line.starts_with("Bcc")), "{text}");
        assert!(text.contains("Auto-Submitted: auto-generated"), "{text}");
    }
}
