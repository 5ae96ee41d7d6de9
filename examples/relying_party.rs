//! A company's own site, as small as it can be: asks a person for consent, shows the QR code that leads a phone to it,
//! and follows live what the phone decides; or logs somebody in by a QR code, beside which it shows the number that they
//! have to enter on the phone. Its page has no API key: it watches with the watch token of the consent, or of the code.
//!
//! `cargo run --example relying_party` beside a running server (`./run`), then open <http://localhost:9091>.

use std::collections::HashSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, bail};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use clap::Parser;
use serde::Deserialize;
use serde_json::{Value, json};

const PAGE: &str = include_str!("relying_party.html");

/// Ask for consents on a page of one's own, against a mobid server.
#[derive(Parser)]
struct Args {
    /// Where the server is.
    #[arg(long, default_value = "http://localhost:8080")]
    server: String,
    /// The file with the API key.
    #[arg(long, default_value = ".mobid/owner.key")]
    key_file: PathBuf,
    /// Port to listen on, of this machine; 0 picks one.
    #[arg(long, default_value_t = 9091)]
    port: u16,
}

/// The site, which alone has the key.
struct Site {
    server: String,
    key: String,
    http: reqwest::Client,
    /// What its page may ask about.
    asked: Mutex<HashSet<String>>,
}

impl Site {
    /// The data of an answer, or what the server says is wrong.
    async fn call(&self, request: reqwest::RequestBuilder) -> anyhow::Result<Value> {
        let response = request.header("X-Mobid-Key", &self.key).send().await.context("the server")?;
        let good = response.status().is_success();
        let mut body: Value = response.json().await?;
        if !good {
            bail!(
                "{}",
                body["data"]["errors"][0]["message"].as_str().or(body["message"].as_str()).unwrap_or("?")
            );
        }
        Ok(body["data"].take())
    }

    async fn post(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        self.call(self.http.post(format!("{}{path}", self.server)).json(body)).await
    }

    async fn ask(&self, recipient: &str) -> anyhow::Result<Value> {
        let wanted = json!({ "recipient": recipient, "purpose": "identity_verification",
            "scope": ["name", "email", "birthdate"], "expiresIn": 15 });
        let consent = self.post("/v1/service/consents", &wanted).await?;
        let code = json!({ "type": "consent", "referenceId": consent["id"] });
        let code = self.post("/v1/qr/generate", &code).await?;
        let id = consent["id"].as_str().unwrap_or_default();
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).insert(id.to_owned());
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        Ok(json!({
            "id": id,
            "url": code["url"],
            "picture": format!("{}?format=svg&size=240&watchToken={}", text(&code["imageUrl"]), text(&code["watchToken"])),
            "events": format!("{}/v1/service/consents/{id}/events?watchToken={}", self.server, text(&consent["watchToken"])),
        }))
    }

    /// A code that logs in whoever scans it and enters the number beside it.
    async fn log_in(&self) -> anyhow::Result<Value> {
        let code = self.post("/v1/qr/generate", &json!({ "type": "login" })).await?;
        let id = code["id"].as_str().unwrap_or_default();
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).insert(id.to_owned());
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let token = text(&code["watchToken"]);
        Ok(json!({
            "id": id,
            "url": code["url"],
            "number": code["matchingNumber"],
            "picture": format!("{}?format=svg&size=240&watchToken={token}", text(&code["imageUrl"])),
            "status": format!("{}/v1/qr/{id}?watchToken={token}", self.server),
        }))
    }

    /// Who logged in, for this site's own eyes: here it would begin a session of theirs.
    async fn logged_in(&self, id: &str) -> anyhow::Result<Value> {
        if !self.asked.lock().unwrap_or_else(PoisonError::into_inner).contains(id) {
            bail!("nobody was asked that here");
        }
        let code = self.call(self.http.get(format!("{}/v1/qr/{id}", self.server))).await?;
        Ok(json!({ "status": code["status"], "result": code["result"], "endReason": code["endReason"] }))
    }

    /// What was granted, for this site's own eyes.
    async fn result(&self, id: &str) -> anyhow::Result<Value> {
        if !self.asked.lock().unwrap_or_else(PoisonError::into_inner).contains(id) {
            bail!("nobody was asked that here");
        }
        let consent = self.call(self.http.get(format!("{}/v1/service/consents/{id}", self.server))).await?;
        Ok(
            json!({ "status": consent["status"], "claims": consent["claims"], "assurance": consent["assurance"] }),
        )
    }
}

#[derive(Deserialize)]
struct Asked {
    recipient: String,
}

async fn ask(State(site): State<Arc<Site>>, Json(asked): Json<Asked>) -> Response {
    answer(site.ask(asked.recipient.trim()).await)
}

async fn result(State(site): State<Arc<Site>>, Path(id): Path<String>) -> Response {
    answer(site.result(&id).await)
}

async fn log_in(State(site): State<Arc<Site>>) -> Response {
    answer(site.log_in().await)
}

async fn logged_in(State(site): State<Arc<Site>>, Path(id): Path<String>) -> Response {
    answer(site.logged_in(&id).await)
}

fn answer(result: anyhow::Result<Value>) -> Response {
    match result {
        Ok(value) => Json(value).into_response(),
        Err(error) => {
            (StatusCode::BAD_GATEWAY, Json(json!({ "error": format!("{error:#}") }))).into_response()
        }
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let key = std::fs::read_to_string(&args.key_file).with_context(|| {
        format!("{}: start the server first, or name the file with --key-file", args.key_file.display())
    })?;
    let site = Site {
        server: args.server.trim_end_matches('/').to_owned(),
        key: key.trim().to_owned(),
        http: reqwest::Client::builder().no_proxy().build()?,
        asked: Mutex::default(),
    };
    let routes = Router::new()
        .route("/", get(async || Html(PAGE)))
        .route("/ask", post(ask))
        .route("/result/{id}", get(result))
        .route("/login", post(log_in))
        .route("/login/{id}", get(logged_in))
        .with_state(Arc::new(site));
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, args.port));
    let listener =
        tokio::net::TcpListener::bind(address).await.with_context(|| format!("port {}", args.port))?;
    println!("Open http://localhost:{}", listener.local_addr()?.port());
    axum::serve(listener, routes).await?;
    Ok(())
}
