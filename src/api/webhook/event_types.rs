//! `GET /v1/webhooks/event-types`: what can be subscribed to.

use mobid_domain::webhook::EventType;
use serde_json::{Value, json};

use crate::http::envelope::{ApiResult, Page, ok};
use crate::http::query::Query;

pub async fn event_types(query: Query) -> ApiResult {
    query.finish()?;
    let items: Vec<Value> = EventType::ALL
        .iter()
        .map(|event_type| json!({ "type": event_type, "description": description(*event_type) }))
        .collect();
    ok("Webhook event types", &Page::whole(items))
}

/// What it means, in a sentence.
pub fn description(event_type: EventType) -> &'static str {
    match event_type {
        EventType::ConsentCreated => "A consent session was created.",
        EventType::ConsentUpdated => "A pending consent was changed by its client.",
        EventType::ConsentApproved => "The recipient granted all or a part of what was asked for.",
        EventType::ConsentRejected => "The recipient declined.",
        EventType::ConsentExpired => "Nobody decided before the deadline.",
        EventType::ConsentRevoked => "The client or the recipient took the consent back.",
        EventType::AuthSuccess => "An authentication succeeded.",
        EventType::AuthFailed => "An authentication failed.",
        EventType::DeviceRegistered => "A device was registered.",
        EventType::DeviceDeregistered => "A device was deregistered.",
        EventType::DeviceBlocked => "A device was blocked.",
        EventType::EnrollmentCompleted => "An enrollment was completed.",
        EventType::EnrollmentFailed => "An enrollment failed.",
        EventType::EnrollmentExpired => "An enrollment was not completed before its deadline.",
        EventType::MandateCreated => "A mandate was created.",
        EventType::MandateSigned => "The recipient signed a mandate.",
        EventType::MandateRejected => "The recipient declined a mandate.",
        EventType::MandateCancelled => "A mandate was cancelled.",
        EventType::MandateExpired => "A mandate was not signed before its deadline.",
        EventType::UserErased => "What this client knew of a person was erased.",
        EventType::WebhookDisabled => "An endpoint was disabled because its deliveries fail.",
        EventType::WebhookTest => "A test that a client asked for.",
    }
}
