//! Headless Chromium over the `WebDriver` protocol (W3C), as much of it as the tests need.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// What a reference to an element is called (`WebDriver`, 11).
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

const ENGLISH: &str = "en-GB,en";
/// CSS pixels from side to side.
const PHONE: u32 = 390;
/// What is left of 1280 pixels at 400 % (WCAG 2.2, 1.4.10).
const NARROW: u32 = 320;

pub struct Browser {
    http: reqwest::Client,
    session: String,
    kind: Kind,
    _profile: tempfile::TempDir,
    driver: Child,
}

/// One that was added to a browser.
pub struct VirtualAuthenticator(Value);

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
enum Kind {
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

/// A test that failed leaves no browser behind.
impl Drop for Browser {
    fn drop(&mut self) {
        let group = self.driver.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        if let Some(group) = group {
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
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

    async fn get(&self, path: &str) -> Value {
        let reply = self.http.get(format!("{}{path}", self.session)).send().await.unwrap();
        Self::value(path, reply).await
    }

    async fn post(&self, path: &str, body: Value) -> Value {
        let reply = self.http.post(format!("{}{path}", self.session)).json(&body).send().await.unwrap();
        Self::value(path, reply).await
    }

    async fn value(path: &str, reply: reqwest::Response) -> Value {
        let status = reply.status();
        let body: Value = reply.json().await.unwrap();
        assert!(status.is_success(), "{path}: {}", body["value"]["message"]);
        body["value"].clone()
    }

    /// A command of the Chrome `DevTools` Protocol.
    async fn devtools(&self, command: &str, params: Value) -> Value {
        self.post("/goog/cdp/execute", json!({"cmd": command, "params": params})).await
    }

    /// An authenticator of the device itself, whose user is there and is verified.
    pub async fn add_authenticator(&self) -> VirtualAuthenticator {
        self.devtools("WebAuthn.enable", json!({})).await;
        let options = json!({"protocol": "ctap2", "transport": "internal", "hasResidentKey": true,
            "hasUserVerification": true, "isUserVerified": true, "automaticPresenceSimulation": true});
        let added = self.devtools("WebAuthn.addVirtualAuthenticator", json!({"options": options})).await;
        VirtualAuthenticator(added["authenticatorId"].clone())
    }

    /// What an authenticator has, its private keys and counters included.
    pub async fn credentials(&self, of: &VirtualAuthenticator) -> Vec<Value> {
        let told = self.devtools("WebAuthn.getCredentials", json!({"authenticatorId": of.0})).await;
        told["credentials"].as_array().unwrap().clone()
    }

    /// Makes an authenticator have this and nothing else, as who copied it would.
    pub async fn plant(&self, into: &VirtualAuthenticator, credential: &Value) {
        self.devtools("WebAuthn.clearCredentials", json!({"authenticatorId": into.0})).await;
        let params = json!({"authenticatorId": into.0, "credential": credential});
        self.devtools("WebAuthn.addCredential", params).await;
    }

    /// Forgets every cookie of the site that is shown.
    pub async fn forget_cookies(&self) {
        let done = self.http.delete(format!("{}/cookie", self.session)).send().await.unwrap();
        Self::value("/cookie", done).await;
    }

    /// Runs a script that leads to another page, and waits for that page.
    pub async fn go(&self, script: &str) {
        let before = self.one("html").await;
        self.run(script).await;
        self.left(&before).await;
    }

    /// Runs a script in the page.
    pub async fn run(&self, script: &str) -> Value {
        self.post("/execute/sync", json!({"script": script, "args": []})).await
    }

    pub async fn quit(self) {
        self.http.delete(&self.session).send().await.unwrap();
    }

    pub async fn open(&self, url: &str) {
        self.post("/url", json!({"url": url})).await;
    }

    pub async fn title(&self) -> String {
        self.get("/title").await.as_str().unwrap().to_owned()
    }

    /// Elements by CSS selector.
    pub async fn all(&self, selector: &str) -> Vec<String> {
        let found = self.post("/elements", json!({"using": "css selector", "value": selector})).await;
        let ids = found.as_array().unwrap().iter();
        ids.map(|element| element[ELEMENT].as_str().unwrap().to_owned()).collect()
    }

    async fn one(&self, selector: &str) -> String {
        let found = self.all(selector).await;
        assert_eq!(found.len(), 1, "{selector}");
        found[0].clone()
    }

    /// Waits until there is such an element.
    pub async fn appears(&self, selector: &str) {
        let there = async {
            while self.all(selector).await.is_empty() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), there).await.unwrap();
    }

    /// Addresses that were asked for since the last time.
    pub async fn requested(&self) -> Vec<String> {
        let entries = self.post("/se/log", json!({"type": "performance"})).await;
        let events = entries.as_array().unwrap().iter().map(|entry| {
            let event: Value = serde_json::from_str(entry["message"].as_str().unwrap()).unwrap();
            event["message"].clone()
        });
        let requests = events.filter(|event| event["method"] == "Network.requestWillBeSent");
        requests.map(|event| event["params"]["request"]["url"].as_str().unwrap().to_owned()).collect()
    }

    /// What the browser complained of since the last time.
    pub async fn complaints(&self) -> Vec<String> {
        let entries = self.post("/se/log", json!({"type": "browser"})).await;
        entries
            .as_array()
            .unwrap()
            .iter()
            .map(|entry| entry["message"].as_str().unwrap().to_owned())
            .collect()
    }

    pub async fn text(&self, selector: &str) -> String {
        let element = self.one(selector).await;
        self.get(&format!("/element/{element}/text")).await.as_str().unwrap().to_owned()
    }

    /// Waits until the page says this there.
    pub async fn says(&self, selector: &str, expected: &str) {
        let said = async {
            while self.text(selector).await != expected {
                tokio::task::yield_now().await;
            }
        };
        let waited = tokio::time::timeout(Duration::from_secs(30), said).await;
        assert!(waited.is_ok(), "{selector} says {:?}, not {expected:?}", self.text(selector).await);
    }

    pub async fn click(&self, selector: &str) {
        let element = self.one(selector).await;
        self.post(&format!("/element/{element}/click"), json!({})).await;
    }

    pub async fn fill(&self, selector: &str, text: &str) {
        let element = self.one(selector).await;
        self.post(&format!("/element/{element}/value"), json!({"text": text})).await;
    }

    pub async fn clear(&self, selector: &str) {
        let element = self.one(selector).await;
        self.post(&format!("/element/{element}/clear"), json!({})).await;
    }

    /// Asks for pages in a language from here on.
    pub async fn speak(&self, language: &str) {
        let headers = json!({"headers": {"Accept-Language": language}});
        self.devtools("Network.enable", json!({})).await;
        self.devtools("Network.setExtraHTTPHeaders", headers).await;
    }

    /// Clicks on what leads to another page, and waits for that page.
    pub async fn press(&self, selector: &str) {
        let before = self.one("html").await;
        self.click(selector).await;
        self.left(&before).await;
    }

    /// Types where the focus is, presses Enter, and waits for the page that follows.
    pub async fn enter(&self, text: &str) {
        let before = self.one("html").await;
        let element = self.get("/element/active").await[ELEMENT].as_str().unwrap().to_owned();
        self.post(&format!("/element/{element}/value"), json!({"text": format!("{text}\n")})).await;
        self.left(&before).await;
    }

    /// The same in a field.
    pub async fn enter_in(&self, selector: &str, text: &str) {
        let before = self.one("html").await;
        self.fill(selector, &format!("{text}\n")).await;
        self.left(&before).await;
    }

    /// Waits until a page, known by its root, is no longer the one shown, and the next one is complete.
    async fn left(&self, root: &str) {
        let next = async {
            loop {
                let roots = self.all("html").await;
                if roots.iter().any(|found| found != root) && !self.all("footer").await.is_empty() {
                    return;
                }
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), next).await.unwrap();
    }

    pub async fn enter_frame(&self, selector: &str) {
        let element = self.one(selector).await;
        self.post("/frame", json!({"id": {ELEMENT: element}})).await;
    }

    pub async fn leave_frame(&self) {
        self.post("/frame", json!({"id": null})).await;
    }

    /// Waits until a script finds it so.
    pub async fn comes_true(&self, expression: &str) {
        let found = async {
            while self.evaluate(expression).await != true {
                tokio::task::yield_now().await;
            }
        };
        let waited = tokio::time::timeout(Duration::from_secs(30), found).await;
        assert!(waited.is_ok(), "{expression} does not come true");
    }

    /// What a screen reader calls an element.
    pub async fn label(&self, element: &str) -> String {
        self.get(&format!("/element/{element}/computedlabel")).await.as_str().unwrap().to_owned()
    }

    pub async fn role(&self, element: &str) -> String {
        self.get(&format!("/element/{element}/computedrole")).await.as_str().unwrap().to_owned()
    }

    /// In CSS pixels.
    pub async fn content_width(&self) -> f64 {
        let metrics = self.devtools("Page.getLayoutMetrics", json!({})).await;
        metrics["cssContentSize"]["width"].as_f64().unwrap()
    }

    /// What sticks out to the side: on the narrowest of screens, and on a phone with letters of twice the size (WCAG 2.2,
    /// 1.4.4 and 1.4.10).
    pub async fn overflows(&self) -> Vec<String> {
        let outside = "JSON.stringify([...document.querySelectorAll('body *')]
            .filter((e) => e.getBoundingClientRect().right > document.documentElement.clientWidth + 0.5)
            .map((e) => e.outerHTML.slice(0, 120))
            .concat(document.documentElement.scrollWidth > document.documentElement.clientWidth ? ['it scrolls'] : []))";
        let mut found = vec![];
        for (what, width, letters) in [("narrow", NARROW, "100%"), ("large", PHONE, "200%")] {
            self.resize(width).await;
            self.evaluate(&format!("document.documentElement.style.fontSize = '{letters}'")).await;
            let told = self.evaluate(outside).await;
            let told: Vec<String> = serde_json::from_str(told.as_str().unwrap()).unwrap();
            found.extend(told.into_iter().map(|text| format!("{what}: {text}")));
        }
        self.evaluate("document.documentElement.style.fontSize = ''").await;
        self.resize(PHONE).await;
        self.evaluate("scrollTo(0, 0), new Promise((shown) => requestAnimationFrame(() => shown(1)))").await;
        found
    }

    /// As the driver itself makes a phone of it: else it clicks beside what it means to.
    async fn resize(&self, width: u32) {
        let metrics = json!({"width": width, "height": 844, "deviceScaleFactor": 2, "mobile": true});
        self.devtools("Emulation.setDeviceMetricsOverride", metrics).await;
    }

    /// What axe-core finds that keeps people from using the page, in light and in dark. Without JavaScript there is
    /// nobody who could look.
    pub async fn barriers(&self) -> Vec<String> {
        if self.kind == Kind::Plain {
            return vec![];
        }
        let path =
            std::env::var("MOBID_TEST_AXE").expect("axe-core is missing: run ./test, or set MOBID_TEST_AXE");
        let axe = std::fs::read_to_string(path).unwrap();
        // The inspector's scripts run whatever the page's policy says.
        self.evaluate(&format!("{axe}\n;0")).await;
        let mut found = vec![];
        for scheme in ["light", "dark"] {
            self.prefer(scheme).await;
            let grave = "axe.run().then(({ violations, passes }) => JSON.stringify({ looked: passes.length, grave: violations
                .filter(({ impact }) => ['serious', 'critical'].includes(impact))
                .map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map(({ html }) => html).join(' ')}`) }))";
            let told: Value = serde_json::from_str(self.evaluate(grave).await.as_str().unwrap()).unwrap();
            assert!(told["looked"].as_u64() > Some(10), "{told}");
            let grave = told["grave"].as_array().unwrap().iter();
            found.extend(grave.map(|text| format!("{scheme}: {}", text.as_str().unwrap())));
        }
        found
    }

    /// What a script makes of the page.
    pub async fn evaluate(&self, expression: &str) -> Value {
        let params = json!({"expression": expression, "awaitPromise": true, "returnByValue": true});
        let told = self.devtools("Runtime.evaluate", params).await;
        assert!(told["exceptionDetails"].is_null(), "{}", told["exceptionDetails"]);
        told["result"]["value"].clone()
    }

    async fn prefer(&self, scheme: &str) {
        let features = json!([{"name": "prefers-color-scheme", "value": scheme}]);
        self.devtools("Emulation.setEmulatedMedia", json!({"features": features})).await;
    }

    /// Pictures of the whole page, in light and in dark; with JavaScript it looks the same.
    pub async fn shoot(&self, name: &str) {
        if self.kind != Kind::Phone {
            self.picture(name).await;
        }
    }

    /// The same on whatever screen.
    pub async fn picture(&self, name: &str) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/screenshots");
        std::fs::create_dir_all(&folder).unwrap();
        for scheme in ["light", "dark"] {
            self.prefer(scheme).await;
            let params = json!({"format": "png", "captureBeyondViewport": true});
            let picture = self.devtools("Page.captureScreenshot", params).await;
            let png = STANDARD.decode(picture["data"].as_str().unwrap()).unwrap();
            std::fs::write(folder.join(format!("{name}-{scheme}.png")), png).unwrap();
        }
    }
}
