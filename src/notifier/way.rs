//! `MOBID_NOTIFIER`: which way messages go, and how that may be shown: its URL may hold a password.

use url::Url;

/// The setting, as far as its form goes.
#[derive(Clone, PartialEq, Eq)]
pub enum Way {
    Outbox,
    Mail(Url),
    Hook(Url),
}

/// By its scheme alone: what follows may hold a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WayError {
    #[error(
        "MOBID_NOTIFIER: {0:?} is not known; it must be outbox, smtp://user:password@host:port, smtps://…, http://… or https://…"
    )]
    Scheme(String),
    #[error(
        "MOBID_NOTIFIER: the URL cannot be read; in user and password, write @ as %40, : as %3A and / as %2F"
    )]
    Url,
    #[error(
        "MOBID_NOTIFIER: a mail server's URL takes ?from=, an address such as no-reply@example.com, and ?tls=, required or none, and nothing else"
    )]
    MailOption,
    #[error("MOBID_NOTIFIER: its client cannot be made: are the system's certificates there?")]
    Client,
}

impl Way {
    pub fn parse(text: &str) -> Result<Self, WayError> {
        if text == "outbox" {
            return Ok(Self::Outbox);
        }
        // What has no scheme may be a password in the wrong place.
        let scheme = text.split_once("://").map_or("…", |(scheme, _)| scheme);
        if !["smtp", "smtps", "http", "https"].contains(&scheme) {
            return Err(WayError::Scheme(scheme.chars().take(16).collect()));
        }
        let url = Url::parse(text).map_err(|_| WayError::Url)?;
        if url.host_str().is_none_or(str::is_empty) {
            return Err(WayError::Url);
        }
        Ok(if scheme.starts_with("http") { Self::Hook(url) } else { Self::Mail(url) })
    }
}

/// The setting without what is secret in it: a user and a password, and whatever a path or query may hold.
pub fn shown(text: &str) -> String {
    match Way::parse(text) {
        Ok(Way::Outbox) => text.to_owned(),
        Ok(Way::Mail(url) | Way::Hook(url)) => {
            let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
            let more = matches!(url.path(), "" | "/") && url.query().is_none();
            let rest = if more { "" } else { "/…" };
            let who = if url.username().is_empty() && url.password().is_none() { "" } else { "…@" };
            format!("{}://{who}{}{port}{rest}", url.scheme(), url.host_str().unwrap_or_default())
        }
        Err(_) => "…".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_secret_in_it_is_not_shown() {
        for (text, expected) in [
            ("outbox", "outbox"),
            ("smtp://ann:s3cret@mail.example:587", "smtp://…@mail.example:587"),
            ("smtps://s3cret@mail.example", "smtps://…@mail.example"),
            ("https://sms.example/hook/s3cret", "https://sms.example/…"),
            ("https://u:s3cret@sms.example?key=s3cret", "https://…@sms.example/…"),
            ("https://sms.example/", "https://sms.example"),
            ("s3cret", "…"),
            ("smtp://u:s3c/ret@host", "…"),
        ] {
            assert_eq!(shown(text), expected);
        }
    }

    #[test]
    fn what_leads_nowhere_is_refused_without_its_secret() {
        for text in [
            "",
            "ftp://u:s3cret@host",
            "smtp:s3cret",
            "smtp://",
            "https://",
            "http://u:s3cret@",
            "smtp//s3cret",
        ] {
            let error = Way::parse(text).err().unwrap_or_else(|| panic!("{text}"));
            assert!(!error.to_string().contains("s3cret"), "{error}");
        }
    }
}
