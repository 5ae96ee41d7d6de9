//! What clients were told: what the promises are held against.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::time::Duration;

use tokio::sync::watch;

/// A command that was answered with success.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Done {
    pub consent: String,
    /// The sequence that the answer named.
    pub sequence: i64,
    pub event_type: &'static str,
    /// Which command of which client.
    pub command: String,
}

/// A creation that was answered.
#[derive(Debug, Clone)]
pub struct Created {
    pub consent: String,
    pub with_callback: bool,
}

/// A promise that was seen broken.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Broken {
    pub promise: &'static str,
    pub how: String,
}

#[derive(Default)]
struct Known {
    /// By idempotency key.
    created: BTreeMap<String, Created>,
    done: BTreeSet<Done>,
    /// Where the recipient was shown that it is decided.
    decided: BTreeMap<String, &'static str>,
    notified: BTreeSet<String>,
    broken: BTreeSet<Broken>,
    /// Most recent last; what readers look at.
    recent: Vec<String>,
}

pub struct Told {
    known: Mutex<Known>,
    answers: watch::Sender<u64>,
}

/// How long things may take once a promise is broken.
const AFTER_THE_FACT: Duration = Duration::from_secs(10);
/// How many consents readers choose among.
const RECENT: usize = 200;

impl Told {
    pub fn new() -> Self {
        Self { known: Mutex::default(), answers: watch::Sender::new(0) }
    }

    pub fn broken(&self, promise: &'static str, how: String) {
        eprintln!("BROKEN {promise}: {how}");
        self.known.lock().unwrap().broken.insert(Broken { promise, how });
    }

    pub fn created(&self, key: String, created: Created) {
        let mut known = self.known.lock().unwrap();
        known.recent.push(created.consent.clone());
        if known.recent.len() > RECENT {
            known.recent.remove(0);
        }
        known.created.insert(key, created);
        drop(known);
        self.answers.send_modify(|answers| *answers += 1);
    }

    pub fn done(&self, done: Done) {
        self.known.lock().unwrap().done.insert(done);
        self.answers.send_modify(|answers| *answers += 1);
    }

    pub fn decided(&self, consent: String, event_type: &'static str) {
        self.known.lock().unwrap().decided.insert(consent, event_type);
    }

    pub fn to_notify(&self, consent: String) {
        self.known.lock().unwrap().notified.insert(consent);
    }

    /// One of the last consents, the n-th around.
    pub fn recent(&self, n: usize) -> Option<String> {
        let known = self.known.lock().unwrap();
        (!known.recent.is_empty()).then(|| known.recent[n % known.recent.len()].clone())
    }

    /// How many commands were answered with success.
    pub fn answers(&self) -> watch::Receiver<u64> {
        self.answers.subscribe()
    }

    /// Whether something takes too long. Once a promise is broken there is nothing left to wait for.
    pub fn loses_patience(&self, waited: Duration, bound: Duration) -> bool {
        let bound = if self.is_broken() { bound.min(AFTER_THE_FACT) } else { bound };
        waited > bound
    }

    pub fn is_broken(&self) -> bool {
        !self.known.lock().unwrap().broken.is_empty()
    }

    pub fn all_created(&self) -> BTreeMap<String, Created> {
        self.known.lock().unwrap().created.clone()
    }

    pub fn all_done(&self) -> BTreeSet<Done> {
        self.known.lock().unwrap().done.clone()
    }

    pub fn all_decided(&self) -> BTreeMap<String, &'static str> {
        self.known.lock().unwrap().decided.clone()
    }

    pub fn all_to_notify(&self) -> BTreeSet<String> {
        self.known.lock().unwrap().notified.clone()
    }

    pub fn all_broken(&self) -> BTreeSet<Broken> {
        self.known.lock().unwrap().broken.clone()
    }
}
