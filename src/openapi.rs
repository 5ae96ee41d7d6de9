//! The `OpenAPI` 3.1 document: what the routes say of themselves, with what the table of routes knows of them.
//!
//! Promises: generated from the types that are shown and the constants that are checked; each route of the table is in
//! it, with who may use it; the same text on every machine.
//! Leaves to others: what each route takes and gives (`api/<capability>/described`), who may use it (`http::router`).

pub mod answers;
pub mod body;
pub mod ceremonies;
pub mod events;
pub mod named;
pub mod operation;
mod parameters;
mod public;
pub mod schema;

use std::sync::LazyLock;

use serde_json::{Value, json};

use crate::api::{client, consent, device, enrollment, fido, health, qr, report, webhook};
use crate::http::error::FieldError;
use crate::http::guard::Access;
use crate::http::router;
use crate::presentation::login::LoginBody;
use operation::{Operation, Shown};

static TEXT: LazyLock<String> = LazyLock::new(|| format!("{:#}\n", document()));

/// The document as it is served, printed and committed.
pub fn text() -> &'static str {
    &TEXT
}

/// Every route under `/v1` that says what it is.
fn operations() -> Vec<Operation> {
    [
        consent::described::operations(),
        client::described::operations(),
        enrollment::described::operations(),
        qr::described::operations(),
        webhook::described::operations(),
        fido::described::operations(),
        device::described::operations(),
        report::described::operations(),
        vec![health::described()],
    ]
    .concat()
}

pub fn document() -> Value {
    let operations = operations();
    json!({
        "openapi": "3.1.0",
        "jsonSchemaDialect": "https://spec.openapis.org/oas/3.1/dialect/base",
        "info": {
            "title": "mobid",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": env!("CARGO_PKG_DESCRIPTION"),
            "description": include_str!("openapi/introduction.md"),
            "license": { "name": "Apache License 2.0", "identifier": "Apache-2.0" },
        },
        "servers": [{ "url": "/", "description": "Where this document is served." }],
        "security": [{ "ApiKey": [] }],
        "tags": [
            { "name": "Consents", "description": "Ask a person for a consent, follow what becomes of it, take it back." },
            { "name": "Enrollments", "description": "Ask a person to register a passkey, and see that it works." },
            { "name": "Clients", "description": "Who uses this API, with what limits and permissions." },
            { "name": "QR codes", "description": "Lead a phone to a consent, and see whether it came." },
            { "name": "Webhooks", "description": "Hear of events as they happen." },
            { "name": "FIDO", "description": "Let a client's own users log in by passkey on the client's own pages." },
            { "name": "Devices", "description": "The authenticators that hold their passkeys." },
            { "name": "Reports", "description": "What persons say of clients that abuse the service." },
            { "name": "Service", "description": "Whether the service is there." },
        ],
        "paths": paths(&operations),
        "webhooks": events::webhooks(),
        "components": components(&operations),
    })
}

/// The table of routes, each row with what its operation says.
fn paths(operations: &[Operation]) -> Value {
    let mut paths = public::paths();
    for row in router::declared() {
        let same = |operation: &&Operation| operation.method == row.method && operation.path == row.path;
        if let Some(operation) = operations.iter().find(same) {
            let path = paths.entry(format!("/v1{}", row.path)).or_insert_with(|| json!({}));
            path[row.method.as_str().to_lowercase()] = described(operation, row.access);
        }
    }
    Value::Object(paths)
}

fn described(operation: &Operation, access: Access) -> Value {
    let mut described = json!({
        "operationId": operation.id,
        "tags": [operation.tag],
        "summary": operation.summary,
        "description": format!("{}\n\n{}", operation.about, who_may(access)).trim(),
        "parameters": parameters::of(operation),
        "responses": answers::of(operation, access),
    });
    if matches!(access, Access::Watched(_)) {
        described["security"] = json!([{ "ApiKey": [] }, { "WatchToken": [] }]);
    }
    if let Some(body) = &operation.body {
        described["requestBody"] = body.described();
    }
    if let Some(callbacks) = &operation.callbacks {
        described["callbacks"] = callbacks.clone();
    }
    described
}

fn who_may(access: Access) -> String {
    match access {
        Access::Everybody => "For every valid key.".to_owned(),
        Access::With(permission) => format!("Needs the permission `{permission}`."),
        Access::Watched(permission) => {
            format!("Needs the permission `{permission}`, or the resource's `watchToken`.")
        }
        Access::Owner(permission) => format!("For the owner alone, with the permission `{permission}`."),
        Access::OfAClient => {
            "For the owner, and for a client about itself; by no key that was replaced.".to_owned()
        }
    }
}

fn components(operations: &[Operation]) -> Value {
    let mut schemas = named::all();
    schemas.insert("Error".to_owned(), answers::error());
    let shown = operations.iter().map(|operation| operation.answer.data.clone());
    // What only webhooks tell of.
    let told = [Shown::one::<FieldError>(), Shown::one::<LoginBody>()];
    for (name, schema) in shown.chain(told).flat_map(|shown| shown.named) {
        schemas.insert(name, json!(schema));
    }
    for body in operations.iter().filter_map(|operation| operation.body.as_ref()) {
        schemas.insert(body.name.to_owned(), body.schema.clone());
    }
    let key = json!({ "type": "apiKey", "in": "header", "name": "X-Mobid-Key",
        "description": "`qk_…`, as it was shown when the client was made or its key regenerated." });
    let token = json!({ "type": "apiKey", "in": "query", "name": "watchToken",
        "description": "`wt_…`, as the answer with the resource had it: shows a page that has no API key the status, and that alone. The header `X-Mobid-Watch-Token` does as well. Good for the one resource, for an hour at least; pages of every origin may use it." });
    json!({
        "schemas": schemas,
        "responses": answers::responses(),
        "headers": answers::headers(),
        "parameters": parameters::shared(),
        "securitySchemes": { "ApiKey": key, "WatchToken": token },
    })
}
