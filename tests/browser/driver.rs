//! Headless Chromium over the `WebDriver` protocol (W3C), as much of it as the tests need.

mod authenticators;
mod looks;
mod starting;

use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::{Value, json};
use tokio::process::Child;

use starting::Kind;

/// What a reference to an element is called (`WebDriver`, 11).
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

pub struct Browser {
    http: reqwest::Client,
    session: String,
    kind: Kind,
    _profile: tempfile::TempDir,
    driver: Child,
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

    /// What a script makes of the page.
    pub async fn evaluate(&self, expression: &str) -> Value {
        let params = json!({"expression": expression, "awaitPromise": true, "returnByValue": true});
        let told = self.devtools("Runtime.evaluate", params).await;
        assert!(told["exceptionDetails"].is_null(), "{}", told["exceptionDetails"]);
        told["result"]["value"].clone()
    }
}
