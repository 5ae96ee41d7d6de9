//! A REST consumer.

use reqwest::{Method, RequestBuilder};
use serde_json::Value;

/// One client's view of the API.
#[derive(Clone)]
pub struct Api {
    base: String,
    pub key: String,
    pub http: reqwest::Client,
}

/// An answer, its body as JSON (null where it is none).
#[derive(Debug, Clone)]
pub struct Reply {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    pub body: Value,
    /// The body as it came.
    pub text: String,
}

impl Reply {
    pub async fn of(request: RequestBuilder) -> Self {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await.unwrap();
        Self { status, headers, body: serde_json::from_str(&text).unwrap_or(Value::Null), text }
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }

    /// The body without what differs from request to request.
    pub fn without_request_id(&self) -> Value {
        let mut body = self.body.clone();
        if let Some(object) = body.as_object_mut() {
            object.remove("requestId");
        }
        body
    }

    /// `data.id`.
    pub fn id(&self) -> String {
        self.body["data"]["id"].as_str().unwrap_or_default().to_owned()
    }

    pub fn data(&self) -> &Value {
        &self.body["data"]
    }

    /// `field:code` of each error listed.
    pub fn errors(&self) -> Vec<String> {
        let errors = self.body["data"]["errors"].as_array().cloned().unwrap_or_default();
        errors
            .iter()
            .map(|e| format!("{}:{}", e["field"].as_str().unwrap(), e["code"].as_str().unwrap()))
            .collect()
    }
}

impl Api {
    pub fn new(base: String, key: String) -> Self {
        let http = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .unwrap();
        Self { base, key, http }
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// A request with the key, to be refined.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, self.url(path)).header("X-Mobid-Key", &self.key)
    }

    pub async fn get(&self, path: &str) -> Reply {
        Reply::of(self.request(Method::GET, path)).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Reply {
        Reply::of(self.request(Method::POST, path).json(body)).await
    }

    pub async fn patch(&self, path: &str, body: &Value) -> Reply {
        Reply::of(self.request(Method::PATCH, path).json(body)).await
    }

    pub async fn put(&self, path: &str, body: &Value) -> Reply {
        Reply::of(self.request(Method::PUT, path).json(body)).await
    }

    /// A POST under an `Idempotency-Key`.
    pub async fn post_once(&self, path: &str, key: &str, body: &Value) -> Reply {
        Reply::of(self.request(Method::POST, path).header("Idempotency-Key", key).json(body)).await
    }

    /// The same client over other connections.
    pub fn over(&self, http: reqwest::Client) -> Self {
        Self { http, ..self.clone() }
    }

    /// The same client at another server.
    pub fn at(&self, other: &Self) -> Self {
        Self { base: other.base.clone(), ..self.clone() }
    }

    pub async fn delete(&self, path: &str) -> Reply {
        Reply::of(self.request(Method::DELETE, path)).await
    }
}
