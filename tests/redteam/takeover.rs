//! Getting at what is somebody else's: with their number, or with a passkey of one's own.

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::pages::{Page, Visitor, consent};
use crate::support::authenticator::{Authenticator, begin, complete, device_of, register};
use crate::support::enrollee::{Enrollee, create, create_with};
use crate::support::{Api, TestApp};

/// What a client says of Ann, and where it leads her back to.
fn said(app: &TestApp) -> Value {
    json!({ "displayName": "Ann Example", "claims": { "tier": "gold" }, "returnUrl": app.url("/back?customer=4711") })
}

#[track_caller]
fn tells_nothing(page: &Page) {
    for secret in ["Ann Example", "gold", "customer=4711"] {
        assert!(!page.says(secret), "{secret} in {}", page.html);
    }
}

async fn begin_anew(somebody: &mut Enrollee, id: &str) {
    let csrf = somebody.browser.csrf(id).await;
    assert_eq!(somebody.browser.post(&format!("/r/{id}/recover"), &[("csrf", &csrf)]).await.status, 303);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_took_over_the_number_is_not_told_what_a_company_says_of_its_holder() {
    let app = TestApp::start().await;
    let mut ann = Enrollee::new(&app.api);
    ann.enroll(&app, &create(&app.api).await).await;
    let id = create_with(&app.api, said(&app)).await;
    let mut mallory = Enrollee::new(&app.api);
    let page = mallory.prove(&app, &id).await;
    assert_eq!(page.heading(), "Use your passkey");
    tells_nothing(&page);
    begin_anew(&mut mallory, &id).await;
    let page = mallory.browser.open(&id).await;
    assert_eq!(page.heading(), "Create your passkey");
    tells_nothing(&page);
    tells_nothing(&mallory.passkey(&id).await);
    app.api.delete(&format!("/v1/enrollments/{id}")).await;
    tells_nothing(&mallory.browser.open(&id).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_reads_the_codes_is_not_led_back_in_the_holders_place() {
    let app = TestApp::start().await;
    let id = create_with(&app.api, said(&app)).await;
    let (mut ann, mut mallory) = (Enrollee::new(&app.api), Enrollee::new(&app.api));
    mallory.prove(&app, &id).await;
    let page = ann.enroll(&app, &id).await;
    assert_eq!(page.heading(), "Your passkey is set up");
    assert!(page.says("customer=4711"), "whose passkey it is goes back: {}", page.html);
    let page = mallory.browser.open(&id).await;
    assert_eq!(page.heading(), "Your passkey is set up");
    tells_nothing(&page);
    // Nor by rejecting, which a code can always do.
    let body = json!({ "scope": [], "returnUrl": app.url("/back?customer=4711") });
    let asked = app.create_consent_with(body).await;
    let page = mallory.browser.decide(&app, &asked, "reject", &[]).await;
    assert_eq!(page.heading(), "Rejected");
    tells_nothing(&page);
    let mut late = Enrollee::new(&app.api);
    let expiring =
        create_with(&app.api, json!({ "expiresIn": 1, "returnUrl": app.url("/back?customer=4711") })).await;
    late.prove(&app, &expiring).await;
    app.advance(TimeDelta::minutes(1));
    tells_nothing(&late.browser.open(&expiring).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_no_passkey_is_led_back_after_a_code() {
    let app = TestApp::start().await;
    let body = json!({ "scope": [], "returnUrl": app.url("/back?customer=4711") });
    let id = app.create_consent_with(body).await;
    let page = Visitor::new(&app).decide(&app, &id, "reject", &[]).await;
    assert!(page.says("customer=4711"), "{}", page.html);
    let id =
        create_with(&app.api, json!({ "expiresIn": 1, "returnUrl": app.url("/back?customer=4711") })).await;
    let mut ann = Enrollee::new(&app.api);
    ann.prove(&app, &id).await;
    app.advance(TimeDelta::minutes(1));
    assert!(ann.browser.open(&id).await.says("customer=4711"));
}

/// Answers a request of Ann's with an authenticator of one's own.
async fn answer(somebody: &mut Enrollee, id: &str) -> Page {
    let begun = somebody.begin(id, &[("action", "reject")]).await;
    let credential = somebody.answer(&begun);
    somebody.finish(id, &begun, &credential).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenants_own_passkey_is_nobodys_on_the_hosted_pages_whatever_it_says_of_itself() {
    let app = TestApp::start().await;
    let mut ann = Enrollee::new(&app.api);
    ann.enroll(&app, &create(&app.api).await).await;
    let id = app.create_consent_with(json!({ "scope": [] })).await;
    let users = app.api.get("/v1/devices").await.data()["items"][0]["userId"].as_str().unwrap().to_owned();
    // For the id that the tenant knows Ann by, and with whatever Ann's passkey says.
    let mut forged = Authenticator::at(&app.url(""));
    assert_eq!(register(&app.api, &mut forged, &users).await.status, 200);
    forged.user_handle.clone_from(&ann.authenticator.user_handle);
    let mut mallory = Enrollee { browser: Visitor::new(&app), authenticator: forged };
    let page = answer(&mut mallory, &id).await;
    assert!(page.status == 422 && page.says("not the passkey that is needed here"), "{}", page.html);
    // Even under the name of Ann's own passkey, which the tenant may well know: the key is another.
    let mut namesake = Authenticator::at(&app.url(""));
    namesake.credential_id.clone_from(&ann.authenticator.credential_id);
    assert_eq!(register(&app.api, &mut namesake, "ann").await.status, 200, "another's names are another's");
    namesake.user_handle.clone_from(&ann.authenticator.user_handle);
    let mut mallory = Enrollee { browser: Visitor::new(&app), authenticator: namesake };
    let page = answer(&mut mallory, &id).await;
    assert!(page.status == 422 && page.says("does not fit this page"), "{}", page.html);
    assert_eq!(consent(&app, &id).await["status"], "pending");
    assert_eq!(answer(&mut ann, &id).await.status, 303, "and Ann's is as good as before");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hosted_passkey_logs_nobody_in_at_a_tenants() {
    let app = TestApp::start().await;
    let mut ann = Enrollee::new(&app.api);
    ann.enroll(&app, &create(&app.api).await).await;
    device_of(&app.api, "ann").await;
    for user in [None, Some("ann")] {
        let begun = begin(&app.api, user).await;
        let credential = ann.authenticator.get(&begun["publicKey"]);
        let reply = complete(&app.api, &begun, &credential).await;
        assert_eq!(
            (reply.status, &reply.data()["reason"]),
            (422, &json!("unknown_credential")),
            "{}",
            reply.text
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_takes_the_name_of_a_passkey_that_there_is() {
    let app = TestApp::start().await;
    let mut ann = Enrollee::new(&app.api);
    ann.enroll(&app, &create(&app.api).await).await;
    let id = create_with(&app.api, json!({ "recipient": "mallory@example.com" })).await;
    let mut mallory = Enrollee::new(&app.api);
    mallory.authenticator.credential_id.clone_from(&ann.authenticator.credential_id);
    mallory.prove(&app, &id).await;
    let page = mallory.passkey(&id).await;
    assert!(page.status == 422 && page.says("not the passkey that is needed here"), "{}", page.html);
    let asked = app.create_consent_with(json!({ "scope": [] })).await;
    assert_eq!(answer(&mut ann, &asked).await.status, 303);
}

async fn verify(api: &Api, id: &str, body: &Value) -> crate::support::Reply {
    api.post(&format!("/v1/enrollments/{id}/verify"), body).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_enrolls_nobody_whose_messages_it_does_not_read() {
    let app = TestApp::start().await;
    let tenant = app.other_client().await;
    let id = create(&tenant).await;
    // Not by the routes, which wait for what the page does, and not by the page without the code.
    assert_eq!(verify(&tenant, &id, &json!({})).await.status, 409);
    let mut mallory = Enrollee::new(&tenant);
    assert_eq!(mallory.try_begin(&id, &[]).await.status, 403);
    // A proof of a handle of its own is for what was sent there.
    let own = create_with(&tenant, json!({ "recipient": "mallory@example.com" })).await;
    mallory.prove(&app, &own).await;
    assert_eq!(mallory.try_begin(&id, &[]).await.status, 403);
    // A ceremony that was begun for its own enrollment finishes no other one.
    let begun = mallory.begin(&own, &[]).await;
    let credential = mallory.answer(&begun);
    assert_eq!(mallory.finish(&id, &begun, &credential).await.status, 403);
    // And once Ann has begun, only what she set up verifies it.
    let mut ann = Enrollee::new(&tenant);
    ann.prove(&app, &id).await;
    ann.passkey(&id).await;
    assert_eq!(mallory.finish(&own, &begun, &credential).await.status, 303);
    let asked = verify(&tenant, &id, &json!({})).await;
    let credential = mallory.authenticator.get(&asked.data()["publicKey"]);
    let body = json!({ "sessionId": asked.data()["sessionId"], "credential": credential });
    let reply = verify(&tenant, &id, &body).await;
    assert_eq!(
        (reply.status, &reply.data()["reason"]),
        (422, &json!("unknown_credential")),
        "{}",
        reply.text
    );
    let status = tenant.get(&format!("/v1/enrollments/{id}")).await.data()["status"].clone();
    assert_eq!(status, "device_registered");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_tenant_has_the_domain_of_the_hosted_pages_nor_one_around_it() {
    let hosted_at = |url: &'static str| {
        move |config: &mut mobid::config::Config| {
            config.public_url = url.parse().unwrap();
            "http://127.0.0.1:1/".clone_into(&mut config.notifier);
        }
    };
    let app = TestApp::start_with(hosted_at("https://id.bank.example")).await;
    let client = app.other_client().await;
    let newest = app.api.get("/v1/clients").await.data()["items"][0]["id"].as_str().unwrap().to_owned();
    let path = format!("/v1/clients/{newest}");
    for taken in [
        "id.bank.example",
        "bank.example",
        "example",
        "login.id.bank.example",
        "ID.bank.example",
        "id.bank.example.",
    ] {
        let reply = app.api.patch(&path, &json!({ "rpId": taken })).await;
        assert_eq!((reply.status, reply.errors()), (422, vec!["rpId:invalid_rp_id".to_owned()]), "{taken}");
    }
    // Pages of ours are no pages of a tenant's, though it says so.
    let party =
        json!({ "rpId": "shop.example", "origins": ["https://id.bank.example", "https://shop.example"] });
    assert_eq!(app.api.patch(&path, &party).await.status, 200);
    let mut ours = Authenticator::at("https://id.bank.example");
    ours.rp_id = "shop.example".to_owned();
    let reply = register(&client, &mut ours, "ann").await;
    assert_eq!((reply.status, &reply.data()["reason"]), (422, &json!("origin_mismatch")), "{}", reply.text);
    // Nobody is told of origins that our passkeys would answer to as well (Web Authentication Level 3, 5.11).
    let related = app.api.http.get(app.api.url("/.well-known/webauthn")).send().await.unwrap();
    assert_eq!(related.status(), 404);
    // The pages move under a tenant's domain: its passkeys are not asked for any more.
    let (database, clock) = (app.database_url(), app.clock().clone());
    app.stop().await;
    let moved = TestApp::start_on(database, clock, hosted_at("https://id.shop.example")).await;
    let reply = client.at(&moved.api).post("/v1/auth/fido/register/begin", &json!({ "userId": "ann" })).await;
    assert_eq!(reply.status, 409, "{}", reply.text);
}
