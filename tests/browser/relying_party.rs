//! The example of a client's own site: on another origin, without a key in its page, it shows a QR code and follows what
//! a phone decides.

use std::path::Path;
use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use super::driver::Browser;
use super::last_code;
use crate::pages::Visitor;
use crate::support::{TestApp, login};

/// The example as a process of its own, and where it is.
async fn start(app: &TestApp) -> (Child, String) {
    let program = Path::new(env!("CARGO_BIN_EXE_mobid")).with_file_name("examples").join("relying_party");
    let key_file = app.data_dir().join("owner.key");
    std::fs::create_dir_all(app.data_dir()).unwrap();
    std::fs::write(&key_file, &app.api.key).unwrap();
    let mut site = Command::new(program)
        .args(["--port", "0", "--server", &app.url("")])
        .arg("--key-file")
        .arg(key_file)
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(site.stdout.take().unwrap()).lines();
    let line = lines.next_line().await.unwrap().unwrap();
    (site, line.strip_prefix("Open ").unwrap().to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_site_follows_live_what_the_phone_decides() {
    let app = TestApp::start().await;
    let (_site, url) = start(&app).await;
    let browser = Browser::start_scripted().await;
    browser.open(&url).await;
    browser.click("#ask button").await;
    browser.says("#status", "Waiting for your phone …").await;
    assert_eq!(browser.evaluate("document.getElementById('picture').decode().then(() => 1)").await, 1);
    assert_eq!(browser.barriers().await, Vec::<String>::new(), "axe-core");
    browser.shoot("relying-party-1-waiting").await;
    // The phone: what the code says.
    let code = browser.evaluate("document.getElementById('link').href").await.as_str().unwrap().to_owned();
    let mut ann = Visitor::new(&app);
    let led = ann.get(code.strip_prefix(&app.url("")).unwrap()).await;
    let page = ann.get(led.location()).await;
    let id = id_of(led.location());
    let via = page.field("via");
    let fields = [("scope", "name"), ("claim.name", "Ann Öberg"), ("via", via.as_str())];
    assert_eq!(ann.ask_from(&page, &id, "approve", &fields).await.status, 303);
    browser.says("#status", "Your phone is there. Finish on its screen.").await;
    ann.enter(&id, &last_code(&app)).await;
    browser.says("#status", "Thank you! This is what we got:").await;
    browser.says("#claims", "Name\nAnn Öberg").await;
    assert_eq!(browser.barriers().await, Vec::<String>::new(), "axe-core");
    browser.shoot("relying-party-2-approved").await;
    app.api.delete(&format!("/v1/service/consents/{id}")).await;
    browser.says("#status", "You took it back. We keep nothing.").await;
    assert_eq!(browser.text("#claims").await, "");
    let asked = browser.requested().await;
    assert!(asked.iter().any(|url| url.contains("/events?watchToken=")), "{asked:?}");
    assert!(!asked.iter().any(|url| url.contains("qk_")), "no key gets near the page");
    assert_eq!(browser.complaints().await, Vec::<String>::new());
    browser.quit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_site_logs_in_whom_the_phone_shows_a_passkey_and_its_number() {
    let app = TestApp::start().await;
    let (mut ann, enrollment) = login::ann(&app).await;
    let (_site, url) = start(&app).await;
    let browser = Browser::start_scripted().await;
    browser.open(&url).await;
    browser.click("#login button").await;
    browser.says("#status", "Waiting for your phone …").await;
    assert_eq!(browser.evaluate("document.getElementById('picture').decode().then(() => 1)").await, 1);
    assert_eq!(browser.barriers().await, Vec::<String>::new(), "axe-core");
    browser.shoot("relying-party-3-login").await;
    // The phone: what the code says, and the number that stands beside it.
    let code = browser.evaluate("document.getElementById('link').href").await.as_str().unwrap().to_owned();
    let led = ann.browser.get(code.strip_prefix(&app.url("")).unwrap()).await;
    let id = id_of(led.location());
    let number = browser.text("#number").await;
    assert_eq!(login::enter(&mut ann.browser, &id, &number).await.status, 303);
    browser.says("#status", "Your phone is there. Finish on its screen.").await;
    assert_eq!(ann.passkey(&id).await.heading(), "You are signed in");
    let enrolled = app.api.get(&format!("/v1/enrollments/{enrollment}")).await;
    let user = enrolled.data()["userId"].as_str().unwrap();
    browser.says("#status", &format!("Welcome! You are {user}.")).await;
    browser.shoot("relying-party-4-logged-in").await;
    assert!(!browser.requested().await.iter().any(|url| url.contains("qk_")), "no key gets near the page");
    assert_eq!(browser.complaints().await, Vec::<String>::new());
    browser.quit().await;
}

/// What a redirect leads to.
fn id_of(location: &str) -> String {
    location.strip_prefix("/r/").unwrap().split('?').next().unwrap().to_owned()
}
