//! The JSON of `WebAuthn` (Web Authentication Level 3, section 5.1.9 and 5.1.10), as much of it as is made and read here.

use serde_json::{Value, json};

use super::schema::about;

/// Bytes in base64url without padding.
fn bytes() -> Value {
    json!({ "type": "string", "pattern": "^[A-Za-z0-9_-]*$", "examples": ["AQID"] })
}

fn descriptors(description: &str) -> Value {
    json!({ "type": "array", "description": description, "items": { "type": "object", "required": ["type", "id"], "properties": {
        "type": { "type": "string", "const": "public-key" },
        "id": bytes(),
        "transports": { "type": "array", "items": { "type": "string" } },
    } } })
}

pub fn creation_options() -> Value {
    let user = json!({ "type": "object", "required": ["id", "name", "displayName"], "properties": {
        "id": bytes(), "name": { "type": "string" }, "displayName": { "type": "string" },
    } });
    json!({ "type": "object", "description": "PublicKeyCredentialCreationOptionsJSON of Web Authentication Level 3.",
        "required": ["rp", "user", "challenge", "pubKeyCredParams"], "properties": {
        "rp": { "type": "object", "required": ["id", "name"], "properties": { "id": { "type": "string" }, "name": { "type": "string" } } },
        "user": user,
        "challenge": bytes(),
        "pubKeyCredParams": { "type": "array", "items": { "type": "object", "required": ["type", "alg"], "properties": {
            "type": { "type": "string", "const": "public-key" }, "alg": { "type": "integer" },
        } } },
        "timeout": about(json!({ "type": "integer" }), "Milliseconds."),
        "excludeCredentials": descriptors("The user's passkeys that there are already."),
        "authenticatorSelection": { "type": "object" },
        "attestation": { "type": "string" },
        "extensions": { "type": "object" },
    } })
}

pub fn request_options() -> Value {
    json!({ "type": "object", "description": "PublicKeyCredentialRequestOptionsJSON of Web Authentication Level 3.",
        "required": ["challenge", "rpId", "allowCredentials", "userVerification"], "properties": {
        "challenge": bytes(),
        "timeout": about(json!({ "type": "integer" }), "Milliseconds."),
        "rpId": { "type": "string" },
        "allowCredentials": descriptors("The user's active passkeys; none where whoever is at the device chooses."),
        "userVerification": { "type": "string", "const": "required" },
    } })
}

/// What both answers have, with their own response.
fn answer(name: &str, response: &Value, example: &Value) -> Value {
    let id = json!({ "type": "string", "pattern": "^[A-Za-z0-9_-]+$", "examples": ["AQID"] });
    json!({ "type": "object", "description": format!("{name} of Web Authentication Level 3."),
        "required": ["id", "rawId", "type", "response"], "properties": {
        "id": id,
        "rawId": about(id.clone(), "The same as `id`."),
        "type": { "type": "string", "const": "public-key" },
        "response": response,
        "authenticatorAttachment": { "type": ["string", "null"] },
        "clientExtensionResults": { "type": "object" },
    }, "examples": [{ "id": "AQID", "rawId": "AQID", "type": "public-key", "response": example, "clientExtensionResults": {} }] })
}

pub fn registration_response() -> Value {
    let response = json!({ "type": "object", "required": ["clientDataJSON", "attestationObject"], "properties": {
        "clientDataJSON": bytes(),
        "attestationObject": bytes(),
        "transports": { "type": "array", "items": { "type": "string" } },
    } });
    let example = json!({ "clientDataJSON": "e30", "attestationObject": "oA", "transports": ["internal"] });
    answer("RegistrationResponseJSON", &response, &example)
}

pub fn authentication_response() -> Value {
    let response = json!({ "type": "object", "required": ["clientDataJSON", "authenticatorData", "signature"], "properties": {
        "clientDataJSON": bytes(),
        "authenticatorData": bytes(),
        "signature": bytes(),
        "userHandle": { "type": ["string", "null"], "pattern": "^[A-Za-z0-9_-]*$" },
    } });
    let example =
        json!({ "clientDataJSON": "e30", "authenticatorData": "oA", "signature": "MA", "userHandle": null });
    answer("AuthenticationResponseJSON", &response, &example)
}
