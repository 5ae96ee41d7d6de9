//! The state of an endpoint and its one decision function.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::command::EndpointCommand;
use super::error::EndpointError;
use super::event::{Created, DisabledReason, EndpointEvent};
use super::event_type::EventType;
use crate::actor::Actor;
use crate::event::{Decider, aggregate};
use crate::id::ClientId;
use crate::sealed::SealedIn;
use crate::stamped::Stamped;

/// Nothing yet, or a registration.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Endpoint {
    Registration(Box<Registration>),
    #[default]
    Absent,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Registration {
    pub client_id: ClientId,
    pub url: SealedIn,
    pub event_types: Vec<EventType>,
    pub description: Option<SealedIn>,
    pub secret: SealedIn,
    pub status: Status,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    Active,
    Disabled(DisabledReason),
    Deleted,
}

impl Status {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Disabled(_) => "disabled",
            Self::Deleted => "deleted",
        }
    }
}

impl Registration {
    /// Whether it wants to hear of events of this type.
    pub fn subscribes(&self, event_type: EventType) -> bool {
        self.status == Status::Active
            && (self.event_types.is_empty() || self.event_types.contains(&event_type))
    }

    fn created(created: Created) -> Self {
        let sealed = |value| SealedIn::new(EndpointEvent::CREATED, value);
        Self {
            client_id: created.client_id,
            url: sealed(created.url),
            event_types: created.event_types,
            description: created.description.map(sealed),
            secret: sealed(created.secret),
            status: Status::Active,
            created_at: created.at,
            updated_at: created.at,
        }
    }
}

impl Endpoint {
    pub fn registration(&self) -> Option<&Registration> {
        match self {
            Self::Registration(registration) => Some(registration),
            Self::Absent => None,
        }
    }

    /// Only copies.
    pub fn evolve(&mut self, event: EndpointEvent) {
        let at = event.at();
        match (self, event) {
            (this, EndpointEvent::Created(created)) => {
                *this = Self::Registration(Box::new(Registration::created(*created)));
            }
            (Self::Registration(registration), EndpointEvent::Disabled { reason, .. }) => {
                registration.status = Status::Disabled(reason);
                registration.updated_at = at;
            }
            (Self::Registration(registration), EndpointEvent::Deleted { .. }) => {
                registration.status = Status::Deleted;
                registration.updated_at = at;
            }
            (Self::Absent, EndpointEvent::Disabled { .. } | EndpointEvent::Deleted { .. }) => {}
        }
    }
}

impl Decider for Endpoint {
    type Order = EndpointCommand;

    fn decide(&self, stamped: &Stamped<EndpointCommand>) -> Result<Vec<EndpointEvent>, EndpointError> {
        let at = stamped.at;
        match (self, &stamped.command) {
            (Self::Absent, EndpointCommand::Create(created)) => {
                if stamped.by != Actor::Client(created.client_id) {
                    return Err(EndpointError::NotTheClient);
                }
                Ok(vec![EndpointEvent::Created(Box::new(Created { at, ..(**created).clone() }))])
            }
            (Self::Registration(_), EndpointCommand::Create(_)) => Err(EndpointError::AlreadyExists),
            (Self::Absent, EndpointCommand::Delete | EndpointCommand::Disable { .. }) => {
                Err(EndpointError::NotFound)
            }
            (Self::Registration(registration), EndpointCommand::Delete) => match registration.status {
                Status::Deleted => Err(EndpointError::NotFound),
                _ if stamped.by != Actor::Client(registration.client_id) => Err(EndpointError::NotTheClient),
                _ => Ok(vec![EndpointEvent::Deleted { at }]),
            },
            (Self::Registration(registration), EndpointCommand::Disable { reason }) => {
                Ok(match registration.status {
                    Status::Active => vec![EndpointEvent::Disabled { reason: *reason, at }],
                    Status::Disabled(_) | Status::Deleted => vec![],
                })
            }
        }
    }
}

aggregate!(Endpoint, "webhook", EndpointCommand, EndpointEvent, EndpointError);
