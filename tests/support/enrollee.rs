//! Somebody who enrolls: their browser, the messages that they read, and their authenticator.

use serde_json::{Value, json};

use super::authenticator::Authenticator;
use super::{Api, RECIPIENT, TestApp};
use crate::pages::{Page, Visitor, last_code};

/// Enrolled, and ready for more.
pub struct Enrollee {
    pub browser: Visitor,
    pub authenticator: Authenticator,
}

/// A pending enrollment of the reference's recipient; its id.
pub async fn create(api: &Api) -> String {
    create_with(api, json!({})).await
}

/// The same with more fields, or others.
pub async fn create_with(api: &Api, changes: Value) -> String {
    let mut body = json!({ "recipient": RECIPIENT });
    for (name, value) in changes.as_object().unwrap() {
        body[name] = value.clone();
    }
    let reply = api.post("/v1/enrollments", &body).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    reply.id()
}

impl Enrollee {
    /// With a browser that has been nowhere, and an authenticator without a passkey.
    pub fn new(api: &Api) -> Self {
        let authenticator = Authenticator::at(&api.url(""));
        Self { browser: Visitor::at(api), authenticator }
    }

    /// Asks for a code and enters it; the page that follows.
    pub async fn prove(&mut self, app: &TestApp, id: &str) -> Page {
        self.prove_with(id, || last_code(app)).await
    }

    /// The same where the code is read elsewhere.
    pub async fn prove_with(&mut self, id: &str, code: impl FnOnce() -> String) -> Page {
        let asked = self.browser.ask(id, "enroll", &[]).await;
        assert_eq!(asked.status, 303, "{}", asked.html);
        let entered = self.browser.enter(id, &code()).await;
        assert_eq!(entered.status, 303, "{}", entered.html);
        self.browser.open(id).await
    }

    /// What the page's script would be told to ask for.
    pub async fn begin(&mut self, id: &str, fields: &[(&str, &str)]) -> Value {
        let page = self.try_begin(id, fields).await;
        assert_eq!(page.status, 200, "{}", page.html);
        serde_json::from_str(&page.html).unwrap()
    }

    pub async fn try_begin(&mut self, id: &str, fields: &[(&str, &str)]) -> Page {
        let page = self.browser.open(id).await;
        let (csrf, sequence) = (page.field("csrf"), page.field("sequence"));
        let mut all = vec![("csrf", csrf.as_str()), ("sequence", &sequence)];
        all.extend(fields);
        self.browser.post(&format!("/r/{id}/passkey/begin"), &all).await
    }

    /// What the authenticator answers to it.
    pub fn answer(&mut self, begun: &Value) -> Value {
        match &begun["create"] {
            Value::Null => self.authenticator.get(&begun["get"]),
            options => self.authenticator.create(options),
        }
    }

    /// Sends the answer with the page's form.
    pub async fn finish(&mut self, id: &str, begun: &Value, credential: &Value) -> Page {
        let page = self.browser.open(id).await;
        let (csrf, sequence) = (page.find_field("csrf").unwrap_or_default(), page.find_field("sequence"));
        let (credential, sequence) = (credential.to_string(), sequence.unwrap_or_default());
        let session = begun["session"].as_str().unwrap();
        let fields = [
            ("csrf", csrf.as_str()),
            ("sequence", &sequence),
            ("session", session),
            ("credential", &credential),
        ];
        self.browser.post(&format!("/r/{id}/passkey"), &fields).await
    }

    /// Creates a passkey, or uses the one there is, as the page says; the page that follows.
    pub async fn passkey(&mut self, id: &str) -> Page {
        let begun = self.begin(id, &[]).await;
        let credential = self.answer(&begun);
        let done = self.finish(id, &begun, &credential).await;
        if done.status == 303 { self.browser.open(id).await } else { done }
    }

    /// All the way.
    pub async fn enroll(&mut self, app: &TestApp, id: &str) -> Page {
        self.prove(app, id).await;
        self.passkey(id).await;
        self.passkey(id).await
    }
}

/// An enrollment that waits for its passkey to be verified, with who can do it.
pub async fn registered(app: &TestApp) -> (String, Enrollee) {
    // Codes to one address are few: whoever wants many of these has as many people.
    let recipient = format!("{}@example.com", mobid::ids::new_id().simple());
    let id = create_with(&app.api, json!({ "recipient": recipient })).await;
    let mut ann = Enrollee::new(&app.api);
    ann.prove(app, &id).await;
    let page = ann.passkey(&id).await;
    assert_eq!(page.heading(), "Try your passkey", "{}", page.html);
    (id, ann)
}
