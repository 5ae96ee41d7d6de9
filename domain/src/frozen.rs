//! What is in somebody's log already must stay readable: names, versions and payloads of old events, as fixtures.
//!
//! `fixtures/events/<type>.v<version>[.<variant>].json` holds a payload exactly as it was stored. A fixture is added,
//! never changed and never removed.

use std::collections::BTreeSet;

use chrono::DateTime;
use cqrs_es::{Aggregate, DomainEvent};
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::client::Client;
use crate::consent::Consent;
use crate::device::Device;
use crate::enrollment::Enrollment;
use crate::event::canonical_text;
use crate::fido::Login;
use crate::person::Person;
use crate::qr::Code;
use crate::recorded::Recorded;
use crate::report::Report;
use crate::webhook::Endpoint;

/// Every event that was ever stored, by aggregate, with the versions that there are.
const EVENTS: [(&str, &str, &[&str]); 45] = [
    ("client", "client.callback_secret_rotated", &["1"]),
    ("client", "client.created", &["1"]),
    ("client", "client.deleted", &["1"]),
    ("client", "client.key_regenerated", &["1"]),
    ("client", "client.plan_changed", &["1"]),
    ("client", "client.resumed", &["1"]),
    ("client", "client.suspended", &["1"]),
    ("client", "client.updated", &["1"]),
    ("consent", "consent.approved", &["1"]),
    ("consent", "consent.created", &["1"]),
    ("consent", "consent.expired", &["1"]),
    ("consent", "consent.proved", &["1"]),
    ("consent", "consent.rejected", &["1"]),
    ("consent", "consent.revoked", &["1"]),
    ("consent", "consent.scanned", &["1"]),
    ("consent", "consent.updated", &["1"]),
    ("enrollment", "enrollment.cancelled", &["1"]),
    ("enrollment", "enrollment.completed", &["1"]),
    ("enrollment", "enrollment.created", &["1"]),
    ("enrollment", "enrollment.device_registered", &["1"]),
    ("enrollment", "enrollment.expired", &["1"]),
    ("enrollment", "enrollment.failed", &["1"]),
    ("enrollment", "enrollment.try_failed", &["1"]),
    ("person", "person.handle_released", &["1"]),
    ("person", "person.handle_verified", &["1"]),
    ("person", "person.passkey_added", &["1"]),
    ("person", "person.passkey_dropped", &["1"]),
    ("person", "person.passkey_used", &["1"]),
    ("device", "device.blocked", &["1"]),
    ("device", "device.deregistered", &["1"]),
    ("device", "device.registered", &["1"]),
    ("device", "device.unblocked", &["1"]),
    ("device", "device.used", &["1"]),
    ("fido", "auth.failed", &["1"]),
    ("fido", "auth.proved", &["1"]),
    ("fido", "auth.success", &["1"]),
    ("qr", "qr.ended", &["1"]),
    ("qr", "qr.generated", &["1"]),
    ("qr", "qr.number_matched", &["1"]),
    ("qr", "qr.number_refused", &["1"]),
    ("qr", "qr.scanned", &["1"]),
    ("report", "report.filed", &["1"]),
    ("webhook", "webhook.created", &["1"]),
    ("webhook", "webhook.deleted", &["1"]),
    ("webhook", "webhook.disabled", &["1"]),
];

struct Fixture {
    file: String,
    event_type: String,
    version: String,
    payload: String,
}

fn fixtures() -> Vec<Fixture> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/events");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
        .into_iter()
        .map(|path| {
            let file = path.file_name().unwrap().to_str().unwrap().to_owned();
            let (event_type, rest) = file.split_once(".v").unwrap();
            Fixture {
                event_type: event_type.to_owned(),
                version: rest.split('.').next().unwrap().to_owned(),
                payload: std::fs::read_to_string(&path).unwrap(),
                file: file.clone(),
            }
        })
        .collect()
}

/// The fixture as the log would hold it.
fn recorded(aggregate_type: &str, fixture: &Fixture) -> Recorded {
    Recorded {
        position: 1,
        event_id: Uuid::nil(),
        tenant: "cl_1".to_owned(),
        aggregate_type: aggregate_type.to_owned(),
        aggregate_id: "id".to_owned(),
        sequence: 1,
        event_type: fixture.event_type.clone(),
        event_version: fixture.version.clone(),
        payload: fixture.payload.clone(),
        metadata: "{}".to_owned(),
        recorded_at: DateTime::UNIX_EPOCH,
    }
}

/// Reads as today's event; written again it is the same bytes, if the version is today's.
fn holds<A: Aggregate>(fixture: &Fixture)
where
    A::Event: Serialize,
{
    let event = recorded(A::TYPE, fixture).decode::<A>().unwrap_or_else(|e| panic!("{}: {e}", fixture.file));
    assert_eq!(event.event_type(), fixture.event_type, "{}", fixture.file);
    if event.event_version() == fixture.version {
        assert_eq!(canonical_text(&event).unwrap(), fixture.payload, "{}", fixture.file);
    }
}

/// The names that a type of event can have, as serde knows them.
fn names_of<E: DeserializeOwned + std::fmt::Debug>() -> BTreeSet<String> {
    let refusal = serde_json::from_str::<E>(r#"{"type":"?","data":{}}"#).unwrap_err().to_string();
    // unknown variant `?`, expected one of `a`, `b`
    refusal.split('`').skip(1).step_by(2).filter(|name| *name != "?").map(str::to_owned).collect()
}

#[test]
fn every_event_ever_stored_still_reads_and_writes_the_same() {
    for fixture in fixtures() {
        let known = EVENTS.iter().find(|(_, event_type, _)| *event_type == fixture.event_type);
        match known.map(|(aggregate_type, ..)| *aggregate_type) {
            Some(Client::TYPE) => holds::<Client>(&fixture),
            Some(Consent::TYPE) => holds::<Consent>(&fixture),
            Some(Enrollment::TYPE) => holds::<Enrollment>(&fixture),
            Some(Person::TYPE) => holds::<Person>(&fixture),
            Some(Device::TYPE) => holds::<Device>(&fixture),
            Some(Login::TYPE) => holds::<Login>(&fixture),
            Some(Code::TYPE) => holds::<Code>(&fixture),
            Some(Report::TYPE) => holds::<Report>(&fixture),
            Some(Endpoint::TYPE) => holds::<Endpoint>(&fixture),
            other => panic!("{}: nobody knows this event ({other:?})", fixture.file),
        }
    }
}

#[test]
fn every_event_and_version_has_a_fixture() {
    let fixtures = fixtures();
    let stored: BTreeSet<_> = fixtures.iter().map(|f| (f.event_type.as_str(), f.version.as_str())).collect();
    let listed = EVENTS
        .iter()
        .flat_map(|(_, event_type, versions)| versions.iter().map(move |version| (*event_type, *version)))
        .collect();
    assert_eq!(stored, listed);
}

#[test]
fn the_names_of_events_are_these_for_ever() {
    let names = |aggregate_type: &str| -> BTreeSet<String> {
        let of_type = EVENTS.iter().filter(|(of, ..)| *of == aggregate_type);
        of_type.map(|(_, event_type, _)| (*event_type).to_owned()).collect()
    };
    assert_eq!(names_of::<<Client as Aggregate>::Event>(), names("client"));
    assert_eq!(names_of::<<Consent as Aggregate>::Event>(), names("consent"));
    assert_eq!(names_of::<<Enrollment as Aggregate>::Event>(), names("enrollment"));
    assert_eq!(names_of::<<Person as Aggregate>::Event>(), names("person"));
    assert_eq!(names_of::<<Device as Aggregate>::Event>(), names("device"));
    assert_eq!(names_of::<<Login as Aggregate>::Event>(), names("fido"));
    assert_eq!(names_of::<<Code as Aggregate>::Event>(), names("qr"));
    assert_eq!(names_of::<<Report as Aggregate>::Event>(), names("report"));
    assert_eq!(names_of::<<Endpoint as Aggregate>::Event>(), names("webhook"));
}

#[test]
fn an_event_stored_under_another_name_or_aggregate_does_not_read() {
    let fixture = fixtures().into_iter().find(|f| f.event_type == "consent.expired").unwrap();
    let stored = recorded("consent", &fixture);
    assert!(stored.decode::<Consent>().is_ok());
    assert!(stored.decode::<Client>().is_err());
    let renamed = Recorded { event_type: "consent.scanned".to_owned(), ..stored };
    assert!(renamed.decode::<Consent>().is_err());
}
