//! Seals and opens personal data, so that the log and every row hold only ciphertext.
//!
//! Promises: a data key is durable before anything is sealed under it; a sealed value opens only where it was sealed
//! (tenant, aggregate, event type, field); destroying a key erases everything sealed under it. The way from a handle
//! to the id that events carry is a keyed hash in `vault_subjects` and nowhere else.

mod data_key;
mod former;
mod known;
mod master;
mod person;
mod wrapped;

use std::collections::HashMap;
use std::time::Duration;

use futures::future::try_join_all;
use mobid_domain::handle::Handle;
use mobid_domain::id::{ClientId, PersonId, UserId};
use mobid_domain::sealed::Sealed;
use moka::sync::Cache;
use sqlx::PgPool;
use uuid::Uuid;

use crate::rounds::Rounds;
pub use data_key::{DataKey, Place, SealError};
pub use known::Known;
pub use master::{MasterKey, MasterKeyError, keyed_hash, new_hmac};

/// How long a key stays in memory without being asked for again from the database.
const REMEMBERED: Duration = Duration::from_mins(1);

/// Whose data a key seals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Subject {
    /// A person as one client sees them.
    Person(UserId),
    /// The client's own: secrets, endpoints' addresses.
    Tenant,
    /// A person's own record, which no client has a part in.
    Own(PersonId),
}

#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    #[error("the vault's tables could not be used: {0}")]
    Database(#[from] sqlx::Error),
    #[error(transparent)]
    Seal(#[from] SealError),
    #[error("the master key is not the one that this database's keys were wrapped with")]
    WrongMasterKey,
}

/// Keys of one log, wrapped by one master key.
#[derive(Clone)]
pub struct Vault {
    pool: PgPool,
    master: MasterKey,
    keys: Cache<(ClientId, Subject), DataKey>,
    users: Cache<[u8; 32], UserId>,
    persons: Rounds<person::Asked, Option<person::Known>>,
    wrapped: Rounds<wrapped::Of, Option<wrapped::Wrapped>>,
}

impl Subject {
    fn name(self, tenant: ClientId) -> String {
        match self {
            Self::Person(user) => user.to_string(),
            Self::Tenant => tenant.to_string(),
            Self::Own(person) => person.to_string(),
        }
    }
}

impl Vault {
    pub fn new(pool: PgPool, master: MasterKey) -> Self {
        let keys = Cache::builder().max_capacity(100_000).time_to_live(REMEMBERED).build();
        let users = Cache::builder().max_capacity(100_000).time_to_live(REMEMBERED).build();
        let (persons, wrapped) = (person::start(pool.clone()), wrapped::start(pool.clone()));
        Self { pool, master, keys, users, persons, wrapped }
    }

    /// Whether the master key is the one that wrapped this database's keys.
    pub async fn check_master_key(&self) -> Result<(), VaultError> {
        let row = sqlx::query!("select key_id, tenant, subject, wrapped from vault_keys limit 1")
            .fetch_optional(&self.pool)
            .await?;
        let Some(row) = row else { return Ok(()) };
        let tenant = row.tenant.parse().map_err(|_| SealError::Malformed)?;
        match self.master.unwrap(row.key_id, &row.wrapped, tenant, &row.subject) {
            Ok(_) => Ok(()),
            Err(_) => Err(VaultError::WrongMasterKey),
        }
    }

    /// Keys for other purposes, derived from the master key.
    pub fn master(&self) -> &MasterKey {
        &self.master
    }

    /// The person behind a handle as this client sees them, with their key; made at first sight, durably.
    pub async fn person(&self, tenant: ClientId, handle: &Handle) -> Result<(UserId, DataKey), VaultError> {
        self.subject(tenant, self.handle_hash(tenant, handle)).await
    }

    /// A client's own user by the client's own reference, with their key; made at first sight, durably.
    pub async fn client_user(
        &self,
        tenant: ClientId,
        reference: &str,
    ) -> Result<(UserId, DataKey), VaultError> {
        self.subject(tenant, self.reference_hash(tenant, reference)).await
    }

    /// The same, asked of the database: elsewhere the handle may have got another holder a moment ago.
    pub async fn person_now(
        &self,
        tenant: ClientId,
        handle: &Handle,
    ) -> Result<(UserId, DataKey), VaultError> {
        self.users.invalidate(&self.handle_hash(tenant, handle));
        self.person(tenant, handle).await
    }

    async fn subject(&self, tenant: ClientId, hash: [u8; 32]) -> Result<(UserId, DataKey), VaultError> {
        if let Some(user) = self.users.get(&hash)
            && let Some(key) = self.key(tenant, Subject::Person(user)).await?
        {
            return Ok((user, key));
        }
        let known = loop {
            let fresh = UserId(crate::ids::new_id());
            let key = DataKey::random();
            let wrapped = self.master.wrap(&key, tenant, &fresh.to_string())?;
            let asked = person::Asked {
                tenant: tenant.to_string(),
                handle_hash: hash,
                fresh: fresh.to_string(),
                key_id: key.id(),
                wrapped,
            };
            match self.persons.ask(asked).await? {
                Some(known) if known.user_id == fresh.to_string() => {
                    self.users.insert(hash, fresh);
                    self.keys.insert((tenant, Subject::Person(fresh)), key.clone());
                    return Ok((fresh, key));
                }
                Some(known) => break known,
                // Somebody else made it in between; it is there the next time.
                None => {}
            }
        };
        let user = known.user_id.parse().map_err(|_| SealError::Malformed)?;
        self.users.insert(hash, user);
        let key = match known.key {
            Some((key_id, wrapped)) => {
                let key = self.master.unwrap(key_id, &wrapped, tenant, &known.user_id)?;
                self.keys.insert((tenant, Subject::Person(user)), key.clone());
                key
            }
            None => self.key_or_new(tenant, Subject::Person(user)).await?,
        };
        Ok((user, key))
    }

    /// The person behind a handle, if this client ever addressed them.
    pub async fn find_person(&self, tenant: ClientId, handle: &Handle) -> Result<Option<UserId>, VaultError> {
        self.find_subject(tenant, self.handle_hash(tenant, handle)).await
    }

    /// A client's own user, if the client ever named them.
    pub async fn find_client_user(
        &self,
        tenant: ClientId,
        reference: &str,
    ) -> Result<Option<UserId>, VaultError> {
        self.find_subject(tenant, self.reference_hash(tenant, reference)).await
    }

    async fn find_subject(&self, tenant: ClientId, hash: [u8; 32]) -> Result<Option<UserId>, VaultError> {
        let found = sqlx::query_scalar!(
            "select user_id from vault_subjects where tenant = $1 and handle_hash = $2",
            tenant.to_string(),
            &hash[..]
        )
        .fetch_optional(&self.pool)
        .await?;
        Ok(found.map(|id| id.parse().map_err(|_| SealError::Malformed)).transpose()?)
    }

    /// A subject's key; `None` if it never had one or it was destroyed.
    pub async fn key(&self, tenant: ClientId, subject: Subject) -> Result<Option<DataKey>, VaultError> {
        if let Some(key) = self.keys.get(&(tenant, subject)) {
            return Ok(Some(key));
        }
        let name = subject.name(tenant);
        let found = self.wrapped.ask((tenant.to_string(), name.clone())).await?;
        let Some((key_id, wrapped)) = found else { return Ok(None) };
        let key = self.master.unwrap(key_id, &wrapped, tenant, &name)?;
        self.keys.insert((tenant, subject), key.clone());
        Ok(Some(key))
    }

    /// The keys of several persons, but for those that are gone.
    pub async fn keys(
        &self,
        tenant: ClientId,
        users: impl Iterator<Item = UserId>,
    ) -> Result<HashMap<UserId, DataKey>, VaultError> {
        let keys = users.map(|user| async move {
            Ok::<_, VaultError>((user, self.key(tenant, Subject::Person(user)).await?))
        });
        let found = try_join_all(keys).await?;
        Ok(found.into_iter().filter_map(|(user, key)| Some((user, key?))).collect())
    }

    /// A subject's key, made durably if there is none.
    pub async fn key_or_new(&self, tenant: ClientId, subject: Subject) -> Result<DataKey, VaultError> {
        if let Some(key) = self.key(tenant, subject).await? {
            return Ok(key);
        }
        let name = subject.name(tenant);
        let key = DataKey::random();
        let wrapped = self.master.wrap(&key, tenant, &name)?;
        sqlx::query!(
            "insert into vault_keys (key_id, tenant, subject, wrapped) values ($1, $2, $3, $4)
             on conflict (tenant, subject) do nothing",
            key.id(),
            tenant.to_string(),
            name,
            wrapped
        )
        .execute(&self.pool)
        .await?;
        self.key(tenant, subject).await?.ok_or(VaultError::Seal(SealError::KeyGone))
    }

    /// Opens one value; `None` if its key was destroyed. With several values of one subject, take its key once.
    pub async fn open(
        &self,
        place: &Place<'_>,
        subject: Subject,
        sealed: &Sealed,
    ) -> Result<Option<Vec<u8>>, VaultError> {
        match self.key(place.tenant, subject).await? {
            Some(key) => Ok(Some(key.open(place, sealed)?)),
            None => Ok(None),
        }
    }

    fn handle_hash(&self, tenant: ClientId, handle: &Handle) -> [u8; 32] {
        self.master.hmac("mobid/handle", &[tenant.to_string().as_bytes(), handle.normalized().as_bytes()])
    }

    /// Never that of a handle, whatever a client calls its users.
    fn reference_hash(&self, tenant: ClientId, reference: &str) -> [u8; 32] {
        self.master.hmac("mobid/client-user", &[tenant.to_string().as_bytes(), reference.as_bytes()])
    }
}

/// Names a key in sealed text.
pub type DataKeyId = Uuid;
