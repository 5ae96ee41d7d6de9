//! Guessing codes.

use chrono::TimeDelta;
use serde_json::json;

use crate::pages::{Visitor, consent, last_code, wrong};
use crate::support::enrollee::create_with;
use crate::support::{Api, TestApp, reference_body};

/// One mailbox, however it is written.
const FORMS: [&str; 5] = [
    "ann@example.com",
    "ANN@Example.Com",
    "\"ann\"@example.com",
    "\"a\\nn\"@example.com",
    "ann@ｅxample.com",
];

/// A request of some client's to Ann, of one kind or the other.
async fn ask_ann(client: &Api, turn: usize) -> (String, &'static str) {
    let recipient = FORMS[turn % FORMS.len()];
    if turn.is_multiple_of(2) {
        return (create_with(client, json!({ "recipient": recipient })).await, "enroll");
    }
    let mut body = reference_body();
    (body["recipient"], body["scope"]) = (json!(recipient), json!([]));
    let made = client.post("/v1/service/consents", &body).await;
    assert_eq!(made.status, 200, "{}", made.text);
    (made.id(), "approve")
}

/// Guesses until nobody listens any more; how many guesses were compared.
async fn guess(app: &TestApp, clients: &[Api], turn: &mut usize) -> usize {
    let mut compared = 0;
    loop {
        *turn += 1;
        let client = &clients[*turn % clients.len()];
        let (id, action) = ask_ann(client, *turn).await;
        let mut mallory = Visitor::at(client);
        let asked = mallory.ask(&id, action, &[]).await;
        if asked.status == 429 {
            return compared;
        }
        assert_eq!(asked.status, 303, "{}", asked.html);
        let wrong = wrong(&last_code(app));
        for _ in 0..5 {
            let page = mallory.enter(&id, &wrong).await;
            if page.status == 429 {
                return compared;
            }
            assert_eq!(page.status, 422, "{}", page.html);
            compared += 1;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mailbox_takes_fifty_guesses_a_day_over_all_requests_clients_spellings_and_restarts() {
    let mut app = TestApp::start().await;
    let other = app.other_client().await;
    let (mut turn, mut guesses) = (0, vec![]);
    for hour in 0..23 {
        let clients = [app.api.clone(), other.at(&app.api)];
        guesses.push(guess(&app, &clients, &mut turn).await);
        if hour % 8 == 0 {
            let (database, clock, owner) = (app.database_url(), app.clock().clone(), app.api.clone());
            app.stop().await;
            app = TestApp::start_on(database, clock, |_| {}).await;
            app.api = owner.at(&app.api);
        }
        app.advance(TimeDelta::hours(1));
    }
    assert_eq!(guesses[..3], [25, 25, 0]);
    assert_eq!(guesses.iter().sum::<usize>(), 50, "{guesses:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn several_servers_count_guesses_together() {
    let app = TestApp::start().await;
    let twin = app.twin().await;
    let mut compared = 0;
    'guessing: for server in [&app, &twin].into_iter().cycle() {
        let (id, action) = ask_ann(&server.api, compared).await;
        let mut mallory = Visitor::at(&server.api);
        if mallory.ask_as(&app, &id, action).await != 303 {
            break;
        }
        let wrong = wrong(&last_code(server));
        for _ in 0..5 {
            match mallory.enter_as(&app, &id, &wrong).await {
                422 => compared += 1,
                status => {
                    assert_eq!(status, 429);
                    break 'guessing;
                }
            }
        }
    }
    assert_eq!(compared, 25);
}

/// The second server has the first one's public URL: that is where its forms say that they come from.
impl Visitor {
    async fn ask_as(&mut self, public: &TestApp, id: &str, action: &str) -> u16 {
        let page = self.open(id).await;
        let (csrf, sequence) = (page.field("csrf"), page.field("sequence"));
        let fields = [("csrf", csrf.as_str()), ("sequence", &sequence), ("action", action)];
        self.post_as(public, &format!("/r/{id}/code"), &fields).await
    }

    async fn enter_as(&mut self, public: &TestApp, id: &str, code: &str) -> u16 {
        let csrf = self.get(&format!("/r/{id}/code")).await.field("csrf");
        self.post_as(public, &format!("/r/{id}/decide"), &[("csrf", &csrf), ("code", code)]).await
    }

    async fn post_as(&mut self, public: &TestApp, path: &str, fields: &[(&str, &str)]) -> u16 {
        let request = self.request(reqwest::Method::POST, path).header("Origin", public.url("")).form(fields);
        self.send(request).await.status
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_to_reject_rejects_whatever_the_form_says() {
    let app = TestApp::start().await;
    let id = app.create_consent().await;
    let mut ann = Visitor::new(&app);
    ann.ask(&id, "reject", &[]).await;
    let csrf = ann.csrf(&id).await;
    let code = last_code(&app);
    let fields = [
        ("csrf", csrf.as_str()),
        ("code", &code),
        ("action", "approve"),
        ("sequence", "1"),
        ("scope", "name"),
        ("claim.name", "Ann"),
    ];
    assert_eq!(ann.post(&format!("/r/{id}/decide"), &fields).await.status, 303);
    assert_eq!(consent(&app, &id).await["status"], "rejected");
}

/// A picture of a code is as good as the link: whoever has either still has to read the recipient's messages.
#[tokio::test(flavor = "multi_thread")]
async fn a_scanned_code_proves_nothing() {
    let app = TestApp::start().await;
    let id = app.create_consent().await;
    let made = app.api.post("/v1/qr/generate", &json!({ "type": "consent", "referenceId": id })).await;
    let mut mallory = Visitor::new(&app);
    let led = mallory.get(&format!("/qr/{}", made.id())).await;
    assert_eq!(led.status, 303);
    let page = mallory.get(led.location()).await;
    assert!(page.says("+1 ••• 90") && !page.says("1234567890"));
    let (csrf, via) = (page.field("csrf"), page.field("via"));
    let fields = [("csrf", csrf.as_str()), ("via", &via), ("sequence", "1"), ("action", "reject")];
    for path in ["decide", "again"] {
        let page = mallory.post(&format!("/r/{id}/{path}"), &fields).await;
        assert_eq!((page.status, page.heading()), (403, "No code was asked for here"), "{path}");
    }
    assert_eq!(mallory.post(&format!("/r/{id}/code"), &fields).await.status, 303);
    assert_eq!(mallory.enter(&id, &wrong(&last_code(&app))).await.status, 422);
    assert_eq!(consent(&app, &id).await["status"], "pending");
}
