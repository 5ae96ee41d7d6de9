//! What the recipient decides: approving, rejecting, withdrawing.

use super::*;
use crate::proof::Proof;

#[test]
fn the_recipient_approves_all_that_was_asked() {
    given(vec![created()]).when(at(9, RECIPIENT, approve(&["name", "email", "phone"]))).then_expect_events(
        vec![ConsentEvent::Approved {
            granted_scope: slugs(&["name", "email", "phone"]),
            claims: Some(sealed("claims")),
            assurance: passkey(),
            at: minute(9),
        }],
    );
}

#[test]
fn the_recipient_may_grant_a_part_or_nothing() {
    for granted in [&["phone"][..], &["email", "name"], &[]] {
        let events =
            given(vec![created()]).when(at(9, RECIPIENT, approve(granted))).inspect_result().unwrap();
        let session = session([vec![created()], events].concat());
        assert_eq!(session.approval().unwrap().granted_scope, slugs(granted));
    }
}

#[test]
fn what_was_not_asked_cannot_be_granted() {
    for granted in [&["address"][..], &["name", "address"]] {
        given(vec![created()])
            .when(at(9, RECIPIENT, approve(granted)))
            .then_expect_error(ConsentError::ScopeNotAsked);
    }
}

#[test]
fn what_an_update_took_back_cannot_be_granted() {
    let narrowed = updated(Updated { scope: Some(slugs(&["email"])), ..unchanged() });
    given(vec![created(), narrowed])
        .when(at(9, RECIPIENT, approve(&["name"])))
        .then_expect_error(ConsentError::ScopeNotAsked);
}

#[test]
fn the_recipient_rejects() {
    given(vec![created()])
        .when(at(9, RECIPIENT, reject()))
        .then_expect_events(vec![ConsentEvent::Rejected { assurance: passkey(), at: minute(9) }]);
}

#[test]
fn nobody_but_the_recipient_decides() {
    for by in [CLIENT, OTHER_CLIENT, OTHER_RECIPIENT, SYSTEM] {
        for command in [approve(&["name"]), reject()] {
            given(vec![created()]).when(at(9, by, command)).then_expect_error(ConsentError::NotTheRecipient);
        }
        given(vec![created(), approved()])
            .when(at(19, by, withdraw()))
            .then_expect_error(ConsentError::NotTheRecipient);
    }
}

#[test]
fn a_stranger_does_not_learn_how_a_consent_ended() {
    for (_, history) in every_status() {
        for command in [approve(&["name"]), reject(), withdraw()] {
            given(history.clone())
                .when(at(30, OTHER_RECIPIENT, command))
                .then_expect_error(ConsentError::NotTheRecipient);
        }
    }
}

#[test]
fn a_one_time_code_decides_unless_the_client_demands_a_passkey() {
    let with_code = || {
        [
            ConsentCommand::Approve { granted_scope: vec![], claims: None, assurance: one_time_code() },
            ConsentCommand::Reject { assurance: one_time_code() },
        ]
    };
    for command in with_code() {
        let events = given(vec![created()]).when(at(9, RECIPIENT, command.clone())).inspect_result().unwrap();
        assert_eq!(events.len(), 1, "{command:?}");
    }
    for command in with_code() {
        given(vec![created_demanding_a_passkey()])
            .when(at(9, RECIPIENT, command))
            .then_expect_error(ConsentError::PasskeyRequired);
    }
    given(vec![created_demanding_a_passkey(), approved()])
        .when(at(19, RECIPIENT, ConsentCommand::Withdraw { assurance: one_time_code() }))
        .then_expect_error(ConsentError::PasskeyRequired);
}

#[test]
fn a_passkey_decides_where_it_is_demanded() {
    given(vec![created_demanding_a_passkey()])
        .when(at(9, RECIPIENT, reject()))
        .then_expect_events(vec![ConsentEvent::Rejected { assurance: passkey(), at: minute(9) }]);
}

#[test]
fn a_decided_consent_cannot_be_decided_again() {
    for (status, history) in every_status().into_iter().skip(1) {
        for command in [approve(&["name"]), reject()] {
            given(history.clone())
                .when(at(30, RECIPIENT, command))
                .then_expect_error(ConsentError::AlreadyClosed(status));
        }
    }
}

#[test]
fn the_recipient_withdraws_an_approval() {
    given(vec![created(), approved()])
        .when(at(20, RECIPIENT, withdraw()))
        .then_expect_events(vec![revoked(RevokedBy::Recipient)]);
}

#[test]
fn an_approval_can_be_withdrawn_after_the_deadline_of_asking() {
    let event = ConsentEvent::Revoked { by: RevokedBy::Recipient, at: minute(DEADLINE + 1) };
    given(vec![created(), approved()])
        .when(at(DEADLINE + 1, RECIPIENT, withdraw()))
        .then_expect_events(vec![event]);
}

#[test]
fn only_an_approval_can_be_withdrawn() {
    given(vec![created()])
        .when(at(9, RECIPIENT, withdraw()))
        .then_expect_error(ConsentError::WrongStatus(Status::Pending));
    for (status, history) in every_status().into_iter().skip(2) {
        given(history)
            .when(at(30, RECIPIENT, withdraw()))
            .then_expect_error(ConsentError::AlreadyClosed(status));
    }
}

#[test]
fn an_approval_keeps_what_was_granted_and_how_it_was_proven() {
    let session = session(vec![created(), approved()]);
    let approval = session.approval().unwrap();
    assert_eq!(approval.granted_scope, slugs(&["name"]));
    assert_eq!(approval.claims.as_ref().unwrap().event_type, ConsentEvent::APPROVED);
    assert_eq!((&approval.assurance, approval.at, session.updated_at), (&passkey(), minute(10), minute(10)));
}

fn prove(decision: ConsentCommand) -> ConsentCommand {
    ConsentCommand::Prove { proof: Box::new(Proof::sample()), decision: Box::new(decision) }
}

fn proved(action: ProvedAction, minutes: i64) -> ConsentEvent {
    ConsentEvent::Proved { action, proof: Box::new(Proof::sample()), at: minute(minutes) }
}

#[test]
fn what_a_passkey_signed_is_recorded_with_what_it_decided() {
    let approve = at(10, RECIPIENT, prove(approve(&["name"])));
    let expected = vec![proved(ProvedAction::Approve, 10), approved()];
    given(vec![created()]).when(approve).then_expect_events(expected);
    let reject = at(10, RECIPIENT, prove(reject()));
    given(vec![created()])
        .when(reject)
        .then_expect_events(vec![proved(ProvedAction::Reject, 10), rejected()]);
    let withdraw = at(20, RECIPIENT, prove(withdraw()));
    let expected = vec![proved(ProvedAction::Withdraw, 20), revoked(RevokedBy::Recipient)];
    given(vec![created(), approved()]).when(withdraw).then_expect_events(expected);
}

#[test]
fn a_proof_decides_nothing_that_could_not_be_decided_without() {
    let late = at(DEADLINE, RECIPIENT, prove(approve(&["name"])));
    given(vec![created()]).when(late).then_expect_error(ConsentError::AlreadyClosed(Status::Expired));
    for by in [CLIENT, OTHER_RECIPIENT, SYSTEM] {
        let command = at(10, by, prove(approve(&["name"])));
        given(vec![created()]).when(command).then_expect_error(ConsentError::NotTheRecipient);
    }
    for command in [ConsentCommand::Revoke, ConsentCommand::Expire, ConsentCommand::Scan, prove(reject())] {
        let command = at(10, RECIPIENT, prove(command));
        given(vec![created()]).when(command).then_expect_error(ConsentError::NotTheRecipient);
    }
    let by_code = prove(ConsentCommand::Reject { assurance: one_time_code() });
    given(vec![created()]).when(at(10, RECIPIENT, by_code)).then_expect_error(ConsentError::PasskeyRequired);
}

#[test]
fn a_proof_changes_nothing_by_itself() {
    let before = session(vec![created()]);
    let after = session(vec![created(), proved(ProvedAction::Approve, 10)]);
    assert_eq!(after.phase, before.phase);
    assert_eq!(after.request, before.request);
}
