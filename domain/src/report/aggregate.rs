//! The state of a report and its one decision function.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::command::ReportCommand;
use super::error::ReportError;
use super::event::{Filed, Reason, ReportEvent};
use crate::actor::Actor;
use crate::event::{Decider, aggregate};
use crate::id::PersonId;
use crate::sealed::SealedIn;
use crate::stamped::Stamped;

/// Nothing yet, or what was filed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Report {
    Filing(Box<Filing>),
    #[default]
    Absent,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Filing {
    pub person_id: PersonId,
    pub reason: Reason,
    pub details: SealedIn,
    pub at: DateTime<Utc>,
}

impl Report {
    pub fn filing(&self) -> Option<&Filing> {
        match self {
            Self::Filing(filing) => Some(filing),
            Self::Absent => None,
        }
    }

    /// Only copies.
    pub fn evolve(&mut self, event: ReportEvent) {
        let ReportEvent::Filed(filed) = event;
        let Filed { person_id, reason, details, at } = *filed;
        let details = SealedIn::new(ReportEvent::FILED, details);
        *self = Self::Filing(Box::new(Filing { person_id, reason, details, at }));
    }
}

impl Decider for Report {
    type Order = ReportCommand;

    fn decide(&self, stamped: &Stamped<ReportCommand>) -> Result<Vec<ReportEvent>, ReportError> {
        let ReportCommand::File(file) = &stamped.command;
        match self {
            // No API key speaks for a person.
            _ if stamped.by != Actor::Person(file.person_id) => Err(ReportError::NotThePerson),
            Self::Filing(_) => Err(ReportError::AlreadyExists),
            Self::Absent => {
                let filed = Filed { at: stamped.at, ..(**file).clone() };
                Ok(vec![ReportEvent::Filed(Box::new(filed))])
            }
        }
    }
}

aggregate!(Report, "report", ReportCommand, ReportEvent, ReportError);
