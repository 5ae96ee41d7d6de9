//! A person is told of every passkey that comes or goes, in their language, and of nothing that is secret.

use mobid_domain::handle::Handle;
use serde_json::{Value, json};

use super::{Guest, ann, messages_to};
use crate::support::TestApp;
use crate::support::authenticator::Authenticator;

const ANN: &str = "ann@example.com";
const CREATE: (&str, &str) = ("/me/passkeys/begin", "/me/passkeys");

/// Subjects of what has no code, oldest first.
fn told(app: &TestApp) -> Vec<Value> {
    messages_to(app, ANN).into_iter().filter(|message| message["code"].is_null()).collect()
}

fn subjects(app: &TestApp) -> Vec<String> {
    told(app).iter().map(|message| message["subject"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_is_told_once_of_each_passkey_that_comes_or_goes() {
    let app = TestApp::start().await;
    let mut ann = ann(&app, &app.api, ANN).await;
    assert_eq!(subjects(&app), ["A passkey was added"]);
    ann.sign_in().await;
    let first = std::mem::replace(&mut ann.authenticator, Authenticator::at(&app.url("")));
    assert_eq!(ann.press(CREATE.0, CREATE.1, &[]).await.status, 303);
    ann.sign_in().await;
    assert_eq!(subjects(&app), ["A passkey was added", "A passkey was added"]);
    let passkey = ann.passkeys().await.remove(0);
    assert_eq!(ann.post(&format!("{passkey}/drop"), &[]).await.status, 303);
    // What is gone already goes once.
    ann.sign_in().await;
    assert_eq!(ann.post(&format!("{passkey}/drop"), &[]).await.status, 404);
    assert_eq!(subjects(&app)[2..], ["A passkey was removed"]);
    ann.authenticator.counter = Some(0);
    assert_eq!(ann.press("/me/passkey/begin", "/me/passkey", &[]).await.status, 422);
    let said = told(&app);
    assert_eq!(said.len(), 4);
    assert!(said[3]["text"].as_str().unwrap().contains("there seems to be a copy"), "{}", said[3]);
    // Neither which passkey it was nor any way in.
    let secrets = [passkey.rsplit('/').next().unwrap(), &first.get_id(), &ann.authenticator.get_id()];
    for message in &said {
        let (text, link) = (message.to_string(), &message["link"]);
        assert!(link.is_null() && secrets.iter().all(|secret| !text.contains(secret)), "{text}");
        assert!(!text.contains("http") && !text.contains("usr_"), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_is_told_in_the_language_of_who_did_it() {
    let app = TestApp::start().await;
    let mut ann = ann(&app, &app.api, ANN).await;
    ann.sign_in().await;
    let (passkey, csrf) = (ann.passkeys().await.remove(0), ann.csrf().await);
    let path = format!("{passkey}/drop");
    let request = ann.browser.form(&path, &[("csrf", &csrf), ("sure", "yes")]);
    let done = ann.browser.send(request.header("accept-language", "de")).await;
    assert_eq!(done.status, 303, "{}", done.html);
    assert_eq!(subjects(&app).last().unwrap(), "Ein Passkey wurde entfernt");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_holds_the_handle_now_is_told_nothing_of_the_former_holders_passkeys() {
    let app = TestApp::start().await;
    let mut former = ann(&app, &app.api, ANN).await;
    former.sign_in().await;
    let mut anew = Guest::new(&app);
    anew.sign_in_by_code(&app, ANN).await;
    assert_eq!(anew.post("/me/recover", &[]).await.status, 303);
    let before = told(&app).len();
    former.sign_in().await;
    let passkey = former.passkeys().await.remove(0);
    assert_eq!(former.post(&format!("{passkey}/drop"), &[("sure", "yes")]).await.status, 303);
    assert_eq!(told(&app).len(), before);
    let handle: Handle = ANN.parse().unwrap();
    assert!(mobid::person::holder::find(&app.app, &handle).await.unwrap().is_some());
    assert_eq!(json!(subjects(&app)[0]), json!("A passkey was added"));
}
