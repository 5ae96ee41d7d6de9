//! Creating, changing and scanning.

use super::*;

#[test]
fn a_client_asks_and_the_stamp_says_when() {
    given(vec![])
        .when(at(7, CLIENT, create()))
        .then_expect_events(vec![ConsentEvent::Created(Box::new(Created { at: minute(7), ..asked() }))]);
}

#[test]
fn nobody_asks_in_the_name_of_another_client() {
    for by in [OTHER_CLIENT, RECIPIENT, OTHER_RECIPIENT, SYSTEM] {
        given(vec![]).when(at(0, by, create())).then_expect_error(ConsentError::NotTheClient);
    }
}

#[test]
fn a_consent_is_created_once() {
    for (_, history) in every_status() {
        given(history).when(at(30, CLIENT, create())).then_expect_error(ConsentError::AlreadyExists);
    }
}

#[test]
fn nothing_can_be_done_with_a_consent_that_does_not_exist() {
    let commands = [
        update(Update::default()),
        ConsentCommand::Scan,
        approve(&[]),
        reject(),
        ConsentCommand::Revoke,
        withdraw(),
        ConsentCommand::Expire,
    ];
    for command in commands {
        given(vec![]).when(at(1, CLIENT, command)).then_expect_error(ConsentError::NotFound);
    }
}

#[test]
fn a_new_consent_is_pending_as_it_was_asked() {
    let session = session(vec![created()]);
    assert_eq!(session.phase, Phase::Pending);
    assert_eq!(session.request.scope, slugs(&["name", "email", "phone"]));
    assert_eq!(session.request.recipient.event_type, ConsentEvent::CREATED);
    assert_eq!((session.created_at, session.updated_at, session.scanned_at), (minute(0), minute(0), None));
}

#[test]
fn an_update_changes_only_what_is_present() {
    let change = Update {
        purpose: Some("payment".parse().unwrap()),
        scope: Some(slugs(&["name"])),
        ..Update::default()
    };
    let event = updated(Updated {
        purpose: Some("payment".parse().unwrap()),
        scope: Some(slugs(&["name"])),
        ..unchanged()
    });
    given(vec![created()]).when(at(5, CLIENT, update(change))).then_expect_events(vec![event.clone()]);

    let before = session(vec![created()]).request;
    let after = session(vec![created(), event]).request;
    let expected = Request { purpose: after.purpose.clone(), scope: after.scope.clone(), ..before };
    assert_eq!(after, expected);
    assert_eq!((after.purpose.as_str(), after.scope), ("payment", slugs(&["name"])));
}

#[test]
fn an_update_to_what_is_so_already_gives_no_events() {
    let same = Update {
        purpose: Some(asked().purpose),
        scope: Some(asked().scope),
        // metadata was never there, so clearing it changes nothing
        metadata: Some(None),
        expires_at: Some(asked().expires_at),
        ..Update::default()
    };
    given(vec![created()]).when(at(5, CLIENT, update(same))).then_expect_events(vec![]);
    given(vec![created()]).when(at(5, CLIENT, update(Update::default()))).then_expect_events(vec![]);
}

#[test]
fn only_the_part_of_an_update_that_changes_something_is_kept() {
    let change = Update {
        purpose: Some(asked().purpose),
        scope: Some(slugs(&["email"])),
        metadata: Some(None),
        ..Update::default()
    };
    given(vec![created()])
        .when(at(5, CLIENT, update(change)))
        .then_expect_events(vec![updated(Updated { scope: Some(slugs(&["email"])), ..unchanged() })]);
}

#[test]
fn a_callback_url_can_be_cleared_once() {
    let clear = || update(Update { callback_url: Some(None), ..Update::default() });
    let cleared = updated(Updated { callback_url: Some(None), ..unchanged() });
    given(vec![created()]).when(at(5, CLIENT, clear())).then_expect_events(vec![cleared.clone()]);
    given(vec![created(), cleared.clone()]).when(at(6, CLIENT, clear())).then_expect_events(vec![]);
    assert_eq!(session(vec![created(), cleared]).request.callback_url, None);
}

#[test]
fn a_sealed_value_always_counts_as_changed_and_remembers_where_it_was_sealed() {
    let change = Update {
        callback_url: Some(Some(sealed("callback"))),
        metadata: Some(Some(sealed("metadata"))),
        ..Update::default()
    };
    let event = updated(Updated {
        callback_url: Some(Some(sealed("callback"))),
        metadata: Some(Some(sealed("metadata"))),
        ..unchanged()
    });
    given(vec![created()]).when(at(5, CLIENT, update(change))).then_expect_events(vec![event.clone()]);

    let request = session(vec![created(), event]).request;
    assert_eq!(request.callback_url.unwrap().event_type, ConsentEvent::UPDATED);
    assert_eq!(request.metadata.unwrap().event_type, ConsentEvent::UPDATED);
    assert_eq!(request.recipient.event_type, ConsentEvent::CREATED);
}

#[test]
fn only_the_client_that_asked_can_update() {
    let change = || update(Update { scope: Some(slugs(&["name"])), ..Update::default() });
    for by in [OTHER_CLIENT, RECIPIENT, OTHER_RECIPIENT, SYSTEM] {
        given(vec![created()]).when(at(5, by, change())).then_expect_error(ConsentError::NotTheClient);
    }
}

#[test]
fn a_consent_that_is_no_longer_pending_cannot_be_updated() {
    for (status, history) in every_status().into_iter().skip(1) {
        // not even by an update that changes nothing
        given(history)
            .when(at(30, CLIENT, update(Update::default())))
            .then_expect_error(ConsentError::AlreadyClosed(status));
    }
}

#[test]
fn whoever_follows_the_code_scans_it() {
    for by in [CLIENT, RECIPIENT, OTHER_RECIPIENT, SYSTEM] {
        given(vec![created()])
            .when(at(3, by, ConsentCommand::Scan))
            .then_expect_events(vec![ConsentEvent::Scanned { at: minute(3) }]);
    }
}

#[test]
fn a_scan_is_recorded_once() {
    let scanned = ConsentEvent::Scanned { at: minute(3) };
    given(vec![created(), scanned.clone()])
        .when(at(4, SYSTEM, ConsentCommand::Scan))
        .then_expect_events(vec![]);
    let session = session(vec![created(), scanned]);
    assert_eq!((session.scanned_at, session.updated_at), (Some(minute(3)), minute(3)));
    assert_eq!(session.phase, Phase::Pending);
}

#[test]
fn a_consent_that_is_no_longer_pending_cannot_be_scanned() {
    for (status, history) in every_status().into_iter().skip(1) {
        given(history)
            .when(at(30, SYSTEM, ConsentCommand::Scan))
            .then_expect_error(ConsentError::AlreadyClosed(status));
    }
}
