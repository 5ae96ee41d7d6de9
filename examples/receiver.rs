//! A webhook receiver to try deliveries with: verifies each as a subscriber would, and prints it.
//!
//! `cargo run --example receiver -- --secret whsec_…` with the secret that the endpoint's creation answered with; for
//! a consent's `callbackUrl` the client's callback secret goes to `--secret` and `--hex-secret`.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use anyhow::Context;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use clap::Parser;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::Sha256;
use standardwebhooks::Webhook;

/// Receive mobid's webhooks on this machine, verify them and print them.
///
/// The server delivers to this machine only with `MOBID_WEBHOOK_ALLOW_PRIVATE=true`.
#[derive(Parser)]
struct Args {
    /// The endpoint's signing secret (whsec_…): verifies webhook-signature with the published standardwebhooks crate.
    #[arg(long)]
    secret: Option<String>,
    /// The client's callback secret, whsec_ included: verifies X-Webhook-Signature.
    #[arg(long)]
    hex_secret: Option<String>,
    /// Port to listen on, of 127.0.0.1; 0 picks one.
    #[arg(long, default_value_t = 9090)]
    port: u16,
}

/// What deliveries are verified with.
struct Verifier {
    standard: Option<Webhook>,
    hex_secret: Option<String>,
}

impl Verifier {
    /// What was verified, or why it is not genuine.
    fn verify(&self, headers: &HeaderMap, body: &[u8]) -> Result<&'static str, String> {
        if let Some(webhook) = &self.standard {
            webhook.verify(body, headers).map_err(|error| format!("webhook-signature: {error}"))?;
        }
        if let Some(secret) = &self.hex_secret {
            verify_hex(secret, headers, body).map_err(|error| format!("x-webhook-signature: {error}"))?;
        }
        Ok(match (&self.standard, &self.hex_secret) {
            (None, None) => "not verified (no secret given)",
            _ => "verified",
        })
    }
}

/// Hex HMAC-SHA256 of the raw body, keyed with the text of the secret.
fn verify_hex(secret: &str, headers: &HeaderMap, body: &[u8]) -> Result<(), &'static str> {
    let header = headers.get("x-webhook-signature").ok_or("missing")?;
    let signature = unhex(header.as_bytes()).ok_or("not hexadecimal")?;
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).map_err(|_| "no key")?;
    mac.update(body);
    mac.verify_slice(&signature).map_err(|_| "signature invalid")
}

fn unhex(text: &[u8]) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    text.chunks(2)
        .map(|pair| match pair {
            [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
            _ => None,
        })
        .collect()
}

async fn receive(State(verifier): State<Arc<Verifier>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let id = headers.get("webhook-id").and_then(|value| value.to_str().ok()).unwrap_or("-");
    match verifier.verify(&headers, &body) {
        Ok(verdict) => {
            println!("{} {id} {verdict}\n{}\n", kind(&body), pretty(&body));
            StatusCode::NO_CONTENT
        }
        Err(reason) => {
            eprintln!("refused {id}: {reason}");
            StatusCode::UNAUTHORIZED
        }
    }
}

/// The event's type; of a `callbackUrl` delivery the consent's status.
fn kind(body: &[u8]) -> String {
    let json: Value = serde_json::from_slice(body).unwrap_or_default();
    let text = |name: &str| json.get(name).and_then(Value::as_str).map(str::to_owned);
    text("type").or_else(|| text("status")).unwrap_or_else(|| "?".to_owned())
}

fn pretty(body: &[u8]) -> String {
    serde_json::from_slice::<Value>(body)
        .and_then(|json| serde_json::to_string_pretty(&json))
        .unwrap_or_else(|_| String::from_utf8_lossy(body).into_owned())
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let standard = args.secret.as_deref().map(Webhook::new).transpose().context("--secret is not whsec_…")?;
    if standard.is_none() && args.hex_secret.is_none() {
        eprintln!("No --secret: deliveries are printed without being verified.");
    }
    let verifier = Arc::new(Verifier { standard, hex_secret: args.hex_secret });
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, args.port));
    let listener =
        tokio::net::TcpListener::bind(address).await.with_context(|| format!("port {}", args.port))?;
    eprintln!("Receiving on http://{}/ (any path)", listener.local_addr()?);
    axum::serve(listener, Router::new().fallback(receive).with_state(verifier)).await?;
    Ok(())
}
