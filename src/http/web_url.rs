//! Addresses that a client gives: where to call or send somebody back to.
//!
//! Only their form is looked at; what a name leads to is found out when it is called.

use serde_json::Value;
use url::Url;

use super::fields::Invalid;
use crate::config::is_loopback;

const MAX_LENGTH: usize = 2_048;

/// An https URL; http only to loopback, for development.
pub fn web_url(value: &Value, code: &str) -> Result<String, Invalid> {
    let rule = "It must be an https URL of at most 2,048 characters, without user name and password (http only to loopback).";
    parse(value)
        .filter(|(_, url)| is_secure(url))
        .map(|(text, _)| text)
        .ok_or_else(|| Invalid::new(code, rule))
}

/// An https URL without a fragment, which no request would carry; http to loopback, or to any host if private
/// addresses may be called.
pub fn endpoint_url(value: &Value, code: &str, http_anywhere: bool) -> Result<String, Invalid> {
    let rule = "It must be an https URL of at most 2,048 characters, without user name, password and fragment (http only to loopback).";
    parse(value)
        .filter(|(_, url)| http_anywhere || is_secure(url))
        .filter(|(_, url)| url.fragment().is_none())
        .map(|(text, _)| text)
        .ok_or_else(|| Invalid::new(code, rule))
}

/// A URL at one of the hosts that the client's callbacks may go to; any, where none is named.
pub fn callback_url(value: &Value, hosts: &[String]) -> Result<String, Invalid> {
    let text = web_url(value, "invalid_callback_url")?;
    let url = Url::parse(&text).ok();
    let host = url.as_ref().and_then(Url::host_str).unwrap_or_default();
    if hosts.is_empty() || hosts.iter().any(|known| known == host) {
        Ok(text)
    } else {
        Err(Invalid::new("invalid_callback_url", "Its host must be one of the client's callbackHosts."))
    }
}

/// A URL on one of the client's registered origins.
pub fn return_url(value: &Value, origins: &[String]) -> Result<String, Invalid> {
    let text = web_url(value, "invalid_return_url")?;
    let origin = Url::parse(&text).map(|url| url.origin().ascii_serialization()).unwrap_or_default();
    if origins.contains(&origin) {
        Ok(text)
    } else {
        Err(Invalid::new("invalid_return_url", "It must be on one of the client's registered origins."))
    }
}

/// A URL of the web in plain characters, as text and parsed.
fn parse(value: &Value) -> Option<(String, Url)> {
    let text = value.as_str()?;
    let url = Url::parse(text).ok()?;
    let plain = url.username().is_empty() && url.password().is_none() && url.host().is_some();
    let clean = text.len() <= MAX_LENGTH && !text.contains(|c: char| c.is_control() || c.is_whitespace());
    let of_the_web = matches!(url.scheme(), "https" | "http");
    // `https:host` has a host only where nothing is around it: as a link on a page of ours it leads to that page's.
    let absolute = text.get(url.scheme().len()..).is_some_and(|rest| rest.starts_with("://"));
    (of_the_web && absolute && plain && clean).then(|| (text.to_owned(), url))
}

fn is_secure(url: &Url) -> bool {
    url.scheme() == "https" || is_loopback(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(text: &str) -> bool {
        endpoint_url(&Value::from(text), "invalid_url", false).is_ok()
    }

    #[test]
    fn an_endpoint_is_https_or_this_machine() {
        for good in [
            "https://example.com/hook?a=b",
            "https://example.com:8443",
            "http://localhost:9/x",
            "http://[::1]/",
        ] {
            assert!(endpoint(good), "{good}");
        }
        for bad in [
            "",
            "example.com",
            "http://example.com/",
            "ftp://example.com/",
            "https://user@example.com/",
            "https://user:word@example.com/",
            "https://example.com/#part",
            "https://exa mple.com/",
            " https://example.com/",
            "https://example.com/\n",
            "javascript:alert(1)",
            "https:example.com/",
            "https:/example.com/",
            "https:\\\\example.com\\",
            &format!("https://example.com/{}", "a".repeat(2_048)),
        ] {
            assert!(!endpoint(bad), "{bad}");
        }
        assert!(endpoint_url(&Value::from("http://10.0.0.1/"), "invalid_url", true).is_ok());
        assert!(endpoint_url(&Value::from("ftp://10.0.0.1/"), "invalid_url", true).is_err());
    }

    #[test]
    fn a_callback_may_have_a_fragment() {
        assert!(web_url(&Value::from("https://example.com/#part"), "invalid_callback_url").is_ok());
        assert!(web_url(&Value::from("http://example.com/"), "invalid_callback_url").is_err());
    }
}
