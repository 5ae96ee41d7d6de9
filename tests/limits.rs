//! Plans and their limits, as a client meets them.

mod headers;
mod outages;
mod plans;
mod processes;
mod shared;
mod shield;

use chrono::{DateTime, Utc};
use mobid::limits::{Usage, Verdict};
use mobid_domain::client::{Limits, Plan};
use mobid_domain::id::ClientId;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{Api, Reply, TestApp};

/// A client of a plan.
struct Customer {
    id: ClientId,
    api: Api,
    plan: Plan,
}

impl Customer {
    async fn of(app: &TestApp, plan: Plan) -> Self {
        Self::made_by(&app.api, plan).await
    }

    async fn made_by(owner: &Api, plan: Plan) -> Self {
        let permissions = ["consents:read", "consents:write"];
        let body = json!({ "name": "Example", "plan": plan, "permissions": permissions });
        let made = owner.post("/v1/clients", &body).await;
        assert_eq!(made.status, 200, "{}", made.text);
        let key = made.data()["apiKey"].as_str().unwrap().to_owned();
        Self { id: made.id().parse().unwrap(), api: Api::new(owner.url(""), key), plan }
    }

    fn usage(&self, app: &TestApp) -> Usage {
        app.app.limiter.usage(self.id, self.plan.limits(), app.clock().now())
    }

    async fn ask(&self) -> Reply {
        self.api.get("/v1/health").await
    }
}

/// A request whose body has not come yet.
async fn hold(api: &Api) -> TcpStream {
    let address = api.url("").replace("http://", "").replace("localhost", "127.0.0.1");
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!(
        "POST /v1/service/consents HTTP/1.1\r\nHost: x\r\nX-Mobid-Key: {}\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: 2\r\n\r\n",
        api.key
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream
}

/// Sends the body of a request that was held; its answer.
async fn let_go(mut held: TcpStream) -> String {
    held.write_all(b"{}").await.unwrap();
    let mut text = String::new();
    held.read_to_string(&mut text).await.unwrap();
    text
}

/// Counts so many requests without sending them.
async fn spend(app: &TestApp, customer: &Customer, limits: Limits, requests: u32) {
    for _ in 0..requests {
        let verdict = app.app.limiter.admit(customer.id, limits, app.clock().now()).await;
        assert!(matches!(verdict, Verdict::Admitted(..)));
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
