//! HTTP as this API speaks it: envelope, errors, authentication, idempotency, versions, pages of a list.
//!
//! Leaves to others: what the routes do (api), the hosted pages (pages).

pub mod address;
pub mod authentication;
pub mod body;
pub mod connections;
pub mod cursor;
pub mod envelope;
pub mod error;
pub mod fields;
pub mod guard;
pub mod idempotency;
pub mod query;
pub mod read_model;
pub mod request_id;
pub mod router;
pub mod table;
mod unique_keys;
mod unread;
pub mod version;
pub mod web_url;
