//! Forms that no browser of ours would send, and values that are none.

use reqwest::Method;
use reqwest::header::CONTENT_TYPE;

use super::Visitor;
use super::visitor::Page;
use crate::support::TestApp;

const FORM: &str = "application/x-www-form-urlencoded";

async fn raw(ann: &mut Visitor, id: &str, content_type: &str, body: Vec<u8>) -> Page {
    let request = ann.request(Method::POST, &format!("/r/{id}/code"));
    ann.send(request.header(CONTENT_TYPE, content_type).body(body)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_that_cannot_be_read_gets_a_page_that_says_so() {
    let app = TestApp::start().await;
    let id = app.create_consent().await;
    let mut ann = Visitor::new(&app);
    let csrf = ann.csrf(&id).await;
    let start = format!("csrf={csrf}&sequence=1&action=approve&scope=name&claim.name=");
    let with = |end: &[u8]| [start.as_bytes(), end].concat();
    let cases = [
        (FORM, with(b"%ff"), 400),
        (FORM, with(b"\xff"), 400),
        (FORM, with(b"%00"), 400),
        (FORM, with(b"%zz"), 400),
        (FORM, with(b"Ann&claim.name=Bob"), 400),
        (FORM, with(b"Ann&csrf=x"), 400),
        (FORM, with("a".repeat(70 << 10).as_bytes()), 413),
        (FORM, with("&a=1".repeat(300).as_bytes()), 400),
        ("application/json", b"{}".to_vec(), 400),
        ("multipart/form-data; boundary=x", b"--x--".to_vec(), 400),
    ];
    for (content_type, body, status) in cases {
        let page = raw(&mut ann, &id, content_type, body).await;
        assert_eq!((page.status, page.heading()), (status, "We could not read that form"), "{content_type}");
        assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    }
    assert!(app.outbox().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn values_that_are_none_are_named_and_what_was_entered_stays() {
    let app = TestApp::start().await;
    let id = app.create_consent().await;
    let mut ann = Visitor::new(&app);
    let fields =
        [("scope", "name"), ("scope", "email"), ("claim.email", "ann\"><script>"), ("claim.phone", "1")];
    let page = ann.ask(&id, "approve", &fields).await;
    assert_eq!(page.status, 422);
    assert!(page.says("role=\"alert\"") && page.says("<title>Error: "));
    assert!(page.says("Full name: Fill this in, or untick it."));
    assert!(page.says("Email address: Enter an email address"));
    assert!(!page.says("Phone number: "), "what is not ticked is not looked at");
    assert!(!page.says("<script>") && page.says("ann&#34;&#62;&#60;script&#62;"), "{}", page.html);
    for value in ["a\u{1b}b", "a\nb", &"x".repeat(501)] {
        let page = ann.ask(&id, "approve", &[("scope", "name"), ("claim.name", value)]).await;
        assert_eq!(page.status, 422);
    }
    let page = ann.ask(&id, "approve", &[("claim.name", "Ann")]).await;
    assert!(page.status == 422 && page.says("Tick what you want to share"));
    assert!(app.outbox().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_was_left_with_a_wrong_value_can_be_put_right() {
    let app = TestApp::start().await;
    let id = app.create_consent().await;
    let mut ann = Visitor::new(&app);
    let page = ann.get(&format!("/r/{id}?via=qr")).await;
    let page = ann.ask_from(&page, &id, "approve", &[("scope", "name"), ("via", "qr")]).await;
    assert_eq!(page.status, 422);
    let fields = [("scope", "name"), ("claim.name", "Ann"), ("via", "qr")];
    let page = ann.ask_from(&page, &id, "approve", &fields).await;
    assert_eq!(page.status, 303, "the version after the scan is the one in the form: {}", page.html);
}
