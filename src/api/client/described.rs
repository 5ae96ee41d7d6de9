//! The routes of clients, as the document describes them.

use axum::http::Method;
use serde_json::{Value, json};

use super::regenerate_key::MAX_GRACE;
use super::usage::{Body as Usage, DEFAULT_DAYS, MAX_DAYS};
use super::values::{MAX_LIMIT, MAX_LIST, MAX_NAME};
use crate::openapi::body::Body;
use crate::openapi::operation::{Operation, Shown};
use crate::openapi::schema::{about, day, integer, list, nullable, one_of, permissions, plans};
use crate::presentation::client::ClientBody;

const ALL: &str = "/clients";
const ONE: &str = "/clients/{id}";
const TAG: &str = "Clients";
/// What begins and ends with something else than a space, of plain text.
const TRIMMED: &str = r"^[^\s\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]([^\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]*[^\s\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069])?$";

/// What names a host, as far as a pattern goes: `values::rp_id`.
const RP_ID: &str = r"^([a-z0-9_-]{1,63}\.)*[a-z][a-z0-9_-]{0,62}$";
/// The same, or an address: `values::callback_hosts`.
const HOST: &str = concat!(
    r"^(([a-z0-9_-]{1,63}\.)*[a-z][a-z0-9_-]{0,62}|\[[0-9a-f:.]+\]",
    r"|((25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])\.){3}(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9]))$"
);

/// An https origin, or an http one on this very machine, as far as a pattern goes: `values::origins`.
const ORIGIN: &str = concat!(
    r"^(https://(([a-z0-9_-]{1,63}\.)*[a-z][a-z0-9_-]{0,62}|([0-9]{1,3}\.){3}[0-9]{1,3}|\[[0-9a-f:]+\])",
    r"|http://(localhost|127\.0\.0\.1|\[::1\]))(:[1-9][0-9]{0,4})?$"
);

pub fn operations() -> Vec<Operation> {
    let update = update();
    vec![
        list_all(),
        create(),
        retrieve(),
        update.also((Method::PUT, ONE), "putClient"),
        update,
        delete(),
        regenerate_key(),
        rotate_callback_secret(),
        usage(),
    ]
}

fn client(message: &'static str) -> (&'static str, Shown) {
    (message, Shown::one::<ClientBody>())
}

fn list_all() -> Operation {
    let page = ("Clients", Shown::page_of::<ClientBody>());
    Operation::new((Method::GET, ALL), (TAG, "listClients"), "List clients", page)
        .about("Newest first, deleted ones left out.")
        .paged()
}

fn create() -> Operation {
    let body = Body::new("NewClient")
        .required("name", "Shown to recipients.", name())
        .required("permissions", "What its keys may do.", list(&permissions(), None, false, &json!(["consents:read"])))
        .optional("plan", "How much it may ask for; `free` if not said.", plans())
        .optional("limits", "An enterprise's own.", limits())
        .optional("rpId", "The domain that its own passkeys are bound to; not the hosted pages', nor one above or below it.", rp_id())
        .optional("origins", "Where its own pages are: https, http to loopback.", origins())
        .optional("callbackHosts", "Hosts that its callbacks may go to; none is any.", hosts())
        .where_any_of(json!([
            { "properties": { "plan": { "const": "enterprise" } }, "required": ["plan"] },
            { "properties": { "limits": { "type": "null" } } },
        ]))
        .example("shop", &json!({ "name": "A shop", "permissions": ["consents:read", "consents:write"] }))
        .example("bank", &json!({ "name": "A bank", "permissions": ["consents:read", "consents:write", "webhooks:write"],
            "plan": "enterprise", "limits": { "perMinute": 6_000, "perDay": null, "concurrent": 200 },
            "rpId": "login.bank.example", "origins": ["https://login.bank.example"], "callbackHosts": ["api.bank.example"] }));
    Operation::new((Method::POST, ALL), (TAG, "createClient"), "Create a client", client("Client created"))
        .about("Its `apiKey` and its `callbackSecret` are shown in this answer, and never again.")
        .takes(body)
        .versioned()
        .leads_to(&["retrieveClient", "updateClient", "deleteClient", "regenerateKey", "clientUsage"])
}

fn name() -> Value {
    json!({ "type": "string", "minLength": 1, "maxLength": MAX_NAME, "pattern": TRIMMED, "examples": ["A shop"] })
}

fn limits() -> Value {
    let limit = |of: &str| {
        about(nullable(integer(1, MAX_LIMIT)), format!("Requests {of}; `null` or absent is no limit."))
    };
    json!({ "type": "object", "additionalProperties": false, "properties": {
        "perMinute": limit("in a minute"), "perDay": limit("in a day"), "concurrent": limit("at the same time"),
    } })
}

fn rp_id() -> Value {
    json!({ "type": "string", "format": "rp-id", "maxLength": 253, "pattern": RP_ID, "examples": ["login.shop.example"] })
}

fn origins() -> Value {
    let origin = json!({ "type": "string", "format": "origin", "pattern": ORIGIN });
    list(&origin, Some(MAX_LIST), false, &json!(["https://login.shop.example"]))
}

fn hosts() -> Value {
    let host = json!({ "type": "string", "format": "url-host", "pattern": HOST });
    list(&host, Some(MAX_LIST), false, &json!(["api.shop.example"]))
}

fn retrieve() -> Operation {
    Operation::new((Method::GET, ONE), (TAG, "retrieveClient"), "Retrieve a client", client("Client"))
        .names("ClientId")
        .as_of()
        .versioned()
}

fn update() -> Operation {
    let body = Body::new("ClientChanges")
        .replace("name", "Shown to recipients.", name())
        .replace(
            "permissions",
            "What its keys may do.",
            list(&permissions(), None, false, &json!(["consents:read"])),
        )
        .replace(
            "plan",
            "How much it may ask for; what an enterprise had agreed goes with another plan.",
            plans(),
        )
        .patch("limits", "An enterprise's own.", limits())
        .patch("rpId", "The domain that its own passkeys are bound to.", rp_id())
        .replace("origins", "Where its own pages are.", origins())
        .replace("callbackHosts", "Hosts that its callbacks may go to.", hosts())
        .replace(
            "status",
            "A suspended client's keys are good for nothing.",
            one_of(&["active", "suspended"]),
        )
        .example("plan", &json!({ "plan": "growth" }))
        .example("agreed", &json!({ "plan": "enterprise", "limits": { "perMinute": 6_000 } }));
    Operation::new((Method::PATCH, ONE), (TAG, "updateClient"), "Update a client", client("Client updated"))
        .about("Changes the fields that are present, at once. PUT and PATCH do the same.")
        .names("ClientId")
        .takes(body)
        .versioned()
}

fn delete() -> Operation {
    Operation::new((Method::DELETE, ONE), (TAG, "deleteClient"), "Delete a client", client("Client deleted"))
        .about("Its keys are good no more; what it did stays in the log.")
        .names("ClientId")
        .versioned()
}

fn regenerate_key() -> Operation {
    let body = Body::optional_as_a_whole("KeyRegeneration")
        .optional("graceSeconds", "For how many seconds the old key stays good, for everything but clients; 0 if not said. Every earlier grace ends.", integer(0, MAX_GRACE))
        .example("graceful", &json!({ "graceSeconds": 3_600 }));
    let route = (Method::POST, "/clients/{id}/regenerate-key");
    Operation::new(
        route,
        (TAG, "regenerateKey"),
        "Regenerate a client's API key",
        client("API key regenerated"),
    )
    .about("The new `apiKey` is shown in this answer, and never again.")
    .names("ClientId")
    .takes(body)
    .versioned()
}

fn rotate_callback_secret() -> Operation {
    let route = (Method::POST, "/clients/{id}/rotate-callback-secret");
    let rotated = client("Callback secret rotated");
    Operation::new(route, (TAG, "rotateCallbackSecret"), "Rotate a client's callback secret", rotated)
        .about("The new `callbackSecret` is shown in this answer, and never again; the old one signs along for 24 hours.")
        .names("ClientId")
        .takes(Body::optional_as_a_whole("Nothing").example("nothing", &json!({})))
        .versioned()
}

fn usage() -> Operation {
    let data = ("Client usage", Shown::one::<Usage>());
    let summary = "What a client has used, day by day";
    Operation::new((Method::GET, "/clients/{id}/usage"), (TAG, "clientUsage"), summary, data)
        .about(&format!("Days are UTC's, both ends are included, at most {MAX_DAYS} of them; the last {DEFAULT_DAYS} if not said. Requests are counted with a delay of seconds."))
        .names("ClientId")
        .query("from", "The first day.", &day())
        .query("to", "The last day.", &day())
        .positioned()
}
