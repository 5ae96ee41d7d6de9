//! The hosted pages as a recipient's browser uses them, and as an attacker would like to.

mod attacks;
mod caps;
mod decisions;
mod forms;
mod passkeys;
mod states;
mod visitor;

pub use passkeys::verified;
pub use visitor::{Page, Visitor};

use serde_json::Value;

use crate::support::TestApp;

/// The consent as its client reads it.
pub async fn consent(app: &TestApp, id: &str) -> Value {
    let reply = app.api.get(&format!("/v1/service/consents/{id}")).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    reply.data().clone()
}

/// The code that went out last.
pub fn last_code(app: &TestApp) -> String {
    app.outbox().iter().rev().find_map(|message| message["code"].as_str().map(str::to_owned)).unwrap()
}

/// Another code than this.
pub fn wrong(code: &str) -> String {
    format!("{:06}", (code.parse::<u32>().unwrap() + 1) % 1_000_000)
}

/// Values for every field of the reference's consent.
pub const ALL: [(&str, &str); 6] = [
    ("scope", "name"),
    ("scope", "email"),
    ("scope", "phone"),
    ("claim.name", "Ann Öberg"),
    ("claim.email", "ann@example.com"),
    ("claim.phone", "+1 234 567 890"),
];

/// The first message about a resource, which a worker may be sending just now.
pub async fn arrives(app: &TestApp, id: &str) -> Value {
    let found = async {
        loop {
            if let Some(message) = app.outbox().into_iter().find(|message| message["resourceId"] == id) {
                return message;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), found).await.unwrap()
}

/// Every row of every table, as text.
pub async fn dump(app: &TestApp) -> String {
    let tables: Vec<String> = sqlx::query_scalar(
        "select quote_ident(table_name) from information_schema.tables where table_schema = 'public'",
    )
    .fetch_all(app.pool())
    .await
    .unwrap();
    let mut text = String::new();
    for table in tables {
        let sql = format!("select coalesce(string_agg(t::text, ' '), '') from {table} t");
        text += &sqlx::query_scalar::<_, String>(&sql).fetch_one(app.pool()).await.unwrap();
    }
    text
}
