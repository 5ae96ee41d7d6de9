//! Pages without an API key that follow where one thing stands.

mod events;
mod tokens;

use std::time::Duration;

use reqwest::Response;
use reqwest::header::HeaderMap;
use serde_json::Value;

use crate::support::{Api, Reply, TestApp};

/// What must come soon comes well within this.
const SOON: Duration = Duration::from_secs(10);

/// A page on some other site: it has no key.
#[derive(Clone)]
pub struct Page {
    api: Api,
}

/// A consent with the token to watch it.
pub struct Watched {
    pub id: String,
    pub token: String,
}

impl Watched {
    pub async fn new(app: &TestApp) -> Self {
        let id = app.create_consent().await;
        let token = app.api.get(&path_of(&id)).await.data()["watchToken"].as_str().unwrap().to_owned();
        Self { id, token }
    }

    fn path(&self) -> String {
        format!("{}?watchToken={}", path_of(&self.id), self.token)
    }

    fn events(&self) -> String {
        format!("{}/events?watchToken={}", path_of(&self.id), self.token)
    }
}

fn path_of(id: &str) -> String {
    format!("/v1/service/consents/{id}")
}

impl Page {
    pub fn new(app: &TestApp) -> Self {
        Self { api: Api::new(app.url(""), String::new()) }
    }

    pub async fn get(&self, path: &str) -> Reply {
        Reply::of(self.api.http.get(self.api.url(path)).header("Origin", "https://shop.example")).await
    }

    /// As a browser's `EventSource` asks.
    async fn follow(&self, path: &str, last: Option<&str>) -> Stream {
        let mut request = self.api.http.get(self.api.url(path)).header("Accept", "text/event-stream");
        if let Some(last) = last {
            request = request.header("Last-Event-ID", last);
        }
        Stream::of(request).await
    }
}

/// Server-sent events as they come.
struct Stream {
    status: u16,
    headers: HeaderMap,
    response: Response,
    text: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Event {
    id: String,
    status: String,
    data: Value,
}

impl Stream {
    async fn of(request: reqwest::RequestBuilder) -> Self {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Self { status, headers, response, text: String::new() }
    }

    /// The next block of lines; `None` at the end.
    async fn block(&mut self) -> Option<String> {
        loop {
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.text = rest;
                return Some(block);
            }
            let chunk = tokio::time::timeout(SOON, self.response.chunk()).await.expect("something in time");
            self.text += std::str::from_utf8(&chunk.unwrap()?).unwrap();
        }
    }

    /// The next event, past whatever says nothing.
    async fn event(&mut self) -> Option<Event> {
        loop {
            let block = self.block().await?;
            let field = |name: &str| {
                block.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": ")).map(str::to_owned)
            };
            let Some(data) = field("data") else { continue };
            assert_eq!(field("event").as_deref(), Some("status"));
            let data: Value = serde_json::from_str(&data).unwrap();
            let status = data["status"].as_str().unwrap().to_owned();
            return Some(Event { id: field("id").unwrap(), status, data });
        }
    }

    async fn status(&mut self) -> String {
        self.event().await.expect("an event").status
    }
}
