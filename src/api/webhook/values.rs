//! The fields of an endpoint, as a client may write them.

use mobid_domain::webhook::EventType;
use serde_json::Value;

use crate::http::fields::Invalid;

/// Types to hear of, each once; none means all.
pub fn event_types(value: &Value) -> Result<Vec<EventType>, Invalid> {
    let invalid = |message: &str| Invalid::new("invalid_event_types", message);
    let list = value.as_array().ok_or_else(|| invalid("It must be a list of event types."))?;
    let mut event_types = Vec::new();
    for value in list {
        let known = value.as_str().and_then(EventType::parse);
        let event_type = known.ok_or_else(|| {
            invalid("It must name event types that GET /v1/webhooks/event-types lists, and nothing else.")
        })?;
        if event_types.contains(&event_type) {
            return Err(invalid("It must not name an event type twice."));
        }
        event_types.push(event_type);
    }
    Ok(event_types)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn event_types_are_known_and_named_once() {
        let parsed = event_types(&json!(["consent.created", "auth.failed"])).unwrap();
        assert_eq!(parsed, [EventType::ConsentCreated, EventType::AuthFailed]);
        assert_eq!(event_types(&json!([])).unwrap(), []);
        for bad in [
            json!("consent.created"),
            json!(["consent.scanned"]),
            json!([1]),
            json!(["auth.failed", "auth.failed"]),
            json!([null]),
        ] {
            assert_eq!(event_types(&bad).unwrap_err().code, "invalid_event_types", "{bad}");
        }
    }
}
