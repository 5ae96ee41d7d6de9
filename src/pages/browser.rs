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

    /// Cookies of a neighbour's, whatever is in them, neither hide it nor pass
    /// for it: they are bytes, only what separates cookies is stripped (Unicode has other spaces, and with one of them
    /// before it the name has no prefix that a browser would guard), and of two that have the name neither counts.
    fn in_cookie(headers: &HeaderMap, cookie: &str) -> Option<Self> {
        let lines = headers.get_all(header::COOKIE).iter().map(HeaderValue::as_bytes);
        let mut tokens = lines
            .flat_map(|line| line.split(|byte| *byte == b';'))
            .filter_map(|pair| without_blanks(pair).strip_prefix(cookie.as_bytes())?.strip_prefix(b"="));
        let (token, another) = (tokens.next()?, tokens.next());
        let well_formed = token.len() == LENGTH
            && token.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
        let token = String::from_utf8(token.to_vec()).ok()?;
        (well_formed && another.is_none()).then_some(Self(token))
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

/// As RFC 6265, 5.4 writes them: a space between cookies, and a tab at the worst.
fn without_blanks(mut pair: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = pair {
        pair = rest;
    }
    pair
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

    fn pair(session: &BrowserSession) -> String {
        session.set_cookie().unwrap().to_str().unwrap().split(';').next().unwrap().to_owned()
    }

    #[test]
    fn what_a_neighbour_puts_beside_it_does_not_hide_a_session() {
        let session = BrowserSession::random();
        let line = format!("name=J\u{fc}rgen; =x; {}; __Host-mobid2=y", pair(&session));
        let headers =
            HeaderMap::from_iter([(header::COOKIE, HeaderValue::from_bytes(line.as_bytes()).unwrap())]);
        assert_eq!(BrowserSession::of(&headers), Some(session));
    }

    #[test]
    fn what_looks_like_the_cookie_and_could_be_a_neighbours_is_none() {
        let planted = pair(&BrowserSession::random());
        for blank in ["\u{2000}", "\u{a0}", "\u{3000}", "\u{85}", "\u{feff}"] {
            for line in [
                format!("{blank}{planted}"),
                format!("{blank} {planted}"),
                planted.replace('=', &format!("{blank}=")),
            ] {
                let headers = HeaderMap::from_iter([(
                    header::COOKIE,
                    HeaderValue::from_bytes(line.as_bytes()).unwrap(),
                )]);
                assert_eq!(BrowserSession::of(&headers), None, "{line:?}");
            }
        }
        for line in
            [planted.to_lowercase(), planted.to_uppercase(), format!("a{planted}"), format!("\"{planted}\"")]
        {
            assert_eq!(BrowserSession::of(&with_cookie(&line)), None, "{line}");
        }
        let both = format!("{planted}; {}", pair(&BrowserSession::random()));
        assert_eq!(BrowserSession::of(&with_cookie(&both)), None, "which one is whose, nobody knows");
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
