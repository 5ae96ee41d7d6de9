//! Chromium and its driver are started: with or without JavaScript, on a phone or at a desk.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use super::Browser;

const ENGLISH: &str = "en-GB,en";
/// CSS pixels from side to side.
pub(super) const PHONE: u32 = 390;

fn program(variable: &str, usual: &str) -> String {
    std::env::var(variable).unwrap_or_else(|_| usual.to_owned())
}

/// Starts the driver on a port of its choice; the address that it then says it has.
async fn start_driver() -> (Child, String) {
    let mut driver = Command::new(program("MOBID_TEST_CHROMEDRIVER", "/usr/bin/chromedriver"))
        .arg("--port=0")
        .stdout(Stdio::piped())
        // The browser is in its group, so that both can be ended together.
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines();
    while let Some(line) = lines.next_line().await.unwrap() {
        if let Some(port) = line.strip_prefix("ChromeDriver was started successfully on port ") {
            let address = format!("http://127.0.0.1:{}", port.trim_end_matches('.'));
            // Read on, lest it blocks on a full pipe.
            tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
            return (driver, address);
        }
    }
    panic!("chromedriver did not start");
}

/// Whether pages may run scripts, and how large the screen is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A phone without JavaScript.
    Plain,
    /// A phone with JavaScript.
    Phone,
    /// A desk, and everything that the browser does is written down.
    Scripted,
}

/// Without touch: with it, and with JavaScript off, chromedriver waits for ever for a click to end.
fn capabilities(profile: &Path, kind: Kind, language: &str) -> Value {
    let args = [
        "--window-size=1280,1400",
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--disable-dev-shm-usage",
        "--no-first-run",
        "--no-proxy-server",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--lang=en-GB",
        &format!("--user-data-dir={}", profile.display()),
    ];
    let binary = program("MOBID_TEST_CHROMIUM", "/usr/bin/chromium");
    let mut wanted = json!({"browserName": "chrome", "goog:chromeOptions": {"binary": binary, "args": args}});
    let options = &mut wanted["goog:chromeOptions"];
    options["prefs"] = json!({"intl.accept_languages": language});
    if kind == Kind::Plain {
        options["prefs"]["profile.managed_default_content_settings.javascript"] = json!(2);
    }
    if kind != Kind::Scripted {
        options["mobileEmulation"] = json!({
            "deviceMetrics": {"width": PHONE, "height": 844, "pixelRatio": 2.0, "touch": false}
        });
    }
    match kind {
        Kind::Plain => {}
        Kind::Phone => wanted["goog:loggingPrefs"] = json!({"browser": "ALL"}),
        Kind::Scripted => wanted["goog:loggingPrefs"] = json!({"browser": "ALL", "performance": "ALL"}),
    }
    json!({"capabilities": {"alwaysMatch": wanted}})
}

impl Browser {
    /// Without JavaScript, at the size of a phone.
    pub async fn start() -> Self {
        Self::of_kind(Kind::Plain, ENGLISH).await
    }

    /// With JavaScript, at the size of a phone.
    pub async fn start_phone() -> Self {
        Self::of_kind(Kind::Phone, ENGLISH).await
    }

    /// The same, of somebody who likes this language best.
    pub async fn start_phone_in(language: &str) -> Self {
        Self::of_kind(Kind::Phone, language).await
    }

    /// With JavaScript, at the size of a desk.
    pub async fn start_scripted() -> Self {
        Self::of_kind(Kind::Scripted, ENGLISH).await
    }

    async fn of_kind(kind: Kind, language: &str) -> Self {
        let (driver, address) = start_driver().await;
        let profile = tempfile::tempdir().unwrap();
        let http = reqwest::Client::builder().no_proxy().timeout(Duration::from_mins(1)).build().unwrap();
        let body = capabilities(profile.path(), kind, language);
        let reply: Value =
            http.post(format!("{address}/session")).json(&body).send().await.unwrap().json().await.unwrap();
        let id = reply["value"]["sessionId"].as_str().unwrap_or_else(|| panic!("no session: {reply}"));
        let session = format!("{address}/session/{id}");
        Self { http, session, kind, _profile: profile, driver }
    }
}
