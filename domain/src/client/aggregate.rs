//! The state of a client.
//!
//! ```text
//!           created                  suspended
//! (absent) ─────────▶ active ───────────────────▶ suspended
//!                       │ ▲        resumed           │
//!                       │ └──────────────────────────┤
//!                       └────────▶ deleted ◀─────────┘
//! ```
//! A key is good while its client is active: the newest one, and the one before it until its grace is over.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::command::{ClientCommand, Update};
use super::error::ClientError;
use super::event::{Changes, ClientEvent, Created, Key, Updated};
use super::permission::Permission;
use super::plan::{Limits, Plan};
use crate::event::{Decider, aggregate};
use crate::id::ClientId;
use crate::sealed::SealedIn;
use crate::stamped::Stamped;

/// How long a callback secret signs along with the one that follows it, in hours.
const OVERLAP_HOURS: i64 = 24;

/// Nothing yet, or an account.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Client {
    Account(Box<Account>),
    #[default]
    Absent,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Account {
    pub client_id: ClientId,
    pub name: String,
    pub status: Status,
    pub plan: Plan,
    /// An enterprise's own.
    pub custom_limits: Option<Limits>,
    pub permissions: Vec<Permission>,
    pub key: Key,
    pub earlier_key: Option<EarlierKey>,
    pub callback_secret: SealedIn,
    pub earlier_callback_secret: Option<EarlierSecret>,
    pub rp_id: Option<String>,
    pub origins: Vec<String>,
    pub callback_hosts: Vec<String>,
    pub owner: bool,
    pub created_at: DateTime<Utc>,
    /// When the last event was so.
    pub updated_at: DateTime<Utc>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    Active,
    Suspended,
    Deleted,
}

/// The key before the newest one, in its grace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EarlierKey {
    pub key: Key,
    pub until: DateTime<Utc>,
}

/// The callback secret before the newest one, while it still signs along.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EarlierSecret {
    pub secret: SealedIn,
    pub until: DateTime<Utc>,
}

/// What a key is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    Newest,
    /// Good for everything but the client routes: who stole it must not get a new one with it.
    InGrace,
}

impl Status {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::Deleted => "deleted",
        }
    }
}

impl Account {
    fn of(created: Created) -> Self {
        Self {
            client_id: created.client_id,
            name: created.name,
            status: Status::Active,
            plan: created.plan,
            custom_limits: None,
            permissions: created.permissions,
            key: created.key,
            earlier_key: None,
            callback_secret: SealedIn::new(ClientEvent::CREATED, created.callback_secret),
            earlier_callback_secret: None,
            rp_id: created.rp_id,
            origins: created.origins,
            callback_hosts: created.callback_hosts,
            owner: created.owner,
            created_at: created.at,
            updated_at: created.at,
        }
    }

    /// How much it may ask for.
    pub fn limits(&self) -> Limits {
        self.custom_limits.unwrap_or_else(|| self.plan.limits())
    }

    /// Its keys with what each is worth at a moment.
    pub fn keys(&self, now: DateTime<Utc>) -> impl Iterator<Item = (&Key, Standing)> {
        let active = self.status == Status::Active;
        let earlier = self.earlier_key.as_ref().filter(move |earlier| now < earlier.until);
        let newest = std::iter::once((&self.key, Standing::Newest));
        newest.chain(earlier.map(|earlier| (&earlier.key, Standing::InGrace))).filter(move |_| active)
    }

    /// What signs a callback at a moment, the newest first.
    pub fn callback_secrets(&self, now: DateTime<Utc>) -> impl Iterator<Item = &SealedIn> {
        let earlier = self.earlier_callback_secret.as_ref().filter(move |earlier| now < earlier.until);
        std::iter::once(&self.callback_secret).chain(earlier.map(|earlier| &earlier.secret))
    }

    /// Only copies.
    fn evolve(&mut self, event: ClientEvent) {
        match event {
            ClientEvent::Created(_) => {}
            ClientEvent::Updated(updated) => {
                self.change(updated.changes);
                self.updated_at = updated.at;
            }
            ClientEvent::PlanChanged { plan, limits, at } => {
                (self.plan, self.custom_limits, self.updated_at) = (plan, limits, at);
            }
            ClientEvent::KeyRegenerated { key, grace_until, at } => {
                let earlier = std::mem::replace(&mut self.key, key);
                self.earlier_key = grace_until.map(|until| EarlierKey { key: earlier, until });
                self.updated_at = at;
            }
            ClientEvent::CallbackSecretRotated { callback_secret, at } => {
                let newest = SealedIn::new(ClientEvent::CALLBACK_SECRET_ROTATED, callback_secret);
                let secret = std::mem::replace(&mut self.callback_secret, newest);
                let until = at + TimeDelta::hours(OVERLAP_HOURS);
                self.earlier_callback_secret = Some(EarlierSecret { secret, until });
                self.updated_at = at;
            }
            ClientEvent::Suspended { at } => (self.status, self.updated_at) = (Status::Suspended, at),
            ClientEvent::Resumed { at } => (self.status, self.updated_at) = (Status::Active, at),
            ClientEvent::Deleted { at } => (self.status, self.updated_at) = (Status::Deleted, at),
        }
    }

    fn change(&mut self, changes: Changes) {
        let Changes { name, permissions, rp_id, origins, callback_hosts } = changes;
        self.name = name.unwrap_or_else(|| std::mem::take(&mut self.name));
        self.permissions = permissions.unwrap_or_else(|| std::mem::take(&mut self.permissions));
        self.rp_id = rp_id.unwrap_or_else(|| self.rp_id.take());
        self.origins = origins.unwrap_or_else(|| std::mem::take(&mut self.origins));
        self.callback_hosts = callback_hosts.unwrap_or_else(|| std::mem::take(&mut self.callback_hosts));
    }

    /// Of what is asked for, what is not so already.
    fn new_in(&self, asked: &Changes) -> Changes {
        Changes {
            name: asked.name.clone().filter(|name| *name != self.name),
            permissions: asked.permissions.clone().filter(|permissions| *permissions != self.permissions),
            rp_id: asked.rp_id.clone().filter(|rp_id| *rp_id != self.rp_id),
            origins: asked.origins.clone().filter(|origins| *origins != self.origins),
            callback_hosts: asked.callback_hosts.clone().filter(|hosts| *hosts != self.callback_hosts),
        }
    }

    fn update(&self, update: &Update, at: DateTime<Utc>) -> Result<Vec<ClientEvent>, ClientError> {
        let changes = self.new_in(&update.changes);
        let fewer =
            changes.permissions.as_ref().is_some_and(|permissions| permissions.len() < Permission::ALL.len());
        if self.owner && (fewer || update.suspended == Some(true)) {
            return Err(ClientError::OwnerStays);
        }
        let mut events = Vec::new();
        if changes != Changes::default() {
            events.push(ClientEvent::Updated(Box::new(Updated { changes, at })));
        }
        let plan = update.plan.unwrap_or(self.plan);
        // Another plan brings its own limits.
        let kept = self.custom_limits.filter(|_| plan == Plan::Enterprise);
        let limits = update.limits.unwrap_or(kept);
        check_limits(plan, limits)?;
        if (plan, limits) != (self.plan, self.custom_limits) {
            events.push(ClientEvent::PlanChanged { plan, limits, at });
        }
        match (self.status, update.suspended) {
            (Status::Active, Some(true)) => events.push(ClientEvent::Suspended { at }),
            (Status::Suspended, Some(false)) => events.push(ClientEvent::Resumed { at }),
            (Status::Active | Status::Suspended | Status::Deleted, _) => {}
        }
        Ok(events)
    }
}

fn check_limits(plan: Plan, limits: Option<Limits>) -> Result<(), ClientError> {
    if limits.is_some() && plan != Plan::Enterprise { Err(ClientError::LimitsOfAPlan) } else { Ok(()) }
}

impl Client {
    pub fn account(&self) -> Option<&Account> {
        match self {
            Self::Account(account) => Some(account),
            Self::Absent => None,
        }
    }

    /// Only copies.
    pub fn evolve(&mut self, event: ClientEvent) {
        match (self, event) {
            (this, ClientEvent::Created(created)) => *this = Self::Account(Box::new(Account::of(*created))),
            (Self::Account(account), event) => account.evolve(event),
            // Nothing comes before the creation.
            (Self::Absent, _) => {}
        }
    }
}

impl Decider for Client {
    type Order = ClientCommand;

    fn decide(&self, stamped: &Stamped<ClientCommand>) -> Result<Vec<ClientEvent>, ClientError> {
        let at = stamped.at;
        let account = match (self, &stamped.command) {
            (Self::Absent, ClientCommand::Create { created, limits }) => return create(created, *limits, at),
            (Self::Account(_), ClientCommand::Create { .. }) => return Err(ClientError::AlreadyExists),
            (Self::Absent, _) => return Err(ClientError::NotFound),
            (Self::Account(account), _) => account,
        };
        match (account.status, &stamped.command) {
            (Status::Deleted, _) => Err(ClientError::NotFound),
            (_, ClientCommand::Create { .. }) => Err(ClientError::AlreadyExists),
            (_, ClientCommand::Update(update)) => account.update(update, at),
            (_, ClientCommand::RegenerateKey { key, grace_until }) => {
                let grace_until = grace_until.filter(|until| *until > at);
                Ok(vec![ClientEvent::KeyRegenerated { key: key.clone(), grace_until, at }])
            }
            (_, ClientCommand::RotateCallbackSecret { callback_secret }) => {
                Ok(vec![ClientEvent::CallbackSecretRotated { callback_secret: callback_secret.clone(), at }])
            }
            (_, ClientCommand::Delete) if account.owner => Err(ClientError::OwnerStays),
            (_, ClientCommand::Delete) => Ok(vec![ClientEvent::Deleted { at }]),
        }
    }
}

fn create(
    created: &Created,
    limits: Option<Limits>,
    at: DateTime<Utc>,
) -> Result<Vec<ClientEvent>, ClientError> {
    check_limits(created.plan, limits)?;
    let mut events = vec![ClientEvent::Created(Box::new(Created { at, ..created.clone() }))];
    if limits.is_some() {
        events.push(ClientEvent::PlanChanged { plan: created.plan, limits, at });
    }
    Ok(events)
}

aggregate!(Client, "client", ClientCommand, ClientEvent, ClientError);
