//! A login by QR code: the client that shows the code, and whoever scans it.

use serde_json::{Value, json};

use super::enrollee::{Enrollee, create};
use super::{Api, TestApp};
use crate::pages::{Page, Visitor};

/// A code as its client has it.
pub struct Login {
    pub id: String,
    pub number: String,
    /// The login's own.
    pub reference: String,
    pub watch_token: String,
}

/// A code for a login, good for as long as one can be.
pub async fn generate(api: &Api) -> Login {
    generate_for(api, 15).await
}

pub async fn generate_for(api: &Api, minutes: u32) -> Login {
    let reply = api.post("/v1/qr/generate", &json!({ "type": "login", "expiresIn": minutes })).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    let text = |name: &str| reply.data()[name].as_str().unwrap().to_owned();
    let (number, reference) = (text("matchingNumber"), text("referenceId"));
    Login { id: reply.id(), number, reference, watch_token: text("watchToken") }
}

impl Login {
    /// Another number than the right one.
    pub fn wrong(&self, n: u32) -> String {
        assert!((1..1_000).contains(&n));
        format!("{:03}", (self.number.parse::<u32>().unwrap() + n) % 1_000)
    }

    /// As its client reads it.
    pub async fn seen(&self, api: &Api) -> Value {
        let reply = api.get(&format!("/v1/qr/{}", self.id)).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        reply.data().clone()
    }
}

/// Presses a button of the page that asks for the number.
pub async fn press(browser: &mut Visitor, id: &str, action: &str, number: &str) -> Page {
    let csrf = browser.csrf(id).await;
    let fields = [("csrf", csrf.as_str()), ("action", action), ("number", number)];
    browser.post(&format!("/r/{id}/decide"), &fields).await
}

pub async fn enter(browser: &mut Visitor, id: &str, number: &str) -> Page {
    press(browser, id, "continue", number).await
}

impl Enrollee {
    /// Enters the right number, and is asked for the passkey.
    pub async fn match_number(&mut self, login: &Login) -> Page {
        let entered = enter(&mut self.browser, &login.id, &login.number).await;
        assert_eq!(entered.status, 303, "{}", entered.html);
        self.browser.open(&login.id).await
    }

    /// All the way; the page that follows.
    pub async fn log_in(&mut self, login: &Login) -> Page {
        self.match_number(login).await;
        self.passkey(&login.id).await
    }
}

/// Somebody who enrolled by the reference's recipient's number; the enrollment's id.
pub async fn ann(app: &TestApp) -> (Enrollee, String) {
    let id = create(&app.api).await;
    let mut ann = Enrollee::new(&app.api);
    ann.enroll(app, &id).await;
    (ann, id)
}
