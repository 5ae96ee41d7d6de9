//! A site of somebody else's: pages on another origin, and whatever they lead to.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, Response, StatusCode, header};
use tokio::net::TcpListener;

use crate::support::TestApp;

#[derive(Clone)]
pub struct Elsewhere {
    port: u16,
    pages: Arc<Mutex<HashMap<String, String>>>,
}

impl Elsewhere {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let site = Self { port: listener.local_addr().unwrap().port(), pages: Arc::default() };
        let routes = Router::new().fallback(page).with_state(site.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        site
    }

    /// Puts a page there; its address at this host, any of which is this machine.
    pub fn put(&self, host: &str, path: &str, body: &str) -> String {
        let html = format!("<!doctype html><title>elsewhere</title>{body}<footer></footer>");
        self.pages.lock().unwrap().insert(path.to_owned(), html);
        format!("http://{host}:{}{path}", self.port)
    }
}

async fn page(State(site): State<Elsewhere>, request: Request) -> Response<Body> {
    let found = site.pages.lock().unwrap().get(request.uri().path()).cloned();
    let status = if found.is_some() { StatusCode::OK } else { StatusCode::NOT_FOUND };
    let answer = Response::builder().status(status).header(header::CONTENT_TYPE, "text/html; charset=utf-8");
    answer.body(Body::from(found.unwrap_or_default())).unwrap()
}

/// Shows a page as who comes by a link on another site gets it at first, without its leading on by itself. Its address.
pub async fn stopped_on_the_way(app: &TestApp, path: &str) -> String {
    async fn pass(State((http, ours)): State<(reqwest::Client, String)>, request: Request) -> Response<Body> {
        let mut headers = request.headers().clone();
        headers.insert("sec-fetch-site", HeaderValue::from_static("cross-site"));
        let got = http.get(format!("{ours}{}", request.uri())).headers(headers).send().await.unwrap();
        let kind = got.headers()[header::CONTENT_TYPE].clone();
        Response::builder()
            .header(header::CONTENT_TYPE, kind)
            .body(Body::from(got.bytes().await.unwrap()))
            .unwrap()
    }
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://localhost:{}{path}", listener.local_addr().unwrap().port());
    let routes = Router::new().fallback(pass).with_state((app.api.http.clone(), app.url("")));
    tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
    address
}
