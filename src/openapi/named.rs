//! Values that many schemas name: each is described once, under a name of its own.

use mobid_domain::qr::{EndReason as QrEnd, Status as QrStatus};
use mobid_domain::report::Reason as ReportReason;
use serde_json::{Map, Value, json};
use utoipa::openapi::schema::OneOfBuilder;
use utoipa::openapi::{ObjectBuilder, Ref, RefOr, Schema, Type};

use super::ceremonies;
use super::schema::{
    about, client_statuses, consent_statuses, device_statuses, enrollment_statuses, event_types,
    failure_reasons, id, integer, nullable, one_of, permissions, plans, slug as any_slug, time,
};
use crate::presentation::ERASED;

macro_rules! named {
    ($($name:ident = $text:literal: $schema:expr;)*) => {
        $(pub fn $name() -> Ref {
            Ref::from_schema_name($text)
        })*

        /// All of them, by name.
        pub fn all() -> Map<String, Value> {
            let mut all = Map::new();
            $(all.insert($text.to_owned(), $schema);)*
            all
        }
    };
}

named! {
    consent_id = "ConsentId": about(id("cs_"), "A consent session. An id is not a secret.");
    client_id = "ClientId": about(id("cl_"), "A client.");
    enrollment_id = "EnrollmentId": about(id("enr_"), "An enrollment.");
    qr_id = "QrId": about(id("qr_"), "A QR code. An id is not a secret.");
    report_id = "ReportId": about(id("rpt_"), "A report of abuse.");
    endpoint_id = "EndpointId": about(id("we_"), "A webhook endpoint.");
    event_id = "EventId": about(id("evt_"), "An event; the `webhook-id` of what tells of it.");
    user_id = "UserId": about(id("usr_"), "A person as this client knows them: another client knows them by another id.");
    device_id = "DeviceId": about(id("dev_"), "A passkey, and the authenticator that holds it.");
    login_id = "LoginId": about(id("lgn_"), "One attempt to log in.");
    session_id = "SessionId": about(id("ses_"), "A ceremony with a passkey that was begun.");
    device_status = "DeviceStatus": about(device_statuses(), "A `blocked` device fails until it is unblocked; a `deregistered` one for ever.");
    device_block = "DeviceBlocked": device_block_shown();
    failure_reason = "FailureReason": about(failure_reasons(), "Why a ceremony with a passkey failed.");
    creation_options = "CreationOptions": ceremonies::creation_options();
    request_options = "RequestOptions": ceremonies::request_options();
    slug = "Slug": about(any_slug(&["identity_verification"]), "A short name that a client chooses; never personal data.");
    consent_status = "ConsentStatus": about(consent_statuses(),
        "`pending` becomes `approved`, `rejected`, `expired` or `revoked`; `approved` can become `revoked`.");
    enrollment_status = "EnrollmentStatus": about(enrollment_statuses(),
        "`pending` becomes `device_registered`, that `completed` or `failed`; both can become `expired` or `cancelled`.");
    enrollment_failure = "EnrollmentFailure": one_of(&["too_many_tries"]);
    qr_type = "QrCodeType": one_of(&["consent", "enrollment", "login"]);
    qr_end = "QrCodeEnd": about(one_of(&QrEnd::ALL.map(QrEnd::as_str)), "Whoever scanned it declined, or three wrong numbers were entered.");
    qr_status = "QrCodeStatus": about(one_of(&QrStatus::ALL.map(QrStatus::as_str)),
        "`active` becomes `scanned` when somebody whom it led to the page does something there, and that `used` when what it refers to was decided; whatever comes too late, or leads to what has ended, is `expired`.");
    report_reason = "ReportReason": about(one_of(&ReportReason::ALL.map(ReportReason::as_str)), "What is wrong, of what a person can choose from.");
    client_status = "ClientStatus": client_statuses();
    endpoint_status = "WebhookEndpointStatus": one_of(&["active", "disabled", "deleted"]);
    event_type = "EventType": event_types();
    permission = "Permission": permissions();
    plan = "Plan": about(plans(), "How much a client may ask for.");
    limits = "Limits": limits_shown();
    assurance = "Assurance": assurance_shown();
    claims = "Claims": claims_shown();
    metadata = "Metadata": metadata_shown();
    require_assurance = "RequireAssurance": about(one_of(&["any", "passkey"]), "What the recipient has to prove when deciding.");
}

/// What is named, or `null`.
fn or_null(named: Ref) -> RefOr<Schema> {
    OneOfBuilder::new().item(ObjectBuilder::new().schema_type(Type::Null)).item(named).into()
}

pub fn assurance_or_null() -> RefOr<Schema> {
    or_null(assurance())
}

pub fn qr_end_or_null() -> RefOr<Schema> {
    or_null(qr_end())
}

pub fn device_block_or_null() -> RefOr<Schema> {
    or_null(device_block())
}

pub fn failure_reason_or_null() -> RefOr<Schema> {
    or_null(failure_reason())
}

pub fn device_id_or_null() -> RefOr<Schema> {
    or_null(device_id())
}

pub fn enrollment_failure_or_null() -> RefOr<Schema> {
    or_null(enrollment_failure())
}

pub fn claims_or_null() -> RefOr<Schema> {
    or_null(claims())
}

/// A reference for a schema that is written as JSON.
pub fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

fn device_block_shown() -> Value {
    json!({ "type": "object", "description": "Why a device is blocked.", "properties": {
        "because": about(one_of(&["requested", "counter_regressed"]),
            "`counter_regressed`: its signature counter went back, so there may be two of it."),
        "reason": { "type": ["string", "null"], "description": "In the client's own words." },
        "at": time(),
    }, "required": ["because", "reason", "at"] })
}

fn limits_shown() -> Value {
    let limit =
        |of| about(nullable(integer(1, i64::from(u32::MAX))), format!("Requests {of}; `null` is no limit."));
    json!({ "type": "object", "description": "The limits in force.", "properties": {
        "perMinute": limit("in a minute"), "perDay": limit("in a day"), "concurrent": limit("at the same time"),
    }, "required": ["perMinute", "perDay", "concurrent"] })
}

fn assurance_shown() -> Value {
    json!({ "type": "object", "description": "What the recipient proved when deciding.", "properties": {
        "method": one_of(&["passkey", "one_time_code"]),
        "userVerified": { "type": "boolean",
            "description": "WebAuthn user verification (biometric or PIN); never so for a one-time code." },
        "boundAt": about(time(), "When the proof was bound to what was decided."),
    }, "required": ["method", "userVerified", "boundAt"] })
}

fn claims_shown() -> Value {
    let claim = json!({ "type": "object", "properties": {
        "value": { "type": "string" },
        "source": about(one_of(&["self_asserted", "verified_handle"]),
            "Stated by the recipient, or the handle that the recipient proved to have."),
    }, "required": ["value", "source"] });
    json!({ "description": "What the recipient granted, by field of the scope. Gone once revoked or erased.", "anyOf": [
        { "type": "object", "propertyNames": { "pattern": "^[a-z][a-z0-9_]{0,63}$" }, "additionalProperties": claim },
        { "type": "string", "const": ERASED },
    ] })
}

fn metadata_shown() -> Value {
    json!({ "description": "What the client put there.", "anyOf": [
        { "type": "object", "additionalProperties": { "type": "string" } },
        { "type": "string", "const": ERASED },
    ] })
}
