//! What holds for every state, command, giver and moment at once.

use super::*;
use crate::event::Decider;

const MOMENTS: [i64; 4] = [6, DEADLINE - 1, DEADLINE, DEADLINE + 1];
const ANYBODY: [Actor; 5] = [CLIENT, OTHER_CLIENT, RECIPIENT, OTHER_RECIPIENT, SYSTEM];

fn every_command() -> Vec<ConsentCommand> {
    vec![
        create(),
        update(Update::default()),
        update(Update {
            purpose: Some("payment".parse().unwrap()),
            scope: Some(slugs(&["address"])),
            callback_url: Some(None),
            metadata: Some(Some(sealed("metadata"))),
            expires_at: Some(minute(DEADLINE + 30)),
        }),
        ConsentCommand::Scan,
        approve(&["name"]),
        approve(&["address"]),
        ConsentCommand::Approve { granted_scope: vec![], claims: None, assurance: one_time_code() },
        reject(),
        ConsentCommand::Reject { assurance: one_time_code() },
        ConsentCommand::Revoke,
        withdraw(),
        ConsentCommand::Withdraw { assurance: one_time_code() },
        ConsentCommand::Expire,
    ]
}

/// Every status, and some more ways to be in it.
fn every_history() -> Vec<Vec<ConsentEvent>> {
    let mut histories: Vec<_> = every_status().into_iter().map(|(_, history)| history).collect();
    histories.push(vec![]);
    histories.push(vec![created(), ConsentEvent::Scanned { at: minute(3) }]);
    histories.push(vec![created_demanding_a_passkey()]);
    histories.push(vec![created_demanding_a_passkey(), approved()]);
    histories.push(vec![created(), updated(Updated { expires_at: Some(minute(90)), ..unchanged() })]);
    histories
}

fn every_case() -> impl Iterator<Item = (Consent, Stamped<ConsentCommand>)> {
    every_history().into_iter().flat_map(|history| {
        let before = state(history);
        every_command().into_iter().flat_map(move |command| {
            let before = before.clone();
            ANYBODY.into_iter().flat_map(move |by| {
                let (before, command) = (before.clone(), command.clone());
                MOMENTS.into_iter().map(move |moment| (before.clone(), at(moment, by, command.clone())))
            })
        })
    })
}

fn status(consent: &Consent) -> Option<Status> {
    consent.session().map(|session| session.phase.recorded_status())
}

#[test]
fn whatever_ended_stays_ended_but_for_an_approval_that_is_revoked() {
    let mut seen = std::collections::BTreeSet::new();
    for (before, command) in every_case() {
        let Ok(events) = before.decide(&command) else { continue };
        let after = after(before.clone(), events);
        let (from, to) = (status(&before), status(&after));
        let allowed = match (from, to) {
            (None, Some(Status::Pending))
            | (Some(Status::Pending), Some(_))
            | (Some(Status::Approved), Some(Status::Revoked)) => true,
            _ => before == after,
        };
        assert!(allowed, "{from:?} → {to:?} by {command:?}");
        if from != to {
            let name = |status: Option<Status>| status.map_or("absent", Status::as_str);
            seen.insert((name(from), name(to)));
        }
    }
    // and every arrow of the sketch in `consent.rs` can be walked
    let arrows = [
        ("absent", "pending"),
        ("approved", "revoked"),
        ("pending", "approved"),
        ("pending", "expired"),
        ("pending", "rejected"),
        ("pending", "revoked"),
    ];
    assert_eq!(seen, arrows.into());
}

#[test]
fn a_command_gives_at_most_one_event_stamped_with_its_time_or_the_deadline() {
    for (before, command) in every_case() {
        let events = before.decide(&command).unwrap_or_default();
        assert!(events.len() <= 1, "{events:?}");
        for event in events {
            match event {
                ConsentEvent::Expired { at } => {
                    assert_eq!(Some(at), before.session().map(|session| session.request.expires_at));
                    assert!(at <= command.at);
                }
                other => assert_eq!(other.at(), command.at),
            }
        }
    }
}

#[test]
fn deciding_again_after_a_decision_went_in_never_gives_the_same_event() {
    for (before, command) in every_case() {
        let Ok(events) = before.decide(&command) else { continue };
        let after = after(before.clone(), events.clone());
        // a sealed value cannot be compared, so an update with one may repeat itself
        if let Some(event) = events.first().filter(|event| event.name() != ConsentEvent::UPDATED) {
            assert_ne!(after.decide(&command).as_deref(), Ok(std::slice::from_ref(event)));
        }
    }
}

#[test]
fn who_asked_and_who_is_asked_never_change() {
    for (before, command) in every_case() {
        let Some(request) = before.session().map(|session| session.request.clone()) else { continue };
        let events = before.decide(&command).unwrap_or_default();
        let after = after(before, events).session().unwrap().request.clone();
        assert_eq!((after.client_id, after.user_id), (request.client_id, request.user_id));
        assert_eq!(after.recipient, request.recipient);
    }
}

#[test]
fn an_event_before_the_creation_leaves_nothing() {
    for event in [approved(), rejected(), revoked(RevokedBy::Client), expired(), updated(unchanged())] {
        assert_eq!(state(vec![event]), Consent::Absent);
    }
}

#[test]
fn a_state_reads_back_from_its_json() {
    for history in every_history() {
        let consent = state(history);
        let text = serde_json::to_string(&consent).unwrap();
        assert_eq!(serde_json::from_str::<Consent>(&text).unwrap(), consent, "{text}");
    }
}

#[test]
fn a_status_has_one_name() {
    let names: Vec<_> = Status::ALL.into_iter().map(Status::as_str).collect();
    assert_eq!(names, ["pending", "approved", "rejected", "expired", "revoked"]);
    assert!(Status::ALL.into_iter().all(|status| Status::parse(status.as_str()) == Some(status)));
    assert_eq!(Status::parse("gone"), None);
}
