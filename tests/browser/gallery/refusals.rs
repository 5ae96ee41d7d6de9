//! Whatever a page says instead of what was wanted.

use chrono::TimeDelta;
use mobid::words::Note;
use mobid_domain::client::Permission;
use serde_json::json;

use super::{Gallery, State};
use crate::browser::elsewhere::{Elsewhere, stopped_on_the_way};
use crate::pages::{ALL, Visitor, last_code};
use crate::support::enrollee::{Enrollee, create};
use crate::support::{TestApp, free_port, reference_body};

pub const STATES: &[State] = &[
    ("note", "not_found"),
    ("note", "method_not_allowed"),
    ("note", "one_moment"),
    ("note", "cross_site"),
    ("note", "form_void"),
    ("note", "bad_form"),
    ("note", "changed"),
    ("note", "ended"),
    ("note", "no_code"),
    ("note", "passkey_demanded"),
    ("note", "capped"),
    ("note", "client_shut_out"),
    ("note", "qr_over"),
    ("note", "passkeys().needed"),
    ("note", "passkeys().moved"),
    ("note", "not_sent"),
    ("note", "no_way_there"),
    ("note", "erased"),
    ("note", "internal"),
];

impl Gallery {
    pub(super) async fn reads(&mut self, name: &'static str, note: Note) {
        let shown = self.browser.text("p.lead").await;
        assert_eq!(shown, note.text);
        self.sees(("note", name), note.title).await;
    }

    async fn at(&self, app: &TestApp, path: &str) {
        self.browser.open(&app.url(path)).await;
    }
}

/// Sends the form that is there to another address.
fn send_to(path: &str) -> String {
    format!("const f = document.querySelector('form'); f.action = '{path}'; f.submit()")
}

async fn visit(language: &str) {
    let app = TestApp::start().await;
    let mut gallery = Gallery::open("refusal", language).await;
    lead_nowhere(&app, &mut gallery).await;
    send_what_is_no_form(&app, &mut gallery).await;
    come_when_it_is_over(&app, &mut gallery).await;
    be_somebody_else(&app, &mut gallery).await;
    be_out_of_reach(&mut gallery).await;
    find_it_gone_or_broken(&app, &mut gallery).await;
    gallery.closes(STATES).await;
}

async fn lead_nowhere(app: &TestApp, gallery: &mut Gallery) {
    let words = gallery.words;
    gallery.at(app, "/r/cs_x").await;
    gallery.reads("not_found", words.not_found).await;
    let post = "const f = document.createElement('form'); f.method = 'post'; f.action = '/r/cs_x';
        document.body.append(f); f.submit()";
    gallery.browser.go(post).await;
    gallery.reads("method_not_allowed", words.method_not_allowed).await;
    let code = json!({"type": "consent", "referenceId": app.create_consent().await, "expiresIn": 1});
    let code = app.api.post("/v1/qr/generate", &code).await.id();
    app.advance(TimeDelta::minutes(1));
    gallery.at(app, &format!("/qr/{code}")).await;
    gallery.reads("qr_over", words.qr_over).await;
    let id = app.create_consent().await;
    gallery.browser.open(&stopped_on_the_way(app, &format!("/r/{id}")).await).await;
    gallery.reads("one_moment", words.one_moment).await;
}

async fn send_what_is_no_form(app: &TestApp, gallery: &mut Gallery) {
    let words = gallery.words;
    let id = app.create_consent_with(json!({ "scope": [] })).await;
    let form = format!(
        "<form method=post action='{}'><button>Win</button></form>",
        app.url(&format!("/r/{id}/code"))
    );
    gallery.browser.open(&Elsewhere::start().await.put("127.0.0.1", "/", &form)).await;
    gallery.browser.press("button").await;
    gallery.reads("cross_site", words.cross_site).await;
    gallery.at(app, &format!("/r/{id}")).await;
    gallery.browser.forget_cookies().await;
    gallery.browser.press("button[value=approve]").await;
    gallery.reads("form_void", words.form_void).await;
    gallery.browser.press(".actions a").await;
    assert_eq!(gallery.browser.text("h1").await, (words.asks)("Owner"), "the way back");
    gallery.at(app, &format!("/r/{id}")).await;
    gallery
        .browser
        .run("const f = document.querySelector('form'); f.append(f.elements.csrf.cloneNode())")
        .await;
    gallery.browser.press("button[value=approve]").await;
    gallery.reads("bad_form", words.bad_form).await;
    gallery.at(app, &format!("/r/{id}")).await;
    gallery.browser.go(&send_to(&format!("/r/{id}/decide"))).await;
    gallery.reads("no_code", words.no_code).await;
}

async fn come_when_it_is_over(app: &TestApp, gallery: &mut Gallery) {
    let words = gallery.words;
    let id = app.create_consent_with(json!({ "scope": [] })).await;
    let path = format!("/v1/service/consents/{id}");
    gallery.at(app, &format!("/r/{id}")).await;
    app.api.patch(&path, &json!({ "purpose": "login" })).await;
    gallery.browser.press("button[value=approve]").await;
    gallery.reads("changed", words.changed).await;
    gallery.browser.press(".actions a").await;
    app.api.delete(&path).await;
    gallery.browser.press("button[value=approve]").await;
    gallery.reads("ended", words.ended).await;
    let id = app.create_consent_with(json!({ "scope": [], "recipient": "bob@example.com" })).await;
    for _ in 0..5 {
        Visitor::new(app).ask(&id, "reject", &[]).await;
    }
    gallery.at(app, &format!("/r/{id}")).await;
    gallery.browser.press("button[value=approve]").await;
    gallery.reads("capped", words.capped).await;
    let client = app.client_with(&[Permission::ConsentsWrite]).await;
    let id = client.post("/v1/service/consents", &reference_body()).await.id();
    let newest = app.api.get("/v1/clients").await.data()["items"][0]["id"].as_str().unwrap().to_owned();
    app.api.patch(&format!("/v1/clients/{newest}"), &json!({ "status": "suspended" })).await;
    gallery.at(app, &format!("/r/{id}")).await;
    gallery.reads("client_shut_out", words.client_shut_out).await;
}

async fn be_somebody_else(app: &TestApp, gallery: &mut Gallery) {
    let words = gallery.words;
    let demanding = app.create_consent_with(json!({ "scope": [], "requireAssurance": "passkey" })).await;
    gallery.at(app, &format!("/r/{demanding}")).await;
    let plainly = "const f = document.querySelector('form'), a = document.createElement('input');
        a.name = 'action'; a.value = 'approve'; f.append(a); f.submit()";
    gallery.browser.go(plainly).await;
    gallery.reads("passkey_demanded", words.passkey_demanded).await;
    let mut ann = Enrollee::new(&app.api);
    ann.enroll(app, &create(&app.api).await).await;
    let id = app.create_consent_with(json!({ "scope": [] })).await;
    for (name, note) in
        [("passkeys().needed", words.passkeys().needed), ("passkeys().moved", words.passkeys().moved)]
    {
        gallery.at(app, &format!("/r/{id}")).await;
        gallery.browser.press("button[value=approve]").await;
        gallery.enter(&last_code(app)).await;
        gallery.reads(name, note).await;
        begin_anew(app).await;
    }
}

/// Whoever reads Ann's messages.
async fn begin_anew(app: &TestApp) {
    let id = create(&app.api).await;
    let mut anew = Enrollee::new(&app.api);
    anew.prove(app, &id).await;
    let csrf = anew.browser.csrf(&id).await;
    assert_eq!(anew.browser.post(&format!("/r/{id}/recover"), &[("csrf", &csrf)]).await.status, 303);
}

async fn be_out_of_reach(gallery: &mut Gallery) {
    let words = gallery.words;
    let closed = free_port();
    for (notifier, name, note) in [
        (format!("http://127.0.0.1:{closed}/"), "not_sent", words.not_sent),
        (format!("smtp://127.0.0.1:{closed}"), "no_way_there", words.no_way_there),
    ] {
        let app = TestApp::start_with(|config| config.notifier = notifier).await;
        let id = app.create_consent_with(json!({ "scope": [] })).await;
        gallery.at(&app, &format!("/r/{id}")).await;
        gallery.browser.press("button[value=approve]").await;
        gallery.reads(name, note).await;
    }
}

async fn find_it_gone_or_broken(app: &TestApp, gallery: &mut Gallery) {
    let words = gallery.words;
    let erased = app.create_consent_with(json!({ "recipient": "gone@example.com" })).await;
    let approved = app.create_consent_with(json!({ "recipient": "eve@example.com" })).await;
    Visitor::new(app).decide(app, &approved, "approve", &ALL).await;
    let seen = crate::pages::consent(app, &erased).await;
    let user = seen["userId"].as_str().unwrap();
    sqlx::query("delete from vault_keys where subject = $1").bind(user).execute(app.pool()).await.unwrap();
    // A server that never had the key in memory.
    let other = app.twin().await;
    gallery.browser.open(&other.url(&format!("/r/{erased}"))).await;
    gallery.reads("erased", words.erased).await;
    sqlx::query("alter table page_proofs rename to gone").execute(app.pool()).await.unwrap();
    gallery.at(app, &format!("/r/{approved}")).await;
    gallery.reads("internal", words.internal).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_is_said_to_everybody() {
    visit("en").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_is_said_to_everybody_in_german() {
    visit("de").await;
}
