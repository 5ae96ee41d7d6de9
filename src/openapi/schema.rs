//! Schemas of values, for requests and answers alike. Patterns are ECMA-262's, as JSON Schema wants them.

use mobid_domain::client::{Permission, Plan, Status as ClientStatus};
use mobid_domain::consent::Status as ConsentStatus;
use mobid_domain::device::Status as DeviceStatus;
use mobid_domain::enrollment::Status as EnrollmentStatus;
use mobid_domain::fido::Reason;
use mobid_domain::webhook::EventType;
use serde_json::{Value, json};

/// What `fields::text` takes: no control characters (C0, DEL and C1), none that breaks lines or turns text around.
pub const PLAIN: &str = r"^[^\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]*$";

/// An id: its prefix and 26 characters of Crockford's base32, in lower case.
pub fn id(prefix: &str) -> Value {
    json!({ "type": "string", "pattern": format!("^{prefix}[0-7][0-9a-hjkmnp-tv-z]{{25}}$"),
        "examples": [format!("{prefix}01kb0m2x9qe3r8s6t4v2w0y5zh")] })
}

pub fn text(min: usize, max: usize) -> Value {
    json!({ "type": "string", "minLength": min, "maxLength": max, "pattern": PLAIN })
}

pub fn integer(min: i64, max: i64) -> Value {
    json!({ "type": "integer", "minimum": min, "maximum": max })
}

pub fn boolean() -> Value {
    json!({ "type": "boolean", "examples": [true] })
}

pub fn one_of(values: &[&str]) -> Value {
    json!({ "type": "string", "enum": values })
}

/// A name that a client chooses: `mobid_domain::slug`.
pub fn slug(examples: &[&str]) -> Value {
    json!({ "type": "string", "pattern": "^[a-z][a-z0-9_]{0,63}$", "examples": examples })
}

pub fn time() -> Value {
    json!({ "type": "string", "format": "date-time", "examples": ["2025-01-15T12:00:00Z"] })
}

/// A day of UTC, its year of four digits.
pub fn day() -> Value {
    json!({ "type": "string", "format": "date", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$", "examples": ["2025-01-15"] })
}

/// A phone number or an email address: `mobid_domain::handle`.
pub fn handle() -> Value {
    json!({ "type": "string", "examples": ["+1234567890", "ann@example.com"], "anyOf": [
        { "title": "Phone number", "description": "E.164: + and 7 to 15 digits.", "type": "string", "pattern": r"^\+[1-9][0-9]{6,14}$" },
        { "title": "Email address", "description": "RFC 5321, with a dotted domain.", "type": "string", "format": "email",
            "pattern": "^[^+].*@.*\\.", "maxLength": 254 },
    ] })
}

/// An address of the web: `http::web_url`. The pattern is what can be said of it without reading it.
pub fn url(pattern: &str, examples: &[&str]) -> Value {
    json!({ "type": "string", "format": "uri", "pattern": pattern, "maxLength": 2_048, "examples": examples })
}

/// https, or http to loopback: `http::web_url`.
const WEB: &str =
    r"^([hH][tT][tT][pP][sS]://[^/?#]|[hH][tT][tT][pP]://([^/?#]*\.)?(localhost|127\.[0-9.]+|\[::1\]))";

pub fn callback_url() -> Value {
    url(WEB, &["https://yourapp.com/callback"])
}

pub fn return_url() -> Value {
    url(WEB, &["https://yourapp.com/done"])
}

pub fn list(item: &Value, max: Option<usize>, unique: bool, example: &Value) -> Value {
    let mut list = json!({ "type": "array", "items": item, "examples": [example] });
    if let Some(max) = max {
        list["maxItems"] = json!(max);
    }
    if unique {
        list["uniqueItems"] = json!(true);
    }
    list
}

/// Or `null`.
pub fn nullable(mut schema: Value) -> Value {
    if let Some(kind) = schema.get("type").filter(|kind| kind.is_string()).cloned() {
        schema["type"] = json!([kind, "null"]);
    }
    for alternatives in ["enum", "anyOf"] {
        if let Some(list) = schema.get_mut(alternatives).and_then(Value::as_array_mut) {
            list.push(if alternatives == "enum" { Value::Null } else { json!({ "type": "null" }) });
        }
    }
    schema
}

/// With a sentence on what it is for.
pub fn about(mut schema: Value, description: impl Into<String>) -> Value {
    schema["description"] = Value::String(description.into());
    schema
}

pub fn consent_statuses() -> Value {
    one_of(&ConsentStatus::ALL.map(ConsentStatus::as_str))
}

pub fn device_statuses() -> Value {
    one_of(&DeviceStatus::ALL.map(DeviceStatus::as_str))
}

pub fn failure_reasons() -> Value {
    json!({ "type": "string", "enum": Reason::ALL })
}

pub fn enrollment_statuses() -> Value {
    one_of(&EnrollmentStatus::ALL.map(EnrollmentStatus::as_str))
}

pub fn client_statuses() -> Value {
    one_of(&[ClientStatus::Active, ClientStatus::Suspended, ClientStatus::Deleted].map(ClientStatus::as_str))
}

pub fn plans() -> Value {
    json!({ "type": "string", "enum": [Plan::Free, Plan::Basic, Plan::Growth, Plan::Enterprise] })
}

pub fn permissions() -> Value {
    json!({ "type": "string", "enum": Permission::ALL })
}

pub fn event_types() -> Value {
    json!({ "type": "string", "enum": EventType::ALL })
}
