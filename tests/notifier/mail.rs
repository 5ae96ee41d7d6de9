//! By mail.

use std::process::Command;

use serde_json::json;

use super::{asks_for_a_code, says_that_nothing_went_out, silent, through};
use crate::pages::{Visitor, consent};
use crate::support::enrollee::create;
use crate::support::mail_sink::MailSink;
use crate::support::process::ServerProcess;
use crate::support::{free_port, reference_body};

#[tokio::test(flavor = "multi_thread")]
async fn a_code_comes_by_mail_and_decides() {
    let mut sink = MailSink::start("plain").await;
    let app =
        through(&format!("smtp://localhost:{}?from=Consents%20%3Cconsents@example.com%3E", sink.port)).await;
    let id = app.create_consent_with(json!({ "recipient": "ann@example.com", "scope": ["name"] })).await;
    let mut ann = Visitor::new(&app);
    let fields = [("scope", "name"), ("claim.name", "Ann Öberg")];
    assert_eq!(ann.ask(&id, "approve", &fields).await.status, 303);
    let mail = sink.message().await;
    assert_eq!(mail["to"], json!(["ann@example.com"]));
    assert!(mail["from"].as_str().unwrap().contains("consents@example.com"));
    assert_eq!(
        (&mail["subject"], &mail["automatic"]),
        (&json!("Your one-time code for Owner"), &json!("auto-generated"))
    );
    let text = mail["text"].as_str().unwrap();
    assert!(text.contains("Full name"), "{text}");
    assert_eq!(ann.enter(&id, &text[..6]).await.status, 303);
    assert_eq!(consent(&app, &id).await["status"], "approved");
}

#[tokio::test(flavor = "multi_thread")]
async fn mail_reaches_no_phone_number_and_the_page_says_so() {
    let mut sink = MailSink::start("plain").await;
    let app = through(&format!("smtp://localhost:{}", sink.port)).await;
    let (id, status, heading) = asks_for_a_code(&app, "+1234567890").await;
    assert_eq!((status, heading.as_str()), (409, "No code can be sent"));
    assert_eq!(consent(&app, &id).await["status"], "pending");
    let page = Visitor::new(&app).ask(&create(&app.api).await, "enroll", &[]).await;
    assert_eq!((page.status, page.heading()), (409, "No code can be sent"));
    // A link that could never go out is not tried for ever.
    app.create_consent_with(json!({ "notify": true })).await;
    app.caught_up().await;
    while count_of_notices(&app).await > 0 {
        tokio::task::yield_now().await;
    }
    assert!(!sink.has_more().await);
}

async fn count_of_notices(app: &crate::support::TestApp) -> i64 {
    sqlx::query_scalar("select count(*) from link_notices").fetch_one(app.pool()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_server_that_refuses_is_one_that_did_not_take_it() {
    let sink = MailSink::start("refusing").await;
    let app = through(&format!("smtp://localhost:{}", sink.port)).await;
    says_that_nothing_went_out(&app, "ann@example.com").await;
    let nobody = through(&format!("smtp://localhost:{}", free_port())).await;
    says_that_nothing_went_out(&nobody, "ann@example.com").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_server_that_hangs_keeps_nobody_waiting_for_long() {
    let (slow, (_listener, port)) = (MailSink::start("slow").await, silent().await);
    let (one, other) = (
        through(&format!("smtp://localhost:{}", slow.port)).await,
        through(&format!("smtp://localhost:{port}")).await,
    );
    tokio::join!(
        says_that_nothing_went_out(&one, "ann@example.com"),
        says_that_nothing_went_out(&other, "ann@example.com")
    );
}

const PASSWORD: &str = "pass%3Aword%2Fs3cret";

/// A server of its own process, which trusts the mail server's authority if it is told to.
async fn process(url: &str, trusts: Option<&MailSink>) -> ServerProcess {
    let mut server = ServerProcess::new(&[("MOBID_NOTIFIER", url), ("RUST_LOG", "trace")]);
    if let Some(sink) = trusts {
        server = server.with("SSL_CERT_FILE", sink.authority().to_str().unwrap());
    }
    server.start().await;
    server
}

async fn asks_with_a_link(server: &ServerProcess) -> String {
    let mut body = reference_body();
    (body["recipient"], body["notify"]) = (json!("ann@example.com"), json!(true));
    server.api().post("/v1/service/consents", &body).await.id()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_goes_out_over_tls_with_a_password_that_nobody_reads() {
    for (mode, scheme) in [("starttls", "smtp"), ("tls", "smtps")] {
        let mut sink = MailSink::start(mode).await;
        // Also where the server is on this machine, if one says so.
        let more = if mode == "starttls" { "?tls=required" } else { "" };
        let url = format!("{scheme}://ann%40example.com:{PASSWORD}@localhost:{}{more}", sink.port);
        let mut server = process(&url, Some(&sink)).await;
        let id = asks_with_a_link(&server).await;
        let mail = sink.message().await;
        assert_eq!((&mail["encrypted"], &mail["user"]), (&json!(true), &json!("ann@example.com")), "{mode}");
        assert_eq!(mail["from"], "ann@example.com");
        assert!(mail["text"].as_str().unwrap().contains(&format!("/r/{id}")), "{mail}");
        assert!(server.terminate().await);
        let log = std::fs::read_to_string(server.log_path()).unwrap();
        assert!(
            log.contains("links and codes go out by mail") && log.contains("phone numbers cannot be reached")
        );
        assert!(!log.contains("s3cret"), "the log has the password");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_goes_out_to_who_is_not_who_they_say_or_does_not_speak_tls() {
    let (mut liar, mut plain) = (MailSink::start("starttls").await, MailSink::start("plain").await);
    for (sink, said) in [(&mut liar, "TLS"), (&mut plain, "offers less than is needed")] {
        let url = format!("smtp://ann%40example.com:{PASSWORD}@localhost:{}?tls=required", sink.port);
        let server = process(&url, None).await;
        asks_with_a_link(&server).await;
        let warned = async {
            loop {
                let log = std::fs::read_to_string(server.log_path()).unwrap();
                if let Some(line) = log.lines().find(|line| line.contains("a link could not be sent")) {
                    return line.to_owned();
                }
                tokio::task::yield_now().await;
            }
        };
        let line = tokio::time::timeout(std::time::Duration::from_secs(30), warned).await.unwrap();
        assert!(line.contains(said) && !line.contains("ann@"), "{line}");
        assert!(!sink.has_more().await);
    }
}

#[test]
fn the_configuration_is_printed_without_what_is_secret_in_it() {
    for url in ["smtp://ann:s3cret@mail.example:587", "https://u:s3cret@sms.example/s3cret?key=s3cret"] {
        let output = Command::new(env!("CARGO_BIN_EXE_mobid"))
            .arg("config")
            .env("MOBID_NOTIFIER", url)
            .current_dir(std::env::temp_dir())
            .output()
            .unwrap();
        let (out, err) =
            (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
        assert!(output.status.success(), "{err}");
        assert!(out.contains(".example") && !out.contains("s3cret") && !err.contains("s3cret"), "{out}{err}");
    }
}
