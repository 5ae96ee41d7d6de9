//! First answers to POSTs with an `Idempotency-Key`.
//!
//! A stored answer is sealed under a key derived from the presented API key and the idempotency key: whoever has
//! only the database cannot read it, nor find out which body it answered.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use aes_gcm::aead::{Aead, KeyInit, Nonce, Payload};
use aes_gcm::{Aes256Gcm, Key};
use chrono::{DateTime, TimeDelta, Utc};
use hkdf::Hkdf;
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use sqlx::PgPool;
use zeroize::Zeroizing;

use crate::event_store::IdempotencyRecord;
use crate::vault::keyed_hash;

/// How long an answer can be had again.
const KEPT: TimeDelta = TimeDelta::hours(24);
const NONCE: usize = 12;

/// What was answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredAnswer {
    pub status: u16,
    pub etag: Option<String>,
    pub body: String,
}

/// One use of an idempotency key: where its record is, and the key to it.
#[derive(Clone)]
pub struct IdempotentRequest {
    key: [u8; 32],
    fingerprint: [u8; 32],
    secret: Zeroizing<[u8; 32]>,
    at: DateTime<Utc>,
}

impl IdempotentRequest {
    /// `scope` names client, method and path.
    pub fn new(
        scope: &[&[u8]],
        api_key: &str,
        idempotency_key: &str,
        body: &[u8],
        at: DateTime<Utc>,
    ) -> Self {
        let mut secret = Zeroizing::new([0; 32]);
        // 32 bytes are far below HKDF's limit, so it cannot fail.
        let _ = Hkdf::<Sha256>::new(Some(idempotency_key.as_bytes()), api_key.as_bytes())
            .expand(b"mobid/idempotency", secret.as_mut());
        // The place does not depend on the API key, so that a key used with another API key is recognised as used.
        let parts: Vec<&[u8]> = scope.iter().copied().chain([idempotency_key.as_bytes()]).collect();
        Self {
            key: keyed_hash(b"mobid/idempotency-record", &parts),
            fingerprint: keyed_hash(&secret[..], &[body]),
            secret,
            at,
        }
    }

    /// The same, found only if its answer is no older than this.
    #[must_use]
    pub fn within(self, age: TimeDelta) -> Self {
        // A record's age is told by its end.
        Self { at: self.at + KEPT - age, ..self }
    }

    /// The record that commits with the events.
    pub fn record(&self, answer: &StoredAnswer) -> Option<IdempotencyRecord> {
        let plain = Zeroizing::new(serde_json::to_vec(answer).ok()?);
        let nonce: [u8; NONCE] = crate::secret::random();
        let sealed = self
            .cipher()
            .encrypt(&Nonce::<Aes256Gcm>::from(nonce), Payload { msg: &plain, aad: &self.key })
            .ok()?;
        Some(IdempotencyRecord {
            key: self.key,
            fingerprint: self.fingerprint,
            answer: [nonce.as_slice(), &sealed].concat(),
            at: self.at,
            expires_at: self.at + KEPT,
        })
    }

    fn open(&self, sealed: &[u8]) -> Option<StoredAnswer> {
        let (nonce, ciphertext) = sealed.split_at_checked(NONCE)?;
        let nonce: [u8; NONCE] = nonce.try_into().ok()?;
        let plain = self
            .cipher()
            .decrypt(&Nonce::<Aes256Gcm>::from(nonce), Payload { msg: ciphertext, aad: &self.key })
            .ok()?;
        serde_json::from_slice(&plain).ok()
    }

    fn cipher(&self) -> Aes256Gcm {
        Aes256Gcm::new(&Key::<Aes256Gcm>::from(*self.secret))
    }
}

/// What is on record for a request.
#[derive(Debug, PartialEq, Eq)]
pub enum Found {
    Nothing,
    /// The same request was answered so.
    Same(StoredAnswer),
    /// The key was used with another body (or another API key).
    Other,
}

/// The records, and which requests are being answered right now in this process.
#[derive(Clone)]
pub struct IdempotencyRecords {
    pool: PgPool,
    in_flight: Arc<Mutex<HashSet<[u8; 32]>>>,
}

/// Keeps a twin out while it lives.
pub struct InFlight {
    key: [u8; 32],
    all: Arc<Mutex<HashSet<[u8; 32]>>>,
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.all.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.key);
    }
}

impl IdempotencyRecords {
    pub fn new(pool: PgPool) -> Self {
        Self { pool, in_flight: Arc::default() }
    }

    /// `None` while a twin is in flight.
    pub fn begin(&self, request: &IdempotentRequest) -> Option<InFlight> {
        let mut all = self.in_flight.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(request.key).then(|| InFlight { key: request.key, all: self.in_flight.clone() })
    }

    pub async fn find(&self, request: &IdempotentRequest) -> Result<Found, sqlx::Error> {
        let row = sqlx::query!(
            "select fingerprint, answer from idempotency_records where key = $1 and expires_at > $2",
            &request.key[..],
            request.at
        )
        .fetch_optional(&self.pool)
        .await?;
        let Some(row) = row else { return Ok(Found::Nothing) };
        if !crate::secret::equal(&row.fingerprint, &request.fingerprint) {
            return Ok(Found::Other);
        }
        Ok(request.open(&row.answer).map_or(Found::Other, Found::Same))
    }

    /// Records an answer that no event goes with; false if another instance's was first, which stays.
    pub async fn save(
        &self,
        request: &IdempotentRequest,
        answer: &StoredAnswer,
    ) -> Result<bool, sqlx::Error> {
        let Some(record) = request.record(answer) else { return Ok(true) };
        let saved = sqlx::query!(
            "insert into idempotency_records (key, fingerprint, answer, expires_at) values ($1, $2, $3, $4)
             on conflict (key) do update
             set fingerprint = excluded.fingerprint, answer = excluded.answer, expires_at = excluded.expires_at
             where idempotency_records.expires_at <= $5",
            &record.key[..],
            &record.fingerprint[..],
            record.answer,
            record.expires_at,
            record.at
        )
        .execute(&self.pool)
        .await?;
        Ok(saved.rows_affected() == 1)
    }

    /// Removes up to `limit` records past their end; answers how many.
    pub async fn prune(&self, now: DateTime<Utc>, limit: i64) -> Result<u64, sqlx::Error> {
        let pruned = sqlx::query!(
            "with gone as materialized (
                 select key from idempotency_records where expires_at <= $1
                 order by expires_at limit $2 for update skip locked
             )
             delete from idempotency_records t using gone where t.key = gone.key",
            now,
            limit
        )
        .execute(&self.pool)
        .await?;
        Ok(pruned.rows_affected())
    }
}
