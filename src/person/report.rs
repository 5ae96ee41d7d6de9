//! A person's report of abuse: once for each consent, readable by the owner of the service and by no client.

use chrono::{DateTime, Utc};
use mobid_domain::id::{ClientId, ConsentId, PersonId, ReportId};
use mobid_domain::person::TENANT;
use mobid_domain::report::{File, Filing, Reason, Report, ReportCommand, ReportEvent};
use serde::{Deserialize, Serialize};

use super::{Occasion, Trouble};
use crate::app::App;
use crate::event_store::{Claim, ExecuteError, Terms};
use crate::vault::{DataKey, Place, SealError, Subject};

const CLAIM: &str = "report";

/// What only the person and the owner know.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Details {
    pub client_id: ClientId,
    pub consent_id: ConsentId,
    /// In the person's own words; may be empty.
    pub text: String,
}

/// When a person reported a consent, if they did.
pub async fn find(app: &App, person: PersonId, consent: ConsentId) -> Result<Option<DateTime<Utc>>, Trouble> {
    let Some(id) = app.store.holder_of(CLAIM, &claim_key(app, person, consent)).await? else {
        return Ok(None);
    };
    Ok(app.store.load::<Report>(&id).await?.state.filing().map(|filing| filing.at))
}

/// Files a report; the second one of the same consent changes nothing.
pub async fn file(
    app: &App,
    person: PersonId,
    (reason, details): (Reason, &Details),
    occasion: &Occasion,
) -> Result<(), Trouble> {
    let key = app.vault.key(TENANT, Subject::Own(person)).await?.ok_or(SealError::KeyGone)?;
    let id = ReportId(crate::ids::new_id()).to_string();
    let place = Place { tenant: TENANT, aggregate_id: &id, event_type: ReportEvent::FILED, field: "details" };
    let sealed = key.seal(&place, &serde_json::to_vec(details)?)?;
    let file = File { person_id: person, reason, details: sealed, at: occasion.at };
    let claims = vec![Claim { kind: CLAIM, key: claim_key(app, person, details.consent_id) }];
    let terms = Terms { new: true, claims, ..Terms::default() };
    let command = ReportCommand::File(Box::new(file));
    match app.store.execute::<Report>(&id, command, &occasion.command(person), terms).await {
        Ok(_) => {
            tracing::warn!(report = %id, reason = reason.as_str(), "a person reported abuse");
            Ok(())
        }
        Err(ExecuteError::Claimed(_)) => Ok(()),
        Err(error) => Err(Trouble::Report(error)),
    }
}

/// What was said, under the key of who said it.
pub fn open(id: &str, filing: &Filing, key: &DataKey) -> Result<Details, SealError> {
    let json = key.open_in(TENANT, id, "details", &filing.details)?;
    serde_json::from_slice(&json).map_err(|_| SealError::Malformed)
}

fn claim_key(app: &App, person: PersonId, consent: ConsentId) -> Vec<u8> {
    app.vault.master().hmac("mobid/report", &[person.0.as_bytes(), consent.0.as_bytes()]).to_vec()
}
