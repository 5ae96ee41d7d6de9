//! The browser's session, and what is kept of pages and by whom.

use reqwest::Method;
use serde_json::json;

use crate::pages::{ALL, Visitor, arrives, last_code};
use crate::support::enrollee::{Enrollee, create, create_with};
use crate::support::{Api, RECIPIENT, Reply, TestApp, reference_body};

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_was_planted_before_a_proof_is_worth_nothing_after_it() {
    let app = TestApp::start().await;
    let mut ann = Enrollee::new(&app.api);
    ann.enroll(&app, &create(&app.api).await).await;
    let by_code = app.create_consent_with(json!({ "recipient": "bob@example.com" })).await;
    let by_passkey = app.create_consent().await;
    let mut mallory = Visitor::new(&app);
    mallory.open(&by_code).await;
    let planted = mallory.cookie.clone();
    let mut bob = Visitor::new(&app);
    bob.cookie.clone_from(&planted);
    assert!(bob.decide(&app, &by_code, "approve", &ALL).await.says("Öberg"));
    assert_ne!(bob.cookie, planted);
    ann.browser.cookie.clone_from(&planted);
    let mut fields = vec![("action", "approve")];
    fields.extend(ALL);
    let begun = ann.begin(&by_passkey, &fields).await;
    let credential = ann.answer(&begun);
    assert_eq!(ann.finish(&by_passkey, &begun, &credential).await.status, 303);
    assert!(ann.browser.open(&by_passkey).await.says("Öberg"));
    assert_ne!(ann.browser.cookie, planted);
    for id in [&by_code, &by_passkey] {
        assert!(!mallory.open(id).await.says("Öberg"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_never_taken_from_an_address_or_a_form() {
    let app = TestApp::start().await;
    let id = app.create_consent().await;
    let mut ann = Visitor::new(&app);
    ann.decide(&app, &id, "approve", &ALL).await;
    let cookie = ann.cookie.clone().unwrap();
    let token = cookie.split_once('=').unwrap().1;
    let mut mallory = Visitor::new(&app);
    for query in [format!("?__Host-mobid={token}"), format!("?session={token}"), format!(";{cookie}")] {
        let page = mallory.get(&format!("/r/{id}{query}")).await;
        assert!(!page.says("Öberg"), "{query}");
    }
    let fields = [("__Host-mobid", token), ("session", token), ("csrf", "x")];
    assert_eq!(mallory.without_cookie().post(&format!("/r/{id}/code"), &fields).await.status, 403);
}

/// Headers by which a request says where it thinks that it is.
const ELSEWHERE: [(&str, &str); 6] = [
    ("host", "evil.example"),
    ("x-forwarded-host", "evil.example"),
    ("x-forwarded-proto", "gopher"),
    ("x-original-url", "//evil.example/"),
    ("x-host", "evil.example"),
    ("forwarded", "host=evil.example;proto=gopher"),
];

#[tokio::test(flavor = "multi_thread")]
async fn where_a_request_says_it_goes_is_in_no_link() {
    let app = TestApp::start().await;
    let anywhere = |mut request: reqwest::RequestBuilder| {
        for (name, value) in ELSEWHERE {
            request = request.header(name, value);
        }
        request
    };
    let mut body = reference_body();
    (body["notify"], body["recipient"]) = (json!(true), json!("ann@example.com"));
    let made = app.api.request(Method::POST, "/v1/service/consents").json(&body);
    let made = Reply::of(anywhere(made)).await;
    assert_eq!(made.status, 200, "{}", made.text);
    let id = made.id();
    assert_eq!(made.data()["url"], app.url(&format!("/r/{id}")));
    assert_eq!(made.data()["qrCode"], app.url(&format!("/qr/{id}")));
    let read = Reply::of(anywhere(app.api.request(Method::GET, &format!("/v1/service/consents/{id}")))).await;
    let mut ann = Visitor::new(&app);
    let mut said = vec![made.text, read.text, arrives(&app, &id).await.to_string()];
    for path in [format!("/r/{id}"), format!("/qr/{id}"), format!("/r/{id}/decide"), "/r/x".to_owned()] {
        let request = anywhere(ann.request(Method::GET, &path));
        let page = ann.send(request).await;
        said.push(format!("{:?} {}", page.headers, page.html));
    }
    ann.ask(&id, "reject", &[]).await;
    said.push(app.outbox().last().unwrap().to_string());
    for text in said {
        assert!(!text.contains("evil") && !text.contains("gopher"), "{text}");
    }
}

/// What would be a header of its own, or an end of all of them, if it came out as it went in.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_comes_in_becomes_a_header() {
    let app = TestApp::start().await;
    let id = app.create_consent().await;
    let mut ann = Visitor::new(&app);
    for path in [
        format!("/qr/{id}%0d%0aevil:%201"),
        format!("/r/{id}%0d%0aevil:%201"),
        format!("/r/{id}%0d%0aevil:%201/decide"),
        format!("/r/{id}?via=qr%0d%0aevil:%201"),
        format!("/r/{id}%E5%98%8D%E5%98%8Aevil:%201/code"),
        "/r//evil.example/decide".to_owned(),
        "/r/%2f%2fevil.example/decide".to_owned(),
    ] {
        let request = ann
            .request(Method::GET, &path)
            .header("sec-fetch-site", "cross-site")
            .header("x-request-id", "a b;evil: 1")
            .header("accept-language", "\"><script>, de\tevil: 1")
            .header("cookie", "evil: 1; __Host-mobid=evil");
        let page = ann.send(request).await;
        for (name, value) in &page.headers {
            let value = value.to_str().unwrap();
            assert!(name != "evil" && !value.contains("evil"), "{path}: {name}: {value}");
        }
        assert!(!page.says("<script>"), "{path}");
    }
    for locale in ["de\r\nevil: 1", "de; evil", "../../etc"] {
        let mut body = reference_body();
        body["locale"] = json!(locale);
        let reply = app.api.post("/v1/service/consents", &body).await;
        assert_eq!(reply.errors(), ["locale:invalid_locale"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_way_back_leads_to_the_clients_own_pages_and_nowhere_else() {
    let app = TestApp::start().await;
    let newest = app.api.get("/v1/clients").await.data()["items"][0]["id"].as_str().unwrap().to_owned();
    let origins = json!({ "origins": ["https://shop.example"] });
    assert_eq!(app.api.patch(&format!("/v1/clients/{newest}"), &origins).await.status, 200);
    for wrong in [
        "https://shop.example.evil.example/",
        "https://shop.example@evil.example/",
        "https://evil.example/https://shop.example/",
        "https://evil.example#https://shop.example",
        "//shop.example/",
        "https:shop.example/",
        "https:/\\shop.example/",
        "https://shop.example:8443/",
        "http://shop.example/",
        "javascript:alert(1)//https://shop.example",
        "data:text/html,https://shop.example",
        "https://shop.example/\r\nevil: 1",
        "https://shop.ex\u{ad}ample.evil/",
        "https://ѕhop.example/",
    ] {
        for path in ["/v1/service/consents", "/v1/enrollments"] {
            let mut body = json!({ "recipient": RECIPIENT, "returnUrl": wrong });
            if path == "/v1/service/consents" {
                body["purpose"] = json!("login");
            }
            let reply = app.api.post(path, &body).await;
            assert_eq!(reply.errors(), ["returnUrl:invalid_return_url"], "{wrong}");
        }
    }
    let body = json!({ "scope": [], "returnUrl": "https://shop.example/done?a=%22%3E&b=<\"'" });
    let id = app.create_consent_with(body).await;
    let mut ann = Visitor::new(&app);
    ann.ask(&id, "reject", &[]).await;
    let done = ann.enter(&id, &last_code(&app)).await;
    assert_eq!(done.location(), format!("/r/{id}"), "nobody is led there by a redirect");
    let page = ann.open(&id).await;
    let link = "href=\"https://shop.example/done?a=%22%3E&#38;b=&#60;&#34;&#39;\" rel=\"noreferrer\"";
    assert!(page.says(link), "{}", page.html);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_cache_keeps_what_is_somebodys() {
    let app = TestApp::start().await;
    let (approved, waiting) = (app.create_consent().await, app.create_consent().await);
    let mut ann = Visitor::new(&app);
    ann.ask(&waiting, "reject", &[]).await;
    ann.decide(&app, &approved, "approve", &ALL).await;
    let mut bob = Enrollee::new(&app.api);
    let enrollment = create_with(&app.api, json!({ "recipient": "bob@example.com" })).await;
    let proven = bob.prove(&app, &enrollment).await;
    let begun = bob.try_begin(&enrollment, &[]).await;
    let mut pages = vec![proven, begun];
    for path in [
        format!("/r/{approved}"),
        format!("/r/{waiting}"),
        format!("/r/{waiting}/code"),
        format!("/qr/{waiting}"),
        "/r/x".to_owned(),
    ] {
        pages.push(ann.get(&path).await);
    }
    for page in pages {
        assert_eq!(page.header("cache-control"), "no-store");
        assert_eq!(page.header("etag"), "");
    }
    let secret = Api::new(app.url(""), String::new()).get("/v1/devices").await;
    assert_eq!((secret.status, secret.header("cache-control")), (401, "no-store"));
}
