//! The rules of a report.

use chrono::{DateTime, TimeDelta, Utc};
use cqrs_es::test::TestFramework;
use uuid::Uuid;

use super::*;
use crate::actor::Actor;
use crate::id::{ClientId, PersonId, UserId};
use crate::sealed::Sealed;
use crate::stamped::Stamped;

const PERSON: PersonId = PersonId(Uuid::from_u128(5));
const CLIENT: ClientId = ClientId(Uuid::from_u128(1));

fn minute(minutes: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(20_000) + TimeDelta::minutes(minutes)
}

fn wanted() -> File {
    let details = Sealed("details".to_owned());
    File { person_id: PERSON, reason: Reason::Misleading, details, at: minute(0) }
}

fn by(actor: Actor) -> Stamped<ReportCommand> {
    Stamped { at: minute(3), by: actor, command: ReportCommand::File(Box::new(wanted())) }
}

fn filed() -> ReportEvent {
    ReportEvent::Filed(Box::new(Filed { at: minute(3), ..wanted() }))
}

#[test]
fn a_person_files_a_report_once() {
    let file = || by(Actor::Person(PERSON));
    TestFramework::<Report>::with(())
        .given_no_previous_events()
        .when(file())
        .then_expect_events(vec![filed()]);
    let again = TestFramework::<Report>::with(()).given(vec![filed()]).when(file());
    again.then_expect_error(ReportError::AlreadyExists);
}

#[test]
fn nobody_files_one_in_a_persons_name() {
    let user = UserId(Uuid::from_u128(5));
    let other = PersonId(Uuid::from_u128(6));
    for actor in
        [Actor::Client(CLIENT), Actor::Recipient(user), Actor::Person(other), Actor::System("hosted_page")]
    {
        let tried = TestFramework::<Report>::with(()).given_no_previous_events().when(by(actor));
        tried.then_expect_error(ReportError::NotThePerson);
    }
}

#[test]
fn a_report_says_what_was_filed() {
    let mut report = Report::default();
    assert_eq!(report.filing(), None);
    report.evolve(filed());
    let filing = report.filing().unwrap();
    assert_eq!((filing.person_id, filing.reason, filing.at), (PERSON, Reason::Misleading, minute(3)));
    assert_eq!(filing.details.event_type, ReportEvent::FILED);
}

#[test]
fn every_reason_has_one_word() {
    for reason in Reason::ALL {
        assert_eq!(Reason::parse(reason.as_str()), Some(reason));
        assert_eq!(serde_json::to_value(reason).unwrap(), reason.as_str());
    }
}
