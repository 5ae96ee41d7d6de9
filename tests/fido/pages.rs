//! A client's own site, on an origin of its own, in a real browser: the browser reads the options and writes the answers.

use axum::Router;
use axum::extract::{Path, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::Html;
use axum::routing::{get, post};
use serde_json::{Value, json};

use crate::browser::driver::Browser;
use crate::support::{Api, TestApp};

const PAGE: &str = r#"<!doctype html><html lang="en"><title>A shop</title><link rel="icon" href="data:,">
<h1>A shop</h1>
<button id="register">Register</button><button id="log-in">Log in</button><button id="whoever">Whoever is there</button>
<script src="/site.js"></script></html>"#;

const SCRIPT: &str = r#"
async function ask(route, body) {
    const answer = await fetch(`/fido/${route}`, { method: "POST", body: JSON.stringify(body) });
    return await answer.json();
}
async function run(kind, wanted) {
    const begun = (await ask(`${kind}/begin`, wanted)).data;
    const publicKey = kind === "register"
        ? PublicKeyCredential.parseCreationOptionsFromJSON(begun.publicKey)
        : PublicKeyCredential.parseRequestOptionsFromJSON(begun.publicKey);
    const made = kind === "register"
        ? await navigator.credentials.create({ publicKey }) : await navigator.credentials.get({ publicKey });
    return await ask(`${kind}/complete`, { sessionId: begun.sessionId, credential: made.toJSON() });
}
function on(id, kind, wanted) {
    document.getElementById(id).addEventListener("click", async () => {
        document.querySelector("pre")?.remove();
        const told = document.createElement("pre");
        told.textContent = JSON.stringify(await run(kind, wanted).catch((error) => ({ error: String(error) })));
        document.body.append(told);
    });
}
on("register", "register", { userId: "ann", displayName: "Ann", deviceName: "Laptop" });
on("log-in", "authenticate", { userId: "ann" });
on("whoever", "authenticate", {});
"#;

/// The shop's own server: it has the key, and its pages do not. Answers with its origin.
async fn site(api: Api) -> String {
    async fn forward(State(api): State<Api>, Path(route): Path<String>, body: String) -> String {
        let body: Value = serde_json::from_str(&body).unwrap();
        api.post(&format!("/v1/auth/fido/{route}"), &body).await.text
    }
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://localhost:{}", listener.local_addr().unwrap().port());
    let routes = Router::new()
        .route("/", get(async || Html(PAGE)))
        .route("/site.js", get(async || ([(CONTENT_TYPE, "text/javascript")], SCRIPT)))
        .route("/fido/{*route}", post(forward))
        .with_state(api);
    tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
    origin
}

async fn press(browser: &Browser, button: &str) -> Value {
    browser.click(button).await;
    browser.appears("pre").await;
    let told: Value = serde_json::from_str(&browser.text("pre").await).unwrap();
    browser.run("document.querySelector('pre').remove()").await;
    told
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clients_own_site_registers_and_logs_in() {
    let app = TestApp::start().await;
    let site = site(app.api.clone()).await;
    let owner = app.api.get("/v1/clients").await.data()["items"][0]["id"].as_str().unwrap().to_owned();
    let origins = json!({ "origins": [site] });
    assert_eq!(app.api.patch(&format!("/v1/clients/{owner}"), &origins).await.status, 200);
    let browser = Browser::start_scripted().await;
    browser.add_authenticator().await;
    browser.open(&site).await;
    let registered = press(&browser, "#register").await;
    assert_eq!(registered["code"], 200, "{registered}");
    let device = &registered["data"];
    assert_eq!((&device["userId"], &device["name"]), (&json!("ann"), &json!("Laptop")));
    assert_eq!(device["transports"], json!(["internal"]));
    let again = press(&browser, "#register").await;
    assert!(again["error"].as_str().is_some_and(|error| error.contains("InvalidStateError")), "{again}");
    for button in ["#log-in", "#whoever"] {
        let told = press(&browser, button).await;
        let expected = json!({ "verified": true, "userId": "ann", "deviceId": device["deviceId"], "userVerified": true });
        assert_eq!(told["data"], expected, "{told}");
    }
    let path = format!("/v1/devices/{}", device["deviceId"].as_str().unwrap());
    assert_ne!(app.api.get(&path).await.data()["lastUsedAt"], Value::Null);
    assert_eq!(app.api.post(&format!("{path}/block"), &json!({})).await.status, 200);
    browser.click("#whoever").await;
    browser.appears("pre").await;
    browser.shoot("48-own-site-blocked-device").await;
    let told: Value = serde_json::from_str(&browser.text("pre").await).unwrap();
    assert_eq!((&told["code"], &told["data"]["reason"]), (&json!(422), &json!("device_blocked")));
    browser.quit().await;
}

/// On the same machine, and so with the same RP id: only its origin gives it away.
#[tokio::test(flavor = "multi_thread")]
async fn a_site_on_an_origin_that_is_not_the_clients_gets_nowhere() {
    let app = TestApp::start().await;
    let elsewhere = site(app.api.clone()).await;
    let browser = Browser::start_scripted().await;
    browser.add_authenticator().await;
    browser.open(&elsewhere).await;
    let refused = press(&browser, "#register").await;
    assert_eq!(
        (&refused["code"], &refused["data"]["reason"]),
        (&json!(422), &json!("origin_mismatch")),
        "{refused}"
    );
    browser.quit().await;
}
