//! A person at the hosted page, who tries again until the page shows what they decided.

use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rand::RngExt;
use rand::rngs::StdRng;
use reqwest::Method;
use serde_json::Value;
use tokio::sync::{Mutex, mpsc};

use super::client::Client;
use crate::pages::Visitor;

/// A page sends five codes for one consent, then none for an hour.
const TRIES: usize = 4;
/// Older messages are not looked at.
const RECENTLY: Duration = Duration::from_secs(30);

pub struct Recipient {
    pub number: u64,
    pub random: StdRng,
    pub client: Client,
    /// Where each server puts its messages.
    pub outboxes: [PathBuf; 2],
    pub waiting: Arc<Mutex<mpsc::Receiver<String>>>,
}

enum Attempt {
    Decided(&'static str),
    /// It can be decided no more.
    Over,
    Again,
}

impl Recipient {
    /// Until nobody asks for anything any more.
    pub async fn run(mut self) {
        let mut decided = 0;
        loop {
            let next = self.waiting.lock().await.recv().await;
            let Some(consent) = next else { return };
            self.one(&consent, decided).await;
            decided += 1;
        }
    }

    async fn one(&mut self, consent: &str, decided: u64) {
        // One address may ask for a hundred codes an hour.
        let [high, low] = u16::try_from(1 + self.number * 1_000 + decided / 20).unwrap().to_be_bytes();
        let address = IpAddr::V4(Ipv4Addr::new(127, 77, high, low));
        let approve = self.random.random_bool(0.7);
        for _ in 0..TRIES {
            let which = self.random.random_range(0..2);
            match self.attempt(consent, which, address, approve).await {
                Ok(Attempt::Decided(event_type)) => {
                    self.client.told.decided(consent.to_owned(), event_type);
                    return;
                }
                Ok(Attempt::Over) => return,
                Ok(Attempt::Again) | Err(_) => {}
            }
        }
    }

    async fn attempt(
        &self,
        consent: &str,
        which: usize,
        address: IpAddr,
        approve: bool,
    ) -> reqwest::Result<Attempt> {
        let server = &self.client.servers[which];
        let http = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .local_address(address)
            .timeout(Duration::from_secs(30))
            .build()?;
        let mut visitor = Visitor::at(&server.over(http));
        let open = visitor.request(Method::GET, &format!("/r/{consent}"));
        let page = visitor.try_send(open).await?;
        if let Some(event_type) = shown(page.status, page.heading()) {
            return Ok(Attempt::Decided(event_type));
        }
        let (Some(csrf), Some(sequence)) = (page.find_field("csrf"), page.find_field("sequence")) else {
            return Ok(if page.status >= 500 { Attempt::Again } else { Attempt::Over });
        };
        let action = if approve { "approve" } else { "reject" };
        let mut fields = vec![("csrf", csrf.as_str()), ("sequence", &sequence), ("action", action)];
        if approve {
            fields.extend([("scope", "name"), ("claim.name", "Ann Example")]);
        }
        let ask = visitor.form(&format!("/r/{consent}/code"), &fields);
        if visitor.try_send(ask).await?.status != 303 {
            return Ok(Attempt::Again);
        }
        let Some(code) = take_code(&self.outboxes[which], consent) else { return Ok(Attempt::Again) };
        let decide = visitor.form(&format!("/r/{consent}/decide"), &[("csrf", &csrf), ("code", &code)]);
        visitor.try_send(decide).await?;
        let look = visitor.request(Method::GET, &format!("/r/{consent}"));
        let page = visitor.try_send(look).await?;
        Ok(shown(page.status, page.heading()).map_or(Attempt::Again, Attempt::Decided))
    }
}

fn shown(status: u16, heading: &str) -> Option<&'static str> {
    match (status, heading) {
        (200, "Approved") => Some("consent.approved"),
        (200, "Rejected") => Some("consent.rejected"),
        _ => None,
    }
}

/// The newest code that was sent for a consent, which is then gone from the outbox.
fn take_code(outbox: &Path, consent: &str) -> Option<String> {
    let entries = std::fs::read_dir(outbox).ok()?.filter_map(Result::ok);
    let found = entries.filter_map(|entry| {
        // By the file system's clock, as the server's own may be off.
        let sent = entry.metadata().ok()?.modified().ok()?;
        if sent.elapsed().is_ok_and(|since| since > RECENTLY) {
            return None;
        }
        let message: Value = serde_json::from_slice(&std::fs::read(entry.path()).ok()?).ok()?;
        let code = message["code"].as_str()?.to_owned();
        (message["resourceId"] == consent).then_some((sent, entry.path(), code))
    });
    let (_, path, code) = found.max()?;
    let _ = std::fs::remove_file(path);
    Some(code)
}
