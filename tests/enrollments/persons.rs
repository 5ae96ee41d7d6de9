//! Who holds a handle, and what a code on it gives and does not give.

use serde_json::{Value, json};

use super::{enrollment, status};
use crate::pages::Visitor;
use crate::support::enrollee::{Enrollee, create, create_with};
use crate::support::{RECIPIENT, TestApp};

async fn recover(somebody: &mut Enrollee, id: &str) -> crate::pages::Page {
    let csrf = somebody.browser.csrf(id).await;
    somebody.browser.post(&format!("/r/{id}/recover"), &[("csrf", &csrf)]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_code_on_the_handle_of_somebody_with_a_passkey_adds_none() {
    let app = TestApp::start().await;
    let mut ann = Enrollee::new(&app.api);
    ann.enroll(&app, &create(&app.api).await).await;
    // Whoever has the number now reads its messages.
    let mut mallory = Enrollee::new(&app.api);
    let id = create(&app.api).await;
    let page = mallory.prove(&app, &id).await;
    assert_eq!(page.heading(), "Use your passkey");
    let begun = mallory.begin(&id, &[]).await;
    assert_eq!(begun["create"], Value::Null, "no passkey can be created");
    mallory.authenticator.user_handle = None;
    let credential = mallory.authenticator.get(&begun["get"]);
    let page = mallory.finish(&id, &begun, &credential).await;
    assert_eq!(page.status, 422, "{}", page.html);
    assert_eq!(status(&app, &id).await, "pending");
    assert_eq!(app.count("person.passkey_added").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_began_to_create_a_passkey_while_there_was_none_does_not_add_it_beside_one() {
    let app = TestApp::start().await;
    let (first, second) = (create(&app.api).await, create(&app.api).await);
    let (mut ann, mut mallory) = (Enrollee::new(&app.api), Enrollee::new(&app.api));
    mallory.prove(&app, &second).await;
    let begun = mallory.begin(&second, &[]).await;
    assert!(begun["create"].is_object());
    ann.enroll(&app, &first).await;
    let credential = mallory.answer(&begun);
    let page = mallory.finish(&second, &begun, &credential).await;
    assert_eq!((page.status, page.heading()), (422, "Use your passkey"), "{}", page.html);
    assert_eq!(status(&app, &second).await, "pending");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_begins_anew_is_nobody_that_any_client_knew_and_the_former_one_is_told() {
    let app = TestApp::start().await;
    let other = app.other_client().await;
    let mut ann = Enrollee::new(&app.api);
    let first = create(&app.api).await;
    ann.enroll(&app, &first).await;
    let theirs = create(&other).await;
    ann.prove(&app, &theirs).await;
    ann.passkey(&theirs).await;
    let before = enrollment(&app, &first).await;

    let mut anew = Enrollee::new(&app.api);
    let id = create(&app.api).await;
    anew.prove(&app, &id).await;
    let done = recover(&mut anew, &id).await;
    assert_eq!(done.status, 303, "{}", done.html);
    let told = app.outbox().last().unwrap().clone();
    assert_eq!((told["to"].as_str(), told["code"].as_str()), (Some(RECIPIENT), None));
    assert!(told["subject"].as_str().unwrap().contains("passkeys were set aside"), "{told}");
    let page = anew.browser.open(&id).await;
    assert_eq!(page.heading(), "Create your passkey");
    anew.passkey(&id).await;
    anew.passkey(&id).await;
    let after = enrollment(&app, &id).await;
    assert_eq!(after["status"], "completed");
    assert_ne!(after["userId"], before["userId"]);
    assert_ne!(after["deviceId"], before["deviceId"]);
    let next = create(&app.api).await;
    assert_eq!(enrollment(&app, &next).await["userId"], after["userId"]);
    let next = create(&other).await;
    let next = other.get(&format!("/v1/enrollments/{next}")).await;
    let known = other.get(&format!("/v1/enrollments/{theirs}")).await;
    assert_ne!(next.data()["userId"], known.data()["userId"], "nor to another client");
    // The former passkey is still there, and leads to the handle no more.
    let last = create(&app.api).await;
    ann.prove(&app, &last).await;
    let page = ann.passkey(&last).await;
    assert_eq!((page.status, page.heading()), (422, "Use your passkey"), "{}", page.html);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_begins_anew_without_the_code_nor_where_there_is_nothing_to_lose() {
    let app = TestApp::start().await;
    let mut ann = Enrollee::new(&app.api);
    let id = create(&app.api).await;
    ann.enroll(&app, &id).await;
    let mut mallory = Enrollee::new(&app.api);
    let second = create(&app.api).await;
    assert_eq!(recover(&mut mallory, &second).await.status, 403);
    let fresh = create_with(&app.api, json!({ "recipient": "bob@example.com" })).await;
    mallory.prove(&app, &fresh).await;
    assert_eq!(recover(&mut mallory, &fresh).await.status, 303);
    assert_eq!(app.count("person.handle_released").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_who_prove_a_handle_at_once_are_one_person() {
    let app = TestApp::start().await;
    let (first, second) = (create(&app.api).await, create(&app.api).await);
    let (mut one, mut two) = (Visitor::new(&app), Visitor::new(&app));
    one.ask(&first, "enroll", &[]).await;
    let code_of_one = crate::pages::last_code(&app);
    two.ask(&second, "enroll", &[]).await;
    let code_of_two = crate::pages::last_code(&app);
    let (a, b) = tokio::join!(one.enter(&first, &code_of_one), two.enter(&second, &code_of_two));
    assert_eq!((a.status, b.status), (303, 303));
    assert_eq!(app.count("person.handle_verified").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_is_in_the_log_under_nobodys_name_and_no_client_sees_them() {
    let app = TestApp::start().await;
    let mut ann = Enrollee::new(&app.api);
    ann.enroll(&app, &create(&app.api).await).await;
    let tenants: Vec<String> =
        sqlx::query_scalar("select distinct tenant from events where aggregate_type = 'person'")
            .fetch_all(app.pool())
            .await
            .unwrap();
    assert_eq!(tenants, ["cl_00000000000000000000000000"]);
    let id: String =
        sqlx::query_scalar("select aggregate_id from events where aggregate_type = 'person' limit 1")
            .fetch_one(app.pool())
            .await
            .unwrap();
    let mentioned: i64 = sqlx::query_scalar(
        "select count(*) from events where aggregate_type <> 'person' and (payload::text || metadata::text) like '%' || $1 || '%'",
    )
    .bind(&id)
    .fetch_one(app.pool())
    .await
    .unwrap();
    assert_eq!(mentioned, 0, "no client's event names the person");
}
