//! The rules of a consent, a test each: given what happened, when somebody asks, then what follows.

mod asking;
mod deciding;
mod ending;
mod lifecycle;

use chrono::{DateTime, TimeDelta, Utc};
use cqrs_es::test::{AggregateTestExecutor, TestFramework};
use uuid::Uuid;

use super::*;
use crate::actor::Actor;
use crate::id::{ClientId, UserId};
use crate::sealed::Sealed;
use crate::slug::Slug;
use crate::stamped::Stamped;

const CLIENT_ID: ClientId = ClientId(Uuid::from_u128(1));
const USER_ID: UserId = UserId(Uuid::from_u128(2));

const CLIENT: Actor = Actor::Client(CLIENT_ID);
const OTHER_CLIENT: Actor = Actor::Client(ClientId(Uuid::from_u128(3)));
const RECIPIENT: Actor = Actor::Recipient(USER_ID);
/// The same bits as the client's id: only the kind of actor tells them apart.
const OTHER_RECIPIENT: Actor = Actor::Recipient(UserId(Uuid::from_u128(1)));
const SYSTEM: Actor = Actor::System("expiry");

/// When what [`asked`] asks for falls due, in minutes after creation.
const DEADLINE: i64 = 60;

/// A moment, in minutes after creation.
fn minute(minutes: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(20_000) + TimeDelta::minutes(minutes)
}

fn slugs(names: &[&str]) -> Vec<Slug> {
    names.iter().map(|name| name.parse().unwrap()).collect()
}

fn sealed(text: &str) -> Sealed {
    Sealed(text.to_owned())
}

fn passkey() -> Assurance {
    Assurance { method: AssuranceMethod::Passkey, user_verified: true, bound_at: minute(1) }
}

fn one_time_code() -> Assurance {
    Assurance { method: AssuranceMethod::OneTimeCode, user_verified: false, bound_at: minute(1) }
}

/// Asks for name, email and phone until minute 60.
fn asked() -> Created {
    Created {
        client_id: CLIENT_ID,
        user_id: USER_ID,
        recipient: sealed("recipient"),
        purpose: "identity_verification".parse().unwrap(),
        scope: slugs(&["name", "email", "phone"]),
        callback_url: Some(sealed("callback")),
        return_url: None,
        metadata: None,
        require_assurance: RequireAssurance::Any,
        notify: false,
        locale: Some("en".to_owned()),
        expires_at: minute(DEADLINE),
        at: minute(0),
    }
}

fn created() -> ConsentEvent {
    ConsentEvent::Created(Box::new(asked()))
}

fn created_demanding_a_passkey() -> ConsentEvent {
    ConsentEvent::Created(Box::new(Created { require_assurance: RequireAssurance::Passkey, ..asked() }))
}

fn approved() -> ConsentEvent {
    ConsentEvent::Approved {
        granted_scope: slugs(&["name"]),
        claims: Some(sealed("claims")),
        assurance: passkey(),
        at: minute(10),
    }
}

fn rejected() -> ConsentEvent {
    ConsentEvent::Rejected { assurance: passkey(), at: minute(10) }
}

fn revoked(by: RevokedBy) -> ConsentEvent {
    ConsentEvent::Revoked { by, at: minute(20) }
}

fn expired() -> ConsentEvent {
    ConsentEvent::Expired { at: minute(DEADLINE) }
}

/// Changes nothing and is at minute 5; to be filled in.
fn unchanged() -> Updated {
    Updated {
        purpose: None,
        scope: None,
        callback_url: None,
        metadata: None,
        expires_at: None,
        at: minute(5),
    }
}

fn updated(updated: Updated) -> ConsentEvent {
    ConsentEvent::Updated(Box::new(updated))
}

fn create() -> ConsentCommand {
    ConsentCommand::Create(Box::new(asked()))
}

fn update(update: Update) -> ConsentCommand {
    ConsentCommand::Update(Box::new(update))
}

fn approve(granted: &[&str]) -> ConsentCommand {
    ConsentCommand::Approve {
        granted_scope: slugs(granted),
        claims: Some(sealed("claims")),
        assurance: passkey(),
    }
}

fn reject() -> ConsentCommand {
    ConsentCommand::Reject { assurance: passkey() }
}

fn withdraw() -> ConsentCommand {
    ConsentCommand::Withdraw { assurance: passkey() }
}

fn given(history: Vec<ConsentEvent>) -> AggregateTestExecutor<Consent> {
    TestFramework::with(()).given(history)
}

/// A command given by somebody at a minute.
fn at(minutes: i64, by: Actor, command: ConsentCommand) -> Stamped<ConsentCommand> {
    Stamped { at: minute(minutes), by, command }
}

fn state(history: Vec<ConsentEvent>) -> Consent {
    after(Consent::default(), history)
}

fn after(mut consent: Consent, events: Vec<ConsentEvent>) -> Consent {
    for event in events {
        consent.evolve(event);
    }
    consent
}

fn session(history: Vec<ConsentEvent>) -> Session {
    state(history).session().unwrap().clone()
}

/// One history for each way to stand, with the status that it leads to.
fn every_status() -> Vec<(Status, Vec<ConsentEvent>)> {
    vec![
        (Status::Pending, vec![created()]),
        (Status::Approved, vec![created(), approved()]),
        (Status::Rejected, vec![created(), rejected()]),
        (Status::Revoked, vec![created(), revoked(RevokedBy::Client)]),
        (Status::Revoked, vec![created(), approved(), revoked(RevokedBy::Client)]),
        (Status::Revoked, vec![created(), approved(), revoked(RevokedBy::Recipient)]),
        (Status::Expired, vec![created(), expired()]),
    ]
}
