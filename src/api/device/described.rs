//! The routes of devices, as the document describes them.

use axum::http::Method;
use serde_json::json;

use super::block::MAX_REASON;
use crate::openapi::body::Body;
use crate::openapi::named::reference;
use crate::openapi::operation::{Operation, Shown};
use crate::openapi::schema::text;
use crate::presentation::device::DeviceBody;

const ALL: &str = "/devices";
const ONE: &str = "/devices/{id}";
const TAG: &str = "Devices";
/// What can be done with a device.
const NEXT: [&str; 4] = ["retrieveDevice", "blockDevice", "unblockDevice", "deregisterDevice"];

pub fn operations() -> Vec<Operation> {
    vec![list_all(), retrieve(), deregister(), block(), unblock()]
}

fn device(message: &'static str) -> (&'static str, Shown) {
    (message, Shown::one::<DeviceBody>())
}

fn list_all() -> Operation {
    let page = ("Devices", Shown::page_of::<DeviceBody>());
    Operation::new((Method::GET, ALL), (TAG, "listDevices"), "List devices", page)
        .about("Those that this client registered, newest first, deregistered ones included.")
        .query("userId", "Whose: what the client calls its user.", &text(1, 255))
        .query("status", "Where they stand.", &reference("DeviceStatus"))
        .paged()
        .positioned()
}

fn retrieve() -> Operation {
    Operation::new((Method::GET, ONE), (TAG, "retrieveDevice"), "Retrieve a device", device("Device"))
        .names("DeviceId")
        .as_of()
        .versioned()
        .leads_to(&NEXT)
}

fn deregister() -> Operation {
    let deregistered = device("Device deregistered");
    Operation::new((Method::DELETE, ONE), (TAG, "deregisterDevice"), "Deregister a device", deregistered)
        .about("It is good for nothing from now on, on every instance, and does not come back. What it did stays in the log.")
        .names("DeviceId")
        .versioned()
}

fn block() -> Operation {
    let mut reason = text(1, MAX_REASON);
    reason["examples"] = json!(["Reported as stolen"]);
    let body = Body::optional_as_a_whole("DeviceBlock")
        .optional("reason", "For people; shown with the device.", reason)
        .example("stolen", &json!({ "reason": "Reported as stolen" }));
    let route = (Method::POST, "/devices/{id}/block");
    Operation::new(route, (TAG, "blockDevice"), "Block a device", device("Device blocked"))
        .about("It fails at once, on every instance, until it is unblocked. One that is blocked already stays as it is. Where it is a passkey of the hosted pages, no other passkey of the same person counts with this client meanwhile that is not a device to it.")
        .names("DeviceId")
        .takes(body)
        .versioned()
        .leads_to(&NEXT)
}

fn unblock() -> Operation {
    let route = (Method::POST, "/devices/{id}/unblock");
    Operation::new(route, (TAG, "unblockDevice"), "Unblock a device", device("Device unblocked"))
        .about("Also one that was blocked because its signature counter went back: there may be two of it, so find out first.")
        .names("DeviceId")
        .takes(Body::optional_as_a_whole("Nothing").example("nothing", &json!({})))
        .versioned()
        .leads_to(&NEXT)
}
