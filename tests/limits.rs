//! Plans and their limits, as a client meets them.

mod headers;
mod plans;
mod shield;

use chrono::{DateTime, Utc};
use mobid::limits::Usage;
use mobid_domain::client::Plan;
use mobid_domain::id::ClientId;
use serde_json::json;

use crate::support::{Api, Reply, TestApp};

/// A client of a plan.
struct Customer {
    id: ClientId,
    api: Api,
    plan: Plan,
}

impl Customer {
    async fn of(app: &TestApp, plan: Plan) -> Self {
        let permissions = ["consents:read", "consents:write"];
        let body = json!({ "name": "Example", "plan": plan, "permissions": permissions });
        let made = app.api.post("/v1/clients", &body).await;
        assert_eq!(made.status, 200, "{}", made.text);
        let key = made.data()["apiKey"].as_str().unwrap().to_owned();
        Self { id: made.id().parse().unwrap(), api: Api::new(app.api.url(""), key), plan }
    }

    fn usage(&self, app: &TestApp) -> Usage {
        app.app.limiter.usage(self.id, self.plan.limits(), app.clock().now())
    }

    async fn ask(&self) -> Reply {
        self.api.get("/v1/health").await
    }
}

/// A moment as `X-RateLimit-Reset` has it: whole seconds, so that who comes then is not too early.
fn unix(at: DateTime<Utc>) -> String {
    at.timestamp_micros().cast_unsigned().div_ceil(1_000_000).to_string()
}

/// Status, limit and what remains of it.
fn told(reply: &Reply) -> (u16, &str, &str) {
    (reply.status, reply.header("x-ratelimit-limit"), reply.header("x-ratelimit-remaining"))
}
