//! Somebody at the hosted pages, who looks again where no answer comes and goes on with whatever the page says.

use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rand::RngExt;
use rand::rngs::StdRng;
use reqwest::{Method, RequestBuilder};
use serde_json::Value;

use super::Run;
use crate::pages::{Page, Visitor};
use crate::support::authenticator::Authenticator;

/// How long somebody tries before it is the server's fault: far longer than a kill keeps anybody away.
const PATIENCE: Duration = Duration::from_mins(1);
/// Pages on which a passkey is all that there is to do.
const PASSKEY_PAGES: [&str; 4] =
    ["Create your passkey", "Use your passkey", "Try your passkey", "Confirm with your passkey"];

/// What somebody came for.
pub enum Errand<'a> {
    Enroll,
    ApproveByPasskey,
    ApproveByCode,
    /// With the number beside the code.
    LogIn(&'a str),
}

impl Errand<'_> {
    fn is_done(&self, heading: &str) -> bool {
        match self {
            Self::Enroll => heading == "Your passkey is set up",
            Self::ApproveByPasskey | Self::ApproveByCode => heading == "Approved",
            // Whose answer was lost sees what anybody else would.
            Self::LogIn(_) => ["You are signed in", "This QR code was used"].contains(&heading),
        }
    }
}

/// A form that was sent, with the cookie that it was sent with.
struct Sent {
    path: String,
    fields: Vec<(String, String)>,
    cookie: Option<String>,
}

pub struct Somebody {
    run: Arc<Run>,
    browser: Visitor,
    authenticator: Authenticator,
    random: StdRng,
    /// The last form that decided something.
    last: Option<Sent>,
}

impl Somebody {
    /// At an address of their own, as one address gets so many codes in an hour.
    pub fn new(run: &Arc<Run>, number: u32) -> Self {
        let [_, high, middle, low] = (number + 1).to_be_bytes();
        let address = IpAddr::V4(Ipv4Addr::new(127, 64 + high, middle, low));
        let http = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .local_address(address)
            .timeout(Duration::from_secs(20))
            .build()
            .unwrap();
        Self {
            run: run.clone(),
            browser: Visitor::at(&run.api.over(http)),
            authenticator: Authenticator::at(&run.api.url("")),
            random: rand::SeedableRng::seed_from_u64(u64::from(number)),
            last: None,
        }
    }

    /// Does what they came for; `false` if they were told to come again in an hour.
    pub async fn go(&mut self, id: &str, errand: &Errand<'_>) -> bool {
        let done = tokio::time::timeout(PATIENCE, async {
            let mut look = tokio::time::interval(Duration::from_millis(20));
            loop {
                look.tick().await;
                let open = self.browser.request(Method::GET, &format!("/r/{id}"));
                let Some(page) = self.sent(open).await else { continue };
                if errand.is_done(page.heading()) {
                    return true;
                }
                assert_eq!((page.status, page.find_field("csrf").is_some()), (200, true), "{}", page.html);
                if self.act(&page, id, errand).await.is_some_and(|answer| answer.status == 429) {
                    return false;
                }
            }
        });
        done.await.unwrap_or_else(|_| panic!("{id} gets nowhere"))
    }

    /// Does what a page says; the last answer, if there was one.
    async fn act(&mut self, page: &Page, id: &str, errand: &Errand<'_>) -> Option<Page> {
        let approve = [("action", "approve"), ("scope", "name"), ("claim.name", "Ann Example")];
        match errand {
            _ if PASSKEY_PAGES.contains(&page.heading()) => self.passkey(page, id, &[]).await,
            Errand::ApproveByPasskey => self.passkey(page, id, &approve).await,
            Errand::ApproveByCode => self.code(page, id, &approve).await,
            Errand::Enroll => self.code(page, id, &[("action", "enroll")]).await,
            Errand::LogIn(number) => {
                let csrf = page.field("csrf");
                let fields = [("csrf", csrf.as_str()), ("action", "continue"), ("number", number)];
                self.decide(&format!("/r/{id}/decide"), &fields).await
            }
        }
    }

    /// Has a code sent, and enters it.
    async fn code(&mut self, page: &Page, id: &str, fields: &[(&str, &str)]) -> Option<Page> {
        let (csrf, sequence) = (page.field("csrf"), page.field("sequence"));
        let mut all = vec![("csrf", csrf.as_str()), ("sequence", &sequence)];
        all.extend(fields);
        let asked = self.sent(self.browser.form(&format!("/r/{id}/code"), &all)).await?;
        if asked.status != 303 {
            return Some(asked);
        }
        let code = take_code(&self.run.outbox, id).expect("a code was sent");
        self.decide(&format!("/r/{id}/decide"), &[("csrf", &csrf), ("code", &code)]).await
    }

    /// Has a passkey asked for, and shows or makes it.
    async fn passkey(&mut self, page: &Page, id: &str, fields: &[(&str, &str)]) -> Option<Page> {
        let (csrf, sequence) = (page.field("csrf"), page.field("sequence"));
        let mut all = vec![("csrf", csrf.as_str()), ("sequence", &sequence)];
        all.extend(fields);
        let begun = self.sent(self.browser.form(&format!("/r/{id}/passkey/begin"), &all)).await?;
        if begun.status != 200 {
            return Some(begun);
        }
        let begun: Value = serde_json::from_str(&begun.html).unwrap();
        let credential = match &begun["create"] {
            Value::Null => self.authenticator.get(&begun["get"]),
            options => self.authenticator.create(options),
        };
        let (credential, session) = (credential.to_string(), begun["session"].as_str().unwrap());
        all.extend([("session", session), ("credential", &credential)]);
        self.decide(&format!("/r/{id}/passkey"), &all).await
    }

    /// Sends a form that counts once: now and then twice at the same time, as a double click does.
    async fn decide(&mut self, path: &str, fields: &[(&str, &str)]) -> Option<Page> {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        self.last = Some(Sent {
            path: path.to_owned(),
            fields: fields.iter().map(owned).collect(),
            cookie: self.browser.cookie.clone(),
        });
        let form = self.browser.form(path, fields);
        if !self.random.random_bool(0.25) {
            return self.sent(form).await;
        }
        let (mut other, again) = (self.browser.clone(), self.browser.form(path, fields));
        let (one, two) = tokio::join!(self.browser.try_send(form), other.try_send(again));
        if other.cookie != self.last.as_ref()?.cookie {
            // The one click of the two that counted.
            self.browser = other;
        }
        let one = self.run.heard(one);
        self.run.heard(two).filter(|page| page.status == 303).or(one)
    }

    /// Sends what counted last once more, with the cookie of that time: whatever comes back, it counts no more.
    pub async fn send_again(&self) {
        let Some(last) = &self.last else { return };
        let mut browser = self.browser.clone();
        browser.cookie.clone_from(&last.cookie);
        let fields: Vec<_> =
            last.fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let answer = browser.try_send(browser.form(&last.path, &fields)).await;
        self.run.heard(answer);
    }

    /// What a page answered that can be relied on.
    async fn sent(&mut self, request: RequestBuilder) -> Option<Page> {
        let answer = self.browser.try_send(request).await;
        let page = self.run.heard(answer)?;
        // Done, asked for more, too late, changed, to be proved again, or too often: nothing that a page does not explain.
        assert!([200, 303, 403, 409, 422, 429].contains(&page.status), "{} {}", page.status, page.html);
        Some(page)
    }
}

/// The code that was sent last for a resource; what was sent for it is then gone from the outbox.
fn take_code(outbox: &Path, id: &str) -> Option<String> {
    let files = std::fs::read_dir(outbox).unwrap().map(|entry| entry.unwrap().path());
    let mut found: Vec<(PathBuf, String)> = files
        .filter_map(|path| {
            // Those of others go while one looks.
            let message: Value = serde_json::from_slice(&std::fs::read(&path).ok()?).ok()?;
            let code = message["code"].as_str()?.to_owned();
            (message["resourceId"] == id).then_some((path, code))
        })
        .collect();
    found.sort();
    for (path, _) in &found {
        std::fs::remove_file(path).unwrap();
    }
    found.pop().map(|(_, code)| code)
}

/// A client's own user, who has their passkey on the client's own pages.
pub struct OwnUser {
    pub run: Arc<Run>,
    pub name: String,
    authenticator: Authenticator,
}

impl OwnUser {
    /// With an authenticator that counts or not: one that does would give away by itself what is sent again.
    pub fn new(run: &Arc<Run>, name: &str, counts: bool) -> Self {
        let mut authenticator = Authenticator::at(&run.api.url(""));
        authenticator.counter = counts.then_some(0);
        Self { run: run.clone(), name: name.to_owned(), authenticator }
    }

    /// Registers, or logs in; begins anew where the session was lost with an answer. The id of the device.
    pub async fn ceremony(&mut self, register: bool, key: &str) -> String {
        let routes = if register { "register" } else { "authenticate" };
        for turn in 0.. {
            let body = serde_json::json!({ "userId": self.name });
            let begun = self.run.ask(&format!("/v1/auth/fido/{routes}/begin"), None, &body).await;
            assert_eq!(begun.status, 200, "{}", begun.body);
            let options = &begun.body["data"]["publicKey"];
            let authenticator = &mut self.authenticator;
            let credential =
                if register { authenticator.create(options) } else { authenticator.get(options) };
            let session = &begun.body["data"]["sessionId"];
            let answer = serde_json::json!({ "sessionId": session, "credential": credential });
            let path = format!("/v1/auth/fido/{routes}/complete");
            let done = self.run.ask(&path, Some(&format!("{key}-{turn}")), &answer).await;
            if done.status == 200 {
                self.replayed(&path, &answer).await;
                return done.body["data"]["deviceId"].as_str().unwrap().to_owned();
            }
            // It was taken by a try whose answer never came.
            let lost = (done.status, &done.body["data"]["reason"], done.sent_again);
            assert_eq!(lost, (422, &serde_json::json!("session_expired"), true), "{}", done.body);
        }
        unreachable!()
    }

    /// What counted once does not count again.
    async fn replayed(&self, path: &str, answer: &Value) {
        let again = self.run.ask(path, None, answer).await;
        let said = (again.status, &again.body["data"]["reason"]);
        assert_eq!(said, (422, &serde_json::json!("session_expired")), "{path}: {}", again.body);
    }
}
