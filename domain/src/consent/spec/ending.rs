//! How a consent ends without the recipient's decision: the client's revocation and the deadline.

use super::*;

#[test]
fn the_client_revokes_a_pending_or_approved_consent() {
    for history in [vec![created()], vec![created(), approved()]] {
        given(history)
            .when(at(20, CLIENT, ConsentCommand::Revoke))
            .then_expect_events(vec![revoked(RevokedBy::Client)]);
    }
}

#[test]
fn only_the_client_that_asked_can_revoke() {
    for (_, history) in every_status() {
        for by in [OTHER_CLIENT, RECIPIENT, OTHER_RECIPIENT, SYSTEM] {
            given(history.clone())
                .when(at(20, by, ConsentCommand::Revoke))
                .then_expect_error(ConsentError::NotTheClient);
        }
    }
}

#[test]
fn what_has_ended_cannot_be_revoked() {
    for (status, history) in every_status().into_iter().skip(2) {
        given(history)
            .when(at(30, CLIENT, ConsentCommand::Revoke))
            .then_expect_error(ConsentError::AlreadyClosed(status));
    }
}

#[test]
fn claims_are_gone_after_a_revocation_and_the_grant_is_not() {
    for by in [RevokedBy::Client, RevokedBy::Recipient] {
        let session = session(vec![created(), approved(), revoked(by)]);
        let approval = session.approval().unwrap();
        assert_eq!(approval.claims, None);
        assert_eq!(approval.granted_scope, slugs(&["name"]));
        assert_eq!(session.updated_at, minute(20));
    }
}

#[test]
fn a_revoked_request_that_was_never_approved_has_no_grant() {
    assert_eq!(session(vec![created(), revoked(RevokedBy::Client)]).approval(), None);
}

#[test]
fn a_consent_can_be_decided_until_just_before_its_deadline() {
    let just_before = minute(DEADLINE) - TimeDelta::microseconds(1);
    for command in [approve(&["name"]), reject()] {
        let command = Stamped { at: just_before, by: RECIPIENT, command };
        assert_eq!(given(vec![created()]).when(command).inspect_result().unwrap().len(), 1);
    }
}

#[test]
fn an_expired_consent_cannot_be_approved() {
    refused_as_expired(RECIPIENT, &approve(&["name"]));
}

#[test]
fn an_expired_consent_cannot_be_rejected() {
    refused_as_expired(RECIPIENT, &reject());
}

#[test]
fn an_expired_consent_cannot_be_withdrawn() {
    refused_as_expired(RECIPIENT, &withdraw());
}

#[test]
fn an_expired_consent_cannot_be_scanned() {
    refused_as_expired(SYSTEM, &ConsentCommand::Scan);
}

#[test]
fn an_expired_consent_cannot_be_revoked() {
    refused_as_expired(CLIENT, &ConsentCommand::Revoke);
}

#[test]
fn an_expired_consent_cannot_be_updated_back_to_life() {
    refused_as_expired(
        CLIENT,
        &update(Update { expires_at: Some(minute(DEADLINE + 100)), ..Update::default() }),
    );
}

/// Exactly at the deadline and after it, whether or not the sweep came.
fn refused_as_expired(by: Actor, command: &ConsentCommand) {
    for minutes in [DEADLINE, DEADLINE + 1] {
        for history in [vec![created()], vec![created(), expired()]] {
            given(history)
                .when(at(minutes, by, command.clone()))
                .then_expect_error(ConsentError::AlreadyClosed(Status::Expired));
        }
    }
}

#[test]
fn a_pending_consent_shows_as_expired_from_its_deadline_on() {
    let session = session(vec![created()]);
    let just_before = minute(DEADLINE) - TimeDelta::microseconds(1);
    assert_eq!(session.status_at(just_before), Status::Pending);
    assert_eq!(session.status_at(minute(DEADLINE)), Status::Expired);
    assert_eq!(session.updated_at(just_before), minute(0));
    assert_eq!(session.updated_at(minute(DEADLINE + 5)), minute(DEADLINE));
}

#[test]
fn a_decided_consent_never_shows_as_expired() {
    for (status, history) in every_status().into_iter().skip(1) {
        assert_eq!(session(history).status_at(minute(DEADLINE + 1)), status);
    }
}

#[test]
fn the_sweep_expires_at_the_deadline_however_late_it_comes() {
    for minutes in [DEADLINE, DEADLINE + 1_000] {
        given(vec![created()])
            .when(at(minutes, SYSTEM, ConsentCommand::Expire))
            .then_expect_events(vec![expired()]);
    }
}

#[test]
fn a_sweep_that_comes_early_does_nothing() {
    let command = Stamped {
        at: minute(DEADLINE) - TimeDelta::microseconds(1),
        by: SYSTEM,
        command: ConsentCommand::Expire,
    };
    given(vec![created()]).when(command).then_expect_events(vec![]);
}

#[test]
fn a_sweep_that_comes_after_the_end_does_nothing() {
    for (_, history) in every_status().into_iter().skip(1) {
        given(history).when(at(DEADLINE + 1, SYSTEM, ConsentCommand::Expire)).then_expect_events(vec![]);
    }
}

#[test]
fn an_update_moves_the_deadline() {
    let later = updated(Updated { expires_at: Some(minute(90)), ..unchanged() });
    given(vec![created()])
        .when(at(5, CLIENT, update(Update { expires_at: Some(minute(90)), ..Update::default() })))
        .then_expect_events(vec![later.clone()]);

    let history = vec![created(), later];
    given(history.clone()).when(at(DEADLINE, SYSTEM, ConsentCommand::Expire)).then_expect_events(vec![]);
    let decided = given(history.clone()).when(at(89, RECIPIENT, reject())).inspect_result();
    assert_eq!(decided.unwrap().len(), 1);
    given(history)
        .when(at(91, SYSTEM, ConsentCommand::Expire))
        .then_expect_events(vec![ConsentEvent::Expired { at: minute(90) }]);
}

#[test]
fn an_update_can_bring_the_deadline_nearer() {
    let sooner = updated(Updated { expires_at: Some(minute(30)), ..unchanged() });
    given(vec![created(), sooner])
        .when(at(30, RECIPIENT, approve(&["name"])))
        .then_expect_error(ConsentError::AlreadyClosed(Status::Expired));
}
