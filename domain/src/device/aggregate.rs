//! The state of a device and its one decision function.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::command::{DeviceCommand, Use};
use super::error::DeviceError;
use super::event::{BlockedBecause, DeviceEvent, Holder, Registered};
use crate::actor::Actor;
use crate::event::{Decider, aggregate};
use crate::sealed::SealedIn;
use crate::stamped::Stamped;

/// Nothing yet, or a device.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Device {
    Known(Box<Known>),
    #[default]
    Absent,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Known {
    pub holder: Holder,
    pub reference: Option<SealedIn>,
    pub credential: SealedIn,
    pub name: Option<SealedIn>,
    pub aaguid: Option<String>,
    pub transports: Vec<String>,
    pub backup_eligible: bool,
    pub backed_up: bool,
    pub sign_count: u32,
    pub standing: Standing,
    pub registered_at: DateTime<Utc>,
    pub last_used_at: Option<DateTime<Utc>>,
    /// When the last event was so.
    pub updated_at: DateTime<Utc>,
}

/// What it may be used for: anything, or nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    Active,
    Blocked(Block),
    Deregistered,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Block {
    pub because: BlockedBecause,
    pub reason: Option<SealedIn>,
    pub at: DateTime<Utc>,
}

/// The same in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    Active,
    Blocked,
    Deregistered,
}

impl Status {
    pub const ALL: [Self; 3] = [Self::Active, Self::Blocked, Self::Deregistered];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Blocked => "blocked",
            Self::Deregistered => "deregistered",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }
}

impl Known {
    pub fn status(&self) -> Status {
        match self.standing {
            Standing::Active => Status::Active,
            Standing::Blocked(_) => Status::Blocked,
            Standing::Deregistered => Status::Deregistered,
        }
    }

    /// Whether it counted backwards, or did not count on though it does count (Web Authentication Level 3, section
    /// 7.2, step 22).
    pub fn went_back(&self, sign_count: u32) -> bool {
        (self.sign_count > 0 || sign_count > 0) && sign_count <= self.sign_count
    }

    /// Whether this is for whoever gives the command. A person's passkey is registered and answers by the person's proof
    /// alone; what their client may do is not to let it.
    fn takes(&self, command: &DeviceCommand, by: Actor) -> bool {
        match (self.holder, command) {
            (Holder::Person { user_id, .. }, DeviceCommand::Register(_) | DeviceCommand::Use(_)) => {
                by == Actor::Recipient(user_id)
            }
            // It goes with the passkey, which the person may drop.
            (Holder::Person { user_id, .. }, DeviceCommand::Deregister)
                if by == Actor::Recipient(user_id) =>
            {
                true
            }
            (Holder::ClientUser { client_id, .. } | Holder::Person { client_id, .. }, _) => {
                by == Actor::Client(client_id)
            }
        }
    }

    fn registered(registered: Registered) -> Self {
        let sealed = |value| SealedIn::new(DeviceEvent::REGISTERED, value);
        Self {
            holder: registered.holder,
            reference: registered.reference.map(sealed),
            credential: sealed(registered.credential),
            name: registered.name.map(sealed),
            aaguid: registered.aaguid,
            transports: registered.transports,
            backup_eligible: registered.backup_eligible,
            backed_up: registered.backed_up,
            sign_count: registered.sign_count,
            standing: Standing::Active,
            registered_at: registered.at,
            last_used_at: None,
            updated_at: registered.at,
        }
    }

    /// Only copies.
    fn evolve(&mut self, event: DeviceEvent) {
        self.updated_at = event.at();
        match event {
            DeviceEvent::Registered(_) => {}
            DeviceEvent::Used { sign_count, backup_eligible, backed_up, user_verified: _, at } => {
                (self.sign_count, self.last_used_at) = (sign_count, Some(at));
                (self.backup_eligible, self.backed_up) = (backup_eligible, backed_up);
            }
            DeviceEvent::Blocked { because, reason, at } => {
                let reason = reason.map(|reason| SealedIn::new(DeviceEvent::BLOCKED, reason));
                self.standing = Standing::Blocked(Block { because, reason, at });
            }
            DeviceEvent::Unblocked { .. } => self.standing = Standing::Active,
            DeviceEvent::Deregistered { .. } => self.standing = Standing::Deregistered,
        }
    }

    fn decide(&self, command: &DeviceCommand, at: DateTime<Utc>) -> Result<Vec<DeviceEvent>, DeviceError> {
        match (command, self.status()) {
            (DeviceCommand::Register(_), _) => Err(DeviceError::AlreadyExists),
            (DeviceCommand::Deregister, Status::Deregistered)
            | (DeviceCommand::Block { .. }, Status::Blocked)
            | (DeviceCommand::Unblock, Status::Active) => Ok(vec![]),
            (_, Status::Deregistered) => Err(DeviceError::Deregistered),
            (DeviceCommand::Use(_), Status::Blocked) => Err(DeviceError::Blocked),
            (DeviceCommand::Use(shown), Status::Active) => Ok(vec![self.used(*shown, at)]),
            (DeviceCommand::Block { reason }, Status::Active) => {
                let because = BlockedBecause::Requested;
                Ok(vec![DeviceEvent::Blocked { because, reason: reason.clone(), at }])
            }
            (DeviceCommand::Unblock, Status::Blocked) => Ok(vec![DeviceEvent::Unblocked { at }]),
            (DeviceCommand::Deregister, Status::Active | Status::Blocked) => {
                Ok(vec![DeviceEvent::Deregistered { at }])
            }
        }
    }

    fn used(&self, shown: Use, at: DateTime<Utc>) -> DeviceEvent {
        let Use { sign_count, backup_eligible, backed_up, user_verified } = shown;
        if self.went_back(sign_count) {
            return DeviceEvent::Blocked { because: BlockedBecause::CounterRegressed, reason: None, at };
        }
        // What could be backed up once can be so for ever, whatever came in between.
        let backup_eligible = self.backup_eligible || backup_eligible;
        DeviceEvent::Used { sign_count, backup_eligible, backed_up, user_verified, at }
    }
}

impl Device {
    pub fn known(&self) -> Option<&Known> {
        match self {
            Self::Known(known) => Some(known),
            Self::Absent => None,
        }
    }

    /// Only copies.
    pub fn evolve(&mut self, event: DeviceEvent) {
        match (self, event) {
            (this, DeviceEvent::Registered(registered)) => {
                *this = Self::Known(Box::new(Known::registered(*registered)));
            }
            (Self::Known(known), event) => known.evolve(event),
            (Self::Absent, _) => {}
        }
    }
}

impl Decider for Device {
    type Order = DeviceCommand;

    fn decide(&self, stamped: &Stamped<DeviceCommand>) -> Result<Vec<DeviceEvent>, DeviceError> {
        let (by, at) = (stamped.by, stamped.at);
        match (self, &stamped.command) {
            (Self::Absent, DeviceCommand::Register(registered)) => {
                let registered = Registered { at, ..(**registered).clone() };
                if !Known::registered(registered.clone()).takes(&stamped.command, by) {
                    return Err(DeviceError::NotItsHolder);
                }
                Ok(vec![DeviceEvent::Registered(Box::new(registered))])
            }
            (Self::Absent, _) => Err(DeviceError::NotFound),
            (Self::Known(known), command) if !known.takes(command, by) => Err(DeviceError::NotItsHolder),
            (Self::Known(known), command) => known.decide(command, at),
        }
    }
}

aggregate!(Device, "device", DeviceCommand, DeviceEvent, DeviceError);
