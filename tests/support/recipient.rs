//! What in production only a hosted page can bring about: a recipient's decision, given straight to the store.

use chrono::{DateTime, Utc};
use mobid::app::App;
use mobid::event_store::{CommandContext, ExecuteError, Executed, Terms};
use mobid::vault::{Place, Subject};
use mobid_domain::actor::Actor;
use mobid_domain::consent::{
    Assurance, AssuranceMethod, Consent, ConsentCommand, ConsentError, ConsentEvent, Session,
};
use serde_json::json;

pub type Decided = Result<Executed<Consent>, ExecuteError<ConsentError>>;

/// A proof by passkey at this time.
pub fn passkey(at: DateTime<Utc>) -> Assurance {
    Assurance { method: AssuranceMethod::Passkey, user_verified: true, bound_at: at }
}

async fn session(app: &App, id: &str) -> Session {
    app.store.load::<Consent>(id).await.unwrap().state.session().unwrap().clone()
}

/// A command of the consent's own recipient.
pub async fn decide(app: &App, id: &str, command: ConsentCommand) -> Decided {
    let request = session(app, id).await.request;
    let context = CommandContext {
        actor: Actor::Recipient(request.user_id),
        ..CommandContext::system("test", request.client_id, app.clock.now(), None)
    };
    app.store.execute::<Consent>(id, command, &context, Terms::default()).await
}

/// The recipient grants the first field that was asked for, and says that they are Ann.
pub async fn approve(app: &App, id: &str) -> Decided {
    let request = session(app, id).await.request;
    let place = Place {
        tenant: request.client_id,
        aggregate_id: id,
        event_type: ConsentEvent::APPROVED,
        field: "claims",
    };
    let key = app.vault.key(request.client_id, Subject::Person(request.user_id)).await.unwrap().unwrap();
    let claims = json!({ "name": { "value": "Ann Example", "source": "self_asserted" } }).to_string();
    let command = ConsentCommand::Approve {
        granted_scope: request.scope.into_iter().take(1).collect(),
        claims: Some(key.seal(&place, claims.as_bytes()).unwrap()),
        assurance: passkey(app.clock.now()),
    };
    decide(app, id, command).await
}
