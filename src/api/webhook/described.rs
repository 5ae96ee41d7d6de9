//! The routes of webhooks, as the document describes them.

use axum::http::Method;
use serde_json::{Value, json};

use super::create::MAX_DESCRIPTION;
use crate::openapi::body::Body;
use crate::openapi::named::reference;
use crate::openapi::operation::{Operation, Shown, page};
use crate::openapi::schema::{event_types, list, text, url};
use crate::presentation::webhook::EndpointBody;

const ALL: &str = "/webhooks";
const ONE: &str = "/webhooks/{id}";
const TAG: &str = "Webhooks";

pub fn operations() -> Vec<Operation> {
    vec![list_all(), create(), types(), retrieve(), delete()]
}

fn endpoint(message: &'static str) -> (&'static str, Shown) {
    (message, Shown::one::<EndpointBody>())
}

fn list_all() -> Operation {
    let page = ("Webhook endpoints", Shown::page_of::<EndpointBody>());
    Operation::new((Method::GET, ALL), (TAG, "listWebhooks"), "List webhook endpoints", page)
        .about("Newest first, deleted ones left out.")
        .paged()
        .positioned()
}

fn create() -> Operation {
    let created = endpoint("Webhook endpoint created");
    let types = list(&event_types(), None, true, &json!(["consent.approved"]));
    let mut description = text(1, MAX_DESCRIPTION);
    description["examples"] = json!(["Where orders are kept"]);
    let body = Body::new("NewWebhookEndpoint")
        .required("url", "Where events are sent: https (http to loopback, or anywhere if the operator allows private addresses), without a fragment.", address())
        .optional("eventTypes", "Which events; none means all.", types)
        .optional("description", "For people.", description)
        .example("all", &json!({ "url": "https://yourapp.com/hooks" }))
        .example("some", &json!({ "url": "https://yourapp.com/hooks", "eventTypes": ["consent.approved", "consent.rejected"], "description": "Orders" }));
    Operation::new((Method::POST, ALL), (TAG, "createWebhook"), "Register a webhook endpoint", created)
        .about("The `secret` that its deliveries are signed with is shown in this answer, and never again.")
        .takes(body)
        .versioned()
        .leads_to(&["retrieveWebhook", "deleteWebhook"])
}

/// `http::web_url::endpoint_url`, as far as a pattern goes.
fn address() -> Value {
    url(r"^[hH][tT][tT][pP][sS]?://[^/?#][^#]*$", &["https://yourapp.com/hooks"])
}

fn types() -> Operation {
    let item = json!({ "type": "object", "required": ["type", "description"], "properties": {
        "type": reference("EventType"), "description": { "type": "string" } } });
    let data = ("Webhook event types", Shown::of(page(&item)));
    Operation::new(
        (Method::GET, "/webhooks/event-types"),
        (TAG, "listEventTypes"),
        "What can be subscribed to",
        data,
    )
}

fn retrieve() -> Operation {
    Operation::new(
        (Method::GET, ONE),
        (TAG, "retrieveWebhook"),
        "Retrieve a webhook endpoint",
        endpoint("Webhook endpoint"),
    )
    .names("EndpointId")
    .as_of()
    .versioned()
}

fn delete() -> Operation {
    let deleted = endpoint("Webhook endpoint deleted");
    Operation::new((Method::DELETE, ONE), (TAG, "deleteWebhook"), "Delete a webhook endpoint", deleted)
        .about("Nothing more is sent there, what is waiting included.")
        .names("EndpointId")
        .versioned()
}
