//! What is kept of a login by QR code: what the passkey signed, and what an outsider makes of it.

use mobid::event_store::{CommandContext, ExecuteError, Terms};
use mobid::person::login::end;
use mobid_domain::actor::Actor;
use mobid_domain::fido::{Login as Attempt, LoginCommand, Succeeded};
use mobid_domain::id::{ClientId, UserId};
use serde_json::{Value, json};

use super::path_of;
use crate::pages::{Visitor, verified};
use crate::support::login::{Login, ann, enter, generate};
use crate::support::{Api, TestApp};

async fn evidence(api: &Api, id: &str) -> Vec<Value> {
    let reply = api.get(&format!("{}/evidence", path_of(id))).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    reply.data()["items"].as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_by_qr_code_is_a_proof_that_anybody_can_verify_offline() {
    let app = TestApp::start().await;
    let (mut ann, enrollment) = ann(&app).await;
    let login = generate(&app.api).await;
    assert!(evidence(&app.api, &login.id).await.is_empty(), "nobody has logged in");
    assert_eq!(ann.log_in(&login).await.heading(), "You are signed in");

    let items = evidence(&app.api, &login.id).await;
    assert_eq!((items.len(), &items[0]["action"]), (1, &json!("login")));
    let enrolled = app.api.get(&format!("/v1/enrollments/{enrollment}")).await;
    assert_eq!(items[0]["userId"], enrolled.data()["userId"]);
    let text: Value = serde_json::from_str(items[0]["proof"]["text"].as_str().unwrap()).unwrap();
    let owner = app.api.get("/v1/clients").await.data()["items"][0]["id"].clone();
    let mut expires_at = login.seen(&app.api).await["expiresAt"].as_str().unwrap().to_owned();
    if let Some((seconds, _)) = expires_at.clone().split_once('.') {
        expires_at = format!("{seconds}Z");
    }
    let expected = json!({ "action": "login", "code": login.id, "login": login.reference, "clientId": owner,
        "clientName": "Owner", "matchingNumber": login.number, "expiresAt": expires_at });
    assert_eq!(text, expected);
    let all = json!({ "signed": true, "text": true, "type": true, "origin": true, "rpId": true,
        "userPresent": true, "userVerified": true });
    assert_eq!(verified(&items[0]).await, all);
    for (field, from, to) in [("text", "Owner", "Other"), ("nonce", "", "A"), ("domain", "v1", "v2")] {
        let mut changed = items[0].clone();
        let was = changed["proof"][field].as_str().unwrap().to_owned();
        changed["proof"][field] = json!(was.replacen(from, to, 1));
        assert_eq!(verified(&changed).await["text"], false, "{field}");
    }

    let other = app.other_client().await;
    let path = format!("{}/evidence", path_of(&login.id));
    assert_eq!(other.get(&path).await.status, 404);
    let consent = app.create_consent().await;
    let code = super::generate(&app, &consent).await;
    assert!(evidence(&app.api, &code.id()).await.is_empty(), "a consent has evidence of its own");
    // In the log it is sealed, and tells no two clients that they have the same person.
    let kept: String =
        sqlx::query_scalar("select payload::text from events where event_type = 'auth.proved'")
            .fetch_one(app.pool())
            .await
            .unwrap();
    for field in ["text", "publicKey", "clientDataJSON"] {
        assert!(!kept.contains(items[0]["proof"][field].as_str().unwrap()), "{field}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_passkey_did_says_which_login_it_was_for() {
    let app = TestApp::start().await;
    let (mut ann, _) = ann(&app).await;
    let login = generate(&app.api).await;
    ann.log_in(&login).await;
    let causes: Vec<Option<String>> = sqlx::query_scalar(
        "select metadata ->> 'causation' from events where event_type = 'device.used' order by position",
    )
    .fetch_all(app.pool())
    .await
    .unwrap();
    let last = causes.last().unwrap().as_deref();
    assert_eq!(last, Some(login.reference.as_str()), "though nothing came of it, it could be told");
    assert!(causes[0].as_deref().unwrap().starts_with("enr_"), "{causes:?}");
}

/// The claims and tries of a code that was guessed too often, whichever instance heard the guesses: nothing uses it
/// afterwards, though it looked open to who began before.
#[tokio::test(flavor = "multi_thread")]
async fn a_code_that_was_ended_by_wrong_numbers_is_used_by_nobody_who_looked_before() {
    let app = TestApp::start().await;
    let (_, enrollment) = ann(&app).await;
    let user = app.api.get(&format!("/v1/enrollments/{enrollment}")).await.data()["userId"].clone();
    let login = generate(&app.api).await;
    let mut guesser = Visitor::new(&app);
    for n in 1..=3 {
        enter(&mut guesser, &login.id, &login.wrong(n)).await;
    }
    assert_eq!(login.seen(&app.api).await["endReason"], "too_many_tries");
    let refused = succeed(&app, &login, user.as_str().unwrap()).await;
    assert!(matches!(refused, Err(ExecuteError::Claimed(_))), "{refused:?}");
    assert_eq!(login.seen(&app.api).await["status"], "expired");
    // One that nobody guessed at is used so.
    let login = generate(&app.api).await;
    succeed(&app, &login, user.as_str().unwrap()).await.unwrap();
}

/// The last step of a login, as whoever has just looked at the code takes it.
async fn succeed(
    app: &TestApp,
    login: &Login,
    user: &str,
) -> Result<(), ExecuteError<mobid_domain::fido::LoginError>> {
    let owner = app.api.get("/v1/clients").await.data()["items"][0]["id"].clone();
    let (client, user): (ClientId, UserId) =
        (owner.as_str().unwrap().parse().unwrap(), user.parse().unwrap());
    let at = app.clock().now();
    let succeeded = Succeeded {
        client_id: client,
        user_id: user,
        reference: None,
        device_id: None,
        user_verified: true,
        at,
    };
    let context =
        CommandContext { actor: Actor::Recipient(user), ..CommandContext::system("test", client, at, None) };
    let command = LoginCommand::Succeed(Box::new(succeeded));
    let terms = Terms { new: true, claims: vec![end(login.id.parse().unwrap())], ..Terms::default() };
    app.app.store.execute::<Attempt>(&login.reference, command, &context, terms).await.map(drop)
}
