//! The fields of a client, as its owner may write them.

use mobid_domain::client::{Limits, Permission, Plan};
use serde_json::Value;
use url::{Host, Url};

use crate::config::is_loopback;
use crate::http::fields::{Invalid, text, whole};
use crate::webauthn::is_related;

pub(super) const MAX_NAME: usize = 100;
pub(super) const MAX_LIST: usize = 20;
pub(super) const MAX_LIMIT: i64 = 1_000_000_000;

pub fn name(value: &Value) -> Result<String, Invalid> {
    let name = text(value, "invalid_name", MAX_NAME)?;
    if name.trim() == name {
        return Ok(name.to_owned());
    }
    Err(Invalid::new("invalid_name", "It must not begin or end with a space."))
}

pub fn plan(value: &Value) -> Result<Plan, Invalid> {
    serde_json::from_value(value.clone())
        .map_err(|_| Invalid::new("invalid_plan", "It must be free, basic, growth or enterprise."))
}

/// `{"perMinute", "perDay", "concurrent"}`, each a whole number or `null` for none.
pub fn limits(value: &Value) -> Result<Limits, Invalid> {
    let invalid = || {
        Invalid::new(
            "invalid_limits",
            "It must be an object of perMinute, perDay and concurrent, each a whole number from 1 or null for none.",
        )
    };
    let object = value.as_object().ok_or_else(invalid)?;
    let names = ["perMinute", "perDay", "concurrent"];
    if object.keys().any(|name| !names.contains(&name.as_str())) {
        return Err(invalid());
    }
    let limit = |name: &str| match object.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => {
            let number = whole(value).filter(|number| (1..=MAX_LIMIT).contains(number));
            number.and_then(|number| u32::try_from(number).ok()).map(Some).ok_or_else(invalid)
        }
    };
    let [per_minute, per_day, concurrent] = names.map(limit);
    Ok(Limits { per_minute: per_minute?, per_day: per_day?, concurrent: concurrent? })
}

/// In the order of the reference, each once.
pub fn permissions(value: &Value) -> Result<Vec<Permission>, Invalid> {
    let invalid = |message: String| Invalid::new("invalid_permissions", message);
    let named = value.as_array().ok_or_else(|| invalid("It must be a list of permissions.".to_owned()))?;
    for name in named {
        if !Permission::ALL.iter().any(|known| name.as_str() == Some(known.as_str())) {
            let known: Vec<_> = Permission::ALL.iter().map(|known| known.as_str()).collect();
            return Err(invalid(format!("Each must be one of {}.", known.join(", "))));
        }
    }
    let has = |permission: &&Permission| named.iter().any(|name| name.as_str() == Some(permission.as_str()));
    Ok(Permission::ALL.iter().filter(has).copied().collect())
}

/// A domain that a client's own passkeys are bound to: never the hosted pages', nor one above or below it, whose
/// passkeys decide in a person's name.
pub fn rp_id(value: &Value, hosted: &str) -> Result<String, Invalid> {
    let invalid = |message: &str| Invalid::new("invalid_rp_id", message);
    let text = value.as_str().ok_or_else(|| invalid("It must be a domain such as login.example.com."))?;
    let url = Url::parse(&format!("https://{text}/")).ok();
    let well_formed =
        url.as_ref().and_then(Url::domain) == Some(text) && text.len() <= 253 && is_host_name(text);
    if !well_formed {
        return Err(invalid("It must be a domain such as login.example.com, in lower case."));
    }
    if is_related(text, hosted) {
        return Err(invalid("It must not be the host of the hosted pages, nor above or below it."));
    }
    Ok(text.to_owned())
}

/// Parts of 1 to 63 letters, digits, hyphens and underscores with dots between, the last of which begins with a letter:
/// a URL's host may be much else, and one whose last part is a number is an address to browsers.
fn is_host_name(text: &str) -> bool {
    let plain = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, b'-' | b'_');
    let ends_as_name =
        text.rsplit('.').next().is_some_and(|last| last.starts_with(|c: char| c.is_ascii_lowercase()));
    ends_as_name && text.split('.').all(|part| (1..=63).contains(&part.len()) && part.bytes().all(plain))
}

fn is_host(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => is_host_name(name),
        Some(_) => true,
        None => false,
    }
}

/// Origins of the web, as browsers write them.
pub fn origins(value: &Value) -> Result<Vec<String>, Invalid> {
    let invalid = || {
        Invalid::new(
            "invalid_origins",
            "It must be a list of at most 20 https origins such as https://login.example.com (http only to loopback).",
        )
    };
    list(value, invalid, |text| {
        let url = Url::parse(text).ok()?;
        let secure = url.scheme() == "https" || (url.scheme() == "http" && is_loopback(&url));
        (secure && is_host(&url) && url.origin().ascii_serialization() == text).then(|| text.to_owned())
    })
}

/// Hosts that callbacks may go to; none is any.
pub fn callback_hosts(value: &Value) -> Result<Vec<String>, Invalid> {
    let invalid = || {
        Invalid::new(
            "invalid_callback_hosts",
            "It must be a list of at most 20 host names such as example.com.",
        )
    };
    list(value, invalid, |text| {
        let url = Url::parse(&format!("https://{text}/")).ok()?;
        (is_host(&url) && url.host_str() == Some(text) && url.port().is_none()).then(|| text.to_owned())
    })
}

fn list(
    value: &Value,
    invalid: impl Fn() -> Invalid,
    parse: impl Fn(&str) -> Option<String>,
) -> Result<Vec<String>, Invalid> {
    let values = value.as_array().filter(|values| values.len() <= MAX_LIST).ok_or_else(&invalid)?;
    let mut list: Vec<String> = Vec::with_capacity(values.len());
    for value in values {
        let parsed = value.as_str().and_then(&parse).ok_or_else(&invalid)?;
        if !list.contains(&parsed) {
            list.push(parsed);
        }
    }
    Ok(list)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_host_is_a_name_or_an_address_and_not_whatever_a_url_takes_for_one() {
        for good in ["example.com", "localhost", "my_service", "a-b.example", "192.0.2.1", "[2001:db8::1]"] {
            assert!(callback_hosts(&json!([good])).is_ok(), "{good}");
        }
        for bad in [
            "",
            "!",
            "a..b",
            ".",
            "a.",
            "example.com:1",
            "EXAMPLE.com",
            "a b",
            "*.example.com",
            "[::1",
            "1.2",
        ] {
            assert!(callback_hosts(&json!([bad])).is_err(), "{bad}");
            assert!(rp_id(&json!(bad), "id.example").is_err(), "{bad}");
        }
        assert!(rp_id(&json!("192.0.2.1"), "id.example").is_err());
        assert!(rp_id(&json!("login.example.com"), "id.example").is_ok());
    }
}
