//! `DELETE /v1/service/consents/{id}`.

use chrono::TimeDelta;
use mobid_domain::consent::ConsentCommand;
use serde_json::json;

use super::{path_of, time};
use crate::support::{TestApp, approve, decide, passkey};

#[tokio::test(flavor = "multi_thread")]
async fn a_pending_consent_can_be_revoked() {
    let app = TestApp::start().await;
    let id = app.create_consent().await;
    app.advance(TimeDelta::seconds(1));
    let mut expected = app.api.get(&path_of(&id)).await.body;
    let reply = app.api.delete(&path_of(&id)).await;
    expected["message"] = json!("Consent session revoked");
    expected["data"]["status"] = json!("revoked");
    expected["data"].as_object_mut().unwrap().remove("watchToken");
    expected["data"]["updatedAt"] = time(app.clock().now());
    assert_eq!((reply.status, &reply.body), (200, &expected));
    assert_eq!(reply.header("etag"), "\"2\"");
    assert_eq!(app.api.get(&path_of(&id)).await.data(), reply.data());
}

#[tokio::test(flavor = "multi_thread")]
async fn revoking_an_approved_consent_takes_its_claims_away_everywhere() {
    let app = TestApp::start().await;
    let id = app.create_consent().await;
    let position = approve(&app.app, &id).await.unwrap().appended.unwrap().position;
    let approved = app.api.get(&path_of(&id)).await;
    let reply = app.api.delete(&path_of(&id)).await;
    assert_eq!((reply.status, &reply.data()["status"]), (200, &json!("revoked")));
    assert_eq!(reply.data()["claims"], json!(null));
    assert_eq!(reply.data()["grantedScope"], json!(["name"]), "what was granted stays on record");
    assert_eq!(reply.data()["decidedAt"], approved.data()["decidedAt"]);
    assert_eq!(reply.data()["assurance"], approved.data()["assurance"]);
    assert!(approved.text.contains("Ann Example"), "it was there before");
    for path in [
        path_of(&id),
        format!("{}?asOf=2999-01-01T00:00:00Z", path_of(&id)),
        format!("{}?asOf={}", path_of(&id), i64::MAX),
        format!("{}?asOf={position}", path_of(&id)),
        format!("{}/history", path_of(&id)),
        format!("{}/history?asOf={position}", path_of(&id)),
        super::CONSENTS.to_owned(),
    ] {
        let reply = app.api.get(&path).await;
        assert_eq!(reply.status, 200);
        assert!(!reply.text.contains("Ann Example"), "{path}: {}", reply.text);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_ended_cannot_be_revoked() {
    let app = TestApp::start().await;
    let [rejected, revoked, expired] = [
        app.create_consent().await,
        app.create_consent().await,
        app.create_consent_with(json!({ "expiresIn": 1 })).await,
    ];
    let reject = ConsentCommand::Reject { assurance: passkey(app.clock().now()) };
    decide(&app.app, &rejected, reject).await.unwrap();
    app.api.delete(&path_of(&revoked)).await;
    app.advance(TimeDelta::minutes(1));
    for (id, status) in [(rejected, "rejected"), (revoked, "revoked"), (expired, "expired")] {
        let reply = app.api.delete(&path_of(&id)).await;
        assert_eq!((reply.status, &reply.body["type"]), (409, &json!("conflict")), "{status}");
        assert_eq!(reply.data(), &json!({ "status": status }));
        assert_eq!(app.api.get(&path_of(&id)).await.data()["status"], status);
    }
}
