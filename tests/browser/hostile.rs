//! What other sites try, in a real browser.

use serde_json::json;

use super::driver::Browser;
use super::elsewhere::Elsewhere;
use super::{consent, has_nothing_to_complain_of, last_code};
use crate::pages::{ALL, Visitor};
use crate::support::enrollee::{Enrollee, create, create_with};
use crate::support::{Api, TestApp, free_port};

/// One's own site as browsers see it, port or no port; and another's.
const SAME_SITE_AND_ANOTHER: [&str; 2] = ["localhost", "127.0.0.1"];

#[tokio::test(flavor = "multi_thread")]
async fn no_page_of_ours_shows_in_a_frame_of_another_origin() {
    let app = TestApp::start().await;
    let (asked, approved) = (app.create_consent().await, app.create_consent().await);
    Visitor::new(&app).decide(&app, &approved, "approve", &ALL).await;
    let (fresh, proven) = (create(&app.api).await, create(&app.api).await);
    let browser = Browser::start_scripted().await;
    // So that each page is what it is to who is in the middle of it.
    browser.open(&app.url(&format!("/r/{asked}"))).await;
    browser.click("#tick-email").await;
    browser.click("#tick-phone").await;
    browser.fill("#value-name", "Ann").await;
    browser.press("button[value=approve]").await;
    browser.open(&app.url(&format!("/r/{proven}"))).await;
    browser.press("button[value=enroll]").await;
    browser.enter(&last_code(&app)).await;
    let site = Elsewhere::start().await;
    for host in SAME_SITE_AND_ANOTHER {
        let harmless = site.put(host, "/harmless", "<p class=brand>theirs</p>");
        let pages = [asked.as_str(), &format!("{asked}/code"), &approved, &fresh, &proven, "cs_x"];
        let mut framed: Vec<_> = pages.iter().map(|page| app.url(&format!("/r/{page}"))).collect();
        framed.extend([app.url(&format!("/qr/{asked}")), app.url("/docs"), harmless]);
        let mut shown = vec![];
        for url in &framed {
            browser.open(&site.put(host, "/", &format!("<iframe src='{url}'></iframe>"))).await;
            browser.enter_frame("iframe").await;
            shown.push(!browser.all(".brand, form, #swagger-ui").await.is_empty());
            browser.leave_frame().await;
        }
        let only_theirs: Vec<_> = framed.iter().map(|url| url.ends_with("/harmless")).collect();
        assert_eq!(shown, only_theirs, "{framed:?} in a frame at {host}");
    }
    browser.quit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_opened_ours_has_no_hold_on_it() {
    let app = TestApp::start().await;
    let id = app.create_consent().await;
    let browser = Browser::start_scripted().await;
    let site = Elsewhere::start().await;
    let ours = app.url(&format!("/r/{id}"));
    for host in SAME_SITE_AND_ANOTHER {
        browser.open(&site.put(host, "/", "<button>open</button>")).await;
        let open =
            format!("document.querySelector('button').onclick = () => {{ window.opened = open('{ours}'); }}");
        browser.run(&open).await;
        browser.click("button").await;
        browser.comes_true("window.opened?.closed === true").await;
    }
    browser.quit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_of_another_origin_does_nothing_even_with_the_token_of_ours() {
    let app = TestApp::start().await;
    let id = app.create_consent_with(json!({ "scope": [] })).await;
    let browser = Browser::start_scripted().await;
    browser.open(&app.url(&format!("/r/{id}"))).await;
    let csrf =
        browser.evaluate("document.querySelector('[name=csrf]').value").await.as_str().unwrap().to_owned();
    let site = Elsewhere::start().await;
    for host in SAME_SITE_AND_ANOTHER {
        for path in ["code", "again", "decide", "passkey", "passkey/begin", "recover"] {
            for kind in ["application/x-www-form-urlencoded", "text/plain", "multipart/form-data"] {
                let url = app.url(&format!("/r/{id}/{path}"));
                let form = format!(
                    "<form method=post action='{url}' enctype='{kind}'><input name=csrf value='{csrf}'>
                     <input name=sequence value=1><input name=action value=reject><input name=code value=123456>
                     <button>Win</button></form>"
                );
                browser.open(&site.put(host, "/", &form)).await;
                browser.press("button").await;
                assert_eq!(
                    browser.text("h1").await,
                    "This did not come from our page",
                    "{path} {kind} at {host}"
                );
            }
        }
        let quietly = format!(
            "fetch('{}', {{ method: 'POST', mode: 'no-cors', credentials: 'include', body:
             new URLSearchParams({{ csrf: '{csrf}', sequence: 1, action: 'reject' }}) }}).then(() => 1, () => 1)",
            app.url(&format!("/r/{id}/code"))
        );
        browser.open(&site.put(host, "/", "")).await;
        browser.evaluate(&quietly).await;
    }
    assert!(app.outbox().is_empty(), "no code was sent");
    browser.open(&app.url(&format!("/r/{id}"))).await;
    browser.press("button[value=reject]").await;
    browser.enter(&last_code(&app)).await;
    assert_eq!(consent(&app, &id).await["status"], "rejected");
    browser.quit().await;
}

/// The hosted pages under a name that has a neighbour.
async fn app_with_neighbours() -> TestApp {
    let port = free_port();
    TestApp::start_with(|config| {
        config.listen.set_port(port);
        config.public_url = format!("http://id.bank.localhost:{port}").parse().unwrap();
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn cookies_that_a_neighbour_tosses_over_neither_pass_for_ours_nor_hide_it() {
    let app = app_with_neighbours().await;
    let id = app.create_consent_with(json!({ "scope": [] })).await;
    let ours = app.app.config.public_origin() + "/r/" + &id;
    let browser = Browser::start_scripted().await;
    let toss = "const token = 'A'.repeat(43), all = '; domain=bank.localhost; path=/';
        for (const cookie of ['__Host-mobid=' + token, '__host-mobid=' + token, '=__Host-mobid=' + token,
            '\\u2000__Host-mobid=' + token, '\\u00a0__Host-mobid=' + token, '\\u3000__Host-mobid=' + token, 'name=Jürgen'])
            for (const end of [all, all + 'r', all + '; Secure']) document.cookie = cookie + end;
        return document.cookie";
    let neighbour = Elsewhere::start().await.put("evil.bank.localhost", "/", "");
    browser.open(&neighbour).await;
    let tossed = browser.run(toss).await;
    assert!(
        tossed.as_str().unwrap().contains("Jürgen") && tossed.as_str().unwrap().contains("__Host-mobid"),
        "{tossed}"
    );
    browser.open(&ours).await;
    browser.press("button[value=approve]").await;
    browser.enter(&last_code(&app)).await;
    assert_eq!(browser.text("h1").await, "Approved");
    // Whose session was planted finds nothing in it.
    let mut mallory = Visitor::new(&app);
    mallory.cookie = Some(format!("__Host-mobid={}", "A".repeat(43)));
    assert!(mallory.open(&id).await.says("value=\"withdraw\""));
    let sessions: i64 = sqlx::query_scalar("select count(distinct session_hash) from page_proofs")
        .fetch_one(app.pool())
        .await
        .unwrap();
    assert_eq!(sessions, 1);
    // And what the neighbour does afterwards shuts nobody out.
    browser.open(&neighbour).await;
    browser.run(toss).await;
    browser.open(&ours).await;
    browser.press("button[value=withdraw]").await;
    browser.enter(&last_code(&app)).await;
    assert_eq!(consent(&app, &id).await["status"], "revoked");
    browser.quit().await;
}

const MARKUP: &str = r#""'><script>pwned=1</script><img src=x onerror=pwned=1>{{7*7}}&lt;"#;

/// A client that is called so, which may ask people.
async fn client_called(app: &TestApp, name: &str) -> Api {
    let permissions =
        ["consents:write", "consents:read", "enrollments:write", "enrollments:read", "qr:write"];
    let made = app.api.post("/v1/clients", &json!({ "name": name, "permissions": permissions })).await;
    assert_eq!(made.status, 200, "{}", made.text);
    Api::new(app.url(""), made.data()["apiKey"].as_str().unwrap().to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn markup_in_whatever_others_wrote_is_text_and_runs_nothing() {
    let app = TestApp::start().await;
    let client = client_called(&app, MARKUP).await;
    let browser = Browser::start_scripted().await;
    let unharmed = async || {
        assert_eq!(browser.evaluate("typeof pwned").await, "undefined");
        assert_eq!(browser.evaluate("document.querySelectorAll('main img, main script').length").await, 0);
    };
    let body = json!({ "recipient": "+1234567890", "purpose": "login", "scope": ["name", "address", "salary"],
        "metadata": { MARKUP[..40].to_owned(): MARKUP }, "locale": "en-script" });
    let made = client.post("/v1/service/consents", &body).await;
    assert_eq!(made.status, 200, "{}", made.text);
    let id = made.id();
    let page = app.url(&format!("/r/{id}"));
    for query in ["?via=%22%3E%3Cscript%3Epwned=1%3C/script%3E", "?via=qr_%22onload=pwned=1", ""] {
        browser.open(&format!("{page}{query}")).await;
        assert_eq!(browser.text("h1").await, format!("{MARKUP} asks for your consent"));
        unharmed().await;
    }
    for field in ["name", "address", "salary"] {
        browser.fill(&format!("#value-{field}"), MARKUP).await;
    }
    browser.run("document.querySelector('#value-name').value = ''").await;
    browser.press("button[value=approve]").await;
    assert_eq!(browser.evaluate("document.querySelector('#value-salary').value").await, MARKUP);
    assert_eq!(browser.evaluate("document.querySelector('#value-address').value").await, MARKUP);
    unharmed().await;
    browser.fill("#value-name", MARKUP).await;
    browser.press("button[value=approve]").await;
    unharmed().await;
    let message = app.outbox().last().unwrap().clone();
    assert!(message["text"].as_str().unwrap().contains(MARKUP), "as it is: a message is text");
    browser.enter(&last_code(&app)).await;
    assert_eq!(browser.text(".granted .facts div:first-child .claim").await, MARKUP);
    unharmed().await;

    let said = json!({ "recipient": "bob@example.com", "displayName": MARKUP, "claims": { "name": MARKUP, "tier": MARKUP } });
    let enrollment = create_with(&client, said).await;
    browser.open(&app.url(&format!("/r/{enrollment}"))).await;
    browser.press("button[value=enroll]").await;
    browser.enter(&last_code(&app)).await;
    assert_eq!(browser.text("#known").await, format!("What {MARKUP} says about you"));
    assert!(browser.text("main > dl").await.contains(MARKUP));
    unharmed().await;
    has_nothing_to_complain_of(&browser).await;
    browser.quit().await;
}

/// Not even whoever gets markup into a page gets it to run.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_page_says_of_scripts_holds_if_markup_gets_in_after_all() {
    let app = TestApp::start().await;
    let mut ann = Enrollee::new(&app.api);
    ann.enroll(&app, &create(&app.api).await).await;
    let id = app.create_consent().await;
    let elsewhere = Elsewhere::start().await.put("localhost", "/", "");
    let browser = Browser::start_scripted().await;
    browser.open(&app.url(&format!("/r/{id}"))).await;
    let put_in = format!(
        "const main = document.querySelector('main');
         main.insertAdjacentHTML('beforeend', `<img src=x onerror='window.pwned = 1'><a id=j href='javascript:window.pwned=1'>x</a>
             <form action='{elsewhere}' method=post><button id=out>x</button></form><base href='{elsewhere}'>`);
         const inline = document.createElement('script'); inline.textContent = 'window.pwned = 1'; main.append(inline);
         const far = document.createElement('script'); far.src = '{elsewhere}pwned.js'; main.append(far);
         const frame = document.createElement('iframe'); frame.src = '{elsewhere}'; main.append(frame);"
    );
    browser.run(&put_in).await;
    browser.click("#j").await;
    browser.click("#out").await;
    assert_eq!(browser.evaluate("typeof window.pwned").await, "undefined");
    assert_eq!(browser.evaluate("document.baseURI === location.href").await, true);
    assert_eq!(browser.text("h1").await, "Owner asks for your consent", "no form leads away");
    let refused = browser.complaints().await;
    let refused = refused.iter().filter(|text| text.contains("Content Security Policy")).count();
    assert!(refused >= 5, "{refused} were refused");
    browser.quit().await;
}
