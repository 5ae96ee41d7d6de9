//! For whom passkeys are: a domain, and the origins of the pages that may ask for them.

use mobid_domain::client::Account;
use url::{Host, Url};
use webauthn_rs::{Webauthn, WebauthnBuilder};

use crate::config::Config;

/// There is no domain, or no origin on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("there is no RP id with an origin of its own")]
pub struct NoRelyingParty;

/// A domain with its origins.
#[derive(Debug, Clone)]
pub struct RelyingParty {
    pub(super) id: String,
    /// As browsers write them.
    pub(super) origins: Vec<String>,
    pub(super) webauthn: Webauthn,
}

impl RelyingParty {
    /// Only origins on the domain, or below it, count: those of others could never use its passkeys.
    pub fn new<'a>(
        id: &str,
        name: &str,
        origins: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, NoRelyingParty> {
        let origins: Vec<_> = origins
            .into_iter()
            .filter_map(|origin| Url::parse(origin).ok())
            .filter(|origin| origin.domain().is_some_and(|host| host == id || is_below(host, id)))
            .collect();
        let (first, others) = origins.split_first().ok_or(NoRelyingParty)?;
        let builder = WebauthnBuilder::new(id, first).map_err(|_| NoRelyingParty)?.rp_name(name);
        let builder = others.iter().fold(builder, WebauthnBuilder::append_allowed_origin);
        let webauthn = builder.build().map_err(|_| NoRelyingParty)?;
        let origins = origins.iter().map(|origin| origin.origin().ascii_serialization()).collect();
        Ok(Self { id: id.to_owned(), origins, webauthn })
    }

    /// A client's own, for its own users: never one that the hosted pages' passkeys would answer to.
    pub fn of_client(account: &Account, config: &Config) -> Result<Self, NoRelyingParty> {
        let id = account.rp_id.as_deref().ok_or(NoRelyingParty)?;
        if is_related(id, config.public_host()) {
            return Err(NoRelyingParty);
        }
        Self::new(id, &account.name, account.origins.iter().map(String::as_str))
    }

    /// That of the hosted pages: the public URL's.
    pub fn hosted(config: &Config, name: &str) -> Result<Self, NoRelyingParty> {
        match config.public_url.host() {
            Some(Host::Domain(host)) => Self::new(host, name, [config.public_origin().as_str()]),
            _ => Err(NoRelyingParty),
        }
    }

    /// The domain.
    pub fn id(&self) -> &str {
        &self.id
    }
}

/// Whether a domain is the hosted pages', or above or below it. On one's own machine there is but one name for all.
pub fn is_related(id: &str, hosted: &str) -> bool {
    (id == hosted || is_below(id, hosted) || is_below(hosted, id)) && id != "localhost"
}

fn is_below(domain: &str, above: &str) -> bool {
    domain.strip_suffix(above).is_some_and(|rest| rest.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relying_party_has_an_origin_on_its_domain() {
        let made = |origins: &[&str]| RelyingParty::new("bank.example", "A bank", origins.iter().copied());
        assert!(made(&["https://bank.example"]).is_ok());
        assert!(made(&["https://other.example", "https://login.bank.example:8443"]).is_ok());
        for origins in [vec![], vec!["https://other.example"], vec!["https://notbank.example"], vec!["x"]] {
            assert_eq!(made(&origins).unwrap_err(), NoRelyingParty, "{origins:?}");
        }
    }

    #[test]
    fn the_hosted_pages_are_a_relying_party_of_their_own() {
        let config = |url: &str| Config { public_url: url.parse().unwrap(), ..Config::default() };
        assert_eq!(RelyingParty::hosted(&config("https://id.example"), "mobid").unwrap().id(), "id.example");
        assert!(RelyingParty::hosted(&config("https://192.0.2.1"), "mobid").is_err());
    }

    #[test]
    fn what_is_above_or_below_the_hosted_pages_is_related_to_them() {
        for related in ["id.example", "example", "a.id.example"] {
            assert!(is_related(related, "id.example"), "{related}");
        }
        for own in ["bank.example", "aid.example", "localhost"] {
            assert!(!is_related(own, "id.example"), "{own}");
        }
        assert!(!is_related("localhost", "localhost"));
    }
}
