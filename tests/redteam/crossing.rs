//! What was begun for one thing, in one tab, is brought to another.

use futures::future::join_all;
use serde_json::{Value, json};

use crate::me::Guest;
use crate::pages::{ALL, Page, Visitor, consent};
use crate::support::authenticator::{Authenticator, begin, complete, device_of};
use crate::support::enrollee::{Enrollee, create};
use crate::support::login::{ann, generate};
use crate::support::{Reply, TestApp};

/// Ceremonies of one person in one browser, each for something else.
struct Begun {
    /// What a page is at.
    id: String,
    asked: Value,
    credential: Value,
}

async fn begin_all(app: &TestApp, ann: &mut Enrollee) -> Vec<Begun> {
    let (enrollment, login) = (create(&app.api).await, generate(&app.api).await);
    let consents = [app.create_consent().await, app.create_consent().await];
    // These two give the browser another session, and come before everything that is bound to it.
    ann.prove(app, &enrollment).await;
    ann.match_number(&login).await;
    let mut approve = vec![("action", "approve")];
    approve.extend(ALL);
    let wanted = [
        (consents[0].clone(), approve),
        (consents[1].clone(), vec![("action", "reject")]),
        (enrollment, vec![]),
        (login.id, vec![]),
    ];
    let mut begun = vec![];
    for (id, fields) in wanted {
        let asked = ann.begin(&id, &fields).await;
        let credential = ann.answer(&asked);
        begun.push(Begun { id, asked, credential });
    }
    begun
}

async fn is_refused_by_the_api(app: &TestApp, session: &Value, credential: &Value) {
    let answered: Reply = complete(&app.api, &json!({ "sessionId": session }), credential).await;
    assert_eq!(
        (answered.status, &answered.data()["reason"]),
        (422, &json!("session_expired")),
        "{}",
        answered.text
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_passkey_answered_for_one_thing_is_taken_for_no_other() {
    let app = TestApp::start().await;
    let (mut ann, _) = ann(&app).await;
    let (_, mut own) = device_of(&app.api, "ann").await;
    let begun = begin_all(&app, &mut ann).await;
    let of_client = begin(&app.api, None).await;
    let of_client = json!({ "session": of_client["sessionId"], "get": of_client["publicKey"] });
    let credential_of_client = own.get(&of_client["get"]);
    let mut guest = Guest::new(&app);
    for one in &begun {
        for other in begun.iter().filter(|other| other.id != one.id) {
            let page = ann.finish(&other.id, &one.asked, &one.credential).await;
            assert_eq!(page.status, 422, "{} at {}: {}", one.id, other.id, page.html);
        }
        let page = guest.answer("/me/passkey", &[], &one.asked, &one.credential).await;
        assert_eq!(page.status, 422, "{} at /me: {}", one.id, page.html);
        is_refused_by_the_api(&app, &one.asked["session"], &one.credential).await;
        let page = ann.finish(&one.id, &of_client, &credential_of_client).await;
        assert_eq!(page.status, 422, "a client's at {}: {}", one.id, page.html);
    }
    assert!(!guest.is_signed_in().await);
    for event_type in
        ["consent.proved", "consent.approved", "consent.rejected", "auth.success", "enrollment.completed"]
    {
        let before = i64::from(event_type == "enrollment.completed");
        assert_eq!(app.count(event_type).await, before, "{event_type}");
    }
    // None of it was used up, or told the counter anything.
    assert_eq!(ann.finish(&begun[0].id, &begun[0].asked, &begun[0].credential).await.status, 303);
    assert_eq!(
        complete(&app.api, &json!({ "sessionId": of_client["session"] }), &credential_of_client).await.status,
        200
    );
    assert_eq!(consent(&app, &begun[0].id).await["status"], "approved");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_begun_to_sign_in_to_ones_own_decides_nothing_and_logs_nobody_in() {
    let app = TestApp::start().await;
    let (mut ann, _) = ann(&app).await;
    let id = app.create_consent().await;
    let mut guest = Guest::new(&app);
    let begun = guest.post("/me/passkey/begin", &[]).await;
    let begun: Value = serde_json::from_str(&begun.html).unwrap();
    let credential = ann.authenticator.get(&begun["get"]);
    // Even under the cookie of the one in place of the other.
    let token = guest.browser.cookie.as_deref().unwrap().split_once('=').unwrap().1.to_owned();
    ann.browser.open(&id).await;
    let (name, _) = ann.browser.cookie.as_deref().unwrap().split_once('=').unwrap();
    ann.browser.cookie = Some(format!("{name}={token}"));
    let page = ann.finish(&id, &begun, &credential).await;
    assert_eq!(page.status, 422, "{}", page.html);
    is_refused_by_the_api(&app, &begun["session"], &credential).await;
    assert_eq!(consent(&app, &id).await["status"], "pending");
    assert_eq!(guest.answer("/me/passkey", &[], &begun, &credential).await.status, 303);
    assert!(guest.is_signed_in().await);
}

/// The answer of a passkey to one tab of a browser, ready to be sent.
async fn answered(ann: &mut Enrollee, id: &str, fields: &[(&str, &str)]) -> reqwest::RequestBuilder {
    let page = ann.browser.open(id).await;
    let begun = ann.begin(id, fields).await;
    let credential = ann.answer(&begun).to_string();
    let (csrf, sequence) = (page.field("csrf"), page.field("sequence"));
    let session = begun["session"].as_str().unwrap();
    let fields =
        [("csrf", csrf.as_str()), ("sequence", &sequence), ("session", session), ("credential", &credential)];
    ann.browser.form(&format!("/r/{id}/passkey"), &fields)
}

#[tokio::test(flavor = "multi_thread")]
async fn two_tabs_that_decide_at_once_decide_once() {
    let app = TestApp::start().await;
    let twin = app.twin().await;
    let mut ann = Enrollee::new(&app.api);
    ann.authenticator.counter = None;
    ann.enroll(&app, &create(&app.api).await).await;
    let mut approve = vec![("action", "approve")];
    approve.extend(ALL);
    for round in 1..=6 {
        let id = app.create_consent().await;
        let one = answered(&mut ann, &id, &approve).await;
        let other = answered(&mut ann, &id, &[("action", "reject")]).await;
        // And the client takes it back, now and then, at another server.
        let revoking = async {
            if round % 2 == 1 {
                return false;
            }
            twin.api.delete(&format!("/v1/service/consents/{id}")).await.status == 200
        };
        let (mut tab, mut another) = (ann.browser.clone(), ann.browser.clone());
        let (one, other, revoked) = tokio::join!(tab.try_send(one), another.try_send(other), revoking);
        let (one, other) = (one.unwrap(), other.unwrap());
        let decided = [&one, &other].iter().filter(|page| page.status == 303).count();
        assert!(decided <= 1 && (decided == 1 || revoked), "{} {}", one.html, other.html);
        for page in [&one, &other] {
            assert!([303, 409].contains(&page.status), "{}", page.html);
        }
        let told = app.api.get(&format!("/v1/service/consents/{id}/history")).await;
        let items = told.data()["items"].as_array().unwrap().clone();
        let times = |types: &[&str]| {
            items.iter().filter(|item| types.contains(&item["type"].as_str().unwrap())).count()
        };
        assert_eq!(times(&["consent.approved", "consent.rejected"]), decided, "{items:?}");
        let evidence = app.api.get(&format!("/v1/service/consents/{id}/evidence")).await;
        assert_eq!(evidence.data()["items"].as_array().unwrap().len(), decided);
        if decided == 1 {
            let done = if one.status == 303 { "approve" } else { "reject" };
            assert_eq!(evidence.data()["items"][0]["action"], done);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_tabs_that_create_a_passkey_at_once_create_one() {
    let app = TestApp::start().await;
    let id = create(&app.api).await;
    let mut ann = Enrollee::new(&app.api);
    ann.prove(&app, &id).await;
    let mut tabs = vec![];
    for _ in 0..6 {
        ann.authenticator = Authenticator::at(&app.url(""));
        tabs.push((answered(&mut ann, &id, &[]).await, ann.browser.clone()));
    }
    let pages: Vec<Page> =
        join_all(tabs.into_iter().map(|(form, mut tab)| async move { tab.try_send(form).await.unwrap() }))
            .await;
    let created = pages.iter().filter(|page| page.status == 303).count();
    assert_eq!(
        created,
        1,
        "{:?}",
        pages.iter().map(|page| (page.status, page.heading())).collect::<Vec<_>>()
    );
    for event_type in ["person.passkey_added", "device.registered", "enrollment.device_registered"] {
        assert_eq!(app.count(event_type).await, 1, "{event_type}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_who_begin_anew_at_once_begin_once_and_the_former_holder_is_told() {
    let app = TestApp::start().await;
    ann(&app).await;
    let mut anew = vec![];
    for _ in 0..4 {
        let id = create(&app.api).await;
        let mut somebody = Enrollee::new(&app.api);
        somebody.prove(&app, &id).await;
        let csrf = somebody.browser.csrf(&id).await;
        anew.push((somebody.browser.form(&format!("/r/{id}/recover"), &[("csrf", &csrf)]), somebody.browser));
    }
    let pages: Vec<Page> =
        join_all(anew.into_iter().map(|(form, mut tab)| async move { tab.try_send(form).await.unwrap() }))
            .await;
    for page in &pages {
        assert!([303, 409].contains(&page.status), "{}", page.html);
    }
    assert_eq!(app.count("person.handle_released").await, 1);
    let told = |message: &Value| message["subject"].as_str().unwrap().contains("passkeys were set aside");
    assert!(app.outbox().iter().any(told));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_with_something_there_twice_decides_nothing() {
    let app = TestApp::start().await;
    let (mut ann, _) = ann(&app).await;
    let (id, login) = (app.create_consent().await, generate(&app.api).await);
    let page = ann.browser.open(&id).await;
    let (csrf, sequence) = (page.field("csrf"), page.field("sequence"));
    let good = [("csrf", csrf.as_str()), ("sequence", &sequence), ("action", "reject")];
    for (name, twice) in [("csrf", csrf.as_str()), ("csrf", "x"), ("sequence", "0"), ("action", "approve")] {
        for first in [true, false] {
            let mut fields = good.to_vec();
            fields.insert(if first { 0 } else { fields.len() }, (name, twice));
            for path in ["code", "passkey/begin"] {
                let page = ann.browser.post(&format!("/r/{id}/{path}"), &fields).await;
                assert_eq!((page.status, page.says("twice")), (400, true), "{name}: {}", page.html);
            }
        }
    }
    let csrf = ann.browser.csrf(&login.id).await;
    let numbers = (0..1_000).map(|number| format!("{number:03}")).take(100).collect::<Vec<_>>();
    let mut fields = vec![("csrf", csrf.as_str()), ("action", "continue")];
    fields.extend(numbers.iter().map(|number| ("number", number.as_str())));
    let page = ann.browser.post(&format!("/r/{}/decide", login.id), &fields).await;
    assert_eq!(page.status, 400, "{}", page.html);
    assert_eq!((app.count("qr.number_refused").await, app.count("qr.number_matched").await), (0, 0));
    assert_eq!(consent(&app, &id).await["status"], "pending");
    assert_eq!(Visitor::new(&app).ask(&id, "reject", &[]).await.status, 303);
}
