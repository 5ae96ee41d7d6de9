//! API keys: who is calling.
//!
//! A key is found by its hash, which is a claim of its client in the log, and what the client may do is folded from
//! the log. The answer is remembered until any client changes, which one shared question to the primary tells: a
//! revoked key stops working at once, on every instance.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{Extensions, HeaderMap, StatusCode};
use chrono::{DateTime, Utc};
use mobid_domain::actor::Actor;
use mobid_domain::client::{Account, Client, Key, Permission, Standing};
use mobid_domain::id::{ClientId, CommandId, KeyId};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::address;
use super::error::ApiError;
use super::request_id;
use crate::app::App;
use crate::clock::Clock;
use crate::ephemeral::key_use::KeyUses;
use crate::event_store::{CommandContext, EventStore, HeadReader, Heads};
pub use crate::hex::hex;
use crate::hex::hex_digits;
use crate::limits::Place;

pub const HEADER: &str = "x-mobid-key";
/// The claim that a key's hash is.
pub const KEY_CLAIM: &str = "api_key";
const PREFIX: &str = "qk_";
const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// 32 bytes in base62.
const SECRET_LENGTH: usize = 43;
/// 4 bytes in base62.
const CHECK_LENGTH: usize = 6;

/// An API key in the clear: `qk_`, 32 random bytes in base62, and their CRC-32 in base62. Wiped when dropped.
#[derive(Clone)]
pub struct ApiKey(Zeroizing<String>);

impl std::fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ApiKey(…)")
    }
}

impl ApiKey {
    pub fn random() -> Self {
        let secret: [u8; SECRET_LENGTH] = base62(crate::secret::random::<32>());
        let check = check_of(&secret);
        let text = PREFIX.bytes().chain(secret).chain(check).map(char::from);
        Self(Zeroizing::new(text.collect()))
    }

    /// Only a well-formed key is looked up at all.
    pub fn parse(text: &str) -> Option<Self> {
        let (secret, check) = text.strip_prefix(PREFIX)?.split_at_checked(SECRET_LENGTH)?;
        let well_formed = secret.bytes().all(|b| b.is_ascii_alphanumeric())
            && check.as_bytes() == check_of(secret.as_bytes());
        well_formed.then(|| Self(Zeroizing::new(text.to_owned())))
    }

    pub fn reveal(&self) -> &str {
        &self.0
    }

    pub fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.0.as_bytes()).into()
    }

    /// What of it the log may know, under a new id.
    pub fn recorded(&self) -> Key {
        Key {
            key_id: KeyId(crate::ids::new_id()),
            key_hash: hex(&self.hash()),
            key_last_four: self.0.get(self.0.len() - 4..).unwrap_or_default().to_owned(),
        }
    }
}

/// The characters that tell a mistyped key.
fn check_of(secret: &[u8]) -> [u8; CHECK_LENGTH] {
    base62(crc32fast::hash(secret).to_be_bytes())
}

/// A big-endian number as base62 digits, padded to a fixed length.
fn base62<const BYTES: usize, const LENGTH: usize>(mut number: [u8; BYTES]) -> [u8; LENGTH] {
    let mut digits = [b'0'; LENGTH];
    for digit in digits.iter_mut().rev() {
        let mut rest = 0_usize;
        for byte in &mut number {
            let value = rest * 256 + usize::from(*byte);
            *byte = u8::try_from(value / 62).unwrap_or_default();
            rest = value % 62;
        }
        *digit = ALPHABET[rest];
    }
    digits
}

/// The client that a request is of. Cheap to clone.
#[derive(Debug, Clone)]
pub struct ApiClient(Arc<(Recognised, Place)>);

/// The client whose key was presented.
#[derive(Debug)]
pub struct Recognised {
    pub id: ClientId,
    pub account: Arc<Account>,
    pub key: ApiKey,
    pub key_id: KeyId,
    pub standing: Standing,
    /// What the log was when the key was found to be good, and so after the request had come.
    pub as_of: Heads,
    /// When that was.
    pub at: DateTime<Utc>,
}

impl std::ops::Deref for ApiClient {
    type Target = Recognised;
    fn deref(&self) -> &Recognised {
        &self.0.0
    }
}

impl Recognised {
    pub fn may(&self, permission: Permission) -> bool {
        self.account.permissions.contains(&permission)
    }
}

impl ApiClient {
    /// Once its request was admitted.
    pub(super) fn new(recognised: Recognised, place: Place) -> Self {
        Self(Arc::new((recognised, place)))
    }

    /// Its request is not one of those under way any more, or is going to wait.
    pub fn give_place_back(&self) {
        self.0.1.give_back();
    }

    /// Asks again, for a request that has waited: its key may have died meanwhile.
    pub async fn check_again(&self, app: &App, permission: Permission) -> Result<(), ApiError> {
        let now = app.keys.authenticate(self.key.reveal()).await?;
        if now.may(permission) { Ok(()) } else { Err(ApiError::forbidden(permission.as_str())) }
    }

    /// A command that this client gives with this request.
    pub fn command(&self, app: &App) -> CommandContext {
        CommandContext {
            at: app.clock.now(),
            tenant: self.id,
            actor: Actor::Client(self.id),
            command_id: CommandId(crate::ids::new_id()),
            request_id: request_id::current(),
            causation: None,
            key_id: Some(self.key_id),
            permissions: self.account.permissions.clone(),
            trace_id: None,
        }
    }
}

/// Clients by the hash of their key, as of the last change to any client.
#[derive(Default)]
struct Known {
    as_of: i64,
    clients: HashMap<[u8; 32], Arc<Account>>,
    /// Hashes of keys that were good when they were last presented.
    familiar: HashSet<[u8; 32]>,
}

#[derive(Clone)]
pub struct ClientKeys {
    store: EventStore,
    clock: Clock,
    pub uses: KeyUses,
    pub heads: HeadReader,
    known: Arc<Mutex<Known>>,
}

impl ClientKeys {
    pub fn new(store: EventStore, clock: Clock) -> Self {
        let heads = HeadReader::start(store.pool().clone());
        Self { heads, store, clock, uses: KeyUses::default(), known: Arc::default() }
    }

    /// Whether this key was good when it was last presented here. Now it may be so no more.
    pub fn is_familiar(&self, presented: &str) -> bool {
        ApiKey::parse(presented).is_some_and(|key| self.known().familiar.contains(&key.hash()))
    }

    /// The client whose key this is, as of now.
    pub async fn authenticate(&self, presented: &str) -> Result<Recognised, ApiError> {
        let Some(key) = ApiKey::parse(presented) else { return Err(ApiError::unauthorized()) };
        let hash = key.hash();
        let as_of = self.heads.read().await?;
        let known = {
            let mut known = self.known();
            if known.as_of < as_of.clients {
                (known.as_of, known.clients) = (as_of.clients, HashMap::new());
            }
            known.clients.get(&hash).cloned()
        };
        let account = match known {
            Some(account) => Some(account),
            None => self.look_up(hash, as_of.clients).await?,
        };
        let now = self.clock.now();
        let Some((account, key_id, standing)) = account.and_then(|account| judge(account, &hash, now)) else {
            self.known().familiar.remove(&hash);
            return Err(ApiError::unauthorized());
        };
        self.uses.note(key_id, now);
        let id = account.client_id;
        Ok(Recognised { id, account, key, key_id, standing, as_of, at: now })
    }

    /// The account as it is now of whoever has, or ever had, this key.
    pub async fn once_of(&self, key: &ApiKey) -> Result<Option<Account>, ApiError> {
        let Some(client_id) = self.store.holder_of(KEY_CLAIM, &key.hash()).await? else { return Ok(None) };
        Ok(self.store.load::<Client>(&client_id).await?.state.account().cloned())
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn look_up(&self, hash: [u8; 32], as_of: i64) -> Result<Option<Arc<Account>>, ApiError> {
        let Some(client_id) = self.store.holder_of(KEY_CLAIM, &hash).await? else { return Ok(None) };
        let client = self.store.load::<Client>(&client_id).await?.state;
        let Some(account) = client.account() else { return Ok(None) };
        let account = Arc::new(account.clone());
        let mut known = self.known();
        known.familiar.insert(hash);
        // What was loaded may be newer than `as_of`, never older; it is forgotten with the next change anyway.
        if known.as_of == as_of {
            known.clients.insert(hash, account.clone());
        }
        Ok(Some(account))
    }
}

/// What a key is worth now. A claim says whose key it once became; whether it is good only the client's own events say.
fn judge(
    account: Arc<Account>,
    hash: &[u8; 32],
    now: DateTime<Utc>,
) -> Option<(Arc<Account>, KeyId, Standing)> {
    let text = hex_digits(hash);
    let (key_id, standing) = account
        .keys(now)
        .find(|(known, _)| crate::secret::equal(known.key_hash.as_bytes(), &text))
        .map(|(known, standing)| (known.key_id, standing))?;
    Some((account, key_id, standing))
}

/// Whoever presents a valid key, unless their address is turned away.
pub(super) async fn recognise(
    app: &App,
    headers: &HeaderMap,
    extensions: &Extensions,
) -> Result<Recognised, ApiError> {
    let presented = headers.get(HEADER).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let address = address::of(headers, extensions, &app.config.trusted_proxies).map(address::subscriber);
    let shield = &app.limiter.shield;
    if let Some(seconds) = address.and_then(|address| shield.turns_away(address, &app.clock))
        && !app.keys.is_familiar(presented)
    {
        metrics::counter!("mobid_bad_keys_turned_away_total").increment(1);
        return Err(ApiError::too_many_bad_keys(seconds));
    }
    let recognised = app.keys.authenticate(presented).await;
    if let (Err(error), Some(address)) = (&recognised, address)
        && error.status == StatusCode::UNAUTHORIZED
    {
        shield.failed(address, app.clock.now());
    }
    recognised
}

/// Whom the guard has recognised and admitted; behind none there is nobody.
impl<S: Sync> FromRequestParts<S> for ApiClient {
    type Rejection = ApiError;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        parts.extensions.get::<Self>().cloned().ok_or_else(ApiError::unauthorized)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_well_formed_and_no_other_is() {
        let key = ApiKey::random();
        let text = key.reveal();
        assert_eq!(text.len(), 3 + SECRET_LENGTH + CHECK_LENGTH);
        assert_eq!(ApiKey::parse(text).unwrap().hash(), key.hash());
        let other = if text.ends_with('0') { "1" } else { "0" };
        for wrong in
            ["", "qk_", &text[1..], &format!("{}{other}", &text[..text.len() - 1]), &format!("{text}0")]
        {
            assert!(ApiKey::parse(wrong).is_none());
        }
        assert!(!format!("{key:?}").contains(&text[3..10]));
    }

    #[test]
    fn base62_counts() {
        assert_eq!(&base62::<_, 2>([0, 61]), b"0z");
        assert_eq!(&base62::<_, 2>([0, 62]), b"10");
        assert_eq!(&base62::<_, 6>([0xff; 4]), b"4gfFC3");
    }
}
