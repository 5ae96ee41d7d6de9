//! Somebody at the pages under `/me`: their browser there, and their authenticator.

use serde_json::Value;

use crate::pages::{Page, Visitor};
use crate::support::authenticator::Authenticator;
use crate::support::enrollee::{Enrollee, create_with};
use crate::support::{Api, TestApp};

pub struct Guest {
    pub browser: Visitor,
    pub authenticator: Authenticator,
}

/// Somebody who enrolled with a client by this handle, not signed in yet.
pub async fn ann(app: &TestApp, api: &Api, handle: &str) -> Guest {
    let mut ann = Enrollee::new(&app.api);
    let id = create_with(api, serde_json::json!({ "recipient": handle })).await;
    let page = ann.enroll(app, &id).await;
    assert_eq!(page.heading(), "Your passkey is set up", "{}", page.html);
    Guest { browser: Visitor::new(app), authenticator: ann.authenticator }
}

/// Messages to a handle, oldest first.
pub fn messages_to(app: &TestApp, handle: &str) -> Vec<Value> {
    app.outbox().into_iter().filter(|message| message["to"] == handle).collect()
}

/// Those of them that have a code.
pub fn codes_to(app: &TestApp, handle: &str) -> Vec<Value> {
    messages_to(app, handle).into_iter().filter(|message| message["code"].is_string()).collect()
}

/// The code in the next such message to a handle, of which there were that many: it is sent after the answer.
pub async fn code_sent_to(app: &TestApp, handle: &str, before: usize) -> String {
    let sent = async {
        loop {
            if let Some(message) = codes_to(app, handle).get(before) {
                return message["code"].as_str().unwrap().to_owned();
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), sent).await.unwrap()
}

impl Guest {
    /// Without a passkey.
    pub fn new(app: &TestApp) -> Self {
        Self { browser: Visitor::new(app), authenticator: Authenticator::at(&app.url("")) }
    }

    /// The same person at another browser, with the same authenticator.
    pub fn at_another_browser(&mut self, app: &TestApp) -> Visitor {
        std::mem::replace(&mut self.browser, Visitor::new(app))
    }

    pub async fn home(&mut self) -> Page {
        self.browser.get("/me").await
    }

    /// This browser's token for the forms under `/me`.
    pub async fn csrf(&mut self) -> String {
        self.home().await.field("csrf")
    }

    /// Sends a form with this browser's token.
    pub async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Page {
        let csrf = self.csrf().await;
        let mut all = vec![("csrf", csrf.as_str())];
        all.extend(fields);
        self.browser.post(path, &all).await
    }

    /// Has a passkey asked for and shows it, or creates one.
    pub async fn press(&mut self, asking: &str, answering: &str, fields: &[(&str, &str)]) -> Page {
        let begun = self.post(asking, fields).await;
        assert_eq!(begun.status, 200, "{}", begun.html);
        let begun: Value = serde_json::from_str(&begun.html).unwrap();
        let credential = match &begun["create"] {
            Value::Null => self.authenticator.get(&begun["get"]),
            options => self.authenticator.create(options),
        };
        self.answer(answering, fields, &begun, &credential).await
    }

    pub async fn answer(
        &mut self,
        finish: &str,
        fields: &[(&str, &str)],
        begun: &Value,
        credential: &Value,
    ) -> Page {
        let credential = credential.to_string();
        let mut all = fields.to_vec();
        all.extend([("session", begun["session"].as_str().unwrap()), ("credential", &credential)]);
        self.post(finish, &all).await
    }

    /// Signs in with the passkey; the page that follows.
    pub async fn sign_in(&mut self) -> Page {
        let done = self.press("/me/passkey/begin", "/me/passkey", &[]).await;
        assert_eq!((done.status, done.location()), (303, "/me"), "{}", done.html);
        self.home().await
    }

    /// Asks for a code to a handle.
    pub async fn ask(&mut self, handle: &str) -> Page {
        self.post("/me/code", &[("handle", handle)]).await
    }

    /// Enters a code where one is asked for.
    pub async fn enter(&mut self, code: &str) -> Page {
        self.post("/me/decide", &[("code", code)]).await
    }

    /// Signs in with a code to a handle; the page that follows.
    pub async fn sign_in_by_code(&mut self, app: &TestApp, handle: &str) -> Page {
        let before = codes_to(app, handle).len();
        let asked = self.ask(handle).await;
        assert_eq!((asked.status, asked.location()), (303, "/me/code"), "{}", asked.html);
        let code = code_sent_to(app, handle, before).await;
        let entered = self.enter(&code).await;
        assert_eq!((entered.status, entered.location()), (303, "/me"), "{}", entered.html);
        self.home().await
    }

    pub async fn is_signed_in(&mut self) -> bool {
        let page = self.home().await;
        assert_eq!(page.status, 200, "{}", page.html);
        page.says("Sign out everywhere")
    }

    /// The page of one of their consents.
    pub async fn open(&mut self, id: &str) -> Page {
        self.browser.get(&format!("/me/consents/{id}")).await
    }

    /// Where their passkeys are dropped, as the overview says.
    pub async fn passkeys(&mut self) -> Vec<String> {
        let html = self.home().await.html;
        let parts = html.split("href=\"/me/passkeys/").skip(1);
        parts.map(|part| format!("/me/passkeys/{}", part.split('"').next().unwrap())).collect()
    }
}
