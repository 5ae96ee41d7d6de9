//! Somebody else's code, shown to a person with a passkey; numbers that are guessed; and many at once.

use futures::future::join_all;
use serde_json::{Value, json};

use super::logins::logins;
use crate::pages::{Page, Visitor};
use crate::support::TestApp;
use crate::support::enrollee::{Enrollee, create_with};
use crate::support::login::{Login, ann, enter, generate};

async fn end(app: &TestApp, login: &Login) -> Value {
    let seen = login.seen(&app.api).await;
    assert_eq!(seen["result"], Value::Null);
    json!([seen["status"], seen["endReason"]])
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_shown_somebody_elses_code_without_its_number_logs_nobody_in() {
    let app = TestApp::start().await;
    let (mut victim, _) = ann(&app).await;
    // The attacker began this on the client's page, and alone sees the number there.
    let relayed = generate(&app.api).await;
    let mut attacker = Visitor::new(&app);
    assert_eq!(enter(&mut attacker, &relayed.id, &relayed.number).await.status, 303);
    assert_eq!(attacker.open(&relayed.id).await.heading(), "Confirm with your passkey");

    let led = victim.browser.get(&format!("/qr/{}", relayed.id)).await;
    let page = victim.browser.get(led.location()).await;
    assert_eq!(page.heading(), "Sign in to Owner", "the attacker's number is the attacker's browser's");
    assert!(page.says("If somebody sent you this code"), "{}", page.html);
    let begun = victim.try_begin(&relayed.id, &[]).await;
    assert_eq!(begun.status, 403, "no passkey is asked for without the number");
    // Nor does what the attacker was asked for help, though the victim's passkey signed it.
    let csrf = attacker.csrf(&relayed.id).await;
    let asked = attacker.post(&format!("/r/{}/passkey/begin", relayed.id), &[("csrf", &csrf)]).await;
    let asked: Value = serde_json::from_str(&asked.html).unwrap();
    let signed = victim.answer(&asked);
    let refused = victim.finish(&relayed.id, &asked, &signed).await;
    assert_eq!((refused.status, refused.location()), (303, format!("/r/{}", relayed.id).as_str()));
    assert_eq!(end(&app, &relayed).await, json!(["scanned", null]));
    // Guessing ends it.
    for (n, status) in [(1, 422), (2, 422), (3, 303)] {
        let wrong = enter(&mut victim.browser, &relayed.id, &relayed.wrong(n)).await;
        assert_eq!(wrong.status, status, "{}", wrong.html);
    }
    assert_eq!(victim.browser.open(&relayed.id).await.heading(), "Too many wrong numbers");
    assert_eq!(end(&app, &relayed).await, json!(["expired", "too_many_tries"]));
    // For the attacker's browser, too, which had the right one.
    let late = attacker.post(&format!("/r/{}/passkey/begin", relayed.id), &[("csrf", &csrf)]).await;
    assert_eq!(late.status, 409);
    assert_eq!(logins(&app).await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_is_guessed_three_times_across_browsers_instances_and_restarts() {
    let app = TestApp::start().await;
    let (mut ann, _) = ann(&app).await;
    let login = generate(&app.api).await;
    let twin = app.twin().await;
    let mut first = Visitor::new(&app);
    let page = enter(&mut first, &login.id, &login.wrong(1)).await;
    assert!(page.status == 422 && page.says("You have 2 tries left."), "{}", page.html);
    // What is no number is no try.
    for nothing in ["", "12", "abc", "1234"] {
        let page = enter(&mut first, &login.id, nothing).await;
        assert!(page.status == 422 && page.says("Enter the 3 digits"), "{}", page.html);
    }
    let mut second = Visitor::new(&twin);
    let page = enter_at(&mut second, &login.id, &login.wrong(2)).await;
    assert!(page.status == 422 && page.says("You have 1 try left."), "{}", page.html);
    // Who had the right one is out as well once the code has ended.
    ann.match_number(&login).await;
    let begun = ann.begin(&login.id, &[]).await;
    let credential = ann.answer(&begun);
    let restarted = app.twin().await;
    twin.stop().await;
    let mut third = Visitor::new(&restarted);
    assert_eq!(enter_at(&mut third, &login.id, &login.wrong(3)).await.status, 303);
    assert_eq!(third.open(&login.id).await.heading(), "Too many wrong numbers");
    let late = ann.finish(&login.id, &begun, &credential).await;
    assert_ne!(late.status, 200, "{}", late.html);
    assert_eq!(ann.browser.open(&login.id).await.heading(), "Too many wrong numbers");
    assert_eq!(end(&app, &login).await, json!(["expired", "too_many_tries"]));
    assert_eq!((app.count("qr.number_refused").await, app.count("qr.ended").await), (3, 1));
    assert_eq!(logins(&app).await, []);
}

/// Enters a number in a browser that came to another instance, which is not where the public address leads.
async fn enter_at(browser: &mut Visitor, id: &str, number: &str) -> Page {
    let csrf = browser.csrf(id).await;
    let fields = [("csrf", csrf.as_str()), ("action", "continue"), ("number", number)];
    let request = browser.request(reqwest::Method::POST, &format!("/r/{id}/decide")).form(&fields);
    browser.send(request).await
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_numbers_at_once_three_are_heard() {
    let app = TestApp::start().await;
    let login = generate(&app.api).await;
    let mut browsers: Vec<_> = (0..30).map(|_| Visitor::new(&app)).collect();
    let mut forms = vec![];
    for (n, browser) in (1..).zip(&mut browsers) {
        forms.push((browser.csrf(&login.id).await, login.wrong(n)));
    }
    let path = format!("/r/{}/decide", login.id);
    let guesses = browsers.iter_mut().zip(&forms).map(|(browser, (csrf, number))| {
        let fields = [("csrf", csrf.as_str()), ("action", "continue"), ("number", number)];
        let request = browser.form(&path, &fields);
        async move { browser.send(request).await.status }
    });
    let statuses = join_all(guesses).await;
    assert!(statuses.iter().all(|status| [303, 409, 422, 429].contains(status)), "{statuses:?}");
    assert_eq!((app.count("qr.number_refused").await, app.count("qr.ended").await), (3, 1));
    let mut late = Visitor::new(&app);
    assert_eq!(late.open(&login.id).await.heading(), "Too many wrong numbers");
    assert_eq!(end(&app, &login).await, json!(["expired", "too_many_tries"]));
}

/// The form with a passkey's answer, ready to be sent.
async fn answered(somebody: &mut Enrollee, login: &Login) -> reqwest::RequestBuilder {
    let begun = somebody.begin(&login.id, &[]).await;
    let credential = somebody.answer(&begun).to_string();
    let csrf = somebody.browser.csrf(&login.id).await;
    let session = begun["session"].as_str().unwrap();
    let fields = [("csrf", csrf.as_str()), ("session", session), ("credential", &credential)];
    somebody.browser.form(&format!("/r/{}/passkey", login.id), &fields)
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_who_log_in_at_once_one_does() {
    let app = TestApp::start().await;
    let (mut ann, _) = ann(&app).await;
    let mut bob = Enrollee::new(&app.api);
    bob.enroll(&app, &create_with(&app.api, json!({ "recipient": "bob@example.com" })).await).await;
    for _ in 0..5 {
        let login = generate(&app.api).await;
        ann.match_number(&login).await;
        bob.match_number(&login).await;
        let (of_ann, of_bob) = (answered(&mut ann, &login).await, answered(&mut bob, &login).await);
        let sent = tokio::join!(ann.browser.send(of_ann), bob.browser.send(of_bob));
        assert_eq!((sent.0.status, sent.1.status), (303, 303));
        let (a, b) = (ann.browser.open(&login.id).await, bob.browser.open(&login.id).await);
        let headings = [a.heading(), b.heading()];
        let done = headings.iter().filter(|heading| **heading == "You are signed in").count();
        assert_eq!(done, 1, "{headings:?}");
        assert!(headings.contains(&"This QR code was used"), "{headings:?}");
        assert_eq!(login.seen(&app.api).await["status"], "used");
    }
    assert_eq!(app.count("auth.success").await, 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_declines_and_who_logs_in_at_once_are_told_the_same_end() {
    let app = TestApp::start().await;
    let (mut ann, _) = ann(&app).await;
    for _ in 0..5 {
        let login = generate(&app.api).await;
        ann.match_number(&login).await;
        let answer = answered(&mut ann, &login).await;
        let mut other = Visitor::new(&app);
        let csrf = other.csrf(&login.id).await;
        let fields = [("csrf", csrf.as_str()), ("action", "decline"), ("number", "")];
        let decline = other.form(&format!("/r/{}/decide", login.id), &fields);
        let (done, declined) = tokio::join!(ann.browser.send(answer), other.send(decline));
        assert_eq!((done.status, declined.status), (303, 303));
        let seen = login.seen(&app.api).await;
        let ended = app.count_of("qr.ended", &login.id).await;
        let succeeded = app.count_of("auth.success", &login.reference).await;
        assert_eq!(ended + succeeded, 1, "{seen}");
        assert_eq!(seen["status"] == "used", succeeded == 1);
        assert_eq!(seen["endReason"] == "declined", ended == 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_who_guesses_for_the_last_time_and_who_logs_in_at_once_one_is_first() {
    let app = TestApp::start().await;
    let (mut ann, _) = ann(&app).await;
    for _ in 0..5 {
        let login = generate(&app.api).await;
        ann.match_number(&login).await;
        let answer = answered(&mut ann, &login).await;
        let mut stranger = Visitor::new(&app);
        for n in 1..=2 {
            enter(&mut stranger, &login.id, &login.wrong(n)).await;
        }
        let csrf = stranger.csrf(&login.id).await;
        let wrong = login.wrong(3);
        let fields = [("csrf", csrf.as_str()), ("action", "continue"), ("number", &wrong)];
        let guess = stranger.form(&format!("/r/{}/decide", login.id), &fields);
        let (done, guessed) = tokio::join!(ann.browser.send(answer), stranger.send(guess));
        assert_eq!((done.status, guessed.status), (303, 303));
        let seen = login.seen(&app.api).await;
        let ended = seen["endReason"] == "too_many_tries";
        assert_ne!(seen["status"] == "used", ended, "{seen}");
        let ends = app.count_of("qr.ended", &login.id).await;
        assert_eq!(ends + app.count_of("auth.success", &login.reference).await, 1, "{seen}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_api_key_enters_a_number_and_no_page_of_another_site_does() {
    let app = TestApp::start().await;
    let login = generate(&app.api).await;
    let path = format!("/r/{}/decide", login.id);
    let form = [("action", "continue"), ("number", login.number.as_str())];
    let by_key = app.api.request(reqwest::Method::POST, &path).form(&form).send().await.unwrap();
    assert_eq!(by_key.status(), 403);
    let mut ann = Visitor::new(&app);
    let csrf = ann.csrf(&login.id).await;
    let fields = [&form[..], &[("csrf", csrf.as_str())]].concat();
    let cross_site =
        ann.request(reqwest::Method::POST, &path).header("Origin", "https://evil.example").form(&fields);
    assert_eq!(ann.send(cross_site).await.status, 403);
    assert_eq!(login.seen(&app.api).await["status"], "active");
}
