//! What a recipient would grant: the ticked fields and their values, sealed while the code is on its way.

use std::collections::BTreeMap;

use mobid_domain::consent::ConsentEvent;
use mobid_domain::sealed::Sealed;
use mobid_domain::slug::Slug;
use serde::{Deserialize, Serialize};

use super::Visit;
use crate::pages::error::PageError;
use crate::pages::field;
use crate::pages::form::{Form, FormError};
use crate::vault::{Place, SealError};
use crate::words::{FieldKind, Problem};

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    pub scope: Vec<Slug>,
    pub values: BTreeMap<String, String>,
}

/// One field as it was filled in.
#[derive(Clone, PartialEq, Eq)]
pub struct Entered {
    pub slug: Slug,
    pub ticked: bool,
    pub text: String,
    pub problem: Option<Problem>,
}

/// A form as it was filled in, with what is wrong with it.
#[derive(Clone, PartialEq, Eq)]
pub struct Filled {
    pub fields: Vec<Entered>,
    pub problem: Option<Problem>,
    /// What was wrong with the passkey.
    pub passkey: Option<&'static str>,
}

impl Filled {
    /// Before anybody has entered anything: all is ticked, nothing is known.
    pub fn blank(scope: &[Slug]) -> Self {
        let blank =
            |slug: &Slug| Entered { slug: slug.clone(), ticked: true, text: String::new(), problem: None };
        Self { fields: scope.iter().map(blank).collect(), problem: None, passkey: None }
    }

    pub fn is_wrong(&self) -> bool {
        self.problem.is_some()
            || self.passkey.is_some()
            || self.fields.iter().any(|field| field.problem.is_some())
    }
}

/// What name a field's input has in the form.
pub fn input_name(slug: &Slug) -> String {
    format!("claim.{slug}")
}

impl Grant {
    /// What the form grants, or the form with what is wrong with it.
    pub fn read(visit: &Visit, form: &Form) -> Result<Result<Self, Filled>, PageError> {
        let asked = &visit.session.request.scope;
        let ticked: Vec<&str> = form.all("scope").collect();
        if ticked.iter().any(|slug| !asked.iter().any(|field| field.as_str() == *slug)) {
            return Err(FormError::Malformed.into());
        }
        let mut grant = Self { scope: vec![], values: BTreeMap::new() };
        let mut filled = Filled { fields: vec![], problem: None, passkey: None };
        for slug in asked {
            let text = form.one(&input_name(slug))?.to_owned();
            let ticked = ticked.contains(&slug.as_str());
            let cleaned = ticked.then(|| FieldKind::of(slug.as_str()).clean(&text, visit.now));
            let problem = match cleaned {
                None => None,
                Some(Err(problem)) => Some(problem),
                Some(Ok(value)) => {
                    grant.scope.push(slug.clone());
                    grant.values.insert(slug.to_string(), value);
                    None
                }
            };
            filled.fields.push(Entered { slug: slug.clone(), ticked, text, problem });
        }
        if !asked.is_empty() && ticked.is_empty() {
            filled.problem = Some(Problem::NothingTicked);
        }
        Ok(if filled.is_wrong() { Err(filled) } else { Ok(grant) })
    }

    pub fn labels(&self, visit: &Visit) -> Vec<String> {
        self.scope.iter().map(|slug| visit.words.field_of(slug.as_str())).collect()
    }

    pub fn seal(&self, visit: &Visit) -> Result<Sealed, SealError> {
        let plain = serde_json::to_vec(self).map_err(|_| SealError::Malformed)?;
        visit.key.seal(&place(visit, &visit.id.to_string()), &plain)
    }

    pub fn open(visit: &Visit, sealed: &Sealed) -> Result<Self, SealError> {
        let plain = visit.key.open(&place(visit, &visit.id.to_string()), sealed)?;
        serde_json::from_slice(&plain).map_err(|_| SealError::Malformed)
    }

    /// The values as the event carries them.
    pub fn sealed_claims(&self, visit: &Visit) -> Result<Option<Sealed>, SealError> {
        if self.values.is_empty() {
            return Ok(None);
        }
        let claims = field::claims(&self.values, &visit.recipient);
        let plain = serde_json::to_vec(&claims).map_err(|_| SealError::Malformed)?;
        let id = visit.id.to_string();
        let place = Place {
            tenant: visit.session.request.client_id,
            aggregate_id: &id,
            event_type: ConsentEvent::APPROVED,
            field: "claims",
        };
        visit.key.seal(&place, &plain).map(Some)
    }
}

fn place<'a>(visit: &Visit, id: &'a str) -> Place<'a> {
    Place {
        tenant: visit.session.request.client_id,
        aggregate_id: id,
        event_type: "one_time_code",
        field: "grant",
    }
}
