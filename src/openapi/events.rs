//! Webhooks: what a subscriber's endpoint gets, and what a consent's `callbackUrl` does.

use mobid_domain::webhook::EventType;
use serde_json::{Map, Value, json};

use super::named::reference;
use super::schema::{integer, one_of, time};
use crate::api::webhook::event_types::description;

/// `webhooks`: one for each type of event.
pub fn webhooks() -> Value {
    let one = |event_type: &EventType| (event_type.to_string(), json!({ "post": told(*event_type) }));
    Value::Object(EventType::ALL.iter().map(one).collect::<Map<_, _>>())
}

fn told(event_type: EventType) -> Value {
    let body = json!({ "type": "object", "required": ["type", "timestamp", "data"], "properties": {
        "type": { "type": "string", "const": event_type },
        "timestamp": time(),
        "data": data(event_type),
    } });
    let mut told = delivery(&body);
    told["summary"] = json!(event_type);
    told["description"] = json!(description(event_type));
    told["tags"] = json!(["Webhooks"]);
    told
}

/// The resource as it was at the event, with the number of the event in it.
fn data(event_type: EventType) -> Value {
    let sequence = json!({ "type": "object", "required": ["sequence"], "properties": {
        "sequence": { "type": "integer", "minimum": 1, "description": "The number of the event in its resource: to order by." },
    } });
    let resource = match event_type.as_str().split('.').next() {
        Some("consent") => reference("Consent"),
        Some("enrollment") => reference("Enrollment"),
        Some("webhook") => reference("WebhookEndpoint"),
        Some("device") => reference("Device"),
        Some("auth") => reference("Login"),
        _ => return sequence,
    };
    json!({ "allOf": [resource, sequence] })
}

/// A request of ours, signed.
fn delivery(body: &Value) -> Value {
    let header = |name: &str, description: &str, schema: Value| json!({ "name": name, "in": "header", "required": true, "description": description, "schema": schema });
    let text = || json!({ "type": "string" });
    let parameters = [
        header("webhook-id", "The event: the same on every attempt.", reference("EventId")),
        header(
            "webhook-timestamp",
            "When this attempt was made, in seconds since 1970.",
            integer(0, i64::MAX),
        ),
        header(
            "webhook-signature",
            "Standard Webhooks: `v1,` and the base64 HMAC-SHA256 of `id.timestamp.body`; several, with spaces between, while a rotated secret still signs along.",
            text(),
        ),
        header(
            "X-Webhook-Signature",
            "Hex HMAC-SHA256 of the body, keyed with the client's callback secret.",
            json!({ "type": "string", "pattern": "^[0-9a-f]{64}$" }),
        ),
        header("X-Client-Id", "Whose event it is.", reference("ClientId")),
    ];
    json!({
        "security": [],
        "parameters": parameters,
        "requestBody": { "required": true, "content": { "application/json": { "schema": body } } },
        "responses": {
            "2XX": { "description": "Taken. Anything else, and no answer within 15 s, is tried again." },
            "410": { "description": "Never again." },
        },
    })
}

/// `callbacks` of a new consent: the vendor's form, to its `callbackUrl`.
pub fn callbacks() -> Value {
    let data = json!({ "type": "object", "properties": {
        "userId": reference("UserId"),
        "claims": { "oneOf": [{ "type": "null" }, reference("Claims")] },
        "grantedScope": { "type": ["array", "null"], "items": reference("Slug") },
        "purpose": reference("Slug"),
        "metadata": reference("Metadata"),
        "sequence": { "type": "integer", "minimum": 1 },
        "assurance": { "oneOf": [{ "type": "null" }, reference("Assurance")] },
    } });
    let body = json!({ "type": "object", "required": ["sessionId", "status", "timestamp", "data"], "properties": {
        "sessionId": reference("ConsentId"),
        "status": one_of(&["APPROVED", "REJECTED", "EXPIRED", "REVOKED"]),
        "timestamp": { "type": "integer", "description": "Milliseconds since 1970." },
        "data": data,
    } });
    let mut post = delivery(&body);
    post["summary"] = json!("The consent was decided, expired or was revoked");
    json!({ "decision": { "{$request.body#/callbackUrl}": { "post": post } } })
}

/// `callbacks` of a new enrollment.
pub fn enrollment_callbacks() -> Value {
    let data = json!({ "type": "object", "properties": {
        "userId": reference("UserId"),
        "deviceId": { "oneOf": [{ "type": "null" }, reference("DeviceId")] },
        "claims": reference("Metadata"),
        "sequence": { "type": "integer", "minimum": 1 },
    } });
    let body = json!({ "type": "object", "required": ["sessionId", "status", "timestamp", "data"], "properties": {
        "sessionId": reference("EnrollmentId"),
        "status": one_of(&["COMPLETED", "FAILED", "EXPIRED"]),
        "timestamp": { "type": "integer", "description": "Milliseconds since 1970." },
        "data": data,
    } });
    let mut post = delivery(&body);
    post["summary"] = json!("The enrollment was completed, failed or expired");
    json!({ "outcome": { "{$request.body#/callbackUrl}": { "post": post } } })
}
