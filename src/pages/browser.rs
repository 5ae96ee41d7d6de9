//! The browser's session: a random token in a cookie. The server keeps only keyed hashes of it.
//!
//! `__Host-` cookies come from this very host over a secure connection (RFC 6265bis, 4.1.3.2), so no neighbour can
//! plant one; a proof replaces the token, so one that leaked before is worth nothing after.

use axum::http::{HeaderMap, HeaderValue, header};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::vault::MasterKey;

const COOKIE: &str = "__Host-mobid";
/// Of the pages under `/me`: apart, so that whoever answers a request in the same browser neither ends nor gets anybody's
/// session there.
const PERSONS_COOKIE: &str = "__Host-mobid-me";
/// 32 bytes in base64url.
const LENGTH: usize = 43;

#[derive(Clone, PartialEq, Eq)]
pub struct BrowserSession(String);

impl std::fmt::Debug for BrowserSession {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("BrowserSession(…)")
    }
}

impl BrowserSession {
    pub fn random() -> Self {
        Self(URL_SAFE_NO_PAD.encode(crate::secret::random::<32>()))
    }

    /// The session that a request came with.
    pub fn of(headers: &HeaderMap) -> Option<Self> {
        Self::in_cookie(headers, COOKIE)
    }

    /// The same under `/me`.
    pub fn of_person(headers: &HeaderMap) -> Option<Self> {
        Self::in_cookie(headers, PERSONS_COOKIE)
    }

    fn in_cookie(headers: &HeaderMap, cookie: &str) -> Option<Self> {
        let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        let token = cookies
            .flat_map(|line| line.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .find_map(|(name, value)| (name == cookie).then_some(value))?;
        let well_formed = token.len() == LENGTH
            && token.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
        well_formed.then(|| Self(token.to_owned()))
    }

    /// Sets the cookie, for as long as the browser runs.
    pub fn set_cookie(&self) -> Option<HeaderValue> {
        self.cookie(COOKIE)
    }

    /// The same under `/me`.
    pub fn set_persons_cookie(&self) -> Option<HeaderValue> {
        self.cookie(PERSONS_COOKIE)
    }

    fn cookie(&self, name: &str) -> Option<HeaderValue> {
        let cookie = format!("{name}={}; Path=/; Secure; HttpOnly; SameSite=Strict", self.0);
        HeaderValue::from_str(&cookie).ok()
    }

    /// What rows know it by.
    pub fn hash(&self, master: &MasterKey) -> [u8; 32] {
        master.hmac("mobid/page-session", &[self.0.as_bytes()])
    }

    /// The token that this session's forms about a resource carry.
    pub fn csrf(&self, master: &MasterKey, resource: &str) -> String {
        let parts = [self.0.as_bytes(), resource.as_bytes()];
        URL_SAFE_NO_PAD.encode(master.hmac("mobid/page-csrf", &parts))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_cookie(line: &str) -> HeaderMap {
        HeaderMap::from_iter([(header::COOKIE, line.parse().unwrap())])
    }

    #[test]
    fn a_session_is_read_from_among_other_cookies() {
        let session = BrowserSession::random();
        let set = session.set_cookie().unwrap().to_str().unwrap().to_owned();
        let pair = set.split(';').next().unwrap();
        assert_eq!(BrowserSession::of(&with_cookie(&format!("a=b; {pair}; c=d"))), Some(session));
    }

    #[test]
    fn what_signs_a_person_in_is_no_session_of_other_pages_nor_the_other_way_round() {
        let session = BrowserSession::random();
        let line = |set: HeaderValue| set.to_str().unwrap().split(';').next().unwrap().to_owned();
        let theirs = with_cookie(&line(session.set_persons_cookie().unwrap()));
        assert_eq!(BrowserSession::of(&theirs), None);
        assert_eq!(BrowserSession::of_person(&theirs), Some(session.clone()));
        let others = with_cookie(&line(session.set_cookie().unwrap()));
        assert_eq!(BrowserSession::of_person(&others), None);
    }

    #[test]
    fn anything_else_is_no_session() {
        for line in
            ["", "__Host-mobid=", "__Host-mobid=short", "mobid=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"]
        {
            assert_eq!(BrowserSession::of(&with_cookie(line)), None, "{line}");
        }
    }

    #[test]
    fn a_form_token_is_of_one_session_and_one_resource() {
        let (master, one, other) = (MasterKey::random(), BrowserSession::random(), BrowserSession::random());
        assert_eq!(one.csrf(&master, "cs_1"), one.csrf(&master, "cs_1"));
        assert_ne!(one.csrf(&master, "cs_1"), one.csrf(&master, "cs_2"));
        assert_ne!(one.csrf(&master, "cs_1"), other.csrf(&master, "cs_1"));
    }
}
