//! What a server asks its database: the statements as they go by (`PostgreSQL` 15, 55.7, message formats).

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use super::proxy::{Judge, Proxy, Then, Upstream, socket_of, through_proxy};

/// Between a server and its database.
pub struct Tap {
    _proxy: Proxy,
    statements: Arc<Mutex<Vec<String>>>,
    pub database_url: String,
}

impl Tap {
    pub async fn start(database_url: &str) -> Self {
        let statements: Arc<Mutex<Vec<String>>> = Arc::default();
        let heard = statements.clone();
        let upstream = Upstream::Unix(socket_of(database_url));
        let proxy = Proxy::with_judge(upstream, move || Listener::new(heard.clone())).await;
        let database_url = through_proxy(database_url, proxy.port);
        Self { _proxy: proxy, statements, database_url }
    }

    /// What was asked since the last time.
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.statements.lock().unwrap())
    }
}

/// One connection's.
struct Listener {
    heard: Arc<Mutex<Vec<String>>>,
    /// What has come of a message that is not complete.
    rest: Vec<u8>,
    started: bool,
    prepared: HashMap<Vec<u8>, String>,
}

impl Listener {
    fn new(heard: Arc<Mutex<Vec<String>>>) -> Self {
        Self { heard, rest: vec![], started: false, prepared: HashMap::new() }
    }

    /// The next whole message: its kind, and what is in it. The first of a connection has no kind.
    fn message(&mut self) -> Option<(u8, Vec<u8>)> {
        let before = usize::from(self.started);
        let length = self.rest.get(before..before + 4)?;
        let length = u32::from_be_bytes(length.try_into().unwrap()) as usize;
        if self.rest.len() < before + length {
            return None;
        }
        let message: Vec<_> = self.rest.drain(..before + length).collect();
        self.started = true;
        Some((if before == 1 { message[0] } else { 0 }, message[before + 4..].to_vec()))
    }

    fn hear(&mut self, kind: u8, body: &[u8]) {
        let mut texts = body.split(|byte| *byte == 0);
        let (first, second) = (texts.next().unwrap_or_default(), texts.next().unwrap_or_default());
        let text =
            |bytes: &[u8]| String::from_utf8_lossy(bytes).split_whitespace().collect::<Vec<_>>().join(" ");
        match kind {
            b'Q' => self.heard.lock().unwrap().push(text(first)),
            b'P' => {
                self.prepared.insert(first.to_vec(), text(second));
            }
            b'B' => {
                let bound = self.prepared.get(second).cloned().unwrap_or_default();
                self.heard.lock().unwrap().push(bound);
            }
            _ => {}
        }
    }
}

impl Judge for Listener {
    fn asked(&mut self, bytes: &[u8]) {
        self.rest.extend(bytes);
        while let Some((kind, body)) = self.message() {
            self.hear(kind, &body);
        }
    }

    fn loses(&mut self, _: &[u8]) -> Option<Then> {
        None
    }
}
